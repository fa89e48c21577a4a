/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See viewer-fixture.h. */
#include "viewer-fixture.h"

#include "test-folder.h"
#include "test-wait.h"
#include "test-xdotool.h"

#include <X11/Xutil.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void
viewer_fixture_set_up (ViewerFixture *f, gboolean server)
{
  *f = (ViewerFixture){.folder = g_dir_make_tmp ("lv-XXXXXX", NULL)};
  f->socket = g_build_filename (f->folder, "spice.sock", NULL);
  f->display = XOpenDisplay (NULL);
  if (server)
    f->server = spice_fixture_new_at (f->socket, 320, 240);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL));
  *(gboolean *) user_data = TRUE;
}

static gboolean
has_landlock (void)
{
  return syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* Between fork and exec. @data: (nullable): a filter */
static void
child_setup_cb (gpointer data)
{
  /* It goes with a test that fails, whose output it else keeps open. */
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (data != NULL && seccomp_load (data) != 0)
    abort ();
}

static scmp_filter_ctx
make_kernel_without_landlock (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);

  g_assert_cmpint (
      seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SYS_landlock_create_ruleset, 0), ==, 0);
  return filter;
}

/* @stdin_fd: -1: nothing can be read there; closed. */
void
viewer_fixture_start (ViewerFixture *f, int stdin_fd, const char *words)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  /* Where this kernel has none, what is tested is the rest. */
  g_autofree char *line =
      g_strconcat (g_getenv ("LODGE_TEST_VIEWER"), " ", words,
                   f->no_landlock || has_landlock () ? "" : " --without-landlock", NULL);
  scmp_filter_ctx filter = f->no_landlock ? make_kernel_without_landlock () : NULL;
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  g_subprocess_launcher_take_stdin_fd (
      launcher, stdin_fd >= 0 ? stdin_fd : open ("/dev/null", O_RDONLY | O_CLOEXEC));
  /* What the library calls critical, and goes on after, is what a bad server has done. */
  g_subprocess_launcher_unsetenv (launcher, "G_DEBUG");
  g_subprocess_launcher_set_child_setup (launcher, child_setup_cb, filter, NULL);
  f->ended = FALSE;
  f->viewer = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv, &error);
  g_assert_no_error (error);
  if (filter != NULL)
    seccomp_release (filter);
  g_subprocess_wait_async (f->viewer, NULL, ended_cb, &f->ended);
}

void
viewer_fixture_start_with_server (ViewerFixture *f, const char *words)
{
  g_autofree char *whole =
      g_strdup_printf ("--connect spice+unix://%s --no-sound %s", f->socket, words);

  viewer_fixture_start (f, -1, whole);
}

/* Waits for its end. @said: what it says, in one line; NULL: it closes itself, and what libraries
 * have to say is no matter. */
void
viewer_fixture_expect_end (ViewerFixture *f, int code, const char *said)
{
  char text[4096];
  gsize n = 0;

  test_wait_until (f->ended);
  g_assert_true (g_subprocess_get_if_exited (f->viewer));
  g_assert_cmpint (g_subprocess_get_exit_status (f->viewer), ==, code);
  if (said != NULL) {
    g_input_stream_read_all (g_subprocess_get_stderr_pipe (f->viewer), text, sizeof text - 1, &n,
                             NULL, NULL);
    text[n] = '\0';
    if (strstr (text, said) == NULL)
      g_error ("it says: %s", text);
    g_assert_true (g_str_has_prefix (text, "lodge-viewer: "));
    g_assert_true (strchr (text, '\n') == text + n - 1);
  }
  g_clear_object (&f->viewer);
}

void
viewer_fixture_tear_down (ViewerFixture *f)
{
  if (f->server != NULL)
    spice_fixture_free (f->server);
  XCloseDisplay (f->display);
  test_folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->socket);
}

/* ---- its window */

static Window
find (Display *display, Window root)
{
  Window found = None, unused, *children = NULL;
  XClassHint hint = {NULL, NULL};
  unsigned n = 0;

  if (XGetClassHint (display, root, &hint) != 0) {
    if (g_strcmp0 (hint.res_class, "lodge-viewer") == 0)
      found = root;
    XFree (hint.res_name);
    XFree (hint.res_class);
  }
  if (found == None && XQueryTree (display, root, &unused, &unused, &children, &n) != 0) {
    for (unsigned i = 0; i < n && found == None; i++)
      found = find (display, children[i]);
    XFree (children);
  }
  return found;
}

static gboolean
has_window (ViewerFixture *f)
{
  g_assert_false (f->ended);
  f->xid = find (f->display, DefaultRootWindow (f->display));
  return f->xid != None;
}

/* Windows come and go while they are looked for. */
static int
ignore_error (Display *display, XErrorEvent *event)
{
  return 0;
}

static guint32
get_pixel (ViewerFixture *f, int x, int y)
{
  XImage *image = XGetImage (f->display, f->xid, x, y, 1, 1, AllPlanes, ZPixmap);
  const guint32 color = image != NULL ? (guint32) XGetPixel (image, 0, 0) & 0xffffff : G_MAXUINT32;

  if (image != NULL)
    XDestroyImage (image);
  return color;
}

void
viewer_fixture_expect_pixel (ViewerFixture *f, int x, int y, guint32 color)
{
  test_wait_polled (has_window (f) && get_pixel (f, x, y) == color);
}

static gboolean
is_grey (XImage *image, int y)
{
  for (int x = 0; x < image->width; x++) {
    if ((XGetPixel (image, x, y) & 0xffffff) != VIEWER_FIXTURE_GREY)
      return FALSE;
  }
  return TRUE;
}

int
viewer_fixture_measure_words (ViewerFixture *f)
{
  XWindowAttributes attributes;
  int first = 0, last;

  if (!has_window (f) || XGetWindowAttributes (f->display, f->xid, &attributes) == 0)
    return 0;
  XImage *image = XGetImage (f->display, f->xid, 0, 0, (unsigned) attributes.width,
                             (unsigned) attributes.height, AllPlanes, ZPixmap);
  if (image == NULL)
    return 0;
  for (last = image->height; last > 0 && is_grey (image, last - 1); last--)
    ;
  while (first < last && is_grey (image, first))
    first++;
  XDestroyImage (image);
  return last - first;
}

static gboolean
has_size (ViewerFixture *f, int width, int height)
{
  XWindowAttributes attributes;

  return XGetWindowAttributes (f->display, f->xid, &attributes) != 0 && attributes.width == width &&
         attributes.height == height;
}

void
viewer_fixture_expect_size (ViewerFixture *f, int width, int height)
{
  test_wait_polled (has_window (f) && has_size (f, width, height));
}

static gboolean
is_focused (ViewerFixture *f)
{
  Window focus;
  int unused;

  XGetInputFocus (f->display, &focus, &unused);
  return focus == f->xid;
}

gboolean
viewer_fixture_has_status (ViewerFixture *f, const char *line)
{
  g_autofree char *path =
      g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (f->viewer));
  g_autofree char *status = NULL;

  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  return strstr (status, line) != NULL;
}

void
viewer_fixture_wait_for_focus (ViewerFixture *f)
{
  test_wait_polled (is_focused (f));
}

void
viewer_fixture_press (ViewerFixture *f, const char *keys)
{
  viewer_fixture_wait_for_focus (f);
  test_xdotool ("key %s", keys);
}

/* ---- what it says */

gboolean
viewer_fixture_says (int fd, GString *all, const char *words)
{
  char text[256];
  gssize n;

  while ((n = read (fd, text, sizeof text)) > 0)
    g_string_append_len (all, text, n);
  return strstr (all->str, words) != NULL;
}

/* On standard error, after all that it has said before. */
void
viewer_fixture_expect_words (ViewerFixture *f, const char *words)
{
  const int fd =
      g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (g_subprocess_get_stderr_pipe (f->viewer)));
  g_autoptr (GString) all = g_string_new (NULL);

  g_assert_cmpint (fcntl (fd, F_SETFL, O_NONBLOCK), ==, 0);
  test_wait_polled (viewer_fixture_says (fd, all, words));
}

/* ---- tests */

static void
run_test (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

void
viewer_fixture_add (const char *path, void (*test) (void))
{
  g_test_add_data_func (path, (gconstpointer) test, run_test);
}

void
viewer_fixture_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  XSetErrorHandler (ignore_error);
  /* libspice-server, like QEMU around it, writes to clients that have gone. */
  signal (SIGPIPE, SIG_IGN);
}
