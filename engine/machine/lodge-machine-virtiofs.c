/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device through which a guest has a folder by virtiofs, while one is shared so.
 *
 * Theory of operation: it is plugged into a running QEMU and never on the command line, so that a
 * guest's memory loads whatever is shared later.
 *
 *   NONE      --plug-->           COMES    getfd, chardev-add, device_add
 *   COMES     --QEMU has it-->    THERE
 *             --or not-->         UNKNOWN
 *   THERE     --unplug-->         GOES     device_del: the guest is asked
 *   GOES      --DEVICE_DELETED--> NONE     chardev-remove
 *   UNKNOWN   --qom-list-->       THERE, NONE
 *
 * virtiofsd is killed when the guest has let go, or does not soon: what its programs wait for then
 * never comes, but the folder is out of reach. QEMU does not connect anew to another virtiofsd (its
 * hw/virtio/vhost-user-fs.c), so where that has ended the device goes, too, and comes again.
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-plug.h"

#include <string.h>
#include <unistd.h>

#define DEVICE "folder-virtiofs"
/* Of the socket, and of what it is known by until it has one. */
#define CHARDEV "folder-wire"
/* What the guest mounts. */
#define TAG "lodge"
/* The one that no disk and no card is given (lodge-machine-command-devices.c). */
#define PORT "rp3"
/* A guest that is up takes some milliseconds. */
#define GRACE_MS 2000
/* QEMU's words where a guest was asked before and has not answered. */
#define ASKED_ALREADY "already in the process of unplug"
/* Without virtiofsd it is out of reach, and only in the way of another one. */
#define AGAIN_MS 10000

typedef struct {
  LodgeMachine *machine;
  int wire;
  guint next;
} Plug;

static void look (LodgeMachine *self);
static void step (Plug *plug);
static void ask (LodgeMachine *self);

gboolean
lodge_machine_virtiofs_is_busy (LodgeMachine *self)
{
  return self->folder_device == LODGE_FOLDER_DEVICE_COMES ||
         self->folder_device == LODGE_FOLDER_DEVICE_UNKNOWN;
}

static void
set (LodgeMachine *self, LodgeFolderDevice device)
{
  /* While it is looked at in between, what it is waited for goes on. */
  if (device == LODGE_FOLDER_DEVICE_NONE || device == LODGE_FOLDER_DEVICE_COMES)
    g_clear_handle_id (&self->folder_timeout, g_source_remove);
  self->folder_device = device;
}

/* --- It comes --- */

static void
plug_free (Plug *plug)
{
  g_object_unref (plug->machine);
  if (plug->wire >= 0)
    close (plug->wire);
  g_free (plug);
}

static JsonObject *
new_chardev (void)
{
  JsonObject *arguments = lodge_qmp_arguments ("id", CHARDEV, NULL);
  JsonObject *backend = lodge_qmp_arguments ("type", "socket", NULL);
  JsonObject *data = json_object_new ();
  JsonObject *address = lodge_qmp_arguments ("type", "fd", NULL);

  json_object_set_object_member (address, "data", lodge_qmp_arguments ("str", CHARDEV, NULL));
  json_object_set_object_member (data, "addr", address);
  json_object_set_boolean_member (data, "server", FALSE);
  json_object_set_object_member (backend, "data", data);
  json_object_set_object_member (arguments, "backend", backend);
  return arguments;
}

static void
stepped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Plug *plug = user_data;
  LodgeMachine *self = plug->machine;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  /* Another QEMU, or none, by now. */
  if (self->qmp != LODGE_QMP (source) || self->folder_device != LODGE_FOLDER_DEVICE_COMES) {
    plug_free (plug);
    return;
  }
  /* What an earlier one left may not be there. */
  if (answer == NULL && plug->next > 1) {
    plug_free (plug);
    look (self);
    lodge_machine_share_failed (self, error);
    return;
  }
  plug->next++;
  step (plug);
}

static void
step (Plug *plug)
{
  LodgeMachine *self = plug->machine;

  switch (plug->next) {
  case 0:
    lodge_qmp_execute_async (self->qmp, "chardev-remove", lodge_qmp_arguments ("id", CHARDEV, NULL),
                             0, NULL, stepped_cb, plug);
    return;
  case 1:
    /* One of that name is replaced. */
    lodge_qmp_execute_with_fd_async (self->qmp, "getfd",
                                     lodge_qmp_arguments ("fdname", CHARDEV, NULL), plug->wire,
                                     NULL, stepped_cb, plug);
    return;
  case 2:
    lodge_qmp_execute_async (self->qmp, "chardev-add", new_chardev (), 0, NULL, stepped_cb, plug);
    return;
  case 3:
    lodge_qmp_execute_async (self->qmp, "device_add",
                             lodge_qmp_arguments ("driver", "vhost-user-fs-pci", "id", DEVICE,
                                                  "chardev", CHARDEV, "tag", TAG, "bus", PORT,
                                                  "addr", "00.0", NULL),
                             0, NULL, stepped_cb, plug);
    return;
  default:
    set (self, LODGE_FOLDER_DEVICE_THERE);
    plug_free (plug);
    lodge_machine_share_device_changed (self);
  }
}

void
lodge_machine_virtiofs_plug (LodgeMachine *self, int wire)
{
  Plug *plug = g_new0 (Plug, 1);

  plug->machine = g_object_ref (self);
  plug->wire = wire;
  set (self, LODGE_FOLDER_DEVICE_COMES);
  step (plug);
}

/* --- What there is --- */

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (GHashTable) devices =
      lodge_qemu_list_devices_finish (LODGE_QMP (source), result, NULL);

  if (self->qmp != LODGE_QMP (source) || self->folder_device != LODGE_FOLDER_DEVICE_UNKNOWN)
    return;
  set (self, devices != NULL && g_hash_table_contains (devices, DEVICE) ? LODGE_FOLDER_DEVICE_THERE
                                                                        : LODGE_FOLDER_DEVICE_NONE);
  /* Before it is told to run nobody has looked yet for the process that belongs to it. */
  if (lodge_state_is_live (self->state))
    lodge_machine_share_device_changed (self);
}

static void
look (LodgeMachine *self)
{
  set (self, LODGE_FOLDER_DEVICE_UNKNOWN);
  lodge_qemu_list_devices_async (self->qmp, looked_cb, g_object_ref (self));
}

void
lodge_machine_virtiofs_recover (LodgeMachine *self)
{
  if (self->qmp != NULL)
    look (self);
}

/* --- It goes --- */

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer != NULL || self->qmp != LODGE_QMP (source) ||
      self->folder_device != LODGE_FOLDER_DEVICE_GOES ||
      !g_error_matches (error, LODGE_ERROR, LODGE_ERROR_FAILED) ||
      strstr (error->message, ASKED_ALREADY) != NULL)
    return;
  /* It may have gone just now. */
  g_debug ("%s: %s", self->uuid, error->message);
  look (self);
}

static gboolean
again_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->folder_timeout = 0;
  lodge_machine_share_cut (self);
  /* A guest that was booting has not heard of it (Linux clears what ACPI had to say). */
  if (self->qmp != NULL && self->folder_device == LODGE_FOLDER_DEVICE_GOES)
    ask (self);
  return G_SOURCE_REMOVE;
}

static void
ask (LodgeMachine *self)
{
  self->folder_timeout = g_timeout_add (self->share != NULL ? GRACE_MS : AGAIN_MS, again_cb, self);
  lodge_qmp_execute_async (self->qmp, "device_del", lodge_qmp_arguments ("id", DEVICE, NULL), 0,
                           NULL, asked_cb, g_object_ref (self));
}

void
lodge_machine_virtiofs_unplug (LodgeMachine *self)
{
  if (self->folder_device != LODGE_FOLDER_DEVICE_THERE)
    return;
  set (self, LODGE_FOLDER_DEVICE_GOES);
  /* Else QEMU would be asked without a pause for as long as it refuses. */
  if (self->folder_timeout == 0)
    ask (self);
}

void
lodge_machine_virtiofs_device_deleted (LodgeMachine *self, const char *device)
{
  if (g_strcmp0 (device, DEVICE) != 0 || self->folder_device == LODGE_FOLDER_DEVICE_NONE)
    return;
  set (self, LODGE_FOLDER_DEVICE_NONE);
  /* QEMU's end of the wire; where that fails it is done before the next comes. */
  lodge_qmp_execute_async (self->qmp, "chardev-remove", lodge_qmp_arguments ("id", CHARDEV, NULL),
                           0, NULL, NULL, NULL);
  lodge_machine_share_device_changed (self);
}

void
lodge_machine_virtiofs_forget (LodgeMachine *self)
{
  set (self, LODGE_FOLDER_DEVICE_NONE);
}
