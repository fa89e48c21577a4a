/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of names, as the forms judge them. */
#include "gtk/lodge-machine-item.h"
#include "gtk/lodge-machine-name.h"

#include <string.h>

static GListModel *
make_machines (void)
{
  GListStore *store = g_list_store_new (LODGE_TYPE_MACHINE_ITEM);
  static const char *const names[] = {"web", "web 2"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *uuid = g_uuid_string_random ();
    g_autoptr (GVariant) row = g_variant_ref_sink (g_variant_new (
        "(sssssuutsb)", uuid, names[i], "off", "", "", 1, 1, G_GUINT64_CONSTANT (0), "", FALSE));
    g_autoptr (LodgeMachineItem) item = lodge_machine_item_new (row);
    g_list_store_append (store, item);
  }

  return G_LIST_MODEL (store);
}

static void
assert_bad (const char *name, const char *word)
{
  g_autoptr (GListModel) machines = make_machines ();
  g_autofree char *problem = lodge_machine_name_check (name, machines, NULL);

  g_assert_nonnull (problem);
  g_assert_nonnull (strstr (problem, word));
}

static void
test_bad (void)
{
  g_autofree char *long_name = g_strnfill (65, 'x');

  assert_bad ("", "needs a name");
  assert_bad ("a/b", "“/”");
  assert_bad ("a\nb", "control");
  assert_bad ("a\xc2\x85", "control");
  assert_bad ("\xff", "valid");
  assert_bad (" a", "space");
  assert_bad ("a\xc2\xa0", "space");
  assert_bad (".", "cannot");
  assert_bad ("..", "cannot");
  assert_bad ("11111111-2222-4333-8444-555555555555", "cannot");
  assert_bad (long_name, "65");
  assert_bad ("web", "already");
}

static void
test_good (void)
{
  g_autoptr (GListModel) machines = make_machines ();
  g_autofree char *long_name = g_strnfill (64, 'x');
  const char *const names[] = {"a", "web 3", "<b>&", "مكتب", long_name};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *problem = lodge_machine_name_check (names[i], machines, NULL);
    g_assert_null (problem);
  }
  /* Its own name is not taken. */
  g_assert_null (lodge_machine_name_check ("web", machines, "web"));
}

static void
test_free_name (void)
{
  g_autoptr (GListModel) machines = make_machines ();
  g_autofree char *taken = lodge_machine_name_dup_free ("web", machines);
  g_autofree char *free_name = lodge_machine_name_dup_free ("db", machines);

  g_assert_cmpstr (taken, ==, "web 3");
  g_assert_cmpstr (free_name, ==, "db");
}

/* The number has to fit, too. */
static void
test_free_long_name (void)
{
  g_autoptr (GListStore) machines = g_list_store_new (LODGE_TYPE_MACHINE_ITEM);
  g_autofree char *xs = g_strnfill (61, 'x');
  g_autofree char *wish = g_strconcat (xs, " äx", NULL);
  g_autofree char *expected = g_strconcat (xs, " 2", NULL);
  g_autofree char *name = NULL;
  g_autofree char *problem = NULL;
  g_autoptr (GVariant) row = g_variant_ref_sink (g_variant_new (
      "(sssssuutsb)", "some-uuid", wish, "off", "", "", 0, 0, G_GUINT64_CONSTANT (0), "", FALSE));
  g_autoptr (LodgeMachineItem) item = lodge_machine_item_new (row);

  g_list_store_append (machines, item);
  name = lodge_machine_name_dup_free (wish, G_LIST_MODEL (machines));
  g_assert_cmpstr (name, ==, expected);
  problem = lodge_machine_name_check (name, G_LIST_MODEL (machines), NULL);
  g_assert_null (problem);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-name/bad", test_bad);
  g_test_add_func ("/machine-name/good", test_good);
  g_test_add_func ("/machine-name/free", test_free_name);
  g_test_add_func ("/machine-name/free-long", test_free_long_name);
  return g_test_run ();
}
