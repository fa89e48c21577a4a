/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that were copied in another program, and are pasted into a console's guest; and those that
 * were copied in the guest, for the window that gets them out. */
#include "console-fixture.h"

#include "gtk/lodge-fetch-window.h"
#include "gtk/lodge-monitor-window.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

typedef ConsoleFixture Test;

/* LeakSanitizer's, where the test is built with it (sanitizer/lsan_interface.h). */
void __lsan_disable (void) __attribute__ ((weak));
void __lsan_enable (void) __attribute__ ((weak));

static LodgeConsoleFiles *
get_files (Test *test)
{
  return lodge_console_session_get_files (console_fixture_get_session (test));
}

static void
setup (Test *test, guint32 capabilities)
{
  console_fixture_set_up (test, capabilities);
  if (capabilities != 0)
    app_wait_until (lodge_console_files_get_available (get_files (test)));
}

static gboolean
has_log (Test *test, const char *word)
{
  return strstr (spice_fixture_agent_get_log (test->agent), word) != NULL;
}

static gboolean
has_toast (Test *test, const char *text)
{
  return app_find_label (test->window->toasts, text) != NULL;
}

static void
paste (Test *test)
{
  gtk_widget_activate_action (GTK_WIDGET (test->window), "sharing.paste-files", NULL);
}

/* Returns: (transfer full): a file of that name with those words in it */
static GFile *
make_file (Test *test, const char *name, const char *words)
{
  g_autofree char *path = g_build_filename (test->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, words, -1, NULL));
  return g_file_new_for_path (path);
}

/* As this program's own. */
static void
copy_times (Test *test, GFile *file, guint n)
{
  g_autoptr (GSList) list = NULL;
  g_autoptr (GdkContentProvider) content = NULL;
  GdkFileList *files;

  while (n-- > 0)
    list = g_slist_prepend (list, file);
  files = gdk_file_list_new_from_list (list);
  content = gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, files);
  g_boxed_free (GDK_TYPE_FILE_LIST, files);
  g_assert_true (
      gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (test->window)), content));
}

/* Copies it in another program, as a file manager does. NULL: it is not installed. */
static GSubprocess *
copy_elsewhere (Test *test, GFile *file)
{
  GdkClipboard *host = gtk_widget_get_clipboard (GTK_WIDGET (test->window));
  g_autofree char *uri = g_file_get_uri (file);
  g_autofree char *text = g_strconcat (uri, "\r\n", NULL);
  GSubprocess *xclip = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, NULL, "xclip", "-quiet",
                                         "-selection", "clipboard", "-t", "text/uri-list", NULL);

  if (xclip == NULL) {
    g_test_skip ("xclip is not installed");
    return NULL;
  }
  g_assert_true (g_output_stream_write_all (g_subprocess_get_stdin_pipe (xclip), text,
                                            strlen (text), NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (g_subprocess_get_stdin_pipe (xclip), NULL, NULL));
  /* GDK 4.8 keeps one stream for each list of types that it is sent by another program. */
  if (__lsan_disable != NULL)
    __lsan_disable ();
  app_wait_until (
      !gdk_clipboard_is_local (host) &&
      gdk_content_formats_contain_mime_type (gdk_clipboard_get_formats (host), "text/uri-list"));
  if (__lsan_enable != NULL)
    __lsan_enable ();
  return xclip;
}

/* It does not answer from here on. GLib sends signals from a thread of its own, and the program
 * could hand out what it has before that has had its turn. */
static void
hang (GSubprocess *xclip)
{
  const char *identifier = g_subprocess_get_identifier (xclip);
  siginfo_t info = {0};

  g_assert_nonnull (identifier);
  g_subprocess_send_signal (xclip, SIGSTOP);
  /* If it has ended it is GLib that is told of it. */
  g_assert_no_errno (waitid (P_PID, (id_t) g_ascii_strtoull (identifier, NULL, 10), &info,
                             WSTOPPED | WEXITED | WNOWAIT));
  g_assert_cmpint (info.si_code, ==, CLD_STOPPED);
}

static void
end_copying (GSubprocess *xclip)
{
  g_subprocess_force_exit (xclip);
  g_assert_true (g_subprocess_wait (xclip, NULL, NULL));
  g_object_unref (xclip);
}

static void
expect_arrival (Test *test, const char *name, const char *words)
{
  app_wait_until (has_log (test, "start"));
  g_assert_nonnull (strstr (spice_fixture_agent_get_file_start (test->agent), name));
  spice_fixture_agent_file_status (test->agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  app_wait_until (has_log (test, "data"));
  GByteArray *arrived = spice_fixture_agent_get_file (test->agent);
  g_assert_cmpmem (arrived->data, arrived->len, words, strlen (words));
  spice_fixture_agent_file_status (test->agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  app_wait_until (lodge_console_files_get_n_unfinished (get_files (test)) == 0);
  spice_fixture_agent_clear (test->agent);
}

/* What another program has copied, by the key. */
static void
in_key (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_autoptr (GFile) file = make_file (&test, "zwei & <b>.txt", "kopiert");
  GSubprocess *xclip = copy_elsewhere (&test, file);

  if (xclip != NULL) {
    gtk_widget_grab_focus (GTK_WIDGET (test.window->display));
    app_wait_until (gtk_window_is_active (GTK_WINDOW (test.window)));
    app_settle ();
    app_xdotool ("key ctrl+shift+Insert");
    expect_arrival (&test, "zwei & <b>.txt", "kopiert");
    app_wait_until (has_toast (&test, "1 file was copied into the guest"));

    /* A guest that has all keys has this one, too. */
    app_xdotool ("mousemove 400 400 click 1");
    app_wait_until (lodge_display_get_grabbed (test.window->display));
    spice_fixture_clear (test.server);
    app_xdotool ("key ctrl+shift+Insert");
    app_wait_until (strstr (spice_fixture_get_scancodes (test.server), "52") != NULL);
    spice_fixture_settle ();
    g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (get_files (&test))), ==, 0);
    end_copying (xclip);
  }
  console_fixture_tear_down (&test);
}

/* All that is said of files that are dropped is said of these. */
static void
in_refused (void)
{
  static const char off[] = "Files are not taken: that is switched off for this machine.";
  static const char many[] = "These are 201 files: at most 200 can be copied at the same time.";
  static const char none[] = "There are no files to paste: copy some in your file manager first";
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_autoptr (GFile) file = make_file (&test, "drei", "3");
  g_autoptr (GFile) folder = g_file_new_for_path (test.folder);
  g_autofree char *name = g_file_get_basename (folder);
  g_autofree char *sentence = g_strdup_printf (
      "“%s” is a folder: only single files can be copied. An archive of it can be one.", name);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (test.window)), "/etc/hostname");
  paste (&test);
  app_wait_until (has_toast (&test, none));
  copy_times (&test, file, LODGE_CONSOLE_FILES_MAX + 1);
  paste (&test);
  app_wait_until (has_toast (&test, many));
  copy_times (&test, folder, 1);
  paste (&test);
  app_wait_until (app_find_label (test.window, sentence) != NULL);
  lodge_console_files_clear (get_files (&test));

  copy_times (&test, file, 1);
  console_fixture_set_key (&test, "sharing.files", "false");
  app_wait_until (!lodge_console_files_get_enabled (get_files (&test)));
  paste (&test);
  app_wait_until (has_toast (&test, off));
  g_assert_false (has_log (&test, "start"));
  console_fixture_set_key (&test, "sharing.files", "true");
  app_wait_until (lodge_console_files_get_enabled (get_files (&test)));
  paste (&test);
  expect_arrival (&test, "drei", "3");

  spice_fixture_agent_free (g_steal_pointer (&test.agent));
  app_wait_until (!lodge_console_files_get_available (get_files (&test)));
  paste (&test);
  app_wait_until (has_toast (
      &test, "Files cannot be copied into the guest: spice-vdagent does not run in it."));
  console_fixture_tear_down (&test);
}

static void
in_monitor (void)
{
  GtkWindow *second;
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_autoptr (GFile) file = make_file (&test, "vier", "4");
  console_fixture_set_monitors (&test, 2);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (console_fixture_find_monitor () != NULL);
  second = console_fixture_find_monitor ();
  app_wait_until (gtk_window_is_active (second));
  app_settle ();
  app_xdotool ("key ctrl+shift+Insert");
  app_wait_until (app_find_label (app_find (second, ADW_TYPE_TOAST_OVERLAY),
                                  "There are no files to paste: copy some in your file manager "
                                  "first") != NULL);
  copy_times (&test, file, 1);
  app_xdotool ("key ctrl+shift+Insert");
  expect_arrival (&test, "vier", "4");

  /* It is closed before the other program has handed out what it has. */
  GSubprocess *xclip = copy_elsewhere (&test, file);
  if (xclip != NULL) {
    hang (xclip);
    gtk_widget_activate_action (app_find (second, LODGE_TYPE_DISPLAY), "sharing.paste-files", NULL);
    gtk_widget_activate_action (app_find (second, LODGE_TYPE_DISPLAY), "sharing.paste-files", NULL);
    gtk_window_close (second);
    app_wait_until (console_fixture_find_monitor () == NULL);
    g_subprocess_send_signal (xclip, SIGCONT);
    paste (&test);
    expect_arrival (&test, "vier", "4");
    end_copying (xclip);
  }
  console_fixture_tear_down (&test);
}

/* The other program hangs; and it answers when the guest has gone. */
static void
in_silent (void)
{
  static const char silent[] =
      "The program that the files were copied in does not answer: try again, or copy them in "
      "another one";
  static const char ended[] = "No file was pasted: the connection to the guest has ended";
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_autoptr (GFile) file = make_file (&test, "fünf", "5");
  GSubprocess *xclip = copy_elsewhere (&test, file);
  if (xclip != NULL) {
    hang (xclip);
    paste (&test);
    app_wait_until (has_toast (&test, silent));
    /* What it says now has come too late. */
    g_subprocess_send_signal (xclip, SIGCONT);
    app_settle ();
    g_assert_false (has_log (&test, "start"));
    paste (&test);
    expect_arrival (&test, "fünf", "5");

    hang (xclip);
    paste (&test);
    fake_engine_set_state (test.engine, test.uuid, "off");
    app_wait_until (console_fixture_get_session (&test) == NULL);
    g_subprocess_send_signal (xclip, SIGCONT);
    app_wait_until (has_toast (&test, ended));
    end_copying (xclip);
  }
  console_fixture_tear_down (&test);
}

/* The window that the menu opened, or NULL. Lent. */
static GtkWidget *
find_fetch_window (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_FETCH_WINDOW (window) && gtk_widget_get_realized (window))
      return window;
  }
  return NULL;
}

static gboolean
has_paths (const char *expected)
{
  GtkTextView *view = app_find (find_fetch_window (), GTK_TYPE_TEXT_VIEW);
  g_autofree char *text = NULL;

  if (view == NULL)
    return FALSE;
  g_object_get (gtk_text_view_get_buffer (view), "text", &text, NULL);
  return g_str_equal (text, expected);
}

static void
close_fetch_window (void)
{
  gtk_window_close (GTK_WINDOW (find_fetch_window ()));
  app_wait_until (find_fetch_window () == NULL);
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* The guest copies that, its first, and the window is opened: it has it once this returns. */
static void
get_out (Test *test, const char *copied)
{
  LodgeConsoleClipboard *clipboard =
      lodge_console_session_get_clipboard (console_fixture_get_session (test));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) bytes = NULL;

  spice_fixture_agent_clear (test->agent);
  spice_fixture_agent_grab (test->agent, 0, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  app_wait_until (lodge_console_clipboard_get_offer (clipboard)[0] != NULL);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "console.fetch", NULL);
  app_wait_until (has_log (test, "request0"));
  /* Who asks for the same is answered with it, one after the other. */
  lodge_console_clipboard_read_async (clipboard, LODGE_CLIPBOARD_TEXT, NULL, result_cb, &result);
  spice_fixture_agent_data (test->agent, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT, copied, strlen (copied));
  app_wait_until (result != NULL);
  bytes = lodge_console_clipboard_read_finish (clipboard, result, NULL);
  g_assert_nonnull (bytes);
  app_wait_until (find_fetch_window () != NULL);
}

static void
in_get_out (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  get_out (&test, "file:///srv/a%20b\r\n/srv/c\r\n");
  g_assert_true (has_paths ("/srv/a b\n/srv/c"));
  close_fetch_window ();
  console_fixture_tear_down (&test);
}

/* What is no list of files is not shown. */
static void
in_get_nothing_out (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  get_out (&test, "rm -rf / \n/srv/c");
  g_assert_true (has_paths (""));
  close_fetch_window ();

  /* Nor is anything where the clipboard does not come out. */
  console_fixture_set_key (&test, "sharing.clipboard", "to-guest");
  app_wait_until (lodge_console_clipboard_get_ways (lodge_console_session_get_clipboard (
                      console_fixture_get_session (&test))) == LODGE_CLIPBOARD_WAY_TO_GUEST);
  spice_fixture_agent_clear (test.agent);
  spice_fixture_agent_grab (test.agent, 0, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  spice_fixture_settle ();
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.fetch", NULL);
  app_wait_until (find_fetch_window () != NULL);
  spice_fixture_settle ();
  g_assert_false (has_log (&test, "request"));
  g_assert_true (has_paths (""));
  console_fixture_tear_down (&test);
}

static void
test_get_out (void)
{
  spice_fixture_run (in_get_out);
}

static void
test_get_nothing_out (void)
{
  spice_fixture_run (in_get_nothing_out);
}

static void
test_key (void)
{
  spice_fixture_run (in_key);
}

static void
test_silent (void)
{
  spice_fixture_run (in_silent);
}

static void
test_refused (void)
{
  spice_fixture_run (in_refused);
}

static void
test_monitor (void)
{
  spice_fixture_run (in_monitor);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-paste/key", test_key);
  g_test_add_func ("/console-paste/refused", test_refused);
  g_test_add_func ("/console-paste/silent", test_silent);
  g_test_add_func ("/console-paste/monitor", test_monitor);
  g_test_add_func ("/console-paste/get-out", test_get_out);
  g_test_add_func ("/console-paste/get-nothing-out", test_get_nothing_out);
  return g_test_run ();
}
