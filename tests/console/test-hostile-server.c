/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console in front of a server that says what a real one said, with something wrong in it.
 *
 * Sessions are shown by processes of their own, as windows are. One of them may fall where
 * SPICE's client library does; what this asserts is that our own code never is what falls, that
 * nothing hangs, and that each session ends. LODGE_TEST_SESSIONS: how many; LODGE_TEST_SEED: the
 * first.
 */
#include "console/lodge-console-session.h"
#include "lodge-config.h"

#include "spice-fixture-agent.h"
#include "spice-recording.h"
#include "test-folder.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <spice/enums.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer takes its time to tell of each one that fell in a library. */
#define N_SESSIONS (LODGE_ADDRESS_SANITIZER ? 1000 : 5000)
/* Most of a session's time is waiting. */
#define N_WORKERS 4
/* A session that does not end by itself; far above what a busy computer needs for one. */
#define HANG_S 60
/* Of a session without changes: at first, narrowed to the first monitor, and after the guest
 * changed its size. */
#define N_FRAMES 3
#define WORKER   "--worker"
#define WIDTH    96
#define HEIGHT   64
/* As a console's process has; see app/lodge-console.c. */
#define MEMORY_MAX ((rlim_t) 4 << 30)

/* ---- what a server says */

static const int compressions[] = {
    SPICE_IMAGE_COMPRESSION_OFF, SPICE_IMAGE_COMPRESSION_QUIC, SPICE_IMAGE_COMPRESSION_LZ,
    SPICE_IMAGE_COMPRESSION_GLZ, SPICE_IMAGE_COMPRESSION_LZ4,  SPICE_IMAGE_COMPRESSION_AUTO_GLZ,
};

static gboolean
has_frame (gpointer session)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (session), &frame);
  return frame.data != NULL;
}

/* The guest's one monitor was narrowed to a half of the picture. */
static gboolean
is_narrow (gpointer session)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (session), &frame);
  return frame.data != NULL && frame.width == WIDTH / 2;
}

static gboolean
is_low (gpointer session)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (session), &frame);
  return frame.data != NULL && frame.height == HEIGHT / 2;
}

static gboolean
has_offer (gpointer session)
{
  LodgeConsoleClipboard *clipboard = lodge_console_session_get_clipboard (session);

  return lodge_console_clipboard_get_offer (clipboard)[0] != NULL;
}

static void
open_clipboard (LodgeConsoleSession *session)
{
  lodge_console_clipboard_set_ways (lodge_console_session_get_clipboard (session),
                                    LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST);
}

/* Half smooth, half noise, which each compression has another way for. */
static void
draw (SpiceFixture *server, guint round)
{
  guint32 pixels[48 * 32];

  for (guint i = 0; i < G_N_ELEMENTS (pixels); i++)
    pixels[i] = round % 2 == 0 ? (i % 48) * 0x050301 + round : (i * 2654435761u + round) & 0xffffff;
  spice_fixture_draw (server, round * 7 % 48, round * 5 % 32, 48, 32, pixels);
}

static SpiceRecording *
record (int compression)
{
  static const guint32 cursor[] = {0xffff0000, 0x8000ff00, 0x00000000, 0xff0000ff};
  static const int two[] = {0, 0, WIDTH / 2, HEIGHT, WIDTH / 2, 0, WIDTH / 2, HEIGHT};
  SpiceFixture *server = spice_fixture_new (WIDTH, HEIGHT, TRUE);
  SpiceFixtureAgent *agent = spice_fixture_agent_new (server);
  SpiceRecording *recording = spice_recording_new (spice_fixture_open, server);
  LodgeConsoleSession *session =
      lodge_console_session_new_for_open (spice_recording_open, recording);

  spice_fixture_set_compression (server, compression);
  open_clipboard (session);
  lodge_console_session_open (session);
  g_assert_true (spice_fixture_wait (has_frame, session));
  spice_fixture_agent_announce (agent, SPICE_FIXTURE_AGENT_LINUX);
  for (guint i = 0; i < 6; i++)
    draw (server, i);
  spice_fixture_set_cursor (server, 2, 2, 1, 1, cursor);
  spice_fixture_move_cursor (server, 9, 9);
  spice_fixture_set_leds (server, 2);
  spice_fixture_set_monitors (server, 2, two);
  spice_fixture_set_tablet (server, FALSE);
  spice_fixture_agent_grab (agent, 0, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  g_assert_true (spice_fixture_wait (has_offer, session));
  g_assert_true (spice_fixture_wait (is_narrow, session));
  spice_fixture_settle ();
  spice_fixture_resize (server, WIDTH / 2, HEIGHT / 2);
  g_assert_true (spice_fixture_wait (is_low, session));
  for (guint i = 0; i < 3; i++)
    draw (server, i);
  spice_fixture_hide_cursor (server);
  spice_fixture_agent_release (agent, 0);
  spice_fixture_settle ();

  g_object_unref (session);
  spice_fixture_settle ();
  spice_fixture_agent_free (agent);
  spice_fixture_free (server);
  const guint n = spice_recording_finish (recording);
  g_assert_cmpuint (n, >, 30);
  return recording;
}

/* ---- one session */

typedef struct {
  gboolean ended;
  guint64 sum; /* of all that was shown, so that all of it is read */
  guint frames;
} Seen;

static void
ended_cb (LodgeConsoleSession *session, const GError *error, Seen *seen)
{
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  seen->ended = TRUE;
}

static void
read_frame (LodgeFrameSource *source, int x, int y, int width, int height, Seen *seen)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (source, &frame);
  g_assert_nonnull (frame.data);
  g_assert_true (x >= 0 && y >= 0 && width > 0 && height > 0);
  g_assert_true (x + width <= frame.width && y + height <= frame.height);
  for (int line = y; line < y + height; line++) {
    const guint8 *bytes = frame.data + (gsize) line * frame.stride + (gsize) x * 4;

    for (int i = 0; i < width * 4; i++)
      seen->sum += bytes[i];
  }
}

static void
frame_cb (LodgeFrameSource *source, Seen *seen)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (source, &frame);
  if (frame.data == NULL)
    return;
  seen->frames++;
  /* What a server makes very large is not worth the time here: its ends are. */
  read_frame (source, 0, 0, frame.width, MIN (frame.height, 64), seen);
  read_frame (source, 0, frame.height - 1, frame.width, 1, seen);
}

static void
cursor_cb (LodgeFrameSource *source, Seen *seen)
{
  LodgeCursor cursor;

  if (!lodge_frame_source_get_cursor (source, &cursor) || cursor.rgba == NULL)
    return;
  g_assert_true (cursor.hot_x >= 0 && cursor.hot_x < cursor.width);
  g_assert_true (cursor.hot_y >= 0 && cursor.hot_y < cursor.height);
  for (gsize i = 0; i < (gsize) cursor.width * cursor.height * 4; i++)
    seen->sum += cursor.rgba[i];
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, &error);

  g_assert_true ((bytes == NULL) == (error != NULL));
}

static void
offered_cb (LodgeConsoleClipboard *clipboard, gpointer user_data)
{
  const char *const *offer = lodge_console_clipboard_get_offer (clipboard);

  if (offer[0] != NULL)
    lodge_console_clipboard_read_async (clipboard, offer[0], NULL, read_cb, NULL);
}

/* What a user does meanwhile. */
static void
use (LodgeConsoleSession *session, guint turn)
{
  lodge_console_session_key (session, 30, turn % 2 == 0);
  lodge_console_session_position (session, turn, turn);
  lodge_console_session_button (session, LODGE_BUTTON_LEFT, turn % 2 == 0);
  lodge_console_session_wheel (session, 1);
  lodge_console_session_sync_locks (session, turn);
  lodge_console_session_resize (session, 640 + turn, 480);
}

static void
run_session (SpiceRecording *recording, guint32 seed, Seen *seen)
{
  SpicePlayer *player = spice_player_new (recording, seed);
  LodgeConsoleSession *session = lodge_console_session_new_for_open (spice_player_open, player);
  LodgeFrameSource *source = lodge_console_session_get_source (session);

  *seen = (Seen){0};
  open_clipboard (session);
  g_signal_connect (session, "disconnected", G_CALLBACK (ended_cb), seen);
  g_signal_connect (source, "frame-changed", G_CALLBACK (frame_cb), seen);
  g_signal_connect (source, "damage", G_CALLBACK (read_frame), seen);
  g_signal_connect (source, "cursor-changed", G_CALLBACK (cursor_cb), seen);
  g_signal_connect (lodge_console_session_get_clipboard (session), "offered",
                    G_CALLBACK (offered_cb), NULL);
  lodge_console_session_open (session);
  for (guint turn = 0; !seen->ended; turn++) {
    g_main_context_iteration (NULL, TRUE);
    if (turn % 16 == 0)
      use (session, turn);
    if (seen->frames >= N_FRAMES)
      spice_player_end (player);
  }
  g_signal_handlers_disconnect_by_data (source, seen);
  g_object_unref (session);
  spice_player_free (player);
}

/* ---- processes */

typedef struct {
  guint32 seed;  /* in work */
  guint32 last;  /* of its share */
  gint64 since;  /* when that began */
  guint frames;  /* pictures that were shown */
  gboolean ours; /* it fell in our code */
  char report[4096];
} Share;

static Share *share; /* of this process, in memory that its parent sees */

static char *
dup_path (const char *folder, guint recording)
{
  return g_strdup_printf ("%s/recording-%u", folder, recording);
}

static Share *
map_shares (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "shares", NULL);
  const gsize size = N_WORKERS * sizeof (Share);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  gpointer shares;

  g_assert_no_errno (ftruncate (fd, size));
  shares = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (shares != MAP_FAILED);
  close (fd);
  return shares;
}

/* Whether the innermost frame that is not of the C library or of GLib is in this program. */
static void
fell_cb (int number)
{
  void *frames[64];
  const int n = backtrace (frames, G_N_ELEMENTS (frames));
  Dl_info self, info;

  dladdr ((void *) fell_cb, &self);
  /* This function, and the one that the kernel calls it through. */
  for (int i = 2; i < n; i++) {
    if (dladdr (frames[i], &info) == 0 || strstr (info.dli_fname, "/libc.so") != NULL ||
        strstr (info.dli_fname, "/libglib-") != NULL)
      continue;
    share->ours = g_str_equal (info.dli_fname, self.dli_fname);
    break;
  }
  signal (number, SIG_DFL);
  raise (number);
}

/* AddressSanitizer names each frame with its source; libraries have none. */
void __asan_set_error_report_callback (void (*callback) (const char *)) __attribute__ ((weak));

/* Its own functions are linked into this program, under the C library's names or others. */
static gboolean
is_of_sanitizer (const char *frame)
{
  g_autofree char *module = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *place = g_strconcat (" (", module, "+0x", NULL);

  /* A name, and then no source but the module: all that is ours is compiled with its sources'
   * names. */
  return strstr (frame, " in ") != NULL && strstr (frame, place) != NULL;
}

static void
report_cb (const char *report)
{
  const char *line = strstr (report, "\n    #");

  g_strlcpy (share->report, report, sizeof share->report);
  for (; line != NULL; line = strstr (line + 1, "\n    #")) {
    g_autofree char *frame = g_strndup (line + 1, strcspn (line + 1, "\n"));

    if (is_of_sanitizer (frame) || strstr (frame, "libc.so") != NULL ||
        strstr (frame, "libglib-") != NULL)
      continue;
    /* By the source's name, or where nothing translates addresses by the program's. */
    share->ours = strstr (frame, "/ui/") != NULL || strstr (frame, "/tests/") != NULL;
    return;
  }
}

static void
prepare_process (void)
{
  static const int falls[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP};
  const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, no_core = {0, 0};
  int null = open ("/dev/null", O_WRONLY);

  if (__asan_set_error_report_callback != NULL)
    __asan_set_error_report_callback (report_cb);
  if (!LODGE_ADDRESS_SANITIZER) {
    setrlimit (RLIMIT_DATA, &memory);
    for (guint i = 0; i < G_N_ELEMENTS (falls); i++)
      signal (falls[i], fell_cb);
  }
  setrlimit (RLIMIT_CORE, &no_core);
  /* The libraries have much to say of each session. */
  dup2 (null, STDOUT_FILENO);
  if (g_getenv ("LODGE_TEST_LOUD") == NULL)
    dup2 (null, STDERR_FILENO);
}

/* A process of its own program: where the recordings are, and which share is its own. */
static int
work (const char *folder, guint which)
{
  SpiceRecording *recordings[G_N_ELEMENTS (compressions)];
  Seen seen;

  share = map_shares (folder) + which;
  for (guint i = 0; i < G_N_ELEMENTS (recordings); i++) {
    g_autofree char *path = dup_path (folder, i);

    recordings[i] = spice_recording_load (path);
  }
  prepare_process ();
  for (; share->seed < share->last; share->seed++) {
    share->since = g_get_monotonic_time ();
    run_session (recordings[share->seed % G_N_ELEMENTS (recordings)], share->seed, &seen);
    share->frames += seen.frames;
  }
  _exit (0);
}

static pid_t
start (const char *folder, Share *shares, guint which)
{
  char number[] = {'0' + which, '\0'};

  shares[which].since = g_get_monotonic_time ();
  const pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0) {
    /* Set for the other tests: a message that is fatal there is none in a window. */
    unsetenv ("G_DEBUG");
    /* Meson has each block of memory filled, also one of gigabytes that nobody uses. */
    unsetenv ("MALLOC_PERTURB_");
    execl ("/proc/self/exe", "/proc/self/exe", WORKER, folder, number, NULL);
    _exit (127);
  }
  return pid;
}

/* ---- all of them */

static guint32
get_number (const char *name, guint32 otherwise)
{
  const char *text = g_getenv (name);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : otherwise;
}

/* "==1==ERROR: AddressSanitizer: ..." of a report, which is cut after it. */
static const char *
first_line (char *report)
{
  char *line = strstr (report, "ERROR: ");

  if (line != NULL)
    line[strcspn (line, "\n")] = '\0';
  return line != NULL ? line : "";
}

/* TRUE while it has something to do. */
static gboolean
look_after (const char *folder, Share *shares, guint which, pid_t *pid, guint *n_fallen)
{
  Share *its = &shares[which];
  int status;

  if (waitpid (*pid, &status, WNOHANG) == *pid) {
    if (WIFEXITED (status) && its->seed >= its->last)
      return FALSE;
    g_printerr ("session %u: its process fell, status 0x%x %s\n", its->seed, status,
                first_line (its->report));
    g_assert_false (its->ours);
    /* UndefinedBehaviorSanitizer, which only our code is compiled for, ends the process and says
     * nothing here. */
    g_assert_true (WIFSIGNALED (status) || its->report[0] != '\0');
    its->report[0] = '\0';
    ++*n_fallen;
    its->seed++;
    *pid = start (folder, shares, which);
  } else if (g_get_monotonic_time () - its->since > HANG_S * G_TIME_SPAN_SECOND) {
    kill (*pid, SIGABRT);
    g_error ("session %u does not end", its->seed);
  }
  return TRUE;
}

static void
test_mutated (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-hostile-XXXXXX", NULL);
  Share *shares = map_shares (folder);
  const guint32 first = get_number ("LODGE_TEST_SEED", 1);
  const guint32 n = get_number ("LODGE_TEST_SESSIONS", N_SESSIONS);
  pid_t workers[N_WORKERS];
  guint n_running = N_WORKERS, n_fallen = 0, n_frames = 0;

  for (guint i = 0; i < G_N_ELEMENTS (compressions); i++) {
    g_autofree char *path = dup_path (folder, i);
    SpiceRecording *recording = record (compressions[i]);

    spice_recording_save (recording, path);
    spice_recording_free (recording);
  }
  for (guint i = 0; i < N_WORKERS; i++) {
    shares[i].seed = first + n / N_WORKERS * i;
    shares[i].last = i + 1 < N_WORKERS ? shares[i].seed + n / N_WORKERS : first + n;
    workers[i] = start (folder, shares, i);
  }
  while (n_running > 0) {
    for (guint i = 0; i < N_WORKERS; i++) {
      if (workers[i] != 0 && !look_after (folder, shares, i, &workers[i], &n_fallen)) {
        workers[i] = 0;
        n_running--;
      }
    }
    g_usleep (10000);
  }
  for (guint i = 0; i < N_WORKERS; i++)
    n_frames += shares[i].frames;
  g_test_message ("%u sessions, %u pictures, %u processes fell in a library", n, n_frames,
                  n_fallen);
  /* Most of what a server says is right, so most sessions show something. */
  g_assert_cmpuint (n_frames, >, n / 2);
  munmap (shares, N_WORKERS * sizeof (Share));
  test_folder_remove (folder);
}

/* Without a change it is what the real server said. */
static void
test_as_it_was (void)
{
  SpiceRecording *recording = record (SPICE_IMAGE_COMPRESSION_OFF);
  Seen seen;

  run_session (recording, 0, &seen);
  g_assert_cmpuint (seen.frames, >=, N_FRAMES);
  g_assert_cmpuint (seen.sum, >, 0);
  spice_recording_free (recording);
}

/* Whose fall it is that AddressSanitizer reports, as clang 14 and as clang 19 put it. */
static void
test_blame (void)
{
  static const struct {
    const char *frames; /* MODULE is this program */
    gboolean ours;
  } rows[] = {
      {"\n    #0 0x5 in __interceptor_malloc (MODULE+0xe2) (BuildId: ab)"
       "\n    #1 0x7 in g_malloc (/lib/libglib-2.0.so.0+0x6)\n    #2 0x7 (/lib/libspice.so.8+0x5)",
       FALSE},
      {"\n    #0 0x5 in malloc (MODULE+0xe2) (BuildId: ab)"
       "\n    #1 0x7 in g_malloc (/lib/libglib-2.0.so.0+0x6)\n    #2 0x7 (/lib/libspice.so.8+0x5)",
       FALSE},
      {"\n    #0 0x5 in malloc (MODULE+0xe2) (BuildId: ab)"
       "\n    #1 0x7 in g_malloc (/lib/libglib-2.0.so.0+0x6)"
       "\n    #2 0x5 in lodge_frame_new /x/lodge/build/../ui/console/lodge-frame.c:40:3",
       TRUE},
      {"\n    #0 0x5 in __asan_memcpy (MODULE+0xe2)\n    #1 0x5 in take /x/tests/console/a.c:4:3",
       TRUE},
      /* Nothing translates addresses. */
      {"\n    #0 0x5  (MODULE+0xe2) (BuildId: ab)", TRUE},
      {"\n    #0 0x7  (/lib/libpixman-1.so.0+0x5) (BuildId: ab)", FALSE},
  };
  g_autofree char *module = g_file_read_link ("/proc/self/exe", NULL);
  Share here = {0};

  share = &here;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GString) report = g_string_new ("==1==ERROR: AddressSanitizer: bad");

    g_string_append (report, rows[i].frames);
    g_string_replace (report, "MODULE", module, 0);
    here.ours = !rows[i].ours;
    report_cb (report->str);
    if (here.ours != rows[i].ours)
      g_error ("ours: %d: %s", here.ours, report->str);
  }
  share = NULL;
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], WORKER))
    return work (argv[2], argv[3][0] - '0');

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hostile-server/blame", test_blame);
  g_test_add_data_func ("/hostile-server/as-it-was",
                        (gconstpointer) (void (*) (void)) test_as_it_was, run);
  g_test_add_data_func ("/hostile-server/mutated", (gconstpointer) (void (*) (void)) test_mutated,
                        run);
  return g_test_run ();
}
