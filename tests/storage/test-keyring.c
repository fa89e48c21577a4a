/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys in a real Secret Service: gnome-keyring on a bus of its own, with a keyring that is open, or
 * locked with nobody there to open it (which is what a question that is dismissed comes to), and a
 * bus without any.
 *
 * libsecret knows one service for the whole of a process, so each case is a process. */
#include "lodge-error.h"
#include "storage/lodge-keyring.h"
#include "test-folder.h"
#include "test-wait.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID "11111111-2222-4333-8444-555555555555"
#define NAME "org.freedesktop.secrets"

typedef struct {
  char *folder;
  GSubprocess *bus;
  GSubprocess *keyring; /* or NULL */
  GDBusConnection *connection;
} Session;

static GVariant *
call (Session *self,
      const char *name,
      const char *path,
      const char *interface,
      const char *method,
      GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *answer =
      g_dbus_connection_call_sync (self->connection, name, path, interface, method, arguments, NULL,
                                   G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

static gboolean
is_there (Session *self)
{
  g_autoptr (GVariant) answer =
      call (self, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "NameHasOwner", g_variant_new ("(s)", NAME));
  gboolean owned;

  g_variant_get (answer, "(b)", &owned);
  return owned;
}

/* The bus starts nothing by itself: there is nobody to ask. */
static void
start_bus (Session *self)
{
  static const char config[] =
      "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
      "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig>"
      "<type>session</type><listen>unix:tmpdir=%s</listen><auth>EXTERNAL</auth>"
      "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
      "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
  g_autofree char *file = g_build_filename (self->folder, "bus.conf", NULL);
  g_autofree char *option = g_strconcat ("--config-file=", file, NULL);
  g_autofree char *text = g_strdup_printf (config, self->folder);
  g_autoptr (GDataInputStream) said = NULL;
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  self->bus = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "dbus-daemon", option,
                                "--nofork", "--print-address", NULL);
  g_assert_no_error (error);
  said = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->bus));
  address = g_data_input_stream_read_line (said, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (address);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
  g_unsetenv ("SECRET_BACKEND");
  self->connection =
      g_dbus_connection_new_for_address_sync (address,
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  g_assert_no_error (error);
}

/* A new keyring, which is open. */
static void
start_keyring (Session *self)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                 G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  GOutputStream *input;
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", self->folder, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_RUNTIME_DIR", self->folder, TRUE);
  self->keyring =
      g_subprocess_launcher_spawn (launcher, &error, "gnome-keyring-daemon", "--foreground",
                                   "--unlock", "--components=secrets", NULL);
  g_assert_no_error (error);
  input = g_subprocess_get_stdin_pipe (self->keyring);
  g_assert_true (g_output_stream_write_all (input, "of the test", 11, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (input, NULL, NULL));
  test_wait_polled (is_there (self));
}

static void
start (Session *self)
{
  self->folder = g_dir_make_tmp ("lodge-keyring-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  start_bus (self);
}

static void
end (Session *self)
{
  g_clear_object (&self->connection);
  if (self->keyring != NULL) {
    g_subprocess_force_exit (self->keyring);
    g_subprocess_wait (self->keyring, NULL, NULL);
    g_object_unref (self->keyring);
  }
  g_subprocess_force_exit (self->bus);
  g_subprocess_wait (self->bus, NULL, NULL);
  g_object_unref (self->bus);
  test_folder_remove (self->folder);
  g_free (self->folder);
}

static gboolean
store (LodgeSecret *key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_keyring_store_async (UUID, "web", key, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_keyring_store_finish (result, error);
}

static LodgeSecret *
look_up (GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_keyring_look_up_async (UUID, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_keyring_look_up_finish (result, error);
}

static gboolean
clear (GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_keyring_clear_async (UUID, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_keyring_clear_finish (result, error);
}

static void
check_open (Session *self)
{
  g_autoptr (LodgeSecret) key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (LodgeSecret) other = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (LodgeSecret) found = NULL;
  g_autoptr (LodgeSecret) replaced = NULL;
  g_autoptr (GError) error = NULL;

  start_keyring (self);
  g_assert_null (look_up (&error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  store (key, &error);
  g_assert_no_error (error);
  found = look_up (&error);
  g_assert_no_error (error);
  g_assert_true (lodge_secret_equal (found, key));
  /* One for each machine. */
  store (other, &error);
  g_assert_no_error (error);
  replaced = look_up (&error);
  g_assert_no_error (error);
  g_assert_true (lodge_secret_equal (replaced, other));
  for (guint i = 0; i < 2; i++) {
    clear (&error);
    g_assert_no_error (error);
  }
  g_assert_null (look_up (&error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

/* Whoever needs the key goes on to ask for the passphrase. */
static void
check_locked (Session *self)
{
  static const char *const collections[] = {"/org/freedesktop/secrets/collection/login", NULL};
  g_autoptr (LodgeSecret) key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (GError) error = NULL;

  start_keyring (self);
  store (key, &error);
  g_assert_no_error (error);
  g_variant_unref (call (self, NAME, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service",
                         "Lock", g_variant_new ("(^ao)", collections)));
  g_assert_null (look_up (&error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == LODGE_ERROR);
  g_assert_cmpint (error->code, !=, LODGE_ERROR_TIMEOUT);
  g_clear_error (&error);
  g_assert_false (store (key, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "The keyring cannot be used"));
}

static void
check_absent (Session *self)
{
  g_autoptr (LodgeSecret) key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (GError) error = NULL;

  g_assert_null (look_up (&error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_clear_error (&error);
  g_assert_false (store (key, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
}

static void
run (gconstpointer check)
{
  Session session = {NULL};

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  start (&session);
  ((void (*) (Session *)) check) (&session);
  end (&session);
}

int
main (int argc, char *argv[])
{
  static const char *const programs[] = {"dbus-daemon", "gnome-keyring-daemon"};

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++) {
    g_autofree char *path = g_find_program_in_path (programs[i]);

    if (path == NULL) {
      g_print ("1..0 # SKIP %s is not installed\n", programs[i]);
      return 0;
    }
  }
  g_test_add_data_func ("/keyring/open", (gconstpointer) check_open, run);
  g_test_add_data_func ("/keyring/locked", (gconstpointer) check_locked, run);
  g_test_add_data_func ("/keyring/absent", (gconstpointer) check_absent, run);
  return g_test_run ();
}
