/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the compact list: what is taken over, and what is notified. */
#include "app-fixture.h"

#include "gtk/lodge-machine-item.h"

#include <string.h>

#define UUID "11111111-2222-4333-8444-555555555555"

static GVariant *
make_row (const char *name, const char *state, const char *note, guint64 serial)
{
  return g_variant_ref_sink (g_variant_new ("(sssssuutsb)", UUID, name, state, "debian12", note,
                                            2048, 2, serial, "locked", TRUE));
}

static void
count_cb (GObject *object, GParamSpec *pspec, GString *log)
{
  g_string_append_printf (log, "%s ", pspec->name);
}

static void
test_fields (void)
{
  g_autoptr (GVariant) row = make_row ("web", "running", "", 7);
  LodgeMachineItem *item = lodge_machine_item_new (row);

  g_assert_cmpstr (lodge_machine_item_get_uuid (item), ==, UUID);
  g_assert_cmpstr (lodge_machine_item_get_name (item), ==, "web");
  g_assert_cmpstr (lodge_machine_item_get_os (item), ==, "debian12");
  g_assert_cmpstr (lodge_machine_item_get_note (item), ==, "");
  g_assert_cmpint (lodge_machine_item_get_state (item), ==, LODGE_MACHINE_STATE_RUNNING);
  g_assert_cmpuint (lodge_machine_item_get_memory_mib (item), ==, 2048);
  g_assert_cmpuint (lodge_machine_item_get_cpus (item), ==, 2);
  g_assert_cmpuint (lodge_machine_item_get_thumbnail_serial (item), ==, 7);
  g_assert_cmpstr (lodge_machine_item_get_encryption (item), ==, "locked");
  g_assert_null (lodge_machine_item_get_thumbnail (item));
  app_assert_dies (item);
}

static void
test_update (void)
{
  g_autoptr (GVariant) row = make_row ("web", "running", "", 7);
  g_autoptr (GVariant) same = make_row ("web", "running", "", 7);
  g_autoptr (GVariant) other = make_row ("web", "crashed", "It fell.", 7);
  g_autoptr (GString) log = g_string_new (NULL);
  LodgeMachineItem *item = lodge_machine_item_new (row);

  g_signal_connect (item, "notify", G_CALLBACK (count_cb), log);
  lodge_machine_item_update (item, same);
  g_assert_cmpstr (log->str, ==, "");
  lodge_machine_item_update (item, other);
  g_assert_nonnull (strstr (log->str, "state "));
  g_assert_nonnull (strstr (log->str, "note "));
  g_assert_null (strstr (log->str, "name "));
  g_assert_cmpstr (lodge_machine_item_get_note (item), ==, "It fell.");
  app_assert_dies (item);
}

static void
test_order (void)
{
  g_autoptr (GVariant) nine = make_row ("web 9", "off", "", 0);
  g_autoptr (GVariant) ten = make_row ("web 10", "off", "", 0);
  g_autoptr (LodgeMachineItem) first = lodge_machine_item_new (nine);
  g_autoptr (LodgeMachineItem) second = lodge_machine_item_new (ten);

  g_assert_cmpstr (lodge_machine_item_get_sort_key (first), <,
                   lodge_machine_item_get_sort_key (second));
}

/* A picture goes when the engine says that there is none any more. */
static void
test_thumbnail (void)
{
  static const guint8 pixel[4] = {255, 0, 0, 255};
  g_autoptr (GBytes) bytes = g_bytes_new_static (pixel, sizeof pixel);
  g_autoptr (GdkTexture) texture =
      gdk_memory_texture_new (1, 1, GDK_MEMORY_R8G8B8A8, bytes, sizeof pixel);
  g_autoptr (GVariant) with = make_row ("web", "running", "", 7);
  g_autoptr (GVariant) not_yet = make_row ("web", "running", "", 0);
  g_autoptr (GVariant) without = make_row ("web", "off", "", 0);
  LodgeMachineItem *item = lodge_machine_item_new (with);

  lodge_machine_item_set_thumbnail (item, GDK_PAINTABLE (texture), 7);
  g_assert_true (lodge_machine_item_get_thumbnail (item) == GDK_PAINTABLE (texture));
  g_assert_cmpuint (lodge_machine_item_get_fetched_serial (item), ==, 7);
  /* A new engine: it has none yet, and its first will be fetched, whatever number it has. */
  lodge_machine_item_update (item, not_yet);
  g_assert_true (lodge_machine_item_get_thumbnail (item) == GDK_PAINTABLE (texture));
  g_assert_cmpuint (lodge_machine_item_get_fetched_serial (item), ==, 0);
  lodge_machine_item_update (item, with);
  lodge_machine_item_update (item, without);
  g_assert_null (lodge_machine_item_get_thumbnail (item));
  app_assert_dies (item);
}

static void
test_states (void)
{
  static const char *const states[] = {"off",        "starting", "running", "paused",
                                       "suspending", "stopping", "crashed", "suspended"};

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    const LodgeMachineState state = lodge_machine_state_from_text (states[i]);
    const LodgeMachineCan can = lodge_machine_state_get_can (state);

    g_assert_cmpint (state, !=, LODGE_MACHINE_STATE_UNKNOWN);
    g_assert_cmpstr (lodge_machine_state_get_word (state), !=, "");
    g_assert_nonnull (lodge_machine_state_get_icon (state));
    /* Nothing that has a process is started again or deleted, and it can always be ended. */
    g_assert_true (((can & LODGE_MACHINE_CAN_START) == 0) == ((can & LODGE_MACHINE_CAN_KILL) != 0));
    g_assert_true (((can & LODGE_MACHINE_CAN_START) == 0) ==
                   ((can & LODGE_MACHINE_CAN_DELETE) == 0));
  }
  g_assert_cmpint (lodge_machine_state_from_text ("dancing"), ==, LODGE_MACHINE_STATE_UNKNOWN);
  g_assert_cmpint (lodge_machine_state_get_can (LODGE_MACHINE_STATE_UNKNOWN), ==, 0);
  g_assert_cmpint (lodge_machine_state_get_can (4711), ==, 0);
  /* What is not known to be off is not started or deleted; nor is what is not there yet. */
  g_assert_cmpint (lodge_machine_state_from_text ("looking"), ==, LODGE_MACHINE_STATE_LOOKING);
  g_assert_cmpint (lodge_machine_state_get_can (LODGE_MACHINE_STATE_LOOKING), ==, 0);
  g_assert_cmpint (lodge_machine_state_get_can (LODGE_MACHINE_STATE_MAKING), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-item/fields", test_fields);
  g_test_add_func ("/machine-item/update", test_update);
  g_test_add_func ("/machine-item/order", test_order);
  g_test_add_func ("/machine-item/thumbnail", test_thumbnail);
  g_test_add_func ("/machine-item/states", test_states);
  return g_test_run ();
}
