/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's keys: the menu of those to send, and what the user has settled about them.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-keys-window.h"
#include "gtk/lodge-settings.h"
#include "lodge-key-names.h"

#include <glib/gi18n-lib.h>

/* In the menu, a section each. The desktop, or the window itself, takes these from a keyboard. */
static const char *const ends[] = {"ctrl+alt+delete", "ctrl+alt+backspace", NULL};
static const char *const others[] = {"super",       "super+l", "alt+tab", "alt+f4",
                                     "ctrl+esc",    "compose", "print",   "pause",
                                     "scroll_lock", "f11",     NULL};
#define LAST_CONSOLE 12

static void
add_item (GMenu *menu, const char *combination)
{
  g_auto (GStrv) names = lodge_key_names_parse (combination, NULL);

  /* Somebody wrote it into the settings by hand. */
  if (names == NULL)
    return;
  g_autofree char *label = lodge_key_names_dup_label ((const char *const *) names);
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, "console.send-keys", "s", combination);
  g_menu_append_item (menu, item);
}

static void
add_section (GMenu *menu, const char *const *combinations)
{
  g_autoptr (GMenu) section = g_menu_new ();

  for (guint i = 0; combinations[i] != NULL; i++)
    add_item (section, combinations[i]);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (section));
}

static void
fill_own (LodgeConsoleWindow *self)
{
  g_auto (GStrv) own = g_settings_get_strv (lodge_settings_get (), LODGE_SETTINGS_SEND_KEYS);

  g_menu_remove_all (self->own_keys_menu);
  for (guint i = 0; own[i] != NULL; i++)
    add_item (self->own_keys_menu, own[i]);
}

static void
fill_menu (LodgeConsoleWindow *self)
{
  g_autoptr (GMenu) consoles = g_menu_new ();
  g_autoptr (GMenu) section = g_menu_new ();
  g_autoptr (GMenu) type = g_menu_new ();
  g_autoptr (GMenu) settings = g_menu_new ();

  add_section (self->keys_menu, ends);
  g_menu_append_section (self->keys_menu, NULL, G_MENU_MODEL (self->own_keys_menu));
  for (guint i = 1; i <= LAST_CONSOLE; i++) {
    g_autofree char *combination = g_strdup_printf ("ctrl+alt+f%u", i);
    add_item (consoles, combination);
  }
  g_menu_append_submenu (section, _ ("Ctrl+Alt+F1 to F12"), G_MENU_MODEL (consoles));
  g_menu_append_section (self->keys_menu, NULL, G_MENU_MODEL (section));
  add_section (self->keys_menu, others);
  g_menu_append (type, _ ("_Type the Clipboard"), "keys.type-clipboard");
  g_menu_append_section (self->keys_menu, NULL, G_MENU_MODEL (type));
  g_menu_append (settings, _ ("_System Shortcuts Go to the Guest"), "keys.grab-shortcuts");
  g_menu_append (settings, _ ("_Keyboard…"), "keys.settings");
  g_menu_append_section (self->keys_menu, NULL, G_MENU_MODEL (settings));
}

static void
update_display (LodgeDisplay *display)
{
  GSettings *settings = lodge_settings_get ();
  g_auto (GStrv) host = g_settings_get_strv (settings, LODGE_SETTINGS_HOST_KEYS);

  lodge_display_set_host_keys (display, (const char *const *) host);
  lodge_display_set_grab_shortcuts (
      display, g_settings_get_boolean (settings, LODGE_SETTINGS_GRAB_SHORTCUTS));
}

void
lodge_console_keys_follow (LodgeDisplay *display)
{
  GSettings *settings = lodge_settings_get ();

  if (settings == NULL)
    return;
  g_signal_connect_object (settings, "changed::" LODGE_SETTINGS_HOST_KEYS,
                           G_CALLBACK (update_display), display, G_CONNECT_SWAPPED);
  g_signal_connect_object (settings, "changed::" LODGE_SETTINGS_GRAB_SHORTCUTS,
                           G_CALLBACK (update_display), display, G_CONNECT_SWAPPED);
  update_display (display);
}

static void
settings_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_present (
      GTK_WINDOW (lodge_keys_window_new (GTK_WINDOW (user_data), lodge_settings_get ())));
}

void
lodge_console_keys_init (LodgeConsoleWindow *self)
{
  static const GActionEntry entries[] = {{.name = "settings", .activate = settings_action}};
  GSettings *settings = lodge_settings_get ();
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();

  self->own_keys_menu = g_menu_new ();
  fill_menu (self);
  self->type_action = g_simple_action_new ("type-clipboard", NULL);
  g_signal_connect_object (self->type_action, "activate", G_CALLBACK (lodge_console_type_clipboard),
                           self, G_CONNECT_SWAPPED);
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (self->type_action));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "keys", G_ACTION_GROUP (group));
  /* Without the schema the rest is greyed out, and everything is as it is at first. */
  if (settings == NULL)
    return;

  g_autoptr (GAction) grab = g_settings_create_action (settings, LODGE_SETTINGS_GRAB_SHORTCUTS);
  g_action_map_add_action (G_ACTION_MAP (group), grab);
  g_action_map_add_action_entries (G_ACTION_MAP (group), entries, G_N_ELEMENTS (entries), self);
  g_signal_connect_object (settings, "changed::" LODGE_SETTINGS_SEND_KEYS, G_CALLBACK (fill_own),
                           self, G_CONNECT_SWAPPED);
  fill_own (self);
  lodge_console_keys_follow (self->display);
}

void
lodge_console_keys_update (LodgeConsoleWindow *self)
{
  const gboolean running =
      lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN &&
      lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_RUNNING;

  g_simple_action_set_enabled (self->type_action, running);
  lodge_console_type_update (self);
}

void
lodge_console_keys_clear (LodgeConsoleWindow *self)
{
  lodge_console_type_clear (self);
  g_clear_object (&self->type_action);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "keys", NULL);
  g_clear_object (&self->own_keys_menu);
}
