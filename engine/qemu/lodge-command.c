/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command line as an object.
 *
 * Owns: its strings and descriptors. Never: starts anything.
 */
#include "qemu/lodge-command.h"

#include <string.h>
#include <unistd.h>

/* The first number after standard input, output and error. */
#define FIRST_CHILD_FD 3

typedef struct {
  LodgeCommandBind how;
  char *path;
} Bind;

struct _LodgeCommand {
  GPtrArray *argv;  /* of char *, NULL last */
  GPtrArray *rows;  /* of LodgeCommandRow */
  GArray *fds;      /* of int; the child sees number i as FIRST_CHILD_FD + i */
  GPtrArray *binds; /* of Bind */
  char **variables;
};

static void
row_free (gpointer data)
{
  LodgeCommandRow *row = data;

  g_free (row->argument);
  g_free (row->reason);
  g_free (row);
}

static void
bind_free (gpointer data)
{
  Bind *bind = data;

  g_free (bind->path);
  g_free (bind);
}

static void
add_row (LodgeCommand *self, const char *reason, char *argument)
{
  LodgeCommandRow *row = g_new0 (LodgeCommandRow, 1);

  row->argument = argument;
  row->reason = g_strdup (reason);
  g_ptr_array_add (self->rows, row);
}

static void
add_argument (LodgeCommand *self, const char *argument)
{
  /* The array always ends with one NULL. */
  g_ptr_array_insert (self->argv, (int) self->argv->len - 1, g_strdup (argument));
}

LodgeCommand *
lodge_command_new (const char *program)
{
  LodgeCommand *self;

  g_return_val_if_fail (program != NULL, NULL);

  self = g_new0 (LodgeCommand, 1);
  self->argv = g_ptr_array_new_with_free_func (g_free);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  self->binds = g_ptr_array_new_with_free_func (bind_free);
  g_ptr_array_add (self->argv, NULL);
  add_argument (self, program);
  return self;
}

void
lodge_command_free (LodgeCommand *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  g_array_unref (self->fds);
  g_ptr_array_unref (self->argv);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->binds);
  g_strfreev (self->variables);
  g_free (self);
}

void
lodge_command_add (LodgeCommand *self, const char *reason, const char *option, const char *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (reason != NULL && option != NULL);

  add_argument (self, option);
  if (value != NULL)
    add_argument (self, value);
  add_row (self, reason,
           value != NULL ? g_strconcat (option, " ", value, NULL) : g_strdup (option));
}

void
lodge_command_addf (
    LodgeCommand *self, const char *reason, const char *option, const char *format, ...)
{
  g_autofree char *value = NULL;
  va_list arguments;

  va_start (arguments, format);
  value = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  lodge_command_add (self, reason, option, value);
}

char *
lodge_command_escape (const char *value)
{
  GString *escaped;

  g_return_val_if_fail (value != NULL, NULL);

  escaped = g_string_new (value);
  g_string_replace (escaped, ",", ",,", 0);
  return g_string_free (escaped, FALSE);
}

int
lodge_command_take_fd (LodgeCommand *self, int fd)
{
  g_return_val_if_fail (self != NULL, -1);
  g_return_val_if_fail (fd >= 0, -1);

  g_array_append_val (self->fds, fd);
  return FIRST_CHILD_FD + (int) self->fds->len - 1;
}

void
lodge_command_bind (LodgeCommand *self, LodgeCommandBind how, const char *path)
{
  Bind *bind;

  g_return_if_fail (self != NULL);
  g_return_if_fail (path != NULL && g_path_is_absolute (path));

  /* A file that several disks use is bound once, with the most that one of them needs: a second
   * bind over the first would hide it. */
  for (guint i = 0; i < self->binds->len; i++) {
    bind = g_ptr_array_index (self->binds, i);
    if (strcmp (bind->path, path) == 0) {
      bind->how = MAX (bind->how, how);
      return;
    }
  }

  bind = g_new0 (Bind, 1);
  bind->how = how;
  bind->path = g_strdup (path);
  g_ptr_array_add (self->binds, bind);
}

const char *const *
lodge_command_get_argv (LodgeCommand *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const char *const *) self->argv->pdata;
}

GPtrArray *
lodge_command_get_rows (LodgeCommand *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->rows;
}

guint
lodge_command_get_n_fds (LodgeCommand *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->fds->len;
}

int
lodge_command_get_fd (LodgeCommand *self, guint index, int *out_child_number)
{
  g_return_val_if_fail (self != NULL && index < self->fds->len, -1);

  if (out_child_number != NULL)
    *out_child_number = FIRST_CHILD_FD + (int) index;
  return g_array_index (self->fds, int, index);
}

guint
lodge_command_get_n_binds (LodgeCommand *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->binds->len;
}

const char *
lodge_command_get_bind (LodgeCommand *self, guint index, LodgeCommandBind *out_how)
{
  const Bind *bind;

  g_return_val_if_fail (self != NULL && index < self->binds->len, NULL);

  bind = g_ptr_array_index (self->binds, index);
  if (out_how != NULL)
    *out_how = bind->how;
  return bind->path;
}

void
lodge_command_close_fds (LodgeCommand *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  g_array_set_size (self->fds, 0);
}

void
lodge_command_set_variable (LodgeCommand *self, const char *name, const char *value)
{
  g_return_if_fail (self != NULL && name != NULL && value != NULL);
  self->variables = g_environ_setenv (self->variables, name, value, TRUE);
}

const char *const *
lodge_command_get_variables (LodgeCommand *self)
{
  static const char *const none[] = {NULL};

  g_return_val_if_fail (self != NULL, none);
  return self->variables != NULL ? (const char *const *) self->variables : none;
}
