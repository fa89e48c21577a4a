/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine: its description, its state and its note. What it does is in the files beside. */
#include "machine/lodge-machine-private.h"

#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-schedule.h"
#include "machine/lodge-media-record.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

G_DEFINE_FINAL_TYPE (LodgeMachine, lodge_machine, G_TYPE_OBJECT)

enum { CHANGED, GUEST_EVENT, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
lodge_machine_finalize (GObject *object)
{
  LodgeMachine *self = LODGE_MACHINE (object);

  /* The machine itself goes on: an engine that ends leaves its QEMUs running. */
  lodge_machine_screen_end (self);
  lodge_machine_end_silence (self);
  lodge_machine_forget_released (self);
  lodge_machine_share_forget (self);
  lodge_machine_clock_end (self);
  lodge_machine_key_finalize (self);
  g_clear_pointer (&self->terminals, g_ptr_array_unref);
  g_clear_pointer (&self->frames, lodge_frame_door_free);
  g_clear_handle_id (&self->watch, g_source_remove);
  g_clear_handle_id (&self->reaction_timeout, g_source_remove);
  g_clear_handle_id (&self->kill_timeout, g_source_remove);
  g_clear_handle_id (&self->network_timeout, g_source_remove);
  if (self->qmp != NULL)
    g_signal_handlers_disconnect_by_data (self->qmp, self);
  g_clear_object (&self->qmp);
  g_clear_object (&self->start_cancellable);
  g_hash_table_unref (self->networks);
  g_hash_table_unref (self->media);
  g_hash_table_unref (self->links);
  g_ptr_array_unref (self->waiting_for_end);
  g_ptr_array_unref (self->waiting_for_work);
  g_clear_object (&self->work);
  g_clear_pointer (&self->command, lodge_command_free);
  g_clear_pointer (&self->started, lodge_description_free);
  g_clear_pointer (&self->file, lodge_description_file_free);
  g_clear_pointer (&self->thumbnail, g_bytes_unref);
  g_object_unref (self->host);
  lodge_store_unref (self->store);
  g_free (self->uuid);
  g_free (self->render_node);
  g_free (self->graphics_problem);
  g_free (self->note);
  g_free (self->clock_note);
  g_free (self->broken);
  g_free (self->known_name);
  g_free (self->gone_on);
  g_free (self->schedule_note);
  g_strfreev (self->held);
  g_strfreev (self->outside);
  g_free (self->runtime);
  g_free (self->spice_socket);

  G_OBJECT_CLASS (lodge_machine_parent_class)->finalize (object);
}

static void
lodge_machine_class_init (LodgeMachineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_machine_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[GUEST_EVENT] =
      g_signal_new ("guest-event", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lodge_machine_init (LodgeMachine *self)
{
  self->note = g_strdup ("");
  self->spice_socket = g_strdup ("");
  self->media = lodge_media_new ();
  self->networks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->waiting_for_end = g_ptr_array_new_with_free_func (g_object_unref);
  self->waiting_for_work = g_ptr_array_new_with_free_func (g_object_unref);
}

static gint64
get_file_time (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  GStatBuf info;

  if (g_lstat (path, &info) != 0)
    return 0;
  return (gint64) info.st_mtim.tv_sec * G_USEC_PER_SEC + info.st_mtim.tv_nsec / 1000;
}

static void
load (LodgeMachine *self)
{
  g_autoptr (GError) error = NULL;

  self->snapshot_serial++;
  lodge_machine_schedule_changed (self);
  g_clear_pointer (&self->file, lodge_description_file_free);
  self->file_time_us = get_file_time (self);
  self->file = lodge_store_load (self->store, self->uuid, &error);
  if (self->file != NULL && !lodge_machine_adopt (self, &error)) {
    g_clear_pointer (&self->file, lodge_description_file_free);
    self->file_time_us = 0; /* tried again */
  }
  lodge_machine_key_update (self);
  g_clear_pointer (&self->broken, g_free);
  g_clear_pointer (&self->known_name, g_free);
  if (self->file == NULL) {
    g_autofree char *folder = lodge_machine_dup_folder (self);
    g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);

    self->known_name = lodge_description_file_peek_name (path);
    if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_INVALID))
      self->broken = g_strdup_printf (_ ("%s. Mend it with a text editor"), error->message);
    else
      self->broken = g_strdup (error->message);
  }
  lodge_machine_note_rest (self);
}

void
lodge_machine_note_rest (LodgeMachine *self)
{
  g_autofree char *held = lodge_machine_dup_held_note (self);
  g_autofree char *folder = NULL;

  if (self->file == NULL) {
    lodge_machine_set_note (self, self->broken);
  } else if (self->state == LODGE_STATE_CRASHED) {
    folder = lodge_machine_dup_folder (self);
    lodge_machine_crashed (self, lodge_run_record_read (folder));
  } else {
    const char *read_only = lodge_description_file_get_read_only (self->file);

    lodge_machine_set_note (self, read_only != NULL ? read_only : held);
  }
}

void
lodge_machine_note_run (LodgeMachine *self)
{
  lodge_machine_set_own_note (
      self, self->disposable ? _ ("Nothing of this run is kept: when it ends, the machine is "
                                  "as it was before")
                             : self->graphics_problem);
}

LodgeMachine *
lodge_machine_new (LodgeStore *store, LodgeMachineHost *host, const char *uuid)
{
  LodgeMachine *self = g_object_new (LODGE_TYPE_MACHINE, NULL);

  self->store = lodge_store_ref (store);
  self->host = g_object_ref (host);
  self->uuid = g_strdup (uuid);
  load (self);
  lodge_machine_screen_load (self);
  return self;
}

LodgeMachine *
lodge_machine_new_for_file (LodgeStore *store, LodgeMachineHost *host, LodgeDescriptionFile *file)
{
  LodgeMachine *self = g_object_new (LODGE_TYPE_MACHINE, NULL);

  self->store = lodge_store_ref (store);
  self->host = g_object_ref (host);
  self->uuid = g_strdup (lodge_description_file_get (file)->uuid);
  self->file = file;
  self->file_time_us = get_file_time (self);
  lodge_machine_key_update (self);
  return self;
}

const char *
lodge_machine_get_uuid (LodgeMachine *self)
{
  return self->uuid;
}

const char *
lodge_machine_get_name (LodgeMachine *self)
{
  if (self->file != NULL)
    return lodge_description_file_get (self->file)->name;
  return self->known_name != NULL ? self->known_name : self->uuid;
}

LodgeState
lodge_machine_get_state (LodgeMachine *self)
{
  return self->state;
}

void
lodge_machine_pause_for_suspend (LodgeMachine *self)
{
  self->paused_for_suspend = TRUE;
}

const char *
lodge_machine_get_state_name (LodgeMachine *self)
{
  return self->recovering && self->state == LODGE_STATE_OFF ? "looking"
                                                            : lodge_state_get_name (self->state);
}

LodgeState
lodge_machine_get_rest_state (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  return now != NULL && now->suspended != NULL && !lodge_machine_has_gone_on (self)
             ? LODGE_STATE_SUSPENDED
         : now != NULL && now->is_template ? LODGE_STATE_TEMPLATE
                                           : LODGE_STATE_OFF;
}

const char *
lodge_machine_get_note (LodgeMachine *self)
{
  return self->note;
}

const LodgeDescription *
lodge_machine_get_description (LodgeMachine *self)
{
  return self->file != NULL ? lodge_description_file_get (self->file) : NULL;
}

char *
lodge_machine_dup_folder (LodgeMachine *self)
{
  return lodge_store_dup_folder (self->store, self->uuid);
}

const char *
lodge_machine_get_spice_socket (LodgeMachine *self)
{
  return self->spice_socket;
}

gboolean
lodge_machine_get_asleep (LodgeMachine *self)
{
  return self->asleep;
}

GBytes *
lodge_machine_get_thumbnail (LodgeMachine *self)
{
  return self->thumbnail;
}

guint64
lodge_machine_get_thumbnail_serial (LodgeMachine *self)
{
  return self->thumbnail_serial;
}

void
lodge_machine_refresh (LodgeMachine *self)
{
  if (lodge_state_is_live (self->state) || self->pid != 0 || self->recovering || self->saving ||
      self->work != NULL || get_file_time (self) == self->file_time_us)
    return;
  load (self);
  /* Somebody has taken the memory out of it, or mended what named one. */
  if (self->state == LODGE_STATE_OFF || self->state == LODGE_STATE_SUSPENDED ||
      self->state == LODGE_STATE_TEMPLATE)
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  lodge_machine_emit_changed (self);
}

void
lodge_machine_emit_changed (LodgeMachine *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

void
lodge_machine_emit_guest_event (LodgeMachine *self, const char *kind)
{
  g_signal_emit (self, signals[GUEST_EVENT], 0, kind);
}

void
lodge_machine_set_state (LodgeMachine *self, LodgeState state)
{
  if (self->state == state)
    return;
  if (!lodge_state_can_move (self->state, state))
    g_critical ("%s: no move from %s to %s", self->uuid, lodge_state_get_name (self->state),
                lodge_state_get_name (state));
  g_debug ("%s: %s -> %s", self->uuid, lodge_state_get_name (self->state),
           lodge_state_get_name (state));
  self->state = state;
  /* A guest that has panicked still has its QEMU. */
  if (!lodge_state_is_live (state) && self->pid == 0)
    self->disposable = FALSE;
  /* The next time that it is off. */
  if (state == LODGE_STATE_RUNNING)
    self->merge_stopped = FALSE;
  if (state == LODGE_STATE_RUNNING || !lodge_state_is_live (state))
    self->join_stopped = FALSE;
  lodge_machine_schedule_changed (self);
  if (state != LODGE_STATE_STOPPING)
    g_clear_handle_id (&self->reaction_timeout, g_source_remove);
  lodge_machine_clock_update (self);
  lodge_machine_emit_changed (self);
}

void
lodge_machine_set_note (LodgeMachine *self, const char *note)
{
  if (g_strcmp0 (self->note, note != NULL ? note : "") == 0)
    return;
  g_free (self->note);
  self->note = g_strdup (note != NULL ? note : "");
  lodge_machine_emit_changed (self);
}

gboolean
lodge_machine_check_usable (LodgeMachine *self, GError **error)
{
  if (self->file != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("This machine cannot be used: %s"),
               self->broken);
  return FALSE;
}

gboolean
lodge_machine_check_recovered (LodgeMachine *self, GError **error)
{
  if (!self->recovering)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("Whether “%s” still runs is being found out: try again in a few seconds"),
               lodge_machine_get_name (self));
  return FALSE;
}

gboolean
lodge_machine_check_changeable (LodgeMachine *self, GError **error)
{
  /* Of what a template may do this is nothing. */
  return self->state != LODGE_STATE_TEMPLATE ||
         lodge_state_check_action (self->state, LODGE_ACTION_TEMPLATE,
                                   lodge_machine_get_name (self), error);
}

gboolean
lodge_machine_is_disposable (LodgeMachine *self)
{
  return self->disposable;
}

/* What the guest writes to has no name, and nothing may come to stand on it. */
static gboolean
check_not_disposable (LodgeMachine *self, LodgeAction action, GError **error)
{
  if (!self->disposable || (action != LODGE_ACTION_SNAPSHOT && action != LODGE_ACTION_CLONE &&
                            action != LODGE_ACTION_SUSPEND && action != LODGE_ACTION_GROW &&
                            action != LODGE_ACTION_DISKS && action != LODGE_ACTION_STICKS))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("Nothing of this run of “%s” is kept: that can be done once it is off, with what "
                  "it was before"),
               lodge_machine_get_name (self));
  return FALSE;
}

gboolean
lodge_machine_check_action (LodgeMachine *self, LodgeAction action, GError **error)
{
  /* Work beside a running guest minds being paused under it, and no end of it. */
  gboolean minds = !lodge_state_is_live (self->state) || action == LODGE_ACTION_PAUSE ||
                   action == LODGE_ACTION_RESUME || action == LODGE_ACTION_RESET;

  /* Whatever makes of such a file one of the machine's own, or gives it to the guest. */
  gboolean uses = self->file != NULL && !lodge_state_is_live (self->state) &&
                  (action == LODGE_ACTION_START || action == LODGE_ACTION_SNAPSHOT ||
                   action == LODGE_ACTION_REVERT || action == LODGE_ACTION_GROW ||
                   action == LODGE_ACTION_COMPACT || action == LODGE_ACTION_CONVERT);

  /* A QEMU that does not answer can be ended at any time. */
  if (action == LODGE_ACTION_KILL && lodge_state_is_live (self->state))
    return lodge_state_check_action (self->state, action, lodge_machine_get_name (self), error);
  return lodge_machine_check_recovered (self, error) && lodge_machine_check_answers (self, error) &&
         check_not_disposable (self, action, error) &&
         (!minds || lodge_machine_check_no_work (self, error)) &&
         lodge_state_check_action (self->state, action, lodge_machine_get_name (self), error) &&
         (!uses || lodge_machine_check_outside (self, lodge_machine_get_description (self), error));
}

guint64
lodge_machine_get_snapshot_serial (LodgeMachine *self)
{
  return self->snapshot_serial;
}

/* What belongs to snapshots, as text. */
static char *
dup_tree (LodgeDescriptionFile *file)
{
  g_autoptr (GPtrArray) list = lodge_description_list (lodge_description_file_get (file));
  GString *tree = g_string_new (NULL);

  for (guint i = 0; i < list->len; i += 2) {
    const char *key = list->pdata[i];

    if (g_str_has_prefix (key, "snapshot.") || g_str_equal (key, "machine.snapshot"))
      g_string_append_printf (tree, "%s=%s\n", key, (const char *) list->pdata[i + 1]);
  }
  return g_string_free (tree, FALSE);
}

/* Whether other machines have a layer of this one's disks. */
static gboolean
has_sharers (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];

    if (!g_path_is_absolute (layer->file) && lodge_own_file_count_names (folder, layer->file) > 1)
      return TRUE;
  }
  return FALSE;
}

/* Whoever lets a template be none may think of those that were made from it. */
static void
note_sharers (LodgeMachine *self)
{
  g_autofree char *text = NULL;

  if (!has_sharers (self))
    return;
  text = g_strdup_printf (
      _ ("“%s” is no template any more; other machines stand on layers that it has, too, which do "
         "not change whatever is done with this one"),
      lodge_machine_get_name (self));
  lodge_machine_set_own_note (self, text);
}

void
lodge_machine_take_file (LodgeMachine *self, LodgeDescriptionFile *file)
{
  g_autofree char *before = self->file != NULL ? dup_tree (self->file) : NULL;
  g_autofree char *after = dup_tree (file);

  if (g_strcmp0 (before, after) != 0)
    self->snapshot_serial++;
  lodge_description_file_free (self->file);
  self->file = file;
  lodge_machine_schedule_changed (self);
  self->file_time_us = get_file_time (self);
  lodge_machine_key_update (self);
  /* It has become a template, or is none any more. */
  if ((self->state == LODGE_STATE_OFF || self->state == LODGE_STATE_TEMPLATE) &&
      !self->recovering &&
      (self->state == LODGE_STATE_TEMPLATE) != lodge_description_file_get (file)->is_template) {
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
    if (self->state == LODGE_STATE_OFF)
      note_sharers (self);
    else
      lodge_machine_note_rest (self);
  }
  lodge_machine_share_update (self);
  lodge_machine_links_update (self);
  lodge_machine_emit_changed (self);
}
