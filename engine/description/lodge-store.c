/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folders of machines.
 *
 *       begin            commit              delete               (removed)
 *   ---------> .new-UUID -------> UUID ----------------> .gone-UUID --------->
 *                  |                                         |
 *                  +---- abort, or clean after a crash ------+
 *
 * Each arrow is one rename within the folder "machines", or the removal of a hidden folder; so a
 * machine is there whole or not at all, whenever the power goes.
 */
#include "description/lodge-store.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"
#include "description/lodge-known-folder.h"
#include "description/lodge-remove-tree.h"
#include "lodge-error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_PREFIX  ".new-"
#define GONE_PREFIX ".gone-"

struct _LodgeStore {
  char *folder; /* of all machines */
  int fd;
};

LodgeStore *
lodge_store_open (const char *data_folder, GError **error)
{
  g_autofree char *folder = g_build_filename (data_folder, "machines", NULL);
  LodgeStore *self;
  int fd;

  if (g_mkdir_with_parents (folder, 0700) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not make the folder %s: %s"), folder, g_strerror (saved));
    return NULL;
  }
  fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not open the folder %s: %s"), folder, g_strerror (saved));
    return NULL;
  }

  self = g_atomic_rc_box_new0 (LodgeStore);
  self->folder = g_steal_pointer (&folder);
  self->fd = fd;
  return self;
}

static void
clear_store (gpointer data)
{
  LodgeStore *self = data;

  close (self->fd);
  g_free (self->folder);
}

LodgeStore *
lodge_store_ref (LodgeStore *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
lodge_store_unref (LodgeStore *self)
{
  g_atomic_rc_box_release_full (self, clear_store);
}

/* Also keeps every '/' and ".." out of the paths below. */
static gboolean
check_uuid (const char *uuid, GError **error)
{
  if (!g_uuid_string_is_valid (uuid)) {
    g_autofree char *shown = lodge_ini_dup_quotable (uuid);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is not a UUID"), shown);
    return FALSE;
  }
  return TRUE;
}

/* A real folder of that name; a link to one is not. */
static gboolean
is_folder (LodgeStore *self, const char *name)
{
  struct stat info;

  return fstatat (self->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR (info.st_mode);
}

static gboolean
is_there (LodgeStore *self, const char *name)
{
  struct stat info;

  return fstatat (self->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The names in a folder. The walk has a descriptor of its own, so that it always begins at the
 * beginning. */
static GPtrArray *
list_folder (int folder_fd)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  if (folder == NULL) {
    if (fd >= 0)
      close (fd);
    return names;
  }
  while ((entry = readdir (folder)) != NULL)
    g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (folder);
  return names;
}

static GPtrArray *
list_names (LodgeStore *self)
{
  return list_folder (self->fd);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
lodge_store_list (LodgeStore *self)
{
  GPtrArray *names = list_names (self);

  for (guint i = 0; i < names->len;) {
    const char *name = g_ptr_array_index (names, i);

    if (g_uuid_string_is_valid (name) && is_folder (self, name))
      i++;
    else
      g_ptr_array_remove_index_fast (names, i);
  }
  g_ptr_array_sort (names, compare_strings);
  return names;
}

char *
lodge_store_dup_folder (LodgeStore *self, const char *uuid)
{
  return g_build_filename (self->folder, uuid, NULL);
}

static gboolean
check_is_there (LodgeStore *self, const char *uuid, GError **error)
{
  if (!check_uuid (uuid, error))
    return FALSE;
  if (is_folder (self, uuid))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no machine in %s/%s"),
               self->folder, uuid);
  return FALSE;
}

LodgeDescriptionFile *
lodge_store_load (LodgeStore *self, const char *uuid, GError **error)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autofree char *path = NULL;
  const char *found;

  if (!check_is_there (self, uuid, error))
    return NULL;
  path = g_build_filename (self->folder, uuid, "machine.ini", NULL);
  file = lodge_description_file_load (path, error);
  if (file == NULL)
    return NULL;
  found = lodge_description_file_get (file)->uuid;
  if (strcmp (found, uuid) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s: in [machine], uuid is %s, but the folder's name is %s: was it copied?"),
                 path, found, uuid);
    return NULL;
  }
  return g_steal_pointer (&file);
}

static gboolean
refuse_existing (const char *uuid, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS, _ ("There is a machine %s already"), uuid);
  return FALSE;
}

static gboolean
make_folders (LodgeStore *self, const char *hidden, GError **error)
{
  g_autofree char *layers = g_strconcat (hidden, "/layers", NULL);
  int saved;

  if (mkdirat (self->fd, hidden, 0700) == 0) {
    if (mkdirat (self->fd, layers, 0700) == 0)
      return TRUE;
    saved = errno;
    unlinkat (self->fd, hidden, AT_REMOVEDIR);
  } else {
    saved = errno;
  }
  g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
               _ ("Could not make the machine's folder in %s: %s"), self->folder,
               g_strerror (saved));
  return FALSE;
}

char *
lodge_store_begin (LodgeStore *self, const char *uuid, GError **error)
{
  g_autofree char *hidden = g_strconcat (NEW_PREFIX, uuid, NULL);

  if (!check_uuid (uuid, error))
    return NULL;
  if (is_there (self, uuid))
    return refuse_existing (uuid, error), NULL;
  if (!make_folders (self, hidden, error))
    return NULL;
  return g_build_filename (self->folder, hidden, NULL);
}

LodgeDescriptionFile *
lodge_store_commit (LodgeStore *self, const LodgeDescription *description, GError **error)
{
  g_autofree char *hidden = g_strconcat (NEW_PREFIX, description->uuid, NULL);
  g_autofree char *hidden_folder = g_build_filename (self->folder, hidden, NULL);
  g_autofree char *hidden_layers = g_build_filename (hidden_folder, "layers", NULL);
  g_autofree char *hidden_path = g_build_filename (hidden_folder, "machine.ini", NULL);
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  g_autoptr (LodgeDescriptionFile) file = NULL;
  int saved;

  if (!check_uuid (description->uuid, error))
    return NULL;
  if (!is_folder (self, hidden)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("The machine %s was not begun"),
                 description->uuid);
    return NULL;
  }

  file = lodge_description_file_new (hidden_path, lodge_description_copy (description));
  if (!lodge_description_file_save (file, description, error) ||
      !lodge_durable_folder_sync (hidden_layers, error))
    return NULL;

  saved = lodge_durable_rename_new (self->fd, hidden, description->uuid);
  if (saved == EEXIST)
    return refuse_existing (description->uuid, error), NULL;
  if (saved != 0) {
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not name the folder of the machine “%s” in %s: %s"), description->name,
                 self->folder, g_strerror (saved));
    return NULL;
  }
  folder = lodge_store_dup_folder (self, description->uuid);
  path = g_build_filename (folder, "machine.ini", NULL);
  lodge_description_file_moved (file, path);
  if (!lodge_durable_folder_sync (self->folder, error)) {
    /* Not there for certain, so not there at all. */
    renameat (self->fd, description->uuid, self->fd, hidden);
    return NULL;
  }
  /* Without it the machine is like one that came from elsewhere, and as good as that. */
  (void) lodge_known_folder_set (folder, NULL, NULL);
  return g_steal_pointer (&file);
}

void
lodge_store_abort (LodgeStore *self, const char *uuid)
{
  g_autofree char *hidden = g_strconcat (NEW_PREFIX, uuid, NULL);

  /* What cannot be removed now is removed by lodge_store_clean() at the engine's next start. */
  if (g_uuid_string_is_valid (uuid))
    lodge_remove_tree (self->fd, hidden, hidden, NULL);
}

gboolean
lodge_store_delete (LodgeStore *self, const char *uuid, GError **error)
{
  g_autofree char *gone = g_strconcat (GONE_PREFIX, uuid, NULL);
  g_autofree char *shown = lodge_store_dup_folder (self, uuid);
  g_autoptr (GError) left = NULL;
  int saved;

  if (!check_uuid (uuid, error))
    return FALSE;
  if (!is_there (self, uuid)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no machine in %s"), shown);
    return FALSE;
  }

  /* Looked at before the rename, so that a machine that cannot go is still one afterwards. */
  if (!lodge_remove_tree_check (self->fd, uuid, shown, error) ||
      !lodge_remove_tree (self->fd, gone, shown, error))
    return FALSE;
  saved = lodge_durable_rename_new (self->fd, uuid, gone);
  if (saved != 0) {
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not remove %s: %s"), shown, g_strerror (saved));
    return FALSE;
  }
  lodge_known_folder_forget (shown);
  /* From here on it is no machine any more; what is left of it is tried again at the next start. */
  if (!lodge_durable_folder_sync (self->folder, &left) ||
      !lodge_remove_tree (self->fd, gone, shown, &left))
    g_message ("%s", left->message);
  return TRUE;
}

/* Files in the making, as lodge_durable_file_write() and lodge_image_create_async() name them. */
static gboolean
is_half_made (int fd, const char *name)
{
  struct stat info;

  return name[0] == '.' && g_str_has_suffix (name, ".new") &&
         fstatat (fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (info.st_mode);
}

/* What was being written when an engine was killed; unless somebody has the machine now. */
static void
clean_folder (LodgeStore *self, const char *uuid, const char *below)
{
  g_autofree char *path = g_build_filename (uuid, below, NULL);
  g_autoptr (GPtrArray) names = NULL;
  int fd = openat (self->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int lock = -1;

  if (fd < 0)
    return;
  names = list_folder (fd);
  for (guint i = 0; i < names->len; i++) {
    if (!is_half_made (fd, names->pdata[i]))
      continue;
    if (lock < 0)
      lock = lodge_store_lock (self, uuid, NULL);
    if (lock >= 0)
      unlinkat (fd, names->pdata[i], 0);
  }
  if (lock >= 0)
    close (lock);
  close (fd);
}

void
lodge_store_clean (LodgeStore *self)
{
  g_autoptr (GPtrArray) names = list_names (self);
  g_autoptr (GPtrArray) machines = lodge_store_list (self);

  for (guint i = 0; i < machines->len; i++) {
    clean_folder (self, machines->pdata[i], ".");
    clean_folder (self, machines->pdata[i], "layers");
  }
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    const char *uuid = NULL;

    if (g_str_has_prefix (name, NEW_PREFIX))
      uuid = name + strlen (NEW_PREFIX);
    else if (g_str_has_prefix (name, GONE_PREFIX))
      uuid = name + strlen (GONE_PREFIX);
    /* What cannot be removed stays hidden and is tried again at the next start. */
    if (uuid != NULL && g_uuid_string_is_valid (uuid))
      lodge_remove_tree (self->fd, name, name, NULL);
  }
}

int
lodge_store_lock (LodgeStore *self, const char *uuid, GError **error)
{
  g_autofree char *name = g_strconcat (uuid, "/lock", NULL);
  struct stat info;
  int fd, saved;

  if (!check_is_there (self, uuid, error))
    return -1;
  fd = openat (self->fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
               0600);
  if (fd < 0) {
    saved = errno;
  } else if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)) {
    saved = EINVAL;
  } else if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
    saved = errno;
  } else {
    return fd;
  }

  if (fd >= 0)
    close (fd);
  if (saved == EWOULDBLOCK)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The machine in %s/%s is in use: it runs already, perhaps for another user or "
                    "on another computer"),
                 self->folder, uuid);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not lock the machine in %s/%s: %s"), self->folder, uuid,
                 g_strerror (saved));
  return -1;
}

gboolean
lodge_store_is_below (const char *folder, const char *above)
{
  char *real = realpath (folder, NULL);
  char *real_above = realpath (above, NULL);
  gboolean below = real != NULL && real_above != NULL && g_str_has_prefix (real, real_above) &&
                   strchr ("/", real[strlen (real_above)]) != NULL;

  free (real);
  free (real_above);
  return below;
}
