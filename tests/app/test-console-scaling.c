/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a console window shows its guest's picture: the menu's switches, the machine's keys, and the
 * bars of a picture that is larger than the window. */
#include "console-fixture.h"
#include "gtk/lodge-set-keys.h"

#include <sys/mman.h>
#include <unistd.h>

typedef ConsoleFixture Test;

static LodgeScaling
get_scaling (Test *test)
{
  LodgeScaling scaling;

  g_object_get (test->window->display, "scaling", &scaling, NULL);
  return scaling;
}

static gboolean
has_whole_multiples (Test *test)
{
  gboolean whole_multiples;

  g_object_get (test->window->display, "whole-multiples", &whole_multiples, NULL);
  return whole_multiples;
}

static void
in_switches (void)
{
  static const struct {
    const char *word;
    LodgeScaling scaling;
  } rows[] = {
      {"scale", LODGE_SCALING_SCALE},
      {"one-to-one", LODGE_SCALING_ONE_TO_ONE},
      {"resize-guest", LODGE_SCALING_RESIZE_GUEST},
  };
  Test test;

  console_fixture_set_up (&test, 0);
  GtkWidget *window = GTK_WIDGET (test.window);
  g_assert_cmpint (get_scaling (&test), ==, LODGE_SCALING_RESIZE_GUEST);
  g_assert_false (has_whole_multiples (&test));

  /* From the menu, through the engine, which remembers it. */
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_assert_true (gtk_widget_activate_action (window, "display.scaling", "s", rows[i].word));
    app_wait_until (get_scaling (&test) == rows[i].scaling);
    g_autofree char *key = fake_engine_dup_key (test.engine, "web", "display.scaling");
    g_assert_cmpstr (key, ==, rows[i].word);
  }
  /* There is nothing to multiply. */
  g_assert_true (gtk_widget_activate_action (window, "display.scaling", "s", "one-to-one"));
  app_wait_until (get_scaling (&test) == LODGE_SCALING_ONE_TO_ONE);
  gtk_widget_activate_action (window, "display.whole-multiples", NULL);
  g_assert_true (gtk_widget_activate_action (window, "display.scaling", "s", "scale"));
  app_wait_until (get_scaling (&test) == LODGE_SCALING_SCALE);
  g_assert_false (has_whole_multiples (&test));
  g_assert_true (gtk_widget_activate_action (window, "display.whole-multiples", NULL));
  app_wait_until (has_whole_multiples (&test));
  g_autofree char *whole = fake_engine_dup_key (test.engine, "web", "display.whole-multiples");
  g_assert_cmpstr (whole, ==, "true");

  /* And from somebody else. */
  console_fixture_set_key (&test, "display.scaling", "scale");
  console_fixture_set_key (&test, "display.whole-multiples", "false");
  app_wait_until (get_scaling (&test) == LODGE_SCALING_SCALE && !has_whole_multiples (&test));

  /* What the engine refuses is said, and stays as it was. */
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  gtk_widget_activate_action (window, "display.scaling", "s", "one-to-one");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Change How the Screen Is Shown"));
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <room> & no luck."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_cmpint (get_scaling (&test), ==, LODGE_SCALING_SCALE);
  console_fixture_tear_down (&test);
}

/* A guest without an agent is told through its graphics card, and one with an agent by that. */
static void
in_sizes (void)
{
  Test test;
  int width, height;

  console_fixture_set_up (&test, 0);
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 0 "));
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, 0);

  /* Not when it shall not follow, and not twice the same. */
  console_fixture_set_key (&test, "display.scaling", "scale");
  app_wait_until (get_scaling (&test) == LODGE_SCALING_SCALE);
  fake_engine_clear_calls (test.engine);
  spice_fixture_settle ();
  console_fixture_set_key (&test, "display.scaling", "resize-guest");
  app_wait_until (get_scaling (&test) == LODGE_SCALING_RESIZE_GUEST);
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_false (app_was_called (test.engine, "SetDisplaySize"));

  /* What is wanted while the engine is away it hears when it is back. */
  fake_engine_set_api_version (test.engine, LODGE_CLIENT_API_VERSION + 1);
  fake_engine_drop_clients (test.engine);
  app_wait_until (
      lodge_console_machine_get_machine (lodge_console_window_get_machine (test.window)) == NULL);
  lodge_console_scaling_tell (test.window, 1, 712, 456);
  lodge_console_scaling_tell (test.window, 1, 713, 457);
  fake_engine_set_api_version (test.engine, LODGE_CLIENT_API_VERSION);
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 713 457"));
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 1 712 456"));

  /* What the window itself wants without an agent it says before there is one. */
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  fake_engine_clear_calls (test.engine);
  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  app_wait_until (spice_fixture_get_asked_size (test.server, &width, &height) > 0);
  g_assert_cmpint (width, ==, gtk_widget_get_width (GTK_WIDGET (test.window->display)));
  g_assert_cmpint (height, ==, gtk_widget_get_height (GTK_WIDGET (test.window->display)));
  g_assert_false (app_was_called (test.engine, "SetDisplaySize"));
  console_fixture_tear_down (&test);
}

static gboolean
has_bar (Test *test, GtkWidget *bar)
{
  return gtk_widget_get_mapped (bar) && gtk_widget_get_child_visible (bar);
}

static void
in_bars (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  GtkScrolledWindow *stage = test.window->stage;
  GtkWidget *across = gtk_scrolled_window_get_hscrollbar (stage);
  GtkWidget *down = gtk_scrolled_window_get_vscrollbar (stage);
  GtkAdjustment *left = gtk_scrolled_window_get_hadjustment (stage);

  /* Scaled, there is nothing to scroll. */
  spice_fixture_resize (test.server, 3000, 400);
  spice_fixture_settle ();
  g_assert_false (has_bar (&test, across));
  g_assert_false (has_bar (&test, down));

  /* One way only where it is too large one way only. */
  console_fixture_set_key (&test, "display.scaling", "one-to-one");
  app_wait_until (has_bar (&test, across));
  g_assert_false (has_bar (&test, down));
  g_assert_cmpfloat (gtk_adjustment_get_upper (left), ==, 3000);
  g_assert_cmpfloat (gtk_adjustment_get_page_size (left), ==,
                     gtk_widget_get_width (GTK_WIDGET (test.window->display)));
  gtk_adjustment_set_value (left, 3000);
  spice_fixture_resize (test.server, 2000, 3000);
  app_wait_until (has_bar (&test, across) && has_bar (&test, down));
  /* What was seen is moved into the smaller picture, not to its start. */
  g_assert_cmpfloat (gtk_adjustment_get_value (left), >, 0);
  g_assert_cmpfloat (gtk_adjustment_get_value (left) + gtk_adjustment_get_page_size (left), <=,
                     2000);

  spice_fixture_resize (test.server, 400, 300);
  app_wait_until (!has_bar (&test, across) && !has_bar (&test, down));
  g_assert_cmpfloat (gtk_adjustment_get_value (left), ==, 0);
  console_fixture_tear_down (&test);
}

static void
test_switches (void)
{
  spice_fixture_run (in_switches);
}

static void
test_sizes (void)
{
  spice_fixture_run (in_sizes);
}

static void
test_bars (void)
{
  spice_fixture_run (in_bars);
}

static gboolean
has_label (Test *test, const char *text)
{
  return app_find_label (GTK_WIDGET (test->window), text) != NULL;
}

/* What the machine has is 3D's switch and the reason why a run is without; what cannot be shown
 * leads to the switch. */
static void
in_3d (void)
{
  static const char problem[] = "Without 3D acceleration: <no> card & no luck.";
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);
  Test test;

  console_fixture_set_up (&test, 0);
  GtkWidget *window = GTK_WIDGET (test.window);
  GtkWidget *label = test.window->flat_label;
  g_assert_false (gtk_widget_get_visible (label));

  /* What the engine refuses does not begin, whatever else changes. */
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  g_assert_true (gtk_widget_activate_action (window, "graphics.accelerated", NULL));
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  console_fixture_set_key (&test, "display.scaling", "scale");
  app_wait_until (get_scaling (&test) == LODGE_SCALING_SCALE);
  g_assert_false (
      has_label (&test, "3D acceleration begins once the guest was shut down and started again"));

  /* It begins with the next start, which is said. */
  g_assert_true (gtk_widget_activate_action (window, "graphics.accelerated", NULL));
  app_wait_until (lodge_console_3d_is_wanted (test.window));
  app_wait_until (
      has_label (&test, "3D acceleration begins once the guest was shut down and started again"));
  g_autofree char *key = fake_engine_dup_key (test.engine, "web", "display.3d");
  g_assert_cmpstr (key, ==, "true");

  /* That run has none after all. */
  fake_engine_set_graphics_problem (test.engine, "web", problem);
  app_wait_until (gtk_widget_get_visible (label));
  g_assert_cmpstr (gtk_widget_get_tooltip_text (label), ==, problem);
  app_wait_until (has_label (&test, problem));
  fake_engine_set_graphics_problem (test.engine, "web", "");
  app_wait_until (!gtk_widget_get_visible (label));

  /* It has, and this window cannot show it. */
  spice_fixture_set_scanout (test.server, memory, 640, 480, 2560, 0x34325258, FALSE);
  app_wait_until (has_label (&test, "The Picture Cannot Be Shown"));
  app_click (test.window, "Switch 3D _Off");
  app_wait_until (!lodge_console_3d_is_wanted (test.window));
  app_click (test.window, "_Shut Down");
  app_wait_until (app_was_called (test.engine, "Shutdown web"));

  close (memory);
  console_fixture_tear_down (&test);
}

static gboolean
has_key (Test *test, const char *key, const char *value)
{
  g_autofree char *found = fake_engine_dup_key (test->engine, "web", key);

  return g_strcmp0 (found, value) == 0;
}

/* As the window knows it. */
static gboolean
has_card (Test *test, const char *value)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (test->window->machine);
  const char *found = NULL;

  g_variant_lookup (lodge_machine1_get_description (machine), "display.model", "&s", &found);
  return g_strcmp0 (found, value) == 0;
}

/* A card that has none: the switch offers the one that has. */
static void
in_3d_card (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  GtkWidget *window = GTK_WIDGET (test.window);
  lodge_set_keys (GTK_WINDOW (window), lodge_console_machine_get_machine (test.window->machine), "",
                  NULL, "display.model", "qxl", NULL);
  app_wait_until (has_card (&test, "qxl"));

  g_assert_true (gtk_widget_activate_action (window, "graphics.accelerated", NULL));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "qxl"));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);

  g_assert_true (gtk_widget_activate_action (window, "graphics.accelerated", NULL));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_false (lodge_console_3d_is_wanted (test.window));
  app_click (app_get_dialog (), "_Change It");
  app_wait_until (lodge_console_3d_is_wanted (test.window) && has_card (&test, "virtio"));
  g_assert_true (has_key (&test, "display.3d", "true"));
  console_fixture_tear_down (&test);
}

static void
test_3d_card (void)
{
  spice_fixture_run (in_3d_card);
}

static void
test_3d (void)
{
  spice_fixture_run (in_3d);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-scaling/switches", test_switches);
  g_test_add_func ("/console-scaling/sizes", test_sizes);
  g_test_add_func ("/console-scaling/bars", test_bars);
  g_test_add_func ("/console-scaling/3d", test_3d);
  g_test_add_func ("/console-scaling/3d-card", test_3d_card);
  return g_test_run ();
}
