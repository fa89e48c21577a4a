/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel's files say about KVM. */
#include "host/lodge-kvm-evidence.h"

#include "host/lodge-host-root.h"

#include <string.h>
#include <sys/utsname.h>

/* Kernel modules of hypervisors that take the CPU's extension for themselves. */
static const struct {
  const char *module;
  const char *name;
} other_hypervisors[] = {
    {"vboxdrv", "VirtualBox"},
    {"vmmon", "VMware"},
    {"acrn", "ACRN"},
};

/* The text after "key : " of the first line that has it, as /proc/cpuinfo writes it; "" without. */
static char *
read_field (const char *text, const char *key)
{
  g_auto (GStrv) lines = text != NULL ? g_strsplit (text, "\n", -1) : NULL;
  gsize length = strlen (key);

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
    const char *rest = lines[i] + length;

    if (!g_str_has_prefix (lines[i], key))
      continue;
    rest += strspn (rest, " \t");
    if (*rest == ':')
      return g_strstrip (g_strdup (rest + 1));
  }
  return g_strdup ("");
}

static gboolean
has_word (const char *text, const char *word)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  return g_strv_contains ((const char *const *) words, word);
}

static void
read_cpu (LodgeKvmHost *self)
{
  g_autofree char *cpuinfo = lodge_host_root_read ("/proc/cpuinfo");
  g_autofree char *flags = read_field (cpuinfo, "flags");
  g_autofree char *vendor = read_field (cpuinfo, "vendor_id");

  self->cpu_model = read_field (cpuinfo, "model name");
  self->cpu_flag = has_word (flags, "vmx") || has_word (flags, "svm");
  self->cpu_amd = has_word (flags, "svm") || g_str_equal (vendor, "AuthenticAMD") ||
                  g_str_equal (vendor, "HygonGenuine");
  self->virtual = has_word (flags, "hypervisor");
}

static void
read_surroundings (LodgeKvmHost *self)
{
  static const char *const container_files[] = {
      "/run/.containerenv", "/.dockerenv", "/run/systemd/container", "/run/host/container-manager"};

  if (self->virtual)
    self->virtual_vendor = lodge_host_root_read ("/sys/class/dmi/id/sys_vendor");
  if (self->virtual_vendor == NULL)
    self->virtual_vendor = g_strdup ("");

  for (guint i = 0; i < G_N_ELEMENTS (container_files); i++)
    self->container |= lodge_host_root_exists (container_files[i]);
}

static char *
read_kernel (char **out_release)
{
  g_autofree char *release = lodge_host_root_read ("/proc/sys/kernel/osrelease");
  g_autofree char *version = lodge_host_root_read ("/proc/sys/kernel/version");
  char *kernel =
      g_strdup_printf ("%s %s", release != NULL ? release : "", version != NULL ? version : "");

  *out_release = release != NULL ? g_steal_pointer (&release) : g_strdup ("");
  return kernel;
}

static void
read_modules (LodgeKvmHost *self, const char *release)
{
  g_autofree char *folder = g_build_filename ("/lib/modules", release, "kernel/arch/x86/kvm", NULL);

  self->module_kvm = lodge_host_root_has_module ("kvm");
  if (lodge_host_root_has_module ("kvm_intel"))
    self->module_vendor = g_strdup ("kvm_intel");
  else if (lodge_host_root_has_module ("kvm_amd"))
    self->module_vendor = g_strdup ("kvm_amd");
  else
    self->module_vendor = g_strdup ("");
  self->module_installed = self->module_kvm || lodge_host_root_exists (folder);

  for (guint i = 0; self->other_hypervisor == NULL && i < G_N_ELEMENTS (other_hypervisors); i++)
    if (lodge_host_root_has_module (other_hypervisors[i].module))
      self->other_hypervisor =
          g_strdup_printf ("%s (%s)", other_hypervisors[i].name, other_hypervisors[i].module);
  if (self->other_hypervisor == NULL)
    self->other_hypervisor = g_strdup ("");
}

/* /etc/group itself: a group joined a minute ago is there, and not yet in this process. */
static void
read_group (LodgeKvmHost *self)
{
  g_autofree char *group = lodge_host_root_read ("/etc/group");
  g_auto (GStrv) lines = group != NULL ? g_strsplit (group, "\n", -1) : NULL;

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], ":", 4);
    g_auto (GStrv) members = NULL;

    if (g_strv_length (fields) != 4 || !g_str_equal (fields[0], "kvm"))
      continue;
    members = g_strsplit (fields[3], ",", -1);
    self->group_kvm = TRUE;
    self->in_group_kvm = g_strv_contains ((const char *const *) members, g_get_user_name ());
  }
}

LodgeKvmHost *
lodge_kvm_host_read (void)
{
  LodgeKvmHost *self = g_new0 (LodgeKvmHost, 1);
  g_autofree char *release = NULL;

  read_cpu (self);
  read_surroundings (self);
  self->kernel = read_kernel (&release);
  self->device = lodge_host_root_exists ("/dev/kvm");
  read_modules (self, release);
  read_group (self);
  return self;
}

void
lodge_kvm_host_free (LodgeKvmHost *self)
{
  g_free (self->cpu_model);
  g_free (self->virtual_vendor);
  g_free (self->module_vendor);
  g_free (self->other_hypervisor);
  g_free (self->kernel);
  g_free (self);
}
