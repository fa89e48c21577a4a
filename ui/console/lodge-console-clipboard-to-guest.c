/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared clipboard, to the guest: what the host has, and the guest's questions for it.
 *
 * Every question of the guest is answered, with nothing if need be: programs in a guest hang until
 * an answer comes.
 *
 * The guest is not trusted. It may ask a thousand times and not read the answers, which then lie in
 * memory here. And it may ask a thousand times for what it may not have: the host's clipboard is
 * read, and the user told, once for each offer.
 */
#include "console/lodge-console-clipboard-private.h"

/* Questions of the guest that wait for the host; a program in a guest has one. */
#define WANTED_MAX 8

/* The guest, which waits for the host's. */
typedef struct {
  LodgeConsoleClipboard *clipboard;
  guint id;
  guint row;
  guint timer;
} Wanted;

/* FALSE when an answer of that size is too much. */
static gboolean
answer (LodgeConsoleClipboard *self, guint row, GBytes *data)
{
  gsize size = 0;
  const guchar *bytes = data != NULL ? g_bytes_get_data (data, &size) : NULL;
  const gboolean fits = self->answered_bytes + size <= LODGE_CLIPBOARD_ANSWERED_MAX;

  if (!lodge_console_clipboard_may_send (self))
    return TRUE;
  if (bytes == NULL || size == 0 || !fits) {
    spice_main_channel_clipboard_selection_notify (self->main, LODGE_CLIPBOARD_SELECTION,
                                                   VD_AGENT_CLIPBOARD_NONE, NULL, 0);
    return fits;
  }
  self->answered_bytes += size;
  spice_main_channel_clipboard_selection_notify (self->main, LODGE_CLIPBOARD_SELECTION,
                                                 lodge_clipboard_types[row].number, bytes, size);
  return TRUE;
}

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  g_clear_handle_id (&wanted->timer, g_source_remove);
  g_free (wanted);
}

void
lodge_console_clipboard_drop_host (LodgeConsoleClipboard *self)
{
  self->host_rows = 0;
  for (guint i = 0; i < self->wanted->len; i++)
    answer (self, LODGE_CLIPBOARD_NO_ROW, NULL);
  g_ptr_array_set_size (self->wanted, 0);
}

static gboolean
wanted_timer_cb (gpointer user_data)
{
  Wanted *wanted = user_data;
  LodgeConsoleClipboard *self = wanted->clipboard;

  wanted->timer = 0;
  answer (self, LODGE_CLIPBOARD_NO_ROW, NULL);
  g_ptr_array_remove (self->wanted, wanted);
  return G_SOURCE_REMOVE;
}

static gboolean
request_cb (SpiceMainChannel *main, guint selection, guint number, LodgeConsoleClipboard *self)
{
  const guint row = lodge_clipboard_find_number (number);

  if (!lodge_console_clipboard_may_send (self))
    return FALSE;
  if (selection != LODGE_CLIPBOARD_SELECTION) {
    spice_main_channel_clipboard_selection_notify (self->main, selection, VD_AGENT_CLIPBOARD_NONE,
                                                   NULL, 0);
    return TRUE;
  }
  if (row == LODGE_CLIPBOARD_NO_ROW || (self->host_rows & ~self->refused_rows & 1u << row) == 0 ||
      self->wanted->len >= WANTED_MAX) {
    answer (self, LODGE_CLIPBOARD_NO_ROW, NULL);
    return TRUE;
  }

  Wanted *wanted = g_new0 (Wanted, 1);
  const guint id = ++self->last_id;
  wanted->clipboard = self;
  wanted->id = id;
  wanted->row = row;
  wanted->timer = g_timeout_add (self->limit_ms, wanted_timer_cb, wanted);
  g_ptr_array_add (self->wanted, wanted);
  g_signal_emit_by_name (self, "wanted", id, lodge_clipboard_types[row].type);
  return TRUE;
}

/* What the host has, for the guest. */
static GBytes *
make_answer (LodgeConsoleClipboard *self, guint row, GBytes *data, GError **error)
{
  g_autoptr (GBytes) result = g_bytes_ref (data);

  if (row == LODGE_CLIPBOARD_TEXT_ROW) {
    gsize size;
    const char *text = g_bytes_get_data (data, &size);

    if (!lodge_clipboard_check_size (size, error) ||
        !lodge_clipboard_check_text (text, size, error))
      return NULL;
    if (lodge_console_clipboard_agent_can (self, VD_AGENT_CAP_GUEST_LINEEND_CRLF)) {
      g_autoptr (GBytes) plain = lodge_clipboard_replace_line_ends (text, size, "\r\n", "\n");

      text = g_bytes_get_data (plain, &size);
      g_bytes_unref (result);
      result = lodge_clipboard_replace_line_ends (text, size, "\n", "\r\n");
    }
  }
  return lodge_clipboard_check_size (g_bytes_get_size (result), error) ? g_steal_pointer (&result)
                                                                       : NULL;
}

/* Until something else is copied nobody gets this, nor is it looked at again. */
static void
refuse (LodgeConsoleClipboard *self, guint row)
{
  self->refused_rows |= 1u << row;
  for (guint i = self->wanted->len; i > 0; i--) {
    const Wanted *wanted = self->wanted->pdata[i - 1];

    if (wanted->row != row)
      continue;
    answer (self, LODGE_CLIPBOARD_NO_ROW, NULL);
    g_ptr_array_remove_index (self->wanted, i - 1);
  }
}

gboolean
lodge_console_clipboard_answer (LodgeConsoleClipboard *self, guint id, GBytes *data, GError **error)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);

  for (guint i = 0; i < self->wanted->len; i++) {
    Wanted *wanted = self->wanted->pdata[i];

    if (wanted->id != id)
      continue;

    const guint row = wanted->row;
    g_autoptr (GBytes) result = data != NULL ? make_answer (self, row, data, error) : NULL;
    const gboolean fits = answer (self, row, result);
    g_ptr_array_remove_index (self->wanted, i);
    if (!fits || (data != NULL && result == NULL))
      refuse (self, row);
    return data == NULL || result != NULL;
  }
  return TRUE;
}

void
lodge_console_clipboard_send_grab (LodgeConsoleClipboard *self)
{
  guint32 numbers[LODGE_CLIPBOARD_N_TYPES];
  int n = 0;

  for (guint i = 0; i < LODGE_CLIPBOARD_N_TYPES; i++) {
    if (self->host_rows & 1u << i)
      numbers[n++] = lodge_clipboard_types[i].number;
  }
  spice_main_channel_clipboard_selection_grab (self->main, LODGE_CLIPBOARD_SELECTION, numbers, n);
}

void
lodge_console_clipboard_offer (LodgeConsoleClipboard *self, const char *const *types)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));

  const gboolean was_offering = self->host_rows != 0;
  guint rows = 0;
  for (guint i = 0; types != NULL && types[i] != NULL; i++) {
    const guint row = lodge_clipboard_find_type (types[i]);
    if (row != LODGE_CLIPBOARD_NO_ROW)
      rows |= 1u << row;
  }
  if ((self->ways & LODGE_CLIPBOARD_WAY_TO_GUEST) == 0)
    rows = 0;

  lodge_console_clipboard_drop_host (self);
  self->host_rows = rows;
  self->refused_rows = 0;
  self->answered_bytes = 0;
  if (!lodge_console_clipboard_may_send (self))
    return; /* it is told when its agent comes */

  if (was_offering && (rows == 0 || !lodge_console_clipboard_agent_can (
                                        self, VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB)))
    spice_main_channel_clipboard_selection_release (self->main, LODGE_CLIPBOARD_SELECTION);
  if (rows != 0) {
    /* What the guest had is covered by this in the guest as well. */
    lodge_console_clipboard_update_guest (self, 0);
    lodge_console_clipboard_send_grab (self);
  }
}

gboolean
lodge_console_clipboard_is_offering (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);
  return self->host_rows != 0;
}

/* --- Life --- */

void
lodge_console_clipboard_connect_to_guest (LodgeConsoleClipboard *self)
{
  g_signal_connect_object (self->main, "main-clipboard-selection-request", G_CALLBACK (request_cb),
                           self, 0);
}

void
lodge_console_clipboard_init_to_guest (LodgeConsoleClipboard *self)
{
  self->wanted = g_ptr_array_new_with_free_func (wanted_free);
}
