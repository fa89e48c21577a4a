/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest has copied, as content of the host's clipboard. */
#include "gtk/lodge-guest-content.h"

struct _LodgeGuestContent {
  GdkContentProvider parent_instance;

  LodgeConsoleClipboard *guest;
  GdkContentFormats *formats;
  const char *picture; /* the type of picture that the guest is asked for, or NULL */
};

G_DEFINE_FINAL_TYPE (LodgeGuestContent, lodge_guest_content, GDK_TYPE_CONTENT_PROVIDER)

enum { FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* --- Pictures --- */

typedef struct {
  GBytes *picture;
  GdkTexture *texture;
} Picture;

static void
picture_free (gpointer data)
{
  Picture *self = data;

  g_clear_pointer (&self->picture, g_bytes_unref);
  g_clear_object (&self->texture);
  g_free (self);
}

static void
convert (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Picture *self = data;
  GError *error = NULL;

  if (self->texture == NULL)
    self->texture = gdk_texture_new_from_bytes (self->picture, &error);
  if (self->texture == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, gdk_texture_save_to_png_bytes (self->texture),
                           (GDestroyNotify) g_bytes_unref);
}

void
lodge_picture_to_png_async (GBytes *picture,
                            GdkTexture *texture,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Picture *data = g_new0 (Picture, 1);

  data->picture = picture != NULL ? g_bytes_ref (picture) : NULL;
  data->texture = texture != NULL ? g_object_ref (texture) : NULL;
  g_task_set_source_tag (task, lodge_picture_to_png_async);
  g_task_set_task_data (task, data, picture_free);
  g_task_run_in_thread (task, convert);
}

GBytes *
lodge_picture_to_png_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Writing for whoever pastes --- */

typedef struct {
  GOutputStream *stream;
  GBytes *bytes; /* while they are written */
  gboolean convert;
} Write;

static void
write_free (gpointer data)
{
  Write *self = data;

  g_object_unref (self->stream);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

static void
fail (GTask *task, GError *error)
{
  g_signal_emit (g_task_get_source_object (task), signals[FAILED], 0, error);
  g_task_return_error (task, error);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  /* Who pastes may have lost interest: no failure of ours. */
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Both take the reference to the task. */
static void
write_bytes (GTask *task, GBytes *bytes)
{
  Write *write = g_task_get_task_data (task);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  write->bytes = g_bytes_ref (bytes);
  g_output_stream_write_all_async (write->stream, data, size, g_task_get_priority (task),
                                   g_task_get_cancellable (task), written_cb, task);
}

static void
converted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) png = lodge_picture_to_png_finish (result, &error);

  if (png != NULL) {
    write_bytes (task, png);
    return;
  }
  fail (task, error);
  g_object_unref (task);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Write *write = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, &error);

  if (bytes == NULL) {
    fail (task, error);
    g_object_unref (task);
  } else if (write->convert) {
    lodge_picture_to_png_async (bytes, NULL, g_task_get_cancellable (task), converted_cb, task);
  } else {
    write_bytes (task, bytes);
  }
}

static void
lodge_guest_content_write_mime_type_async (GdkContentProvider *provider,
                                           const char *mime_type,
                                           GOutputStream *stream,
                                           int io_priority,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data)
{
  LodgeGuestContent *self = LODGE_GUEST_CONTENT (provider);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Write *write = g_new0 (Write, 1);

  write->stream = g_object_ref (stream);
  g_task_set_source_tag (task, lodge_guest_content_write_mime_type_async);
  g_task_set_priority (task, io_priority);
  g_task_set_task_data (task, write, write_free);

  const char *type = NULL;
  if (gdk_content_formats_contain_mime_type (self->formats, mime_type))
    type = g_str_equal (mime_type, LODGE_CLIPBOARD_PNG) ? self->picture : LODGE_CLIPBOARD_TEXT;
  if (type == NULL) {
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                             "The guest has nothing of the type %s", mime_type);
    return;
  }
  write->convert = type == self->picture && !g_str_equal (type, LODGE_CLIPBOARD_PNG);
  lodge_console_clipboard_read_async (self->guest, type, cancellable, read_cb,
                                      g_steal_pointer (&task));
}

static gboolean
lodge_guest_content_write_mime_type_finish (GdkContentProvider *provider,
                                            GAsyncResult *result,
                                            GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, provider), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Type --- */

static GdkContentFormats *
lodge_guest_content_ref_formats (GdkContentProvider *provider)
{
  return gdk_content_formats_ref (LODGE_GUEST_CONTENT (provider)->formats);
}

/* A clipboard manager that wants to keep it when the window closes would have to ask a guest whose
 * window has closed. */
static GdkContentFormats *
lodge_guest_content_ref_storable_formats (GdkContentProvider *provider)
{
  return gdk_content_formats_new (NULL, 0);
}

static void
lodge_guest_content_finalize (GObject *object)
{
  LodgeGuestContent *self = LODGE_GUEST_CONTENT (object);

  g_object_unref (self->guest);
  gdk_content_formats_unref (self->formats);
  G_OBJECT_CLASS (lodge_guest_content_parent_class)->finalize (object);
}

static void
lodge_guest_content_class_init (LodgeGuestContentClass *klass)
{
  GdkContentProviderClass *provider_class = GDK_CONTENT_PROVIDER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_guest_content_finalize;
  provider_class->ref_formats = lodge_guest_content_ref_formats;
  provider_class->ref_storable_formats = lodge_guest_content_ref_storable_formats;
  provider_class->write_mime_type_async = lodge_guest_content_write_mime_type_async;
  provider_class->write_mime_type_finish = lodge_guest_content_write_mime_type_finish;

  signals[FAILED] = g_signal_new ("failed", LODGE_TYPE_GUEST_CONTENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
lodge_guest_content_init (LodgeGuestContent *self)
{
}

LodgeGuestContent *
lodge_guest_content_new (LodgeConsoleClipboard *guest)
{
  LodgeGuestContent *self = g_object_new (LODGE_TYPE_GUEST_CONTENT, NULL);
  GdkContentFormatsBuilder *builder = gdk_content_formats_builder_new ();
  const char *const *offer = lodge_console_clipboard_get_offer (guest);

  self->guest = g_object_ref (guest);
  for (guint i = 0; offer[i] != NULL; i++) {
    if (g_str_equal (offer[i], LODGE_CLIPBOARD_TEXT))
      gdk_content_formats_builder_add_mime_type (builder, LODGE_CLIPBOARD_TEXT);
    else if (self->picture == NULL)
      self->picture = g_intern_string (offer[i]); /* the best comes first */
  }
  if (self->picture != NULL)
    gdk_content_formats_builder_add_mime_type (builder, LODGE_CLIPBOARD_PNG);
  self->formats = gdk_content_formats_builder_free_to_formats (builder);
  return self;
}
