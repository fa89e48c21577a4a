/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of combinations of keys that the user keeps. */
#include "gtk/lodge-key-list.h"

#include "gtk/lodge-shortcuts.h"

#include "lodge-error.h"
#include "lodge-key-names.h"

#include <glib/gi18n-lib.h>
#include <linux/input-event-codes.h>

/* A menu of more could not be looked through. */
#define COMBINATIONS_MAX 30

struct _LodgeKeyList {
  AdwPreferencesGroup parent_instance;

  GSettings *settings;
  char *key;
  gboolean keeps;  /* what is in it never reaches a guest */
  GPtrArray *rows; /* of GtkWidget, lent */

  AdwEntryRow *entry;
  GtkToggleButton *record;
  GtkLabel *problem; /* what is wrong with the last one */

  /* while it is recorded */
  GtkWidget *key_root;
  GtkEventController *key_controller;
  GPtrArray *pressed; /* of const char *, QKeyCode */
};

G_DEFINE_FINAL_TYPE (LodgeKeyList, lodge_key_list, ADW_TYPE_PREFERENCES_GROUP)

/* --- What there is --- */

static void
remove_cb (GtkButton *button, LodgeKeyList *self)
{
  const char *combination = g_object_get_data (G_OBJECT (button), "lodge-combination");
  g_auto (GStrv) all = g_settings_get_strv (self->settings, self->key);
  g_autoptr (GPtrArray) rest = g_ptr_array_new ();

  for (guint i = 0; all[i] != NULL; i++) {
    if (!g_str_equal (all[i], combination))
      g_ptr_array_add (rest, all[i]);
  }
  g_ptr_array_add (rest, NULL);
  g_settings_set_strv (self->settings, self->key, (const char *const *) rest->pdata);
}

static void
add_row (LodgeKeyList *self, const char *combination)
{
  g_auto (GStrv) names = lodge_key_names_parse (combination, NULL);
  GtkWidget *row, *button;

  /* Somebody wrote it into the settings by hand. It can be taken off. */
  g_autofree char *label = names != NULL ? lodge_key_names_dup_label ((const char *const *) names)
                                         : g_strdup (combination);
  g_autofree char *tip = g_strdup_printf (_ ("Remove %s"), label);

  row = adw_action_row_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), label);
  button = gtk_button_new_from_icon_name ("list-remove-symbolic");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, tip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, tip, -1);
  g_object_set_data_full (G_OBJECT (button), "lodge-combination", g_strdup (combination), g_free);
  g_signal_connect (button, "clicked", G_CALLBACK (remove_cb), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), row);
  g_ptr_array_add (self->rows, row);
}

static void
show_list (LodgeKeyList *self)
{
  g_auto (GStrv) all = g_settings_get_strv (self->settings, self->key);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; all[i] != NULL; i++)
    add_row (self, all[i]);
}

/* --- One more --- */

static gboolean
add (LodgeKeyList *self, const char *text, GError **error)
{
  g_auto (GStrv) all = g_settings_get_strv (self->settings, self->key);
  g_auto (GStrv) names = lodge_key_names_parse (text, error);

  if (names == NULL)
    return FALSE;

  g_autofree char *combination = g_strjoinv ("+", names);
  g_autofree char *label = lodge_key_names_dup_label ((const char *const *) names);
  if (self->keeps && lodge_key_names_are_for_text ((const char *const *) names)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is for writing: kept here, no guest could be written in; add Ctrl, Alt or "
                    "Super to it"),
                 label);
    return FALSE;
  }
  if (g_strv_contains ((const char *const *) all, combination)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS, _ ("%s is in the list already"), label);
    return FALSE;
  }
  if (g_strv_length (all) >= COMBINATIONS_MAX) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s was not added: the list has %d combinations already"), label,
                 COMBINATIONS_MAX);
    return FALSE;
  }
  g_autoptr (GStrvBuilder) more = g_strv_builder_new ();
  g_strv_builder_addv (more, (const char **) all);
  g_strv_builder_add (more, combination);
  g_auto (GStrv) list = g_strv_builder_end (more);
  g_settings_set_strv (self->settings, self->key, (const char *const *) list);
  return TRUE;
}

/* NULL: none any more. */
static void
show_problem (LodgeKeyList *self, const char *sentence)
{
  gtk_label_set_text (self->problem, sentence != NULL ? sentence : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), sentence != NULL);
}

static void
apply_cb (LodgeKeyList *self)
{
  g_autofree char *text =
      g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));
  g_autoptr (GError) error = NULL;

  if (text[0] == '\0')
    return;
  if (add (self, text, &error)) {
    gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
    gtk_widget_remove_css_class (GTK_WIDGET (self->entry), "error");
  } else {
    gtk_widget_add_css_class (GTK_WIDGET (self->entry), "error");
    show_problem (self, error->message);
  }
}

static void
text_cb (LodgeKeyList *self)
{
  gtk_widget_remove_css_class (GTK_WIDGET (self->entry), "error");
  show_problem (self, NULL);
}

/* --- Pressed instead of typed --- */

static GdkToplevel *
get_toplevel (GtkWidget *root)
{
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (root));

  return surface != NULL && GDK_IS_TOPLEVEL (surface) ? GDK_TOPLEVEL (surface) : NULL;
}

static void
stop_recording (LodgeKeyList *self)
{
  g_ptr_array_set_size (self->pressed, 0);
  if (self->key_root == NULL)
    return;
  GdkToplevel *toplevel = get_toplevel (self->key_root);
  if (toplevel != NULL)
    lodge_shortcuts_restore (toplevel);
  gtk_widget_remove_controller (self->key_root, self->key_controller);
  g_signal_handlers_disconnect_by_func (self->key_root, stop_recording, self);
  self->key_root = NULL;
  self->key_controller = NULL;
  gtk_toggle_button_set_active (self->record, FALSE);
}

static const char *
get_name (guint keycode)
{
  const guint evdev = keycode >= 8 ? keycode - 8 : 0;

  switch (evdev) {
  /* What most mean, and what fits either of the two. */
  case KEY_RIGHTCTRL:
    return lodge_key_names_from_evdev (KEY_LEFTCTRL);
  case KEY_RIGHTSHIFT:
    return lodge_key_names_from_evdev (KEY_LEFTSHIFT);
  case KEY_RIGHTMETA:
    return lodge_key_names_from_evdev (KEY_LEFTMETA);
  default:
    return lodge_key_names_from_evdev (evdev);
  }
}

static gboolean
recorded_press_cb (GtkEventControllerKey *controller,
                   guint keyval,
                   guint keycode,
                   GdkModifierType state,
                   LodgeKeyList *self)
{
  const char *name = get_name (keycode);

  if (name != NULL && !g_ptr_array_find (self->pressed, name, NULL))
    g_ptr_array_add (self->pressed, (gpointer) name);
  return GDK_EVENT_STOP;
}

static void
recorded_release_cb (GtkEventControllerKey *controller,
                     guint keyval,
                     guint keycode,
                     GdkModifierType state,
                     LodgeKeyList *self)
{
  g_autoptr (GError) error = NULL;

  /* The key by which the recording was started is let go of first. */
  if (self->pressed->len == 0)
    return;
  g_ptr_array_add (self->pressed, NULL);
  g_autofree char *text = g_strjoinv ("+", (char **) self->pressed->pdata);
  stop_recording (self);
  /* Alone it gives up, as everywhere. It can be typed. */
  if (g_str_equal (text, "esc"))
    return;
  if (!add (self, text, &error))
    show_problem (self, error->message);
}

static void
record_cb (LodgeKeyList *self)
{
  GtkWidget *root = GTK_WIDGET (gtk_widget_get_root (GTK_WIDGET (self)));
  const gboolean active = gtk_toggle_button_get_active (self->record);

  show_problem (self, NULL);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->entry),
                                 active ? _ ("Press the keys, all together")
                                        : _ ("Add, such as Ctrl+Alt+F5"));
  if (!active || root == NULL) {
    stop_recording (self);
    return;
  }
  GdkToplevel *toplevel = get_toplevel (root);
  if (toplevel != NULL)
    lodge_shortcuts_inhibit (toplevel, NULL);
  self->key_root = root;
  self->key_controller = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->key_controller, GTK_PHASE_CAPTURE);
  g_signal_connect_object (self->key_controller, "key-pressed", G_CALLBACK (recorded_press_cb),
                           self, 0);
  g_signal_connect_object (self->key_controller, "key-released", G_CALLBACK (recorded_release_cb),
                           self, 0);
  gtk_widget_add_controller (root, self->key_controller);
  /* Another window's keys are none of it. */
  g_signal_connect_object (root, "notify::is-active", G_CALLBACK (stop_recording), self,
                           G_CONNECT_SWAPPED);
}

/* --- Type --- */

void
lodge_key_list_bind (LodgeKeyList *self, GSettings *settings, const char *key, gboolean keeps)
{
  g_autofree char *signal = g_strconcat ("changed::", key, NULL);

  g_return_if_fail (LODGE_IS_KEY_LIST (self));
  g_return_if_fail (self->settings == NULL);

  self->settings = g_object_ref (settings);
  self->key = g_strdup (key);
  self->keeps = keeps;
  g_signal_connect_object (settings, signal, G_CALLBACK (show_list), self, G_CONNECT_SWAPPED);
  show_list (self);
}

static void
lodge_key_list_unroot (GtkWidget *widget)
{
  stop_recording (LODGE_KEY_LIST (widget));
  GTK_WIDGET_CLASS (lodge_key_list_parent_class)->unroot (widget);
}

static void
lodge_key_list_dispose (GObject *object)
{
  LodgeKeyList *self = LODGE_KEY_LIST (object);

  g_clear_object (&self->settings);
  G_OBJECT_CLASS (lodge_key_list_parent_class)->dispose (object);
}

static void
lodge_key_list_finalize (GObject *object)
{
  LodgeKeyList *self = LODGE_KEY_LIST (object);

  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->pressed);
  g_free (self->key);
  G_OBJECT_CLASS (lodge_key_list_parent_class)->finalize (object);
}

static void
lodge_key_list_class_init (LodgeKeyListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_key_list_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_key_list_finalize;
  GTK_WIDGET_CLASS (klass)->unroot = lodge_key_list_unroot;
}

static void
lodge_key_list_init (LodgeKeyList *self)
{
  self->rows = g_ptr_array_new ();
  self->pressed = g_ptr_array_new ();

  self->entry = ADW_ENTRY_ROW (adw_entry_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->entry), _ ("Add, such as Ctrl+Alt+F5"));
  adw_entry_row_set_show_apply_button (self->entry, TRUE);
  g_signal_connect_object (self->entry, "apply", G_CALLBACK (apply_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->entry, "changed", G_CALLBACK (text_cb), self, G_CONNECT_SWAPPED);
  self->record = GTK_TOGGLE_BUTTON (gtk_toggle_button_new ());
  gtk_button_set_icon_name (GTK_BUTTON (self->record), "input-keyboard-symbolic");
  gtk_widget_set_valign (GTK_WIDGET (self->record), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (self->record), "flat");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->record), _ ("Press Instead of Typing"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->record), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Press Instead of Typing"), -1);
  g_signal_connect_object (self->record, "toggled", G_CALLBACK (record_cb), self,
                           G_CONNECT_SWAPPED);
  adw_entry_row_add_suffix (self->entry, GTK_WIDGET (self->record));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (self->entry));

  /* Below the rows: it is none of them. */
  self->problem = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (self->problem, TRUE);
  gtk_label_set_wrap_mode (self->problem, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (self->problem, 0);
  gtk_widget_set_margin_top (GTK_WIDGET (self->problem), 6);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (self->problem), "error");
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (self->problem));
}
