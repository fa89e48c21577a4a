/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-window SETTLE_MS PROGRAM ARGUMENTS...: how long a program takes from fork() to its first
 * window on $DISPLAY, in microseconds; and its memory after SETTLE_MS more, in KiB.
 *
 * A window counts once X says that it is mapped (MapNotify). The window manager may have put it
 * into a frame, so the program is looked for in what lies inside, too. The memory is Pss of
 * proc_pid_smaps_rollup(5): what it shares with others is divided among them. */
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_US (60 * G_USEC_PER_SEC)
#define DEPTH    3
#define PSS      "\nPss:"

/* A window may be gone by the time it is asked about. */
static int
ignore_cb (Display *display, XErrorEvent *event)
{
  return 0;
}

static gboolean
is_of (Display *display, Window window, pid_t pid, guint depth)
{
  Atom name = XInternAtom (display, "_NET_WM_PID", False);
  unsigned char *value = NULL;
  unsigned long n = 0, left;
  Window root, parent, *children = NULL;
  unsigned int n_children = 0;
  gboolean found = FALSE;
  Atom type;
  int format;

  if (XGetWindowProperty (display, window, name, 0, 1, False, XA_CARDINAL, &type, &format, &n,
                          &left, &value) == Success &&
      value != NULL && n == 1 && format == 32)
    found = *(unsigned long *) value == (unsigned long) pid;
  if (value != NULL)
    XFree (value);
  if (found || depth == 0)
    return found;

  if (XQueryTree (display, window, &root, &parent, &children, &n_children) != 0) {
    for (unsigned int i = 0; i < n_children && !found; i++)
      found = is_of (display, children[i], pid, depth - 1);
    if (children != NULL)
      XFree (children);
  }
  return found;
}

/* Windows of one pixel are GTK's own, for the clipboard and the like; they are never mapped. */
static gboolean
wait_for_window (Display *display, pid_t pid, gint64 limit, gint64 *out_at)
{
  while (g_get_monotonic_time () < limit) {
    struct pollfd wait = {.fd = ConnectionNumber (display), .events = POLLIN};

    while (XPending (display) > 0) {
      gint64 now;
      XEvent event;

      XNextEvent (display, &event);
      now = g_get_monotonic_time ();
      if (event.type == MapNotify && is_of (display, event.xmap.window, pid, DEPTH)) {
        *out_at = now;
        return TRUE;
      }
    }
    (void) poll (&wait, 1, 100);
    if (waitpid (pid, NULL, WNOHANG) == pid)
      return FALSE;
  }
  return FALSE;
}

static gint64
read_pss_kib (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", (int) pid);
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (found = strstr (text, PSS)) == NULL)
    return 0;
  return g_ascii_strtoll (found + strlen (PSS), NULL, 10);
}

int
main (int argc, char **argv)
{
  Display *display = XOpenDisplay (NULL);
  gint64 began, mapped = 0, pss;
  gboolean ok;
  pid_t pid;

  if (argc < 3 || display == NULL) {
    g_printerr ("bench-window SETTLE_MS PROGRAM ARGUMENTS... (with $DISPLAY)\n");
    return 2;
  }
  XSetErrorHandler (ignore_cb);
  XSelectInput (display, DefaultRootWindow (display), SubstructureNotifyMask);
  XSync (display, False);

  began = g_get_monotonic_time ();
  pid = fork ();
  if (pid == 0) {
    setpgid (0, 0);
    execvp (argv[2], argv + 2);
    _exit (126);
  }
  if (pid < 0) {
    g_printerr ("bench-window: fork: %s\n", g_strerror (errno));
    return EXIT_FAILURE;
  }
  ok = wait_for_window (display, pid, began + LIMIT_US, &mapped);
  if (ok)
    g_usleep (strtoul (argv[1], NULL, 10) * 1000);
  pss = ok ? read_pss_kib (pid) : 0;
  kill (-pid, SIGKILL);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  XCloseDisplay (display);
  if (!ok || pss == 0) {
    g_printerr ("bench-window: %s showed no window, or ended\n", argv[2]);
    return EXIT_FAILURE;
  }
  g_print ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", mapped - began, pss);
  return EXIT_SUCCESS;
}
