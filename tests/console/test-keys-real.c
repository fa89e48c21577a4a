/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as a guest's keyboard sends them, through a real QEMU: its guest writes each byte to its
 * serial port. */
#include "console/lodge-console-session.h"

#include "boot-sector.h"
#include "lodge-key-table.h"
#include "test-folder.h"
#include "test-wait.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

/* After each key, so that it is known when all of it has come. */
#define LAST_KEY   KEY_Z
#define LAST_NAME  "z"
#define LAST_BYTES "2c ac"

typedef struct {
  char *folder;
  GSubprocess *qemu;
  GString *bytes; /* "1e 9e" */
  guint8 piece[64];
  gboolean closed;
  LodgeConsoleSession *session;
  GSocketConnection *qmp;
  GDataInputStream *answers;
} Test;

static void read_serial (Test *test);

static void
serial_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Test *test = user_data;
  const gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  test->closed = n <= 0;
  if (test->closed)
    return;
  for (gssize i = 0; i < n; i++)
    g_string_append_printf (test->bytes, "%s%02x", test->bytes->len > 0 ? " " : "", test->piece[i]);
  read_serial (test);
}

static void
read_serial (Test *test)
{
  g_input_stream_read_async (g_subprocess_get_stdout_pipe (test->qemu), test->piece,
                             sizeof test->piece, 0, NULL, serial_cb, test);
}

static gboolean
is_connected (Test *test)
{
  gboolean connected;

  g_object_get (test->session, "connected", &connected, NULL);
  return connected;
}

/* Returns: what came before the last key's bytes, which it waits for. */
static char *
take_bytes (Test *test)
{
  test_wait_until (g_str_has_suffix (test->bytes->str, LAST_BYTES));
  g_string_truncate (test->bytes, test->bytes->len - strlen (LAST_BYTES));
  char *bytes = g_strdup (g_strchomp (test->bytes->str));
  g_string_truncate (test->bytes, 0);
  return bytes;
}

static void
tap (Test *test, guint evdev)
{
  lodge_console_session_key (test->session, evdev, TRUE);
  lodge_console_session_key (test->session, evdev, FALSE);
}

static void
assert_gives (Test *test, const guint *keys, const char *want)
{
  guint n = 0;

  while (keys[n] != 0)
    lodge_console_session_key (test->session, keys[n++], TRUE);
  while (n > 0)
    lodge_console_session_key (test->session, keys[--n], FALSE);
  tap (test, LAST_KEY);
  g_autofree char *bytes = take_bytes (test);
  g_assert_cmpstr (bytes, ==, want);
}

/* ---- QMP */

/* Returns: whether QEMU knows that key. */
static gboolean
ask (Test *test, const char *question)
{
  g_autoptr (GError) error = NULL;
  gboolean known;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (test->qmp)), question,
                             strlen (question), NULL, NULL, &error);
  g_assert_no_error (error);
  while (TRUE) {
    g_autofree char *line = g_data_input_stream_read_line (test->answers, NULL, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (line);
    known = strstr (line, "\"return\"") != NULL;
    if (known || strstr (line, "\"error\"") != NULL)
      return known;
  }
}

static gboolean
send_key (Test *test, const char *name)
{
  g_autofree char *question =
      g_strdup_printf ("{\"execute\": \"send-key\", \"arguments\": {\"hold-time\": 1, \"keys\": "
                       "[{\"type\": \"qcode\", \"data\": \"%s\"}]}}\n",
                       name);

  return ask (test, question);
}

/* ---- set up */

static gboolean
set_up (Test *test)
{
  g_autofree char *binary = g_find_program_in_path ("qemu-system-x86_64");
  g_autoptr (GError) error = NULL;

  *test = (Test){.bytes = g_string_new (NULL)};
  if (binary == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return FALSE;
  }
  test->folder = g_dir_make_tmp ("lodge-keys-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *image = g_build_filename (test->folder, "disk", NULL);
  g_autofree char *spice = g_build_filename (test->folder, "spice", NULL);
  g_autofree char *qmp = g_build_filename (test->folder, "qmp", NULL);
  g_autofree char *drive = g_strdup_printf ("file=%s,format=raw", image);
  g_autofree char *spice_option = g_strdup_printf ("unix=on,addr=%s,disable-ticketing=on", spice);
  g_autofree char *qmp_option = g_strdup_printf ("unix:%s,server=on,wait=off", qmp);
  boot_sector_write (BOOT_SECTOR_SCANCODES, image);
  test->qemu = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, binary, "-accel", "tcg",
                                 "-m", "32", "-nodefaults", "-vga", "std", "-net", "none", "-drive",
                                 drive, "-serial", "stdio", "-display", "none", "-spice",
                                 spice_option, "-qmp", qmp_option, NULL);
  g_assert_no_error (error);
  read_serial (test);
  test_wait_until (g_str_equal (test->bytes->str, "52"));
  g_string_truncate (test->bytes, 0);

  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (qmp);
  test->qmp = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &error);
  g_assert_no_error (error);
  test->answers = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (test->qmp)));
  g_assert_true (ask (test, "{\"execute\": \"qmp_capabilities\"}\n"));

  test->session = lodge_console_session_new (spice);
  lodge_console_session_open (test->session);
  test_wait_until (is_connected (test));
  return TRUE;
}

static void
tear_down (Test *test)
{
  g_assert_finalize_object (test->session);
  g_clear_object (&test->answers);
  g_clear_object (&test->qmp);
  g_subprocess_force_exit (test->qemu);
  g_subprocess_wait (test->qemu, NULL, NULL);
  test_wait_until (test->closed);
  g_clear_object (&test->qemu);
  g_string_free (test->bytes, TRUE);
  test_folder_remove (test->folder);
  g_free (test->folder);
}

static void
test_special (void)
{
  Test test;

  if (!set_up (&test))
    return;
  assert_gives (&test, (guint[]){KEY_A, 0}, "1e 9e");
  assert_gives (&test, (guint[]){KEY_RIGHTCTRL, 0}, "e0 1d e0 9d");
  /* As the hardware does it: Pause is all at once and has no release, Print holds a Shift that
   * nobody pressed; with Ctrl and with Alt they are other keys, Break and SysRq. */
  assert_gives (&test, (guint[]){KEY_PAUSE, 0}, "e1 1d 45 e1 9d c5");
  assert_gives (&test, (guint[]){KEY_LEFTCTRL, KEY_PAUSE, 0}, "1d e0 46 e0 c6 9d");
  assert_gives (&test, (guint[]){KEY_SYSRQ, 0}, "e0 2a e0 37 e0 b7 e0 aa");
  assert_gives (&test, (guint[]){KEY_LEFTALT, KEY_SYSRQ, 0}, "38 b8 38 54 d4 b8 38 b8");
  assert_gives (&test, (guint[]){KEY_LEFTALT, KEY_SYSRQ, KEY_B, 0},
                "38 b8 38 54 30 b0 d4 b8 38 b8");
  tear_down (&test);
}

/* A key's name and its code are the same key: the one is what SendKeys gives to QEMU, the other
 * what is pressed in a window. */
static void
test_names (void)
{
  Test test;
  guint n = 0;

  if (!set_up (&test))
    return;
  for (guint i = 0; i < lodge_key_table_length; i++) {
    const char *name = lodge_key_table[i].name;

    if (g_str_equal (name, LAST_NAME) || !send_key (&test, name))
      continue;
    g_assert_true (send_key (&test, LAST_NAME));
    g_autofree char *want = take_bytes (&test);
    tap (&test, lodge_key_table[i].evdev);
    tap (&test, LAST_KEY);
    g_autofree char *got = take_bytes (&test);
    g_test_message ("%s: %s", name, got);
    g_assert_cmpstr (got, ==, want);
    n += want[0] != '\0';
  }
  g_assert_cmpuint (n, >, 100);
  tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keys-real/special", test_special);
  g_test_add_func ("/keys-real/names", test_names);
  return g_test_run ();
}
