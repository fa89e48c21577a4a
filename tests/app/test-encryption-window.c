/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encryption window: what it offers and when, what it asks of the engine, and the padlock of a
 * card. */
#include "app-fixture.h"

#include "gtk/lodge-encryption-window.h"
#include "gtk/lodge-machine-card.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  GtkWidget *parent;
  GtkWidget *window;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web", "off");
  if (data != NULL)
    fake_engine_encrypt (f->engine, f->uuid, data);
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  f->parent = adw_window_new ();
  gtk_window_present (GTK_WINDOW (f->parent));
  f->window = lodge_machine_window_show (LODGE_TYPE_ENCRYPTION_WINDOW, GTK_WINDOW (f->parent),
                                         f->connection, f->uuid, "web");
  app_wait_until (
      app_find_label (f->window, data != NULL ? "Encrypted and locked" : "Not encrypted") != NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->parent != NULL)
    app_destroy_window (f->parent);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

/* A row of that title, or a button of that label, with its underline. */
static GtkWidget *
find (GtkWidget *root, const char *text)
{
  GtkWidget *found = NULL;

  if (GTK_IS_BUTTON (root) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (root)), text) == 0)
    return root;
  if (GTK_IS_EDITABLE (root) && ADW_IS_PREFERENCES_ROW (root) &&
      g_strcmp0 (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (root)), text) == 0)
    return root;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find (child, text);
  return found;
}

static gboolean
is_sensitive (Fixture *f, const char *label)
{
  GtkWidget *button = find (f->window, label);

  g_assert_nonnull (button);
  return gtk_widget_is_sensitive (button);
}

static void
type (gpointer root, const char *title, const char *text)
{
  GtkWidget *entry = find (root, title);

  g_assert_nonnull (entry);
  gtk_editable_set_text (GTK_EDITABLE (entry), text);
}

/* Not before the same was typed twice; what a lost passphrase means is said. */
static void
test_encrypt (Fixture *f, gconstpointer data)
{
  app_assert_named (f->window);
  g_assert_nonnull (app_find_label (f->window, "If the passphrase is lost, what is on the machine "
                                               "is lost, too: nobody can bring it back."));
  g_assert_false (is_sensitive (f, "_Encrypt"));
  type (f->window, "Passphrase", "correct horse");
  type (f->window, "The Same Again", "correct hors");
  g_assert_false (is_sensitive (f, "_Encrypt"));
  type (f->window, "The Same Again", "correct horse");
  app_click (f->window, "_Encrypt");
  app_wait_until (app_find_label (f->window, "Encrypted, unlocked now") != NULL);
  g_assert_true (app_was_called (f->engine, "Encrypt"));
  g_assert_false (fake_engine_is_remembered (f->engine, f->uuid));
}

/* What is in the way is said, and nothing is offered. */
static void
test_running (Fixture *f, gconstpointer data)
{
  type (f->window, "Passphrase", "a");
  type (f->window, "The Same Again", "a");
  g_assert_true (is_sensitive (f, "_Encrypt"));
  fake_engine_set_state (f->engine, f->uuid, "running");
  app_wait_until (!is_sensitive (f, "_Encrypt"));
  g_assert_nonnull (app_find_label (
      f->window, "Its encryption can be changed only while it is off; now it is: Running"));
}

/* Also what only the engine knows, before a passphrase was typed for nothing; until it is mended.
 */
static void
test_obstacle (Fixture *f, gconstpointer data)
{
  static const char *const obstacle = "It has a disk of this computer as a whole";

  type (f->window, "Passphrase", "a");
  type (f->window, "The Same Again", "a");
  app_wait_until (is_sensitive (f, "_Encrypt"));
  fake_engine_set_encrypt_obstacle (f->engine, f->uuid, obstacle);
  fake_engine_set_note (f->engine, f->uuid, "Something has changed");
  app_wait_until (app_find_label (f->window, obstacle) != NULL);
  g_assert_false (is_sensitive (f, "_Encrypt"));
  fake_engine_set_encrypt_obstacle (f->engine, f->uuid, NULL);
  fake_engine_set_note (f->engine, f->uuid, "");
  app_wait_until (is_sensitive (f, "_Encrypt"));
  g_assert_null (app_find_label (f->window, obstacle));
  g_assert_false (app_was_called (f->engine, "Encrypt"));
}

static void
unlock (const char *passphrase)
{
  app_wait_until (app_get_dialog () != NULL &&
                  app_find (app_get_dialog (), GTK_TYPE_ENTRY) != NULL);
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), passphrase);
  app_click (app_get_dialog (), "_Unlock");
}

static void
test_lock (Fixture *f, gconstpointer data)
{
  app_assert_named (f->window);
  app_click (f->window, "_Unlock…");
  unlock (data);
  app_wait_until (app_find_label (f->window, "Encrypted, unlocked now") != NULL);
  app_click (f->window, "_Lock Now");
  app_wait_until (app_find_label (f->window, "Encrypted and locked") != NULL);
  g_assert_true (app_was_called (f->engine, "Lock"));
}

/* The window that changes the passphrase, or NULL. */
static GtkWidget *
get_change (Fixture *f)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

    /* The list holds it. */
    if (gtk_window_get_transient_for (window) == GTK_WINDOW (f->window))
      return GTK_WIDGET (window);
  }
  return NULL;
}

static void
open_change (Fixture *f, const char *old)
{
  app_click (f->window, "_Change…");
  app_wait_until (get_change (f) != NULL && gtk_window_is_active (GTK_WINDOW (get_change (f))));
  g_assert_false (gtk_widget_is_sensitive (find (get_change (f), "_Change")));
  type (get_change (f), "Passphrase That It Has", old);
  type (get_change (f), "New Passphrase", "battery");
  g_assert_false (gtk_widget_is_sensitive (find (get_change (f), "_Change")));
  type (get_change (f), "The Same Again", "battery");
}

static gboolean
has_focus (Fixture *f, const char *title)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (get_change (f)));

  return focus != NULL && gtk_widget_is_ancestor (focus, find (get_change (f), title));
}

/* What was wrong is said where it is mended, and what was right need not be typed again. */
static void
test_change (Fixture *f, gconstpointer data)
{
  int from, to;

  open_change (f, "wrong");
  app_assert_named (get_change (f));
  g_assert_true (has_focus (f, "Passphrase That It Has"));
  app_click (get_change (f), "_Change");
  app_wait_until (app_find_label (get_change (f), "That is not the passphrase of this machine") !=
                  NULL);
  g_assert_null (app_get_dialog ());
  g_assert_true (has_focus (f, "Passphrase That It Has"));
  g_assert_true (gtk_editable_get_selection_bounds (
      GTK_EDITABLE (find (get_change (f), "Passphrase That It Has")), &from, &to));
  g_assert_cmpint (to - from, ==, strlen ("wrong"));
  /* Nor is what was typed lost where it is something else that fails. */
  fake_engine_fail_next (f->engine, "ChangePassphrase", LODGE_ERROR_STORAGE, "The disk is full");
  type (get_change (f), "Passphrase That It Has", data);
  app_click (get_change (f), "_Change");
  app_wait_until (app_find_label (get_change (f), "The disk is full") != NULL);
  g_assert_true (has_focus (f, "New Passphrase"));
  /* Until something else is typed. */
  type (get_change (f), "Passphrase That It Has", data);
  g_assert_null (app_find_label (get_change (f), "That is not the passphrase of this machine"));
  app_click (get_change (f), "_Change");
  app_wait_until (get_change (f) == NULL);
  app_wait_until (app_find_label (f->window, "The passphrase was changed") != NULL);
}

/* One that is closed over a call changes nothing more, and what comes of that is said. */
static void
test_change_closed (Fixture *f, gconstpointer data)
{
  fake_engine_set_delay (f->engine, "ChangePassphrase", 300);
  open_change (f, "wrong");
  app_click (get_change (f), "_Change");
  /* At once: the answer cannot have been looked at. */
  app_click (get_change (f), "_Cancel");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (app_was_called (f->engine, "ChangePassphrase"));
  g_assert_cmpstr (adw_message_dialog_get_heading (app_get_dialog ()), ==,
                   "Could Not Change the Passphrase");
  app_click (app_get_dialog (), "_Close");
  app_wait_until (app_get_dialog () == NULL);

  /* With all of its windows. */
  open_change (f, data);
  app_click (get_change (f), "_Change");
  app_destroy_window (g_steal_pointer (&f->parent));
  app_settle ();
  g_assert_null (app_get_dialog ());
}

static void
test_keyring (Fixture *f, gconstpointer data)
{
  fake_engine_unlock (f->engine, f->uuid);
  app_click (f->window, "_Keep");
  app_wait_until (fake_engine_is_remembered (f->engine, f->uuid));
  app_wait_until (is_sensitive (f, "_Forget"));
  app_click (f->window, "_Forget");
  app_wait_until (!fake_engine_is_remembered (f->engine, f->uuid));
}

/* Asked for first; of one that is locked its passphrase, too. */
static void
test_decrypt (Fixture *f, gconstpointer data)
{
  app_click (f->window, "_Decrypt…");
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Decrypt"));
  app_click (f->window, "_Decrypt…");
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Decrypt");
  unlock (data);
  app_wait_until (app_find_label (f->window, "Not encrypted") != NULL);
}

/* Closed over an answer that is on its way. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  fake_engine_set_delay (f->engine, "Encrypt", 300);
  type (f->window, "Passphrase", "a");
  type (f->window, "The Same Again", "a");
  app_click (f->window, "_Encrypt");
  app_wait_until (app_was_called (f->engine, "Encrypt"));
  app_destroy_window (g_steal_pointer (&f->parent));
  app_settle ();
  g_assert_null (app_get_dialog ());
}

/* A card shows it and says it. */
static void
test_card (void)
{
  g_autoptr (GVariant) plain = g_variant_ref_sink (g_variant_new (
      "(sssssuutsb)", "u", "web", "off", "", "", 1, 1, G_GUINT64_CONSTANT (0), "", FALSE));
  g_autoptr (GVariant) locked = g_variant_ref_sink (g_variant_new (
      "(sssssuutsb)", "u", "web", "off", "", "", 1, 1, G_GUINT64_CONSTANT (0), "locked", FALSE));
  g_autoptr (LodgeMachineItem) item = lodge_machine_item_new (plain);
  GtkWidget *window = adw_window_new ();
  GtkWidget *card = lodge_machine_card_new ();
  GtkWidget *icon;

  adw_window_set_content (ADW_WINDOW (window), card);
  lodge_machine_card_set_item (LODGE_MACHINE_CARD (card), item);
  icon = app_get_child (card, LODGE_TYPE_MACHINE_CARD, "lock_icon");
  g_assert_false (gtk_widget_get_visible (icon));
  lodge_machine_item_update (item, locked);
  g_assert_true (gtk_widget_get_visible (icon));
  g_assert_cmpstr (gtk_widget_get_tooltip_text (icon), ==, "Encrypted and locked");
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "web, Off, encrypted and locked");
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int argc, char *argv[])
{
  static const char passphrase[] = "correct horse";

  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD(name, data, function)                                                                  \
  g_test_add ("/encryption-window/" name, Fixture, data, set_up, function, tear_down)
  ADD ("encrypt", NULL, test_encrypt);
  ADD ("running", NULL, test_running);
  ADD ("obstacle", NULL, test_obstacle);
  ADD ("closed", NULL, test_closed);
  ADD ("lock", passphrase, test_lock);
  ADD ("change", passphrase, test_change);
  ADD ("change-closed", passphrase, test_change_closed);
  ADD ("keyring", passphrase, test_keyring);
  ADD ("decrypt", passphrase, test_decrypt);
  g_test_add_func ("/encryption-window/card", test_card);
  return g_test_run ();
}
