/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of a machine's guest that runs when its user logs out. */
#include "gtk/lodge-logout-window.h"

#include "console/lodge-machine-state.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

#define WIDTH     460
#define MIN_WIDTH 340
#define KEY       "machine.at-session-end"

/* In the order of the list: all that the key can be (engine/description/lodge-description-keys.c).
 */
static const struct {
  const char *value;
  const char *label;
  const char *words;
} ends[] = {
    {"shut-down", N_ ("Shut Down"),
     N_ ("Its power button is pressed, and Lodge waits up to 80 seconds for it. A guest that does "
         "not shut down in that time loses power.")},
    {"suspend", N_ ("Suspend to Disk"),
     N_ ("Its memory is written to the disk, and it goes on from there when it is started again. "
         "Where that takes longer than 80 seconds it loses power. One that cannot be suspended is "
         "shut down.")},
};

struct _LodgeLogoutWindow {
  LodgeMachineWindow base;

  char *problem;     /* why it could not be opened, or NULL */
  gboolean updating; /* what changes now is not the user's wish */

  AdwComboRow *choice;
  GListModel *labels; /* owned: what can be chosen */
  GtkLabel *words;    /* what it means, or why it cannot be changed */
};

G_DEFINE_FINAL_TYPE (LodgeLogoutWindow, lodge_logout_window, LODGE_TYPE_MACHINE_WINDOW)

/* --- What there is --- */

/* The choice of the machine, or as many as there are for one that is not known here. */
static guint
find_end (LodgeLogoutWindow *self)
{
  GVariant *description = lodge_machine1_get_description (self->base.machine);
  const char *value = NULL;
  guint i = 0;

  if (description != NULL)
    g_variant_lookup (description, KEY, "&s", &value);
  while (i < G_N_ELEMENTS (ends) && g_strcmp0 (ends[i].value, value) != 0)
    i++;
  return i;
}

/* Why it cannot be changed, and what to do first; NULL: it can. Lent. */
static const char *
get_obstacle (LodgeLogoutWindow *self)
{
  const char *problem;

  if (self->base.machine == NULL) {
    problem = lodge_connection_get_problem (self->base.connection);
    return problem != NULL ? problem : self->problem;
  }
  if (lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine)) ==
      LODGE_MACHINE_STATE_TEMPLATE)
    return _ ("It is a template, which never runs: make it an ordinary machine again before this "
              "is changed");
  if (find_end (self) == G_N_ELEMENTS (ends)) {
    problem = lodge_machine1_get_note (self->base.machine);
    return problem != NULL && *problem != '\0'
               ? problem
               : _ ("The engine that runs is of another version, and does not say what it does "
                    "then: it is another one once all guests have ended and Lodge was closed");
  }
  return NULL;
}

static void
show (LodgeLogoutWindow *self)
{
  const char *obstacle = get_obstacle (self);

  gtk_widget_set_sensitive (GTK_WIDGET (self->choice),
                            self->base.machine != NULL && obstacle == NULL);
  /* While the engine is away it stays as it was last seen. */
  if (self->base.machine != NULL) {
    const guint now = find_end (self);
    const gboolean known = now < G_N_ELEMENTS (ends);

    self->updating = TRUE;
    /* A list always has something that is selected (libadwaita 1.7). */
    if (known != (adw_combo_row_get_model (self->choice) != NULL))
      adw_combo_row_set_model (self->choice, known ? self->labels : NULL);
    if (known)
      adw_combo_row_set_selected (self->choice, now);
    self->updating = FALSE;
    gtk_label_set_text (self->words,
                        lodge_machine1_get_disposable (self->base.machine)
                            ? _ ("Nothing of this run is kept: its guest is shut down in any case. "
                                 "What is chosen here counts from its next start on.")
                        : known ? _ (ends[now].words)
                                : "");
  }
  if (obstacle != NULL)
    gtk_label_set_text (self->words, obstacle);
}

static void
refused_cb (GtkWindow *window)
{
  /* It goes back. */
  if (LODGE_LOGOUT_WINDOW (window)->base.connection != NULL)
    show (LODGE_LOGOUT_WINDOW (window));
}

static void
selected_cb (AdwComboRow *row, GParamSpec *pspec, LodgeLogoutWindow *self)
{
  const guint selected = adw_combo_row_get_selected (row);

  if (!self->updating && selected < G_N_ELEMENTS (ends))
    lodge_set_keys (GTK_WINDOW (self), self->base.machine,
                    _ ("Could Not Change What Happens When You Log Out"), refused_cb, KEY,
                    ends[selected].value, NULL);
}

/* --- The engine --- */

static char *
dup_title (const char *name)
{
  return g_strdup_printf (_ ("“%s” When You Log Out"), name);
}

static void
changed (LodgeMachineWindow *base, GVariant *properties)
{
  show (LODGE_LOGOUT_WINDOW (base));
}

static void
dropped (LodgeMachineWindow *base)
{
  g_clear_pointer (&LODGE_LOGOUT_WINDOW (base)->problem, g_free);
}

static void
opened (LodgeMachineWindow *base)
{
  LodgeLogoutWindow *self = LODGE_LOGOUT_WINDOW (base);

  show (self);
  /* Not one of the header's buttons. */
  if (gtk_window_get_focus (GTK_WINDOW (self)) == NULL)
    gtk_widget_grab_focus (GTK_WIDGET (self->choice));
}

static void
failed (LodgeMachineWindow *base, const GError *error)
{
  LodgeLogoutWindow *self = LODGE_LOGOUT_WINDOW (base);

  self->problem = g_strdup (error->message);
  show (self);
}

static void
update (LodgeMachineWindow *base)
{
  show (LODGE_LOGOUT_WINDOW (base));
}

/* --- Life --- */

/* The list may tell of its end. */
static void
closed (LodgeMachineWindow *base)
{
  LODGE_LOGOUT_WINDOW (base)->updating = TRUE;
}

static void
lodge_logout_window_finalize (GObject *object)
{
  LodgeLogoutWindow *self = LODGE_LOGOUT_WINDOW (object);

  g_clear_object (&self->labels);
  G_OBJECT_CLASS (lodge_logout_window_parent_class)->finalize (object);
}

static void
lodge_logout_window_class_init (LodgeLogoutWindowClass *klass)
{
  LodgeMachineWindowClass *window_class = LODGE_MACHINE_WINDOW_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_logout_window_finalize;
  window_class->dup_title = dup_title;
  window_class->update = update;
  window_class->opened = opened;
  window_class->failed = failed;
  window_class->changed = changed;
  window_class->dropped = dropped;
  window_class->closed = closed;
}

static GtkWidget *
make_choice (LodgeLogoutWindow *self)
{
  GtkListBox *list = lodge_boxed_list_new ();
  GtkStringList *labels = gtk_string_list_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    gtk_string_list_append (labels, _ (ends[i].label));
  self->choice = ADW_COMBO_ROW (adw_combo_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->choice), _ ("Running Guest"));
  self->updating = TRUE;
  self->labels = G_LIST_MODEL (labels);
  adw_combo_row_set_model (self->choice, self->labels);
  self->updating = FALSE;
  g_signal_connect (self->choice, "notify::selected", G_CALLBACK (selected_cb), self);
  gtk_list_box_append (list, GTK_WIDGET (self->choice));
  return GTK_WIDGET (list);
}

static void
lodge_logout_window_init (LodgeLogoutWindow *self)
{
  GtkWidget *outer = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, -1);
  gtk_widget_set_size_request (GTK_WIDGET (self), MIN_WIDTH, -1);
  gtk_widget_set_margin_top (box, 18);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);

  self->words = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (self->words, TRUE);
  gtk_label_set_wrap_mode (self->words, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (self->words, 0);
  gtk_box_append (GTK_BOX (box), make_choice (self));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->words));
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->choice),
                                  GTK_ACCESSIBLE_RELATION_DESCRIBED_BY, self->words, NULL, -1);

  gtk_box_append (GTK_BOX (outer), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (outer), box);
  adw_window_set_content (ADW_WINDOW (self), outer);
}
