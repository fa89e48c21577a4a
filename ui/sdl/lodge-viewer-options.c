/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of lodge-viewer. There is no option for a ticket itself: every process of this
 * computer can read the command lines of all others. */
#include "sdl/lodge-viewer-options.h"

#include "console/lodge-console-session.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* Options as they were given. */
typedef struct {
  char *uri;
  char *ticket_file;
  int ticket_fd;
  int monitor;
} Given;

static void
given_clear (Given *self)
{
  g_free (self->uri);
  g_free (self->ticket_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Given, given_clear)

static gboolean
fail (GError **error, const char *sentence)
{
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID, sentence);
  return FALSE;
}

/* The first line, without its end. Closes @fd. */
static gboolean
read_ticket (int fd, const char *where, char **out_ticket, GError **error)
{
  char text[LODGE_VIEWER_TICKET_MAX + 2];
  gsize n = 0;
  gssize got;

  while (n < sizeof text && memchr (text, '\n', n) == NULL &&
         (got = read (fd, text + n, sizeof text - n)) != 0) {
    if (got < 0 && errno != EINTR) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("Could not read a ticket from %s: %s"), where, g_strerror (errno));
      close (fd);
      return FALSE;
    }
    n += got > 0 ? (gsize) got : 0;
  }
  close (fd);

  const char *end = memchr (text, '\n', n);
  const gsize length = end != NULL ? (gsize) (end - text) : n;
  const gboolean good =
      length > 0 && length <= LODGE_VIEWER_TICKET_MAX && memchr (text, '\0', length) == NULL;
  if (good)
    *out_ticket = g_strndup (text, length);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("There is no ticket in %s: it is one line of at most %d characters."), where,
                 LODGE_VIEWER_TICKET_MAX);
  explicit_bzero (text, sizeof text);
  return good;
}

static gboolean
take_ticket (LodgeViewerOptions *self, const Given *given, GError **error)
{
  g_autofree char *where = NULL;
  int fd = given->ticket_fd;

  if (given->ticket_file == NULL && fd < 0)
    return TRUE;
  if (given->ticket_file != NULL && fd >= 0)
    return fail (error, _ ("--ticket-file and --ticket-fd exclude each other."));
  if (given->ticket_file != NULL) {
    where = g_strdup (given->ticket_file);
    fd = open (given->ticket_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("Could not open %s: %s"), where,
                   g_strerror (errno));
      return FALSE;
    }
  } else {
    where = g_strdup_printf (_ ("descriptor %d"), fd);
  }
  return read_ticket (fd, where, &self->ticket, error);
}

static gboolean
take_target (LodgeViewerOptions *self, const Given *given, char **rest, GError **error)
{
  const guint n = rest != NULL ? g_strv_length (rest) : 0;

  if (n > 1)
    return fail (error, _ ("One machine at a time: quote a name that has spaces in it."));
  if (n == 0 && given->uri == NULL)
    return fail (error, _ ("Name a machine, or a server with --connect; --help says more."));
  if (n == 1 && given->uri != NULL)
    return fail (error, _ ("A machine and --connect exclude each other."));
  if (given->uri == NULL && (given->ticket_file != NULL || given->ticket_fd >= 0))
    return fail (error, _ ("A ticket goes with --connect: Lodge’s own machines have none."));
  if (n == 1) {
    self->machine = g_strdup (rest[0]);
    return TRUE;
  }
  self->address = lodge_console_address_parse (given->uri, error);
  return self->address != NULL && take_ticket (self, given, error);
}

gboolean
lodge_viewer_options_parse (LodgeViewerOptions *self, char ***arguments, GError **error)
{
  g_auto (Given) given = {.ticket_fd = -1, .monitor = 1};
  g_auto (GStrv) rest = NULL;
  const GOptionEntry entries[] = {
      {"connect", 'c', 0, G_OPTION_ARG_STRING, &given.uri,
       N_ ("Show a SPICE server that is no machine of Lodge: spice://HOST:PORT, with TLS "
           "spices://HOST:PORT or spice://HOST?tls-port=PORT, or spice+unix:///PATH"),
       N_ ("URI")},
      {"ticket-file", 0, 0, G_OPTION_ARG_FILENAME, &given.ticket_file,
       N_ ("Its ticket is the first line of this file"), N_ ("PATH")},
      {"ticket-fd", 0, 0, G_OPTION_ARG_INT, &given.ticket_fd,
       N_ ("The same, from a descriptor that is open"), N_ ("NUMBER")},
      {"full-screen", 'f', 0, G_OPTION_ARG_NONE, &self->full_screen, N_ ("Fill the screen"), NULL},
      {"monitor", 'm', 0, G_OPTION_ARG_INT, &given.monitor,
       N_ ("Which of the guest’s monitors; 1 is the first"), N_ ("NUMBER")},
      {"no-sound", 0, 0, G_OPTION_ARG_NONE, &self->no_sound, N_ ("Play and record nothing"), NULL},
      {"without-landlock", 0, 0, G_OPTION_ARG_NONE, &self->without_landlock,
       N_ ("Show a server also where the kernel cannot keep your files from it"), NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &self->version, N_ ("Print the version"), NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (_ ("[NAME-OR-UUID]"));

  g_option_context_set_summary (
      context,
      _ ("Shows a machine’s console without a desktop: in a window, or on a bare console."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse_strv (context, arguments, error))
    return FALSE;
  if (self->version)
    return TRUE;
  if (given.monitor < 1 || given.monitor > LODGE_CONSOLE_MONITORS) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%d is no monitor: the first is 1, the last that a guest can have %d."),
                 given.monitor, LODGE_CONSOLE_MONITORS);
    return FALSE;
  }
  self->monitor = (guint) given.monitor - 1;
  return take_target (self, &given, rest, error);
}

void
lodge_viewer_options_clear (LodgeViewerOptions *self)
{
  g_clear_pointer (&self->machine, g_free);
  g_clear_pointer (&self->address, lodge_console_address_free);
  if (self->ticket != NULL)
    explicit_bzero (self->ticket, strlen (self->ticket));
  g_clear_pointer (&self->ticket, g_free);
}
