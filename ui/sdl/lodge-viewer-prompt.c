/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a ticket on the terminal. A terminal hands over whole lines, so one read is enough.
 *
 * Whatever ends or stops the program while the terminal is silent, a crash as well, passes a
 * handler that gives the echo back first. In the background the terminal is the shell's: it is
 * neither read, which would stop the program, nor changed.
 */
#include "sdl/lodge-viewer-prompt.h"

#include "sdl/lodge-viewer-options.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define BACKGROUND_PAUSE_MS 500

struct _LodgeViewerPrompt {
  LodgeViewerPromptFunc func;
  gpointer user_data;
  guint source_id;
};

/* ---- the terminal, of which a process has one */

/* What ends a program without its main loop: what it did itself, and Ctrl+\. */
static const int ends[] = {SIGQUIT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP};

static struct termios before;
static struct sigaction actions_before[G_N_ELEMENTS (ends)], stop_before;
static volatile sig_atomic_t is_silent;

static gboolean
is_in_background (void)
{
  const pid_t group = tcgetpgrp (STDIN_FILENO);

  /* Or it is not what controls this process, and does not stop it either. */
  return group >= 0 && group != getpgrp ();
}

static void
set_terminal (const struct termios *state)
{
  if (!is_in_background ())
    (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, state);
}

static void
silence (void)
{
  struct termios silent = before;

  silent.c_lflag &= ~(tcflag_t) ECHO;
  set_terminal (&silent);
}

static void
end_cb (int number)
{
  const int saved = errno;

  set_terminal (&before);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaction (ends[i], &actions_before[i], NULL);
  /* Comes when this returns. */
  raise (number);
  errno = saved;
}

static void
stop_cb (int number)
{
  const int saved = errno;

  set_terminal (&before);
  kill (getpid (), SIGSTOP);
  /* It goes on. */
  silence ();
  errno = saved;
}

static void
make_silent (void)
{
  struct sigaction action = {.sa_handler = end_cb};

  if (is_silent || is_in_background () || tcgetattr (STDIN_FILENO, &before) != 0)
    return;
  is_silent = TRUE;
  sigemptyset (&action.sa_mask);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaction (ends[i], &action, &actions_before[i]);
  action.sa_handler = stop_cb;
  action.sa_flags = SA_RESTART;
  sigaction (SIGTSTP, &action, &stop_before);
  silence ();
}

static void
give_back (void)
{
  if (!is_silent)
    return;
  set_terminal (&before);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaction (ends[i], &actions_before[i], NULL);
  sigaction (SIGTSTP, &stop_before, NULL);
  is_silent = FALSE;
}

/* ---- the question */

gboolean
lodge_viewer_prompt_is_possible (void)
{
  return isatty (STDIN_FILENO) == 1 && !is_in_background ();
}

static void watch (LodgeViewerPrompt *self);

static gboolean
pause_cb (gpointer user_data)
{
  LodgeViewerPrompt *self = user_data;

  self->source_id = 0;
  watch (self);
  return G_SOURCE_REMOVE;
}

static gboolean
line_cb (int fd, GIOCondition condition, gpointer user_data)
{
  LodgeViewerPrompt *self = user_data;
  char line[LODGE_VIEWER_TICKET_MAX + 2];
  gssize n;

  if (is_in_background ()) {
    self->source_id = g_timeout_add (BACKGROUND_PAUSE_MS, pause_cb, self);
    return G_SOURCE_REMOVE;
  }
  n = read (fd, line, sizeof line);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;

  const gboolean good = n > 1 && n <= LODGE_VIEWER_TICKET_MAX + 1 && line[n - 1] == '\n';
  self->source_id = 0;
  if (good)
    line[n - 1] = '\0';
  fputc ('\n', stderr);                             /* the user's was not shown */
  self->func (good ? line : NULL, self->user_data); /* which frees self */
  explicit_bzero (line, sizeof line);
  return G_SOURCE_REMOVE;
}

static void
watch (LodgeViewerPrompt *self)
{
  self->source_id = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, line_cb, self);
}

LodgeViewerPrompt *
lodge_viewer_prompt_new (const char *question, LodgeViewerPromptFunc func, gpointer user_data)
{
  LodgeViewerPrompt *self = g_new0 (LodgeViewerPrompt, 1);

  self->func = func;
  self->user_data = user_data;
  make_silent ();
  fprintf (stderr, "%s ", question);
  fflush (stderr);
  watch (self);
  return self;
}

void
lodge_viewer_prompt_free (LodgeViewerPrompt *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source_id, g_source_remove);
  give_back ();
  g_free (self);
}
