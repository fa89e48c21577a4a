/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine in the library: picture, name, state, note and a menu. */
#include "gtk/lodge-machine-card.h"

#include "gtk/lodge-lock-words.h"
#include "gtk/lodge-machine-menu.h"
#include "gtk/lodge-menu-tooltip.h"

#include <glib/gi18n-lib.h>

struct _LodgeMachineCard {
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkStack *picture_stack;
  GtkPicture *picture;
  GtkMenuButton *menu_button;
  GtkImage *lock_icon;
  GtkLabel *name_label;
  GtkImage *state_icon;
  GtkLabel *state_label;
  GtkLabel *note_label;
  GtkProgressBar *progress_bar;

  GSimpleActionGroup *actions;
  LodgeMachineItem *item;
};

G_DEFINE_FINAL_TYPE (LodgeMachineCard, lodge_machine_card, GTK_TYPE_WIDGET)

enum { PROP_0, PROP_ITEM, N_PROPS };
static GParamSpec *properties[N_PROPS];

static const char *const state_styles[] = {"success", "warning", "error", "accent", "dim-label"};

/* What the machine is doing, where its job says it better than its state. */
static const struct {
  const char *kind;
  const char *word;
} work_words[] = {
    {"suspend", N_ ("Suspending")},
    {"resume", N_ ("Resuming")},
    {"create", N_ ("Being Created")},
    {"clone", N_ ("Cloning")},
    {"delete", N_ ("Being Deleted")},
    {"discard-saved", N_ ("Discarding the Saved State")},
    {"snapshot-create", N_ ("Taking a Snapshot")},
    {"snapshot-revert", N_ ("Going Back to a Snapshot")},
    {"snapshot-delete", N_ ("Deleting a Snapshot")},
    {"disk-add", N_ ("Adding a Disk")},
    {"disk-remove", N_ ("Removing a Disk")},
    {"disk-detach", N_ ("Detaching a Disk")},
    {"disk-attach", N_ ("Attaching a Disk")},
    {"stick-plug", N_ ("Plugging in a USB Stick")},
    {"stick-unplug", N_ ("Unplugging a USB Stick")},
    {"disk-grow", N_ ("Growing a Disk")},
    {"disk-compact", N_ ("Compacting a Disk")},
    {"disk-convert", N_ ("Exporting a Disk")},
    {"file-fetch", N_ ("Copying a File Out")},
    {"encrypt", N_ ("Encrypting")},
    {"decrypt", N_ ("Decrypting")},
};

static const char *
get_word (LodgeMachineItem *item, gboolean *out_is_work)
{
  LodgeJob1 *work = lodge_machine_item_get_work (item);

  *out_is_work = TRUE;
  for (guint i = 0; work != NULL && i < G_N_ELEMENTS (work_words); i++) {
    if (g_strcmp0 (lodge_job1_get_kind (work), work_words[i].kind) == 0)
      return _ (work_words[i].word);
  }
  *out_is_work = FALSE;
  return lodge_machine_state_get_word (lodge_machine_item_get_state (item));
}

static void
show_work (LodgeMachineCard *self)
{
  LodgeJob1 *work = lodge_machine_item_get_work (self->item);
  const double progress = work != NULL ? lodge_job1_get_progress (work) : -1;
  const char *step = work != NULL ? lodge_job1_get_step (work) : NULL;
  gboolean is_work;
  const char *word = get_word (self->item, &is_work);
  const char *encryption = lodge_machine_item_get_encryption (self->item);
  /* Translators: a machine's name and its state, for a screen reader. */
  g_autofree char *spoken =
      g_strdup_printf (_ ("%s, %s"), lodge_machine_item_get_name (self->item), word);

  if (*encryption != '\0') {
    g_autofree char *more = g_steal_pointer (&spoken);

    spoken = g_strdup_printf (_ ("%s, %s"), more, lodge_lock_words_get (encryption));
  }
  /* Not how far it is, which would be said again and again. */
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  if (is_work && progress >= 0) {
    /* Translators: what a machine is doing, and how far it is: "Suspending · 42 %". */
    g_autofree char *text =
        g_strdup_printf (_ ("%s · %d %%"), word, (int) (MIN (progress, 1) * 100));

    gtk_label_set_label (self->state_label, text);
  } else {
    gtk_label_set_label (self->state_label, word);
  }
  gtk_widget_set_visible (GTK_WIDGET (self->progress_bar), progress >= 0);
  gtk_progress_bar_set_fraction (self->progress_bar, CLAMP (progress, 0, 1));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->progress_bar), step);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress_bar),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, step != NULL ? step : word, -1);
}

static void
show_state (LodgeMachineCard *self)
{
  const LodgeMachineState state = lodge_machine_item_get_state (self->item);
  const char *style = lodge_machine_state_get_style (state);

  show_work (self);
  lodge_lock_words_show (self->lock_icon, lodge_machine_item_get_encryption (self->item));
  gtk_image_set_from_icon_name (self->state_icon, lodge_machine_state_get_icon (state));
  for (guint i = 0; i < G_N_ELEMENTS (state_styles); i++) {
    gtk_widget_remove_css_class (GTK_WIDGET (self->state_icon), state_styles[i]);
    gtk_widget_remove_css_class (GTK_WIDGET (self->state_label), state_styles[i]);
  }
  gtk_widget_add_css_class (GTK_WIDGET (self->state_icon), style);
  gtk_widget_add_css_class (GTK_WIDGET (self->state_label), style);

  /* A picture from before is not what the guest shows now. */
  if (lodge_machine_state_get_can (state) & LODGE_MACHINE_CAN_SHOW)
    gtk_widget_remove_css_class (GTK_WIDGET (self->picture), "past");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->picture), "past");
}

static void
show_thumbnail (LodgeMachineCard *self)
{
  GdkPaintable *thumbnail = lodge_machine_item_get_thumbnail (self->item);

  gtk_picture_set_paintable (self->picture, thumbnail);
  gtk_stack_set_visible_child_name (self->picture_stack, thumbnail != NULL ? "picture" : "icon");
}

static void
show_note (LodgeMachineCard *self)
{
  const char *note = lodge_machine_item_get_note (self->item);
  const gboolean there = note != NULL && *note != '\0';

  gtk_label_set_text (self->note_label, there ? note : "");
  lodge_tooltip_set (GTK_WIDGET (self->note_label), there ? note : NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->note_label), there);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  there ? note : "", -1);
}

static void
show_name (LodgeMachineCard *self)
{
  const char *name = lodge_machine_item_get_name (self->item);

  gtk_label_set_text (self->name_label, name);
  lodge_tooltip_set (GTK_WIDGET (self->name_label), name);
}

static void
item_notify_cb (LodgeMachineItem *item, GParamSpec *pspec, LodgeMachineCard *self)
{
  if (g_str_equal (pspec->name, "state") || g_str_equal (pspec->name, "encryption")) {
    show_state (self);
  } else if (g_str_equal (pspec->name, "thumbnail")) {
    show_thumbnail (self);
  } else if (g_str_equal (pspec->name, "note")) {
    show_note (self);
  } else if (g_str_equal (pspec->name, "name")) {
    show_name (self);
    show_state (self);
  } else if (g_str_equal (pspec->name, "work")) {
    show_work (self);
  }
  lodge_machine_menu_update (self->actions, item);
}

GMenuModel *
lodge_machine_card_dup_menu (LodgeMachineCard *self)
{
  return lodge_machine_menu_dup (self->item);
}

static void
activate_action (GtkWidget *widget, const char *action)
{
  LodgeMachineItem *item = LODGE_MACHINE_CARD (widget)->item;

  if (item != NULL)
    gtk_widget_activate_action (widget, action, "s", lodge_machine_item_get_uuid (item));
}

/* Made when it is opened: most cards of a long list never show theirs. */
static void
create_popup_cb (GtkMenuButton *button, gpointer user_data)
{
  g_autoptr (GMenuModel) menu = lodge_machine_card_dup_menu (user_data);

  gtk_menu_button_set_menu_model (button, menu);
}

static void
secondary_click_cb (
    GtkGestureClick *gesture, int n_press, double x, double y, LodgeMachineCard *self)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  lodge_machine_card_popup_menu (self);
}

static void
long_press_cb (GtkGestureLongPress *gesture, double x, double y, LodgeMachineCard *self)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  lodge_machine_card_popup_menu (self);
}

static void
lodge_machine_card_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ITEM)
    g_value_set_object (value, LODGE_MACHINE_CARD (object)->item);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_machine_card_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ITEM)
    lodge_machine_card_set_item (LODGE_MACHINE_CARD (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_machine_card_dispose (GObject *object)
{
  LodgeMachineCard *self = LODGE_MACHINE_CARD (object);

  lodge_machine_card_set_item (self, NULL);
  g_clear_object (&self->actions);
  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (lodge_machine_card_parent_class)->dispose (object);
}

static void
lodge_machine_card_class_init (LodgeMachineCardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = lodge_machine_card_get_property;
  object_class->set_property = lodge_machine_card_set_property;
  object_class->dispose = lodge_machine_card_dispose;

  properties[PROP_ITEM] =
      g_param_spec_object ("item", NULL, NULL, LODGE_TYPE_MACHINE_ITEM,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "machine");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-machine-card.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, box);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, picture_stack);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, picture);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, menu_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, lock_icon);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, name_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, state_icon);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, state_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, note_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeMachineCard, progress_bar);
  gtk_widget_class_bind_template_callback (widget_class, secondary_click_cb);
  gtk_widget_class_bind_template_callback (widget_class, long_press_cb);
}

static void
lodge_machine_card_init (LodgeMachineCard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  /* Where something inside a list's item takes the focus, Tab never stops at the item itself (see
   * gtklistitemwidget.c), and Enter, Delete and F2 are for items. The Menu key opens this. */
  gtk_widget_set_focusable (gtk_widget_get_first_child (GTK_WIDGET (self->menu_button)), FALSE);
  lodge_menu_tooltip_yield (self->menu_button);
  gtk_menu_button_set_create_popup_func (self->menu_button, create_popup_cb, self, NULL);
  self->actions = lodge_machine_menu_add_actions (GTK_WIDGET (self), activate_action);
}

GtkWidget *
lodge_machine_card_new (void)
{
  return g_object_new (LODGE_TYPE_MACHINE_CARD, NULL);
}

void
lodge_machine_card_set_item (LodgeMachineCard *self, LodgeMachineItem *item)
{
  g_return_if_fail (LODGE_IS_MACHINE_CARD (self));

  if (self->item == item)
    return;

  if (self->item != NULL)
    g_signal_handlers_disconnect_by_data (self->item, self);
  g_set_object (&self->item, item);
  if (item != NULL) {
    g_signal_connect (item, "notify", G_CALLBACK (item_notify_cb), self);
    show_name (self);
    show_state (self);
    show_note (self);
    show_thumbnail (self);
  }
  if (self->actions != NULL)
    lodge_machine_menu_update (self->actions, item);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ITEM]);
}

LodgeMachineItem *
lodge_machine_card_get_item (LodgeMachineCard *self)
{
  return self->item;
}

void
lodge_machine_card_popup_menu (LodgeMachineCard *self)
{
  g_return_if_fail (LODGE_IS_MACHINE_CARD (self));

  if (self->item != NULL)
    gtk_menu_button_popup (self->menu_button);
}
