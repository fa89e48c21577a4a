/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that runs a machine, and explaining it without starting anything. */
#include "machine/lodge-machine-private.h"

#include "host/lodge-host-kernel.h"
#include "lodge-paths.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

LodgeCommand *
lodge_machine_build_command (LodgeMachine *self,
                             const LodgeDescription *description,
                             const char *tpm_socket,
                             const LodgeMachineCommandWire *wires,
                             guint n_wires,
                             const GArray *disks,
                             int key_fd,
                             const char *render_node,
                             GError **error)
{
  LodgeHostReport *report = lodge_machine_host_get_report (self->host);
  LodgeAccelerator accelerator = lodge_host_report_get_accelerator (report);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (self->uuid);
  LodgeMachineCommandHost host = {
      .qemu = lodge_machine_host_get_qemu (self->host, error),
      .accelerator = accelerator.kind,
      .machine_folder = folder,
      .runtime_folder = runtime,
      .tpm_socket = tpm_socket,
      .render_node = render_node,
      .seccomp = lodge_host_report_get_sandbox (report) != LODGE_SANDBOX_NONE,
      .io_uring = lodge_host_has_io_uring (),
      .hyperv = accelerator.kind == LODGE_ACCELERATOR_KVM && lodge_host_has_kvm_hyperv (),
      .saved = lodge_machine_get_rest_state (self) == LODGE_STATE_SUSPENDED,
      .only_shown = self->state == LODGE_STATE_OFF,
      .key_fd = key_fd,
  };

  if (host.qemu == NULL)
    return NULL;
  if (disks != NULL) {
    host.host_disks = (const LodgeMachineCommandHostDisk *) disks->data;
    host.n_host_disks = disks->len;
  }
  return lodge_machine_command_build (description, &host, wires, n_wires, error);
}

/* As start would do it, but without what only connects the engine, or hands memory over, with
 * /dev/null for wires, disks of this computer and the key, and without recording anything. */
static LodgeCommand *
build_for_show (LodgeMachine *self, GError **error)
{
  g_autoptr (LodgeDescription) description = NULL;
  g_autoptr (GArray) wires = g_array_new (FALSE, FALSE, sizeof (LodgeMachineCommandWire));
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (self->uuid);
  g_autofree char *tpm_socket = g_build_filename (runtime, "tpm.sock", NULL);
  g_autoptr (GPtrArray) nodes = NULL;
  g_autofree char *problem = NULL;
  LodgeAccelerator accelerator =
      lodge_host_report_get_accelerator (lodge_machine_host_get_report (self->host));
  LodgeQemu *qemu = lodge_machine_host_get_qemu (self->host, error);
  LodgeCommand *command;
  GArray *disks;
  int key_fd;

  if (qemu == NULL)
    return NULL;
  description = lodge_description_copy (lodge_machine_get_description (self));
  if (!lodge_machine_command_resolve (description, qemu, accelerator.kind, error) ||
      !lodge_machine_resolve_firmware (description, error))
    return NULL;

  for (guint i = 0; i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    LodgeMachineCommandWire wire = {nic->id, open ("/dev/null", O_RDWR | O_CLOEXEC)};

    g_array_append_val (wires, wire);
  }
  nodes = lodge_machine_list_render_nodes (self, description, &problem);
  key_fd = description->encrypted ? open ("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
  disks = lodge_machine_open_host_disks (description, TRUE, error);
  command = disks != NULL ? lodge_machine_build_command (
                                self, description, description->tpm ? tpm_socket : NULL,
                                (const LodgeMachineCommandWire *) wires->data, wires->len, disks,
                                key_fd, nodes != NULL ? nodes->pdata[0] : NULL, error)
                          : NULL;
  if (command != NULL)
    g_array_unref (disks);
  else if (disks != NULL)
    lodge_machine_close_host_disks (disks);
  if (command == NULL)
    lodge_machine_close_wires (wires);
  if (command == NULL && key_fd >= 0)
    close (key_fd);
  return command;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeCommand *command;
  GError *error = NULL;

  lodge_machine_host_prepare_finish (self->host, result);
  command = build_for_show (self, &error);
  if (command == NULL) {
    g_task_return_error (task, error);
    return;
  }
  g_clear_pointer (&self->command, lodge_command_free);
  self->command = command;
  g_task_return_boolean (task, TRUE);
}

void
lodge_machine_explain_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_explain_async);
  lodge_machine_refresh (self);
  if (self->command_runs)
    g_task_return_boolean (task, TRUE);
  else if (!lodge_machine_check_usable (self, &error) ||
           !lodge_description_check (lodge_machine_get_description (self), &error))
    g_task_return_error (task, error);
  else
    lodge_machine_host_prepare_async (self->host, FALSE, prepared_cb, g_steal_pointer (&task));
}

GPtrArray *
lodge_machine_explain_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return lodge_command_get_rows (self->command);
}
