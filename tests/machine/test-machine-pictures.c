/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a snapshot, a machine that is suspended and one that has gone back show: real QEMUs, and a
 * guest whose whole screen is of the colour that it was told last. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "qemu/lodge-qemu-snapshot-private.h"

#include <png.h>
#include <signal.h>
#include <sys/stat.h>

static void
succeed (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
}

static void
take (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  succeed (lodge_library_take_snapshot (f->library, machine, name, ""));
}

/* Of no colour that there is. */
/* Silence is one case's subject only. */
#define PATIENCE_MS (TEST_WAIT_S * 1000)
#define NO_PICTURE  G_MAXUINT32

/* The colour of all of it, 0xRRGGBB. */
static guint32
get_colour (GBytes *png)
{
  png_image image = {.version = PNG_IMAGE_VERSION};
  g_autofree guint8 *pixels = NULL;
  gsize size;

  g_assert_true (png_image_begin_read_from_memory (&image, g_bytes_get_data (png, NULL),
                                                   g_bytes_get_size (png)));
  image.format = PNG_FORMAT_RGB;
  size = PNG_IMAGE_SIZE (image);
  pixels = g_malloc (size);
  g_assert_true (png_image_finish_read (&image, NULL, pixels, 0, NULL));
  g_assert_cmpuint (size, >, 3 * 100 * 100);
  for (gsize i = 3; i < size; i++)
    g_assert_cmpuint (pixels[i], ==, pixels[i % 3]);
  return (guint32) pixels[0] << 16 | (guint32) pixels[1] << 8 | pixels[2];
}

/* What is on the screen. */
static guint32
look (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) png = NULL;

  lodge_machine_screenshot_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  png = lodge_machine_screenshot_finish (machine, result, &error);
  g_assert_no_error (error);
  return get_colour (png);
}

/* What the snapshot shows. */
static guint32
look_at (LodgeMachine *machine, const char *snapshot)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) png = NULL;

  lodge_machine_load_snapshot_thumbnail_async (machine, snapshot, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  png = lodge_machine_load_snapshot_thumbnail_finish (machine, result, &error);
  if (png != NULL)
    return get_colour (png);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  return NO_PICTURE;
}

/* What a library shows of the machine. */
static guint32
look_at_machine (LodgeMachine *machine)
{
  GBytes *png = lodge_machine_get_thumbnail (machine);

  g_assert_cmpint (png != NULL, ==, lodge_machine_get_thumbnail_serial (machine) > 0);
  return png != NULL ? get_colour (png) : NO_PICTURE;
}

/* In the machine's first run, and after that; also of one that stands still. */
static void
test_live (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_SCREEN);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = NULL;
  struct stat info;
  guint32 a, b, c;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  a = look (machine);
  take (f, machine, "one");
  g_assert_cmpuint (look_at (machine, "one"), ==, a);
  path = g_build_filename (
      folder, "snapshots",
      lodge_description_find_snapshot (lodge_machine_get_description (machine), "one", NULL)->id,
      LODGE_DESCRIPTION_PICTURE, NULL);
  g_assert_no_errno (stat (path, &info));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0400);

  memory_guest_tell (machine, "b");
  b = look (machine);
  g_assert_cmpuint (a, !=, b);
  take (f, machine, "two");
  g_assert_cmpuint (look_at (machine, "two"), ==, b);
  g_assert_cmpuint (look_at (machine, "one"), ==, a);

  memory_guest_tell (machine, "c");
  c = look (machine);
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  take (f, machine, "three");
  g_assert_cmpuint (look_at (machine, "three"), ==, c);
  machine_fixture_assert_tidy (machine);

  /* What was shown last is what a snapshot of a machine that is off has. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  take (f, machine, "four");
  g_assert_cmpuint (look_at (machine, "four"), ==, c);
}

/* What is kept when one goes back shows what was there; the machine shows what it was, also when it
 * is off. */
static void
test_back (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_SCREEN);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, LODGE_DESCRIPTION_PICTURE, NULL);
  guint32 a, b;

  take (f, machine, "empty");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  a = look (machine);
  take (f, machine, "one");
  memory_guest_tell (machine, "b");
  b = look (machine);
  succeed (lodge_library_go_back (f->library, machine, "one", TRUE, "kept"));
  g_assert_cmpuint (look_at (machine, "kept"), ==, b);
  g_assert_cmpuint (look_at_machine (machine), ==, a);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  succeed (lodge_library_go_back_off (f->library, machine, "kept", TRUE, "off"));
  g_assert_cmpuint (look_at (machine, "off"), ==, a);
  g_assert_cmpuint (look_at_machine (machine), ==, b);
  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpuint (look_at_machine (machine), ==, b);

  /* From before its first run. */
  succeed (lodge_library_go_back (f->library, machine, "empty", FALSE, NULL));
  g_assert_cmpuint (look_at_machine (machine), ==, NO_PICTURE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  machine_fixture_assert_tidy (machine);
}

/* Where its guest stopped, also for the next engine. */
static void
test_suspended (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_SCREEN);
  guint32 a, b;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  a = look (machine);
  succeed (lodge_library_suspend (f->library, machine));
  g_assert_cmpuint (look_at_machine (machine), ==, a);
  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpuint (look_at_machine (machine), ==, a);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
  b = look (machine);
  g_assert_cmpuint (a, !=, b);
  succeed (lodge_library_suspend (f->library, machine));
  g_assert_cmpuint (look_at_machine (machine), ==, b);
  machine_fixture_assert_tidy (machine);
}

static LodgeMachine *
make_clone (MachineFixture *f, LodgeMachine *machine, const char *name, const char *text)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed (text));

  succeed (lodge_library_clone_machine (f->library, machine, name, options, NULL));
  return lodge_library_find (f->library, name, NULL);
}

/* What is made of a guest that runs shows what that does, and not what it did the last time. */
static void
test_clones (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_SCREEN);
  LodgeMachine *full, *linked;
  guint32 a, b;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  a = look (machine);
  take (f, machine, "one");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
  b = look (machine);
  g_assert_cmpuint (a, !=, b);
  full = make_clone (f, machine, "full", "{'linked': <false>}");
  g_assert_cmpuint (look_at_machine (full), ==, b);
  linked = make_clone (f, machine, "linked", "{'linked': <true>}");
  g_assert_cmpuint (look_at_machine (linked), ==, b);
  /* Of a snapshot it is that one's. */
  g_assert_cmpuint (look_at_machine (make_clone (f, machine, "then", "{'snapshot': <'one'>}")), ==,
                    a);
  machine_fixture_assert_tidy (full);
  machine_fixture_assert_tidy (linked);
}

static GPid stopped_qemu;

static void
stop_cb (const char *step)
{
  if (!g_str_equal (step, "resumed"))
    return;
  kill (stopped_qemu, SIGSTOP);
  lodge_qemu_snapshot_patience_ms = 500;
}

/* A QEMU that gives none keeps no snapshot from being taken, which then has none, rather than one
 * of another moment. */
static void
test_none (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_SCREEN);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  take (f, machine, "zero");
  memory_guest_tell (machine, "b");
  stopped_qemu = machine_fixture_find_qemu (machine);
  lodge_machine_shot_limit_ms = 100;
  lodge_journal_step_hook = stop_cb;
  take (f, machine, "one");
  lodge_journal_step_hook = NULL;
  lodge_machine_shot_limit_ms = PATIENCE_MS;
  lodge_qemu_snapshot_patience_ms = LODGE_QEMU_POLL_PATIENCE_MS;
  g_assert_cmpuint (look_at (machine, "one"), ==, NO_PICTURE);

  kill (stopped_qemu, SIGCONT);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  take (f, machine, "two");
  g_assert_cmpuint (look_at (machine, "two"), ==, look (machine));
  machine_fixture_assert_tidy (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  lodge_machine_shot_limit_ms = PATIENCE_MS;
  MACHINE_FIXTURE_ADD ("pictures/live", test_live);
  MACHINE_FIXTURE_ADD ("pictures/back", test_back);
  MACHINE_FIXTURE_ADD ("pictures/suspended", test_suspended);
  MACHINE_FIXTURE_ADD ("pictures/clones", test_clones);
  MACHINE_FIXTURE_ADD ("pictures/none", test_none);
  return g_test_run ();
}
