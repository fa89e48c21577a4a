/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures that a server passes as a graphics card's memory. Ordinary memory is in its place here:
 * to the protocol it is the same. */
#include "console/lodge-console-session.h"
#include "lodge-error.h"
#include "spice-fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define XR24   0x34325258u
#define AR24   0x34325241u
#define RG16   0x36314752u
#define WIDTH  64
#define HEIGHT 48
#define STRIDE (WIDTH * 4)

static int
new_memory (gsize size)
{
  const int fd = memfd_create ("scanout", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  return fd;
}

/* ---- numbers */

static void
test_numbers (void)
{
  static const struct {
    guint32 width, height, stride, fourcc, good;
  } cases[] = {
      {64, 48, 256, XR24, XR24},
      {64, 48, 256, AR24, XR24}, /* nothing is below a screen */
      {63, 48, 256, XR24, XR24},
      {64, 48, 255, XR24, 0},
      {65, 48, 256, XR24, 0},
      {64, 49, 256, XR24, 0}, /* more than there is */
      {64, 24, 516, XR24, 0}, /* and only behind the last pixel */
      {0, 48, 256, XR24, 0},
      {64, 0, 256, XR24, 0},
      {64, 48, 0, XR24, 0},
      {64, 48, 256, RG16, 0},
      {64, 48, 256, 0, 0},
      {64, 48, 257, XR24, 0},
      {1 << 30, 1, 0, XR24, 0}, /* times 4 is 0 in 32 bits */
      {1, 1 << 30, 4, XR24, 0},
      {1, 48, G_MAXUINT32, XR24, 0},
      {G_MAXUINT32, G_MAXUINT32, G_MAXUINT32, XR24, 0},
      {16384, 16384, 65536, XR24, 0},
  };
  const int fd = new_memory (STRIDE * HEIGHT);
  int pipe_fds[2];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    LodgeScanout scanout = {.width = 7};
    const gboolean good = lodge_scanout_check (fd, cases[i].width, cases[i].height, cases[i].stride,
                                               cases[i].fourcc, TRUE, &scanout, &error);

    g_assert_cmpint (good, ==, cases[i].good != 0);
    g_assert_cmpint (scanout.width, ==, good ? (int) cases[i].width : 7);
    if (!good) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
      continue;
    }
    g_assert_no_error (error);
    g_assert_cmpint (scanout.fd, ==, fd);
    g_assert_cmphex (scanout.fourcc, ==, cases[i].good);
    g_assert_true (scanout.from_bottom);
    g_assert_false (scanout.in_host);
  }

  /* What is no memory at all. */
  LodgeScanout scanout;
  g_assert_false (lodge_scanout_check (-1, 64, 48, 256, XR24, FALSE, &scanout, NULL));
  g_assert_cmpint (pipe2 (pipe_fds, O_CLOEXEC), ==, 0);
  g_assert_false (lodge_scanout_check (pipe_fds[0], 64, 48, 256, XR24, FALSE, &scanout, NULL));
  close (pipe_fds[0]);
  close (pipe_fds[1]);
  close (fd);
}

/* Of whose memory a descriptor need not have all. */
static void
test_guest_card (void)
{
#define BEFORE "pos:\t0\nflags:\t00\nmnt_id:\t12\nino:\t4\nsize:\t4096\ncount:\t4\n"

  g_assert_true (lodge_scanout_is_of_guest_card (BEFORE "exp_name:\tvirtio_gpu\n"));
  g_assert_true (lodge_scanout_is_of_guest_card (BEFORE "exp_name:\tvirtio_gpu\nname:\ta\n"));
  g_assert_false (lodge_scanout_is_of_guest_card (BEFORE "exp_name:\tvirtio_gpu2\n"));
  g_assert_false (lodge_scanout_is_of_guest_card (BEFORE "exp_name:\tvirtio_gpu"));
  g_assert_false (lodge_scanout_is_of_guest_card (BEFORE));
  g_assert_false (lodge_scanout_is_of_guest_card (""));
  /* By its name, which who passes it has chosen. */
  g_assert_false (
      lodge_scanout_is_of_guest_card (BEFORE "exp_name:\ti915\nname:\tx\nexp_name:\tvirtio_gpu\n"));
#undef BEFORE
}

/* ---- from a server */

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  LodgeFrameSource *source;
  int memory;
  guint damages;
  gboolean answer; /* each drawing, as a display does */
  int x, y, width, height;
} Test;

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, Test *test)
{
  test->damages++;
  test->x = x;
  test->y = y;
  test->width = width;
  test->height = height;
  if (test->answer)
    lodge_frame_source_drawn (source);
}

static gboolean
has_frame (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Test *) data)->source, &frame);
  return frame.data != NULL;
}

static gboolean
has_scanout (gpointer data)
{
  LodgeScanout scanout;

  return lodge_frame_source_get_scanout (((Test *) data)->source, &scanout);
}

static gboolean
has_problem (gpointer data)
{
  return lodge_frame_source_get_problem (((Test *) data)->source) != NULL;
}

static gboolean
has_nothing (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Test *) data)->source, &frame);
  return frame.width == 0 && !has_problem (data);
}

typedef struct {
  Test *test;
  guint n;
} Count;

static gboolean
is_answered (gpointer data)
{
  const Count *want = data;

  return spice_fixture_get_n_answered (want->test->server) >= want->n;
}

static gboolean
is_damaged (gpointer data)
{
  const Count *want = data;

  return want->test->damages >= want->n;
}

static void
expect (Test *test, SpiceFixtureCondition condition, guint n)
{
  Count want = {test, n};

  g_assert_true (spice_fixture_wait (condition, &want));
}

/* There is more to a connection than its picture. */
static gboolean
takes_pointer (gpointer data)
{
  gboolean connected, absolute;

  g_object_get (((Test *) data)->session, "connected", &connected, "pointer-absolute", &absolute,
                NULL);
  return connected && absolute;
}

static void
set_up (Test *test)
{
  *test = (Test){.memory = new_memory (STRIDE * HEIGHT)};
  test->server = spice_fixture_new (320, 200, TRUE);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->source = lodge_console_session_get_source (test->session);
  g_signal_connect (test->source, "damage", G_CALLBACK (damage_cb), test);
  lodge_console_session_show_monitor (test->session, 0, TRUE);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (has_frame, test));
}

static void
show (Test *test)
{
  spice_fixture_set_scanout (test->server, test->memory, WIDTH, HEIGHT, STRIDE, AR24, TRUE);
  g_assert_true (spice_fixture_wait (has_scanout, test));
  test->damages = 0; /* of the ordinary picture before */
}

static void
tear_down (Test *test)
{
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
  close (test->memory);
}

/* The memory that comes is the memory that was given, under the size that counts for the pointer.
 */
static void
test_memory (void)
{
  const guint32 color = 0x336699;
  LodgeScanout scanout;
  LodgeFrame frame;
  guint32 seen = 0;
  Test test;

  set_up (&test);
  g_assert_cmpint (pwrite (test.memory, &color, sizeof color, 40), ==, sizeof color);
  show (&test);
  g_assert_true (lodge_frame_source_get_scanout (test.source, &scanout));
  g_assert_cmpint (scanout.width, ==, WIDTH);
  g_assert_cmpint (scanout.height, ==, HEIGHT);
  g_assert_cmpint (scanout.stride, ==, STRIDE);
  g_assert_cmphex (scanout.fourcc, ==, XR24);
  g_assert_true (scanout.from_bottom);
  g_assert_cmpint (pread (scanout.fd, &seen, sizeof seen, 40), ==, sizeof seen);
  g_assert_cmphex (seen, ==, color);
  g_assert_cmpint (fcntl (scanout.fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  lodge_frame_source_get_frame (test.source, &frame);
  g_assert_null (frame.data);
  g_assert_cmpint (frame.width, ==, WIDTH);
  g_assert_cmpint (frame.height, ==, HEIGHT);
  g_assert_true (spice_fixture_wait (takes_pointer, &test));
  lodge_console_session_position (test.session, 1000, 1000);
  spice_fixture_expect_pointer (test.server, "@63,47");
  tear_down (&test);
}

/* The guest's graphics stand still until the answer comes; it comes when the display says so. */
static void
test_answer (void)
{
  Test test;

  set_up (&test);
  show (&test);
  test.answer = TRUE;
  for (guint i = 1; i <= 20; i++) {
    spice_fixture_draw_scanout (test.server, i, 2, 3, 4);
    expect (&test, is_answered, i);
    g_assert_cmpuint (test.damages, ==, i);
    g_assert_cmpint (test.x, ==, (int) i);
    g_assert_cmpint (test.y, ==, 2);
    g_assert_cmpint (test.width, ==, 3);
    g_assert_cmpint (test.height, ==, 4);
  }
  tear_down (&test);
}

/* A display that never says so holds up nothing for ever. */
static void
test_answer_is_late (void)
{
  Test test;

  set_up (&test);
  show (&test);
  spice_fixture_draw_scanout (test.server, 0, 0, WIDTH, HEIGHT);
  expect (&test, is_damaged, 1);
  g_assert_cmpuint (spice_fixture_get_n_answered (test.server), ==, 0);
  expect (&test, is_answered, 1);

  /* Nobody looks any more: what waits is answered, and what follows. */
  spice_fixture_draw_scanout (test.server, 0, 0, WIDTH, HEIGHT);
  expect (&test, is_damaged, 2);
  lodge_console_session_show_monitor (test.session, 0, FALSE);
  expect (&test, is_answered, 2);
  spice_fixture_draw_scanout (test.server, 0, 0, WIDTH, HEIGHT);
  expect (&test, is_answered, 3);
  g_assert_cmpuint (test.damages, ==, 3);
  tear_down (&test);
}

/* Rectangles that are not in the picture, or not all. */
static void
test_damage_outside (void)
{
  Test test;

  set_up (&test);
  show (&test);
  test.answer = TRUE;
  spice_fixture_draw_scanout (test.server, WIDTH, 0, 1, 1);
  expect (&test, is_answered, 1);
  spice_fixture_draw_scanout (test.server, G_MAXUINT32, G_MAXUINT32, 2, 2);
  expect (&test, is_answered, 2);
  spice_fixture_draw_scanout (test.server, 0, 0, 0, 0);
  expect (&test, is_answered, 3);
  g_assert_cmpuint (test.damages, ==, 0);
  spice_fixture_draw_scanout (test.server, 60, 40, G_MAXUINT32, G_MAXUINT32);
  expect (&test, is_answered, 4);
  g_assert_cmpuint (test.damages, ==, 1);
  g_assert_cmpint (test.x, ==, 60);
  g_assert_cmpint (test.y, ==, 40);
  g_assert_cmpint (test.width, ==, WIDTH - 60);
  g_assert_cmpint (test.height, ==, HEIGHT - 40);
  tear_down (&test);
}

/* A picture that cannot be is said to be none, with the reason, and its drawings are answered. */
static void
test_hostile (void)
{
  static const guint32 wrong[][4] = {
      {WIDTH, HEIGHT + 1, STRIDE, XR24},
      {WIDTH + 1, HEIGHT, STRIDE, XR24},
      {G_MAXUINT32, G_MAXUINT32, G_MAXUINT32, XR24},
      {1u << 30, 1, 0, XR24},
      {0, 0, 0, XR24},
      {WIDTH, HEIGHT, STRIDE, RG16},
  };
  LodgeScanout scanout;
  int pipe_fds[2];
  guint n = 0;
  Test test;

  set_up (&test);
  test.answer = TRUE;
  g_assert_cmpint (pipe2 (pipe_fds, O_CLOEXEC), ==, 0);
  for (guint i = 0; i <= G_N_ELEMENTS (wrong); i++) {
    const guint32 *it = wrong[i % G_N_ELEMENTS (wrong)];

    show (&test);
    if (i < G_N_ELEMENTS (wrong))
      spice_fixture_set_scanout (test.server, test.memory, it[0], it[1], it[2], it[3], FALSE);
    else
      spice_fixture_set_scanout (test.server, pipe_fds[1], WIDTH, HEIGHT, STRIDE, XR24, FALSE);
    g_assert_true (spice_fixture_wait (has_problem, &test));
    g_assert_false (lodge_frame_source_get_scanout (test.source, &scanout));
    spice_fixture_draw_scanout (test.server, 0, 0, WIDTH, HEIGHT);
    expect (&test, is_answered, ++n);
  }
  g_assert_cmpuint (test.damages, ==, 0);

  /* A right one makes up for it. */
  show (&test);
  g_assert_false (has_problem (&test));
  close (pipe_fds[0]);
  close (pipe_fds[1]);
  tear_down (&test);
}

/* What came last is shown: the card's picture, or the ordinary one. */
static void
test_back_and_forth (void)
{
  Test test;

  set_up (&test);
  for (guint i = 0; i < 5; i++) {
    show (&test);
    spice_fixture_resize (test.server, 300 + 8 * (int) i, 200);
    g_assert_true (spice_fixture_wait (has_frame, &test));
    g_assert_false (has_scanout (&test));
  }
  /* Without the ordinary one it stays. */
  show (&test);
  spice_fixture_blank (test.server);
  spice_fixture_settle ();
  g_assert_true (has_scanout (&test));
  tear_down (&test);
}

/* The connection ends while a drawing waits, and another begins. */
static void
test_cut (void)
{
  Test test;

  set_up (&test);
  show (&test);
  spice_fixture_draw_scanout (test.server, 0, 0, WIDTH, HEIGHT);
  expect (&test, is_damaged, 1);
  spice_fixture_cut (test.server);
  g_assert_true (spice_fixture_wait (has_nothing, &test));
  spice_fixture_settle ();
  lodge_console_session_open (test.session);
  g_assert_true (spice_fixture_wait (has_scanout, &test));
  tear_down (&test);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scanout/numbers", test_numbers);
  g_test_add_func ("/scanout/guest-card", test_guest_card);
#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/scanout/" path, (gconstpointer) (void (*) (void)) test, run)
  ADD ("memory", test_memory);
  ADD ("answer", test_answer);
  ADD ("answer-is-late", test_answer_is_late);
  ADD ("damage-outside", test_damage_outside);
  ADD ("hostile", test_hostile);
  ADD ("back-and-forth", test_back_and_forth);
  ADD ("cut", test_cut);
  return g_test_run ();
}
