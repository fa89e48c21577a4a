/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command line as an object: its arguments, the reason for each, and the descriptors and files
 * that go with it. Knows nothing of machines. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LodgeCommand LodgeCommand;

LodgeCommand *lodge_command_new (const char *program);
void lodge_command_free (LodgeCommand *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeCommand, lodge_command_free)

/* Adds @option (and @value, unless %NULL) with one sentence on why it is there. */
void
lodge_command_add (LodgeCommand *self, const char *reason, const char *option, const char *value);
void lodge_command_addf (LodgeCommand *self,
                         const char *reason,
                         const char *option,
                         const char *format,
                         ...) G_GNUC_PRINTF (4, 5);

/* In QEMU's option strings a comma inside a value is written twice. Transfer full. */
char *lodge_command_escape (const char *value);

/* Gives a descriptor to the child. Takes @fd, closes it with the command. Returns the number the
 * child will see it under. */
int lodge_command_take_fd (LodgeCommand *self, int fd);

/* After launching: the child has its copies, and ours would keep its locks and wires alive. The
 * arguments still name the numbers. */
void lodge_command_close_fds (LodgeCommand *self);

/* What the contained child may see besides the system's read-only files. @path is absolute. */
typedef enum {
  LODGE_COMMAND_BIND_HIDDEN, /* in a folder that is bound, but nothing the child may reach */
  LODGE_COMMAND_BIND_READ_ONLY,
  LODGE_COMMAND_BIND_READ_WRITE,
  LODGE_COMMAND_BIND_DEVICE,
  /* A graphics card's render node, with what its driver reads of that one card in /sys */
  LODGE_COMMAND_BIND_GRAPHICS,
  /* A folder with a resolv.conf, which the child finds in /etc: what is put there later is seen */
  LODGE_COMMAND_BIND_RESOLVER,
} LodgeCommandBind;
void lodge_command_bind (LodgeCommand *self, LodgeCommandBind how, const char *path);

/* A variable of the child's environment, besides those that every child is given. */
void lodge_command_set_variable (LodgeCommand *self, const char *name, const char *value);
/* Lent, as for g_environ_getenv(). */
const char *const *lodge_command_get_variables (LodgeCommand *self);

/* Lent: program first, NULL last. */
const char *const *lodge_command_get_argv (LodgeCommand *self);

typedef struct {
  char *argument; /* "-m 4G" as one text */
  char *reason;
} LodgeCommandRow;
/* Lent (element-type LodgeCommandRow), in order. */
GPtrArray *lodge_command_get_rows (LodgeCommand *self);

/* For the launcher. Lent arrays, in the order of taking. */
guint lodge_command_get_n_fds (LodgeCommand *self);
int lodge_command_get_fd (LodgeCommand *self, guint index, int *out_child_number);
guint lodge_command_get_n_binds (LodgeCommand *self);
const char *lodge_command_get_bind (LodgeCommand *self, guint index, LodgeCommandBind *out_how);

G_END_DECLS
