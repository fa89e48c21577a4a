/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: the consoles of text and the guest agent. */
#include "gtk/lodge-shared-consoles.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-row.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>

#define MONITOR_KEY "terminal.monitor"

/* What a console of the window is logged to; as the contract calls the consoles. */
static const struct {
  const char *id;
  const char *title;
  const char *button;
} logs[] = {
    {"serial", N_ ("Log of the Serial Port"), N_ ("Stop _Log")},
    {"monitor", N_ ("Log of the QEMU Console"), N_ ("Stop L_og")},
};

struct _LodgeSharedConsoles {
  AdwPreferencesGroup parent_instance;

  LodgeConsoleMachine *machine;
  AdwActionRow *serial;
  AdwActionRow *log_rows[G_N_ELEMENTS (logs)];
  AdwActionRow *monitor;
  GtkSwitch *monitor_switch;
  AdwActionRow *agent;
  gboolean updating; /* what changes now is not the user's wish */
};

G_DEFINE_FINAL_TYPE (LodgeSharedConsoles, lodge_shared_consoles, ADW_TYPE_PREFERENCES_GROUP)

static GtkWindow *
get_window (LodgeSharedConsoles *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

/* --- Changes --- */

static void
switched_cb (GtkSwitch *widget, GParamSpec *spec, LodgeSharedConsoles *self)
{
  if (!self->updating)
    lodge_set_keys (get_window (self), lodge_console_machine_get_machine (self->machine),
                    _ ("Could Not Change What Is Shared"), lodge_shared_window_update, MONITOR_KEY,
                    gtk_switch_get_active (widget) ? "true" : "false", NULL);
}

/* The console's view of it; NULL while that is not open. Lent. */
static LodgeTerminalStream *
get_stream (LodgeSharedConsoles *self, guint log)
{
  GtkWindow *window = get_window (self);
  GtkWindow *console = window != NULL ? gtk_window_get_transient_for (window) : NULL;

  return console != NULL
             ? lodge_console_window_get_terminal (LODGE_CONSOLE_WINDOW (console), logs[log].id)
             : NULL;
}

static void
stop_log_cb (GtkButton *button, LodgeSharedConsoles *self)
{
  const guint log = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "log"));
  LodgeTerminalStream *stream = get_stream (self, log);

  if (stream != NULL)
    lodge_terminal_stream_stop_log (stream);
}

/* --- What there is --- */

static gboolean
is_open (LodgeSharedConsoles *self, const char *id)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);
  GVariant *listed = object != NULL ? lodge_machine1_get_terminals (object) : NULL;
  GVariantIter iter;
  const char *found, *label, *socket;

  if (listed == NULL)
    return FALSE;
  g_variant_iter_init (&iter, listed);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &found, &label, &socket)) {
    if (g_str_equal (found, id))
      return TRUE;
  }
  return FALSE;
}

/* The key counts from the next start on: what is open now may be other than it says. */
static void
update_monitor (LodgeSharedConsoles *self)
{
  const gboolean wanted = g_str_equal (lodge_shared_lookup (self->machine, MONITOR_KEY), "true");
  const gboolean open = is_open (self, "monitor");
  const char *words;

  gtk_switch_set_active (self->monitor_switch, wanted);
  if (open && wanted)
    words = _ ("Open: whoever types there can change the machine behind Lodge’s back, and read and "
               "write every file that its QEMU can");
  else if (open)
    words = _ ("Open until the guest is off, and no more from its next start on: whoever types "
               "there can change the machine behind Lodge’s back, and read and write every file "
               "that its QEMU can");
  else if (wanted)
    words = _ ("From the guest’s next start on whoever types there can change the machine behind "
               "Lodge’s back, and read and write every file that its QEMU can");
  else
    words = _ ("Closed. Switched on, it is there from the guest’s next start on: whoever types "
               "there can change the machine behind Lodge’s back, and read and write every file "
               "that its QEMU can");
  adw_action_row_set_subtitle (self->monitor, words);
  lodge_shared_row_set_warns (self->monitor, open || wanted);
}

static void
update_log (LodgeSharedConsoles *self, guint log)
{
  LodgeTerminalStream *stream = get_stream (self, log);
  GFile *file = stream != NULL ? lodge_terminal_stream_get_log (stream) : NULL;
  g_autofree char *path = file != NULL ? g_file_get_parse_name (file) : NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->log_rows[log]), file != NULL);
  if (path != NULL)
    adw_action_row_set_subtitle (self->log_rows[log], path);
}

static const char *
get_agent_words (LodgeSharedConsoles *self)
{
  if (!lodge_shared_is_live (self->machine))
    return _ ("Closed. Every machine has its channel, by which Lodge sets the clock of a guest "
              "that has stood still");
  if (g_str_equal (lodge_shared_lookup (self->machine, "sharing.files-out"), "true"))
    return _ ("Open, as every machine has it: it cannot be closed while the guest runs. Where "
              "qemu-guest-agent answers, Lodge sets the guest’s clock by it after a standstill, "
              "and reads those files that you ask for");
  return _ ("Open, as every machine has it: it cannot be closed while the guest runs. Lodge "
            "sets the guest’s clock by it after a standstill, where qemu-guest-agent answers, "
            "and asks for nothing else");
}

void
lodge_shared_consoles_update (LodgeSharedConsoles *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;

  self->updating = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (logs); i++)
    update_log (self, i);
  gtk_widget_set_sensitive (GTK_WIDGET (self->monitor), there);
  /* While the engine is away it stays as it was. */
  if (there) {
    adw_action_row_set_subtitle (
        self->serial,
        is_open (self, "serial")
            ? _ ("Open, as every machine has one: it cannot be closed while the guest runs. What "
                 "comes out of it is kept in the engine’s memory, up to 512 KiB, and shown in the "
                 "console")
            : _ ("Closed. Every machine has one, which is open while the guest runs"));
    update_monitor (self);
    adw_action_row_set_subtitle (self->agent, get_agent_words (self));
  }
  self->updating = FALSE;
}

/* --- Life --- */

static AdwActionRow *
add_row (LodgeSharedConsoles *self, const char *title)
{
  AdwActionRow *row = lodge_shared_row_new (title);

  /* What it costs is said in full. */
  adw_action_row_set_subtitle_lines (row, 0);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (row));
  return row;
}

static void
add_log (LodgeSharedConsoles *self, guint log)
{
  AdwActionRow *row = add_row (self, _ (logs[log].title));
  GtkWidget *button = lodge_shared_row_add_button (row, _ (logs[log].button), _ (logs[log].title));

  g_object_set_data (G_OBJECT (button), "log", GUINT_TO_POINTER (log));
  g_signal_connect (button, "clicked", G_CALLBACK (stop_log_cb), self);
  gtk_widget_set_visible (GTK_WIDGET (row), FALSE);
  self->log_rows[log] = row;
}

static void
lodge_shared_consoles_dispose (GObject *object)
{
  LodgeSharedConsoles *self = LODGE_SHARED_CONSOLES (object);

  /* A switch may tell of its end. */
  self->updating = TRUE;
  g_clear_object (&self->machine);
  G_OBJECT_CLASS (lodge_shared_consoles_parent_class)->dispose (object);
}

static void
lodge_shared_consoles_class_init (LodgeSharedConsolesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_shared_consoles_dispose;
}

static void
lodge_shared_consoles_init (LodgeSharedConsoles *self)
{
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self), _ ("Consoles and Guest Agent"));
  self->serial = add_row (self, _ ("Serial Port"));
  add_log (self, 0);
  self->monitor = add_row (self, _ ("QEMU Console"));
  self->monitor_switch = lodge_shared_row_add_switch (self->monitor);
  g_signal_connect (self->monitor_switch, "notify::active", G_CALLBACK (switched_cb), self);
  add_log (self, 1);
  self->agent = add_row (self, _ ("Guest Agent"));
}

LodgeSharedConsoles *
lodge_shared_consoles_new (LodgeConsoleMachine *machine)
{
  LodgeSharedConsoles *self = g_object_new (LODGE_TYPE_SHARED_CONSOLES, NULL);

  self->machine = g_object_ref (machine);
  return self;
}
