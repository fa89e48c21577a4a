/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies files out of a machine's guest that runs. */
#include "gtk/lodge-fetch-window.h"

#include "console/lodge-guest-paths.h"
#include "console/lodge-machine-state.h"
#include "console/lodge-saved-file.h"
#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-row.h"
#include "gtk/lodge-window-parts.h"
#include "gtk/lodge-work-panel.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define WIDTH     520
#define MIN_WIDTH 340
/* Of the list of paths, at least. */
#define LIST_HEIGHT 120
#define KEY         "sharing.files-out"

struct _LodgeFetchWindow {
  LodgeMachineWindow base;

  char *problem; /* why it could not be opened, or NULL */
  char *failure; /* why the last file did not come, or NULL */
  char *folder;
  gboolean updating; /* what changes now is not the user's wish */
  gboolean busy;
  GtkFileChooserNative *chooser;

  AdwToastOverlay *toasts;
  AdwToast *saved_toast; /* weak */
  AdwActionRow *allow;
  GtkSwitch *allow_switch;
  GtkTextView *paths;
  AdwActionRow *folder_row;
  GtkWidget *change;
  GtkLabel *words; /* what is in the way, what went wrong, or what it needs */
  GtkWidget *get;
  LodgeWorkPanel *panel; /* owned */
};

G_DEFINE_FINAL_TYPE (LodgeFetchWindow, lodge_fetch_window, LODGE_TYPE_MACHINE_WINDOW)

/* Files that come one after the other. Lives longer than the window where that is closed, and than
 * the last window. */
typedef struct {
  GApplication *application; /* held, or NULL */
  LodgeFetchWindow *window;  /* owned */
  LodgeMachine1 *machine;    /* owned */
  GCancellable *cancellable;
  char **paths;
  guint n_done;
  char *folder;
  char *last; /* the path here of the last that has come, or NULL */
} Fetch;

/* --- What there is --- */

/* Transfer full. */
static char *
dup_text (LodgeFetchWindow *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->paths);
  GtkTextIter begin, end;

  gtk_text_buffer_get_bounds (buffer, &begin, &end);
  return gtk_text_buffer_get_text (buffer, &begin, &end, FALSE);
}

static char **
dup_paths (LodgeFetchWindow *self)
{
  g_autofree char *text = dup_text (self);

  return lodge_guest_paths_parse (text);
}

/* "true", "false", or NULL where that is not known. Lent. */
static const char *
get_allowed (LodgeFetchWindow *self)
{
  GVariant *description =
      self->base.machine != NULL ? lodge_machine1_get_description (self->base.machine) : NULL;
  const char *text = NULL;

  if (description != NULL)
    g_variant_lookup (description, KEY, "&s", &text);
  return text;
}

/* Why nothing can be copied, and what to do first; NULL: it can. Lent. */
static const char *
get_obstacle (LodgeFetchWindow *self)
{
  const char *problem;

  if (self->base.machine == NULL) {
    problem = lodge_connection_get_problem (self->base.connection);
    return problem != NULL ? problem : self->problem;
  }
  if (get_allowed (self) == NULL)
    return _ ("The engine that runs is of another version, which copies no files out of a guest: "
              "it is another one once all guests have ended and Lodge was closed");
  if (lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine)) !=
      LODGE_MACHINE_STATE_RUNNING)
    return _ ("Files can be copied out of a guest only while it runs");
  if (!g_str_equal (get_allowed (self), "true"))
    return _ ("Nothing comes out of this guest yet: switch that on above first");
  return NULL;
}

static void
show (LodgeFetchWindow *self)
{
  const char *obstacle = get_obstacle (self);
  const char *allowed = get_allowed (self);
  g_auto (GStrv) paths = dup_paths (self);
  const char *words = obstacle != NULL ? obstacle : self->failure;

  gtk_widget_set_sensitive (GTK_WIDGET (self->allow), allowed != NULL);
  /* While the engine is away it stays as it was last seen. */
  if (allowed != NULL) {
    self->updating = TRUE;
    gtk_switch_set_active (self->allow_switch, g_str_equal (allowed, "true"));
    self->updating = FALSE;
  }
  gtk_text_view_set_editable (self->paths, !self->busy);
  gtk_widget_set_sensitive (self->change, !self->busy);
  gtk_widget_set_sensitive (self->get, self->base.machine != NULL && obstacle == NULL &&
                                           !self->busy && paths[0] != NULL);
  gtk_label_set_text (self->words,
                      words != NULL
                          ? words
                          : _ ("The guest needs qemu-guest-agent: the package of that name, or for "
                               "Windows what is among the virtio drivers. A folder can be copied "
                               "as an archive of it."));
  if (self->failure != NULL && obstacle == NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->words), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->words), "error");
}

static void
show_folder (LodgeFetchWindow *self)
{
  adw_action_row_set_subtitle (self->folder_row, self->folder);
}

static void
refused_cb (GtkWindow *window)
{
  /* It goes back. */
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (window)))
    show (LODGE_FETCH_WINDOW (window));
}

static void
allow_cb (GtkSwitch *widget, GParamSpec *pspec, LodgeFetchWindow *self)
{
  if (!self->updating)
    lodge_set_keys (GTK_WINDOW (self), self->base.machine, _ ("Could Not Change What Is Shared"),
                    refused_cb, KEY, gtk_switch_get_active (widget) ? "true" : "false", NULL);
}

static void
text_cb (GtkTextBuffer *buffer, LodgeFetchWindow *self)
{
  if (self->updating)
    return;
  g_clear_pointer (&self->failure, g_free);
  show (self);
}

static void
set_text (LodgeFetchWindow *self, const char *text)
{
  self->updating = TRUE;
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->paths), text, -1);
  self->updating = FALSE;
}

void
lodge_fetch_window_propose (LodgeFetchWindow *self, const char *paths)
{
  g_autofree char *text = NULL;

  g_return_if_fail (LODGE_IS_FETCH_WINDOW (self));

  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) || self->busy)
    return;
  text = dup_text (self);
  if (*text != '\0')
    return;
  set_text (self, paths);
  show (self);
}

/* --- Where to --- */

void
lodge_fetch_window_set_folder (LodgeFetchWindow *self, const char *folder)
{
  g_return_if_fail (LODGE_IS_FETCH_WINDOW (self));

  g_free (self->folder);
  self->folder = g_strdup (folder);
  show_folder (self);
}

static void
chosen_cb (const char *path, const GError *error, gpointer user_data)
{
  LodgeFetchWindow *self = user_data;

  if (path != NULL)
    lodge_fetch_window_set_folder (self, path);
  else
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Choose the Folder"), error);
}

static void
change_cb (GtkButton *button, LodgeFetchWindow *self)
{
  const LodgeFileQuestion question = {
      .title = _ ("Choose a Folder for the Files"),
      .action = GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER,
      .accept = _ ("_Select"),
  };

  lodge_file_choice_ask (&self->chooser, GTK_WINDOW (self), &question, chosen_cb, self, NULL);
}

/* --- Copying --- */

static void
fetch_free (Fetch *fetch)
{
  if (fetch->application != NULL)
    g_application_release (fetch->application);
  g_clear_object (&fetch->application);
  g_object_unref (fetch->window);
  g_object_unref (fetch->machine);
  g_object_unref (fetch->cancellable);
  g_strfreev (fetch->paths);
  g_free (fetch->folder);
  g_free (fetch->last);
  g_free (fetch);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fetch, fetch_free)

static char *
dup_title (const char *name)
{
  return g_strdup_printf (_ ("Files Out of “%s”"), name);
}

/* The window is closed: where it belonged to, or, where that is closed as well, on the desktop. */
static void
say_elsewhere (const Fetch *fetch, const char *sentence, guint timeout_s)
{
  g_autofree char *title = NULL;
  g_autoptr (GNotification) notification = NULL;

  if (lodge_message_toast (GTK_WINDOW (fetch->window), sentence, timeout_s) != NULL ||
      fetch->application == NULL)
    return;
  title = dup_title (lodge_machine1_get_name (fetch->machine));
  notification = g_notification_new (title);
  g_notification_set_body (notification, sentence);
  g_application_send_notification (fetch->application, NULL, notification);
}

static void
say_done (const Fetch *fetch)
{
  LodgeFetchWindow *self = fetch->window;
  g_autofree char *sentence = NULL;
  g_autoptr (GFile) file = NULL;

  if (fetch->n_done == 0)
    return;
  sentence = g_strdup_printf (ngettext ("%u file was copied out of the guest",
                                        "%u files were copied out of the guest", fetch->n_done),
                              fetch->n_done);
  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    say_elsewhere (fetch, sentence, LODGE_MESSAGE_TOAST_S);
    return;
  }
  file = g_file_new_for_path (fetch->last);
  /* What a guest has made is not opened by a click of ours. */
  lodge_saved_toast_say (self->toasts, &self->saved_toast, sentence, file, FALSE);
}

/* Takes @fetch. @error: (nullable) */
static void
finish (Fetch *fetch_given, const GError *error)
{
  g_autoptr (Fetch) fetch = fetch_given;
  LodgeFetchWindow *self = fetch->window;
  const gboolean cancelled =
      error != NULL && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);

  say_done (fetch);
  self->busy = FALSE;
  lodge_work_panel_end (self->panel);
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    if (error != NULL && !cancelled)
      self->failure = g_strdup (error->message);
    show (self);
    gtk_widget_grab_focus (GTK_WIDGET (self->paths));
  } else if (error != NULL && !cancelled) {
    say_elsewhere (fetch, error->message, 0);
  }
}

static void next (Fetch *fetch);

static void
progress_cb (double progress, const char *step, gpointer user_data)
{
  const Fetch *fetch = user_data;
  const char *path = fetch->paths[fetch->n_done];
  /* Translators: the path of a file, and how much of it has come */
  g_autofree char *words =
      *step != '\0' ? g_strdup_printf (_ ("%s: %s"), path, step) : g_strdup (path);

  lodge_work_panel_show_progress (progress, words, fetch->window->panel);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetch *fetch = user_data;
  LodgeFetchWindow *self = fetch->window;
  g_autoptr (GError) error = NULL;
  char *file = lodge_job_follow_finish (result, &error);

  if (file == NULL) {
    finish (fetch, error);
    return;
  }
  g_free (fetch->last);
  fetch->last = file;
  fetch->n_done++;
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    g_autofree char *rest = g_strjoinv ("\n", fetch->paths + fetch->n_done);

    set_text (self, rest);
  }
  next (fetch);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetch *fetch = user_data;
  g_autofree char *job = NULL;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_fetch_file_finish (LODGE_MACHINE1 (source), &job, result, &error)) {
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), job, TRUE,
                            fetch->cancellable, progress_cb, fetch, job_cb, fetch);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  finish (fetch, error);
}

/* Takes @fetch. */
static void
next (Fetch *fetch)
{
  const char *path = fetch->paths[fetch->n_done];

  if (path == NULL || g_cancellable_is_cancelled (fetch->cancellable)) {
    finish (fetch, NULL);
    return;
  }
  lodge_machine1_call_fetch_file (fetch->machine, path, fetch->folder,
                                  g_variant_new ("a{sv}", NULL), NULL, called_cb, fetch);
}

static void
get_cb (GtkButton *button, LodgeFetchWindow *self)
{
  g_auto (GStrv) paths = dup_paths (self);
  const guint n = g_strv_length (paths);
  Fetch *fetch;

  g_clear_pointer (&self->failure, g_free);
  if (n > LODGE_GUEST_PATHS_MAX) {
    self->failure =
        g_strdup_printf (_ ("These are %u files: at most %d can be copied at the same time."), n,
                         LODGE_GUEST_PATHS_MAX);
    show (self);
    return;
  }
  /* The engine says of the folder what is wrong with it when this did not help. */
  g_mkdir_with_parents (self->folder, 0755);
  fetch = g_new0 (Fetch, 1);
  g_set_object (&fetch->application, g_application_get_default ());
  if (fetch->application != NULL)
    g_application_hold (fetch->application);
  fetch->window = g_object_ref (self);
  fetch->machine = g_object_ref (self->base.machine);
  fetch->cancellable = g_cancellable_new ();
  fetch->paths = g_steal_pointer (&paths);
  fetch->folder = g_strdup (self->folder);
  self->busy = TRUE;
  lodge_work_panel_begin (self->panel, fetch->cancellable, fetch->paths[0]);
  show (self);
  next (fetch);
}

/* --- A file that comes already --- */

static gboolean
is_wanted (const char *kind)
{
  return g_str_equal (kind, "file-fetch");
}

static void find (LodgeFetchWindow *self);

/* Who has begun it tells what has come of it. */
static void
found_job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeFetchWindow) self = user_data;

  g_free (lodge_job_follow_finish (result, NULL));
  self->busy = FALSE;
  lodge_work_panel_end (self->panel);
  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    return;
  show (self);
  /* What began meanwhile. */
  find (self);
}

static void
jobs_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeFetchWindow) self = user_data;
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GVariant) jobs = NULL;
  g_autofree char *path = NULL;

  /* Without an answer there is nothing to show. */
  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, NULL) ||
      !lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) || self->busy)
    return;
  path = lodge_job_find (jobs, self->base.uuid, is_wanted);
  if (path == NULL)
    return;
  cancellable = g_cancellable_new ();
  self->busy = TRUE;
  lodge_work_panel_begin (self->panel, cancellable, "");
  show (self);
  lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, FALSE,
                          cancellable, lodge_work_panel_show_progress, self->panel, found_job_cb,
                          g_object_ref (self));
}

static void
find (LodgeFetchWindow *self)
{
  if (self->base.engine != NULL)
    lodge_engine1_call_list_jobs (self->base.engine, NULL, jobs_cb, g_object_ref (self));
}

/* --- The engine --- */

static void
begun (LodgeMachineWindow *base)
{
  LodgeFetchWindow *self = LODGE_FETCH_WINDOW (base);

  g_signal_connect_swapped (base->engine, "job-added", G_CALLBACK (find), self);
  find (self);
}

static void
changed (LodgeMachineWindow *base, GVariant *properties)
{
  show (LODGE_FETCH_WINDOW (base));
}

static void
dropped (LodgeMachineWindow *base)
{
  g_clear_pointer (&LODGE_FETCH_WINDOW (base)->problem, g_free);
}

static void
failed (LodgeMachineWindow *base, const GError *error)
{
  LodgeFetchWindow *self = LODGE_FETCH_WINDOW (base);

  self->problem = g_strdup (error->message);
  show (self);
}

static void
update (LodgeMachineWindow *base)
{
  show (LODGE_FETCH_WINDOW (base));
}

/* --- Life --- */

/* The switch may tell of its end. */
static void
closed (LodgeMachineWindow *base)
{
  LodgeFetchWindow *self = LODGE_FETCH_WINDOW (base);

  self->updating = TRUE;
  lodge_file_choice_end (&self->chooser);
  g_clear_weak_pointer (&self->saved_toast);
}

static void
lodge_fetch_window_finalize (GObject *object)
{
  LodgeFetchWindow *self = LODGE_FETCH_WINDOW (object);

  g_object_unref (self->panel);
  g_free (self->problem);
  g_free (self->failure);
  g_free (self->folder);
  G_OBJECT_CLASS (lodge_fetch_window_parent_class)->finalize (object);
}

static void
lodge_fetch_window_class_init (LodgeFetchWindowClass *klass)
{
  LodgeMachineWindowClass *window_class = LODGE_MACHINE_WINDOW_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_fetch_window_finalize;
  window_class->dup_title = dup_title;
  window_class->begun = begun;
  window_class->update = update;
  window_class->opened = update;
  window_class->failed = failed;
  window_class->changed = changed;
  window_class->dropped = dropped;
  window_class->closed = closed;
  lodge_saved_toast_install_actions (GTK_WIDGET_CLASS (klass));
}

static GtkWidget *
make_rows (LodgeFetchWindow *self)
{
  GtkListBox *list = lodge_boxed_list_new ();

  self->allow = lodge_shared_row_new (_ ("Files May Come Out of the Guest"));
  self->allow_switch = lodge_shared_row_add_switch (self->allow);
  g_signal_connect (self->allow_switch, "notify::active", G_CALLBACK (allow_cb), self);
  gtk_list_box_append (list, GTK_WIDGET (self->allow));
  self->folder_row = lodge_shared_row_new (_ ("Into the Folder"));
  self->change = lodge_shared_row_add_button (self->folder_row, _ ("C_hange…"), NULL);
  g_signal_connect (self->change, "clicked", G_CALLBACK (change_cb), self);
  gtk_list_box_append (list, GTK_WIDGET (self->folder_row));
  return GTK_WIDGET (list);
}

static GtkWidget *
make_paths (LodgeFetchWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *label = gtk_label_new_with_mnemonic (_ ("_Files in the guest, one on each line"));
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  self->paths = GTK_TEXT_VIEW (gtk_text_view_new ());
  gtk_text_view_set_accepts_tab (self->paths, FALSE);
  gtk_text_view_set_monospace (self->paths, TRUE);
  gtk_text_view_set_top_margin (self->paths, 6);
  gtk_text_view_set_bottom_margin (self->paths, 6);
  gtk_text_view_set_left_margin (self->paths, 6);
  gtk_text_view_set_right_margin (self->paths, 6);
  g_signal_connect_object (gtk_text_view_get_buffer (self->paths), "changed", G_CALLBACK (text_cb),
                           self, 0);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), GTK_WIDGET (self->paths));
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->paths), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  label, NULL, -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (self->paths));
  gtk_scrolled_window_set_has_frame (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scrolled), LIST_HEIGHT);
  gtk_widget_set_vexpand (scrolled, TRUE);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), scrolled);
  return box;
}

static GtkWidget *
make_content (LodgeFetchWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  gtk_widget_set_margin_top (box, 18);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  self->words = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (self->words, TRUE);
  gtk_label_set_wrap_mode (self->words, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (self->words, 0);
  self->get = gtk_button_new_with_mnemonic (_ ("_Get"));
  gtk_widget_set_halign (self->get, GTK_ALIGN_END);
  gtk_widget_add_css_class (self->get, "suggested-action");
  g_signal_connect (self->get, "clicked", G_CALLBACK (get_cb), self);
  gtk_box_append (GTK_BOX (box), make_paths (self));
  gtk_box_append (GTK_BOX (box), make_rows (self));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->words));
  gtk_box_append (GTK_BOX (box), self->get);
  return box;
}

static void
lodge_fetch_window_init (LodgeFetchWindow *self)
{
  GtkWidget *outer = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, -1);
  gtk_widget_set_size_request (GTK_WIDGET (self), MIN_WIDTH, -1);
  self->toasts = ADW_TOAST_OVERLAY (adw_toast_overlay_new ());
  adw_toast_overlay_set_child (self->toasts, make_content (self));
  gtk_widget_set_vexpand (GTK_WIDGET (self->toasts), TRUE);
  self->panel = g_object_ref_sink (LODGE_WORK_PANEL (lodge_work_panel_new ()));
  gtk_box_append (GTK_BOX (outer), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (outer), GTK_WIDGET (self->toasts));
  gtk_box_append (GTK_BOX (outer), GTK_WIDGET (self->panel));
  adw_window_set_content (ADW_WINDOW (self), outer);
  self->folder = lodge_saved_file_dup_folder (G_USER_DIRECTORY_DOWNLOAD, _ ("Downloads"));
  show_folder (self);
  gtk_window_set_focus (GTK_WINDOW (self), GTK_WIDGET (self->paths));
}
