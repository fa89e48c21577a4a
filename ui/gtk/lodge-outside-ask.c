/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine from elsewhere asks for files of this computer: the question whether it gets them. */
#include "gtk/lodge-outside-ask.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "lodge-error.h"
#include "lodge-plain-text.h"

#include <glib/gi18n-lib.h>

typedef struct {
  GtkWindow *parent;      /* owned */
  LodgeMachine1 *machine; /* once it has been opened */
  char *name;
  char *heading;
  GError *error;
  char **paths;
  LodgeOutsideAccepted accepted;
  gpointer user_data;
  GDestroyNotify free_data;
} Ask;

static void
ask_clear (gpointer data)
{
  Ask *ask = data;

  if (ask->free_data != NULL)
    ask->free_data (ask->user_data);
  g_object_unref (ask->parent);
  g_clear_object (&ask->machine);
  g_free (ask->name);
  g_free (ask->heading);
  g_error_free (ask->error);
  g_strfreev (ask->paths);
}

static void
ask_unref (Ask *ask)
{
  g_rc_box_release_full (ask, ask_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ask, ask_unref)

static gboolean
is_open (Ask *ask)
{
  return gtk_widget_get_visible (GTK_WIDGET (ask->parent));
}

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done =
      lodge_machine1_call_accept_paths_finish (LODGE_MACHINE1 (source), result, &error);

  if (!is_open (ask))
    return;
  if (done) {
    ask->accepted (ask->user_data);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (ask->parent, ask->heading, error);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT) && is_open (ask))
    lodge_machine1_call_accept_paths (ask->machine, (const char *const *) ask->paths, NULL,
                                      accepted_cb, g_rc_box_acquire (ask));
}

static void
question_gone (gpointer data, GClosure *closure)
{
  ask_unref (data);
}

/* What only a snapshot names is asked for when the machine has gone back to it. */
static char *
dup_list (Ask *ask)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  GString *list = g_string_new (NULL);
  const char *key, *path, *target;
  GVariantIter iter;

  g_variant_iter_init (&iter, lodge_machine1_get_outside_paths (ask->machine));
  while (g_variant_iter_next (&iter, "(&s&s&s)", &key, &path, &target)) {
    g_autofree char *shown = lodge_plain_text_dup_line (path);
    g_autofree char *shown_target = lodge_plain_text_dup_line (target);

    if (*key == '\0')
      continue;
    g_strv_builder_add (paths, path);
    if (*target != '\0')
      /* Translators: the path of a link, and of what that leads to */
      g_string_append_printf (list, _ ("\n%s, which is %s"), shown, shown_target);
    else
      g_string_append_printf (list, "\n%s", shown);
  }
  ask->paths = g_strv_builder_end (paths);
  return g_string_free (list, FALSE);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autofree char *list = NULL;
  g_autofree char *question = NULL;
  g_autofree char *body = NULL;
  AdwMessageDialog *dialog;

  ask->machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, NULL);
  if (!is_open (ask))
    return;
  list = ask->machine != NULL ? dup_list (ask) : g_strdup ("");
  if (*list == '\0') {
    lodge_message_show_error (ask->parent, ask->heading, ask->error);
    return;
  }
  question = g_strdup_printf (_ ("Let “%s” Have These Files?"), ask->name);
  body = g_strdup_printf (_ ("This machine came from elsewhere. It would read, and perhaps change, "
                             "files of yours:\n%s"),
                          list);
  dialog = lodge_message_ask (ask->parent, question, body, _ ("_Accept and Start"));
  g_signal_connect_data (dialog, "response", G_CALLBACK (answered_cb), g_rc_box_acquire (ask),
                         question_gone, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
lodge_outside_ask (GtkWindow *parent,
                   LodgeClient *client,
                   const char *uuid,
                   const char *name,
                   const char *heading,
                   const GError *error,
                   LodgeOutsideAccepted accepted,
                   gpointer user_data,
                   GDestroyNotify free_data)
{
  Ask *ask;

  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED)) {
    lodge_passphrase_ask (parent, client, uuid, name, heading, accepted, user_data, free_data);
    return;
  }
  if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED)) {
    lodge_message_show_error (parent, heading, error);
    if (free_data != NULL)
      free_data (user_data);
    return;
  }
  ask = g_rc_box_new0 (Ask);
  ask->parent = g_object_ref (parent);
  ask->name = g_strdup (name);
  ask->heading = g_strdup (heading);
  ask->error = g_error_copy (error);
  ask->accepted = accepted;
  ask->user_data = user_data;
  ask->free_data = free_data;
  lodge_client_open_machine_async (client, uuid, NULL, opened_cb, ask);
}
