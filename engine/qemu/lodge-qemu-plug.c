/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks and USB sticks that are plugged into a running QEMU, and taken out of it.
 *
 *   in    add-fd, blockdev-add x 2   each layer, from the lowest up: as the command line has it
 *         object-add                 the thread of a virtio disk
 *         device_add                 the guest is told
 *   out   device_del                 the guest is asked
 *         DEVICE_DELETED             it has let go
 *         object-del                 the thread
 *         blockdev-del x 2, remove-fd   each layer, from the top down, until one is another disk's
 *
 * QEMU cannot open a file that was not named at its start, so it is given descriptors. Which of its
 * sets a node has is told by that node's file name, "/dev/fdset/N", also to an engine that did not
 * put it there (QEMU: qapi/block-core.json, qapi/qdev.json; docs/system/device-emulation).
 */
#include "qemu/lodge-qemu-plug.h"

#include "lodge-error.h"
#include "qemu/lodge-block-node.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* Opening an image takes its time on a disk that is busy. */
#define COMMAND_MS 60000
#define FD_FOLDER  "/dev/fdset/"
/* QEMU's words where a guest was asked before and has not answered (softmmu/qdev-monitor.c,
 * qmp_device_del); there is no class of errors for it. */
#define ASKED_ALREADY "already in the process of unplug"

guint lodge_qemu_unplug_ms = LODGE_QEMU_UNPLUG_MS;

typedef struct {
  char *id;
  char *format;
  char *below; /* or NULL */
  int fd;      /* or -1 */
  gint64 set;  /* that QEMU was given it in, or 0 */
  gboolean device;
} Layer;

typedef struct {
  const char *command;
  JsonObject *arguments;
  int fd;             /* lent; goes with it, or -1 */
  gboolean may_fail;  /* the next one follows */
  gboolean ends_them; /* where it fails none follows, which is no error */
} Step;

struct _LodgeQemuPlug {
  char *id;
  const char *driver;
  GStrv properties;
  char *iothread;     /* or NULL */
  gboolean read_only; /* a stick's image, which is nothing else than read */
  gboolean encrypted;
  gboolean io_uring;
  GPtrArray *layers; /* from the top down */

  /* Of what is under way. */
  GTask *task;       /* until it has ended */
  GHashTable *nodes; /* what QEMU has: its name to its file's */
  GQueue steps;
  void (*then) (GTask *task, GError *error); /* after the steps */
  gboolean in;                               /* else out */
  gboolean asked;                            /* the guest, and it has not answered */
  GError *error;                             /* what is told once all was taken back */
  GCancellable *cancellable;
  gulong cancel_id, event_id, closed_id;
  guint limit;
};

static void
layer_free (gpointer data)
{
  Layer *layer = data;

  g_free (layer->id);
  g_free (layer->format);
  g_free (layer->below);
  if (layer->fd >= 0)
    close (layer->fd);
  g_free (layer);
}

static void
step_free (gpointer data)
{
  Step *step = data;

  g_clear_pointer (&step->arguments, json_object_unref);
  g_free (step);
}

LodgeQemuPlug *
lodge_qemu_plug_new (const LodgeDisk *disk, gboolean encrypted, gboolean io_uring)
{
  LodgeQemuPlug *self = g_new0 (LodgeQemuPlug, 1);

  self->id = g_strdup (disk->id);
  self->driver = lodge_block_get_driver (disk);
  self->properties = lodge_block_list_properties (disk, 0);
  self->iothread = lodge_block_dup_iothread (disk);
  self->encrypted = encrypted;
  self->io_uring = io_uring;
  self->layers = g_ptr_array_new_with_free_func (layer_free);
  return self;
}

LodgeQemuPlug *
lodge_qemu_plug_new_stick (const LodgeStick *stick, int fd)
{
  LodgeQemuPlug *self = g_new0 (LodgeQemuPlug, 1);
  const LodgeLayer image = {.id = stick->id, .format = (char *) "raw", .host_disk = (char *) ""};

  self->id = g_strdup (stick->id);
  self->driver = LODGE_BLOCK_STICK_DRIVER;
  self->properties = lodge_block_list_stick_properties (stick, 0);
  self->read_only = TRUE;
  self->layers = g_ptr_array_new_with_free_func (layer_free);
  lodge_qemu_plug_add_layer (self, &image, fd);
  return self;
}

void
lodge_qemu_plug_add_layer (LodgeQemuPlug *self, const LodgeLayer *layer, int fd)
{
  Layer *copy = g_new0 (Layer, 1);

  copy->id = g_strdup (layer->id);
  copy->format = g_strdup (layer->format);
  copy->below = g_strdup (layer->below);
  copy->fd = fd;
  copy->device = layer->host_disk[0] != '\0';
  g_ptr_array_add (self->layers, copy);
}

void
lodge_qemu_plug_free (LodgeQemuPlug *self)
{
  g_free (self->id);
  g_strfreev (self->properties);
  g_free (self->iothread);
  g_ptr_array_unref (self->layers);
  g_clear_pointer (&self->nodes, g_hash_table_unref);
  g_queue_clear_full (&self->steps, step_free);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);
  g_free (self);
}

static void
stop_waiting (LodgeQemuPlug *self, LodgeQmp *qmp)
{
  self->asked = FALSE;
  g_clear_handle_id (&self->limit, g_source_remove);
  g_clear_signal_handler (&self->event_id, qmp);
  g_clear_signal_handler (&self->closed_id, qmp);
  if (self->cancel_id != 0)
    g_cancellable_disconnect (self->cancellable, self->cancel_id);
  self->cancel_id = 0;
}

/* Takes @error, which may be none. */
static void
end (GTask *task_given, GError *error)
{
  LodgeQemuPlug *self = g_task_get_task_data (task_given);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  if (task == NULL) {
    g_clear_error (&error);
    return;
  }
  stop_waiting (self, g_task_get_source_object (task));
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* Steps, one after the other. */

static void next (GTask *task);

static Step *
add_step (LodgeQemuPlug *self, const char *command, JsonObject *arguments)
{
  Step *step = g_new0 (Step, 1);

  step->command = command;
  step->arguments = arguments;
  step->fd = -1;
  g_queue_push_tail (&self->steps, step);
  return step;
}

static JsonObject *
new_number (const char *name, gint64 value)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_int_member (arguments, name, value);
  return arguments;
}

static void
stepped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);
  Step *step = g_queue_pop_head (&self->steps);
  const gboolean may_fail = step->may_fail;
  const gboolean ends_them = step->ends_them;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL)
    g_debug ("%s: %s", step->command, error->message);
  step_free (step);
  if (answer == NULL && !may_fail) {
    g_queue_clear_full (&self->steps, step_free);
    if (!ends_them) {
      self->then (task, error);
      return;
    }
  }
  g_clear_error (&error);
  next (task);
}

static void
next (GTask *task)
{
  LodgeQemuPlug *self = g_task_get_task_data (task);
  LodgeQmp *qmp = g_task_get_source_object (task);
  Step *step = g_queue_peek_head (&self->steps);

  if (step == NULL)
    self->then (task, NULL);
  else if (step->fd >= 0)
    lodge_qmp_execute_with_fd_async (qmp, step->command, g_steal_pointer (&step->arguments),
                                     step->fd, NULL, stepped_cb, g_object_ref (task));
  else
    lodge_qmp_execute_async (qmp, step->command, g_steal_pointer (&step->arguments), COMMAND_MS,
                             NULL, stepped_cb, g_object_ref (task));
}

/* What QEMU has of it. */

static void
read_nodes (LodgeQemuPlug *self, JsonNode *answer)
{
  JsonArray *all = JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  g_clear_pointer (&self->nodes, g_hash_table_unref);
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; all != NULL && i < json_array_get_length (all); i++) {
    JsonNode *node = json_array_get_element (all, i);
    JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *name = object != NULL ? lodge_json_get_string (object, "node-name") : NULL;
    const char *file = object != NULL ? lodge_json_get_string (object, "file") : NULL;

    if (name != NULL)
      g_hash_table_insert (self->nodes, g_strdup (name), g_strdup (file != NULL ? file : ""));
  }
}

static void
ask_nodes (GTask *task, GAsyncReadyCallback callback)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_boolean_member (arguments, "flat", TRUE);
  lodge_qmp_execute_async (g_task_get_source_object (task), "query-named-block-nodes", arguments,
                           COMMAND_MS, NULL, callback, g_object_ref (task));
}

/* Letting go: of what no device is on. */

static void
add_release (LodgeQemuPlug *self, const Layer *layer)
{
  g_autofree char *file = g_strconcat (layer->id, "-file", NULL);
  const char *name = g_hash_table_lookup (self->nodes, file);
  guint64 set = 0;

  if (g_hash_table_contains (self->nodes, layer->id))
    add_step (self, "blockdev-del", lodge_qmp_arguments ("node-name", layer->id, NULL))->ends_them =
        TRUE;
  /* That of a snapshot's top is gone with it. */
  if (name != NULL)
    add_step (self, "blockdev-del", lodge_qmp_arguments ("node-name", file, NULL))->may_fail = TRUE;
  if (name != NULL && g_str_has_prefix (name, FD_FOLDER))
    (void) g_ascii_string_to_unsigned (name + strlen (FD_FOLDER), 10, 0, G_MAXINT64, &set, NULL);
  /* Of a file that QEMU was given and did not open there is no node. */
  else if (name == NULL)
    set = (guint64) layer->set;
  if (set != 0)
    add_step (self, "remove-fd", new_number ("fdset-id", (gint64) set))->may_fail = TRUE;
}

static void
release_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL) {
    self->then (task, error);
    return;
  }
  read_nodes (self, answer);
  /* One that is not there is what is wanted. */
  if (self->iothread != NULL)
    add_step (self, "object-del", lodge_qmp_arguments ("id", self->iothread, NULL))->may_fail =
        TRUE;
  for (guint i = 0; i < self->layers->len; i++) {
    const Layer *layer = self->layers->pdata[i];

    /* That of this computer's disk has the only descriptor that there can be. */
    if (!self->in || !layer->device || layer->fd >= 0)
      add_release (self, layer);
  }
  next (task);
}

/* Then calls @then. */
static void
release (GTask *task, void (*then) (GTask *task, GError *error))
{
  LodgeQemuPlug *self = g_task_get_task_data (task);

  self->then = then;
  ask_nodes (task, release_cb);
}

/* In. */

static void
taken_back (GTask *task, GError *error)
{
  LodgeQemuPlug *self = g_task_get_task_data (task);

  g_clear_error (&error);
  end (task, g_steal_pointer (&self->error));
}

static void
plugged (GTask *task, GError *error)
{
  LodgeQemuPlug *self = g_task_get_task_data (task);

  /* A QEMU that is gone has nothing left, and one that is silent may have done it. */
  if (error == NULL || g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT) ||
      lodge_qmp_is_closed (g_task_get_source_object (task))) {
    end (task, error);
    return;
  }
  self->error = error;
  release (task, taken_back);
}

static void
add_layer_steps (LodgeQemuPlug *self, Layer *layer, gboolean top)
{
  const gint64 set = g_random_int_range (1000, G_MAXINT32);
  g_autofree char *path = g_strdup_printf (FD_FOLDER "%" G_GINT64_FORMAT, set);
  const LodgeBlockImage image = {
      .name = layer->id,
      .path = path,
      .format = layer->format,
      .below = layer->below,
      .written = top && !self->read_only,
      .disk = !self->read_only,
      .encrypted = self->encrypted,
      .io_uring = self->io_uring,
      .device = layer->device,
  };
  JsonObject *given;

  layer->set = set;
  /* Whose it is, for lodge-qemu-chain.c. */
  given = new_number ("fdset-id", set);
  json_object_set_string_member (given, "opaque", layer->id);
  add_step (self, "add-fd", given)->fd = layer->fd;
  add_step (self, "blockdev-add", lodge_block_node_new_file (&image));
  add_step (self, "blockdev-add", lodge_block_node_new_format (&image));
}

static void
nodes_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);
  JsonObject *device;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL) {
    end (task, error);
    return;
  }
  read_nodes (self, answer);
  for (guint i = self->layers->len; i > 0; i--) {
    Layer *layer = self->layers->pdata[i - 1];

    if (!g_hash_table_contains (self->nodes, layer->id)) {
      add_layer_steps (self, layer, i == 1);
    } else if (i == 1 && !(layer->device && layer->fd < 0)) {
      /* Of that name, and not let go of just now: another's, with what that holds. A frozen one
       * that another disk stands on may be there, and so may this computer's disk. */
      g_queue_clear_full (&self->steps, step_free);
      end (task,
           g_error_new (
               LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("QEMU has not let go of an earlier disk “%s” yet: shut the guest down first"),
               self->id));
      return;
    }
  }
  if (self->iothread != NULL)
    add_step (self, "object-add",
              lodge_qmp_arguments ("qom-type", "iothread", "id", self->iothread, NULL));
  device = lodge_qmp_arguments ("driver", self->driver, NULL);
  for (guint i = 0; self->properties[i] != NULL; i += 2) {
    const char *value = self->properties[i + 1];

    /* From 9.2 on QEMU takes no text for what is none. */
    if (g_str_equal (value, "on"))
      json_object_set_boolean_member (device, self->properties[i], TRUE);
    else
      json_object_set_string_member (device, self->properties[i], value);
  }
  add_step (self, "device_add", device);
  self->then = plugged;
  next (task);
}

static void
cleared (GTask *task, GError *error)
{
  if (error != NULL)
    end (task, error);
  else
    ask_nodes (task, nodes_cb);
}

static GTask *
new_task (LodgeQmp *qmp, LodgeQemuPlug *plug, GAsyncReadyCallback callback, gpointer user_data)
{
  plug->task = g_task_new (qmp, NULL, callback, user_data);
  g_task_set_source_tag (plug->task, lodge_qemu_plug_finish);
  g_task_set_task_data (plug->task, plug, (GDestroyNotify) lodge_qemu_plug_free);
  return plug->task;
}

void
lodge_qemu_plug_in_async (LodgeQmp *qmp,
                          LodgeQemuPlug *plug,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  plug->in = TRUE;
  release (new_task (qmp, plug, callback, user_data), cleared);
}

/* Out. */

static void
released (GTask *task, GError *error)
{
  /* The guest has no such disk any more, which is what counts. */
  g_clear_error (&error);
  end (task, NULL);
}

static void
let_go (GTask *task)
{
  LodgeQemuPlug *self = g_task_get_task_data (task);

  if (!self->asked)
    return;
  stop_waiting (self, g_task_get_source_object (task));
  release (task, released);
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, GTask *task)
{
  const LodgeQemuPlug *self = g_task_get_task_data (task);
  const char *device = lodge_json_get_string (data, "device");

  if (g_strcmp0 (device, self->id) != 0 || !self->asked)
    return;
  if (g_str_equal (name, "DEVICE_DELETED"))
    let_go (task);
  else if (g_str_equal (name, "DEVICE_UNPLUG_GUEST_ERROR"))
    end (task, g_error_new (LODGE_ERROR, LODGE_ERROR_BUSY,
                            _ ("The guest does not let go of the disk “%s”: stop whatever uses it "
                               "there, unmount it, and try again"),
                            self->id));
}

static void
closed_cb (LodgeQmp *qmp, GTask *task)
{
  end (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU has ended meanwhile")));
}

static gboolean
limit_cb (gpointer user_data)
{
  GTask *task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);

  self->limit = 0;
  end (task,
       g_error_new (LODGE_ERROR, LODGE_ERROR_BUSY,
                    _ ("The guest has not let go of the disk “%s” within %u seconds, and keeps it. "
                       "It may have no system running that knows how, or not be far enough: wait "
                       "until it is up, unmount the disk there and try again, or remove it while "
                       "the machine is off"),
                    self->id, lodge_qemu_unplug_ms / 1000));
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, GTask *task)
{
  LodgeQemuPlug *self = g_task_get_task_data (task);

  /* Not disconnected from within its own call. */
  self->cancel_id = 0;
  end (task, g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled")));
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);
  g_autoptr (GHashTable) devices =
      lodge_qemu_list_devices_finish (LODGE_QMP (source), result, NULL);

  if (devices != NULL && !g_hash_table_contains (devices, self->id))
    let_go (task);
  else if (self->asked)
    end (task, g_steal_pointer (&self->error));
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeQemuPlug *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer != NULL || !self->asked || strstr (error->message, ASKED_ALREADY) != NULL) {
    g_clear_error (&error);
    return;
  }
  if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_FAILED)) {
    end (task, error);
    return;
  }
  /* A guest that was asked before may have done it just now. */
  g_clear_error (&self->error);
  self->error = error;
  lodge_qemu_list_devices_async (LODGE_QMP (source), listed_cb, g_steal_pointer (&task));
}

void
lodge_qemu_plug_out_async (LodgeQmp *qmp,
                           LodgeQemuPlug *plug,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (new_task (qmp, plug, callback, user_data));

  plug->asked = TRUE;
  plug->event_id = g_signal_connect (qmp, "event", G_CALLBACK (event_cb), task);
  plug->closed_id = g_signal_connect (qmp, "closed", G_CALLBACK (closed_cb), task);
  plug->limit = g_timeout_add (lodge_qemu_unplug_ms, limit_cb, task);
  if (cancellable != NULL) {
    plug->cancellable = g_object_ref (cancellable);
    plug->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), task, NULL);
    if (plug->task == NULL)
      return;
  }
  lodge_qmp_execute_async (qmp, "device_del", lodge_qmp_arguments ("id", plug->id, NULL),
                           COMMAND_MS, NULL, asked_cb, g_steal_pointer (&task));
}

gboolean
lodge_qemu_plug_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_plug_finish), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What there is. */

static void
devices_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GHashTable) devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  JsonArray *all;

  if (answer == NULL) {
    g_task_return_error (task, error);
    return;
  }
  all = JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;
  for (guint i = 0; all != NULL && i < json_array_get_length (all); i++) {
    JsonNode *node = json_array_get_element (all, i);
    JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *name = object != NULL ? lodge_json_get_string (object, "name") : NULL;
    const char *type = object != NULL ? lodge_json_get_string (object, "type") : NULL;

    /* What is no child is a property of the folder that they are in. */
    if (name != NULL && type != NULL && g_str_has_prefix (type, "child<"))
      g_hash_table_add (devices, g_strdup (name));
  }
  g_task_return_pointer (task, g_steal_pointer (&devices), (GDestroyNotify) g_hash_table_unref);
}

void
lodge_qemu_list_devices_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (qmp, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_qemu_list_devices_async);
  lodge_qmp_execute_async (qmp, "qom-list",
                           lodge_qmp_arguments ("path", "/machine/peripheral", NULL), 0, NULL,
                           devices_cb, task);
}

GHashTable *
lodge_qemu_list_devices_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_list_devices_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
