/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's consoles of text: its serial port, and QEMU's own console where the user wants it.
 *
 * The sockets that clients connect to are in a folder of their own that no QEMU can see, so that
 * what a client types goes where the engine says, also with a QEMU that was taken over. The socket
 * for frames is there, too.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-remove-tree.h"
#include "lodge-paths.h"
#include "machine/lodge-terminal-relay.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

static const struct {
  const char *id;
  const char *label;
  const char *socket; /* QEMU's */
} kinds[] = {
    {"serial", N_ ("Serial Port"), "serial.sock"},
    {"monitor", N_ ("QEMU Console"), "monitor.sock"},
};

typedef struct {
  guint kind;
  LodgeTerminalRelay *relay;
} Terminal;

static void
terminal_free (gpointer data)
{
  Terminal *self = data;

  lodge_terminal_relay_free (self->relay);
  g_free (self);
}

/* Below the folder of sockets, which was looked at when the machine started. */
static char *
dup_folder (LodgeMachine *self)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();

  return g_build_filename (runtime, "t", self->uuid, NULL);
}

void
lodge_machine_open_terminals (LodgeMachine *self, GPid qemu)
{
  g_autofree char *folder = dup_folder (self);

  lodge_machine_close_terminals (self);
  self->terminals = g_ptr_array_new_with_free_func (terminal_free);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    return; /* said when the first one does not come about */

  lodge_machine_open_frames (self, folder);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *from = g_build_filename (self->runtime, kinds[i].socket, NULL);
    g_autofree char *name = g_strconcat (kinds[i].id, ".sock", NULL);
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autoptr (GError) error = NULL;
    LodgeTerminalRelay *relay;
    Terminal *terminal;

    /* What there is was decided when it started, and the description may say otherwise by now. */
    if (!g_file_test (from, G_FILE_TEST_EXISTS))
      continue;
    relay = lodge_terminal_relay_new (from, qemu, path, &error);
    if (relay == NULL) {
      /* The machine is worth as much without. */
      g_warning ("%s: %s", self->uuid, error->message);
      continue;
    }
    terminal = g_new0 (Terminal, 1);
    terminal->kind = i;
    terminal->relay = relay;
    g_ptr_array_add (self->terminals, terminal);
  }
}

void
lodge_machine_close_terminals (LodgeMachine *self)
{
  g_autofree char *folder = dup_folder (self);
  g_autofree char *parent = g_path_get_dirname (folder);
  int fd;

  g_clear_pointer (&self->terminals, g_ptr_array_unref);
  lodge_machine_close_frames (self);
  fd = open (parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return; /* never made, or gone with the runtime folder */
  (void) lodge_remove_tree (fd, self->uuid, folder, NULL);
  close (fd);
}

GVariant *
lodge_machine_list_terminals (LodgeMachine *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; self->terminals != NULL && i < self->terminals->len; i++) {
    const Terminal *terminal = self->terminals->pdata[i];

    g_variant_builder_add (&builder, "(sss)", kinds[terminal->kind].id,
                           _ (kinds[terminal->kind].label),
                           lodge_terminal_relay_get_path (terminal->relay));
  }
  return g_variant_builder_end (&builder);
}
