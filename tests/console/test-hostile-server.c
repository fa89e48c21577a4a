/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console in front of a server that says what a real one said, with something wrong in it.
 *
 * Sessions are shown by processes of their own, as windows are. One of them may fall where
 * SPICE's client library does; what this asserts is that our own code never is what falls, that
 * nothing hangs, and that each session ends. LODGE_TEST_SESSIONS: how many; LODGE_TEST_SEED: the
 * first.
 */
#include "lodge-config.h"

#include "hostile-recordings.h"
#include "spice-fixture.h"
#include "test-folder.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
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
#define HANG_S    60
#define WORKER    "--worker"
#define FILE_NAME "file"
/* As a console's process has; see app/lodge-console.c. */
#define MEMORY_MAX ((rlim_t) 4 << 30)

/* ---- processes */

typedef struct {
  guint32 seed; /* in work */
  guint32 last; /* of its share */
  gint64 since; /* when that began */
  guint frames; /* pictures that were shown */
  guint scanouts, played, copied;
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
  SpiceRecording *recordings[HOSTILE_RECORDINGS];
  g_autofree char *file = g_build_filename (folder, FILE_NAME, NULL);
  HostileSeen seen;

  share = map_shares (folder) + which;
  for (guint i = 0; i < G_N_ELEMENTS (recordings); i++) {
    g_autofree char *path = dup_path (folder, i);

    recordings[i] = spice_recording_load (path);
  }
  prepare_process ();
  for (; share->seed < share->last; share->seed++) {
    share->since = g_get_monotonic_time ();
    const guint i = share->seed % HOSTILE_RECORDINGS;

    hostile_session_run (recordings[i], hostile_recording_get_kind (i), share->seed, file, &seen);
    share->frames += seen.frames;
    share->scanouts += seen.scanouts > 0;
    share->played += seen.played > 0;
    share->copied += seen.copied > 0;
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

/* Returns: (transfer full): what is sent to guests */
static char *
make_file (const char *folder)
{
  char *path = g_build_filename (folder, FILE_NAME, NULL);

  g_assert_true (g_file_set_contents (path, folder, -1, NULL));
  return path;
}

static void
test_mutated (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-hostile-XXXXXX", NULL);
  Share *shares = map_shares (folder);
  const guint32 first = get_number ("LODGE_TEST_SEED", 1);
  const guint32 n = get_number ("LODGE_TEST_SESSIONS", N_SESSIONS);
  pid_t workers[N_WORKERS];
  guint n_running = N_WORKERS, n_fallen = 0, n_frames = 0, n_scanouts = 0, n_played = 0;
  guint n_copied = 0;
  g_autofree char *file = make_file (folder);

  for (guint i = 0; i < HOSTILE_RECORDINGS; i++) {
    g_autofree char *path = dup_path (folder, i);
    SpiceRecording *recording = hostile_recording_new (i, file);

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
  for (guint i = 0; i < N_WORKERS; i++) {
    n_frames += shares[i].frames;
    n_scanouts += shares[i].scanouts;
    n_played += shares[i].played;
    n_copied += shares[i].copied;
  }
  g_test_message ("%u sessions, %u pictures; %u with a scanout, %u with sound, %u with a file; %u "
                  "processes fell in a library",
                  n, n_frames, n_scanouts, n_played, n_copied, n_fallen);
  /* Most of what a server says is right, so most sessions show something. */
  g_assert_cmpuint (n_frames, >, n / 2);
  /* How many, of sessions that end soon, the computer decides. */
  g_assert_cmpuint (n_scanouts, >=, n / HOSTILE_RECORDINGS / 10);
  g_assert_cmpuint (n_played, >=, n / HOSTILE_RECORDINGS / 10);
  g_assert_cmpuint (n_copied, >=, n / HOSTILE_RECORDINGS / 10);
  munmap (shares, N_WORKERS * sizeof (Share));
  test_folder_remove (folder);
}

/* Without a change it is what the real server said. */
static void
check_as_it_was (HostileKind kind)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-hostile-XXXXXX", NULL);
  g_autofree char *file = make_file (folder);
  guint which = 0;
  HostileSeen seen;

  while (hostile_recording_get_kind (which) != kind)
    which++;
  SpiceRecording *recording = hostile_recording_new (which, file);
  hostile_session_run (recording, kind, 0, file, &seen);
  g_assert_true (hostile_seen_is_enough (kind, &seen));
  if (kind == HOSTILE_PICTURES)
    g_assert_cmpuint (seen.sum, >, 0);
  spice_recording_free (recording);
  test_folder_remove (folder);
}

static void
test_pictures_as_they_were (void)
{
  check_as_it_was (HOSTILE_PICTURES);
}

static void
test_sound_as_it_was (void)
{
  check_as_it_was (HOSTILE_SOUND);
}

static void
test_scanout_as_it_was (void)
{
  check_as_it_was (HOSTILE_SCANOUT);
}

static void
test_sharing_as_it_was (void)
{
  check_as_it_was (HOSTILE_SHARING);
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

static void
add (const char *path, void (*test) (void))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], WORKER))
    return work (argv[2], argv[3][0] - '0');

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hostile-server/blame", test_blame);
  add ("/hostile-server/pictures-as-they-were", test_pictures_as_they_were);
  add ("/hostile-server/sound-as-it-was", test_sound_as_it_was);
  add ("/hostile-server/scanout-as-it-was", test_scanout_as_it_was);
  add ("/hostile-server/sharing-as-it-was", test_sharing_as_it_was);
  add ("/hostile-server/mutated", test_mutated);
  return g_test_run ();
}
