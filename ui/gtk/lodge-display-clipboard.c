/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Joins the host's clipboard and a guest's.
 *
 * The guest is not trusted, and neither side may see or change the other's clipboard while the user
 * is busy elsewhere. So both ways wait for one of the guest's windows to have the focus:
 *
 * What the host has is offered only then. A guest in the background would otherwise read each
 * password that is copied from one host program to another. Once something else is copied on the
 * host the offer is taken back, and a guest that asks all the same gets nothing.
 *
 * What the guest has takes the host's clipboard only then. A guest in the background could
 * otherwise put its own text in the place of a command that is about to be pasted into a terminal.
 *
 * When the focus comes and there is news on both sides, the host's wins: it is what the user has
 * touched last. What we put on the host's clipboard is not offered back.
 */
#include "gtk/lodge-display-clipboard.h"

#include "gtk/lodge-guest-content.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define PIECE_SIZE (256 * 1024)

struct _LodgeDisplayClipboard {
  GObject parent_instance;

  GPtrArray *windows; /* of GtkWindow, which outlive their being here */
  GdkClipboard *host;
  LodgeConsoleClipboard *guest;
  LodgeClipboardWays ways;
  LodgeGuestContent *content; /* what we put on the host's clipboard last */
  gboolean host_news;         /* copied on the host, and the guest does not know */
  gboolean guest_news;        /* the other way round */
  GCancellable *cancellable;  /* of reading the host's; another for each guest */
};

G_DEFINE_FINAL_TYPE (LodgeDisplayClipboard, lodge_display_clipboard, G_TYPE_OBJECT)

enum { PROBLEM, N_SIGNALS };
static guint signals[N_SIGNALS];

/* The names under which programs offer text, best first. */
static const char *const text_types[] = {LODGE_CLIPBOARD_TEXT, "text/plain", NULL};
static const char *const png_types[] = {LODGE_CLIPBOARD_PNG, NULL};

static gboolean
has_focus (LodgeDisplayClipboard *self)
{
  for (guint i = 0; i < self->windows->len; i++) {
    if (gtk_window_is_active (self->windows->pdata[i]))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_ours (LodgeDisplayClipboard *self)
{
  return self->content != NULL &&
         gdk_clipboard_get_content (self->host) == GDK_CONTENT_PROVIDER (self->content);
}

static void
report (LodgeDisplayClipboard *self, const GError *error)
{
  /* Ours are sentences for users. That there is nothing any more is no news to them. */
  if (error->domain == LODGE_ERROR && error->code != LODGE_ERROR_NOT_FOUND)
    g_signal_emit (self, signals[PROBLEM], 0, error->message);
}

/* --- Host to guest: what there is --- */

static gboolean
has_text (GdkContentFormats *formats)
{
  return gdk_content_formats_contain_gtype (formats, G_TYPE_STRING) ||
         gdk_content_formats_contain_mime_type (formats, text_types[0]) ||
         gdk_content_formats_contain_mime_type (formats, text_types[1]);
}

static gboolean
has_picture (GdkContentFormats *formats)
{
  g_autoptr (GdkContentFormats) readable =
      gdk_content_formats_union_deserialize_gtypes (gdk_content_formats_ref (formats));

  return gdk_content_formats_contain_gtype (readable, GDK_TYPE_TEXTURE);
}

static void
offer_host (LodgeDisplayClipboard *self)
{
  GdkContentFormats *formats = gdk_clipboard_get_formats (self->host);
  const char *types[3] = {NULL};
  guint n = 0;

  if (has_text (formats))
    types[n++] = LODGE_CLIPBOARD_TEXT;
  if (has_picture (formats))
    types[n++] = LODGE_CLIPBOARD_PNG;
  self->host_news = FALSE;
  if (n > 0 || lodge_console_clipboard_is_offering (self->guest))
    lodge_console_clipboard_offer (self->guest, types);
}

static void
host_changed_cb (LodgeDisplayClipboard *self)
{
  if (is_ours (self))
    return;

  self->host_news = TRUE;
  if (self->guest == NULL)
    return;
  if (has_focus (self))
    offer_host (self);
  else if (lodge_console_clipboard_is_offering (self->guest))
    lodge_console_clipboard_offer (self->guest, NULL);
}

/* --- Host to guest: handing it out --- */

/* The guest waits for what the host has. */
typedef struct {
  LodgeDisplayClipboard *clipboard; /* owned */
  LodgeConsoleClipboard *guest;     /* owned */
  guint id;
  GCancellable *cancellable; /* owned */
  GByteArray *bytes;
} Wanted;

static void
wanted_free (Wanted *self)
{
  g_object_unref (self->clipboard);
  g_object_unref (self->guest);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->bytes);
  g_free (self);
}

/* Each of the following takes the Wanted. */
static void
answer (Wanted *self, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  if (!lodge_console_clipboard_answer (self->guest, self->id, bytes, &error))
    report (self->clipboard, error);
  wanted_free (self);
}

static void read_piece (Wanted *self, GInputStream *stream);

static void
piece_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wanted *self = user_data;
  g_autoptr (GBytes) piece =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);

  if (piece == NULL) {
    answer (self, NULL);
    return;
  }
  const gsize size = g_bytes_get_size (piece);
  g_byte_array_append (self->bytes, g_bytes_get_data (piece, NULL), size);
  if (size > 0 && self->bytes->len <= LODGE_CLIPBOARD_SIZE_MAX) {
    read_piece (self, G_INPUT_STREAM (source));
    return;
  }
  /* One that is too large is refused there, in words. */
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (g_steal_pointer (&self->bytes));
  self->bytes = g_byte_array_new ();
  answer (self, bytes);
}

static void
read_piece (Wanted *self, GInputStream *stream)
{
  g_input_stream_read_bytes_async (stream, PIECE_SIZE, G_PRIORITY_DEFAULT, self->cancellable,
                                   piece_cb, self);
}

static void
stream_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wanted *self = user_data;
  g_autoptr (GInputStream) stream =
      gdk_clipboard_read_finish (GDK_CLIPBOARD (source), result, NULL, NULL);

  if (stream != NULL)
    read_piece (self, stream);
  else
    answer (self, NULL);
}

static void
png_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GBytes) png = lodge_picture_to_png_finish (result, NULL);

  answer (user_data, png);
}

static void
texture_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wanted *self = user_data;
  g_autoptr (GdkTexture) texture =
      gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (source), result, NULL);

  if (texture != NULL)
    lodge_picture_to_png_async (NULL, texture, self->cancellable, png_cb, self);
  else
    answer (self, NULL);
}

static void
wanted_cb (LodgeConsoleClipboard *guest, guint id, const char *type, LodgeDisplayClipboard *self)
{
  GdkContentFormats *formats = gdk_clipboard_get_formats (self->host);
  const gboolean text = g_str_equal (type, LODGE_CLIPBOARD_TEXT);
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->clipboard = g_object_ref (self);
  wanted->guest = g_object_ref (guest);
  wanted->id = id;
  wanted->cancellable = g_object_ref (self->cancellable);
  wanted->bytes = g_byte_array_new ();
  if (text || gdk_content_formats_contain_mime_type (formats, LODGE_CLIPBOARD_PNG))
    gdk_clipboard_read_async (self->host, (const char **) (text ? text_types : png_types),
                              G_PRIORITY_DEFAULT, wanted->cancellable, stream_cb, wanted);
  else
    gdk_clipboard_read_texture_async (self->host, wanted->cancellable, texture_cb, wanted);
}

/* --- Guest to host --- */

static void
failed_cb (LodgeGuestContent *content, const GError *error, LodgeDisplayClipboard *self)
{
  report (self, error);
}

static void
drop_content (LodgeDisplayClipboard *self)
{
  g_autoptr (LodgeGuestContent) content = NULL;

  if (is_ours (self))
    gdk_clipboard_set_content (self->host, NULL);
  content = g_steal_pointer (&self->content);
  if (content != NULL)
    g_signal_handlers_disconnect_by_data (content, self);
}

static void
take_guest (LodgeDisplayClipboard *self)
{
  LodgeGuestContent *content = lodge_guest_content_new (self->guest);

  self->guest_news = FALSE;
  if (self->content != NULL)
    g_signal_handlers_disconnect_by_data (self->content, self);
  g_clear_object (&self->content);
  self->content = content;
  g_signal_connect_object (content, "failed", G_CALLBACK (failed_cb), self, 0);
  gdk_clipboard_set_content (self->host, GDK_CONTENT_PROVIDER (content));
  self->host_news = FALSE;
}

static void
offered_cb (LodgeConsoleClipboard *guest, LodgeDisplayClipboard *self)
{
  self->guest_news = lodge_console_clipboard_get_offer (guest)[0] != NULL;
  if (!self->guest_news)
    drop_content (self);
  else if (has_focus (self))
    take_guest (self);
}

/* --- Focus, guest, ways --- */

static void
exchange_news (LodgeDisplayClipboard *self)
{
  if (self->guest == NULL || !has_focus (self))
    return;
  if (self->host_news && (self->ways & LODGE_CLIPBOARD_WAY_TO_GUEST) != 0)
    offer_host (self); /* which covers what the guest had */
  if (self->guest_news)
    take_guest (self);
}

void
lodge_display_clipboard_set_guest (LodgeDisplayClipboard *self, LodgeConsoleClipboard *guest)
{
  g_return_if_fail (LODGE_IS_DISPLAY_CLIPBOARD (self));

  if (self->guest == guest)
    return;

  if (self->guest != NULL) {
    g_signal_handlers_disconnect_by_data (self->guest, self);
    lodge_console_clipboard_set_ways (self->guest, LODGE_CLIPBOARD_NO_WAY);
    drop_content (self);
    g_cancellable_cancel (self->cancellable);
    g_clear_object (&self->cancellable);
  }
  g_set_object (&self->guest, guest);
  self->guest_news = FALSE;
  if (guest == NULL)
    return;

  self->host_news = TRUE;
  self->cancellable = g_cancellable_new ();
  lodge_console_clipboard_set_ways (guest, self->ways);
  g_signal_connect_object (guest, "offered", G_CALLBACK (offered_cb), self, 0);
  g_signal_connect_object (guest, "wanted", G_CALLBACK (wanted_cb), self, 0);
  offered_cb (guest, self);
  exchange_news (self);
}

void
lodge_display_clipboard_set_ways (LodgeDisplayClipboard *self, LodgeClipboardWays ways)
{
  g_return_if_fail (LODGE_IS_DISPLAY_CLIPBOARD (self));

  const gboolean opened = (ways & ~self->ways & LODGE_CLIPBOARD_WAY_TO_GUEST) != 0;
  self->ways = ways;
  if (self->guest == NULL)
    return;
  lodge_console_clipboard_set_ways (self->guest, ways);
  /* What was copied while the way was closed. */
  if (opened && !is_ours (self))
    self->host_news = TRUE;
  exchange_news (self);
}

LodgeClipboardWays
lodge_display_clipboard_get_ways (LodgeDisplayClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY_CLIPBOARD (self), LODGE_CLIPBOARD_NO_WAY);
  return self->ways;
}

/* --- Type --- */

static void
lodge_display_clipboard_dispose (GObject *object)
{
  LodgeDisplayClipboard *self = LODGE_DISPLAY_CLIPBOARD (object);

  lodge_display_clipboard_set_guest (self, NULL);
  G_OBJECT_CLASS (lodge_display_clipboard_parent_class)->dispose (object);
}

static void
lodge_display_clipboard_finalize (GObject *object)
{
  g_ptr_array_unref (LODGE_DISPLAY_CLIPBOARD (object)->windows);
  G_OBJECT_CLASS (lodge_display_clipboard_parent_class)->finalize (object);
}

static void
lodge_display_clipboard_class_init (LodgeDisplayClipboardClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_display_clipboard_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_display_clipboard_finalize;

  signals[PROBLEM] = g_signal_new ("problem", LODGE_TYPE_DISPLAY_CLIPBOARD, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
lodge_display_clipboard_init (LodgeDisplayClipboard *self)
{
  self->windows = g_ptr_array_new ();
}

LodgeDisplayClipboard *
lodge_display_clipboard_new (GtkWindow *window)
{
  LodgeDisplayClipboard *self = g_object_new (LODGE_TYPE_DISPLAY_CLIPBOARD, NULL);

  self->host = gtk_widget_get_clipboard (GTK_WIDGET (window));
  g_signal_connect_object (self->host, "changed", G_CALLBACK (host_changed_cb), self,
                           G_CONNECT_SWAPPED);
  lodge_display_clipboard_add_window (self, window);
  return self;
}

void
lodge_display_clipboard_add_window (LodgeDisplayClipboard *self, GtkWindow *window)
{
  g_return_if_fail (LODGE_IS_DISPLAY_CLIPBOARD (self));

  g_ptr_array_add (self->windows, window);
  g_signal_connect_object (window, "notify::is-active", G_CALLBACK (exchange_news), self,
                           G_CONNECT_SWAPPED);
}

void
lodge_display_clipboard_remove_window (LodgeDisplayClipboard *self, GtkWindow *window)
{
  g_return_if_fail (LODGE_IS_DISPLAY_CLIPBOARD (self));

  if (g_ptr_array_remove (self->windows, window))
    g_signal_handlers_disconnect_by_data (window, self);
}
