/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the tree of snapshots as it is drawn. */
#include "gtk/lodge-snapshot-card.h"

#include "gtk/lodge-menu-tooltip.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

#define LANE_WIDTH     24
#define LINE_WIDTH     2
#define DOT_RADIUS     5
#define PRESENT_RADIUS 7
#define PICTURE_WIDTH  72
#define PICTURE_HEIGHT 45
#define FAINT          0.4

struct _LodgeSnapshotCard {
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *graph;
  GtkWidget *frame;   /* of the picture */
  GtkStack *pictures; /* with an icon where there is none */
  GtkWidget *picture;
  GtkLabel *name;
  GtkWidget *automatic;
  GtkLabel *facts;
  GtkLabel *description;
  GtkWidget *go_back;
  GtkMenuButton *menu;

  LodgeSnapshotItem *item;
};

G_DEFINE_FINAL_TYPE (LodgeSnapshotCard, lodge_snapshot_card, GTK_TYPE_WIDGET)

/* --- Lines --- */

static void
set_colour (cairo_t *cr, GtkWidget *widget, gboolean accent, double alpha)
{
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  GdkRGBA colour;

  if (!accent || !gtk_style_context_lookup_color (style, "accent_color", &colour)) {
    gtk_style_context_get_color (style, &colour);
    colour.alpha *= (float) alpha;
  }
  gdk_cairo_set_source_rgba (cr, &colour);
}

static double
lane_x (guint lane)
{
  return lane * LANE_WIDTH + LANE_WIDTH / 2.0;
}

static void
draw_line (cairo_t *cr, guint lane, double from, double to)
{
  cairo_move_to (cr, lane_x (lane), from);
  cairo_line_to (cr, lane_x (lane), to);
  cairo_stroke (cr);
}

static void
draw_dot (cairo_t *cr, GtkWidget *widget, const LodgeSnapshotRow *row, double y)
{
  const double x = lane_x (row->lane);

  set_colour (cr, widget, row->way && row->lane == 0, 0.75);
  if (row->present) {
    cairo_arc (cr, x, y, PRESENT_RADIUS, 0, 2 * G_PI);
    cairo_stroke (cr);
    cairo_arc (cr, x, y, PRESENT_RADIUS - 3, 0, 2 * G_PI);
    cairo_fill (cr);
  } else if (row->automatic) {
    cairo_arc (cr, x, y, DOT_RADIUS - 1, 0, 2 * G_PI);
    cairo_stroke (cr);
  } else {
    cairo_arc (cr, x, y, DOT_RADIUS, 0, 2 * G_PI);
    cairo_fill (cr);
  }
}

static void
draw_cb (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  LodgeSnapshotCard *self = user_data;
  GtkWidget *widget = GTK_WIDGET (area);
  const LodgeSnapshotRow *row;
  const double y = height / 2.0;
  double gap;

  if (self->item == NULL)
    return;
  row = lodge_snapshot_item_get_row (self->item);
  /* Lines end at what they lead to: rings are open inside, and none of it is opaque. */
  gap = row->present ? PRESENT_RADIUS : row->automatic ? DOT_RADIUS - 1 : DOT_RADIUS;
  if (gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL) {
    cairo_translate (cr, width, 0);
    cairo_scale (cr, -1, 1);
  }
  cairo_set_line_width (cr, LINE_WIDTH);
  /* Under the line that it comes from. */
  set_colour (cr, widget, FALSE, FAINT);
  if (row->branch) {
    const double x = lane_x (row->lane);

    cairo_move_to (cr, x - LANE_WIDTH, 0);
    cairo_curve_to (cr, x - LANE_WIDTH, y, x - LANE_WIDTH, y, x - gap, y);
    cairo_stroke (cr);
  }
  for (guint lane = 0; lane < row->lane; lane++) {
    set_colour (cr, widget, row->way && lane == 0, FAINT);
    if ((row->through & (1u << lane)) != 0)
      draw_line (cr, lane, 0, height);
  }
  set_colour (cr, widget, row->way && row->lane == 0, FAINT);
  if (row->above)
    draw_line (cr, row->lane, 0, y - gap);
  if (row->below)
    draw_line (cr, row->lane, y + gap, height);
  draw_dot (cr, widget, row, y);
}

/* --- Texts --- */

static char *
dup_size (const LodgeSnapshotRow *row)
{
  g_autofree char *own = g_format_size_full (row->bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *shared = NULL;

  if (row->shared_bytes == 0)
    return g_steal_pointer (&own);
  shared = g_format_size_full (row->shared_bytes, G_FORMAT_SIZE_IEC_UNITS);
  /* Translators: what deleting a snapshot gives back, and what of it others need as well. */
  return g_strdup_printf (_ ("%s, %s shared"), own, shared);
}

static char *
dup_facts (const LodgeSnapshotRow *row)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = lodge_snapshot_format_time (row->created, now);
  g_autofree char *size = dup_size (row);

  if (row->present)
    return g_strdup (_ ("The machine as it is"));
  if (*time == '\0')
    return g_steal_pointer (&size);
  if (row->memory)
    /* Translators: when a snapshot was made of a guest that ran, and what it takes of the disk. */
    return g_strdup_printf (_ ("%s · %s · while it ran"), time, size);
  /* Translators: when a snapshot was made, and what it takes of the disk. */
  return g_strdup_printf (_ ("%s · %s"), time, size);
}

static char *
dup_spoken (const LodgeSnapshotRow *row, const char *name)
{
  g_autofree char *text = NULL;

  if (*row->parent_name == '\0')
    text = g_strdup (name);
  else
    /* Translators: for a screen reader: a snapshot's name, and that of the one it goes on from. */
    text = g_strdup_printf (_ ("%s, goes on from %s"), name, row->parent_name);
  /* Translators: %s is a snapshot, for a screen reader. */
  return row->automatic ? g_strdup_printf (_ ("%s, kept automatically"), text)
                        : g_steal_pointer (&text);
}

static void
set_text (GtkLabel *label, const char *text)
{
  gtk_label_set_text (label, text);
  gtk_widget_set_visible (GTK_WIDGET (label), *text != '\0');
}

static void
show_row (LodgeSnapshotCard *self)
{
  const LodgeSnapshotRow *row = lodge_snapshot_item_get_row (self->item);
  const char *name = row->present ? _ ("Now") : row->name;
  g_autofree char *facts = dup_facts (row);
  g_autofree char *spoken = dup_spoken (row, name);
  g_autofree char *more =
      *row->description != '\0' ? g_strdup_printf ("%s. %s", facts, row->description) : NULL;

  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (self->graph),
                                      (int) (row->lane + 1) * LANE_WIDTH);
  gtk_widget_queue_draw (self->graph);
  gtk_label_set_text (self->name, name);
  lodge_tooltip_set (GTK_WIDGET (self->name), row->present ? NULL : name);
  set_text (self->facts, facts);
  set_text (self->description, row->description);
  lodge_tooltip_set (GTK_WIDGET (self->description),
                     *row->description != '\0' ? row->description : NULL);
  gtk_widget_set_visible (self->automatic, row->automatic);
  /* A guest that ran showed something, though it may have been too early to be seen. */
  gtk_widget_set_visible (self->frame, row->thumbnail || row->memory);
  gtk_widget_set_visible (self->go_back, !row->present);
  gtk_widget_set_visible (GTK_WIDGET (self->menu), !row->present);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->go_back), "s", row->id);
  if (row->present)
    gtk_widget_add_css_class (GTK_WIDGET (self->name), "accent");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->name), "accent");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, more != NULL ? more : facts,
                                  -1);
}

static void
show_thumbnail (LodgeSnapshotCard *self)
{
  GdkPaintable *thumbnail = lodge_snapshot_item_get_thumbnail (self->item);

  gtk_picture_set_paintable (GTK_PICTURE (self->picture), thumbnail);
  gtk_stack_set_visible_child_name (self->pictures, thumbnail != NULL ? "picture" : "icon");
}

/* --- Menu --- */

static void
add_to_menu (GMenu *menu, const char *label, const char *action, const char *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", id);
  g_menu_append_item (menu, item);
}

static void
create_popup_cb (GtkMenuButton *button, gpointer user_data)
{
  LodgeSnapshotCard *self = user_data;
  const char *id = lodge_snapshot_item_get_row (self->item)->id;
  g_autoptr (GMenu) menu = g_menu_new ();

  add_to_menu (menu, _ ("_Go Back…"), "snapshots.go-back", id);
  add_to_menu (menu, _ ("_Rename or Describe…"), "snapshots.describe", id);
  add_to_menu (menu, _ ("_Delete…"), "snapshots.delete", id);
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

static void
secondary_click_cb (
    GtkGestureClick *gesture, int n_press, double x, double y, LodgeSnapshotCard *self)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  lodge_snapshot_card_popup_menu (self);
}

/* --- Life --- */

static void
lodge_snapshot_card_dispose (GObject *object)
{
  LodgeSnapshotCard *self = LODGE_SNAPSHOT_CARD (object);

  lodge_snapshot_card_set_item (self, NULL);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (lodge_snapshot_card_parent_class)->dispose (object);
}

static void
lodge_snapshot_card_class_init (LodgeSnapshotCardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_snapshot_card_dispose;
  gtk_widget_class_set_css_name (widget_class, "snapshot");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static GtkLabel *
new_label (const char *style)
{
  GtkLabel *label = GTK_LABEL (gtk_label_new (NULL));

  gtk_label_set_xalign (label, 0);
  gtk_label_set_ellipsize (label, PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (GTK_WIDGET (label), style);
  return label;
}

static GtkWidget *
make_texts (LodgeSnapshotCard *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *title = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->name = new_label ("heading");
  gtk_label_set_single_line_mode (self->name, TRUE);
  self->automatic = gtk_label_new (_ ("Automatic"));
  gtk_widget_set_valign (self->automatic, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (self->automatic,
                               _ ("Taken by Lodge itself: kept when the machine went back, or as "
                                  "it is said below"));
  gtk_widget_add_css_class (self->automatic, "tag");
  gtk_widget_add_css_class (self->automatic, "caption");
  gtk_box_append (GTK_BOX (title), GTK_WIDGET (self->name));
  gtk_box_append (GTK_BOX (title), self->automatic);

  self->facts = new_label ("caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->facts), "dim-label");
  self->description = new_label ("caption");
  gtk_label_set_wrap (self->description, TRUE);
  gtk_label_set_wrap_mode (self->description, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_lines (self->description, 2);
  gtk_label_set_max_width_chars (self->description, 1);
  gtk_widget_set_hexpand (GTK_WIDGET (self->description), TRUE);

  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->facts));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->description));
  gtk_widget_set_hexpand (box, TRUE);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (box, "texts");
  return box;
}

static GtkWidget *
clamp (GtkWidget *child, GtkOrientation orientation, int size)
{
  return g_object_new (ADW_TYPE_CLAMP, "orientation", orientation, "maximum-size", size,
                       "tightening-threshold", size, "child", child, NULL);
}

/* All are of one size, whatever the guest's screen and the row have. */
static GtkWidget *
make_frame (GtkWidget *pictures)
{
  GtkWidget *frame = clamp (clamp (pictures, GTK_ORIENTATION_VERTICAL, PICTURE_HEIGHT),
                            GTK_ORIENTATION_HORIZONTAL, PICTURE_WIDTH);

  gtk_widget_set_size_request (frame, PICTURE_WIDTH, PICTURE_HEIGHT);
  gtk_widget_set_valign (frame, GTK_ALIGN_CENTER);
  gtk_widget_set_overflow (frame, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (frame, "snapshot-picture");
  return frame;
}

static void
make_buttons (LodgeSnapshotCard *self)
{
  self->go_back = gtk_button_new_with_label (_ ("Go Back…"));
  gtk_widget_set_valign (self->go_back, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->go_back, "flat");
  gtk_widget_add_css_class (self->go_back, "go-back");
  /* The target first: GTK warns of an action that is given none. */
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->go_back), "s", "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->go_back), "snapshots.go-back");

  self->menu = GTK_MENU_BUTTON (gtk_menu_button_new ());
  gtk_menu_button_set_icon_name (self->menu, "view-more-symbolic");
  gtk_widget_set_valign (GTK_WIDGET (self->menu), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (self->menu), "flat");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->menu), _ ("Snapshot Menu"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->menu), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Snapshot Menu"), -1);
  lodge_menu_tooltip_yield (self->menu);
  gtk_menu_button_set_create_popup_func (self->menu, create_popup_cb, self, NULL);

  /* Where something inside a list's item takes the focus, Tab never stops at the item itself (see
   * gtklistitemwidget.c); Enter and the Menu key do the same as these. */
  gtk_widget_set_focusable (self->go_back, FALSE);
  gtk_widget_set_focusable (gtk_widget_get_first_child (GTK_WIDGET (self->menu)), FALSE);
}

static void
lodge_snapshot_card_init (LodgeSnapshotCard *self)
{
  GtkWidget *icon = gtk_image_new_from_icon_name ("computer-symbolic");
  GtkGesture *click = gtk_gesture_click_new ();

  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->graph = gtk_drawing_area_new ();
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (self->graph), draw_cb, self, NULL);
  self->picture = gtk_picture_new ();
  gtk_picture_set_content_fit (GTK_PICTURE (self->picture), GTK_CONTENT_FIT_COVER);
  self->pictures = GTK_STACK (gtk_stack_new ());
  gtk_stack_add_named (self->pictures, icon, "icon");
  gtk_stack_add_named (self->pictures, self->picture, "picture");
  self->frame = make_frame (GTK_WIDGET (self->pictures));
  make_buttons (self);

  gtk_box_append (GTK_BOX (self->box), self->graph);
  gtk_box_append (GTK_BOX (self->box), self->frame);
  gtk_box_append (GTK_BOX (self->box), make_texts (self));
  gtk_box_append (GTK_BOX (self->box), self->go_back);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->menu));

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  gtk_gesture_single_set_exclusive (GTK_GESTURE_SINGLE (click), TRUE);
  g_signal_connect (click, "pressed", G_CALLBACK (secondary_click_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
}

GtkWidget *
lodge_snapshot_card_new (void)
{
  return g_object_new (LODGE_TYPE_SNAPSHOT_CARD, NULL);
}

void
lodge_snapshot_card_set_item (LodgeSnapshotCard *self, LodgeSnapshotItem *item)
{
  g_return_if_fail (LODGE_IS_SNAPSHOT_CARD (self));

  if (self->item == item)
    return;
  if (self->item != NULL)
    g_signal_handlers_disconnect_by_data (self->item, self);
  g_set_object (&self->item, item);
  if (item == NULL)
    return;
  g_signal_connect_swapped (item, "changed", G_CALLBACK (show_thumbnail), self);
  show_row (self);
  show_thumbnail (self);
}

LodgeSnapshotItem *
lodge_snapshot_card_get_item (LodgeSnapshotCard *self)
{
  return self->item;
}

void
lodge_snapshot_card_popup_menu (LodgeSnapshotCard *self)
{
  g_return_if_fail (LODGE_IS_SNAPSHOT_CARD (self));

  if (self->item != NULL && !lodge_snapshot_item_get_row (self->item)->present)
    gtk_menu_button_popup (self->menu);
}
