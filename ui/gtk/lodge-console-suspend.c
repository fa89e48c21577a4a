/* SPDX-License-Identifier: GPL-3.0-or-later */
/* While the guest is being suspended, the console window shows how far that is, and lets the guest
 * go on after all. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-suspend.h"

#include <glib/gi18n-lib.h>

struct _LodgeConsoleSuspend {
  GtkProgressBar *bar;
  GtkWidget *button;
  GCancellable *cancellable; /* of what is followed now, or NULL */
};

/* One following; the window may be closed before it ends. */
typedef struct {
  LodgeConsoleWindow *window; /* owned */
  GCancellable *cancellable;
} Following;

static gboolean
is_current (Following *following)
{
  const LodgeConsoleSuspend *suspend = following->window->suspend;

  return suspend != NULL && suspend->cancellable == following->cancellable;
}

static void
show (LodgeConsoleSuspend *self, gboolean shown)
{
  gtk_widget_set_visible (GTK_WIDGET (self->bar), shown);
  gtk_widget_set_visible (self->button, shown);
}

static void
progress_cb (double progress, const char *step, gpointer user_data)
{
  Following *following = user_data;

  if (!is_current (following))
    return;
  gtk_progress_bar_set_fraction (following->window->suspend->bar, CLAMP (progress, 0, 1));
  show (following->window->suspend, TRUE);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Following *following = user_data;
  g_autoptr (GError) error = NULL;

  /* Whoever asked for it is told why it came to nothing. */
  if (!lodge_suspend_follow_finish (LODGE_CLIENT (source), result, &error))
    g_debug ("%s", error->message);
  if (is_current (following)) {
    show (following->window->suspend, FALSE);
    g_clear_object (&following->window->suspend->cancellable);
  }
  g_object_unref (following->cancellable);
  g_object_unref (following->window);
  g_free (following);
}

static void
begin (LodgeConsoleWindow *self)
{
  LodgeClient *client =
      self->connection != NULL ? lodge_connection_get_client (self->connection) : NULL;
  const char *uuid = lodge_console_machine_get_uuid (self->machine);
  Following *following;

  if (client == NULL || uuid == NULL)
    return;
  self->suspend->cancellable = g_cancellable_new ();
  following = g_new0 (Following, 1);
  following->window = g_object_ref (self);
  following->cancellable = g_object_ref (self->suspend->cancellable);
  gtk_progress_bar_set_fraction (self->suspend->bar, 0);
  gtk_widget_set_sensitive (self->suspend->button, TRUE);
  lodge_suspend_follow_async (client, uuid, following->cancellable, progress_cb, following,
                              ended_cb, following);
}

void
lodge_console_suspend_update (LodgeConsoleWindow *self)
{
  LodgeConsoleSuspend *suspend = self->suspend;
  const gboolean suspending =
      lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_SUSPENDING;

  if (suspending && suspend->cancellable == NULL) {
    begin (self);
  } else if (!suspending) {
    show (suspend, FALSE);
    g_clear_object (&suspend->cancellable);
  }
}

static void
clicked_cb (GtkButton *button, LodgeConsoleWindow *self)
{
  gtk_widget_set_sensitive (GTK_WIDGET (button), FALSE);
  if (self->suspend->cancellable != NULL)
    g_cancellable_cancel (self->suspend->cancellable);
}

void
lodge_console_suspend_init (LodgeConsoleWindow *self)
{
  LodgeConsoleSuspend *suspend = g_new0 (LodgeConsoleSuspend, 1);
  GtkWidget *bar = gtk_progress_bar_new ();

  self->suspend = suspend;
  suspend->bar = GTK_PROGRESS_BAR (bar);
  suspend->button = gtk_button_new_with_mnemonic (_ ("_Cancel"));
  gtk_widget_set_size_request (bar, 240, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Suspending"), -1);
  gtk_widget_set_halign (suspend->button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (suspend->button, "pill");
  g_signal_connect_object (suspend->button, "clicked", G_CALLBACK (clicked_cb), self, 0);
  gtk_box_append (self->busy_box, bar);
  gtk_box_append (self->busy_box, suspend->button);
  show (suspend, FALSE);
}

void
lodge_console_suspend_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleSuspend *suspend = g_steal_pointer (&self->suspend);

  if (suspend == NULL)
    return;
  g_clear_object (&suspend->cancellable);
  g_free (suspend);
}
