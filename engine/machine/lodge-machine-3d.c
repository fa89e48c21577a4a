/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a machine's run has 3D: asked before its QEMU is launched. What can only be tried,
 * whether the card's driver works, QEMU tries; where it ends over that the start begins anew
 * with the next card, and after the last without (lodge-machine-launch.c). */
#include "machine/lodge-machine-start-private.h"

#include "host/lodge-host-graphics.h"
#include "lodge-config.h"
#include "lodge-error.h"
#include "qemu/lodge-machine-command.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* A driver may take its time where it has never drawn before; one that hangs hangs before QEMU
 * answers. Together with the start without it this is below what clients wait
 * (LODGE_CLIENT_CALL_LIMIT_S). */
guint lodge_machine_3d_limit_ms = 30000;

/* Takes both. */
static void
set_graphics (LodgeMachine *self, char *node, char *problem)
{
  g_autofree char *why = problem;

  g_free (self->render_node);
  self->render_node = node;
  g_free (self->graphics_problem);
  self->graphics_problem =
      why != NULL ? g_strdup_printf (_ ("Without 3D acceleration: %s"), why) : NULL;
}

/* The one that was chosen, or all that there are. */
static GPtrArray *
list_nodes (const LodgeDescription *description, GError **error)
{
  GPtrArray *nodes;
  char *node;

  if (description->render_node[0] == '\0')
    return lodge_host_list_render_nodes (error);
  node = lodge_host_find_render_node (description->render_node, error);
  if (node == NULL)
    return NULL;
  nodes = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (nodes, node);
  return nodes;
}

GPtrArray *
lodge_machine_list_render_nodes (LodgeMachine *self,
                                 const LodgeDescription *description,
                                 char **out_problem)
{
  LodgeQemu *qemu = lodge_machine_host_get_qemu (self->host, NULL);
  g_autoptr (GError) error = NULL;
  GPtrArray *nodes = NULL;

  *out_problem = NULL;
  if (!description->accelerated)
    return NULL;

  if (description->display != LODGE_DISPLAY_VIRTIO)
    *out_problem = g_strdup (_ ("only the virtio graphics card has it (display.model=virtio)"));
  else if (!lodge_host_graphics_is_shown)
    *out_problem = g_strdup_printf (_ ("Lodge’s windows cannot show it with GTK %s: that takes GTK "
                                       "4.14 or newer, as Debian 13 has it"),
                                    LODGE_GTK_VERSION);
  else if (qemu != NULL && !lodge_qemu_has_spice (qemu))
    *out_problem = g_strdup (_ ("this QEMU has no SPICE, over which its pictures come"));
  else if (qemu != NULL && (!lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CARD) ||
                            !lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CORE)))
    *out_problem =
        g_strdup_printf (_ ("QEMU %s on this computer has no device %s: install the package "
                            "qemu-system-modules-opengl (on Debian 12 it is qemu-system-gui)"),
                         lodge_qemu_get_version (qemu), LODGE_MACHINE_COMMAND_3D_CARD);
  else
    nodes = list_nodes (description, &error);
  if (error != NULL)
    *out_problem = g_strdup (error->message);
  return nodes;
}

void
lodge_machine_choose_graphics (LodgeMachine *self, LodgeStart *start)
{
  char *node = NULL;
  char *problem = NULL;

  /* Saved memory is always of a run in 2D: 3D keeps it from being saved. */
  if (start->description->accelerated && (start->memory_fd >= 0 || start->suspended != NULL))
    problem = g_strdup (_ ("the guest goes on from memory that was saved without it"));
  else if (start->render_nodes == NULL)
    start->render_nodes = lodge_machine_list_render_nodes (self, start->description, &problem);

  if (start->render_nodes != NULL && start->nodes_tried < start->render_nodes->len)
    node = g_strdup (start->render_nodes->pdata[start->nodes_tried]);
  else if (start->render_nodes != NULL)
    problem = g_strdup (start->flat);
  set_graphics (self, node, problem);
}

guint
lodge_machine_get_start_limit_ms (LodgeMachine *self)
{
  return self->render_node != NULL ? lodge_machine_3d_limit_ms : LODGE_MACHINE_QMP_LIMIT_MS;
}

void
lodge_machine_graphics_failed (LodgeMachine *self,
                               LodgeStart *start,
                               const GError *error,
                               const char *words)
{
  g_autofree char *before = NULL;
  g_autofree char *why = NULL;

  if (self->render_node == NULL)
    return;
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT)) {
    /* Another one would have whoever waits for the guest wait as long again. */
    start->nodes_tried = start->render_nodes->len;
    why = g_strdup_printf (_ ("QEMU does not answer with %s"), self->render_node);
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_FAILED)) {
    start->nodes_tried++;
    /* QEMU calls OpenGL through libepoxy, of whose dependencies none brings one along (Debian 13).
     */
    if (words != NULL && strstr (words, "libOpenGL.so.0") != NULL)
      why = g_strdup_printf (_ ("QEMU finds no OpenGL for %s: install the package libopengl0"),
                             self->render_node);
    else if (words != NULL)
      why = g_strdup_printf (_ ("QEMU does not start with %s: %s"), self->render_node, words);
    else
      why = g_strdup_printf (_ ("QEMU does not start with %s"), self->render_node);
  } else {
    return;
  }
  g_message ("%s: %s", self->uuid, why);
  before = start->flat;
  start->flat = before != NULL ? g_strdup_printf ("%s; %s", before, why) : g_steal_pointer (&why);
  start->again = TRUE;
}

void
lodge_machine_forget_graphics (LodgeMachine *self)
{
  set_graphics (self, NULL, NULL);
}

const char *
lodge_machine_get_graphics_problem (LodgeMachine *self)
{
  return self->graphics_problem != NULL ? self->graphics_problem : "";
}
