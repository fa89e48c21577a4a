/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's consoles of text, with a server in the guest's place. */
#include "app-fixture.h"
#include "terminal-server.h"
#include "test-folder.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-terminal-view.h"

#include <glib/gstdio.h>
#include <string.h>
#include <vte/vte.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  const char *uuid;
  char *folder;
  char *path;
  TerminalServer *server;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web & <b>", "running");
  f->folder = g_dir_make_tmp ("lodge-terminals-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "serial.sock", NULL);
  f->server = terminal_server_new (f->path);
  fake_engine_add_terminal (f->engine, f->uuid, "serial", "Serial Port", f->path);
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  f->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, f->connection, f->uuid));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  gtk_window_present (GTK_WINDOW (f->window));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  g_clear_pointer (&f->server, terminal_server_free);
  fake_engine_free (f->engine);
  test_folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->path);
}

static LodgeTerminalView *
get_view (Fixture *f)
{
  return app_find (f->window, LODGE_TYPE_TERMINAL_VIEW);
}

static gpointer
get (Fixture *f, const char *id)
{
  return app_get_child (get_view (f), LODGE_TYPE_TERMINAL_VIEW, id);
}

static void
show (Fixture *f, const char *id)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (f->window), "view.show", "s", id));
}

static gboolean
has_item (Fixture *f, const char *label)
{
  GtkWidget *button = app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, "menu_button");
  GMenuModel *menu = gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (button));
  g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, 1, G_MENU_LINK_SECTION);

  for (int i = 0; i < g_menu_model_get_n_items (section); i++) {
    g_autofree char *found = NULL;

    g_menu_model_get_item_attribute (section, i, "label", "s", &found);
    if (g_strcmp0 (found, label) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
open_serial (Fixture *f)
{
  app_wait_until (has_item (f, "Serial Port"));
  show (f, "serial");
  app_wait_until (get_view (f) != NULL && terminal_server_get_n_clients (f->server) == 1);
}

static char *
dup_text (Fixture *f)
{
  g_autoptr (GOutputStream) out = g_memory_output_stream_new_resizable ();

  g_assert_true (
      vte_terminal_write_contents_sync (get (f, "terminal"), out, VTE_WRITE_DEFAULT, NULL, NULL));
  g_assert_true (g_output_stream_write_all (out, "", 1, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (out, NULL, NULL));
  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (out));
}

static gboolean
shows (Fixture *f, const char *text)
{
  g_autofree char *shown = dup_text (f);

  return strstr (shown, text) != NULL;
}

static gboolean
is_state (Fixture *f, const char *words)
{
  return g_str_equal (gtk_label_get_text (get (f, "state_label")), words);
}

/* No tabs until one is opened; what is empty says so; closing goes back to the screen. */
static void
test_open_and_close (Fixture *f, gconstpointer data)
{
  app_wait_until (has_item (f, "Serial Port"));
  g_assert_true (has_item (f, "Screen"));
  g_assert_false (has_item (f, "QEMU Console"));
  g_assert_null (app_find (f->window, GTK_TYPE_STACK_SWITCHER));
  g_assert_cmpuint (terminal_server_get_n_clients (f->server), ==, 0);

  open_serial (f);
  g_assert_nonnull (app_find (f->window, GTK_TYPE_STACK_SWITCHER));
  app_assert_named (f->window);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "terminal"));
  app_wait_until (is_state (f, "Connected"));
  g_assert_true (gtk_widget_get_visible (get (f, "empty")));
  g_assert_nonnull (app_find_label (f->window, "Nothing has come from the serial port yet"));
  terminal_server_say (f->server, "Debian GNU/Linux 12\r\n\r\nlogin: ", -1);
  app_wait_until (shows (f, "login:"));
  g_assert_false (gtk_widget_get_visible (get (f, "empty")));

  /* The screen, and back: the same terminal. */
  show (f, "screen");
  app_wait_until (get_view (f) == NULL);
  show (f, "serial");
  app_wait_until (get_view (f) != NULL);
  g_assert_true (shows (f, "login:"));

  /* A second one comes with its machine. */
  fake_engine_add_terminal (f->engine, f->uuid, "monitor", "QEMU Console", "/nonexistent/m.sock");
  app_wait_until (has_item (f, "QEMU Console"));
}

static void
close_button (Fixture *f)
{
  GtkWidget *switcher = app_find (f->window, GTK_TYPE_STACK_SWITCHER);
  GtkCenterBox *bar = GTK_CENTER_BOX (gtk_widget_get_ancestor (switcher, GTK_TYPE_CENTER_BOX));

  g_signal_emit_by_name (gtk_center_box_get_end_widget (bar), "clicked");
}

static void
test_close (Fixture *f, gconstpointer data)
{
  open_serial (f);
  close_button (f);
  app_wait_until (get_view (f) == NULL);
  app_wait_until (terminal_server_get_n_clients (f->server) == 0);
  g_assert_null (app_find (f->window, GTK_TYPE_STACK_SWITCHER));
  open_serial (f);
}

/* What is typed goes to the port; so do answers that the guest asks of its terminal. */
static void
test_typing (Fixture *f, gconstpointer data)
{
  open_serial (f);
  app_wait_until (is_state (f, "Connected"));
  vte_terminal_feed_child (get (f, "terminal"), "root\r", -1);
  vte_terminal_paste_text (get (f, "terminal"), "secret");
  app_wait_until (g_str_equal (terminal_server_get_heard (f->server), "root\rsecret"));
  terminal_server_say (f->server, "\033[6n", -1);
  app_wait_until (strstr (terminal_server_get_heard (f->server), "\033[1;1R") != NULL);
}

/* A guest that does not read, and asks where the cursor is without end: said, and no more. */
static void
test_deaf (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) questions = g_string_new (NULL);

  for (guint i = 0; i < 100000; i++)
    g_string_append (questions, "\033[6n");
  open_serial (f);
  app_wait_until (is_state (f, "Connected"));
  terminal_server_set_deaf (f->server);
  while (!is_state (f, "The guest does not read what is typed"))
    terminal_server_say (f->server, questions->str, (gssize) questions->len);
  terminal_server_drop_clients (f->server);
  app_wait_until (is_state (f, "Connecting…"));
}

/* The machine ends and is started again: what was written stays. */
static void
test_restart (Fixture *f, gconstpointer data)
{
  open_serial (f);
  terminal_server_say (f->server, "\033[?1049h\033[31mfirst run", -1);
  app_wait_until (!gtk_widget_get_visible (get (f, "empty")));
  terminal_server_say (f->server,
                       "\033[?1049l"
                       "kept\r\n",
                       -1);
  app_wait_until (shows (f, "kept"));

  fake_engine_set_state (f->engine, f->uuid, "off");
  terminal_server_drop_clients (f->server);
  app_wait_until (is_state (f, "Not connected: the machine does not run"));
  g_assert_true (shows (f, "kept"));
  /* It is still there to go back to. */
  g_assert_true (has_item (f, "Serial Port"));

  fake_engine_set_state (f->engine, f->uuid, "running");
  app_wait_until (is_state (f, "Connected") && terminal_server_get_n_clients (f->server) == 1);
  terminal_server_say (f->server, "second run", -1);
  app_wait_until (shows (f, "second run"));
  g_assert_true (shows (f, "kept"));

  /* The engine goes and comes: the connection is none of its business. */
  fake_engine_drop_clients (f->engine);
  app_settle ();
  terminal_server_say (f->server, "third", -1);
  app_wait_until (shows (f, "third"));
}

/* The state of the screen's machine changes under who types at the port. */
static void
test_focus (Fixture *f, gconstpointer data)
{
  open_serial (f);
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (lodge_console_machine_get_phase (lodge_console_window_get_machine (f->window)) ==
                  LODGE_CONSOLE_OFF);
  app_settle ();
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "terminal"));
  show (f, "screen");
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (f->window)) ==
                  app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, "status_button"));
}

static void
act (Fixture *f, const char *action)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (get_view (f)), action, NULL));
}

static void
test_search (Fixture *f, gconstpointer data)
{
  g_autofree char *found = NULL;
  GtkWidget *entry;

  open_serial (f);
  terminal_server_say (f->server, "one [a.b] two\r\nthree [axb]\r\n", -1);
  app_wait_until (shows (f, "three"));
  act (f, "terminal.search");
  entry = get (f, "search_entry");
  app_wait_until (gtk_search_bar_get_search_mode (get (f, "search_bar")));
  /* As text, whatever it would mean as a pattern. */
  gtk_editable_set_text (GTK_EDITABLE (entry), "A.B]");
  app_wait_until (vte_terminal_get_has_selection (get (f, "terminal")));
  found = vte_terminal_get_text_selected (get (f, "terminal"), VTE_FORMAT_TEXT);
  g_assert_cmpstr (found, ==, "a.b]");
  g_assert_false (gtk_widget_has_css_class (entry, "error"));
  act (f, "terminal.search-next");
  act (f, "terminal.search-previous");
  g_assert_false (gtk_widget_has_css_class (entry, "error"));

  gtk_editable_set_text (GTK_EDITABLE (entry), "(nowhere");
  app_wait_until (gtk_widget_has_css_class (entry, "error"));
  gtk_editable_set_text (GTK_EDITABLE (entry), "");
  app_wait_until (!gtk_widget_has_css_class (entry, "error"));
  gtk_search_bar_set_search_mode (get (f, "search_bar"), FALSE);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "terminal"));
}

static void
test_files (Fixture *f, gconstpointer data)
{
  g_autofree char *log_path = g_build_filename (f->folder, "serial.log", NULL);
  g_autofree char *save_path = g_build_filename (f->folder, "serial.txt", NULL);
  g_autoptr (GFile) log = g_file_new_for_path (log_path);
  g_autoptr (GFile) saved = g_file_new_for_path (save_path);
  g_autoptr (GFile) nowhere = g_file_new_for_path ("/nonexistent/x");

  open_serial (f);
  terminal_server_say (f->server, "\033[1mbold\033[0m\r\n", -1);
  app_wait_until (shows (f, "bold"));
  lodge_terminal_view_save (get_view (f), saved);
  app_wait_until (app_file_contains (save_path, "bold\n"));

  g_assert_false (gtk_widget_get_visible (get (f, "log_button")));
  lodge_terminal_view_log (get_view (f), log);
  app_wait_until (gtk_widget_get_visible (get (f, "log_button")));
  g_assert_cmpstr (gtk_label_get_text (get (f, "log_label")), ==, "serial.log");
  terminal_server_say (f->server, "\033[1mlogged\033[0m\r\n", -1);
  app_wait_until (app_file_contains (log_path, "logged\n"));
  g_assert_false (app_file_contains (log_path, "\033"));
  g_assert_false (app_file_contains (log_path, "bold"));
  act (f, "terminal.stop-log");
  g_assert_false (gtk_widget_get_visible (get (f, "log_button")));

  lodge_terminal_view_log (get_view (f), nowhere);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Start the Log"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_font_and_reset (Fixture *f, gconstpointer data)
{
  VteTerminal *terminal;

  open_serial (f);
  terminal = get (f, "terminal");
  act (f, "terminal.larger");
  g_assert_cmpfloat (vte_terminal_get_font_scale (terminal), >, 1.1);
  act (f, "terminal.normal-size");
  g_assert_cmpfloat (vte_terminal_get_font_scale (terminal), ==, 1);
  for (guint i = 0; i < 30; i++)
    act (f, "terminal.smaller");
  g_assert_cmpfloat (vte_terminal_get_font_scale (terminal), >, 0.3);
  act (f, "terminal.normal-size");

  terminal_server_say (f->server, "something\r\n", -1);
  app_wait_until (shows (f, "something"));
  act (f, "terminal.reset");
  app_wait_until (!shows (f, "something"));
}

static gboolean
count_frame_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  (*(guint *) user_data)++;
  return G_SOURCE_CONTINUE;
}

/* Every byte there is, in every pair, and a line without an end: the window stays as it was and
 * alive. */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc (65536 * 4);
  g_autofree char *line = g_malloc (4 * 1024 * 1024);
  const char *tricks = "\033]0;Another Title\007\033]2;Another Title\007"
                       "\033]8;;file:///etc/passwd\033\\link\033]8;;\033\\"
                       "\033]52;c;aGVsbG8=\007\033[8;9999;9999t\033[2t\033[3;0;0t\007\007\007"
                       "\033Pq#0;2;0;0;0#0~~@@vv@@~~\033\\\033[21t";
  VteTerminal *terminal;

  open_serial (f);
  terminal = get (f, "terminal");
  g_assert_false (vte_terminal_get_allow_hyperlink (terminal));
  g_assert_false (vte_terminal_get_audible_bell (terminal));
  g_assert_false (vte_terminal_get_enable_sixel (terminal));

  terminal_server_say (f->server, tricks, -1);
  for (guint i = 0; i < 65536; i++) {
    bytes[4 * i] = i & 1 ? 0x1b : 'a';
    bytes[4 * i + 1] = i >> 8;
    bytes[4 * i + 2] = i & 0xff;
    bytes[4 * i + 3] = '[';
  }
  terminal_server_say (f->server, bytes, 65536 * 4);
  memset (line, 'l', 4 * 1024 * 1024);
  terminal_server_say (f->server, line, 4 * 1024 * 1024);
  terminal_server_say (f->server, "\033c\033\\\033[?47l\033[!p\r\nthe end\r\n", -1);
  app_wait_until (shows (f, "the end"));
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (f->window)), ==, "web & <b>");
  /* Nobody is told a title either, which would be typed into the guest. */
  g_assert_null (strstr (terminal_server_get_heard (f->server), "web"));
  g_assert_null (strstr (terminal_server_get_heard (f->server), "Another"));
}

/* A guest that never stops writing: the window draws, hears keys and closes, and remembers so much.
 */
static void
test_flood (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  VteTerminal *terminal;
  GtkAdjustment *adjustment;
  guint frames = 0;

  for (guint i = 0; i < 20000; i++)
    g_string_append_printf (text, "line %u of a flood\r\n", i);
  open_serial (f);
  app_wait_until (is_state (f, "Connected"));
  terminal = get (f, "terminal");
  gtk_widget_add_tick_callback (GTK_WIDGET (terminal), count_frame_cb, &frames, NULL);
  terminal_server_flood (f->server, text->str, (gssize) text->len);
  app_wait_until (terminal_server_get_flooded (f->server) > 4 * 1024 * 1024);
  frames = 0;
  app_wait_until (frames > 10);
  vte_terminal_feed_child (terminal, "\003", -1);
  app_wait_until (g_str_equal (terminal_server_get_heard (f->server), "\003"));
  app_wait_until (shows (f, "of a flood"));
  adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (terminal));
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_lower (adjustment),
                     <=, LODGE_TERMINAL_VIEW_LINES + vte_terminal_get_row_count (terminal));
  close_button (f);
  app_wait_until (get_view (f) == NULL);
}

int
main (int argc, char **argv)
{
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test)                                                                            \
  g_test_add ("/console-terminals/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("open", test_open_and_close);
  ADD ("close", test_close);
  ADD ("typing", test_typing);
  ADD ("deaf", test_deaf);
  ADD ("restart", test_restart);
  ADD ("focus", test_focus);
  ADD ("search", test_search);
  ADD ("files", test_files);
  ADD ("font-and-reset", test_font_and_reset);
  ADD ("hostile", test_hostile);
  ADD ("flood", test_flood);
#undef ADD
  return g_test_run ();
}
