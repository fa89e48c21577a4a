/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's switch for 3D acceleration, which counts from the guest's next start on; and
 * its word, for as long as that is so, that a guest that should have it runs without. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-set-keys.h"

#include <glib/gi18n-lib.h>

#define KEY          "display.3d"
#define CARD         "display.model"
#define CARD_WITH_3D "virtio"

static const char *
get_key (LodgeConsoleWindow *self, const char *key)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GVariant *description = machine != NULL ? lodge_machine1_get_description (machine) : NULL;
  const char *value = NULL;

  if (description != NULL)
    g_variant_lookup (description, key, "&s", &value);
  return value;
}

gboolean
lodge_console_3d_is_wanted (LodgeConsoleWindow *self)
{
  return g_strcmp0 (get_key (self, KEY), "true") == 0;
}

gboolean
lodge_console_3d_is_likely (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const char *problem = machine != NULL ? lodge_machine1_get_graphics_problem (machine) : NULL;

  return lodge_console_3d_is_wanted (self) && (problem == NULL || *problem == '\0');
}

/* @card: (nullable): instead of the machine's */
static void
change (LodgeConsoleWindow *self, gboolean wanted, const char *card)
{
  self->flat_next = !wanted;
  self->accelerated_asked = TRUE;
  lodge_set_keys (GTK_WINDOW (self), lodge_console_machine_get_machine (self->machine),
                  _ ("Could Not Change 3D Acceleration"), NULL, KEY, wanted ? "true" : "false",
                  card != NULL ? CARD : NULL, card, NULL);
}

/* What was asked for here is so: the engine may have refused it. */
static void
say_when (LodgeConsoleWindow *self)
{
  const LodgeMachineState state = lodge_console_machine_get_state (self->machine);

  if (!self->accelerated_asked || lodge_console_3d_is_wanted (self) == self->flat_next)
    return;
  self->accelerated_asked = FALSE;
  if (state == LODGE_MACHINE_STATE_RUNNING || state == LODGE_MACHINE_STATE_PAUSED)
    adw_toast_overlay_add_toast (
        self->toasts, adw_toast_new (self->flat_next ? _ ("3D acceleration ends once the guest "
                                                          "was shut down and started again")
                                                     : _ ("3D acceleration begins once the guest "
                                                          "was shut down and started again")));
}

static void
asked_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *self)
{
  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    change (self, TRUE, CARD_WITH_3D);
}

/* The machine's card has none: to switch it on alone would promise what never comes. */
static void
ask_for_card (LodgeConsoleWindow *self, const char *card)
{
  g_autofree char *body = g_strdup_printf (
      _ ("Only the virtio graphics card has 3D acceleration, and this machine has a card of the "
         "kind "
         "%s. From its next start on it can have a virtio card instead, for which Linux brings a "
         "driver, and Windows needs one (virtio-win)."),
      card);
  AdwMessageDialog *dialog = lodge_message_ask (GTK_WINDOW (self), _ ("Change the Graphics Card?"),
                                                body, _ ("_Change It"));

  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_SUGGESTED);
  g_signal_connect_object (dialog, "response", G_CALLBACK (asked_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
change_state_cb (GSimpleAction *action, GVariant *value, LodgeConsoleWindow *self)
{
  const gboolean wanted = g_variant_get_boolean (value);
  const char *card = get_key (self, CARD);

  if (wanted && card != NULL && !g_str_equal (card, CARD_WITH_3D))
    ask_for_card (self, card);
  else
    change (self, wanted, NULL);
}

void
lodge_console_3d_update (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const char *problem;

  g_simple_action_set_enabled (self->accelerated, machine != NULL);
  if (lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_OFF)
    self->flat_next = self->accelerated_asked = FALSE;
  /* While the engine is away it stays as it was. */
  if (machine == NULL)
    return;
  g_simple_action_set_state (self->accelerated,
                             g_variant_new_boolean (lodge_console_3d_is_wanted (self)));
  say_when (self);
  problem = lodge_machine1_get_graphics_problem (machine);
  if (problem != NULL && *problem != '\0') {
    gtk_widget_set_tooltip_text (self->flat_label, problem);
    gtk_accessible_update_property (GTK_ACCESSIBLE (self->flat_label),
                                    GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, problem, -1);
  }
  gtk_widget_set_visible (self->flat_label, problem != NULL && *problem != '\0');
  if (g_strcmp0 (problem, self->flat_told) == 0)
    return;
  /* Once for each run; the label goes on to say it. */
  g_free (self->flat_told);
  self->flat_told = g_strdup (problem);
  if (problem != NULL && *problem != '\0') {
    g_autofree char *text = g_markup_escape_text (problem, -1);

    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
  }
}

void
lodge_console_3d_init (LodgeConsoleWindow *self)
{
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();

  self->accelerated =
      g_simple_action_new_stateful ("accelerated", NULL, g_variant_new_boolean (FALSE));
  g_signal_connect (self->accelerated, "change-state", G_CALLBACK (change_state_cb), self);
  g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (self->accelerated));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "graphics", G_ACTION_GROUP (actions));

  self->flat_label = gtk_label_new (_ ("No 3D"));
  gtk_widget_add_css_class (self->flat_label, "console-not-kept");
  gtk_widget_set_valign (self->flat_label, GTK_ALIGN_CENTER);
  gtk_widget_set_visible (self->flat_label, FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (self->header), self->flat_label);
}

void
lodge_console_3d_clear (LodgeConsoleWindow *self)
{
  if (self->accelerated == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->accelerated, self);
  g_clear_object (&self->accelerated);
  g_clear_pointer (&self->flat_told, g_free);
}
