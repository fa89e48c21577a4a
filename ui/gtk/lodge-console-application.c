/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's process: one machine, one window.
 *
 * The library that started it has a pipe to its standard input; see lodge-console-launcher.h.
 */
#include "gtk/lodge-console-application.h"

#include "gtk/lodge-console-launcher.h"
#include "gtk/lodge-console-window.h"
#include "gtk/lodge-gtk-resources.h"
#include "lodge-config.h"

#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal and a desktop that ends send a signal to the window and to its keeper, which passes it
 * on. Who sends another one cannot wait. */
#define SIGNALS_MAX 2

struct _LodgeConsoleApplication {
  AdwApplication parent_instance;

  char *machine;
  LodgeConsoleStart start;
  LodgeConnection *connection;
  GtkWindow *window; /* weak */
  guint n_signals;   /* that asked it to end */
  GDataInputStream *words;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (LodgeConsoleApplication, lodge_console_application, ADW_TYPE_APPLICATION)

static void read_word (LodgeConsoleApplication *self);

static void
make_window (LodgeConsoleApplication *self)
{
  GtkWidget *window =
      lodge_console_window_new (GTK_APPLICATION (self), self->connection, self->machine);

  g_set_weak_pointer (&self->window, GTK_WINDOW (window));
  self->n_signals = 0;
}

/* One that was closed may be kept by a call that has not been answered yet. */
static gboolean
has_window (LodgeConsoleApplication *self)
{
  return self->window != NULL && gtk_window_get_application (self->window) != NULL;
}

static void
word_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleApplication) self = user_data;
  g_autofree char *line =
      g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, NULL);
  const char *token = NULL;

  /* The library has ended; the console goes on. */
  if (line == NULL)
    return;

  if (g_str_has_prefix (line, LODGE_CONSOLE_PRESENT " "))
    token = line + strlen (LODGE_CONSOLE_PRESENT " ");
  if (token != NULL) {
    /* It was closed, and its connection is still being ended. */
    if (!has_window (self))
      make_window (self);
    if (*token != '\0')
      gtk_window_set_startup_id (self->window, token);
    gtk_window_present (self->window);
  }
  read_word (self);
}

static void
read_word (LodgeConsoleApplication *self)
{
  g_data_input_stream_read_line_async (self->words, G_PRIORITY_DEFAULT, self->cancellable, word_cb,
                                       g_object_ref (self));
}

static void
hear_words (LodgeConsoleApplication *self)
{
  g_autoptr (GInputStream) stream = NULL;
  struct stat status;

  /* A terminal or a file is somebody else's. */
  if (fstat (STDIN_FILENO, &status) != 0 ||
      !(S_ISFIFO (status.st_mode) || S_ISSOCK (status.st_mode)))
    return;

  stream = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  self->words = g_data_input_stream_new (stream);
  self->cancellable = g_cancellable_new ();
  read_word (self);
}

/* As if it had been closed, without a question: connections end in their order, and what is on its
 * way to a file, a recording's end or the guest's files, is waited for. */
static gboolean
signal_cb (gpointer user_data)
{
  LodgeConsoleApplication *self = user_data;

  if (++self->n_signals > SIGNALS_MAX)
    _exit (EXIT_FAILURE);
  if (has_window (self))
    gtk_window_destroy (self->window);
  return G_SOURCE_CONTINUE;
}

static void
lodge_console_application_startup (GApplication *application)
{
  LodgeConsoleApplication *self = LODGE_CONSOLE_APPLICATION (application);

  lodge_gtk_resources_register ();
  G_APPLICATION_CLASS (lodge_console_application_parent_class)->startup (application);
  /* No accelerators: Ctrl+Q and Ctrl+W are the guest's. */
  gtk_window_set_default_icon_name (LODGE_APPLICATION_ID);

  self->connection = lodge_connection_new ();
  lodge_connection_open (self->connection);
  g_unix_signal_add (SIGTERM, signal_cb, self);
  g_unix_signal_add (SIGINT, signal_cb, self);
  g_unix_signal_add (SIGHUP, signal_cb, self);
}

static void
lodge_console_application_activate (GApplication *application)
{
  LodgeConsoleApplication *self = LODGE_CONSOLE_APPLICATION (application);

  if (self->window == NULL) {
    make_window (self);
    if (self->start == LODGE_CONSOLE_START_MACHINE)
      lodge_console_window_start (LODGE_CONSOLE_WINDOW (self->window));
    else if (self->start == LODGE_CONSOLE_SHOW_AGAIN)
      lodge_console_window_say_crashed (LODGE_CONSOLE_WINDOW (self->window));
    hear_words (self);
  }
  gtk_window_present (self->window);
}

static void
lodge_console_application_shutdown (GApplication *application)
{
  LodgeConsoleApplication *self = LODGE_CONSOLE_APPLICATION (application);

  g_cancellable_cancel (self->cancellable);
  G_APPLICATION_CLASS (lodge_console_application_parent_class)->shutdown (application);
}

static void
lodge_console_application_dispose (GObject *object)
{
  LodgeConsoleApplication *self = LODGE_CONSOLE_APPLICATION (object);

  g_clear_weak_pointer (&self->window);
  g_clear_object (&self->words);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (lodge_console_application_parent_class)->dispose (object);
}

static void
lodge_console_application_finalize (GObject *object)
{
  g_free (LODGE_CONSOLE_APPLICATION (object)->machine);

  G_OBJECT_CLASS (lodge_console_application_parent_class)->finalize (object);
}

static void
lodge_console_application_class_init (LodgeConsoleApplicationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  object_class->dispose = lodge_console_application_dispose;
  object_class->finalize = lodge_console_application_finalize;
  application_class->startup = lodge_console_application_startup;
  application_class->activate = lodge_console_application_activate;
  application_class->shutdown = lodge_console_application_shutdown;
}

static void
lodge_console_application_init (LodgeConsoleApplication *self)
{
}

LodgeConsoleApplication *
lodge_console_application_new (const char *machine, LodgeConsoleStart start)
{
  /* Not unique: each console is a process of its own, so that one falls alone. */
  LodgeConsoleApplication *self = g_object_new (
      LODGE_TYPE_CONSOLE_APPLICATION, "application-id", LODGE_CONSOLE_APPLICATION_ID,
      "resource-base-path", "/org/lodgevm/Lodge", "flags", G_APPLICATION_NON_UNIQUE, NULL);

  self->machine = g_strdup (machine);
  self->start = start;
  return self;
}
