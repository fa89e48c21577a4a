/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's frames from a real QEMU's memory, by way of the engine; where QEMU has none, SPICE's,
 * as soon as the engine knows. */
#include "machine-fixture.h"

#include "console/lodge-console-session.h"
#include "console/lodge-frame-chooser.h"

#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

typedef struct {
  LodgeMachine *machine;
  LodgeConsoleSession *session;
  guint n_changes; /* of the machine */
} Console;

static void
changed_cb (LodgeMachine *machine, Console *console)
{
  console->n_changes++;
  lodge_console_session_set_frames (console->session, lodge_machine_get_frames_socket (machine));
}

static void
open_console (Console *console, LodgeMachine *machine)
{
  console->machine = machine;
  console->session = lodge_console_session_new (lodge_machine_get_spice_socket (machine));
  g_signal_connect (machine, "changed", G_CALLBACK (changed_cb), console);
  changed_cb (machine, console);
  lodge_console_session_open (console->session);
}

static void
close_console (Console *console)
{
  g_signal_handlers_disconnect_by_data (console->machine, console);
  lodge_console_session_close (console->session);
  g_clear_object (&console->session);
}

static LodgeFrame
get_frame (const Console *console)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (console->session), &frame);
  return frame;
}

static gboolean
is_mapped (const Console *console)
{
  return lodge_frame_chooser_is_mapped (
      LODGE_FRAME_CHOOSER (lodge_console_session_get_source (console->session)));
}

/* Asked of the files that QEMU's display is in, and not of what is tested: whether they have the
 * interface's name. */
static gboolean
qemu_maps (void)
{
  static const char *const files[] = {"/usr/lib/x86_64-linux-gnu/qemu/ui-dbus.so",
                                      "/usr/bin/qemu-system-x86_64"};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (GMappedFile) file = g_mapped_file_new (files[i], FALSE, NULL);

    if (file != NULL && memmem (g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
                                "Listener.Unix.Map", strlen ("Listener.Unix.Map")) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* What both show is the BIOS's text, which stands still. */
static char *
dup_pixels (const Console *console)
{
  const LodgeFrame frame = get_frame (console);
  GString *pixels = g_string_new (NULL);

  for (int y = 0; y < frame.height; y++) {
    const guint32 *line = (const guint32 *) (frame.data + (gsize) y * frame.stride);

    for (int x = 0; x < frame.width; x++)
      g_string_append_printf (pixels, "%06x", line[x] & 0xffffff);
  }
  return g_string_free (pixels, FALSE);
}

static guint
count_lit (const Console *console)
{
  g_autofree char *now = dup_pixels (console);
  guint lit = 0;

  for (const char *pixel = now; *pixel != '\0'; pixel += 6)
    lit += memcmp (pixel, "000000", 6) != 0;
  return lit;
}

static gboolean
looks_like (const Console *console, const char *pixels)
{
  g_autofree char *now = dup_pixels (console);

  return g_str_equal (now, pixels);
}

static void
test_frames (MachineFixture *self, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_KEYS);
  g_autofree char *spice = NULL;
  Console console = {0};
  GStatBuf info;
  guint lit = 0;

  machine_fixture_set_key (machine, "display.model", "virtio");
  g_assert_cmpstr (lodge_machine_get_frames_socket (machine), ==, "");
  machine_fixture_start (machine);
  g_assert_cmpint (g_stat (lodge_machine_get_frames_socket (machine), &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  open_console (&console, machine);

  /* Nobody looks. */
  test_wait_polled (get_frame (&console).data != NULL);
  test_wait_ms (200);
  g_assert_false (is_mapped (&console));
  g_assert_cmpstr (lodge_machine_get_frames_socket (machine), !=, "");

  lodge_console_session_show_monitor (console.session, 0, TRUE);
  if (!qemu_maps ()) {
    test_wait_until (*lodge_machine_get_frames_socket (machine) == '\0');
    g_assert_false (is_mapped (&console));
    g_assert_nonnull (get_frame (&console).data);
    close_console (&console);
    return;
  }
  test_wait_polled (is_mapped (&console));
  g_assert_cmpint (get_frame (&console).width, >, 0);

  /* SPICE's, QEMU's, SPICE's show the same, once the guest has come to rest. */
  lodge_console_session_show_monitor (console.session, 0, FALSE);
  g_assert_false (is_mapped (&console));
  for (;;) {
    g_autofree char *now = dup_pixels (&console);

    test_wait_ms (1500);
    if (looks_like (&console, now)) {
      spice = g_steal_pointer (&now);
      break;
    }
  }
  lodge_console_session_show_monitor (console.session, 0, TRUE);
  test_wait_polled (is_mapped (&console) && looks_like (&console, spice));

  /* What the guest echoes is seen: more than its cursor, which blinks. */
  for (guint i = 0; i < 20; i++) {
    test_wait_ms (100);
    lit = MAX (lit, count_lit (&console));
  }
  for (guint key = KEY_A; key <= KEY_G; key++) {
    lodge_console_session_key (console.session, key, TRUE);
    lodge_console_session_key (console.session, key, FALSE);
  }
  test_wait_polled (count_lit (&console) > lit + 20);
  g_assert_true (is_mapped (&console));

  lodge_machine_request_async (machine, LODGE_REQUEST_RESET, NULL, NULL);
  test_wait_polled (is_mapped (&console) && looks_like (&console, spice));
  close_console (&console);
}

/* The engine goes, the frames stay; the next engine gives them again. */
static void
test_engine (MachineFixture *self, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  Console console = {0};

  if (!qemu_maps ()) {
    g_test_message ("This QEMU has no frames to map; machine/life/frames says what happens then");
    return;
  }
  machine_fixture_set_key (machine, "display.model", "virtio");
  machine_fixture_start (machine);
  open_console (&console, machine);
  lodge_console_session_show_monitor (console.session, 0, TRUE);
  test_wait_polled (is_mapped (&console));

  close_console (&console);
  machine = machine_fixture_change_engine (self, "web");
  open_console (&console, machine);
  lodge_console_session_show_monitor (console.session, 0, TRUE);
  test_wait_polled (is_mapped (&console));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (!is_mapped (&console));
  g_assert_cmpstr (lodge_machine_get_frames_socket (machine), ==, "");
  close_console (&console);
}

/* Another card's picture is nothing to share. */
static void
test_other_card (MachineFixture *self, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);

  machine_fixture_set_key (machine, "display.model", "vga");
  machine_fixture_start (machine);
  g_assert_cmpstr (lodge_machine_get_spice_socket (machine), !=, "");
  g_assert_cmpstr (lodge_machine_get_frames_socket (machine), ==, "");
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("frames", test_frames);
  MACHINE_FIXTURE_ADD ("frames-engine", test_engine);
  MACHINE_FIXTURE_ADD ("frames-other-card", test_other_card);
  return g_test_run ();
}
