/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server can still do with files: by Landlock (linux/landlock.h, Linux
 * 5.13), whose three calls the C library has no functions for. */
#include "sdl/lodge-viewer-sandbox-private.h"

#include "lodge-config.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ        (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define USE_DEVICES (READ | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* Everything that the first version knows but to run programs, which the other part forbids. */
#define HANDLED                                                                                    \
  (USE_DEVICES | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
   LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |      \
   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
   LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Libraries, drivers, fonts, certificates, names of hosts; where some distributions have them. */
static const char *const system_places[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/etc",
    "/sys",
    "/proc",
    "/nix/store",
    "/gnu/store",
    "/run/opengl-driver",
    "/run/udev",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/var/cache/fontconfig",
    LODGE_DATADIR,
};

/* The user's own fonts and cursors, and the keys to the display and the sound server. */
typedef struct {
  const char *(*get_folder) (void);
  const char *name;
} UserPlace;

static const UserPlace user_places[] = {
    {g_get_home_dir, ".fonts"},
    {g_get_home_dir, ".icons"},
    {g_get_home_dir, ".Xauthority"},
    {g_get_home_dir, ".pulse-cookie"},
    {g_get_user_data_dir, "fonts"},
    {g_get_user_data_dir, "icons"},
    {g_get_user_config_dir, "fontconfig"},
    {g_get_user_config_dir, "pulse"},
    {g_get_user_cache_dir, "fontconfig"},
    {g_get_user_cache_dir, "gstreamer-1.0"},
};

/* Environment variables that name a file. */
static const char *const named_places[] = {"XAUTHORITY", "PULSE_COOKIE", "SSL_CERT_FILE"};

static void
allow (int ruleset, const char *path, guint64 access)
{
  const guint64 of_files = access & ~LANDLOCK_ACCESS_FS_READ_DIR;
  struct landlock_path_beneath_attr rule = {.allowed_access = access};

  rule.parent_fd = open (path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0)
    return; /* what is not there cannot be read */
  if (syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    /* A file alone takes no rights of folders. */
    rule.allowed_access = of_files;
    (void) syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  close (rule.parent_fd);
}

/* Whatever a driver calls its devices, and nothing else that is kept in /dev: not the memory that
 * other programs share (/dev/shm), nor their terminals (/dev/pts, a file system of its own). X and
 * PulseAudio share theirs by System V's calls and by memfd_create(); where the latter has been told
 * to use /dev/shm, it copies instead (pulse/context.c). */
static void
allow_devices (int ruleset)
{
  g_autoptr (GDir) dir = g_dir_open ("/dev", 0, NULL);
  struct stat root, entry;
  const char *name;

  if (dir == NULL || stat ("/dev", &root) != 0)
    return;
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename ("/dev", name, NULL);

    if (lstat (path, &entry) != 0)
      continue;
    if (S_ISCHR (entry.st_mode) ||
        (S_ISDIR (entry.st_mode) && entry.st_dev == root.st_dev && !g_str_equal (name, "shm")))
      allow (ruleset, path, USE_DEVICES);
  }
}

gboolean
lodge_viewer_sandbox_limit_files (void)
{
  const struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED};
  const int ruleset =
      (int) syscall (SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  gboolean done;

  if (ruleset < 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (system_places); i++)
    allow (ruleset, system_places[i], READ);
  for (guint i = 0; i < G_N_ELEMENTS (user_places); i++) {
    g_autofree char *path =
        g_build_filename (user_places[i].get_folder (), user_places[i].name, NULL);

    allow (ruleset, path, READ);
  }
  for (guint i = 0; i < G_N_ELEMENTS (named_places); i++) {
    if (g_getenv (named_places[i]) != NULL)
      allow (ruleset, g_getenv (named_places[i]), READ);
  }
  allow_devices (ruleset);
  done = syscall (SYS_landlock_restrict_self, ruleset, 0) == 0;
  close (ruleset);
  return done;
}
