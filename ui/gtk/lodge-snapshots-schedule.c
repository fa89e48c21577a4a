/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshots window's word on snapshots that are taken by themselves, and how to change that.
 * What is chosen is set, all of it at once, when the choice is closed; where snapshots that are
 * there would go by that, after a question. */
#include "gtk/lodge-snapshots-window-private.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#define DAY_S (24 * 60 * 60)

struct _LodgeSnapshotsSchedule {
  GtkLabel *label;
  GtkWidget *button;
  GtkWidget *popover;
  AdwComboRow *schedule;
  GtkWidget *hours_row;
  GtkWidget *more_rows[3]; /* nothing of that when it is off */
  GtkSpinButton *hours;
  GtkSpinButton *keep_last;
  GtkSpinButton *keep_days;
  GtkSwitch *running;
  GVariant *shown; /* the description that all that is filled with; NULL before that */
};

/* In the order of the combo row's. */
static const char *const schedules[] = {"off", "hourly", "daily", "weekly"};
static const char *const words[] = {N_ ("Never"), N_ ("Every Few Hours"), N_ ("Every Day"),
                                    N_ ("Every Week"), NULL};

/* While the engine is away it is as it was when it was shown. */
static const char *
lookup (LodgeSnapshotsWindow *self, const char *key)
{
  GVariant *description = self->base.machine != NULL
                              ? lodge_machine1_get_description (self->base.machine)
                              : self->schedule->shown;
  const char *text = "";

  if (description != NULL)
    g_variant_lookup (description, key, "&s", &text);
  return text;
}

static guint
lookup_number (LodgeSnapshotsWindow *self, const char *key)
{
  return (guint) strtoul (lookup (self, key), NULL, 10);
}

static guint
lookup_schedule (LodgeSnapshotsWindow *self)
{
  const char *text = lookup (self, "snapshots.schedule");

  for (guint i = 0; i < G_N_ELEMENTS (schedules); i++) {
    if (g_str_equal (schedules[i], text))
      return i;
  }
  return 0;
}

static char *
dup_often (LodgeSnapshotsWindow *self, guint schedule)
{
  const guint hours = lookup_number (self, "snapshots.hours");

  switch (schedule) {
  case 1:
    return g_strdup_printf (ngettext ("every hour", "every %u hours", hours), hours);
  case 2:
    return g_strdup (_ ("every day"));
  default:
    return g_strdup (_ ("every week"));
  }
}

static char *
dup_kept (LodgeSnapshotsWindow *self)
{
  const guint last = lookup_number (self, "snapshots.keep-last");
  const guint days = lookup_number (self, "snapshots.keep-days");
  g_autofree char *for_days = NULL;

  if (days != 0)
    for_days = g_strdup_printf (ngettext ("kept for %u day", "kept for %u days", days), days);
  if (last == 0)
    return for_days != NULL ? g_steal_pointer (&for_days) : g_strdup (_ ("all of them kept"));
  if (days == 0)
    return g_strdup_printf (ngettext ("the last one kept", "the last %u kept", last), last);
  /* Translators: %s is "kept for 7 days". */
  return g_strdup_printf (ngettext ("%s, the last one at most", "%s, the last %u at most", last),
                          for_days, last);
}

static void
show_rows (LodgeSnapshotsSchedule *schedule)
{
  const guint selected = adw_combo_row_get_selected (schedule->schedule);

  gtk_widget_set_visible (schedule->hours_row, selected == 1);
  for (guint i = 0; i < G_N_ELEMENTS (schedule->more_rows); i++)
    gtk_widget_set_visible (schedule->more_rows[i], selected != 0);
}

static void
fill (LodgeSnapshotsWindow *self)
{
  LodgeSnapshotsSchedule *schedule = self->schedule;
  GVariant *description =
      self->base.machine != NULL ? lodge_machine1_get_description (self->base.machine) : NULL;

  if (description != NULL) {
    g_clear_pointer (&schedule->shown, g_variant_unref);
    schedule->shown = g_variant_ref (description);
  }
  adw_combo_row_set_selected (schedule->schedule, lookup_schedule (self));
  gtk_spin_button_set_value (schedule->hours, lookup_number (self, "snapshots.hours"));
  gtk_spin_button_set_value (schedule->keep_last, lookup_number (self, "snapshots.keep-last"));
  gtk_spin_button_set_value (schedule->keep_days, lookup_number (self, "snapshots.keep-days"));
  gtk_switch_set_active (schedule->running,
                         g_str_equal (lookup (self, "snapshots.while-running"), "true"));
  show_rows (schedule);
}

void
lodge_snapshots_schedule_update (LodgeSnapshotsWindow *self)
{
  LodgeSnapshotsSchedule *schedule = self->schedule;
  const guint selected = lookup_schedule (self);

  /* A template is not changed. */
  gtk_widget_set_sensitive (schedule->button,
                            self->base.machine != NULL &&
                                lodge_machine_state_from_text (lodge_machine1_get_state (
                                    self->base.machine)) != LODGE_MACHINE_STATE_TEMPLATE);
  /* While the engine is away it stays as it was. */
  if (self->base.machine == NULL)
    return;
  if (selected == 0) {
    gtk_label_set_text (schedule->label, _ ("None are taken automatically"));
  } else {
    g_autofree char *often = dup_often (self, selected);
    g_autofree char *kept = dup_kept (self);
    /* Translators: when snapshots are taken, and how long they are kept: "Automatic: every day, the
     * last 10 kept". */
    g_autofree char *text = g_strdup_printf (_ ("Automatic: %s, %s"), often, kept);

    gtk_label_set_text (schedule->label, text);
  }
  if (!gtk_widget_get_visible (schedule->popover))
    fill (self);
}

static char *
dup_number (GtkSpinButton *spin)
{
  gtk_spin_button_update (spin);
  return g_strdup_printf ("%d", gtk_spin_button_get_value_as_int (spin));
}

/* How many of those that are there would be deleted with it at once; the engine keeps one. */
static guint
count_expired (LodgeSnapshotsWindow *self, guint keep_last, guint keep_days)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  guint n = 0, n_old = 0;

  for (guint i = 0; self->rows != NULL && i < self->rows->len; i++) {
    const LodgeSnapshotRow *row = self->rows->pdata[i];

    if (!row->scheduled)
      continue;
    n++;
    if (keep_days != 0 && now_s - row->created >= (gint64) keep_days * DAY_S)
      n_old++;
  }
  if (n < 2)
    return 0;
  return MIN (n - 1, MAX (keep_last != 0 && n > keep_last ? n - keep_last : 0, n_old));
}

/* What was chosen. */
typedef struct {
  LodgeSnapshotsWindow *window; /* owned */
  const char *schedule;
  const char *running;
  char *hours;
  char *keep_last;
  char *keep_days;
} Choice;

static void
choice_free (Choice *choice)
{
  g_object_unref (choice->window);
  g_free (choice->hours);
  g_free (choice->keep_last);
  g_free (choice->keep_days);
  g_free (choice);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Choice, choice_free)

static void
free_closure (gpointer choice, GClosure *closure)
{
  choice_free (choice);
}

static void
set (const Choice *choice)
{
  LodgeSnapshotsWindow *self = choice->window;

  if (self->base.connection == NULL)
    return;
  if (self->base.machine == NULL) {
    lodge_message_show_away (GTK_WINDOW (self), _ ("Could Not Change the Schedule"));
    return;
  }
  lodge_set_keys (GTK_WINDOW (self), self->base.machine, _ ("Could Not Change the Schedule"), NULL,
                  "snapshots.schedule", choice->schedule, "snapshots.hours", choice->hours,
                  "snapshots.keep-last", choice->keep_last, "snapshots.keep-days",
                  choice->keep_days, "snapshots.while-running", choice->running, NULL);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer choice)
{
  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    set (choice);
}

/* Takes @choice. */
static void
ask (Choice *choice, guint n_expired)
{
  g_autofree char *heading = g_strdup_printf (
      ngettext ("Delete an Automatic Snapshot?", "Delete %u Automatic Snapshots?", n_expired),
      n_expired);
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (choice->window), heading,
      _ ("With this schedule fewer are kept than there are: the oldest go at once, for good."),
      _ ("_Delete"));

  lodge_child_window_attach (GTK_WINDOW (dialog), GTK_WINDOW (choice->window));
  g_signal_connect_data (dialog, "response", G_CALLBACK (answered_cb), choice, free_closure, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
closed_cb (GtkPopover *popover, LodgeSnapshotsWindow *self)
{
  LodgeSnapshotsSchedule *schedule = self->schedule;
  g_autoptr (Choice) choice = g_new0 (Choice, 1);
  guint n_expired = 0;

  choice->window = g_object_ref (self);
  choice->schedule = schedules[adw_combo_row_get_selected (schedule->schedule)];
  choice->running = gtk_switch_get_active (schedule->running) ? "true" : "false";
  choice->hours = dup_number (schedule->hours);
  choice->keep_last = dup_number (schedule->keep_last);
  choice->keep_days = dup_number (schedule->keep_days);
  /* One that was never filled has nothing that somebody could have chosen. */
  if ((self->base.machine == NULL && schedule->shown == NULL) ||
      (g_str_equal (choice->schedule, lookup (self, "snapshots.schedule")) &&
       g_str_equal (choice->hours, lookup (self, "snapshots.hours")) &&
       g_str_equal (choice->keep_last, lookup (self, "snapshots.keep-last")) &&
       g_str_equal (choice->keep_days, lookup (self, "snapshots.keep-days")) &&
       g_str_equal (choice->running, lookup (self, "snapshots.while-running"))))
    return;
  if (!g_str_equal (choice->schedule, schedules[0]))
    n_expired = count_expired (self, (guint) strtoul (choice->keep_last, NULL, 10),
                               (guint) strtoul (choice->keep_days, NULL, 10));
  if (n_expired > 0)
    ask (g_steal_pointer (&choice), n_expired);
  else
    set (choice);
}

/* Escape is for getting out: nothing is set, for what is kept less long goes at once. */
static gboolean
key_cb (GtkEventControllerKey *controller,
        guint keyval,
        guint keycode,
        GdkModifierType modifiers,
        LodgeSnapshotsWindow *self)
{
  if (keyval == GDK_KEY_Escape && (self->base.machine != NULL || self->schedule->shown != NULL))
    fill (self);
  return GDK_EVENT_PROPAGATE;
}

static void
shown_cb (GtkPopover *popover, LodgeSnapshotsWindow *self)
{
  if (self->base.machine != NULL)
    fill (self);
}

static void
selected_cb (AdwComboRow *row, GParamSpec *pspec, LodgeSnapshotsWindow *self)
{
  show_rows (self->schedule);
}

static GtkWidget *
add_row (GtkWidget *list, const char *title, const char *subtitle, GtkWidget *control)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_set_valign (control, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), control);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), control);
  gtk_accessible_update_property (GTK_ACCESSIBLE (control), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                  -1);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  return row;
}

static GtkWidget *
make_rows (LodgeSnapshotsWindow *self)
{
  LodgeSnapshotsSchedule *schedule = self->schedule;
  GtkWidget *list = GTK_WIDGET (lodge_boxed_list_new ());
  GtkStringList *model = gtk_string_list_new (NULL);

  gtk_widget_set_size_request (list, 340, -1);
  for (guint i = 0; words[i] != NULL; i++)
    gtk_string_list_append (model, _ (words[i]));
  schedule->schedule = ADW_COMBO_ROW (adw_combo_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (schedule->schedule), _ ("Take One"));
  adw_combo_row_set_model (schedule->schedule, G_LIST_MODEL (model));
  g_object_unref (model);
  gtk_list_box_append (GTK_LIST_BOX (list), GTK_WIDGET (schedule->schedule));

  schedule->hours = GTK_SPIN_BUTTON (gtk_spin_button_new_with_range (1, 168, 1));
  schedule->keep_last = GTK_SPIN_BUTTON (gtk_spin_button_new_with_range (0, 60, 1));
  schedule->keep_days = GTK_SPIN_BUTTON (gtk_spin_button_new_with_range (0, 3650, 1));
  schedule->running = GTK_SWITCH (gtk_switch_new ());
  schedule->hours_row = add_row (list, _ ("Hours Between"), NULL, GTK_WIDGET (schedule->hours));
  schedule->more_rows[0] = add_row (list, _ ("Keep at Most"), _ ("0 keeps any number"),
                                    GTK_WIDGET (schedule->keep_last));
  schedule->more_rows[1] = add_row (list, _ ("Keep for Days"), _ ("0 keeps them for ever"),
                                    GTK_WIDGET (schedule->keep_days));
  schedule->more_rows[2] = add_row (list, _ ("Also While It Runs"), _ ("With the guest’s memory"),
                                    GTK_WIDGET (schedule->running));
  g_signal_connect (schedule->schedule, "notify::selected", G_CALLBACK (selected_cb), self);
  return list;
}

GtkWidget *
lodge_snapshots_schedule_init (LodgeSnapshotsWindow *self)
{
  LodgeSnapshotsSchedule *schedule = g_new0 (LodgeSnapshotsSchedule, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkEventController *key;

  self->schedule = schedule;
  schedule->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (schedule->label, TRUE);
  gtk_label_set_xalign (schedule->label, 0);
  gtk_widget_set_hexpand (GTK_WIDGET (schedule->label), TRUE);
  schedule->popover = gtk_popover_new ();
  gtk_popover_set_child (GTK_POPOVER (schedule->popover), make_rows (self));
  key = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (key, GTK_PHASE_CAPTURE);
  g_signal_connect (key, "key-pressed", G_CALLBACK (key_cb), self);
  gtk_widget_add_controller (schedule->popover, key);
  g_signal_connect (schedule->popover, "closed", G_CALLBACK (closed_cb), self);
  g_signal_connect (schedule->popover, "show", G_CALLBACK (shown_cb), self);
  schedule->button = gtk_menu_button_new ();
  gtk_menu_button_set_label (GTK_MENU_BUTTON (schedule->button), _ ("C_hange…"));
  gtk_menu_button_set_use_underline (GTK_MENU_BUTTON (schedule->button), TRUE);
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (schedule->button), GTK_ARROW_UP);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (schedule->button), schedule->popover);
  gtk_widget_set_valign (schedule->button, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (schedule->label));
  gtk_box_append (GTK_BOX (box), schedule->button);
  gtk_widget_add_css_class (box, "toolbar");
  gtk_widget_add_css_class (box, "snapshots-schedule");
  return box;
}

void
lodge_snapshots_schedule_finalize (LodgeSnapshotsWindow *self)
{
  g_clear_pointer (&self->schedule->shown, g_variant_unref);
  g_clear_pointer (&self->schedule, g_free);
}
