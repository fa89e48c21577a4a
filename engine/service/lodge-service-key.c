/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of an encrypted machine on the wire. Each method is one call into the machine room. */
#include "service/lodge-service-key.h"

#include "machine/lodge-machine-encrypt.h"
#include "machine/lodge-machine-key.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"

static LodgeMachine *
get_machine (LodgeMachine1 *object)
{
  return lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object));
}

static LodgeLibrary *
get_library (LodgeMachine1 *object)
{
  return lodge_service_machine_get_library (LODGE_SERVICE_MACHINE (object));
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_key_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_unlock (LodgeMachine1 *object, GDBusMethodInvocation *invocation, GVariant *bytes)
{
  GError *error = NULL;
  g_autoptr (LodgeSecret) passphrase = lodge_passphrase_read (bytes, &error);

  if (passphrase == NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    lodge_machine_unlock_async (get_machine (object), passphrase, done_cb, invocation);
  return TRUE;
}

static gboolean
handle_lock (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  GError *error = NULL;

  if (lodge_machine_lock (get_machine (object), &error))
    lodge_machine1_complete_lock (object, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
handle_remember (LodgeMachine1 *object, GDBusMethodInvocation *invocation, gboolean remember)
{
  lodge_machine_remember_async (get_machine (object), remember, done_cb, invocation);
  return TRUE;
}

static gboolean
handle_change (LodgeMachine1 *object,
               GDBusMethodInvocation *invocation,
               GVariant *bytes,
               GVariant *next_bytes)
{
  GError *error = NULL;
  g_autoptr (LodgeSecret) passphrase = lodge_passphrase_read (bytes, &error);
  g_autoptr (LodgeSecret) next = NULL;

  if (passphrase != NULL)
    next = lodge_passphrase_read (next_bytes, &error);
  if (next == NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    lodge_machine_change_passphrase_async (get_machine (object), passphrase, next, done_cb,
                                           invocation);
  return TRUE;
}

static gboolean
handle_check_encrypt (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  GError *error = NULL;

  if (lodge_machine_check_encrypt (get_machine (object), &error))
    lodge_machine1_complete_check_encrypt (object, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
handle_encrypt (LodgeMachine1 *object,
                GDBusMethodInvocation *invocation,
                GVariant *bytes,
                gboolean remember)
{
  GError *error = NULL;
  g_autoptr (LodgeSecret) passphrase = lodge_passphrase_read (bytes, &error);
  LodgeJob *job;

  if (passphrase == NULL) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  job = lodge_library_encrypt (get_library (object), get_machine (object), passphrase, remember);
  lodge_machine1_complete_encrypt (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_decrypt (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeJob *job = lodge_library_decrypt (get_library (object), get_machine (object));

  lodge_machine1_complete_decrypt (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

void
lodge_service_key_init (LodgeMachine1Iface *iface)
{
  iface->handle_unlock = handle_unlock;
  iface->handle_lock = handle_lock;
  iface->handle_remember_key = handle_remember;
  iface->handle_change_passphrase = handle_change;
  iface->handle_check_encrypt = handle_check_encrypt;
  iface->handle_encrypt = handle_encrypt;
  iface->handle_decrypt = handle_decrypt;
}
