/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: this computer's graphics card. */
#include "gtk/lodge-shared-graphics.h"

#include "gtk/lodge-shared-row.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>

struct _LodgeSharedGraphics {
  AdwPreferencesGroup parent_instance;

  LodgeConsoleMachine *machine;
  AdwActionRow *row;
  GtkWidget *off;
};

G_DEFINE_FINAL_TYPE (LodgeSharedGraphics, lodge_shared_graphics, ADW_TYPE_PREFERENCES_GROUP)

/* By the console's own switch, which says from when on it counts. */
static void
off_cb (GtkButton *button, LodgeSharedGraphics *self)
{
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));

  gtk_widget_activate_action (GTK_WIDGET (gtk_window_get_transient_for (window)),
                              "graphics.accelerated", NULL);
}

/* Returns: (transfer full) */
static char *
dup_words (LodgeSharedGraphics *self, gboolean wanted)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);
  const char *problem = lodge_machine1_get_graphics_problem (object);
  const char *node = lodge_shared_lookup (self->machine, "display.render-node");
  const gboolean live = lodge_shared_is_live (self->machine);
  g_autofree char *card = NULL;

  if (problem != NULL && *problem != '\0')
    return g_strdup (problem);
  if (!wanted)
    return g_strdup (live ? _ ("Closed, unless the guest was started with it: then it is open "
                               "until the guest is off")
                          : _ ("Closed"));
  /* Translators: %s is the path of a graphics card's device. */
  card = *node != '\0' ? g_strdup_printf (_ ("this computer’s graphics card %s"), node)
                       : g_strdup (_ ("this computer’s graphics card"));
  if (!live)
    /* Translators: %s: this computer’s graphics card */
    return g_strdup_printf (
        _ ("From the next start on what runs in the guest reaches the driver of %s"), card);
  /* Translators: %s: this computer’s graphics card */
  return g_strdup_printf (
      _ ("What runs in the guest reaches the driver of %s, unless 3D was switched on after the "
         "guest "
         "was started. It cannot be closed while the guest runs: switched off, it is so from the "
         "next start on"),
      card);
}

void
lodge_shared_graphics_update (LodgeSharedGraphics *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;
  const gboolean wanted = g_str_equal (lodge_shared_lookup (self->machine, "display.3d"), "true");
  g_autofree char *words = NULL;

  gtk_widget_set_sensitive (GTK_WIDGET (self), there);
  /* While the engine is away it stays as it was. */
  if (!there)
    return;
  words = dup_words (self, wanted);
  adw_action_row_set_subtitle (self->row, words);
  gtk_widget_set_visible (self->off, wanted);
}

static void
lodge_shared_graphics_dispose (GObject *object)
{
  g_clear_object (&LODGE_SHARED_GRAPHICS (object)->machine);
  G_OBJECT_CLASS (lodge_shared_graphics_parent_class)->dispose (object);
}

static void
lodge_shared_graphics_class_init (LodgeSharedGraphicsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_shared_graphics_dispose;
}

static void
lodge_shared_graphics_init (LodgeSharedGraphics *self)
{
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self), _ ("Graphics"));
  self->row = lodge_shared_row_new (_ ("3D Acceleration"));
  adw_action_row_set_subtitle_lines (self->row, 0);
  self->off = lodge_shared_row_add_button (self->row, _ ("S_witch Off"), NULL);
  g_signal_connect (self->off, "clicked", G_CALLBACK (off_cb), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (self->row));
}

LodgeSharedGraphics *
lodge_shared_graphics_new (LodgeConsoleMachine *machine)
{
  LodgeSharedGraphics *self = g_object_new (LODGE_TYPE_SHARED_GRAPHICS, NULL);

  self->machine = g_object_ref (machine);
  return self;
}
