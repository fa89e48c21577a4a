/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walls around a program: bubblewrap's command line.
 *
 * Theory of operation. bubblewrap (bwrap(1)) makes new user, mount, pid, network, ipc, uts and
 * cgroup namespaces and an empty root, and puts into it only what it is told to. Each step:
 *
 *   --unshare-all      Mustn't see the host's processes, network (loopback and abstract sockets
 *                      included), System V memory.
 *   --new-session      Mustn't push characters into the terminal it was started from (TIOCSTI).
 *   --cap-drop ALL     Mustn't have capabilities even inside its own user namespace.
 *   /usr and its links Should find its libraries and modules, which QEMU loads when already inside.
 *   single files       Should reach its disks; mustn't reach the folder they are in: what can write
 *                      a machine's folder can write its description and plant links.
 *   --remount-ro /     Mustn't leave files in the empty root.
 *
 * The network flag gives the host's network back, for the one process that needs it.
 */
#include "qemu/lodge-containment.h"

#include "lodge-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void
add_all (GPtrArray *argv, const char *const *arguments)
{
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (arguments[i]));
}

#define ADD(argv, ...) add_all (argv, (const char *const[]){__VA_ARGS__, NULL})

char *
lodge_containment_find_program (const char *program, GError **error)
{
  g_autofree char *path = g_find_program_in_path (program);
  g_autofree char *absolute = NULL;

  if (path == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The program %s is not installed, or may not be run"), program);
    return NULL;
  }

  absolute = g_canonicalize_filename (path, NULL);
  return g_steal_pointer (&absolute);
}

/* Where /bin, /lib and so on are links into /usr they are made again; on a system that has not
 * merged them they are folders of their own. */
static void
add_system (GPtrArray *argv)
{
  const char *const folders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

  ADD (argv, "--ro-bind", "/usr", "/usr");
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *target = g_file_read_link (folders[i], NULL);

    if (target != NULL)
      ADD (argv, "--symlink", target, folders[i]);
    else if (g_file_test (folders[i], G_FILE_TEST_IS_DIR))
      ADD (argv, "--ro-bind", folders[i], folders[i]);
  }

  /* Without the cache the loader misses libraries in folders that ld.so.conf adds. Without the
   * time zone a guest whose clock runs in local time gets UTC. */
  ADD (argv, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache");
  ADD (argv, "--ro-bind-try", "/etc/localtime", "/etc/localtime");
}

/* Whether @path can be seen already and needs no bind of its own. */
static gboolean
is_system_path (const char *path)
{
  return g_str_has_prefix (path, "/usr/");
}

/* Of most systems; what belongs to root belongs to it inside. */
#define FIRST_USER "1000"

/* Where the child has the folder whose resolv.conf is kept up to date. */
#define RESOLVER "/run/lodge-resolver"

/* Mesa and libdrm learn by these which driver a node is of: the device's own folder, and by its
 * number where that is (libdrm, xf86drm.c, drmGetDeviceFromDevId). Nothing else of /sys is seen. */
static void
add_graphics (GPtrArray *argv, const char *node)
{
  struct stat info;

  ADD (argv, "--dev-bind-try", node, node);
  if (stat (node, &info) != 0 || !S_ISCHR (info.st_mode))
    return;

  g_autofree char *link =
      g_strdup_printf ("/sys/dev/char/%u:%u", major (info.st_rdev), minor (info.st_rdev));
  g_autofree char *target = g_file_read_link (link, NULL);
  g_autofree char *device_link = g_build_filename (link, "device", NULL);
  char *device = realpath (device_link, NULL);

  if (target != NULL && device != NULL) {
    ADD (argv, "--ro-bind", device, device);
    ADD (argv, "--symlink", target, link);
  }
  free (device);
}

static gboolean
add_bind (GPtrArray *argv, const LodgeContainmentBind *bind, GError **error)
{
  struct stat info;

  if (bind->how == LODGE_COMMAND_BIND_DEVICE) {
    ADD (argv, "--dev-bind-try", bind->path, bind->path);
    return TRUE;
  }
  if (bind->how == LODGE_COMMAND_BIND_GRAPHICS) {
    add_graphics (argv, bind->path);
    return TRUE;
  }
  if (bind->how == LODGE_COMMAND_BIND_HIDDEN) {
    /* Covered: to connect to what is no socket is refused, and a mount can not be unlinked. */
    if (lstat (bind->path, &info) == 0 && !S_ISDIR (info.st_mode))
      ADD (argv, "--ro-bind", "/dev/null", bind->path);
    return TRUE;
  }
  if (bind->how == LODGE_COMMAND_BIND_READ_ONLY && is_system_path (bind->path))
    return TRUE;

  if (stat (bind->path, &info) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("Could not find %s: %s"), bind->path,
                 g_strerror (saved));
    return FALSE;
  }
  if (bind->how == LODGE_COMMAND_BIND_RESOLVER) {
    ADD (argv, "--ro-bind", bind->path, RESOLVER);
    ADD (argv, "--symlink", RESOLVER "/resolv.conf", "/etc/resolv.conf");
    return TRUE;
  }
  ADD (argv, bind->how == LODGE_COMMAND_BIND_READ_WRITE ? "--bind" : "--ro-bind", bind->path,
       bind->path);
  return TRUE;
}

static gboolean
has_resolver (const LodgeContainmentBind *binds, guint n_binds)
{
  for (guint i = 0; i < n_binds; i++) {
    if (binds[i].how == LODGE_COMMAND_BIND_RESOLVER)
      return TRUE;
  }
  return FALSE;
}

GPtrArray *
lodge_containment_new_argv (LodgeContainmentFlags flags,
                            const LodgeContainmentBind *binds,
                            guint n_binds,
                            const char *const *argv,
                            GError **error)
{
  g_autoptr (GPtrArray) contained = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *bwrap = NULL;
  g_autofree char *program = NULL;

  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  bwrap = lodge_containment_find_program ("bwrap", NULL);
  if (bwrap == NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("The program bwrap is not installed: install the package bubblewrap"));
    return NULL;
  }
  program = lodge_containment_find_program (argv[0], error);
  if (program == NULL)
    return NULL;

  ADD (contained, bwrap, "--unshare-all");
  if (flags & LODGE_CONTAINMENT_NETWORK)
    ADD (contained, "--share-net");
  if (flags & LODGE_CONTAINMENT_DIE_WITH_PARENT)
    ADD (contained, "--die-with-parent");
  if ((flags & LODGE_CONTAINMENT_NOT_ROOT) && geteuid () == 0)
    ADD (contained, "--unshare-user", "--uid", FIRST_USER, "--gid", FIRST_USER);
  ADD (contained, "--new-session", "--cap-drop", "ALL");

  add_system (contained);
  ADD (contained, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp");
  /* The file as it is now; one that is replaced later is not seen. */
  if ((flags & LODGE_CONTAINMENT_NETWORK) && !has_resolver (binds, n_binds))
    ADD (contained, "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf");
  if (!is_system_path (program))
    ADD (contained, "--ro-bind", program, program);
  for (guint i = 0; i < n_binds; i++) {
    if (!add_bind (contained, &binds[i], error))
      return NULL;
  }
  ADD (contained, "--remount-ro", "/", "--chdir", "/", "--", program);

  for (guint i = 1; argv[i] != NULL; i++)
    g_ptr_array_add (contained, g_strdup (argv[i]));
  g_ptr_array_add (contained, NULL);
  return g_steal_pointer (&contained);
}

char **
lodge_containment_dup_environment (void)
{
  /* The sanitizers' options matter when our own programs are built with them. */
  const char *const kept[] = {"LANG", "LANGUAGE",     "LC_ALL",       "LC_CTYPE",     "LC_MESSAGES",
                              "TZ",   "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};
  char **environment = g_environ_setenv (NULL, "PATH", "/usr/local/bin:/usr/bin:/bin", TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    if (g_getenv (kept[i]) != NULL)
      environment = g_environ_setenv (environment, kept[i], g_getenv (kept[i]), TRUE);
  }
  return environment;
}
