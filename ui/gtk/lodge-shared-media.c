/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: discs, USB sticks, and disks of this computer. */
#include "gtk/lodge-shared-media.h"

#include "gtk/lodge-disc.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-row.h"
#include "gtk/lodge-shared-window.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeSharedMedia {
  AdwPreferencesGroup parent_instance;

  LodgeConsoleMachine *machine;
  GPtrArray *rows; /* of GtkWidget, in the group */
  char *seen;      /* what the rows are of */
};

G_DEFINE_FINAL_TYPE (LodgeSharedMedia, lodge_shared_media, ADW_TYPE_PREFERENCES_GROUP)

static GtkWindow *
get_window (LodgeSharedMedia *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

/* --- Taking out --- */

/* One disc on its way out, or one stick; lives longer than the window where that is closed. */
typedef struct {
  GtkWindow *window;      /* owned */
  LodgeMachine1 *machine; /* owned */
  GtkWidget *button;      /* that was pressed, and cannot be meanwhile; NULL: it is gone */
  char *id;
} Change;

static Change *
change_new (GtkWindow *window, LodgeMachine1 *machine, GtkWidget *button, const char *id)
{
  Change *its = g_new0 (Change, 1);

  its->window = g_object_ref (window);
  its->machine = g_object_ref (machine);
  its->id = g_strdup (id);
  g_set_weak_pointer (&its->button, button);
  if (button != NULL)
    gtk_widget_set_sensitive (button, FALSE);
  return its;
}

static void
change_free (gpointer data)
{
  Change *its = data;

  if (its->button != NULL)
    gtk_widget_set_sensitive (its->button, TRUE);
  g_clear_weak_pointer (&its->button);
  g_object_unref (its->window);
  g_object_unref (its->machine);
  g_free (its->id);
  g_free (its);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Change, change_free)

static void eject (Change *its, gboolean force);

static void
take_by_force (gpointer user_data)
{
  const Change *its = user_data;

  eject (change_new (its->window, its->machine, its->button, its->id), TRUE);
}

static void
ejected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Change) its = user_data;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_eject_media_finish (LODGE_MACHINE1 (source), result, &error))
    return;
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_BUSY) &&
      gtk_widget_get_visible (GTK_WIDGET (its->window))) {
    GtkWindow *window = its->window;

    lodge_disc_ask_for_force (window, take_by_force, g_steal_pointer (&its), change_free);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  lodge_set_keys_show_error (its->window, _ ("Could Not Eject the Disc"), error);
}

/* Takes @its. */
static void
eject (Change *its, gboolean force)
{
  lodge_machine1_call_eject_media (its->machine, its->id, force, NULL, ejected_cb, its);
}

static void
show_unplug_error (const Change *its, GError *error)
{
  g_autofree char *heading = g_strdup_printf (_ ("Could Not Unplug %s"), its->id);

  g_dbus_error_strip_remote_error (error);
  lodge_set_keys_show_error (its->window, heading, error);
}

static void
unplugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Change) its = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = lodge_job_follow_finish (result, &error);

  if (text == NULL)
    show_unplug_error (its, error);
}

static void
unplug_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Change) its = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *job = NULL;

  if (lodge_machine1_call_unplug_stick_finish (LODGE_MACHINE1 (source), &job, result, &error))
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), job, TRUE, NULL,
                            NULL, NULL, unplugged_cb, g_steal_pointer (&its));
  else
    show_unplug_error (its, error);
}

static const char *
get_id (gpointer button)
{
  return g_object_get_data (button, "id");
}

static void
eject_clicked_cb (GtkButton *button, LodgeSharedMedia *self)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);

  if (object != NULL)
    eject (change_new (get_window (self), object, GTK_WIDGET (button), get_id (button)), FALSE);
}

static void
unplug_clicked_cb (GtkButton *button, LodgeSharedMedia *self)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);

  if (object != NULL)
    lodge_machine1_call_unplug_stick (
        object, get_id (button), NULL, unplug_cb,
        change_new (get_window (self), object, GTK_WIDGET (button), get_id (button)));
}

/* It may be lost to the guest in the midst of its work: that is asked about there. */
static void
storage_clicked_cb (GtkButton *button, LodgeSharedMedia *self)
{
  gtk_widget_activate_action (GTK_WIDGET (gtk_window_get_transient_for (get_window (self))),
                              "console.storage", NULL);
}

/* --- What there is --- */

static void
add_row (LodgeSharedMedia *self,
         const char *title,
         const char *subtitle,
         const char *label,
         const char *name,
         const char *id,
         GCallback clicked)
{
  AdwActionRow *row = lodge_shared_row_new (title);
  GtkWidget *button = lodge_shared_row_add_button (row, label, name);

  adw_action_row_set_subtitle (row, subtitle);
  adw_action_row_set_subtitle_lines (row, 0);
  g_object_set_data_full (G_OBJECT (button), "id", g_strdup (id), g_free);
  g_signal_connect (button, "clicked", clicked, self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (row));
  g_ptr_array_add (self->rows, row);
}

static void
add_disc (LodgeSharedMedia *self, const char *drive, const char *file)
{
  /* Translators: %s is the id of a drive, such as cd0. */
  g_autofree char *title = g_strdup_printf (_ ("Disc in %s"), drive);
  /* Translators: %s is the id of a drive, such as cd0. */
  g_autofree char *name = g_strdup_printf (_ ("Eject the disc in %s"), drive);
  /* Translators: %s is the path of a file. */
  g_autofree char *words = g_strdup_printf (_ ("The guest can read %s"), file);

  add_row (self, title, words, _ ("_Eject"), name, drive, G_CALLBACK (eject_clicked_cb));
}

static void
add_stick (LodgeSharedMedia *self, const char *stick, const char *file)
{
  /* Translators: %s is the id of a USB stick, such as usb0. */
  g_autofree char *title = g_strdup_printf (_ ("USB Stick %s"), stick);
  /* Translators: %s is the id of a USB stick, such as usb0. */
  g_autofree char *name = g_strdup_printf (_ ("Unplug the USB stick %s"), stick);
  g_autofree char *words = g_strdup_printf (_ ("The guest can read %s"), file);

  add_row (self, title, words, _ ("_Unplug"), name, stick, G_CALLBACK (unplug_clicked_cb));
}

static void
add_host_disk (LodgeSharedMedia *self, const char *layer, const char *mark)
{
  g_autofree char *key = g_strdup_printf ("layer.%s.file", layer);
  /* Translators: %s is the path of a device. */
  g_autofree char *words =
      g_strdup_printf (_ ("The guest can read and overwrite all of %s. The Storage window removes "
                          "it"),
                       lodge_shared_lookup (self->machine, key));

  add_row (self, _ ("Disk of This Computer"), words, _ ("S_torage…"), NULL, layer,
           G_CALLBACK (storage_clicked_cb));
}

/* By the description's keys, "SECTION.ID.NAME"; an empty text is nothing. */
static const struct {
  const char *section;
  const char *name;
  void (*add) (LodgeSharedMedia *self, const char *id, const char *text);
} kinds[] = {
    {"media", "file", add_disc},
    {"stick", "file", add_stick},
    {"layer", "host-disk", add_host_disk},
};

/* The row of kinds, or G_N_ELEMENTS (kinds). @out_id: (transfer full): written with the former */
static guint
find_kind (const char *key, const char *text, char **out_id)
{
  g_auto (GStrv) parts = g_strsplit (key, ".", 3);
  guint kind = *text != '\0' && g_strv_length (parts) == 3 ? 0 : G_N_ELEMENTS (kinds);

  while (kind < G_N_ELEMENTS (kinds) &&
         !(g_str_equal (parts[0], kinds[kind].section) && g_str_equal (parts[2], kinds[kind].name)))
    kind++;
  if (kind < G_N_ELEMENTS (kinds))
    *out_id = g_strdup (parts[1]);
  return kind;
}

/* What there is, in words that are others once something comes or goes. */
static char *
dup_seen (GVariant *description)
{
  GString *seen = g_string_new (NULL);
  GVariantIter iter;
  const char *key, *text;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    g_autofree char *id = NULL;

    if (find_kind (key, text, &id) < G_N_ELEMENTS (kinds))
      g_string_append_printf (seen, "%s=%s\n", key, text);
  }
  return g_string_free (seen, FALSE);
}

static void
fill (LodgeSharedMedia *self, GVariant *description)
{
  GVariantIter iter;
  const char *key, *text;

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    g_autofree char *id = NULL;
    const guint kind = find_kind (key, text, &id);

    if (kind < G_N_ELEMENTS (kinds))
      kinds[kind].add (self, id, text);
  }
}

void
lodge_shared_media_update (LodgeSharedMedia *self)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);
  GVariant *description = object != NULL ? lodge_machine1_get_description (object) : NULL;
  g_autofree char *seen = NULL;

  gtk_widget_set_sensitive (GTK_WIDGET (self), description != NULL);
  /* While the engine is away it stays as it was. */
  if (description == NULL)
    return;
  seen = dup_seen (description);
  gtk_widget_set_visible (GTK_WIDGET (self), *seen != '\0');
  /* A row that has the keyboard's focus stays while nothing comes or goes. */
  if (g_strcmp0 (seen, self->seen) == 0)
    return;
  g_free (self->seen);
  self->seen = g_steal_pointer (&seen);
  fill (self, description);
}

/* --- Life --- */

static void
lodge_shared_media_dispose (GObject *object)
{
  g_clear_object (&LODGE_SHARED_MEDIA (object)->machine);
  G_OBJECT_CLASS (lodge_shared_media_parent_class)->dispose (object);
}

static void
lodge_shared_media_finalize (GObject *object)
{
  LodgeSharedMedia *self = LODGE_SHARED_MEDIA (object);

  g_ptr_array_unref (self->rows);
  g_free (self->seen);
  G_OBJECT_CLASS (lodge_shared_media_parent_class)->finalize (object);
}

static void
lodge_shared_media_class_init (LodgeSharedMediaClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_shared_media_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_shared_media_finalize;
}

static void
lodge_shared_media_init (LodgeSharedMedia *self)
{
  self->rows = g_ptr_array_new ();
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self), _ ("Discs, Sticks and Disks"));
}

LodgeSharedMedia *
lodge_shared_media_new (LodgeConsoleMachine *machine)
{
  LodgeSharedMedia *self = g_object_new (LODGE_TYPE_SHARED_MEDIA, NULL);

  self->machine = g_object_ref (machine);
  return self;
}
