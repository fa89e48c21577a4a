/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's sound: a menu's switches, and what the header, and in full screen a corner,
 * shows while a guest records or cannot be heard. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"

#include <glib/gi18n-lib.h>

static gboolean
finish_set (LodgeConsoleWindow *self, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_set_finish (LODGE_MACHINE1 (source), result, &error))
    return TRUE;
  if (!lodge_console_window_is_open (self) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;

  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Change the Machine"), error);
  return FALSE;
}

static void
refused_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;

  finish_set (self, source, result);
}

static void
allowed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;

  if (finish_set (self, source, result) && lodge_console_window_is_open (self))
    lodge_console_machine_refuse_microphone (self->machine, FALSE);
}

/* The machine keeps it, and says so when it does. Until then a guest that may hear does not yet;
 * one that may not, does not from now on, whether an engine is there to keep it or not. */
static void
microphone_cb (GSimpleAction *action, GVariant *state, LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const gboolean allow = g_variant_get_boolean (state);
  GVariantBuilder changes;

  g_cancellable_cancel (self->microphone_wish);
  g_clear_object (&self->microphone_wish);
  self->microphone_wish = g_cancellable_new ();
  if (!allow)
    lodge_console_machine_refuse_microphone (self->machine, TRUE);
  if (machine == NULL)
    return;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&changes, "{ss}", "sharing.microphone", allow ? "true" : "false");
  lodge_machine1_call_set (machine, g_variant_builder_end (&changes), self->microphone_wish,
                           allow ? allowed_cb : refused_cb, g_object_ref (self));
}

static void
show (GtkWidget *button, const char *icon, const char *words)
{
  gtk_button_set_icon_name (GTK_BUTTON (button), icon);
  gtk_widget_set_tooltip_text (button, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, words,
                                  -1);
}

static void
update (LodgeConsoleWindow *self)
{
  LodgeSound *sound = lodge_console_machine_get_sound (self->machine);
  g_autofree char *problem = NULL;
  gboolean allowed;
  guint microphone;

  g_object_get (sound, "microphone", &microphone, "microphone-allowed", &allowed, "problem",
                &problem, NULL);
  const gboolean live = microphone == LODGE_MICROPHONE_LIVE;
  g_simple_action_set_state (self->microphone_action, g_variant_new_boolean (allowed));
  if (live) {
    const char *words = _ ("The guest hears the microphone. Click to stop that.");

    show (self->microphone_button, "audio-input-microphone-symbolic", words);
    show (self->microphone_pill, "audio-input-microphone-symbolic", words);
  } else if (microphone == LODGE_MICROPHONE_WITHHELD) {
    show (self->microphone_button, "microphone-disabled-symbolic",
          _ ("The guest records, and hears nothing. Click to let it hear the microphone."));
  }
  gtk_widget_set_visible (self->microphone_button, microphone != LODGE_MICROPHONE_OFF);
  /* A guest that is given silence is no reason to cover its screen. */
  gtk_widget_set_visible (self->microphone_pill,
                          live && lodge_console_fullscreen_hides_header (self));
  if (live)
    gtk_widget_add_css_class (self->microphone_button, "error");
  else
    gtk_widget_remove_css_class (self->microphone_button, "error");

  gtk_widget_set_tooltip_text (self->sound_problem, problem);
  gtk_widget_set_visible (self->sound_problem, problem != NULL);
}

void
lodge_console_sound_init (LodgeConsoleWindow *self)
{
  LodgeSound *sound = lodge_console_machine_get_sound (self->machine);
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();
  g_autoptr (GPropertyAction) mute = g_property_action_new ("mute", sound, "muted");

  self->microphone_action =
      g_simple_action_new_stateful ("microphone", NULL, g_variant_new_boolean (FALSE));
  g_signal_connect_object (self->microphone_action, "change-state", G_CALLBACK (microphone_cb),
                           self, 0);
  g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (mute));
  g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (self->microphone_action));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "sound", G_ACTION_GROUP (actions));

  g_signal_connect_object (sound, "notify::microphone", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (sound, "notify::microphone-allowed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (sound, "notify::problem", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (update), NULL);
  g_signal_connect_object (self->bar, "notify::reveal-child", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);
}

void
lodge_console_sound_clear (LodgeConsoleWindow *self)
{
  if (self->microphone_action == NULL)
    return;
  g_signal_handlers_disconnect_by_func (self, update, NULL);
  g_signal_handlers_disconnect_by_func (self->bar, update, self);
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_func (lodge_console_machine_get_sound (self->machine), update,
                                          self);
  g_cancellable_cancel (self->microphone_wish);
  g_clear_object (&self->microphone_wish);
  g_clear_object (&self->microphone_action);
}
