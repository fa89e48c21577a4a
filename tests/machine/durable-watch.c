/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See durable-watch.h. */
#include "durable-watch.h"

#include "description/lodge-description-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static GMutex mutex;
static char *root; /* NULL: nobody watches */
static gboolean guest_writes;
static GPtrArray *losses;
static guint n_looks;
/* By inode: the time of change up to which a file is on the disk (gint64, ns); the names that are
 * in a folder there (GHashTable of name to inode); the machine.ini that may be in a folder there
 * (GPtrArray of sets of names, the newest last). */
static GHashTable *synced;
static GHashTable *names;
static GHashTable *promises;
static GHashTable *old_layers; /* inodes */

static void lose (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
lose (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (losses, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static gpointer
key_of (guint64 inode)
{
  return GSIZE_TO_POINTER ((gsize) inode);
}

static gint64
get_time (const struct timespec *time)
{
  return (gint64) time->tv_sec * 1000000000 + time->tv_nsec;
}

/* No stamp of a file is later, and of most not earlier by more than a tick. */
static gint64
get_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return get_time (&now);
}

static void
keep_synced (guint64 inode, gint64 time)
{
  g_hash_table_insert (synced, key_of (inode), g_memdup2 (&time, sizeof time));
}

static GHashTable *
list_names (const char *folder)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    struct stat info;

    if (lstat (path, &info) == 0)
      g_hash_table_insert (table, g_strdup (name), key_of (info.st_ino));
  }
  return table;
}

/* What a machine.ini names in its folder. Of a snapshot without memory that is not promised: while
 * a live one is taken, it is there before it is on the disk. */
#define NO_MEMORY GINT_TO_POINTER (1)

static GHashTable *
list_promised (const char *ini)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  LodgeDescriptionFile *file = lodge_description_file_load (ini, NULL);
  const LodgeDescription *value = file != NULL ? lodge_description_file_get (file) : NULL;

  for (guint i = 0; value != NULL && i < value->layers->len; i++) {
    const LodgeLayer *layer = value->layers->pdata[i];

    if (!g_path_is_absolute (layer->file))
      g_hash_table_insert (set, g_strdup (layer->file), NULL);
  }
  for (guint i = 0; value != NULL && i < value->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = value->snapshots->pdata[i];

    g_hash_table_insert (set, g_build_filename ("snapshots", snapshot->id, NULL),
                         snapshot->memory ? NULL : NO_MEMORY);
  }
  if (value != NULL && value->suspended != NULL)
    g_hash_table_insert (set, g_build_filename ("snapshots", value->suspended, NULL), NULL);
  if (value != NULL && value->nvram != NULL && value->nvram[0] != '\0')
    g_hash_table_insert (set, g_strdup (value->nvram), NULL);
  g_clear_pointer (&file, lodge_description_file_free);
  return set;
}

static gboolean
is_on_disk (const char *folder, const char *name, guint64 inode)
{
  struct stat info;
  GHashTable *table;

  if (lstat (folder, &info) != 0)
    return FALSE;
  table = g_hash_table_lookup (names, key_of (info.st_ino));
  return table != NULL && g_hash_table_lookup (table, name) == key_of (inode);
}

/* A file or a folder with all that is in it. */
static void
look_at (const char *folder, const char *name, gboolean memory, const char *when)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  const gint64 *time;
  struct stat info;

  n_looks++;
  if (lstat (path, &info) != 0) {
    lose ("%s: there is no %s", when, path);
    return;
  }
  if (!is_on_disk (folder, name, info.st_ino))
    lose ("%s: the name %s is not on the disk", when, path);
  if (S_ISDIR (info.st_mode)) {
    g_autoptr (GHashTable) table = list_names (path);
    GHashTableIter iter;
    gpointer entry;

    g_hash_table_iter_init (&iter, table);
    while (g_hash_table_iter_next (&iter, &entry, NULL)) {
      if (memory || !g_str_equal (entry, "memory"))
        look_at (path, entry, memory, when);
    }
    return;
  }
  if (guest_writes && g_hash_table_contains (old_layers, key_of (info.st_ino)))
    return;
  time = g_hash_table_lookup (synced, key_of (info.st_ino));
  if (time == NULL || *time < get_time (&info.st_mtim))
    lose ("%s: the data of %s is not on the disk", when, path);
}

static void
look_at_promised (const char *folder, GHashTable *set, const char *when)
{
  GHashTableIter iter;
  gpointer file, without;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &file, &without)) {
    g_autofree char *above = g_path_get_dirname (file);
    g_autofree char *name = g_path_get_basename (file);
    g_autofree char *parent =
        g_str_equal (above, ".") ? g_strdup (folder) : g_build_filename (folder, above, NULL);
    g_autofree char *path = g_build_filename (parent, name, NULL);

    /* A start makes it. */
    if (g_str_equal (above, ".") && !g_file_test (path, G_FILE_TEST_EXISTS))
      continue;
    look_at (parent, name, without != NO_MEMORY, when);
    if (!g_str_equal (above, ".")) {
      struct stat info;

      if (lstat (parent, &info) == 0 && !is_on_disk (folder, above, info.st_ino))
        lose ("%s: the name %s is not on the disk", when, parent);
    }
  }
}

static void
begin_folder (const char *folder)
{
  g_autoptr (GHashTable) table = list_names (folder);
  GHashTableIter iter;
  gpointer name;
  struct stat info;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (lstat (path, &info) != 0)
      continue;
    if (S_ISDIR (info.st_mode))
      begin_folder (path);
    else
      keep_synced (info.st_ino, get_now ());
    if (g_str_has_suffix (folder, "/layers"))
      g_hash_table_add (old_layers, key_of (info.st_ino));
    if (g_str_equal (name, "machine.ini")) {
      GPtrArray *sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_hash_table_unref);

      g_ptr_array_add (sets, list_promised (path));
      lstat (folder, &info);
      g_hash_table_insert (promises, key_of (info.st_ino), sets);
    }
  }
  lstat (folder, &info);
  g_hash_table_insert (names, key_of (info.st_ino), g_steal_pointer (&table));
}

void
durable_watch_begin (const char *folder, gboolean live)
{
  g_mutex_lock (&mutex);
  g_assert_null (root);
  losses = g_ptr_array_new_with_free_func (g_free);
  synced = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  promises = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  old_layers = g_hash_table_new (NULL, NULL);
  guest_writes = live;
  begin_folder (folder);
  root = g_strdup (folder);
  g_mutex_unlock (&mutex);
}

GPtrArray *
durable_watch_end (void)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  GPtrArray *found;

  g_mutex_lock (&mutex);
  dir = g_dir_open (root, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *folder = g_build_filename (root, name, NULL);
    g_autofree char *ini = g_build_filename (folder, "machine.ini", NULL);
    g_autoptr (GHashTable) set = NULL;

    if (!g_file_test (ini, G_FILE_TEST_EXISTS))
      continue;
    look_at (folder, "machine.ini", TRUE, "at the end");
    set = list_promised (ini);
    look_at_promised (folder, set, "at the end");
  }
  found = g_steal_pointer (&losses);
  g_clear_pointer (&root, g_free);
  g_clear_pointer (&synced, g_hash_table_unref);
  g_clear_pointer (&names, g_hash_table_unref);
  g_clear_pointer (&promises, g_hash_table_unref);
  g_clear_pointer (&old_layers, g_hash_table_unref);
  g_mutex_unlock (&mutex);
  return found;
}

guint
durable_watch_get_n_looks (void)
{
  return n_looks;
}

/* ---- what the engine calls */

/* NULL: nobody watches, or it is elsewhere. */
static char *
dup_watched (int folder_fd, const char *path)
{
  g_autofree char *folder = NULL;
  g_autofree char *whole = NULL;

  if (root == NULL)
    return NULL;
  if (!g_path_is_absolute (path)) {
    g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", folder_fd);

    folder = folder_fd == AT_FDCWD ? g_get_current_dir () : g_file_read_link (link, NULL);
  }
  if (folder == NULL && !g_path_is_absolute (path))
    return NULL;
  whole = folder != NULL ? g_build_filename (folder, path, NULL) : g_strdup (path);
  return g_str_has_prefix (whole, root) ? g_steal_pointer (&whole) : NULL;
}

static void
synced_now (int fd, gint64 began, GHashTable *listed)
{
  struct stat info;
  GPtrArray *sets;

  if (root == NULL || fstat (fd, &info) != 0)
    return;
  if (!S_ISDIR (info.st_mode)) {
    keep_synced (info.st_ino, began);
    return;
  }
  if (listed != NULL)
    g_hash_table_insert (names, key_of (info.st_ino), g_hash_table_ref (listed));
  sets = g_hash_table_lookup (promises, key_of (info.st_ino));
  if (sets != NULL && sets->len > 1)
    g_ptr_array_remove_range (sets, 0, sets->len - 1);
}

int
fsync (int fd)
{
  const gint64 began = get_now ();
  g_autoptr (GHashTable) listed = NULL;
  g_autofree char *path = NULL;
  int status;

  g_mutex_lock (&mutex);
  path = dup_watched (fd, "");
  if (path != NULL && g_file_test (path, G_FILE_TEST_IS_DIR))
    listed = list_names (path);
  g_mutex_unlock (&mutex);
  status = (int) syscall (SYS_fsync, fd);
  g_mutex_lock (&mutex);
  if (status == 0)
    synced_now (fd, began, listed);
  g_mutex_unlock (&mutex);
  return status;
}

static void
before_rename (const char *from, const char *to)
{
  g_autofree char *folder = g_path_get_dirname (to);
  g_autofree char *above = g_path_get_dirname (folder);
  g_autofree char *name = g_path_get_basename (to);
  GPtrArray *sets;
  GHashTable *set;
  const gint64 *time;
  struct stat info;

  if (!g_str_equal (name, "machine.ini") || !g_str_equal (above, root) || lstat (from, &info) != 0)
    return;
  n_looks++;
  time = g_hash_table_lookup (synced, key_of (info.st_ino));
  if (time == NULL || *time < get_time (&info.st_mtim))
    lose ("the data of the new %s is not on the disk", to);
  set = list_promised (from);
  look_at_promised (folder, set, "when machine.ini names it");
  lstat (folder, &info);
  sets = g_hash_table_lookup (promises, key_of (info.st_ino));
  if (sets == NULL) {
    sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_hash_table_unref);
    g_hash_table_insert (promises, key_of (info.st_ino), sets);
  }
  g_ptr_array_add (sets, set);
}

/* A folder that becomes a machine. */
static void
before_appearance (const char *from, const char *to)
{
  g_autofree char *above = g_path_get_dirname (to);
  g_autofree char *name = g_path_get_basename (to);
  g_autofree char *ini = g_build_filename (from, "machine.ini", NULL);
  g_autoptr (GHashTable) set = NULL;

  if (!g_str_equal (above, root) || name[0] == '.' || !g_file_test (ini, G_FILE_TEST_EXISTS))
    return;
  look_at (from, "machine.ini", TRUE, "when the machine appears");
  set = list_promised (ini);
  look_at_promised (from, set, "when the machine appears");
}

static int
renamed (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
  g_autofree char *source = NULL;
  g_autofree char *target = NULL;

  g_mutex_lock (&mutex);
  source = dup_watched (from_fd, from);
  target = dup_watched (to_fd, to);
  if (source != NULL && target != NULL) {
    before_rename (source, target);
    before_appearance (source, target);
  }
  g_mutex_unlock (&mutex);
  return (int) syscall (SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int
rename (const char *from, const char *to)
{
  return renamed (AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat (int from_fd, const char *from, int to_fd, const char *to)
{
  return renamed (from_fd, from, to_fd, to, 0);
}

int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
  return renamed (from_fd, from, to_fd, to, flags);
}

/* @path: of a file that goes. */
static void
before_removal (const char *path)
{
  const char *rest = path + strlen (root) + 1;
  const char *slash = strchr (rest, '/');
  g_autofree char *folder = NULL;
  GPtrArray *sets;
  struct stat info;

  if (slash == NULL)
    return;
  n_looks++;
  folder = g_strndup (path, slash - path);
  if (lstat (folder, &info) != 0)
    return;
  sets = g_hash_table_lookup (promises, key_of (info.st_ino));
  for (guint i = 0; sets != NULL && i < sets->len; i++) {
    GHashTableIter iter;
    gpointer file;

    g_hash_table_iter_init (&iter, sets->pdata[i]);
    while (g_hash_table_iter_next (&iter, &file, NULL)) {
      const gsize length = strlen (file);

      if (strncmp (slash + 1, file, length) == 0 &&
          (slash[1 + length] == '\0' || slash[1 + length] == '/') && lstat (path, &info) == 0)
        lose ("%s is removed, and machine.ini on the disk may name it", path);
    }
  }
}

static void
removes (int folder_fd, const char *name)
{
  g_autofree char *path = NULL;

  g_mutex_lock (&mutex);
  path = dup_watched (folder_fd, name);
  if (path != NULL)
    before_removal (path);
  g_mutex_unlock (&mutex);
}

int
unlink (const char *path)
{
  removes (AT_FDCWD, path);
  return (int) syscall (SYS_unlinkat, AT_FDCWD, path, 0);
}

int
unlinkat (int folder_fd, const char *name, int flags)
{
  removes (folder_fd, name);
  return (int) syscall (SYS_unlinkat, folder_fd, name, flags);
}
