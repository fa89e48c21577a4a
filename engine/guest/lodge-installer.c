/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installers that the host's packages brought: Debian's debian-installer-<N>-netboot-amd64. */
#include "guest/lodge-media.h"

#include "host/lodge-host-root.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#define IMAGES_FOLDER "/usr/lib/debian-installer/images"

/* The two variants in each package. The kernel's arguments are those of the package's own boot menu
 * (boot-screens/txt.cfg, the same file in both). */
static const struct {
  const char *name;
  const char *title; /* "%s" is the release */
  const char *sentence;
  const char *append;
} variants[] = {
    {"gtk", N_ ("Debian %s Installer"),
     N_ ("Installs Debian from the network, with a graphical interface"), "vga=788 --- quiet"},
    {"text", N_ ("Debian %s Installer, Text Mode"),
     N_ ("Installs Debian from the network, with a text interface"), "vga=788 --- quiet"},
};

void
lodge_installer_free (LodgeInstaller *self)
{
  g_free (self->id);
  g_free (self->title);
  g_free (self->sentence);
  g_free (self->os);
  g_free (self->kernel);
  g_free (self->initrd);
  g_free (self->append);
  g_free (self);
}

static gboolean
is_release (const char *name)
{
  gint64 number;

  return g_ascii_string_to_signed (name, 10, 1, 999, &number, NULL) && name[0] != '0' &&
         name[0] != '+';
}

/* The newest first. */
static int
compare_releases (gconstpointer a, gconstpointer b)
{
  return (int) g_ascii_strtoll (*(const char *const *) b, NULL, 10) -
         (int) g_ascii_strtoll (*(const char *const *) a, NULL, 10);
}

static gboolean
is_readable_file (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_REGULAR) && access (path, R_OK) == 0;
}

static void
add_installer (GPtrArray *installers, const char *images, const char *release, guint variant)
{
  g_autofree char *folder = g_build_filename (images, release, "amd64", variants[variant].name,
                                              "debian-installer/amd64", NULL);
  g_autofree char *kernel = g_build_filename (folder, "linux", NULL);
  g_autofree char *initrd = g_build_filename (folder, "initrd.gz", NULL);
  g_auto (GStrv) title = NULL;
  LodgeInstaller *self;

  if (!is_readable_file (kernel) || !is_readable_file (initrd))
    return;

  /* Not printf: the format would be a translator's. */
  title = g_strsplit (_ (variants[variant].title), "%s", 2);
  self = g_new0 (LodgeInstaller, 1);
  self->id = g_strdup_printf ("debian-%s-%s", release, variants[variant].name);
  self->title = g_strjoinv (release, title);
  self->sentence = g_strdup (_ (variants[variant].sentence));
  self->os = g_strdup_printf ("debian%s", release);
  self->kernel = g_steal_pointer (&kernel);
  self->initrd = g_steal_pointer (&initrd);
  self->append = g_strdup (variants[variant].append);
  g_ptr_array_add (installers, self);
}

GPtrArray *
lodge_installer_list (void)
{
  g_autofree char *images = lodge_host_root_dup_path (IMAGES_FOLDER);
  g_autoptr (GDir) dir = g_dir_open (images, 0, NULL);
  g_autoptr (GPtrArray) releases = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *installers = g_ptr_array_new_with_free_func ((GDestroyNotify) lodge_installer_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_release (name))
      g_ptr_array_add (releases, g_strdup (name));
  g_ptr_array_sort (releases, compare_releases);

  for (guint i = 0; i < releases->len; i++)
    for (guint variant = 0; variant < G_N_ELEMENTS (variants); variant++)
      add_installer (installers, images, g_ptr_array_index (releases, i), variant);
  return installers;
}

LodgeInstaller *
lodge_installer_find (const char *id)
{
  g_autoptr (GPtrArray) installers = lodge_installer_list ();

  for (guint i = 0; i < installers->len; i++) {
    if (g_str_equal (((LodgeInstaller *) installers->pdata[i])->id, id))
      return g_ptr_array_steal_index (installers, i);
  }
  return NULL;
}
