/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing a machine's description, durably and one change after the other.
 *
 * A disk that is busy takes seconds to say that it has something (fsync(2)): a thread waits for it,
 * on a copy of the file, which takes the old one's place when it is written. Each change is made to
 * what the one before has left, and whoever asked is told when it is on the disk or was refused.
 * While there is work on the machine's folder only the work's own are made: the engine's wait, and
 * a client, who would wait for minutes, is told so. What a client has asked for before the work
 * began is made before it: work waits for it (lodge_machine_wait_saved_async()).
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-known-folder.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  LodgeMachineEdit edit;
  gpointer data;
  GDestroyNotify free_data;
  gboolean waits; /* for the end of work */
  /* Once it is its turn; the thread's. */
  LodgeDescriptionFile *file;
  LodgeDescription *value;
  char *folder; /* the machine's, where what was held back is decided on */
  char **known; /* what is still held back */
  gboolean decided;
  const char *const *accepted; /* lent by the edit's data */
} Save;

static void
save_free (gpointer data)
{
  Save *save = data;

  if (save->free_data != NULL)
    save->free_data (save->data);
  g_clear_pointer (&save->file, lodge_description_file_free);
  g_clear_pointer (&save->value, lodge_description_free);
  g_free (save->folder);
  g_strfreev (save->known);
  g_free (save);
}

static void next (LodgeMachine *self);

static void
save_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Save *save = data;
  GError *error = NULL;

  if (lodge_description_file_save (save->file, save->value, &error) &&
      (save->folder == NULL ||
       lodge_known_folder_set (save->folder, (const char *const *) save->known, &error)))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

/* Takes @error. */
static void
refuse (LodgeMachine *self, GTask *task, GError *error)
{
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_prefix_error (&error, _ ("The settings of “%s” could not be written: "),
                    lodge_machine_get_name (self));
  g_task_return_error (task, error);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Save *save = g_task_get_task_data (task);
  g_autofree char *held = lodge_machine_dup_held_note (self);
  GError *error = NULL;

  self->saving = FALSE;
  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    if (save->accepted != NULL)
      lodge_machine_forget_outside (self, save->accepted);
    if (save->folder != NULL && save->decided)
      lodge_machine_forget_held (self);
    lodge_machine_take_file (self, g_steal_pointer (&save->file));
    lodge_machine_renew_held_note (self, held);
    /* It may have been just what was in the way. */
    if (self->start_failed && self->state == LODGE_STATE_OFF) {
      self->start_failed = FALSE;
      lodge_machine_note_rest (self);
    }
    g_task_return_boolean (task, TRUE);
  } else {
    /* It is there all the same. */
    if (self->file != NULL && !lodge_description_file_is_same (save->file, self->file))
      lodge_machine_take_file (self, g_steal_pointer (&save->file));
    refuse (self, task, error);
  }
  next (self);
}

gboolean
lodge_machine_check_edit (LodgeMachine *self, GError **error)
{
  /* What is done beside a running guest does not mind. */
  return lodge_state_is_live (self->state) || lodge_machine_check_no_work (self, error);
}

/* FALSE: it has been refused already. Takes @task. */
static gboolean
begin (LodgeMachine *self, GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  Save *save = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (lodge_machine_check_usable (self, &error)) {
    save->value = lodge_description_copy (lodge_machine_get_description (self));
    self->held_decided = FALSE;
    self->accepted = NULL;
    if (save->edit (self, save->value, save->data, &error)) {
      save->file = lodge_description_file_copy (self->file);
      save->decided = self->held_decided && self->held != NULL;
      save->accepted = self->accepted;
      if (save->decided || save->accepted != NULL) {
        save->folder = lodge_machine_dup_folder (self);
        save->known = lodge_machine_dup_known_lines (self, save->decided, save->accepted);
      }
      self->saving = TRUE;
      worker = g_task_new (NULL, NULL, saved_cb, g_object_ref (task));
      g_task_set_task_data (worker, save, NULL);
      g_task_run_in_thread (worker, save_thread);
      return TRUE;
    }
  }
  refuse (self, task, error);
  return FALSE;
}

/* Those that wait for the end of the work keep their order. */
static GTask *
pop (LodgeMachine *self)
{
  for (GList *link = self->saves.head; link != NULL; link = link->next) {
    GTask *task = link->data;
    Save *save = g_task_get_task_data (task);

    if (save->waits && !lodge_machine_check_edit (self, NULL))
      continue;
    g_queue_delete_link (&self->saves, link);
    return task;
  }
  return NULL;
}

static void
next (LodgeMachine *self)
{
  GTask *task;

  while (!self->saving && (task = pop (self)) != NULL)
    begin (self, task);
}

void
lodge_machine_save_waiting (LodgeMachine *self)
{
  next (self);
}

static void
enqueue (LodgeMachine *self,
         gboolean waits,
         LodgeMachineEdit edit,
         gpointer data,
         GDestroyNotify free_data,
         GAsyncReadyCallback callback,
         gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Save *save = g_new0 (Save, 1);

  g_task_set_source_tag (task, lodge_machine_save_async);
  save->waits = waits;
  save->edit = edit;
  save->data = data;
  save->free_data = free_data;
  g_task_set_task_data (task, save, save_free);
  g_queue_push_tail (&self->saves, task);
  next (self);
}

void
lodge_machine_save_async (LodgeMachine *self,
                          LodgeMachineEdit edit,
                          gpointer data,
                          GDestroyNotify free_data,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  enqueue (self, TRUE, edit, data, free_data, callback, user_data);
}

void
lodge_machine_save_for_client_async (LodgeMachine *self,
                                     LodgeMachineEdit edit,
                                     gpointer data,
                                     GDestroyNotify free_data,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  GError *error = NULL;

  if (lodge_machine_check_edit (self, &error)) {
    enqueue (self, FALSE, edit, data, free_data, callback, user_data);
    return;
  }
  if (free_data != NULL)
    free_data (data);
  g_task_report_error (self, callback, user_data, lodge_machine_save_async, error);
}

void
lodge_machine_save_for_work_async (LodgeMachine *self,
                                   LodgeMachineEdit edit,
                                   gpointer data,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  enqueue (self, FALSE, edit, data, NULL, callback, user_data);
}

/* Comes when it is its turn, and writes nothing. */
static gboolean
edit_nothing (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, "");
  return FALSE;
}

void
lodge_machine_wait_saved_async (LodgeMachine *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  enqueue (self, FALSE, edit_nothing, NULL, NULL, callback, user_data);
}

gboolean
lodge_machine_save_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What a client sets by name. */

/* Whether a guest that was suspended finds it as it was, or would have been told of it anyway. */
static gboolean
is_unseen (const char *key)
{
  static const char *const keys[] = {"machine.name",
                                     "machine.os",
                                     "machine.at-session-end",
                                     "display.scaling",
                                     "display.whole-multiples",
                                     "display.side-by-side"};

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (g_str_equal (keys[i], key))
      return TRUE;
  }
  return g_str_has_prefix (key, "sharing.") || g_str_has_prefix (key, "snapshots.") ||
         g_str_has_prefix (key, "terminal.") ||
         (g_str_has_prefix (key, "nic.") &&
          (g_str_has_suffix (key, ".connected") || g_str_has_suffix (key, ".forwards")));
}

gboolean
lodge_machine_check_writable (LodgeMachine *self, GError **error)
{
  const char *read_only = lodge_description_file_get_read_only (self->file);

  if (read_only == NULL)
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_STATE, read_only);
  return FALSE;
}

gboolean
lodge_machine_check_not_suspended (LodgeMachine *self, const char *what, GError **error)
{
  if (self->state != LODGE_STATE_SUSPENDED)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("“%s” is suspended and its guest would not expect another %s: start it first, or "
                  "discard its saved state"),
               lodge_machine_get_name (self), what);
  return FALSE;
}

/* What may be said of a template. */
static gboolean
is_for_template (const char *key)
{
  return g_str_equal (key, "machine.name") || g_str_equal (key, "machine.os") ||
         g_str_equal (key, "machine.template");
}

static gboolean
edit_by_name (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  g_autofree char *folder = NULL;
  gboolean check_folder = FALSE;
  gboolean decided = FALSE;
  const gboolean was_template = value->is_template;
  GVariantIter iter;
  const char *key;
  const char *text;

  folder = g_strdup (value->share_folder);
  g_variant_iter_init (&iter, data);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if (!is_for_template (key) && !lodge_machine_check_changeable (self, error))
      return FALSE;
    if (!lodge_description_set (value, key, text, error) ||
        (!is_unseen (key) && !lodge_machine_check_not_suspended (self, key, error)))
      return FALSE;
    if (g_str_equal (key, "sharing.folder") ||
        (g_str_equal (key, "sharing.folder-writable") && value->share_folder_writable))
      check_folder = TRUE;
    decided = decided || lodge_machine_is_held_key (key);
    /* A kernel that the user names stays; only the built-in installer's goes by itself. */
    if (g_str_equal (key, "boot.kernel"))
      value->kernel_once = FALSE;
  }
  /* What was allowed for one folder is not for the next. */
  if (!g_str_equal (value->share_folder, folder) &&
      !g_variant_lookup (data, "sharing.folder-writable", "&s", &text))
    value->share_folder_writable = FALSE;
  /* One that goes away later is told in the note, when it is shared. */
  if (check_folder && *value->share_folder != '\0') {
    g_autofree char *real =
        lodge_shared_folder_check (value->share_folder, value->share_folder_writable, error);

    if (real == NULL)
      return FALSE;
  }
  if (value->is_template && !was_template &&
      !lodge_state_check_action (self->state, LODGE_ACTION_TEMPLATE, lodge_machine_get_name (self),
                                 error))
    return FALSE;
  if (value->is_template && !was_template && lodge_description_find_host_disk (value) != NULL) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("“%s” has a disk of this computer as a whole, %s, which cannot be cloned: remove that "
           "from the machine first, which leaves all that is on it"),
        lodge_machine_get_name (self), lodge_description_find_host_disk (value)->file);
    return FALSE;
  }
  self->held_decided = decided;
  return TRUE;
}

typedef struct {
  LodgeMachine *machine;
  GVariant *changes;
  GAsyncReadyCallback callback;
  gpointer user_data;
} Wish;

static void
set_now (LodgeMachine *self, GVariant *changes, GAsyncReadyCallback callback, gpointer user_data)
{
  lodge_machine_refresh (self);
  lodge_machine_save_for_client_async (self, edit_by_name, g_variant_ref (changes),
                                       (GDestroyNotify) g_variant_unref, callback, user_data);
}

static void
found_virtiofsd_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Wish *wish = user_data;
  g_autoptr (LodgeMachine) self = wish->machine;
  g_autoptr (GVariant) changes = wish->changes;
  const LodgeVirtiofsd *virtiofsd =
      lodge_machine_host_find_virtiofsd_finish (LODGE_MACHINE_HOST (source), result);

  if (virtiofsd->path != NULL)
    set_now (self, changes, wish->callback, wish->user_data);
  else
    g_task_report_new_error (self, wish->callback, wish->user_data, lodge_machine_set_async,
                             LODGE_ERROR, LODGE_ERROR_HOST,
                             _ ("Folders cannot be shared by virtiofs on this computer: %s"),
                             virtiofsd->problem);
}

void
lodge_machine_set_async (LodgeMachine *self,
                         GVariant *changes_given,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GVariant) changes = g_variant_ref_sink (changes_given);
  const char *method = "";
  Wish *wish;

  if (!g_variant_lookup (changes, "sharing.folder-method", "&s", &method) ||
      !g_str_equal (method, "virtiofs")) {
    set_now (self, changes, callback, user_data);
    return;
  }
  wish = g_new0 (Wish, 1);
  wish->machine = g_object_ref (self);
  wish->changes = g_steal_pointer (&changes);
  wish->callback = callback;
  wish->user_data = user_data;
  lodge_machine_host_find_virtiofsd_async (self->host, FALSE, found_virtiofsd_cb, wish);
}
