/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a machine's run has 3D: asked before its QEMU is launched. What can only be tried,
 * whether the card's driver works, QEMU tries; where it ends over that the start begins anew
 * without (lodge-machine-launch.c). */
#include "machine/lodge-machine-private.h"

#include "host/lodge-host-graphics.h"
#include "qemu/lodge-machine-command.h"

#include <glib/gi18n-lib.h>

void
lodge_machine_find_render_node (LodgeMachine *self,
                                const LodgeDescription *description,
                                char **out_node,
                                char **out_problem)
{
  LodgeQemu *qemu = lodge_machine_host_get_qemu (self->host, NULL);
  g_autoptr (GError) error = NULL;

  *out_node = NULL;
  *out_problem = NULL;
  if (!description->accelerated)
    return;

  if (description->display != LODGE_DISPLAY_VIRTIO)
    *out_problem = g_strdup (_ ("only the virtio graphics card has it (display.model=virtio)"));
  else if (qemu != NULL && !lodge_qemu_has_spice (qemu))
    *out_problem = g_strdup (_ ("this QEMU has no SPICE, over which its pictures come"));
  else if (qemu != NULL && (!lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CARD) ||
                            !lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CORE)))
    *out_problem =
        g_strdup_printf (_ ("QEMU %s on this computer has no device %s: install the package "
                            "qemu-system-modules-opengl (on Debian 12 it is qemu-system-gui)"),
                         lodge_qemu_get_version (qemu), LODGE_MACHINE_COMMAND_3D_CARD);
  else
    *out_node = lodge_host_find_render_node (&error);
  if (error != NULL)
    *out_problem = g_strdup (error->message);
}

void
lodge_machine_set_graphics (LodgeMachine *self, char *node, char *problem)
{
  g_autofree char *why = problem;

  g_free (self->render_node);
  self->render_node = node;
  g_free (self->graphics_problem);
  self->graphics_problem =
      why != NULL ? g_strdup_printf (_ ("Without 3D acceleration: %s"), why) : NULL;
}

const char *
lodge_machine_get_graphics_problem (LodgeMachine *self)
{
  return self->graphics_problem != NULL ? self->graphics_problem : "";
}
