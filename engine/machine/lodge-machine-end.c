/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a machine's QEMU ends, whoever ended it.
 *
 *   1. what it has left open because it did not answer is undone (lodge-machine-silent.c);
 *   2. what its guest has made of media in this computer's drives is written down
 *      (lodge-machine-host-disks.c);
 *   3. a one-shot kernel goes that has done its work;
 *   4. the state says that it is off, or has crashed, and whoever waits for that is called back: it
 *      may be started again at once.
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "machine/lodge-journal.h"
#include "qemu/lodge-launch.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>

void
lodge_machine_end_waiting (LodgeMachine *self)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting_for_end);

  self->waiting_for_end = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_boolean (waiting->pdata[i], TRUE);
}

static void
wait_to_restart (LodgeMachine *self)
{
  g_autofree char *note =
      g_strdup_printf (_ ("The guest has reset, and is started again when what is being done is "
                          "over: %s"),
                       lodge_job_get_step (self->work));

  self->restart_waits = TRUE;
  lodge_machine_set_note (self, note);
}

static void
restarted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  /* Nobody waits for this start. Other work may have been first, or it was refused before its note
   * could say so. */
  if (lodge_machine_start_finish (self, result, &error) || self->state != LODGE_STATE_OFF)
    return;
  if (!lodge_machine_check_no_work (self, NULL))
    wait_to_restart (self);
  else if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    lodge_machine_set_note (self, error->message);
}

static void
restart (LodgeMachine *self)
{
  if (lodge_machine_check_no_work (self, NULL))
    lodge_machine_start_async (self, restarted_cb, NULL);
  else
    wait_to_restart (self);
}

void
lodge_machine_restart_waiting (LodgeMachine *self)
{
  if (!self->restart_waits || self->state != LODGE_STATE_OFF)
    return;
  self->restart_waits = FALSE;
  restart (self);
}

gboolean
lodge_machine_forget_restart (LodgeMachine *self)
{
  if (!self->restart_waits)
    return FALSE;
  self->restart_waits = FALSE;
  lodge_machine_note_rest (self);
  return TRUE;
}

static void
finish_end (LodgeMachine *self)
{
  const gboolean reset = self->restart;
  const gboolean forgotten = self->disposable;

  self->restart = FALSE;
  lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  if (forgotten) {
    lodge_machine_clear_run (self);
    lodge_machine_note_rest (self);
  }
  if (forgotten && reset)
    lodge_machine_set_note (self, _ ("The guest has reset, which was the end of a run of which "
                                     "nothing was to be kept"));
  lodge_machine_end_waiting (self);
  if (reset && !forgotten && self->state == LODGE_STATE_OFF)
    restart (self);
}

static gboolean
edit_kernel_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  char **texts[] = {&value->kernel, &value->initrd, &value->append};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_free (*texts[i]);
    *texts[i] = g_strdup ("");
  }
  value->kernel_once = FALSE;
  return TRUE;
}

static void
kernel_away_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_save_finish (self, result, &error))
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

static void
bootable_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (GError) error = NULL;

  if (lodge_image_is_bootable_finish (result, &error)) {
    lodge_machine_save_async (self, edit_kernel_away, NULL, NULL, kernel_away_cb, NULL);
    return;
  }
  if (error != NULL)
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

/* A one-shot kernel has done its work once the guest ends by itself and its disk can boot. */
static gboolean
drop_kernel (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) layers = NULL;
  g_autofree char *folder = NULL;
  const LodgeDisk *disk =
      description != NULL ? lodge_description_get_boot_disk (description) : NULL;

  if (description == NULL || !description->kernel_once || disk == NULL)
    return FALSE;

  folder = lodge_machine_dup_folder (self);
  layers = g_ptr_array_new_with_free_func (g_free);
  for (const LodgeLayer *layer = lodge_description_get_layer (description, disk->top);
       layer != NULL; layer = lodge_description_get_layer (description, layer->below)) {
    g_autofree char *path = g_path_is_absolute (layer->file)
                                ? g_strdup (layer->file)
                                : g_build_filename (folder, layer->file, NULL);

    g_ptr_array_add (layers, g_strdup_printf ("%s:%s", layer->format, path));
    if (layer->below == NULL)
      break;
  }
  g_ptr_array_add (layers, NULL);
  lodge_image_is_bootable_async ((const char *const *) layers->pdata, NULL, bootable_cb,
                                 g_object_ref (self));
  return TRUE;
}

static char *
dup_crash_note (LodgeMachine *self, LodgeRunEnd how)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *words = NULL;

  if (lodge_run_record_is_disposable (folder))
    return g_strdup (how == LODGE_RUN_COMPUTER_ENDED
                         ? _ ("The computer was switched off or lost power during a run of which "
                              "nothing was to be kept; the machine is as it was before that")
                         : _ ("QEMU ended unexpectedly during a run of which nothing was to be "
                              "kept; the machine is as it was before that"));
  if (how == LODGE_RUN_COMPUTER_ENDED)
    return g_strdup (_ ("It was running when the computer was switched off or lost power; the "
                        "guest lost power too"));
  words = lodge_launch_read_last_words (log);
  if (words == NULL)
    return g_strdup (_ ("QEMU ended unexpectedly; the guest lost power"));
  return g_strdup_printf (_ ("QEMU ended unexpectedly: %s (the whole log is %s)"), words, log);
}

void
lodge_machine_crashed (LodgeMachine *self, LodgeRunEnd how)
{
  g_autofree char *note = dup_crash_note (self, how);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* A machine.ini that cannot be read is what has to be mended first. */
  if (self->file != NULL)
    lodge_machine_set_note (self, note);
  if (self->pid == 0 && lodge_run_record_is_disposable (folder)) {
    /* Whatever its guest has lost is nothing of the machine's. */
    lodge_machine_clear_run (self);
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
    return;
  }
  lodge_machine_set_state (self, LODGE_STATE_CRASHED);
}

/* What could not be written while its guest ran, once more. */
static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_forget_finish (self, result, &error))
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

/* How a QEMU has gone. */
typedef struct {
  gboolean expected; /* it was told to */
  gboolean panicked;
  gboolean starting;
  gboolean saved; /* machine.ini names its guest's memory */
} Gone;

static void
settle_end (LodgeMachine *self, const Gone *gone)
{
  self->settling = FALSE;
  self->left_open = FALSE;
  if (!gone->expected) {
    g_autofree char *folder = lodge_machine_dup_folder (self);

    self->restart = FALSE;
    /* A guest that has run no instruction has lost nothing, and the next engine need not tell. */
    if (!gone->starting || lodge_run_record_read (folder) != LODGE_RUN_NONE)
      lodge_run_record_qemu_ended (folder);
    lodge_machine_crashed (self, LODGE_RUN_QEMU_ENDED);
    lodge_machine_end_waiting (self);
  } else if (lodge_machine_has_gone_on (self)) {
    lodge_machine_forget_async (self, forgotten_cb, NULL);
  } else if (gone->panicked || gone->saved || self->disposable || !drop_kernel (self)) {
    finish_end (self);
  }
}

static void
media_known_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Gone *gone = user_data;

  settle_end (LODGE_MACHINE (source), gone);
}

/* Before anybody is told that it may be started again, or that it need not be waited for. */
static void
look_at_media (LodgeMachine *self, const Gone *gone)
{
  if (gone->starting || g_hash_table_size (self->media) == 0) {
    settle_end (self, gone);
  } else {
    self->settling = TRUE;
    lodge_machine_look_at_media_async (self, media_known_cb, g_memdup2 (gone, sizeof *gone));
  }
}

static void
left_undone_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autofree Gone *gone = user_data;
  g_autoptr (GError) error = NULL;

  /* With the next work, or the next engine. */
  if (!lodge_machine_tidy_earlier_finish (self, result, &error))
    g_debug ("%s: %s", self->uuid, error->message);
  self->recovering = FALSE;
  look_at_media (self, gone);
}

static void work_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data);

/* What was left open because QEMU did not answer (lodge_machine_leave_open()) waits for nobody any
 * more. Other work hears of the end by itself, and leaves nothing. */
static gboolean
undo_what_is_left (LodgeMachine *self, const Gone *gone)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (gone->starting || self->recovering)
    return FALSE;
  /* It has failed by now, and is about to end. */
  if (self->work != NULL && self->left_open) {
    self->settling = TRUE;
    g_ptr_array_add (self->waiting_for_work,
                     g_task_new (self, NULL, work_ended_cb, g_memdup2 (gone, sizeof *gone)));
    return TRUE;
  }
  if (self->work != NULL || !lodge_journal_exists (folder))
    return FALSE;
  self->settling = TRUE;
  self->recovering = TRUE;
  lodge_machine_tidy_earlier_async (self, left_undone_cb, g_memdup2 (gone, sizeof *gone));
  return TRUE;
}

static void
work_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autofree Gone *gone = user_data;

  self->left_open = FALSE;
  if (!undo_what_is_left (self, gone))
    look_at_media (self, gone);
}

static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = g_object_ref (user_data);
  const Gone gone = {
      .expected = self->ending,
      .panicked = self->state == LODGE_STATE_CRASHED,
      .starting = self->state == LODGE_STATE_STARTING,
      .saved = self->file != NULL && lodge_machine_get_description (self)->suspended != NULL,
  };

  self->watch = 0;
  lodge_machine_detach (self);
  /* Whoever suspends it waits for this, and says what comes of it. */
  if (gone.expected && self->state == LODGE_STATE_SUSPENDING) {
    lodge_machine_end_waiting (self);
    return;
  }
  /* A start that has failed over it was told by that, and has ended the rest. */
  if (gone.starting && !lodge_state_is_live (self->state))
    return;
  if (!undo_what_is_left (self, &gone))
    look_at_media (self, &gone);
}

gboolean
lodge_machine_watch (LodgeMachine *self, GPid pid)
{
  self->watch = lodge_launch_watch (pid, gone_cb, self);
  self->pid = self->watch != 0 ? pid : 0;
  return self->watch != 0;
}
