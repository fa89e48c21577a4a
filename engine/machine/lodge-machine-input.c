/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typing and pressing keys in a guest through QMP, and its absolute pointer. */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "lodge-key-names.h"
#include "lodge-pointer-limits.h"
#include "qemu/lodge-qemu-pointer.h"

#include <glib/gi18n-lib.h>

/* Keys that are down together; a text is a list of them. The guest needs time to see each: a PS/2
 * keyboard's buffer holds 16 bytes (QEMU hw/input/ps2.c, PS2_QUEUE_SIZE), and installers drop keys
 * that come faster than their event loop turns. */
#define HOLD_MS 20
#define GAP_MS  30
/* More than a screenful of text is a file, not typing. */
#define MAX_TEXT_BYTES 4096

typedef struct {
  GPtrArray *chords; /* of char **: QKeyCode names */
  guint next;
} Typing;

static void
typing_free (Typing *typing)
{
  g_clear_pointer (&typing->chords, g_ptr_array_unref);
  g_free (typing);
}

static void send_next (GTask *task);

static gboolean
gap_cb (gpointer user_data)
{
  send_next (user_data);
  return G_SOURCE_REMOVE;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Typing *typing = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
  } else if (typing->next >= typing->chords->len) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
  } else {
    g_timeout_add (HOLD_MS + GAP_MS, gap_cb, task);
  }
}

static void
send_next (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Typing *typing = g_task_get_task_data (task);
  char **chord = typing->chords->pdata[typing->next++];
  JsonObject *arguments = json_object_new ();
  JsonArray *keys = json_array_new ();

  if (self->qmp == NULL) {
    json_object_unref (arguments);
    json_array_unref (keys);
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("“%s” went off while keys were being typed"),
                             lodge_machine_get_name (self));
    g_object_unref (task);
    return;
  }

  for (guint i = 0; chord[i] != NULL; i++) {
    JsonObject *key = json_object_new ();

    json_object_set_string_member (key, "type", "qcode");
    json_object_set_string_member (key, "data", chord[i]);
    json_array_add_object_element (keys, key);
  }
  json_object_set_array_member (arguments, "keys", keys);
  json_object_set_int_member (arguments, "hold-time", HOLD_MS);
  lodge_qmp_execute_async (self->qmp, "send-key", arguments, 0, NULL, sent_cb, task);
}

/* Takes @chords; %NULL with @error set ends the task. */
static void
type_chords (LodgeMachine *self, GPtrArray *chords, GError *error, GTask *task)
{
  Typing *typing;

  if (chords == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  typing = g_new0 (Typing, 1);
  typing->chords = chords;
  g_task_set_task_data (task, typing, (GDestroyNotify) typing_free);
  if (chords->len == 0) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  send_next (task);
}

static GTask *
begin_input (LodgeMachine *self, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, tag);
  if (lodge_machine_check_action (self, LODGE_ACTION_INPUT, &error))
    return g_steal_pointer (&task);
  g_task_return_error (task, error);
  return NULL;
}

void
lodge_machine_type_async (LodgeMachine *self,
                          const char *text,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = begin_input (self, lodge_machine_type_async, callback, user_data);
  GPtrArray *chords = NULL;
  GError *error = NULL;

  if (task == NULL)
    return;
  if (strlen (text) > MAX_TEXT_BYTES)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("At most %d bytes can be typed at once"), MAX_TEXT_BYTES);
  else
    chords = lodge_key_names_from_text (text, &error);
  type_chords (self, chords, error, task);
}

void
lodge_machine_keys_async (LodgeMachine *self,
                          const char *keys,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = begin_input (self, lodge_machine_keys_async, callback, user_data);
  GPtrArray *chords = NULL;
  char **chord;
  GError *error = NULL;

  if (task == NULL)
    return;
  chord = lodge_key_names_parse (keys, &error);
  if (chord != NULL) {
    chords = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
    g_ptr_array_add (chords, chord);
  }
  type_chords (self, chords, error, task);
}

gboolean
lodge_machine_input_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- pointer */

/* Returns: NULL: the task has ended. */
static GTask *
begin_pointer (LodgeMachine *self, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = begin_input (self, tag, callback, user_data);
  GError *error = NULL;

  if (task == NULL || lodge_machine_check_qmp (self, &error))
    return task;
  g_task_return_error (task, error);
  g_object_unref (task);
  return NULL;
}

static void
pointed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_qemu_pointer_move_finish (LODGE_QMP (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_point_async (LodgeMachine *self,
                           guint x,
                           guint y,
                           guint buttons,
                           int notches,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = begin_pointer (self, lodge_machine_point_async, callback, user_data);

  if (task == NULL)
    return;
  if (x > LODGE_POINTER_MAX || y > LODGE_POINTER_MAX || buttons > LODGE_POINTER_BUTTONS ||
      notches < -LODGE_POINTER_NOTCHES || notches > LODGE_POINTER_NOTCHES) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("No pointer can be at %u, %u with buttons %u and %d notches"), x, y,
                             buttons, notches);
    g_object_unref (task);
  } else {
    lodge_qemu_pointer_move_async (self->qmp, x, y, buttons, notches, pointed_cb, task);
  }
}

static void
queried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  const int absolute = lodge_qemu_pointer_query_finish (LODGE_QMP (source), result, &error);

  if (absolute >= 0)
    g_task_return_int (task, absolute);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_query_pointer_async (LodgeMachine *self,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = begin_pointer (self, lodge_machine_query_pointer_async, callback, user_data);

  if (task != NULL)
    lodge_qemu_pointer_query_async (self->qmp, queried_cb, task);
}

int
lodge_machine_query_pointer_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), -1);
  return (int) g_task_propagate_int (G_TASK (result), error);
}
