/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures are fetched for those who want them, and only sane ones are decoded. */
#include "app-fixture.h"

#include "gtk/lodge-machine-list.h"
#include "gtk/lodge-thumbnail-loader.h"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *list;
  LodgeThumbnailLoader *loader;
  LodgeMachineItem *item;
  const char *uuid;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web", "running");
  f->connection = lodge_connection_new ();
  f->list = lodge_machine_list_new (f->connection);
  f->loader = lodge_thumbnail_loader_new (f->connection);
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->list));
  f->item = g_object_ref (lodge_machine_list_find (f->list, f->uuid));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_assert_dies (f->loader);
  app_assert_dies (f->list);
  app_assert_dies (f->item);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static void
set_picture (Fixture *f, guint width, guint height)
{
  g_autoptr (GBytes) picture = fake_engine_make_picture (width, height, 0xff0000);

  fake_engine_set_picture (f->engine, f->uuid, picture);
}

static gboolean
has_width (Fixture *f, int width)
{
  GdkPaintable *thumbnail = lodge_machine_item_get_thumbnail (f->item);

  return thumbnail != NULL && gdk_paintable_get_intrinsic_width (thumbnail) == width;
}

static void
test_wanted (Fixture *f, gconstpointer data)
{
  set_picture (f, 10, 10);
  app_settle ();
  /* Nobody wants it: nothing is opened. */
  g_assert_false (app_was_called (f->engine, "OpenMachine"));
  lodge_thumbnail_loader_want (f->loader, f->item);
  app_wait_until (has_width (f, 10));
  set_picture (f, 20, 10);
  app_wait_until (has_width (f, 20));
  lodge_thumbnail_loader_let_go (f->loader, f->item);
  fake_engine_clear_calls (f->engine);
  set_picture (f, 30, 10);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "GetThumbnail"));
}

static void
wait_fetched (Fixture *f)
{
  app_wait_until (lodge_machine_item_get_thumbnail_serial (f->item) != 0 &&
                  lodge_machine_item_get_fetched_serial (f->item) ==
                      lodge_machine_item_get_thumbnail_serial (f->item));
}

/* Not a picture, or one as large as a wall: the old one stays, and it is not asked for again. */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
  static const guint8 huge[] = {0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,
                                0,    13,   'I',  'H',  'D',  'R',  0x7f, 0xff, 0xff, 0xff,
                                0x7f, 0xff, 0xff, 0xff, 8,    2,    0,    0,    0};
  static const guint8 broken[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13,
                                  'I',  'H', 'D', 'R', 0,    0,    0,    1,    0, 0, 0, 1};
  GBytes *bytes[] = {g_bytes_new_static (svg, sizeof svg), g_bytes_new_static (huge, sizeof huge),
                     g_bytes_new_static (broken, sizeof broken), g_bytes_new_static ("", 0)};

  set_picture (f, 10, 10);
  lodge_thumbnail_loader_want (f->loader, f->item);
  app_wait_until (has_width (f, 10));
  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++) {
    const guint64 before = lodge_machine_item_get_thumbnail_serial (f->item);

    fake_engine_set_picture (f->engine, f->uuid, bytes[i]);
    app_wait_until (lodge_machine_item_get_thumbnail_serial (f->item) != before);
    wait_fetched (f);
    g_assert_true (has_width (f, 10));
    g_bytes_unref (bytes[i]);
  }
  set_picture (f, 4096, 1);
  app_settle ();
  wait_fetched (f);
  g_assert_true (has_width (f, 10));
  lodge_thumbnail_loader_let_go (f->loader, f->item);
}

static void
test_engine_returns (Fixture *f, gconstpointer data)
{
  lodge_thumbnail_loader_want (f->loader, f->item);
  fake_engine_set_delay (f->engine, "GetThumbnail", 300);
  set_picture (f, 10, 10);
  app_wait_until (app_was_called (f->engine, "GetThumbnail"));
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_connection_get_client (f->connection) == NULL);
  app_wait_until (has_width (f, 10));
  lodge_thumbnail_loader_let_go (f->loader, f->item);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/thumbnails/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("wanted", test_wanted);
  ADD ("hostile", test_hostile);
  ADD ("engine-returns", test_engine_returns);
#undef ADD
  return g_test_run ();
}
