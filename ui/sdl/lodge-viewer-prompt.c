/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a ticket on the terminal. A terminal hands over whole lines, so one read is enough. */
#include "sdl/lodge-viewer-prompt.h"

#include "sdl/lodge-viewer-options.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct _LodgeViewerPrompt {
  LodgeViewerPromptFunc func;
  gpointer user_data;
  struct termios before;
  guint source_id;
};

gboolean
lodge_viewer_prompt_is_possible (void)
{
  return isatty (STDIN_FILENO) == 1;
}

static gboolean
line_cb (int fd, GIOCondition condition, gpointer user_data)
{
  LodgeViewerPrompt *self = user_data;
  char line[LODGE_VIEWER_TICKET_MAX + 2];
  gssize n = read (fd, line, sizeof line);
  const gboolean good = n > 1 && n <= LODGE_VIEWER_TICKET_MAX + 1 && line[n - 1] == '\n';

  self->source_id = 0;
  if (good)
    line[n - 1] = '\0';
  fputc ('\n', stderr);                             /* the user's was not shown */
  self->func (good ? line : NULL, self->user_data); /* which frees self */
  explicit_bzero (line, sizeof line);
  return G_SOURCE_REMOVE;
}

LodgeViewerPrompt *
lodge_viewer_prompt_new (const char *question, LodgeViewerPromptFunc func, gpointer user_data)
{
  LodgeViewerPrompt *self = g_new0 (LodgeViewerPrompt, 1);
  struct termios silent;

  self->func = func;
  self->user_data = user_data;
  if (tcgetattr (STDIN_FILENO, &self->before) == 0) {
    silent = self->before;
    silent.c_lflag &= ~(tcflag_t) ECHO;
    (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent);
  }
  fprintf (stderr, "%s ", question);
  fflush (stderr);
  self->source_id = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, line_cb, self);
  return self;
}

void
lodge_viewer_prompt_free (LodgeViewerPrompt *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source_id, g_source_remove);
  (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, &self->before);
  g_free (self);
}
