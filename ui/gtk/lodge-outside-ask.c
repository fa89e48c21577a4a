/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine from elsewhere asks for files of this computer: the question whether it gets them. */
#include "gtk/lodge-outside-ask.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "lodge-error.h"
#include "lodge-plain-text.h"

#include <glib/gi18n-lib.h>

typedef struct {
  GError *error;
  char **paths;
} Own;

static void
own_free (gpointer data)
{
  Own *own = data;

  g_error_free (own->error);
  g_strfreev (own->paths);
  g_free (own);
}

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineQuestion) ask = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done =
      lodge_machine1_call_accept_paths_finish (LODGE_MACHINE1 (source), result, &error);

  if (!lodge_machine_question_is_open (ask))
    return;
  if (done) {
    ask->answered (ask->user_data);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (ask->parent, ask->heading, error);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  LodgeMachineQuestion *ask = user_data;
  const Own *own = ask->own;

  if (g_str_equal (response, LODGE_MESSAGE_ACT) && lodge_machine_question_is_open (ask))
    lodge_machine1_call_accept_paths (ask->machine, (const char *const *) own->paths, NULL,
                                      accepted_cb, lodge_machine_question_ref (ask));
}

/* What only a snapshot names is asked for when the machine has gone back to it. */
static char *
dup_list (LodgeMachineQuestion *ask)
{
  Own *own = ask->own;
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
  own->paths = g_strv_builder_end (paths);
  return g_string_free (list, FALSE);
}

/* Somebody else has done it. */
static void
paths_cb (LodgeMachineQuestion *ask)
{
  GVariant *paths = lodge_machine1_get_outside_paths (ask->machine);

  if (paths == NULL || g_variant_n_children (paths) == 0)
    lodge_machine_question_take_back (ask);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineQuestion) ask = user_data;
  const Own *own = ask->own;
  g_autofree char *list = NULL;
  g_autofree char *question = NULL;
  g_autofree char *body = NULL;

  ask->machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, NULL);
  if (!lodge_machine_question_is_open (ask))
    return;
  list = ask->machine != NULL ? dup_list (ask) : g_strdup ("");
  if (*list == '\0') {
    lodge_message_show_error (ask->parent, ask->heading, own->error);
    return;
  }
  question = g_strdup_printf (_ ("Let “%s” Have These Files?"), ask->name);
  body = g_strdup_printf (_ ("This machine came from elsewhere. It would read, and perhaps change, "
                             "files of yours:\n%s"),
                          list);
  lodge_machine_question_show (
      ask, lodge_message_ask (ask->parent, question, body, _ ("_Accept and Start")),
      G_CALLBACK (answered_cb));
  g_signal_connect_swapped (ask->machine, "notify::outside-paths", G_CALLBACK (paths_cb), ask);
}

void
lodge_outside_ask (GtkWindow *parent,
                   LodgeClient *client,
                   const char *uuid,
                   const char *name,
                   const char *heading,
                   const GError *error,
                   LodgeMachineAnswered accepted,
                   gpointer user_data,
                   GDestroyNotify free_data)
{
  LodgeMachineQuestion *ask;
  Own *own;

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
  ask = lodge_machine_question_new (parent, client, uuid, name, heading, accepted, user_data,
                                    free_data);
  if (ask == NULL)
    return;
  own = g_new0 (Own, 1);
  own->error = g_error_copy (error);
  ask->own = own;
  ask->free_own = own_free;
  lodge_client_open_machine_async (client, uuid, NULL, opened_cb, ask);
}
