/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers that a running QEMU's disks stand on.
 *
 * For each new layer, the lowest first:
 * - blockdev-del of it and of its file: what another attempt has left; where it is in use all is as
 *   it should be.
 * - add-fd and blockdev-add: its file.
 * - blockdev-add: the layer, on the node that is below it.
 * - blockdev-reopen: what is above it stands on it from now on.
 *
 * Then blockdev-del of each of the old ones and of its file; QEMU does not let go of one that is in
 * use. At the end query-fdsets and remove-fd: their descriptors, which are known by the layer's
 * name.
 *
 * blockdev-reopen (QEMU 6.1, qapi/block-core.json; tests/qemu-iotests/245) changes an option where
 * it is another, all or none of them, and one that is left out becomes its default: so they are the
 * same as in lodge-block-node.c. That of a frozen layer which was written to earlier in this run
 * has been made read-only by QEMU, and what it had of how to write is of no more use.
 *
 * QEMU is not asked which nodes it has: "query-named-block-nodes" puts together names that grow
 * with the chain, for each of its nodes anew, and the guest stands still over that: for most of a
 * minute with 200 layers (QEMU 7.2).
 */
#include "qemu/lodge-qemu-chain.h"

#include "lodge-error.h"
#include "qemu/lodge-block-node.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* Opening an image takes its time on a disk that is busy. */
#define COMMAND_MS 60000
/* QEMU's words, for which there is no class of errors (blockdev.c, qmp_blockdev_del()). */
#define IS_NOT_THERE "Failed to find node"

typedef struct {
  char *id;
  char *above;
  char *below;
  gboolean top;
  int fd;
  gint64 set;
} Link;

typedef enum {
  STEP_TRY,    /* whatever comes of it */
  STEP_PROBE,  /* of a link: where it is in use there is nothing more to do */
  STEP_NEEDED, /* or all of the link is taken back */
  STEP_ABOVE,  /* the same, but for what is not there yet */
  STEP_DELETE, /* of a layer that is gone */
} StepKind;

typedef struct {
  StepKind kind;
  const char *command;
  JsonObject *arguments;
  int fd;         /* lent; goes with it, or -1 */
  const char *id; /* lent; of the layer */
} Step;

typedef enum {
  PHASE_LINKS,
  PHASE_GONE,
  PHASE_FDS,
  PHASE_END,
} Phase;

struct _LodgeQemuChain {
  gboolean encrypted;
  gboolean io_uring;
  GPtrArray *links;
  GPtrArray *gone;     /* ids of those that are still to be let go of */
  GHashTable *deleted; /* ids that QEMU has let go of */

  Phase phase;
  guint at; /* the link */
  guint n_deleted;
  GPtrArray *kept; /* ids of those that are in use still, of this round */
  GQueue steps;
  GError *error; /* what is told at the end */
};

static void
link_free (gpointer data)
{
  Link *link = data;

  g_free (link->id);
  g_free (link->above);
  g_free (link->below);
  close (link->fd);
  g_free (link);
}

static void
step_free (gpointer data)
{
  Step *step = data;

  g_clear_pointer (&step->arguments, json_object_unref);
  g_free (step);
}

LodgeQemuChain *
lodge_qemu_chain_new (gboolean encrypted, gboolean io_uring)
{
  LodgeQemuChain *self = g_new0 (LodgeQemuChain, 1);

  self->encrypted = encrypted;
  self->io_uring = io_uring;
  self->links = g_ptr_array_new_with_free_func (link_free);
  self->gone = g_ptr_array_new_with_free_func (g_free);
  self->kept = g_ptr_array_new_with_free_func (g_free);
  self->deleted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
lodge_qemu_chain_free (LodgeQemuChain *self)
{
  g_ptr_array_unref (self->links);
  g_ptr_array_unref (self->gone);
  g_ptr_array_unref (self->kept);
  g_hash_table_unref (self->deleted);
  g_queue_clear_full (&self->steps, step_free);
  g_clear_error (&self->error);
  g_free (self);
}

void
lodge_qemu_chain_add_layer (
    LodgeQemuChain *self, const LodgeLayer *layer, const char *above, gboolean top, int fd)
{
  Link *link = g_new0 (Link, 1);

  link->id = g_strdup (layer->id);
  link->above = g_strdup (above);
  link->below = g_strdup (layer->below);
  link->top = top;
  link->fd = fd;
  /* A number that QEMU has not yet. */
  link->set = g_random_int_range (1000, G_MAXINT32);
  g_ptr_array_add (self->links, link);
}

void
lodge_qemu_chain_add_gone (LodgeQemuChain *self, const char *layer)
{
  g_ptr_array_add (self->gone, g_strdup (layer));
}

/* Steps, one after the other. */

static Step *
add_step (
    LodgeQemuChain *self, StepKind kind, const char *command, JsonObject *arguments, const char *id)
{
  Step *step = g_new0 (Step, 1);

  step->kind = kind;
  step->command = command;
  step->arguments = arguments;
  step->fd = -1;
  step->id = id;
  g_queue_push_tail (&self->steps, step);
  return step;
}

static void
add_delete (LodgeQemuChain *self, StepKind kind, const char *id)
{
  g_autofree char *file = g_strconcat (id, "-file", NULL);

  add_step (self, kind, "blockdev-del", lodge_qmp_arguments ("node-name", id, NULL), id);
  /* That of a snapshot's top is gone with it. */
  add_step (self, STEP_TRY, "blockdev-del", lodge_qmp_arguments ("node-name", file, NULL), id);
}

static void
add_remove_fd (LodgeQemuChain *self, gint64 set)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_int_member (arguments, "fdset-id", set);
  add_step (self, STEP_TRY, "remove-fd", arguments, NULL);
}

/* What is above the new layer, on that. */
static JsonObject *
new_reopen (LodgeQemuChain *self, const Link *link)
{
  const LodgeBlockImage image = {
      .name = link->above,
      .format = "qcow2",
      .below = link->id,
      .written = link->top,
      .disk = TRUE,
      .encrypted = self->encrypted,
  };
  JsonObject *arguments = json_object_new ();
  JsonArray *options = json_array_new ();

  json_array_add_object_element (options, lodge_block_node_new_format (&image));
  json_object_set_array_member (arguments, "options", options);
  return arguments;
}

static gboolean
is_link_above (const LodgeQemuChain *self, const Link *link)
{
  for (guint i = 0; i < self->links->len; i++) {
    if (g_str_equal (((const Link *) self->links->pdata[i])->id, link->above))
      return TRUE;
  }
  return FALSE;
}

static void
add_link (LodgeQemuChain *self, Link *link)
{
  g_autofree char *path = g_strdup_printf ("/dev/fdset/%" G_GINT64_FORMAT, link->set);
  const LodgeBlockImage image = {
      .name = link->id,
      .path = path,
      .format = "qcow2",
      .below = link->below,
      .disk = TRUE,
      .encrypted = self->encrypted,
      .io_uring = self->io_uring,
  };
  JsonObject *set = lodge_qmp_arguments ("opaque", link->id, NULL);

  json_object_set_int_member (set, "fdset-id", link->set);
  add_delete (self, STEP_PROBE, link->id);
  add_step (self, STEP_NEEDED, "add-fd", set, link->id)->fd = link->fd;
  add_step (self, STEP_NEEDED, "blockdev-add", lodge_block_node_new_file (&image), link->id);
  add_step (self, STEP_NEEDED, "blockdev-add", lodge_block_node_new_format (&image), link->id);
  /* What is above it may be the next one, which QEMU has not yet. */
  add_step (self, is_link_above (self, link) ? STEP_ABOVE : STEP_NEEDED, "blockdev-reopen",
            new_reopen (self, link), link->id);
}

static void next (GTask *task);

/* @why: what went wrong, or nothing; taken where it is an error for all. */
static void
take_result (LodgeQemuChain *self, const Step *step, GError **why)
{
  const Link *link = self->phase == PHASE_LINKS ? self->links->pdata[self->at - 1] : NULL;

  if (step->kind == STEP_DELETE && *why == NULL) {
    g_hash_table_add (self->deleted, g_strdup (step->id));
    self->n_deleted++;
  }
  if (*why == NULL || step->kind == STEP_TRY ||
      (step->kind != STEP_NEEDED && strstr ((*why)->message, IS_NOT_THERE) != NULL))
    return;
  if (step->kind == STEP_DELETE) {
    g_ptr_array_add (self->kept, g_strdup (step->id));
    g_clear_error (&self->error);
    self->error = g_steal_pointer (why);
    return;
  }
  g_queue_clear_full (&self->steps, step_free);
  if (step->kind == STEP_PROBE)
    return;
  /* Nothing is on the new one: it goes again. */
  self->error = g_steal_pointer (why);
  self->phase = PHASE_END;
  add_delete (self, STEP_TRY, link->id);
  add_remove_fd (self, link->set);
}

static void
stepped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeQemuChain *self = g_task_get_task_data (task);
  Step *step = g_queue_pop_head (&self->steps);
  g_autoptr (GError) why = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &why);

  if (answer == NULL)
    g_debug ("%s: %s", step->command, why->message);
  /* One that is gone, or does not answer, is told nothing more. */
  if (answer == NULL && (lodge_qmp_is_closed (LODGE_QMP (source)) ||
                         g_error_matches (why, LODGE_ERROR, LODGE_ERROR_TIMEOUT))) {
    step_free (step);
    g_task_return_error (task, g_steal_pointer (&why));
    g_object_unref (task);
    return;
  }
  take_result (self, step, &why);
  step_free (step);
  next (task);
}

/* The descriptors of what is gone. */
static void
fdsets_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeQemuChain *self = g_task_get_task_data (task);
  g_autoptr (GError) why = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &why);
  JsonArray *sets =
      answer != NULL && JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  for (guint i = 0; sets != NULL && i < json_array_get_length (sets); i++) {
    JsonNode *node = json_array_get_element (sets, i);
    JsonObject *set = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    JsonNode *fds = set != NULL ? json_object_get_member (set, "fds") : NULL;
    JsonArray *array =
        fds != NULL && JSON_NODE_HOLDS_ARRAY (fds) ? json_node_get_array (fds) : NULL;
    JsonNode *first = array != NULL && json_array_get_length (array) > 0
                          ? json_array_get_element (array, 0)
                          : NULL;
    const char *name = first != NULL && JSON_NODE_HOLDS_OBJECT (first)
                           ? lodge_json_get_string (json_node_get_object (first), "opaque")
                           : NULL;

    if (name != NULL && g_hash_table_contains (self->deleted, name))
      add_remove_fd (self, lodge_json_get_int (set, "fdset-id", -1));
  }
  next (task);
}

/* What comes when there is no step left. */
static void
advance (GTask *task)
{
  LodgeQemuChain *self = g_task_get_task_data (task);
  LodgeQmp *qmp = g_task_get_source_object (task);

  switch (self->phase) {
  case PHASE_LINKS:
    if (self->at < self->links->len) {
      add_link (self, self->links->pdata[self->at++]);
      break;
    }
    self->phase = PHASE_GONE;
    for (guint i = 0; i < self->gone->len; i++)
      add_delete (self, STEP_DELETE, self->gone->pdata[i]);
    break;
  case PHASE_GONE:
    /* What stood on one that was kept may have gone after it. */
    if (self->n_deleted > 0 && self->kept->len > 0) {
      g_ptr_array_unref (self->gone);
      self->gone = g_steal_pointer (&self->kept);
      self->kept = g_ptr_array_new_with_free_func (g_free);
      self->n_deleted = 0;
      g_clear_error (&self->error);
      for (guint i = 0; i < self->gone->len; i++)
        add_delete (self, STEP_DELETE, self->gone->pdata[i]);
      break;
    }
    self->phase = PHASE_FDS;
    lodge_qmp_execute_async (qmp, "query-fdsets", NULL, COMMAND_MS, NULL, fdsets_cb, task);
    return;
  case PHASE_FDS:
  case PHASE_END:
    if (self->error != NULL)
      g_task_return_error (task, g_steal_pointer (&self->error));
    else
      g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  next (task);
}

static void
next (GTask *task)
{
  LodgeQemuChain *self = g_task_get_task_data (task);
  LodgeQmp *qmp = g_task_get_source_object (task);
  Step *step = g_queue_peek_head (&self->steps);

  if (step == NULL)
    advance (task);
  else if (step->fd >= 0)
    lodge_qmp_execute_with_fd_async (qmp, step->command, g_steal_pointer (&step->arguments),
                                     step->fd, NULL, stepped_cb, task);
  else
    lodge_qmp_execute_async (qmp, step->command, g_steal_pointer (&step->arguments), COMMAND_MS,
                             NULL, stepped_cb, task);
}

/* Whether QEMU has its disks (qapi/run-state.json, RunState). */

static void
status_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  static const char *const away[] = {"inmigrate",  "postmigrate", "finish-migrate",
                                     "restore-vm", "save-vm",     NULL};
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  const char *status = NULL;

  if (answer != NULL && JSON_NODE_HOLDS_OBJECT (answer))
    status = lodge_json_get_string (json_node_get_object (answer), "status");
  if (answer == NULL)
    g_task_return_error (task, error);
  else if (status == NULL || g_strv_contains (away, status))
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_BUSY,
                             _ ("QEMU has put the guest's disks aside until the guest goes on"));
  else
    g_task_return_boolean (task, TRUE);
}

void
lodge_qemu_chain_check_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (qmp, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_qemu_chain_check_async);
  lodge_qmp_execute_async (qmp, "query-status", NULL, COMMAND_MS, NULL, status_cb, task);
}

gboolean
lodge_qemu_chain_check_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_chain_check_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (lodge_qemu_chain_check_finish (LODGE_QMP (source), result, &error)) {
    next (task);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

void
lodge_qemu_chain_settle_async (LodgeQmp *qmp,
                               LodgeQemuChain *chain,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (qmp, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_qemu_chain_settle_async);
  g_task_set_task_data (task, chain, (GDestroyNotify) lodge_qemu_chain_free);
  lodge_qemu_chain_check_async (qmp, checked_cb, task);
}

gboolean
lodge_qemu_chain_settle_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_chain_settle_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
