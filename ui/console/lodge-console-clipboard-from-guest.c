/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared clipboard, from the guest: what the guest has, and asking it for that.
 *
 * The protocol has no numbers that tell which question an answer is for, so only one question to
 * the guest is on its way at a time; those behind it wait. A question that is of no use any more,
 * because the guest has copied something else, still holds the place until its answer or the time
 * limit came: that answer would otherwise be taken for the next one's.
 *
 * The guest is not trusted. It may say any size, any number of types, or answer what nobody asked.
 */
#include "console/lodge-console-clipboard-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* Agents without the capability NO_RELEASE_ON_REGRAB let go before they take again: for so long it
 * is not known whether something new follows. */
#define RELEASE_MS 500
/* There are five types. A guest that says it has more than this many does not mean it. */
#define GRAB_TYPES_MAX 64

/* Somebody who waits for the guest's data. */
typedef struct {
  GTask *task;
  guint row;
  guint offer_id; /* the offer that it was in */
  GSource *cancelled;
} Read;

/* What the guest sent, for the host. */
static GBytes *
take_data (LodgeConsoleClipboard *self, guint row, const void *data, gsize size, GError **error)
{
  const char *text = data;

  /* Before anything looks at it: a size that is not true is one like this. */
  if (!lodge_clipboard_check_size (size, error))
    return NULL;
  if (row != LODGE_CLIPBOARD_TEXT_ROW)
    return g_bytes_new (data, size);

  /* Windows programs count the NUL at the end. */
  while (size > 0 && text[size - 1] == '\0')
    size--;
  if (!lodge_clipboard_check_text (text, size, error))
    return NULL;
  if (lodge_console_clipboard_agent_can (self, VD_AGENT_CAP_GUEST_LINEEND_CRLF))
    return lodge_clipboard_replace_line_ends (text, size, "\r\n", "\n");
  return g_bytes_new (data, size);
}

/* --- Reading --- */

static void ask_next (LodgeConsoleClipboard *self);

static void
read_free (gpointer data)
{
  Read *read = data;

  if (read->cancelled != NULL) {
    g_source_destroy (read->cancelled);
    g_source_unref (read->cancelled);
  }
  g_object_unref (read->task);
  g_free (read);
}

/* Ends the reads for which @row and @offer_id are the same; with LODGE_CLIPBOARD_NO_ROW all. One of
 * @data and @error is given. */
static void
end_reads (
    LodgeConsoleClipboard *self, guint row, guint offer_id, GBytes *data, const GError *error)
{
  g_autoptr (GPtrArray) ended = g_ptr_array_new_with_free_func (read_free);

  for (guint i = 0; i < self->reads->len;) {
    Read *read = self->reads->pdata[i];

    if (row == LODGE_CLIPBOARD_NO_ROW || (read->row == row && read->offer_id == offer_id))
      g_ptr_array_add (ended, g_ptr_array_steal_index (self->reads, i));
    else
      i++;
  }
  for (guint i = 0; i < ended->len; i++) {
    Read *read = ended->pdata[i];

    if (data != NULL)
      g_task_return_pointer (read->task, g_bytes_ref (data), (GDestroyNotify) g_bytes_unref);
    else
      g_task_return_error (read->task, g_error_copy (error));
  }
}

static void
lose_reads (LodgeConsoleClipboard *self)
{
  g_autoptr (GError) error = g_error_new_literal (
      LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("The guest no longer has what was copied in it."));

  end_reads (self, LODGE_CLIPBOARD_NO_ROW, 0, NULL, error);
}

void
lodge_console_clipboard_end_question (LodgeConsoleClipboard *self)
{
  g_clear_handle_id (&self->asked_timer, g_source_remove);
  self->asked_row = LODGE_CLIPBOARD_NO_ROW;
}

static gboolean
asked_timer_cb (gpointer user_data)
{
  LodgeConsoleClipboard *self = user_data;
  g_autoptr (GError) error =
      g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                   _ ("The guest did not hand out what was copied in it within %u seconds."),
                   (self->limit_ms + 999) / 1000);

  self->asked_timer = 0;
  end_reads (self, self->asked_row, self->asked_offer_id, NULL, error);
  lodge_console_clipboard_end_question (self);
  ask_next (self);
  return G_SOURCE_REMOVE;
}

static void
ask_next (LodgeConsoleClipboard *self)
{
  if (self->asked_row != LODGE_CLIPBOARD_NO_ROW || self->reads->len == 0 ||
      !lodge_console_clipboard_may_send (self))
    return;

  const Read *read = self->reads->pdata[0];
  self->asked_row = read->row;
  self->asked_offer_id = read->offer_id;
  self->asked_timer = g_timeout_add (self->limit_ms, asked_timer_cb, self);
  spice_main_channel_clipboard_selection_request (self->main, LODGE_CLIPBOARD_SELECTION,
                                                  lodge_clipboard_types[read->row].number);
}

static void
data_cb (SpiceMainChannel *main,
         guint selection,
         guint number,
         gpointer data,
         guint size,
         LodgeConsoleClipboard *self)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  /* What nobody has asked for goes nowhere. */
  if (selection != LODGE_CLIPBOARD_SELECTION || self->asked_row == LODGE_CLIPBOARD_NO_ROW)
    return;

  if (number == lodge_clipboard_types[self->asked_row].number)
    bytes = take_data (self, self->asked_row, data, size, &error);
  else if (number == VD_AGENT_CLIPBOARD_NONE)
    g_set_error_literal (&error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                         _ ("The guest has nothing to hand out after all."));
  else
    return;

  end_reads (self, self->asked_row, self->asked_offer_id, bytes, error);
  lodge_console_clipboard_end_question (self);
  ask_next (self);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  LodgeConsoleClipboard *self = g_task_get_source_object (task);

  for (guint i = 0; i < self->reads->len; i++) {
    Read *read = self->reads->pdata[i];

    if (read->task == task) {
      g_task_return_error_if_cancelled (task);
      g_ptr_array_remove_index (self->reads, i);
      break;
    }
  }
  return G_SOURCE_REMOVE;
}

void
lodge_console_clipboard_read_async (LodgeConsoleClipboard *self,
                                    const char *type,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));
  g_return_if_fail (type != NULL);

  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, lodge_console_clipboard_read_async);
  if (!g_strv_contains (self->offer, type)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                             _ ("The guest no longer has what was copied in it."));
    return;
  }

  Read *read = g_new0 (Read, 1);
  read->task = g_object_ref (task);
  read->row = lodge_clipboard_find_type (type);
  read->offer_id = self->offer_id;
  if (cancellable != NULL) {
    read->cancelled = g_cancellable_source_new (cancellable);
    g_source_set_callback (read->cancelled, G_SOURCE_FUNC (cancelled_cb), task, NULL);
    g_source_attach (read->cancelled, NULL);
  }
  g_ptr_array_add (self->reads, read);
  ask_next (self);
}

GBytes *
lodge_console_clipboard_read_finish (LodgeConsoleClipboard *self,
                                     GAsyncResult *result,
                                     GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- What it has --- */

void
lodge_console_clipboard_update_guest (LodgeConsoleClipboard *self, guint rows)
{
  guint n = 0;

  g_clear_handle_id (&self->release_timer, g_source_remove);
  self->guest_rows = rows;
  if ((self->ways & LODGE_CLIPBOARD_WAY_TO_HOST) == 0)
    rows = 0;
  if (rows == 0 && self->offer[0] == NULL)
    return;

  self->offer_id++;
  for (guint i = 0; i < LODGE_CLIPBOARD_N_TYPES; i++) {
    if (rows & 1u << i)
      self->offer[n++] = lodge_clipboard_types[i].type;
  }
  self->offer[n] = NULL;
  lose_reads (self);
  g_signal_emit_by_name (self, "offered");
}

static gboolean
release_timer_cb (gpointer user_data)
{
  LodgeConsoleClipboard *self = user_data;

  self->release_timer = 0;
  lodge_console_clipboard_update_guest (self, 0);
  return G_SOURCE_REMOVE;
}

static gboolean
grab_cb (SpiceMainChannel *main,
         guint selection,
         const guint32 *numbers,
         guint n_numbers,
         LodgeConsoleClipboard *self)
{
  guint rows = 0;

  if (selection != LODGE_CLIPBOARD_SELECTION || !self->available)
    return FALSE;

  if (n_numbers <= GRAB_TYPES_MAX) {
    for (guint i = 0; i < n_numbers; i++) {
      const guint row = lodge_clipboard_find_number (numbers[i]);
      if (row != LODGE_CLIPBOARD_NO_ROW)
        rows |= 1u << row;
    }
  }
  /* In the guest it has taken the place of what the host offered. */
  lodge_console_clipboard_drop_host (self);
  lodge_console_clipboard_update_guest (self, rows);
  return TRUE;
}

static void
release_cb (SpiceMainChannel *main, guint selection, LodgeConsoleClipboard *self)
{
  if (selection != LODGE_CLIPBOARD_SELECTION || self->guest_rows == 0)
    return;

  if (lodge_console_clipboard_agent_can (self, VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB))
    lodge_console_clipboard_update_guest (self, 0);
  else if (self->release_timer == 0)
    /* What has come meanwhile is read first. */
    self->release_timer =
        g_timeout_add_full (G_PRIORITY_LOW, RELEASE_MS, release_timer_cb, self, NULL);
}

const char *const *
lodge_console_clipboard_get_offer (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), NULL);
  return self->offer;
}

/* --- Life --- */

void
lodge_console_clipboard_connect_from_guest (LodgeConsoleClipboard *self)
{
  SpiceMainChannel *main = self->main;

  g_signal_connect_object (main, "main-clipboard-selection", G_CALLBACK (data_cb), self, 0);
  g_signal_connect_object (main, "main-clipboard-selection-grab", G_CALLBACK (grab_cb), self, 0);
  g_signal_connect_object (main, "main-clipboard-selection-release", G_CALLBACK (release_cb), self,
                           0);
}

void
lodge_console_clipboard_init_from_guest (LodgeConsoleClipboard *self)
{
  self->asked_row = LODGE_CLIPBOARD_NO_ROW;
  self->reads = g_ptr_array_new_with_free_func (read_free);
}
