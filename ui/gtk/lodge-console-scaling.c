/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the console window shows its guest's picture: switches in its menu that are keys of the
 * machine's description. What is done follows the description, whoever changes it. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-stage.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SCALING_KEY         "display.scaling"
#define WHOLE_MULTIPLES_KEY "display.whole-multiples"

struct _LodgeConsoleScaling {
  LodgeConsoleWindow *window;
  GSimpleAction *scaling;
  GSimpleAction *whole_multiples;
  LodgeConsoleSession *told; /* weak: which one the sizes were for; the next may be in its place */
  int told_width[LODGE_CONSOLE_MONITORS];
  int told_height[LODGE_CONSOLE_MONITORS];
  guint waiting; /* bits of the monitors whose size the engine, which is away, was not told: */
  int waiting_width[LODGE_CONSOLE_MONITORS];
  int waiting_height[LODGE_CONSOLE_MONITORS];
};

/* As the session does, for guests with an agent. */
#define WIDTH_MIN  320
#define HEIGHT_MIN 200

static void
set_key (LodgeConsoleScaling *self, const char *key, const char *text)
{
  lodge_set_keys (GTK_WINDOW (self->window),
                  lodge_console_machine_get_machine (self->window->machine),
                  _ ("Could Not Change How the Screen Is Shown"), NULL, key, text, NULL);
}

static void
scaling_cb (GSimpleAction *action, GVariant *value, LodgeConsoleScaling *self)
{
  set_key (self, SCALING_KEY, g_variant_get_string (value, NULL));
}

static void
whole_multiples_cb (GSimpleAction *action, GVariant *value, LodgeConsoleScaling *self)
{
  set_key (self, WHOLE_MULTIPLES_KEY, g_variant_get_boolean (value) ? "true" : "false");
}

/* A guest without an agent may have a driver that hears of it from its graphics card. Whether it
 * does is seen; one that does not is scaled, and why is nothing to tell. */
void
lodge_console_scaling_tell (LodgeConsoleWindow *window, guint monitor, int width, int height)
{
  LodgeConsoleScaling *self = window->scaling;
  LodgeMachine1 *machine = lodge_console_machine_get_machine (window->machine);
  LodgeConsoleSession *session = lodge_console_machine_get_session (window->machine);

  if (self->told != session) {
    memset (self->told_width, 0, sizeof self->told_width);
    memset (self->told_height, 0, sizeof self->told_height);
    g_set_weak_pointer (&self->told, session);
  }
  if (width > 0 && height > 0) {
    width = MAX (width, WIDTH_MIN);
    height = MAX (height, HEIGHT_MIN);
  }
  self->waiting &= ~(1u << monitor);
  if (machine == NULL) {
    self->waiting |= 1u << monitor;
    self->waiting_width[monitor] = width;
    self->waiting_height[monitor] = height;
    return;
  }
  if (self->told_width[monitor] == width && self->told_height[monitor] == height)
    return;
  self->told_width[monitor] = width;
  self->told_height[monitor] = height;
  lodge_machine1_call_set_display_size (machine, monitor, (guint) width, (guint) height, NULL, NULL,
                                        NULL);
}

static void
tell_waiting (LodgeConsoleWindow *window)
{
  LodgeConsoleScaling *self = window->scaling;

  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    if ((self->waiting & 1u << i) != 0)
      lodge_console_scaling_tell (window, i, self->waiting_width[i], self->waiting_height[i]);
  }
}

static void
size_wanted_cb (LodgeDisplay *display, int width, int height, LodgeConsoleScaling *self)
{
  lodge_console_scaling_tell (self->window, 0, width, height);
}

void
lodge_console_scaling_update (LodgeConsoleWindow *window)
{
  LodgeConsoleScaling *self = window->scaling;
  LodgeMachine1 *machine = lodge_console_machine_get_machine (window->machine);
  GVariant *description = machine != NULL ? lodge_machine1_get_description (machine) : NULL;
  g_autoptr (GEnumClass) scalings = g_type_class_ref (LODGE_TYPE_SCALING);
  const char *word = NULL;
  const char *whole = NULL;

  g_simple_action_set_enabled (self->scaling, machine != NULL);
  /* While the engine is away it stays as it was. */
  if (description == NULL) {
    g_simple_action_set_enabled (self->whole_multiples, FALSE);
    return;
  }

  tell_waiting (window);
  g_variant_lookup (description, SCALING_KEY, "&s", &word);
  g_variant_lookup (description, WHOLE_MULTIPLES_KEY, "&s", &whole);
  const GEnumValue *value = word != NULL ? g_enum_get_value_by_nick (scalings, word) : NULL;
  if (value == NULL)
    value = g_enum_get_value (scalings, LODGE_SCALING_RESIZE_GUEST);
  g_simple_action_set_state (self->scaling, g_variant_new_string (value->value_nick));
  /* Pixel for pixel there is nothing to multiply. */
  g_simple_action_set_enabled (self->whole_multiples, value->value != LODGE_SCALING_ONE_TO_ONE);
  g_simple_action_set_state (self->whole_multiples,
                             g_variant_new_boolean (g_strcmp0 (whole, "true") == 0));
  lodge_display_set_scaling (window->display, value->value);
  lodge_display_set_whole_multiples (window->display, g_strcmp0 (whole, "true") == 0);
}

void
lodge_console_scaling_init (LodgeConsoleWindow *window)
{
  LodgeConsoleScaling *self = g_new0 (LodgeConsoleScaling, 1);
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();

  window->scaling = self;
  self->window = window;
  self->scaling = g_simple_action_new_stateful ("scaling", G_VARIANT_TYPE_STRING,
                                                g_variant_new_string ("resize-guest"));
  self->whole_multiples =
      g_simple_action_new_stateful ("whole-multiples", NULL, g_variant_new_boolean (FALSE));
  g_signal_connect (self->scaling, "change-state", G_CALLBACK (scaling_cb), self);
  g_signal_connect (self->whole_multiples, "change-state", G_CALLBACK (whole_multiples_cb), self);
  g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (self->scaling));
  g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (self->whole_multiples));
  gtk_widget_insert_action_group (GTK_WIDGET (window), "display", G_ACTION_GROUP (actions));
  g_signal_connect (window->display, "size-wanted", G_CALLBACK (size_wanted_cb), self);
  lodge_stage_init (window->stage);
}

void
lodge_console_scaling_clear (LodgeConsoleWindow *window)
{
  LodgeConsoleScaling *self = g_steal_pointer (&window->scaling);

  if (self == NULL)
    return;
  g_signal_handlers_disconnect_by_data (window->display, self);
  g_signal_handlers_disconnect_by_data (self->scaling, self);
  g_object_unref (self->scaling);
  g_signal_handlers_disconnect_by_data (self->whole_multiples, self);
  g_object_unref (self->whole_multiples);
  g_clear_weak_pointer (&self->told);
  g_free (self);
}
