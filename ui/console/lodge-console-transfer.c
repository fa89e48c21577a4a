/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file on its way into the guest: looked at, handed to spice-client-glib, watched.
 *
 *   waiting ──▶ running ──▶ done, failed
 *      └───────────┴──────▶ failed, cancelled
 *
 * spice-client-glib notices that it is to cancel only when it reads the file the next time, for
 * which it waits for the guest. So a transfer is over here first, and the library's task ends by
 * itself when the guest answers or its agent goes.
 */
#include "console/lodge-console-session-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

struct _LodgeConsoleTransfer {
  GObject parent_instance;

  GFile *file;
  char *name;
  LodgeTransferState state;
  double progress;
  char *sentence;

  GCancellable *cancellable; /* of looking at the file */
  SpiceMainChannel *main;    /* while running */
  SpiceFileTransferTask *task;
  guint limit_ms;
  gboolean expects; /* a sign from the guest */
  gboolean paused;  /* it can give none */
  guint silence_timer;
};

G_DEFINE_FINAL_TYPE (LodgeConsoleTransfer, lodge_console_transfer, G_TYPE_OBJECT)

enum { PROP_0, PROP_STATE, PROP_PROGRESS, N_PROPS };
static GParamSpec *properties[N_PROPS];

static gboolean
is_over (LodgeConsoleTransfer *self)
{
  return self->state >= LODGE_TRANSFER_DONE;
}

static void
set_progress (LodgeConsoleTransfer *self, double progress)
{
  progress = CLAMP (progress, 0, 1);
  if ((int) (progress * 1000) == (int) (self->progress * 1000))
    return;
  self->progress = progress;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
}

static void
set_state (LodgeConsoleTransfer *self, LodgeTransferState state)
{
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* spice-client-glib (0.42) puts what tells the agent of the end into a queue, and where it was
 * waiting for its socket leaves it there until the channel has something else to send: the guest
 * would keep the part that it has. Asking for the mouse as it is changes nothing and is sent. */
static void
cancelled_cb (SpiceFileTransferTask *task, const GError *error, SpiceMainChannel *main)
{
  gboolean connected = FALSE;
  gint mode = SPICE_MOUSE_MODE_SERVER;

  g_object_get (main, "agent-connected", &connected, "mouse-mode", &mode, NULL);
  if (!connected || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  spice_main_channel_request_mouse_mode (main, mode);
}

static void
end (LodgeConsoleTransfer *self, LodgeTransferState state)
{
  if (is_over (self))
    return;

  g_object_ref (self); /* a handler may let go of it */
  g_clear_handle_id (&self->silence_timer, g_source_remove);
  if (self->task != NULL) {
    g_signal_handlers_disconnect_by_data (self->task, self);
    if (state != LODGE_TRANSFER_DONE) {
      g_signal_connect_object (self->task, "finished", G_CALLBACK (cancelled_cb), self->main, 0);
      spice_file_transfer_task_cancel (self->task);
    }
  }
  g_clear_object (&self->task);
  g_clear_object (&self->main);
  g_cancellable_cancel (self->cancellable);
  set_state (self, state);
  g_object_unref (self);
}

void
lodge_console_transfer_fail (LodgeConsoleTransfer *self, const char *sentence)
{
  if (is_over (self))
    return;
  self->sentence = g_strdup (sentence);
  end (self, LODGE_TRANSFER_FAILED);
}

static void fail (LodgeConsoleTransfer *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (LodgeConsoleTransfer *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *sentence = g_strdup_vprintf (format, args);
  va_end (args);
  lodge_console_transfer_fail (self, sentence);
}

void
lodge_console_transfer_cancel (LodgeConsoleTransfer *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_TRANSFER (self));
  end (self, LODGE_TRANSFER_CANCELLED);
}

/* --- The library's task --- */

static gboolean
silence_cb (gpointer user_data)
{
  LodgeConsoleTransfer *self = user_data;

  self->silence_timer = 0;
  fail (self, _ ("“%s” was not copied: the guest has not answered for %u seconds."), self->name,
        (self->limit_ms + 999) / 1000);
  return G_SOURCE_REMOVE;
}

static void
update_timer (LodgeConsoleTransfer *self)
{
  g_clear_handle_id (&self->silence_timer, g_source_remove);
  if (self->expects && !self->paused && !is_over (self))
    self->silence_timer = g_timeout_add (self->limit_ms, silence_cb, self);
}

static void
expect_sign (LodgeConsoleTransfer *self)
{
  self->expects = TRUE;
  update_timer (self);
}

void
lodge_console_transfer_set_paused (LodgeConsoleTransfer *self, gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  update_timer (self);
}

static void
progress_cb (SpiceFileTransferTask *task, GParamSpec *pspec, LodgeConsoleTransfer *self)
{
  expect_sign (self);
  set_progress (self, spice_file_transfer_task_get_progress (task));
}

static void
finished_cb (SpiceFileTransferTask *task, const GError *error, LodgeConsoleTransfer *self)
{
  gboolean connected = FALSE;

  g_object_get (self->main, "agent-connected", &connected, NULL);
  if (error == NULL) {
    set_progress (self, 1);
    end (self, LODGE_TRANSFER_DONE);
  } else if (!connected) {
    fail (self, _ ("“%s” was not copied: the agent in the guest has ended."), self->name);
  } else {
    fail (self, _ ("“%s” was not copied into the guest: %s"), self->name, error->message);
  }
}

static void
task_cb (SpiceMainChannel *main, SpiceFileTransferTask *task, LodgeConsoleTransfer *self)
{
  g_set_object (&self->task, task);
  g_signal_connect_object (task, "notify::progress", G_CALLBACK (progress_cb), self, 0);
  g_signal_connect_object (task, "finished", G_CALLBACK (finished_cb), self, 0);
}

static void
hand_over (LodgeConsoleTransfer *self)
{
  GFile *files[] = {self->file, NULL};
  SpiceMainChannel *main = g_object_ref (self->main); /* the task may end within the call */

  /* The library makes its task, and tells of it, within the call. */
  const gulong id = g_signal_connect (main, "new-file-transfer", G_CALLBACK (task_cb), self);
  expect_sign (self);
  spice_main_channel_file_copy_async (main, files, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL, NULL);
  g_signal_handler_disconnect (main, id);
  g_object_unref (main);
}

/* --- The file --- */

static void
info_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleTransfer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, &error);

  if (is_over (self))
    return;

  if (info == NULL) {
    fail (self, _ ("“%s” could not be read: %s"), self->name, error->message);
    return;
  }
  switch (g_file_info_get_file_type (info)) {
  case G_FILE_TYPE_REGULAR:
    hand_over (self);
    break;
  case G_FILE_TYPE_DIRECTORY:
    fail (self,
          _ ("“%s” is a folder: only single files can be copied. An archive of it can be one."),
          self->name);
    break;
  default:
    fail (self, _ ("“%s” is no regular file and was not copied."), self->name);
    break;
  }
}

void
lodge_console_transfer_start (LodgeConsoleTransfer *self, SpiceMainChannel *main, guint limit_ms)
{
  g_return_if_fail (self->state == LODGE_TRANSFER_WAITING);

  self->main = g_object_ref (main);
  self->limit_ms = limit_ms;
  set_state (self, LODGE_TRANSFER_RUNNING);
  g_file_query_info_async (self->file, G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE,
                           G_PRIORITY_DEFAULT, self->cancellable, info_cb, g_object_ref (self));
}

/* --- Type --- */

LodgeTransferState
lodge_console_transfer_get_state (LodgeConsoleTransfer *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_TRANSFER (self), LODGE_TRANSFER_FAILED);
  return self->state;
}

double
lodge_console_transfer_get_progress (LodgeConsoleTransfer *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_TRANSFER (self), 0);
  return self->progress;
}

const char *
lodge_console_transfer_get_name (LodgeConsoleTransfer *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_TRANSFER (self), NULL);
  return self->name;
}

const char *
lodge_console_transfer_get_sentence (LodgeConsoleTransfer *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_TRANSFER (self), NULL);
  return self->sentence;
}

static void
lodge_console_transfer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeConsoleTransfer *self = LODGE_CONSOLE_TRANSFER (object);

  switch (id) {
  case PROP_STATE:
    g_value_set_uint (value, self->state);
    break;
  case PROP_PROGRESS:
    g_value_set_double (value, self->progress);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_console_transfer_dispose (GObject *object)
{
  LodgeConsoleTransfer *self = LODGE_CONSOLE_TRANSFER (object);

  g_clear_handle_id (&self->silence_timer, g_source_remove);
  g_clear_object (&self->task);
  g_clear_object (&self->main);
  G_OBJECT_CLASS (lodge_console_transfer_parent_class)->dispose (object);
}

static void
lodge_console_transfer_finalize (GObject *object)
{
  LodgeConsoleTransfer *self = LODGE_CONSOLE_TRANSFER (object);

  g_object_unref (self->file);
  g_object_unref (self->cancellable);
  g_free (self->name);
  g_free (self->sentence);
  G_OBJECT_CLASS (lodge_console_transfer_parent_class)->finalize (object);
}

static void
lodge_console_transfer_class_init (LodgeConsoleTransferClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lodge_console_transfer_get_property;
  object_class->dispose = lodge_console_transfer_dispose;
  object_class->finalize = lodge_console_transfer_finalize;

  properties[PROP_STATE] =
      g_param_spec_uint ("state", NULL, NULL, 0, LODGE_TRANSFER_CANCELLED, 0, flags);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
lodge_console_transfer_init (LodgeConsoleTransfer *self)
{
  self->cancellable = g_cancellable_new ();
}

LodgeConsoleTransfer *
lodge_console_transfer_new (GFile *file)
{
  LodgeConsoleTransfer *self = g_object_new (LODGE_TYPE_CONSOLE_TRANSFER, NULL);
  g_autofree char *name = g_file_get_basename (file);

  self->file = g_object_ref (file);
  self->name = name != NULL ? g_filename_display_name (name) : g_file_get_parse_name (file);
  return self;
}
