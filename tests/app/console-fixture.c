/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See console-fixture.h. */
#include "console-fixture.h"

#include "gtk/lodge-monitor-window.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

LodgeConsoleSession *
console_fixture_get_session (ConsoleFixture *self)
{
  return lodge_console_machine_get_session (lodge_console_window_get_machine (self->window));
}

gboolean
console_fixture_is_shown (ConsoleFixture *self)
{
  return lodge_console_machine_get_phase (lodge_console_window_get_machine (self->window)) ==
         LODGE_CONSOLE_SHOWN;
}

/* Its pointer is known, too: a screen that changes its size before describes that twice. */
static gboolean
is_settled (ConsoleFixture *self)
{
  gboolean settled = FALSE;

  if (console_fixture_is_shown (self))
    g_object_get (console_fixture_get_session (self), "settled", &settled, NULL);
  return settled;
}

void
console_fixture_set_up (ConsoleFixture *self, guint32 capabilities)
{
  *self = (ConsoleFixture){.engine = fake_engine_new (NULL)};
  self->uuid = fake_engine_add_machine (self->engine, "web", "running");
  self->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  self->socket = g_build_filename (self->folder, "spice.sock", NULL);
  self->server = spice_fixture_new_at (self->socket, 640, 400);
  if (capabilities != 0) {
    self->agent = spice_fixture_agent_new (self->server);
    spice_fixture_agent_announce (self->agent, capabilities);
  }
  fake_engine_set_spice_socket (self->engine, self->uuid, self->socket);
  self->connection = lodge_connection_new ();
  lodge_connection_open (self->connection);
  self->window =
      LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, self->connection, self->uuid));
  g_object_add_weak_pointer (G_OBJECT (self->window), (gpointer *) &self->window);
  gtk_window_present (GTK_WINDOW (self->window));
  app_wait_until (is_settled (self));
}

void
console_fixture_tear_down (ConsoleFixture *self)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  if (self->window != NULL)
    gtk_window_destroy (GTK_WINDOW (self->window));
  app_wait_until (self->window == NULL);
  app_assert_dies (self->connection);
  fake_engine_free (self->engine);
  spice_fixture_settle ();
  if (self->agent != NULL)
    spice_fixture_agent_free (self->agent);
  spice_fixture_free (self->server);
  dir = g_dir_open (self->folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (self->folder, name, NULL);
    g_unlink (path);
  }
  g_rmdir (self->folder);
  g_free (self->socket);
  g_free (self->folder);
}

void
console_fixture_set_user_folder (const char *which, const char *path)
{
  g_autofree char *file = g_build_filename (g_get_user_config_dir (), "user-dirs.dirs", NULL);
  g_autofree char *text = g_strdup_printf ("%s=\"%s\"\n", which, path);

  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_reload_user_special_dirs_cache ();
}

guint
console_fixture_count_files (ConsoleFixture *self, const char *suffix, char **out_path)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    if (!g_str_has_suffix (name, suffix))
      continue;
    n++;
    if (out_path != NULL) {
      g_free (*out_path);
      *out_path = g_build_filename (self->folder, name, NULL);
    }
  }
  return n;
}

void
console_fixture_set_key (ConsoleFixture *self, const char *key, const char *text)
{
  LodgeMachine1 *machine =
      lodge_console_machine_get_machine (lodge_console_window_get_machine (self->window));
  GVariantBuilder builder;
  g_autoptr (GError) error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", key, text);
  g_assert_true (
      lodge_machine1_call_set_sync (machine, g_variant_builder_end (&builder), NULL, &error));
  g_assert_no_error (error);
}

static gboolean
lists_monitor (ConsoleFixture *self, guint n)
{
  g_autofree char *menu = console_fixture_dup_menu (G_MENU_MODEL (self->window->monitors_menu), "");
  g_autofree char *item = g_strdup_printf (" monitors.%u\n", n);

  return strstr (menu, item) != NULL;
}

void
console_fixture_set_monitors (ConsoleFixture *self, guint n)
{
  g_autofree char *number = g_strdup_printf ("%u", n);

  console_fixture_set_key (self, "display.monitors", number);
  app_wait_until (lists_monitor (self, n));
}

GtkWindow *
console_fixture_find_monitor (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
    if (LODGE_IS_MONITOR_WINDOW (window))
      return window;
  }
  return NULL;
}

LodgeMonitorView *
console_fixture_get_view (GtkWindow *monitor)
{
  GtkOverlay *overlay = app_get_child (monitor, LODGE_TYPE_MONITOR_WINDOW, "overlay");

  return LODGE_MONITOR_VIEW (gtk_overlay_get_child (overlay));
}

static gboolean
is_taken (gpointer data)
{
  ConsoleFixture *self = data;
  gboolean from_bottom;
  g_autoptr (GdkTexture) texture = lodge_display_dup_scanout (self->window->display, &from_bottom);

  return texture != NULL || lodge_display_get_problem (self->window->display) != NULL;
}

int
console_fixture_set_scanout (ConsoleFixture *self, const guint32 *pixels, int width, int height)
{
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);
  const gsize size = (gsize) width * (gsize) height * sizeof *pixels;

  g_log_set_fatal_mask ("Gdk", G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL); /* it is not a card's */
  g_assert_cmpint (pwrite (memory, pixels, size, 0), ==, (gssize) size);
  /* DRM_FORMAT_XRGB8888 (drm_fourcc.h) */
  spice_fixture_set_scanout (self->server, memory, width, height, width * 4, 0x34325258, TRUE);
  g_assert_true (spice_fixture_wait (is_taken, self));
  return memory;
}

char *
console_fixture_dup_menu (GMenuModel *menu, const char *before)
{
  GString *text = g_string_new (NULL);

  for (int i = 0; i < g_menu_model_get_n_items (menu); i++) {
    g_autofree char *label = NULL;
    g_autofree char *action = NULL;
    g_autoptr (GMenuModel) inner = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SUBMENU);
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);

    g_menu_model_get_item_attribute (menu, i, G_MENU_ATTRIBUTE_LABEL, "s", &label);
    if (section != NULL) {
      g_autofree char *part = console_fixture_dup_menu (section, before);
      g_string_append_printf (text, "%s--%s\n%s", before, label != NULL ? label : "", part);
      continue;
    }
    g_menu_model_get_item_attribute (menu, i, G_MENU_ATTRIBUTE_ACTION, "s", &action);
    g_string_append_printf (text, "%s%s %s\n", before, label, action != NULL ? action : "");
    if (inner != NULL) {
      g_autofree char *more = console_fixture_dup_menu (inner, "> ");
      g_string_append (text, more);
    }
  }
  return g_string_free (text, FALSE);
}

gboolean
console_fixture_has_hint (gpointer root, const char *title)
{
  GtkLabel *label = app_find_label (root, title);
  GtkWidget *revealer =
      label != NULL ? gtk_widget_get_ancestor (GTK_WIDGET (label), GTK_TYPE_REVEALER) : NULL;

  return revealer != NULL && gtk_revealer_get_reveal_child (GTK_REVEALER (revealer));
}
