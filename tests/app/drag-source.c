/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another program on the host: a window from which the files that are named can be dragged.
 *   drag-source FILE... */
#include <gtk/gtk.h>

static GdkContentProvider *
prepare_cb (GtkDragSource *source, double x, double y, GdkFileList *files)
{
  return gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, files);
}

int
main (int argc, char **argv)
{
  GSList *list = NULL;

  gtk_init ();
  for (int i = argc - 1; i > 0; i--)
    list = g_slist_prepend (list, g_file_new_for_commandline_arg (argv[i]));
  GdkFileList *files = gdk_file_list_new_from_list (list);
  GtkWidget *window = gtk_window_new ();
  GtkDragSource *source = gtk_drag_source_new ();

  g_signal_connect (source, "prepare", G_CALLBACK (prepare_cb), files);
  gtk_widget_add_controller (window, GTK_EVENT_CONTROLLER (source));
  gtk_window_set_title (GTK_WINDOW (window), "drag-source");
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), 200, 200);
  gtk_window_present (GTK_WINDOW (window));
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
