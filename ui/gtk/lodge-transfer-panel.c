/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files on their way into a guest. Their names come from outside: no label here takes markup.
 */
#include "gtk/lodge-transfer-panel.h"

#include <glib/gi18n-lib.h>

#define WIDTH       320
#define WIDTH_CHARS 30 /* of a label: one that is long makes the panel no wider */
/* Of more than this the rest is a number. */
#define MOST_SHOWN 4

struct _LodgeTransferPanel {
  AdwBin parent_instance;

  GtkListBox *list;
  GtkWidget *more;
  LodgeConsoleFiles *files;
};

G_DEFINE_FINAL_TYPE (LodgeTransferPanel, lodge_transfer_panel, ADW_TYPE_BIN)

/* One row; owned by its widget. */
typedef struct {
  LodgeConsoleFiles *files;       /* owned */
  LodgeConsoleTransfer *transfer; /* owned */
  GtkWidget *bar;
  GtkWidget *sentence;
  GtkWidget *button;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_signal_handlers_disconnect_by_data (row->transfer, row);
  g_object_unref (row->transfer);
  g_object_unref (row->files);
  g_free (row);
}

static void
row_update_cb (Row *row)
{
  const LodgeTransferState state = lodge_console_transfer_get_state (row->transfer);
  const gboolean failed = state == LODGE_TRANSFER_FAILED;
  const char *sentence = lodge_console_transfer_get_sentence (row->transfer);
  const char *action = failed ? _ ("Dismiss") : _ ("Cancel");

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (row->bar),
                                 lodge_console_transfer_get_progress (row->transfer));
  gtk_widget_set_visible (row->bar, !failed);
  gtk_label_set_text (GTK_LABEL (row->sentence), failed ? sentence : _ ("Waiting"));
  gtk_widget_set_visible (row->sentence, failed || state == LODGE_TRANSFER_WAITING);
  gtk_widget_set_tooltip_text (row->button, action);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  action, -1);
}

static void
clicked_cb (Row *row)
{
  /* The row goes with either. */
  g_autoptr (LodgeConsoleTransfer) transfer = g_object_ref (row->transfer);
  g_autoptr (LodgeConsoleFiles) files = g_object_ref (row->files);

  if (lodge_console_transfer_get_state (transfer) == LODGE_TRANSFER_FAILED)
    lodge_console_files_dismiss (files, transfer);
  else
    lodge_console_transfer_cancel (transfer);
}

static GtkWidget *
new_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_max_width_chars (GTK_LABEL (label), WIDTH_CHARS);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_add_css_class (label, style);
  return label;
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  LodgeTransferPanel *self = user_data;
  Row *row = g_new0 (Row, 1);
  GtkWidget *grid = gtk_grid_new ();
  GtkWidget *name = new_label (lodge_console_transfer_get_name (item), "body");

  row->files = g_object_ref (self->files);
  row->transfer = g_object_ref (item);
  row->bar = gtk_progress_bar_new ();
  row->sentence = new_label (NULL, "caption");
  row->button = gtk_button_new_from_icon_name ("window-close-symbolic");

  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_wrap (GTK_LABEL (row->sentence), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (row->sentence), PANGO_WRAP_WORD_CHAR);
  gtk_widget_add_css_class (row->button, "flat");
  gtk_widget_add_css_class (row->button, "circular");
  gtk_widget_set_valign (row->button, GTK_ALIGN_CENTER);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_add_css_class (grid, "transfer");
  gtk_grid_attach (GTK_GRID (grid), name, 0, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), row->bar, 0, 1, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), row->sentence, 0, 2, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), row->button, 1, 0, 1, 3);

  g_signal_connect_swapped (row->transfer, "notify", G_CALLBACK (row_update_cb), row);
  g_signal_connect_swapped (row->button, "clicked", G_CALLBACK (clicked_cb), row);
  g_object_set_data_full (G_OBJECT (grid), "lodge-transfer", row, row_free);
  row_update_cb (row);
  return grid;
}

static void
files_cb (LodgeTransferPanel *self)
{
  const guint n = self->files != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->files)) : 0;

  gtk_widget_set_visible (GTK_WIDGET (self), n > 0);
  gtk_widget_set_visible (self->more, n > MOST_SHOWN);
  if (n > MOST_SHOWN) {
    g_autofree char *text =
        g_strdup_printf (ngettext ("and %u more", "and %u more", n - MOST_SHOWN), n - MOST_SHOWN);
    gtk_label_set_text (GTK_LABEL (self->more), text);
  }
}

static void
clear_cb (LodgeTransferPanel *self)
{
  if (self->files != NULL)
    lodge_console_files_clear (self->files);
}

void
lodge_transfer_panel_set_files (LodgeTransferPanel *self, LodgeConsoleFiles *files)
{
  g_return_if_fail (LODGE_IS_TRANSFER_PANEL (self));

  if (self->files == files)
    return;
  if (self->files != NULL)
    g_signal_handlers_disconnect_by_data (self->files, self);
  gtk_list_box_bind_model (self->list, NULL, NULL, NULL, NULL);
  g_set_object (&self->files, files);
  if (files != NULL) {
    g_autoptr (GtkSliceListModel) shown =
        gtk_slice_list_model_new (g_object_ref (G_LIST_MODEL (files)), 0, MOST_SHOWN);

    gtk_list_box_bind_model (self->list, G_LIST_MODEL (shown), create_row, self, NULL);
    g_signal_connect_object (files, "items-changed", G_CALLBACK (files_cb), self,
                             G_CONNECT_SWAPPED);
  }
  files_cb (self);
}

static void
lodge_transfer_panel_dispose (GObject *object)
{
  LodgeTransferPanel *self = LODGE_TRANSFER_PANEL (object);

  if (self->files != NULL)
    lodge_transfer_panel_set_files (self, NULL);
  G_OBJECT_CLASS (lodge_transfer_panel_parent_class)->dispose (object);
}

static void
lodge_transfer_panel_class_init (LodgeTransferPanelClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_transfer_panel_dispose;
}

static void
lodge_transfer_panel_init (LodgeTransferPanel *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = new_label (_ ("Copying Into the Guest"), "heading");
  GtkWidget *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *clear = gtk_button_new_with_mnemonic (_ ("Cancel _All"));

  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "transfers");
  self->more = new_label (NULL, "caption");
  g_signal_connect_swapped (clear, "clicked", G_CALLBACK (clear_cb), self);
  gtk_widget_add_css_class (clear, "flat");
  gtk_box_append (GTK_BOX (head), title);
  gtk_box_append (GTK_BOX (head), clear);
  gtk_box_append (GTK_BOX (box), head);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->list));
  gtk_box_append (GTK_BOX (box), self->more);
  adw_bin_set_child (ADW_BIN (self), box);

  gtk_widget_set_size_request (GTK_WIDGET (self), WIDTH, -1);
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_END);
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_END);
  gtk_widget_add_css_class (GTK_WIDGET (self), "transfer-panel");
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
lodge_transfer_panel_new (void)
{
  return g_object_new (LODGE_TYPE_TRANSFER_PANEL, NULL);
}
