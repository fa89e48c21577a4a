/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a console window shares with its guest: the switches in its menu and in the machine's
 * description, and files that are dropped on it. */
#include "console-fixture.h"

#include "gtk/lodge-transfer-panel.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef ConsoleFixture Test;

static LodgeConsoleClipboard *
get_clipboard (Test *test)
{
  return lodge_console_session_get_clipboard (console_fixture_get_session (test));
}

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
    app_wait_until (lodge_console_clipboard_get_available (get_clipboard (test)));
}

static void
expect_menu (Test *test, const char *expected)
{
  g_autofree char *menu = console_fixture_dup_menu (G_MENU_MODEL (test->window->sharing_menu), "");

  g_assert_cmpstr (menu, ==, expected);
}

#define MENU                                                                                       \
  "Share Cli_pboard \n> _Both Ways sharing.clipboard\n"                                            \
  "> Only Into the _Guest sharing.clipboard\n> Only _Out of the Guest sharing.clipboard\n"         \
  "> O_ff sharing.clipboard\nTake _Dropped Files sharing.files\n"                                  \
  "P_aste Files Into the Guest sharing.paste-files\nGet _Files Out… console.fetch\n"
#define MENU_WITHOUT_AGENT                                                                         \
  "Share Clipboard (the guest needs spice-vdagent) sharing.none\n"                                 \
  "Take Dropped Files (the guest needs spice-vdagent) sharing.none\n"                              \
  "Paste Files Into the Guest (the guest needs spice-vdagent) sharing.none\n"                      \
  "Get _Files Out… console.fetch\n"

static void
in_switches (void)
{
  static const struct {
    const char *value;
    LodgeClipboardWays ways;
  } rows[] = {
      {"off", LODGE_CLIPBOARD_NO_WAY},
      {"to-guest", LODGE_CLIPBOARD_WAY_TO_GUEST},
      {"to-host", LODGE_CLIPBOARD_WAY_TO_HOST},
      {"both", LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST},
  };
  Test test;
  GtkWidget *window;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  window = GTK_WIDGET (test.window);
  g_assert_cmpint (lodge_console_clipboard_get_ways (get_clipboard (&test)), ==,
                   LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST);
  g_assert_true (lodge_console_files_get_enabled (get_files (&test)));
  expect_menu (&test, MENU);

  /* From the menu, through the engine, and from somebody else. */
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    gtk_widget_activate_action (window, "sharing.clipboard", "s", rows[i].value);
    app_wait_until (lodge_console_clipboard_get_ways (get_clipboard (&test)) == rows[i].ways);
    g_autofree char *key = fake_engine_dup_key (test.engine, "web", "sharing.clipboard");
    g_assert_cmpstr (key, ==, rows[i].value);
  }
  console_fixture_set_key (&test, "sharing.clipboard", "off");
  app_wait_until (lodge_console_clipboard_get_ways (get_clipboard (&test)) ==
                  LODGE_CLIPBOARD_NO_WAY);

  gtk_widget_activate_action (window, "sharing.files", NULL);
  app_wait_until (!lodge_console_files_get_enabled (get_files (&test)));
  g_autofree char *files = fake_engine_dup_key (test.engine, "web", "sharing.files");
  g_assert_cmpstr (files, ==, "false");
  console_fixture_set_key (&test, "sharing.files", "true");
  app_wait_until (lodge_console_files_get_enabled (get_files (&test)));

  /* What the engine refuses is said, and stays as it was. */
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  gtk_widget_activate_action (window, "sharing.clipboard", "s", "both");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <room> & no luck."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_cmpint (lodge_console_clipboard_get_ways (get_clipboard (&test)), ==,
                   LODGE_CLIPBOARD_NO_WAY);

  /* The next session of the same machine has them from the start. */
  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (console_fixture_get_session (&test) == NULL);
  expect_menu (&test, MENU);
  console_fixture_set_key (&test, "sharing.clipboard", "to-host");
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (console_fixture_is_shown (&test));
  g_assert_cmpint (lodge_console_clipboard_get_ways (get_clipboard (&test)), ==,
                   LODGE_CLIPBOARD_WAY_TO_HOST);
  console_fixture_tear_down (&test);
}

/* The list of what is shared says where the agent is there and shares no clipboard; and follows. */
static void
in_list (void)
{
  Test test;

  console_fixture_set_up (&test, 1u << VD_AGENT_CAP_MONITORS_CONFIG);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.shared", NULL);
  app_wait_until (app_find_label (test.window->shared_window,
                                  "Nothing passes now: spice-vdagent runs in the guest and shares "
                                  "no clipboard, as on a Wayland desktop; log in there with an X11 "
                                  "session") != NULL);
  app_wait_until (app_find_label (test.window->shared_window,
                                  "Nothing is copied now: spice-vdagent runs in the guest and does "
                                  "not take files") != NULL);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  app_wait_until (app_find_label (test.window->shared_window,
                                  "Files dropped on the window are copied into the guest") != NULL);
  app_wait_until (app_find_label (test.window->shared_window,
                                  "Copied text and images, while its window has the focus") !=
                  NULL);
  console_fixture_tear_down (&test);
}

/* No letter opens two things: the second one of them is never reached by it. @used: of one popover,
 * which sections are part of */
static void
check_letters (GMenuModel *menu, GString *used)
{
  for (int i = 0; i < g_menu_model_get_n_items (menu); i++) {
    g_autoptr (GMenuModel) inner = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SUBMENU);
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);
    g_autofree char *label = NULL;

    if (inner != NULL) {
      g_autoptr (GString) own = g_string_new (NULL);
      check_letters (inner, own);
    }
    if (section != NULL)
      check_letters (section, used);
    if (!g_menu_model_get_item_attribute (menu, i, G_MENU_ATTRIBUTE_LABEL, "s", &label))
      continue;
    const char *mark = strchr (label, '_');
    if (mark == NULL)
      continue;
    const char letter = g_ascii_tolower (mark[1]);
    if (strchr (used->str, letter) != NULL)
      g_error ("“%s” has a letter of another item", label);
    g_string_append_c (used, letter);
  }
}

static void
in_letters (void)
{
  g_autoptr (GString) main_menu = g_string_new (NULL);
  g_autoptr (GString) keys = g_string_new (NULL);
  g_autoptr (GString) power = g_string_new (NULL);
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  console_fixture_set_monitors (&test, 2);
  check_letters (gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (test.window->menu_button)),
                 main_menu);
  g_assert_nonnull (strchr (main_menu->str, '3'));
  check_letters (G_MENU_MODEL (test.window->keys_menu), keys);
  check_letters (gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (test.window->power_button)),
                 power);
  g_assert_nonnull (strchr (power->str, 'h'));
  console_fixture_tear_down (&test);
}

static void
in_without_agent (void)
{
  Test test;
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/hostname");
  GSList files = {.data = file};

  setup (&test, 0);
  expect_menu (&test, MENU_WITHOUT_AGENT);
  /* What is dropped is not swallowed without a word. */
  g_assert_false (lodge_console_exchange_drop (test.window, &files));
  app_wait_until (app_find_label (test.window->toasts,
                                  "Files cannot be copied into the guest: spice-vdagent does not "
                                  "run in it.") != NULL);
  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  app_wait_until (lodge_console_clipboard_get_available (get_clipboard (&test)));
  expect_menu (&test, MENU);
  spice_fixture_agent_free (g_steal_pointer (&test.agent));
  app_wait_until (!lodge_console_clipboard_get_available (get_clipboard (&test)));
  expect_menu (&test, MENU_WITHOUT_AGENT);
  console_fixture_tear_down (&test);
}

/* LeakSanitizer's, where the test is built with it (sanitizer/lsan_interface.h). */
void __lsan_disable (void) __attribute__ ((weak));
void __lsan_enable (void) __attribute__ ((weak));

/* Once in a session, and only if there is something to paste that the guest cannot have. */
static void
in_paste_without_agent (void)
{
  Test test;
  const char *sentence = "To paste, the guest needs spice-vdagent";
  g_autoptr (GError) error = NULL;

  setup (&test, 0);
  GdkClipboard *host = gtk_widget_get_clipboard (GTK_WIDGET (test.window));
  gdk_clipboard_set_text (host, "copied out of the guest before");
  g_signal_emit_by_name (test.window->display, "paste-pressed");
  app_settle ();
  g_assert_null (app_find_label (test.window->toasts, sentence));

  g_autoptr (GSubprocess) xclip = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "xclip",
                                                    "-quiet", "-selection", "clipboard", NULL);
  if (xclip == NULL) {
    g_test_skip ("xclip is not installed");
    console_fixture_tear_down (&test);
    return;
  }
  g_assert_true (g_output_stream_write_all (g_subprocess_get_stdin_pipe (xclip), "there", 5, NULL,
                                            NULL, NULL));
  g_assert_true (g_output_stream_close (g_subprocess_get_stdin_pipe (xclip), NULL, NULL));
  /* GDK 4.8 keeps one stream for each list of types that it is sent by another program. */
  if (__lsan_disable != NULL)
    __lsan_disable ();
  app_wait_until (
      !gdk_clipboard_is_local (host) &&
      gdk_content_formats_contain_gtype (gdk_clipboard_get_formats (host), G_TYPE_STRING));
  if (__lsan_enable != NULL)
    __lsan_enable ();
  console_fixture_set_key (&test, "sharing.clipboard", "to-host");
  app_wait_until (lodge_console_clipboard_get_ways (get_clipboard (&test)) ==
                  LODGE_CLIPBOARD_WAY_TO_HOST);
  g_signal_emit_by_name (test.window->display, "paste-pressed");
  app_settle ();
  g_assert_null (app_find_label (test.window->toasts, sentence));

  console_fixture_set_key (&test, "sharing.clipboard", "both");
  app_wait_until (lodge_console_clipboard_get_ways (get_clipboard (&test)) ==
                  (LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST));
  g_signal_emit_by_name (test.window->display, "paste-pressed");
  app_wait_until (app_find_label (test.window->toasts, sentence) != NULL);
  gtk_label_set_text (GTK_LABEL (app_find_label (test.window->toasts, sentence)), "seen");
  g_signal_emit_by_name (test.window->display, "paste-pressed");
  adw_toast_overlay_add_toast (test.window->toasts, adw_toast_new ("next"));
  app_wait_until (app_find_label (test.window->toasts, "next") != NULL ||
                  app_find_label (test.window->toasts, sentence) != NULL);
  g_assert_null (app_find_label (test.window->toasts, sentence));

  g_subprocess_force_exit (xclip);
  g_assert_true (g_subprocess_wait (xclip, NULL, NULL));
  console_fixture_tear_down (&test);
}

static void
drop (Test *test, const char *name, const char *data)
{
  g_autofree char *path = g_build_filename (test->folder, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GSList files = {.data = file};

  if (data != NULL)
    g_assert_true (g_file_set_contents (path, data, -1, NULL));
  g_assert_true (lodge_console_exchange_drop (test->window, &files));
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

/* The button in the row of the file with this name. */
static GtkWidget *
find_button (Test *test, const char *name)
{
  GtkLabel *label = app_find_label (test->window, name);

  g_assert_nonnull (label);
  return app_find (gtk_widget_get_parent (GTK_WIDGET (label)), GTK_TYPE_BUTTON);
}

/* The guest takes the file with this number. */
static void
take_file (Test *test, guint number)
{
  g_autofree char *start = g_strdup_printf ("start%u", number);
  g_autofree char *data = g_strdup_printf ("data%u", number);

  app_wait_until (has_log (test, start));
  spice_fixture_agent_file_status (test->agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  app_wait_until (has_log (test, data));
  spice_fixture_agent_file_status (test->agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
}

static void
in_files (void)
{
  Test test;
  GtkWidget *panel;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  panel = app_find (test.window, LODGE_TYPE_TRANSFER_PANEL);
  g_assert_null (panel); /* nothing to show */

  drop (&test, "a <b>&amp;", "inhalt");
  drop (&test, "second", "zwei");
  app_wait_until (app_find_label (test.window, "a <b>&amp;") != NULL);
  panel = app_find (test.window, LODGE_TYPE_TRANSFER_PANEL);
  g_assert_nonnull (panel);
  g_assert_nonnull (app_find_label (panel, "Waiting"));
  app_wait_until (has_log (&test, "start1"));
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  app_wait_until (has_log (&test, "data1"));
  GByteArray *arrived = spice_fixture_agent_get_file (test.agent);
  g_assert_cmpmem (arrived->data, arrived->len, "inhalt", 6);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);

  /* The second is cancelled by its button. */
  app_wait_until (has_log (&test, "start2"));
  g_assert_null (app_find_label (test.window, "a <b>&amp;"));
  g_signal_emit_by_name (find_button (&test, "second"), "clicked");
  app_wait_until (app_find (test.window, LODGE_TYPE_TRANSFER_PANEL) == NULL);
  app_wait_until (has_toast (&test, "1 file was copied into the guest"));

  /* One that fails says why, and stays until its button is clicked. */
  drop (&test, "before", "x");
  drop (&test, "between", "y");
  drop (&test, "third", "drei");
  take_file (&test, 3);
  take_file (&test, 4);
  app_wait_until (has_log (&test, "start5"));
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_DISABLED);
  app_wait_until (
      app_find_label (test.window,
                      "“third” was not copied into the guest: File transfer is disabled.") != NULL);
  app_wait_until (has_toast (&test, "2 files were copied into the guest"));
  g_signal_emit_by_name (find_button (&test, "third"), "clicked");
  app_wait_until (app_find (test.window, LODGE_TYPE_TRANSFER_PANEL) == NULL);

  /* A folder. */
  drop (&test, "", NULL);
  g_autofree char *name = g_path_get_basename (test.folder);
  g_autofree char *sentence = g_strdup_printf (
      "“%s” is a folder: only single files can be copied. An archive of it can be one.", name);
  app_wait_until (app_find_label (test.window, sentence) != NULL);
  g_signal_emit_by_name (find_button (&test, name), "clicked");

  drop (&test, "fourth", "vier");
  take_file (&test, 6);
  /* Those before have been told of: it comes after their number. */
  app_wait_until (has_toast (&test, "1 file was copied into the guest"));

  /* Many: the rest is a number, and all go at once, also those that have failed. */
  drop (&test, "", NULL);
  for (guint i = 0; i < 9; i++)
    drop (&test, "many", "x");
  app_wait_until (app_find_label (test.window, "and 6 more") != NULL);
  app_wait_until (app_find_label (test.window, sentence) != NULL);
  app_click (test.window, "Cancel _All");
  app_wait_until (app_find (test.window, LODGE_TYPE_TRANSFER_PANEL) == NULL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (get_files (&test))), ==, 0);
  spice_fixture_agent_clear (test.agent);

  /* The guest goes while one is on its way. */
  drop (&test, "fifth", "fünf");
  app_wait_until (has_log (&test, "start"));
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (
      has_toast (&test, "1 file was not copied: the connection to the guest has ended"));
  g_assert_null (app_find (test.window, LODGE_TYPE_TRANSFER_PANEL));
  console_fixture_tear_down (&test);
}

static LodgeTransferState
get_first_state (Test *test)
{
  g_autoptr (LodgeConsoleTransfer) first =
      g_list_model_get_item (G_LIST_MODEL (get_files (test)), 0);

  return lodge_console_transfer_get_state (first);
}

/* Closing the window would end what is under way: that is asked. */
static void
in_closing (void)
{
  Test test;
  const char *sentence =
      "2 files are still being copied into the guest. Closing the window ends that.";

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  drop (&test, "first", "1");
  drop (&test, "second", "2");
  app_wait_until (has_log (&test, "start1"));
  gtk_window_close (GTK_WINDOW (test.window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), sentence));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_nonnull (test.window);
  g_assert_cmpint (get_first_state (&test), ==, LODGE_TRANSFER_RUNNING);

  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  gtk_window_close (GTK_WINDOW (test.window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), sentence));
  app_click (app_get_dialog (), "_Close Anyway");
  app_wait_until (test.window == NULL);
  console_fixture_tear_down (&test);
}

/* Whether it is the server's end of a connection. */
static gboolean
is_line (Test *test, int fd)
{
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  int listens = 0;
  socklen_t listens_size = sizeof listens;

  return getsockname (fd, (struct sockaddr *) &address, &size) == 0 &&
         address.sun_family == AF_UNIX && g_str_equal (address.sun_path, test->socket) &&
         getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && !listens;
}

/* Ends the connection at the server, which cannot be reached any more. The main channel's is the
 * one that came first; the server ends the others itself. */
static void
end_server (Test *test)
{
  g_assert_cmpint (g_unlink (test->socket), ==, 0);
  for (int fd = 0; fd < 1024; fd++) {
    if (is_line (test, fd)) {
      g_assert_cmpint (shutdown (fd, SHUT_RDWR), ==, 0);
      return;
    }
  }
  g_assert_not_reached ();
}

/* The connection breaks, and only then the engine says that the machine is off. */
static void
in_broken (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  drop (&test, "first", "1");
  drop (&test, "second", "2");
  drop (&test, "third", "3");
  take_file (&test, 1);
  app_wait_until (has_log (&test, "start2"));
  end_server (&test);
  app_wait_until (has_toast (&test, "1 file was copied into the guest"));
  app_wait_until (
      has_toast (&test, "2 files were not copied: the connection to the guest has ended"));
  g_assert_null (app_find (test.window, LODGE_TYPE_TRANSFER_PANEL));
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (console_fixture_get_session (&test) == NULL);
  console_fixture_tear_down (&test);
}

/* A guest that is paused has no time limit. */
static void
in_paused (void)
{
  const guint limit_ms = 1000;
  Test test;
  gint64 end;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_files_set_time_limit (get_files (&test), limit_ms);
  fake_engine_set_state (test.engine, test.uuid, "paused");
  app_wait_until (gtk_revealer_get_reveal_child (test.window->paused_revealer));
  drop (&test, "held", "x");
  app_wait_until (has_log (&test, "start1"));
  end = g_get_monotonic_time () + 2 * limit_ms * G_TIME_SPAN_MILLISECOND;
  app_wait_until (g_get_monotonic_time () > end);
  g_assert_cmpint (get_first_state (&test), ==, LODGE_TRANSFER_RUNNING);

  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (get_first_state (&test) == LODGE_TRANSFER_FAILED);
  console_fixture_tear_down (&test);
}

static void
test_switches (void)
{
  spice_fixture_run (in_switches);
}

static void
test_list (void)
{
  spice_fixture_run (in_list);
}

static void
test_letters (void)
{
  spice_fixture_run (in_letters);
}

static void
test_without_agent (void)
{
  spice_fixture_run (in_without_agent);
}

static void
test_paste_without_agent (void)
{
  spice_fixture_run (in_paste_without_agent);
}

static void
test_files (void)
{
  spice_fixture_run (in_files);
}

static void
test_closing (void)
{
  spice_fixture_run (in_closing);
}

static void
test_broken (void)
{
  spice_fixture_run (in_broken);
}

static void
test_paused (void)
{
  spice_fixture_run (in_paused);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-exchange/switches", test_switches);
  g_test_add_func ("/console-exchange/list", test_list);
  g_test_add_func ("/console-exchange/letters", test_letters);
  g_test_add_func ("/console-exchange/without-agent", test_without_agent);
  g_test_add_func ("/console-exchange/paste-without-agent", test_paste_without_agent);
  g_test_add_func ("/console-exchange/files", test_files);
  g_test_add_func ("/console-exchange/closing", test_closing);
  g_test_add_func ("/console-exchange/broken", test_broken);
  g_test_add_func ("/console-exchange/paused", test_paused);
  return g_test_run ();
}
