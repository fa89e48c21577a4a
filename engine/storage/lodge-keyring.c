/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of machines in the user's keyring. */
#include "storage/lodge-keyring.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

/* A keyring that is locked asks its user, who may be at lunch; below what clients wait. */
#define LIMIT_S 40

static const SecretSchema schema = {
    "org.lodgevm.Machine",
    SECRET_SCHEMA_NONE,
    {{"machine", SECRET_SCHEMA_ATTRIBUTE_STRING}, {NULL, 0}},
};

/* One question to the keyring: the data of the task. */
typedef struct {
  GCancellable *stop;
  guint timeout;
} Ask;

static void
ask_free (gpointer data)
{
  Ask *ask = data;

  g_clear_handle_id (&ask->timeout, g_source_remove);
  g_object_unref (ask->stop);
  g_free (ask);
}

static gboolean
late_cb (gpointer user_data)
{
  Ask *ask = user_data;

  ask->timeout = 0;
  g_cancellable_cancel (ask->stop);
  return G_SOURCE_REMOVE;
}

/* Without a session's bus libsecret would have one started, for nobody. */
static gboolean
is_here (void)
{
  g_autofree char *path = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);

  return g_getenv ("SECRET_BACKEND") != NULL || g_getenv ("DBUS_SESSION_BUS_ADDRESS") != NULL ||
         g_file_test (path, G_FILE_TEST_EXISTS);
}

/* NULL: there is none, and that was told. */
static Ask *
begin (GTask *task, gpointer tag)
{
  Ask *ask;

  g_task_set_source_tag (task, tag);
  if (!is_here ()) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_HOST,
                             _ ("There is no keyring in this session"));
    return NULL;
  }
  /* libsecret would set libgcrypt up in its own way, for all of this program. */
  lodge_secret_init_crypto ();
  ask = g_new0 (Ask, 1);
  ask->stop = g_cancellable_new ();
  ask->timeout = g_timeout_add_seconds (LIMIT_S, late_cb, ask);
  g_task_set_task_data (task, ask, ask_free);
  return ask;
}

/* Takes @why. */
static void
fail (GTask *task, GError *why)
{
  const Ask *ask = g_task_get_task_data (task);

  if (g_cancellable_is_cancelled (ask->stop))
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("The keyring did not answer within %d seconds"), LIMIT_S);
  else
    g_task_return_new_error (task, LODGE_ERROR,
                             why->domain == G_DBUS_ERROR ? LODGE_ERROR_HOST : LODGE_ERROR_FAILED,
                             _ ("The keyring cannot be used: %s"), why->message);
  g_error_free (why);
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (secret_password_store_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    fail (task, error);
}

void
lodge_keyring_store_async (const char *uuid,
                           const char *name,
                           LodgeSecret *key,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (LodgeSecret) text = lodge_secret_to_base64 (key);
  g_autofree char *label = g_strdup_printf (_ ("Key of Lodge's machine “%s”"), name);
  Ask *ask = begin (task, lodge_keyring_store_async);

  /* A page of zeros is behind the text. */
  if (ask != NULL)
    secret_password_store (&schema, SECRET_COLLECTION_DEFAULT, label,
                           (const char *) lodge_secret_get (text), ask->stop, stored_cb,
                           g_steal_pointer (&task), "machine", uuid, NULL);
}

gboolean
lodge_keyring_store_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_keyring_store_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeSecret *key = NULL;
  GError *error = NULL;
  char *text = secret_password_lookup_nonpageable_finish (result, &error);

  if (text != NULL)
    key = lodge_secret_new_from_base64 (text);
  secret_password_free (text);
  if (error != NULL)
    fail (task, error);
  else if (key == NULL)
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                             _ ("The keyring does not have the machine's key"));
  else
    g_task_return_pointer (task, key, (GDestroyNotify) lodge_secret_unref);
}

void
lodge_keyring_look_up_async (const char *uuid, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Ask *ask = begin (task, lodge_keyring_look_up_async);

  if (ask != NULL)
    secret_password_lookup (&schema, ask->stop, looked_up_cb, g_steal_pointer (&task), "machine",
                            uuid, NULL);
}

LodgeSecret *
lodge_keyring_look_up_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_keyring_look_up_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
cleared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  secret_password_clear_finish (result, &error);
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else
    fail (task, error);
}

void
lodge_keyring_clear_async (const char *uuid, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Ask *ask = begin (task, lodge_keyring_clear_async);

  if (ask != NULL)
    secret_password_clear (&schema, ask->stop, cleared_cb, g_steal_pointer (&task), "machine", uuid,
                           NULL);
}

gboolean
lodge_keyring_clear_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_keyring_clear_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
