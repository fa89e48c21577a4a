/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the menu of a machine's card has, and when. */
#include "gtk/lodge-machine-menu.h"

#include <glib/gi18n-lib.h>

typedef struct {
  const char *name;
  LodgeMachineCan can; /* shown only then; 0: for every machine that is there */
  const char *label;
  /* Instead of @label where it cannot be done and a word says what to do first; NULL: it can. */
  const char *(*get_obstacle) (LodgeMachineItem *item);
  /* Shown only then; NULL: always. */
  gboolean (*applies) (LodgeMachineItem *item);
} MenuRow;

static const char *
get_start_label (LodgeMachineItem *item)
{
  /* What is suspended goes on when it is started. */
  return lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_SUSPENDED ? N_ ("_Resume")
                                                                              : N_ ("_Start");
}

static const char *
get_delete_obstacle (LodgeMachineItem *item)
{
  return lodge_machine_item_get_cloned (item) ? N_ ("_Delete (Wait for Its Clone)") : NULL;
}

static gboolean
has_note (LodgeMachineItem *item)
{
  return *lodge_machine_item_get_note (item) != '\0';
}

/* Resuming: it stays suspended. What suspending is cancelled with has a row of its own. */
static gboolean
is_resumed (LodgeMachineItem *item)
{
  LodgeJob1 *work = lodge_machine_item_get_work (item);

  return work != NULL && g_strcmp0 (lodge_job1_get_kind (work), "resume") == 0;
}

/* Of a run of which nothing is kept there is nothing to go on from. */
static gboolean
is_kept (LodgeMachineItem *item)
{
  return !lodge_machine_item_get_disposable (item);
}

static gboolean
can_be_cloned (LodgeMachineItem *item)
{
  return is_kept (item) && lodge_machine_item_get_state (item) != LODGE_MACHINE_STATE_TEMPLATE;
}

static gboolean
is_no_template (LodgeMachineItem *item)
{
  return lodge_machine_item_get_state (item) != LODGE_MACHINE_STATE_TEMPLATE;
}

static const MenuRow open_rows[] = {
    {"start", LODGE_MACHINE_CAN_START, NULL, NULL, NULL},
    {"start-disposable", LODGE_MACHINE_CAN_TRY, N_ ("Start _Without Keeping Changes"), NULL, NULL},
    {"instantiate", LODGE_MACHINE_CAN_INSTANTIATE, N_ ("New Machine From _It…"), NULL, NULL},
    {"open", 0, N_ ("_Open Console"), NULL, is_no_template},
    {"note", 0, N_ ("Show _Message…"), NULL, has_note},
};

static const MenuRow power_rows[] = {
    {"pause", LODGE_MACHINE_CAN_PAUSE, N_ ("_Pause"), NULL, NULL},
    {"resume", LODGE_MACHINE_CAN_RESUME, N_ ("_Resume"), NULL, NULL},
    {"shutdown", LODGE_MACHINE_CAN_SHUTDOWN, N_ ("S_hut Down"), NULL, NULL},
    {"suspend", LODGE_MACHINE_CAN_SUSPEND, N_ ("S_uspend"), NULL, is_kept},
    {"cancel-suspend", LODGE_MACHINE_CAN_STAY, N_ ("_Cancel Suspending"), NULL, NULL},
    {"cancel-work", 0, N_ ("_Cancel Resuming"), NULL, is_resumed},
    {"discard", LODGE_MACHINE_CAN_DISCARD, N_ ("Dis_card Saved State…"), NULL, NULL},
    {"reset", LODGE_MACHINE_CAN_RESET, N_ ("Rese_t…"), NULL, NULL},
    {"kill", LODGE_MACHINE_CAN_KILL, N_ ("_Force Off…"), NULL, NULL},
};

static const MenuRow keep_rows[] = {
    {"snapshots", 0, N_ ("Sn_apshots…"), NULL, NULL},
    {"storage", 0, N_ ("Stora_ge…"), NULL, NULL},
    {"encryption", 0, N_ ("Encr_yption…"), NULL, NULL},
    {"logout", 0, N_ ("Wh_en You Log Out…"), NULL, is_no_template},
    {"clone", 0, N_ ("C_lone…"), NULL, can_be_cloned},
    {"make-template", LODGE_MACHINE_CAN_BE_TEMPLATE, N_ ("Make It a _Template"), NULL, NULL},
    {"unmake-template", LODGE_MACHINE_CAN_INSTANTIATE, N_ ("No _Template Any More"), NULL, NULL},
    {"rename", 0, N_ ("Re_name…"), NULL, NULL},
    {"delete", LODGE_MACHINE_CAN_DELETE, N_ ("_Delete…"), get_delete_obstacle, NULL},
};

/* A machine that is being made has nothing else. */
static const MenuRow making_rows[] = {
    {"cancel-work", 0, N_ ("_Cancel"), NULL, NULL},
};

static const struct {
  const MenuRow *rows;
  gsize n_rows;
} sections[] = {
    {open_rows, G_N_ELEMENTS (open_rows)},
    {power_rows, G_N_ELEMENTS (power_rows)},
    {keep_rows, G_N_ELEMENTS (keep_rows)},
};

static gboolean
is_making (LodgeMachineItem *item)
{
  return lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_MAKING;
}

static gboolean
is_shown (const MenuRow *row, LodgeMachineItem *item)
{
  const LodgeMachineState state = lodge_machine_item_get_state (item);
  /* A guest that has panicked still has its QEMU, and whoever does not want it again pulls the
   * plug; where there is none that ends the word. */
  const LodgeMachineCan can = lodge_machine_state_get_can (state) |
                              (state == LODGE_MACHINE_STATE_CRASHED ? LODGE_MACHINE_CAN_KILL : 0);

  return (row->can == 0 || (can & row->can) != 0) && (row->applies == NULL || row->applies (item));
}

static const char *
get_obstacle (const MenuRow *row, LodgeMachineItem *item)
{
  return row->get_obstacle != NULL ? row->get_obstacle (item) : NULL;
}

static void
add_section (GMenu *menu, LodgeMachineItem *item, const MenuRow *rows, gsize n_rows)
{
  g_autoptr (GMenu) section = g_menu_new ();

  for (gsize i = 0; i < n_rows; i++) {
    const char *label = get_obstacle (&rows[i], item);
    g_autofree char *action = g_strconcat ("card.", rows[i].name, NULL);

    if (!is_shown (&rows[i], item))
      continue;
    if (label == NULL)
      label = rows[i].label != NULL ? rows[i].label : get_start_label (item);
    g_menu_append (section, _ (label), action);
  }
  g_menu_append_section (menu, NULL, G_MENU_MODEL (section));
}

GMenuModel *
lodge_machine_menu_dup (LodgeMachineItem *item)
{
  GMenu *menu = g_menu_new ();

  if (item != NULL && is_making (item))
    add_section (menu, item, making_rows, G_N_ELEMENTS (making_rows));
  else if (item != NULL)
    for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
      add_section (menu, item, sections[i].rows, sections[i].n_rows);
  return G_MENU_MODEL (menu);
}

typedef struct {
  GtkWidget *widget; /* lent: it has the actions */
  void (*activate) (GtkWidget *widget, const char *action);
} Target;

static void
activate_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Target *target = user_data;
  g_autofree char *name = g_strconcat ("machine.", g_action_get_name (G_ACTION (action)), NULL);

  target->activate (target->widget, name);
}

static void
target_gone (gpointer data, GClosure *closure)
{
  g_free (data);
}

GSimpleActionGroup *
lodge_machine_menu_add_actions (GtkWidget *widget,
                                void (*activate) (GtkWidget *widget, const char *action))
{
  GSimpleActionGroup *actions = g_simple_action_group_new ();

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++) {
    for (gsize j = 0; j < sections[i].n_rows; j++) {
      g_autoptr (GSimpleAction) action = g_simple_action_new (sections[i].rows[j].name, NULL);
      Target *target = g_new0 (Target, 1);

      target->widget = widget;
      target->activate = activate;
      g_signal_connect_data (action, "activate", G_CALLBACK (activate_cb), target, target_gone, 0);
      g_action_map_add_action (G_ACTION_MAP (actions), G_ACTION (action));
    }
  }
  gtk_widget_insert_action_group (widget, "card", G_ACTION_GROUP (actions));
  return actions;
}

static void
enable (GSimpleActionGroup *actions, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

void
lodge_machine_menu_update (GSimpleActionGroup *actions, LodgeMachineItem *item)
{
  const gboolean there = item != NULL && !is_making (item);

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++) {
    for (gsize j = 0; j < sections[i].n_rows; j++) {
      const MenuRow *row = &sections[i].rows[j];

      enable (actions, row->name,
              there && is_shown (row, item) && get_obstacle (row, item) == NULL);
    }
  }
  if (item != NULL && is_making (item))
    enable (actions, making_rows[0].name, lodge_machine_item_get_work (item) != NULL);
}
