/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many monitors the guest has: a choice in the menu, below those that it has now. They are the
 * graphics card's, and so it counts from the guest's next start on. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#define KEY         "display.monitors"
#define ACTION      "count"
#define CARD        "display.model"
#define CARD_CHOSEN "virtio" /* has as many as is said */
#define CARD_FREE   "qxl"    /* has as many as its guest's driver likes */

struct _LodgeConsoleMonitorCount {
  GSimpleAction *action;
  guint seen;    /* what the machine said last; 0: nothing yet */
  guint asked;   /* here, and the machine does not say so yet; 0: nothing */
  guint running; /* what the guest that runs was started with, where that was changed here since */
};

static const char *const labels[] = {N_ ("_One Monitor"), N_ ("_Two Monitors"),
                                     N_ ("Th_ree Monitors"), N_ ("_Four Monitors")};
G_STATIC_ASSERT (G_N_ELEMENTS (labels) == LODGE_CONSOLE_MONITORS);

static gboolean
is_card (LodgeConsoleWindow *window, const char *card)
{
  return g_str_equal (lodge_shared_lookup (window->machine, CARD), card);
}

static guint
get_described (LodgeConsoleWindow *window)
{
  return (guint) CLAMP (atoi (lodge_shared_lookup (window->machine, KEY)), 1,
                        LODGE_CONSOLE_MONITORS);
}

guint
lodge_console_monitor_count_get_next (LodgeConsoleWindow *window)
{
  if (is_card (window, CARD_FREE))
    return LODGE_CONSOLE_MONITORS;
  return is_card (window, CARD_CHOSEN) ? get_described (window) : 1;
}

guint
lodge_console_monitor_count_get (LodgeConsoleWindow *window)
{
  const LodgeConsoleMonitorCount *self = window->monitor_count;

  return self->running != 0 ? self->running : lodge_console_monitor_count_get_next (window);
}

/* ---- changing it */

static void
refused (GtkWindow *window)
{
  LodgeConsoleMonitorCount *self = LODGE_CONSOLE_WINDOW (window)->monitor_count;

  if (self != NULL)
    self->asked = 0;
}

static void
change_state_cb (GSimpleAction *action, GVariant *value, LodgeConsoleWindow *window)
{
  LodgeConsoleMonitorCount *self = window->monitor_count;
  const char *text = g_variant_get_string (value, NULL);

  if ((guint) atoi (text) == (self->asked != 0 ? self->asked : self->seen))
    return;
  self->asked = (guint) atoi (text);
  lodge_set_keys (GTK_WINDOW (window), lodge_console_machine_get_machine (window->machine),
                  _ ("Could Not Change the Number of Monitors"), refused, KEY, text, NULL);
}

/* What was asked for here is so. */
static void
say_when (LodgeConsoleWindow *window, guint next)
{
  const LodgeMachineState state = lodge_console_machine_get_state (window->machine);
  LodgeConsoleMonitorCount *self = window->monitor_count;
  g_autofree char *words = NULL;

  self->asked = 0;
  if (state != LODGE_MACHINE_STATE_RUNNING && state != LODGE_MACHINE_STATE_PAUSED)
    return;
  if (self->running == 0)
    self->running = self->seen;
  words = g_strdup_printf (
      ngettext ("The guest has %u monitor once it was shut down and started again",
                "The guest has %u monitors once it was shut down and started again", next),
      next);
  adw_toast_overlay_add_toast (window->toasts, adw_toast_new (words));
}

/* ---- in the menu */

GMenuModel *
lodge_console_monitor_count_new_section (void)
{
  GMenu *section = g_menu_new ();

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++) {
    g_autofree char *number = g_strdup_printf ("%u", i + 1);
    g_autoptr (GMenuItem) item = g_menu_item_new (_ (labels[i]), NULL);

    g_menu_item_set_action_and_target (item, "monitors." ACTION, "s", number);
    g_menu_append_item (section, item);
  }
  return G_MENU_MODEL (section);
}

const char *
lodge_console_monitor_count_get_heading (LodgeConsoleWindow *window)
{
  if (is_card (window, CARD_FREE))
    return NULL;
  /* Translators: above a choice of how many monitors a machine has; why there is none, and when it
   * counts */
  return is_card (window, CARD_CHOSEN) ? _ ("From the Guest’s Next Start On")
                                       : _ ("More Than One Needs a Virtio Graphics Card");
}

void
lodge_console_monitor_count_update (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitorCount *self = window->monitor_count;
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (window->machine);
  const gboolean there = lodge_console_machine_get_machine (window->machine) != NULL;
  g_autofree char *shown = NULL;
  guint next;

  g_simple_action_set_enabled (self->action, there && is_card (window, CARD_CHOSEN));
  /* While the engine is away it stays as it was. */
  if (!there)
    return;
  next = lodge_console_monitor_count_get_next (window);
  if (self->asked != 0 && next == self->asked)
    say_when (window, next);
  if (next == self->running || phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_CRASHED)
    self->running = 0;
  self->seen = next;
  shown = g_strdup_printf ("%u", next);
  g_simple_action_set_state (self->action, g_variant_new_string (shown));
}

void
lodge_console_monitor_count_init (LodgeConsoleWindow *window, GActionMap *actions)
{
  LodgeConsoleMonitorCount *self = g_new0 (LodgeConsoleMonitorCount, 1);

  window->monitor_count = self;
  self->action =
      g_simple_action_new_stateful (ACTION, G_VARIANT_TYPE_STRING, g_variant_new_string ("1"));
  g_simple_action_set_enabled (self->action, FALSE);
  g_signal_connect (self->action, "change-state", G_CALLBACK (change_state_cb), window);
  g_action_map_add_action (actions, G_ACTION (self->action));
}

void
lodge_console_monitor_count_clear (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitorCount *self = g_steal_pointer (&window->monitor_count);

  if (self == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->action, window);
  g_object_unref (self->action);
  g_free (self);
}
