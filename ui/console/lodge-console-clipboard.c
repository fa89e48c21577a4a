/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of a shared clipboard.
 *
 * The messages are those of spice-protocol, spice/vd_agent.h: GRAB says what a side has, REQUEST
 * asks it for one type, CLIPBOARD answers, RELEASE says that it has nothing any more.
 *
 * The protocol has no numbers that tell which question an answer is for, so only one question to
 * the guest is on its way at a time; those behind it wait. A question that is of no use any more,
 * because the guest has copied something else, still holds the place until its answer or the time
 * limit came: that answer would otherwise be taken for the next one's.
 *
 * Every question of the guest is answered, with nothing if need be: programs in a guest hang until
 * an answer comes.
 *
 * The guest is not trusted. It may say any size, any number of types, answer what nobody asked, or
 * ask a thousand times and not read the answers, which then lie in memory here.
 */
#include "console/lodge-console-clipboard-private.h"
#include "console/lodge-console-session-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <spice/vd_agent.h>
#include <string.h>

/* Best first. */
static const struct {
  guint32 number;
  const char *type;
} types[LODGE_CLIPBOARD_N_TYPES] = {
    {VD_AGENT_CLIPBOARD_UTF8_TEXT, LODGE_CLIPBOARD_TEXT},
    {VD_AGENT_CLIPBOARD_IMAGE_PNG, LODGE_CLIPBOARD_PNG},
    {VD_AGENT_CLIPBOARD_IMAGE_TIFF, "image/tiff"},
    {VD_AGENT_CLIPBOARD_IMAGE_BMP, "image/bmp"},
    {VD_AGENT_CLIPBOARD_IMAGE_JPG, "image/jpeg"},
};
#define N_TYPES  LODGE_CLIPBOARD_N_TYPES
#define TEXT_ROW 0
#define NO_ROW   G_MAXUINT

#define SELECTION     VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD
#define TIME_LIMIT_MS 15000
/* Agents without the capability NO_RELEASE_ON_REGRAB let go before they take again: for so long it
 * is not known whether something new follows. */
#define RELEASE_MS 500
/* There are five types. A guest that says it has more than this many does not mean it. */
#define GRAB_TYPES_MAX 64
/* Questions of the guest that wait for the host; a program in a guest has one. */
#define WANTED_MAX 8

/* Somebody who waits for the guest's data. */
typedef struct {
  GTask *task;
  guint row;
  guint offer_id; /* the offer that it was in */
  GSource *cancelled;
} Read;

/* The guest, which waits for the host's. */
typedef struct {
  LodgeConsoleClipboard *clipboard;
  guint id;
  guint row;
  guint timer;
} Wanted;

G_DEFINE_FINAL_TYPE (LodgeConsoleClipboard, lodge_console_clipboard, G_TYPE_OBJECT)

enum { PROP_0, PROP_AVAILABLE, N_PROPS };
static GParamSpec *properties[N_PROPS];

enum { OFFERED, WANTED, N_SIGNALS };
static guint signals[N_SIGNALS];

static guint
find_number (guint32 number)
{
  for (guint i = 0; i < N_TYPES; i++) {
    if (types[i].number == number)
      return i;
  }
  return NO_ROW;
}

static guint
find_type (const char *type)
{
  for (guint i = 0; i < N_TYPES; i++) {
    if (strcmp (types[i].type, type) == 0)
      return i;
  }
  return NO_ROW;
}

static gboolean
agent_can (LodgeConsoleClipboard *self, guint capability)
{
  return self->main != NULL && spice_main_channel_agent_test_capability (self->main, capability);
}

/* The library logs a critical error for what is sent without an agent, and "available" follows only
 * when the main loop comes round. */
static gboolean
may_send (LodgeConsoleClipboard *self)
{
  gboolean connected = FALSE;

  if (self->available)
    g_object_get (self->main, "agent-connected", &connected, NULL);
  return connected;
}

/* --- Text --- */

/* "\r\n" where @from says so to "\n", and the other way round. @size: without a NUL. */
static GBytes *
replace_line_ends (const char *text, gsize size, const char *from, const char *to)
{
  const gsize from_length = strlen (from);
  GString *result = g_string_sized_new (size);
  const char *end = text + size;

  while (text < end) {
    const char *found = g_strstr_len (text, end - text, from);

    g_string_append_len (result, text, (found != NULL ? found : end) - text);
    if (found == NULL)
      break;
    g_string_append (result, to);
    text = found + from_length;
  }
  return g_string_free_to_bytes (result);
}

static gboolean
check_size (gsize size, GError **error)
{
  if (size <= LODGE_CLIPBOARD_SIZE_MAX)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("What was copied is larger than %d MiB and was not passed on."),
               LODGE_CLIPBOARD_SIZE_MAX >> 20);
  return FALSE;
}

static gboolean
check_text (const char *text, gsize size, GError **error)
{
  /* With a length it takes no NUL either. */
  if (g_utf8_validate_len (text, size, NULL))
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("What was copied is not valid text and was not passed on."));
  return FALSE;
}

/* What the guest sent, for the host. */
static GBytes *
take_data (LodgeConsoleClipboard *self, guint row, const void *data, gsize size, GError **error)
{
  const char *text = data;

  /* Before anything looks at it: a size that is not true is one like this. */
  if (!check_size (size, error))
    return NULL;
  if (row != TEXT_ROW)
    return g_bytes_new (data, size);

  /* Windows programs count the NUL at the end. */
  while (size > 0 && text[size - 1] == '\0')
    size--;
  if (!check_text (text, size, error))
    return NULL;
  if (agent_can (self, VD_AGENT_CAP_GUEST_LINEEND_CRLF))
    return replace_line_ends (text, size, "\r\n", "\n");
  return g_bytes_new (data, size);
}

/* --- From the guest: reading --- */

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

/* Ends the reads for which @row and @offer_id are the same; with NO_ROW all. One of @data and
 * @error is given. */
static void
end_reads (
    LodgeConsoleClipboard *self, guint row, guint offer_id, GBytes *data, const GError *error)
{
  g_autoptr (GPtrArray) ended = g_ptr_array_new_with_free_func (read_free);

  for (guint i = 0; i < self->reads->len;) {
    Read *read = self->reads->pdata[i];

    if (row == NO_ROW || (read->row == row && read->offer_id == offer_id))
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

  end_reads (self, NO_ROW, 0, NULL, error);
}

static void
end_question (LodgeConsoleClipboard *self)
{
  g_clear_handle_id (&self->asked_timer, g_source_remove);
  self->asked_row = NO_ROW;
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
  end_question (self);
  ask_next (self);
  return G_SOURCE_REMOVE;
}

static void
ask_next (LodgeConsoleClipboard *self)
{
  if (self->asked_row != NO_ROW || self->reads->len == 0 || !may_send (self))
    return;

  const Read *read = self->reads->pdata[0];
  self->asked_row = read->row;
  self->asked_offer_id = read->offer_id;
  self->asked_timer = g_timeout_add (self->limit_ms, asked_timer_cb, self);
  spice_main_channel_clipboard_selection_request (self->main, SELECTION, types[read->row].number);
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
  if (selection != SELECTION || self->asked_row == NO_ROW)
    return;

  if (number == types[self->asked_row].number)
    bytes = take_data (self, self->asked_row, data, size, &error);
  else if (number == VD_AGENT_CLIPBOARD_NONE)
    g_set_error_literal (&error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                         _ ("The guest has nothing to hand out after all."));
  else
    return;

  end_reads (self, self->asked_row, self->asked_offer_id, bytes, error);
  end_question (self);
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
  read->row = find_type (type);
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

/* --- From the guest: what it has --- */

static void
update_offer (LodgeConsoleClipboard *self, guint rows)
{
  guint n = 0;

  g_clear_handle_id (&self->release_timer, g_source_remove);
  self->guest_rows = rows;
  if ((self->ways & LODGE_CLIPBOARD_WAY_TO_HOST) == 0)
    rows = 0;
  if (rows == 0 && self->offer[0] == NULL)
    return;

  self->offer_id++;
  for (guint i = 0; i < N_TYPES; i++) {
    if (rows & 1u << i)
      self->offer[n++] = types[i].type;
  }
  self->offer[n] = NULL;
  lose_reads (self);
  g_signal_emit (self, signals[OFFERED], 0);
}

static gboolean
release_timer_cb (gpointer user_data)
{
  LodgeConsoleClipboard *self = user_data;

  self->release_timer = 0;
  update_offer (self, 0);
  return G_SOURCE_REMOVE;
}

static void drop_host (LodgeConsoleClipboard *self);

static gboolean
grab_cb (SpiceMainChannel *main,
         guint selection,
         const guint32 *numbers,
         guint n_numbers,
         LodgeConsoleClipboard *self)
{
  guint rows = 0;

  if (selection != SELECTION || !self->available)
    return FALSE;

  if (n_numbers <= GRAB_TYPES_MAX) {
    for (guint i = 0; i < n_numbers; i++) {
      const guint row = find_number (numbers[i]);
      if (row != NO_ROW)
        rows |= 1u << row;
    }
  }
  /* In the guest it has taken the place of what the host offered. */
  drop_host (self);
  update_offer (self, rows);
  return TRUE;
}

static void
release_cb (SpiceMainChannel *main, guint selection, LodgeConsoleClipboard *self)
{
  if (selection != SELECTION || self->guest_rows == 0)
    return;

  if (agent_can (self, VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB))
    update_offer (self, 0);
  else if (self->release_timer == 0)
    self->release_timer = g_timeout_add (RELEASE_MS, release_timer_cb, self);
}

const char *const *
lodge_console_clipboard_get_offer (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), NULL);
  return self->offer;
}

/* --- To the guest --- */

static void
answer (LodgeConsoleClipboard *self, guint row, GBytes *data)
{
  gsize size = 0;
  const guchar *bytes = data != NULL ? g_bytes_get_data (data, &size) : NULL;

  if (!may_send (self))
    return;
  if (bytes == NULL || size == 0 || self->answered_bytes + size > LODGE_CLIPBOARD_ANSWERED_MAX) {
    spice_main_channel_clipboard_selection_notify (self->main, SELECTION, VD_AGENT_CLIPBOARD_NONE,
                                                   NULL, 0);
    return;
  }
  self->answered_bytes += size;
  spice_main_channel_clipboard_selection_notify (self->main, SELECTION, types[row].number, bytes,
                                                 size);
}

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  g_clear_handle_id (&wanted->timer, g_source_remove);
  g_free (wanted);
}

/* Nothing is offered any more; who waits gets nothing. */
static void
drop_host (LodgeConsoleClipboard *self)
{
  self->host_rows = 0;
  for (guint i = 0; i < self->wanted->len; i++)
    answer (self, NO_ROW, NULL);
  g_ptr_array_set_size (self->wanted, 0);
}

static gboolean
wanted_timer_cb (gpointer user_data)
{
  Wanted *wanted = user_data;
  LodgeConsoleClipboard *self = wanted->clipboard;

  wanted->timer = 0;
  answer (self, NO_ROW, NULL);
  g_ptr_array_remove (self->wanted, wanted);
  return G_SOURCE_REMOVE;
}

static gboolean
request_cb (SpiceMainChannel *main, guint selection, guint number, LodgeConsoleClipboard *self)
{
  const guint row = find_number (number);

  if (!may_send (self))
    return FALSE;
  if (selection != SELECTION) {
    spice_main_channel_clipboard_selection_notify (self->main, selection, VD_AGENT_CLIPBOARD_NONE,
                                                   NULL, 0);
    return TRUE;
  }
  if (row == NO_ROW || (self->host_rows & 1u << row) == 0 || self->wanted->len >= WANTED_MAX) {
    answer (self, NO_ROW, NULL);
    return TRUE;
  }

  Wanted *wanted = g_new0 (Wanted, 1);
  const guint id = ++self->last_id;
  wanted->clipboard = self;
  wanted->id = id;
  wanted->row = row;
  wanted->timer = g_timeout_add (self->limit_ms, wanted_timer_cb, wanted);
  g_ptr_array_add (self->wanted, wanted);
  g_signal_emit (self, signals[WANTED], 0, id, types[row].type);
  return TRUE;
}

/* What the host has, for the guest. */
static GBytes *
make_answer (LodgeConsoleClipboard *self, guint row, GBytes *data, GError **error)
{
  g_autoptr (GBytes) result = g_bytes_ref (data);

  if (row == TEXT_ROW) {
    gsize size;
    const char *text = g_bytes_get_data (data, &size);

    if (!check_size (size, error) || !check_text (text, size, error))
      return NULL;
    if (agent_can (self, VD_AGENT_CAP_GUEST_LINEEND_CRLF)) {
      g_autoptr (GBytes) plain = replace_line_ends (text, size, "\r\n", "\n");

      text = g_bytes_get_data (plain, &size);
      g_bytes_unref (result);
      result = replace_line_ends (text, size, "\n", "\r\n");
    }
  }
  return check_size (g_bytes_get_size (result), error) ? g_steal_pointer (&result) : NULL;
}

gboolean
lodge_console_clipboard_answer (LodgeConsoleClipboard *self, guint id, GBytes *data, GError **error)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);

  for (guint i = 0; i < self->wanted->len; i++) {
    Wanted *wanted = self->wanted->pdata[i];

    if (wanted->id != id)
      continue;

    g_autoptr (GBytes) result = data != NULL ? make_answer (self, wanted->row, data, error) : NULL;
    answer (self, wanted->row, result);
    g_ptr_array_remove_index (self->wanted, i);
    return data == NULL || result != NULL;
  }
  return TRUE;
}

static void
send_grab (LodgeConsoleClipboard *self)
{
  guint32 numbers[N_TYPES];
  int n = 0;

  for (guint i = 0; i < N_TYPES; i++) {
    if (self->host_rows & 1u << i)
      numbers[n++] = types[i].number;
  }
  spice_main_channel_clipboard_selection_grab (self->main, SELECTION, numbers, n);
}

void
lodge_console_clipboard_offer (LodgeConsoleClipboard *self, const char *const *offered)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));

  const gboolean was_offering = self->host_rows != 0;
  guint rows = 0;
  for (guint i = 0; offered != NULL && offered[i] != NULL; i++) {
    const guint row = find_type (offered[i]);
    if (row != NO_ROW)
      rows |= 1u << row;
  }
  if ((self->ways & LODGE_CLIPBOARD_WAY_TO_GUEST) == 0)
    rows = 0;

  drop_host (self);
  self->host_rows = rows;
  self->answered_bytes = 0;
  if (!may_send (self))
    return; /* it is told when its agent comes */

  if (was_offering && (rows == 0 || !agent_can (self, VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB)))
    spice_main_channel_clipboard_selection_release (self->main, SELECTION);
  if (rows != 0) {
    /* What the guest had is covered by this in the guest as well. */
    update_offer (self, 0);
    send_grab (self);
  }
}

gboolean
lodge_console_clipboard_is_offering (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);
  return self->host_rows != 0;
}

/* --- Ways and agent --- */

void
lodge_console_clipboard_set_ways (LodgeConsoleClipboard *self, LodgeClipboardWays ways)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));

  const LodgeClipboardWays changed = self->ways ^ ways;
  self->ways = ways;
  if ((changed & LODGE_CLIPBOARD_WAY_TO_GUEST) != 0 && (ways & LODGE_CLIPBOARD_WAY_TO_GUEST) == 0)
    lodge_console_clipboard_offer (self, NULL);
  if ((changed & LODGE_CLIPBOARD_WAY_TO_HOST) != 0)
    update_offer (self, self->release_timer != 0 ? 0 : self->guest_rows);
}

LodgeClipboardWays
lodge_console_clipboard_get_ways (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), LODGE_CLIPBOARD_NO_WAY);
  return self->ways;
}

static void
update_available (LodgeConsoleClipboard *self)
{
  gboolean connected = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &connected, NULL);
  const gboolean available = connected && agent_can (self, VD_AGENT_CAP_CLIPBOARD_BY_DEMAND);
  if (available == self->available)
    return;

  self->available = available;
  if (available) {
    /* The agent is told, and spares itself the work. The library takes less than this. */
    g_object_set (self->main, "max-clipboard", LODGE_CLIPBOARD_SIZE_MAX + 1, NULL);
    if (self->host_rows != 0)
      send_grab (self);
  } else {
    const guint rows = self->host_rows;

    drop_host (self);
    self->host_rows = rows; /* for the next agent: the guest may be starting again */
    end_question (self);
    update_offer (self, 0);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AVAILABLE]);
}

static void
agent_cb (LodgeConsoleClipboard *self)
{
  update_available (self);
}

void
lodge_console_clipboard_set_channel (LodgeConsoleClipboard *self, SpiceMainChannel *main)
{
  if (self->main != NULL)
    g_signal_handlers_disconnect_by_data (self->main, self);
  g_set_object (&self->main, main);
  if (main != NULL) {
    g_signal_connect_object (main, "main-clipboard-selection", G_CALLBACK (data_cb), self, 0);
    g_signal_connect_object (main, "main-clipboard-selection-grab", G_CALLBACK (grab_cb), self, 0);
    g_signal_connect_object (main, "main-clipboard-selection-release", G_CALLBACK (release_cb),
                             self, 0);
    g_signal_connect_object (main, "main-clipboard-selection-request", G_CALLBACK (request_cb),
                             self, 0);
    g_signal_connect_object (main, "main-agent-update", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
    g_signal_connect_object (main, "notify::agent-connected", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
  } else {
    update_available (self);
    /* Another server may be another guest. */
    self->host_rows = 0;
  }
}

gboolean
lodge_console_clipboard_get_available (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);
  return self->available;
}

void
lodge_console_clipboard_set_time_limit (LodgeConsoleClipboard *self, guint limit_ms)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));
  self->limit_ms = limit_ms;
}

/* --- Type --- */

static void
lodge_console_clipboard_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_AVAILABLE)
    g_value_set_boolean (value, LODGE_CONSOLE_CLIPBOARD (object)->available);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_console_clipboard_dispose (GObject *object)
{
  lodge_console_clipboard_set_channel (LODGE_CONSOLE_CLIPBOARD (object), NULL);
  G_OBJECT_CLASS (lodge_console_clipboard_parent_class)->dispose (object);
}

static void
lodge_console_clipboard_finalize (GObject *object)
{
  LodgeConsoleClipboard *self = LODGE_CONSOLE_CLIPBOARD (object);

  g_ptr_array_unref (self->reads);
  g_ptr_array_unref (self->wanted);
  G_OBJECT_CLASS (lodge_console_clipboard_parent_class)->finalize (object);
}

static void
lodge_console_clipboard_class_init (LodgeConsoleClipboardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = lodge_console_clipboard_get_property;
  object_class->dispose = lodge_console_clipboard_dispose;
  object_class->finalize = lodge_console_clipboard_finalize;

  properties[PROP_AVAILABLE] = g_param_spec_boolean ("available", NULL, NULL, FALSE,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[OFFERED] = g_signal_new ("offered", LODGE_TYPE_CONSOLE_CLIPBOARD, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[WANTED] =
      g_signal_new ("wanted", LODGE_TYPE_CONSOLE_CLIPBOARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lodge_console_clipboard_init (LodgeConsoleClipboard *self)
{
  self->limit_ms = TIME_LIMIT_MS;
  self->asked_row = NO_ROW;
  self->reads = g_ptr_array_new_with_free_func (read_free);
  self->wanted = g_ptr_array_new_with_free_func (wanted_free);
}

LodgeConsoleClipboard *
lodge_console_clipboard_new (void)
{
  return g_object_new (LODGE_TYPE_CONSOLE_CLIPBOARD, NULL);
}
