/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk or partition of this computer that a guest is to have as a whole.
 *
 * What is in use is read from /sys/class/block/NAME/holders (LVM, dm-crypt, RAID), from
 * /proc/self/mountinfo (proc(5)) and from /proc/swaps, so that the sentence can say by what; and
 * the kernel has the last word: open(2) with O_EXCL of a block device fails with EBUSY while
 * anybody there has a claim to it, also in another namespace of mounts, and claims it while it is
 * open.
 */
#include "host/lodge-host-disk.h"

#include "host/lodge-host-medium.h"
#include "host/lodge-host-root.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK "/sys/class/block/"

static const char *const folders[] = {"/dev/disk/by-id/", "/dev/disk/by-partuuid/"};

void
lodge_host_disk_free (LodgeHostDisk *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self->name);
  g_free (self->identity);
  g_free (self->label);
  g_free (self);
}

/* --- Which one it is --- */

static char *
read_line (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("");
  g_strcanon (g_strstrip (text),
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
              "0123456789-._:/ ",
              '_');
  return g_steal_pointer (&text);
}

/* The folder in /sys of @name, with its links resolved: those above it are what it hangs on. */
static char *
dup_sysfs (const char *name)
{
  g_autofree char *link = g_strconcat (BLOCK, name, NULL);
  g_autofree char *full = lodge_host_root_dup_path (link);
  char *real = realpath (full, NULL);
  char *copy = g_strdup (real);

  free (real);
  return copy;
}

static gboolean
has (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* A USB device has its serial number some folders above the disk, which has none. What is above
 * that is a hub, whose number is that of everything behind it. */
static char *
dup_serial (const char *sysfs)
{
  static const char *const files[] = {"wwid",    "device/wwid",       "serial", "device/serial",
                                      "dm/uuid", "loop/backing_file", NULL};
  g_autofree char *at = g_strdup (sysfs);

  for (guint i = 0; files[i] != NULL; i++) {
    g_autofree char *text = read_line (sysfs, files[i]);

    if (*text != '\0')
      return g_steal_pointer (&text);
  }
  while (strlen (at) > 1 && !g_str_has_suffix (at, "/devices")) {
    g_autofree char *above = g_path_get_dirname (at);

    if (has (above, "idVendor"))
      return read_line (above, "serial");
    g_free (at);
    at = g_steal_pointer (&above);
  }
  return g_strdup ("");
}

char *
lodge_host_disk_dup_identity (const char *name)
{
  g_autofree char *sysfs = dup_sysfs (name);
  g_autofree char *above = NULL;
  g_autofree char *serial = NULL;
  g_autofree char *start = NULL;

  if (sysfs == NULL)
    return g_strdup ("");
  if (!has (sysfs, "partition"))
    return dup_serial (sysfs);
  above = g_path_get_dirname (sysfs);
  serial = dup_serial (above);
  if (*serial == '\0')
    return g_steal_pointer (&serial);
  start = read_line (sysfs, "start");
  return g_strdup_printf ("%s+%s", serial, start);
}

static char *
dup_label (const char *name, guint64 size_bytes)
{
  g_autofree char *size = g_format_size (size_bytes);
  g_autofree char *sysfs = dup_sysfs (name);
  g_autofree char *above =
      sysfs != NULL && has (sysfs, "partition") ? g_path_get_dirname (sysfs) : g_strdup (sysfs);
  g_autofree char *model = above != NULL ? read_line (above, "device/model") : g_strdup ("");

  return *model != '\0' ? g_strdup_printf ("%s, %s, %s", name, model, size)
                        : g_strdup_printf ("%s, %s", name, size);
}

static gboolean
check_path (const char *path, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    const char *rest;

    if (!g_str_has_prefix (path, folders[i]))
      continue;
    rest = path + strlen (folders[i]);
    if (*rest != '\0' && strchr (rest, '/') == NULL && g_utf8_validate (rest, -1, NULL))
      return TRUE;
  }
  if (!g_str_has_prefix (path, "/dev/")) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is no disk of this computer; an image of a disk is added with --from"),
                 path);
    return FALSE;
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("“%s” may be another disk tomorrow: name it by its path in /dev/disk/by-id, or a "
                  "partition by that in /dev/disk/by-partuuid (ls -l shows which is which)"),
               path);
  return FALSE;
}

/* The kernel's name of what @fd is open on; NULL when it is no block device. */
static char *
dup_name (int fd)
{
  g_autofree char *link = NULL;
  g_autofree char *real = NULL;
  struct stat info;

  if (fstat (fd, &info) != 0 || !S_ISBLK (info.st_mode))
    return NULL;
  link = g_strdup_printf ("/sys/dev/block/%u:%u", major (info.st_rdev), minor (info.st_rdev));
  real = realpath (link, NULL);
  return real != NULL ? g_path_get_basename (real) : NULL;
}

gboolean
lodge_host_disk_is_same_drive (const char *identity, const char *other)
{
  const gsize length = strcspn (identity, "#");

  return length == strcspn (other, "#") && strncmp (identity, other, length) == 0;
}

/* A machine that was given it when the medium was not looked at goes on with what is there. */
static gboolean
is_it (const LodgeHostDisk *self, const char *identity, guint64 size_bytes)
{
  if (self->size_bytes != size_bytes)
    return FALSE;
  return strchr (identity, '#') != NULL ? g_str_equal (self->identity, identity)
                                        : lodge_host_disk_is_same_drive (self->identity, identity);
}

/* The kernel says of a card reader and of many a stick that what is in it can be changed. Of
 * sequence: Documentation/ABI/stable/sysfs-block, "diskseq" */
static void
look_at_medium (LodgeHostDisk *self, int fd)
{
  g_autofree char *sysfs = dup_sysfs (self->name);
  g_autofree char *above =
      sysfs != NULL && has (sysfs, "partition") ? g_path_get_dirname (sysfs) : g_strdup (sysfs);
  g_autofree char *removable = above != NULL ? read_line (above, "removable") : g_strdup ("");
  g_autofree char *sequence = above != NULL ? read_line (above, "diskseq") : g_strdup ("");
  g_autofree char *ids = NULL;
  char *identity;

  if (!g_str_equal (removable, "1") || self->identity[0] == '\0')
    return;
  ids = lodge_host_medium_dup_ids (fd);
  identity = g_strconcat (self->identity, "#", ids, NULL);
  g_free (self->identity);
  self->identity = identity;
  self->sequence = g_ascii_strtoull (sequence, NULL, 10);
}

/* Takes @fd, which may be none, of @path. */
static LodgeHostDisk *
look_at (const char *path, int fd, int saved_errno, GError **error)
{
  g_autoptr (LodgeHostDisk) self = g_new0 (LodgeHostDisk, 1);

  self->path = g_strdup (path);
  if (fd >= 0) {
    self->name = dup_name (fd);
    if (self->name == NULL || ioctl (fd, BLKGETSIZE64, &self->size_bytes) != 0)
      self->size_bytes = 0;
    if (self->name != NULL && self->size_bytes > 0) {
      self->identity = lodge_host_disk_dup_identity (self->name);
      look_at_medium (self, fd);
    }
    close (fd);
  }
  if (fd < 0 && saved_errno == ENOENT)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("There is no disk %s: it may not be plugged in"), path);
  else if (fd < 0 && (saved_errno == EACCES || saved_errno == EPERM))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                 _ ("You may not use the disk %s: let an administrator allow it, until it is "
                    "plugged in anew with “sudo setfacl -m u:%s:rw %s”, for good with a udev rule"),
                 path, g_get_user_name (), path);
  else if (fd < 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not open the disk %s: %s"), path,
                 g_strerror (saved_errno));
  else if (self->name == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s is no disk"), path);
  else if (self->size_bytes == 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("There is nothing in the drive %s"),
                 path);
  if (self->identity == NULL)
    return NULL;
  if (*self->identity == '\0') {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The disk %s has no serial number, so that another in its place could not be "
                    "told from it"),
                 path);
    return NULL;
  }
  self->label = dup_label (self->name, self->size_bytes);
  return g_steal_pointer (&self);
}

LodgeHostDisk *
lodge_host_disk_look (const char *path, GError **error)
{
  int fd, saved;

  if (!check_path (path, error))
    return NULL;
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  saved = errno;
  /* Nobody is told how to get at a disk that is used. */
  if (fd < 0 && (saved == EACCES || saved == EPERM)) {
    char *real = realpath (path, NULL);
    g_autofree char *name = real != NULL ? g_path_get_basename (real) : NULL;

    free (real);
    if (name != NULL && !lodge_host_disk_check_free (name, error))
      return NULL;
  }
  return look_at (path, fd, saved, error);
}

/* --- Whether it is used --- */

/* What is below @name: itself first, then its partitions. */
static GPtrArray *
list_names (const char *name)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *sysfs = dup_sysfs (name);
  g_autoptr (GDir) dir = sysfs != NULL ? g_dir_open (sysfs, 0, NULL) : NULL;
  const char *one;

  g_ptr_array_add (names, g_strdup (name));
  while (dir != NULL && (one = g_dir_read_name (dir)) != NULL) {
    g_autofree char *below = g_build_filename (sysfs, one, NULL);

    if (has (below, "partition"))
      g_ptr_array_add (names, g_strdup (one));
  }
  return names;
}

static gboolean
check_held (const char *name, GError **error)
{
  g_autofree char *sysfs = dup_sysfs (name);
  g_autofree char *path = sysfs != NULL ? g_build_filename (sysfs, "holders", NULL) : NULL;
  g_autoptr (GDir) dir = path != NULL ? g_dir_open (path, 0, NULL) : NULL;
  const char *holder = dir != NULL ? g_dir_read_name (dir) : NULL;
  g_autofree char *what = NULL;
  g_autofree char *holder_sysfs = NULL;

  if (holder == NULL)
    return TRUE;
  holder_sysfs = dup_sysfs (holder);
  what = holder_sysfs != NULL ? read_line (holder_sysfs, "dm/name") : g_strdup ("");
  g_set_error (
      error, LODGE_ERROR, LODGE_ERROR_BUSY,
      _ ("This computer uses %s: %s stands on it (LVM, an encrypted volume or a RAID). End "
         "that first"),
      name, *what != '\0' ? what : holder);
  return FALSE;
}

/* In mountinfo and swaps a space is \040. */
static gboolean
is_device (const char *source, GPtrArray *names)
{
  g_autofree char *path = g_strcompress (source);
  g_autofree char *full = NULL;
  g_autofree char *base = NULL;
  char *real;

  if (path[0] != '/')
    return FALSE;
  full = lodge_host_root_dup_path (path);
  real = realpath (full, NULL);
  base = g_path_get_basename (real != NULL ? real : path);
  free (real);
  return g_ptr_array_find_with_equal_func (names, base, g_str_equal, NULL);
}

static gboolean
has_number (const char *number, GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *sysfs = dup_sysfs (names->pdata[i]);
    g_autofree char *own = sysfs != NULL ? read_line (sysfs, "dev") : NULL;

    if (own != NULL && *own != '\0' && g_str_equal (own, number))
      return TRUE;
  }
  return FALSE;
}

/* ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS [MORE ...] - TYPE SOURCE OPTIONS */
static gboolean
check_not_mounted (GPtrArray *names, GError **error)
{
  g_autofree char *path = lodge_host_root_dup_path ("/proc/self/mountinfo");
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    text = g_strdup ("");
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], " ", -1);
    guint n = g_strv_length (fields);
    guint dash = 6;
    g_autofree char *place = NULL;

    while (dash < n && !g_str_equal (fields[dash], "-"))
      dash++;
    if (dash + 2 >= n || (!has_number (fields[2], names) && !is_device (fields[dash + 2], names)))
      continue;
    place = g_strcompress (fields[4]);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_BUSY,
                 _ ("This computer uses %s: it, or a part of it, is mounted at %s. Unmount that "
                    "first"),
                 (const char *) names->pdata[0], place);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_not_swapped (GPtrArray *names, GError **error)
{
  g_autofree char *path = lodge_host_root_dup_path ("/proc/swaps");
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    text = g_strdup ("");
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit_set (lines[i], " \t", 2);

    if (fields[0] == NULL || !is_device (fields[0], names))
      continue;
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_BUSY,
                 _ ("This computer uses %s: it swaps memory to it, or to a part of it. Switch that "
                    "off first (swapoff %s)"),
                 (const char *) names->pdata[0], fields[0]);
    return FALSE;
  }
  return TRUE;
}

gboolean
lodge_host_disk_check_free (const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = list_names (name);
  g_autofree char *sysfs = dup_sysfs (name);
  g_autofree char *above = NULL;

  for (guint i = 0; i < names->len; i++) {
    if (!check_held (names->pdata[i], error))
      return FALSE;
  }
  if (!check_not_mounted (names, error) || !check_not_swapped (names, error))
    return FALSE;
  if (sysfs == NULL || !has (sysfs, "partition"))
    return TRUE;
  /* Whoever has the disk as a whole has its partitions, too. */
  above = g_path_get_dirname (sysfs);
  g_ptr_array_set_size (names, 0);
  g_ptr_array_add (names, g_path_get_basename (above));
  return check_held (names->pdata[0], error) && check_not_mounted (names, error) &&
         check_not_swapped (names, error);
}

int
lodge_host_disk_open (
    const char *path, const char *identity, guint64 size_bytes, gboolean writable, GError **error)
{
  g_autoptr (LodgeHostDisk) disk = lodge_host_disk_look (path, error);
  g_autoptr (LodgeHostDisk) opened = NULL;
  int fd, again, saved;

  if (disk == NULL)
    return -1;
  if (!is_it (disk, identity, size_bytes) &&
      lodge_host_disk_is_same_drive (disk->identity, identity) && disk->size_bytes == size_bytes) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("In %s is another medium than the machine was given, or that was formatted "
                    "since (%s): put the right one in, or remove the disk from the machine and add "
                    "it again"),
                 path, disk->label);
    return -1;
  }
  if (!is_it (disk, identity, size_bytes)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("%s is another disk than the machine was given (%s): plug that in again, or "
                    "remove it from the machine"),
                 path, disk->label);
    return -1;
  }
  if (!lodge_host_disk_check_free (disk->name, error))
    return -1;
  fd = open (path, (writable ? O_RDWR : O_RDONLY) | O_EXCL | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 && errno == EBUSY) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_BUSY,
                 _ ("Something on this computer uses %s (%s), or another machine does"), path,
                 disk->label);
    return -1;
  }
  if (fd < 0 && errno == EROFS) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("%s (%s) can only be read"), path,
                 disk->label);
    return -1;
  }
  /* The name may have become another's just now. */
  again = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 3) : -1;
  saved = errno;
  opened = look_at (path, again, saved, error);
  if (opened != NULL && is_it (opened, identity, size_bytes))
    return fd;
  if (fd >= 0)
    close (fd);
  if (opened != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("%s has become another disk just now"),
                 path);
  return -1;
}

/* --- All of them --- */

/* A disk has several names; those that say what it is are shown. */
static gboolean
is_good_name (const char *name)
{
  static const char *const dull[] = {"wwn-", "nvme-eui.", "nvme-nvme.", "scsi-",
                                     "dm-",  "lvm-",      "md-"};

  for (guint i = 0; i < G_N_ELEMENTS (dull); i++) {
    if (g_str_has_prefix (name, dull[i]))
      return FALSE;
  }
  return TRUE;
}

/* The disk that @name is a partition of; NULL for another. Transfer full. */
static char *
dup_whole (const char *name)
{
  g_autofree char *sysfs = dup_sysfs (name);
  g_autofree char *above = NULL;

  if (sysfs == NULL || !has (sysfs, "partition"))
    return NULL;
  above = g_path_get_dirname (sysfs);
  return g_path_get_basename (above);
}

const char *
lodge_host_disk_find_holder (const char *name, GHashTable *held)
{
  g_autofree char *whole = dup_whole (name);
  GHashTableIter iter;
  gpointer path, holder;

  g_hash_table_iter_init (&iter, held);
  while (g_hash_table_iter_next (&iter, &path, &holder)) {
    g_autofree char *full = lodge_host_root_dup_path (path);
    char *real = realpath (full, NULL);
    g_autofree char *its = real != NULL ? g_path_get_basename (real) : NULL;
    g_autofree char *its_whole = its != NULL ? dup_whole (its) : NULL;

    free (real);
    if (its != NULL && (g_str_equal (its, name) || g_strcmp0 (its, whole) == 0 ||
                        g_strcmp0 (its_whole, name) == 0))
      return holder;
  }
  return NULL;
}

static void
add_row (
    GPtrArray *rows, GHashTable *seen, GHashTable *held, const char *path, const char *kernel_name)
{
  const char *holder;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeHostDisk) disk = NULL;

  if (!g_hash_table_add (seen, g_strdup (kernel_name)))
    return;
  disk = lodge_host_disk_look (path, &error);
  /* A drive without a disc in it is nothing to be chosen. */
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_INVALID))
    return;
  holder = lodge_host_disk_find_holder (kernel_name, held);
  if (error == NULL && holder != NULL)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_BUSY,
                 _ ("The machine “%s”, which runs, has %s, or a part of it"), holder, kernel_name);
  else if (disk != NULL)
    (void) lodge_host_disk_check_free (disk->name, &error);
  g_ptr_array_add (rows, g_strdup (path));
  g_ptr_array_add (rows, g_strdup (disk != NULL ? disk->label : kernel_name));
  g_ptr_array_add (rows, g_strdup (error != NULL ? error->message : ""));
}

GPtrArray *
lodge_host_disk_list (GHashTable *held)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint pass = 0; pass < 2; pass++) {
    for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
      g_autoptr (GDir) dir = g_dir_open (folders[i], 0, NULL);
      const char *name;

      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
        g_autofree char *path = g_strconcat (folders[i], name, NULL);
        char *real = realpath (path, NULL);
        g_autofree char *base = real != NULL ? g_path_get_basename (real) : NULL;

        free (real);
        /* What has only a dull name comes last. */
        if (base != NULL && (pass == 1 || is_good_name (name)))
          add_row (rows, seen, held, path, base);
      }
    }
  }
  return rows;
}
