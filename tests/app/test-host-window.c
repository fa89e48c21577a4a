/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host page: findings as they are, commands to copy, measuring again. */
#include "app-fixture.h"

#include "gtk/lodge-finding-row.h"
#include "gtk/lodge-host-window.h"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  GtkWidget *window;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  fake_engine_set_host (
      f->engine,
      g_variant_new_parsed ("[('accelerator', 'problem', 'The <CPU> & its module are off.', "
                            "'Run `sudo modprobe kvm_intel`, then `true`.'),"
                            " ('qemu', 'good', 'QEMU is here.', ''),"
                            " ('future', 'splendid', 'A level of tomorrow.', 'Wait.')]"),
      NULL);
  f->connection = lodge_connection_new ();
  f->window = lodge_host_window_new (f->connection);
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_destroy_window (f->window);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static void
test_findings (Fixture *f, gconstpointer data)
{
  app_wait_until (app_count (f->window, LODGE_TYPE_FINDING_ROW) == 3);
  g_assert_nonnull (app_find_label (f->window, "The <CPU> & its module are off."));
  g_assert_nonnull (app_find_label (f->window, "Run `sudo modprobe kvm_intel`, then `true`."));
  g_assert_true (gtk_label_get_selectable (
      app_find_label (f->window, "Run `sudo modprobe kvm_intel`, then `true`.")));
  app_assert_named (f->window);
  g_assert_true (app_was_called (f->engine, "Check false"));
}

static void
test_again (Fixture *f, gconstpointer data)
{
  app_wait_until (app_count (f->window, LODGE_TYPE_FINDING_ROW) == 3);
  fake_engine_set_host (f->engine, g_variant_new_parsed ("[('qemu', 'good', 'Only this.', '')]"),
                        NULL);
  gtk_widget_activate_action (f->window, "host.check", NULL);
  app_wait_until (app_count (f->window, LODGE_TYPE_FINDING_ROW) == 1);
  g_assert_true (app_was_called (f->engine, "Check true"));
}

static void
test_failure (Fixture *f, gconstpointer data)
{
  app_wait_until (app_count (f->window, LODGE_TYPE_FINDING_ROW) == 3);
  fake_engine_fail_next (f->engine, "Check", LODGE_ERROR_HOST, "The <probe> & all died.");
  gtk_widget_activate_action (f->window, "host.check", NULL);
  app_wait_until (app_find_label (f->window, "The <probe> & all died.") != NULL);
  /* What was known is still there, and asking again is possible. */
  g_assert_cmpuint (app_count (f->window, LODGE_TYPE_FINDING_ROW), ==, 3);
  gtk_widget_activate_action (f->window, "host.check", NULL);
  app_wait_until (!gtk_revealer_get_reveal_child (
      app_get_child (f->window, LODGE_TYPE_HOST_WINDOW, "error_revealer")));
}

static void
text_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(char **) user_data = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
}

static void
test_copy (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;
  GtkWidget *row;

  app_wait_until (app_count (f->window, LODGE_TYPE_FINDING_ROW) == 3);
  row = app_find (f->window, LODGE_TYPE_FINDING_ROW);
  g_signal_emit_by_name (app_get_child (row, LODGE_TYPE_FINDING_ROW, "copy_button"), "clicked");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (f->window), NULL, text_cb, &text);
  app_wait_until (text != NULL);
  g_assert_cmpstr (text, ==, "sudo modprobe kvm_intel\ntrue");
}

static void
test_command (void)
{
  static const char *const rows[][2] = {
      {"Do this.", "Do this."},
      {"Run `a b`.", "a b"},
      {"Run `a` and `b`", "a\nb"},
      {"Run “sudo a”, then log out.", "sudo a"},
      {"Führen Sie „sudo a“ aus.", "sudo a"},
      {"Install it (Debian: sudo apt install ovmf)", "sudo apt install ovmf"},
      {"Run “sudo a", "sudo a"},
      {"An odd ` one", "An odd ` one"},
      {"", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *command = lodge_finding_dup_command (rows[i][0]);
    g_assert_cmpstr (command, ==, rows[i][1]);
  }
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test) g_test_add ("/host-window/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("findings", test_findings);
  ADD ("again", test_again);
  ADD ("failure", test_failure);
  ADD ("copy", test_copy);
#undef ADD
  g_test_add_func ("/host-window/command", test_command);
  return g_test_run ();
}
