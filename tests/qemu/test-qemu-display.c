/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A screen's size, said to QEMU's D-Bus display: to a fake one that answers in every way. */
#include "display-bus.h"
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-display-private.h"

#include "test-folder.h"

#include <string.h>

typedef struct {
  QmpFixture qmp;
  char *keyring;
  GDBusConnection *bus; /* QEMU's end */
  char *refusal;        /* what it says instead of doing it */
  guint width;
  guint height;
} Fixture;

static const char interface_xml[] =
    "<node><interface name='org.qemu.Display1.Console'><method name='SetUIInfo'>"
    "<arg type='q' direction='in'/><arg type='q' direction='in'/><arg type='i' direction='in'/>"
    "<arg type='i' direction='in'/><arg type='u' direction='in'/><arg type='u' direction='in'/>"
    "</method></interface></node>";

static void
set_cb (GDBusConnection *bus,
        const char *sender,
        const char *path,
        const char *interface,
        const char *method,
        GVariant *parameters,
        GDBusMethodInvocation *invocation,
        gpointer data)
{
  Fixture *self = data;

  g_variant_get (parameters, "(qqiiuu)", NULL, NULL, NULL, NULL, &self->width, &self->height);
  if (self->refusal != NULL)
    g_dbus_method_invocation_return_dbus_error (invocation, "org.qemu.Display1.Error.Unsupported",
                                                self->refusal);
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
serve (Fixture *self)
{
  static const GDBusInterfaceVTable vtable = {.method_call = set_cb};

  display_bus_serve (self->qmp.fake, interface_xml, &vtable, self, &self->bus);
}

static gboolean
set_size (Fixture *self, guint monitor, guint width, guint height, gboolean served, GError **error)
{
  QmpWait wait = {0};
  g_autoptr (GAsyncResult) result = NULL;

  lodge_qemu_display_set_size_async (self->qmp.qmp, self->keyring, monitor, width, height,
                                     qmp_fixture_done_cb, &wait);
  while (served && !wait.done && fake_qmp_count (self->qmp.fake, "add_client") == 0)
    g_main_context_iteration (NULL, TRUE);
  if (served && !wait.done)
    serve (self);
  qmp_fixture_iterate_until (&wait.done);
  result = wait.result;
  return lodge_qemu_display_set_size_finish (self->qmp.qmp, result, error);
}

static void
set_up (Fixture *self, gconstpointer refuses)
{
  qmp_fixture_set_up_connected (&self->qmp, NULL);
  self->keyring = g_strdup (g_getenv (LODGE_QEMU_DISPLAY_KEYRING_VARIABLE));
  fake_qmp_answer (self->qmp.fake, "getfd", "{}");
  if (!GPOINTER_TO_INT (refuses))
    fake_qmp_answer (self->qmp.fake, "add_client", "{}");
  fake_qmp_answer (self->qmp.fake, "closefd", "{}");
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  display_bus_wait_closed (self->bus);
  g_free (self->keyring);
  qmp_fixture_tear_down (&self->qmp, NULL);
}

static void
test_said (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (set_size (self, 1, 1234, 777, TRUE, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (self->width, ==, 1234);
  g_assert_cmpuint (self->height, ==, 777);
  JsonObject *arguments = fake_qmp_get_arguments (self->qmp.fake, "add_client");
  g_assert_cmpstr (json_object_get_string_member (arguments, "protocol"), ==, "@dbus-display");
  g_assert_cmpstr (
      json_object_get_string_member (arguments, "fdname"), ==,
      json_object_get_string_member (fake_qmp_get_arguments (self->qmp.fake, "getfd"), "fdname"));
}

/* Another monitor is switched off. */
static void
test_off (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  self->width = self->height = 7;
  g_assert_true (set_size (self, 1, 0, 0, TRUE, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (self->width, ==, 0);
  g_assert_cmpuint (self->height, ==, 0);
}

static void
test_refused (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  self->refusal = (char *) "SetUIInfo is not supported";
  g_assert_false (set_size (self, 1, 640, 480, TRUE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_HOST, "640×480: SetUIInfo is not supported");
}

static void
test_no_monitor (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (set_size (self, 7, 640, 480, TRUE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_HOST, "Console_7");
}

/* One that was started without the interface keeps no descriptor. */
static void
test_no_interface (Fixture *self, gconstpointer unused)
{
  GError *error = NULL;

  fake_qmp_refuse (self->qmp.fake, "add_client", "GenericError", "protocol is invalid");
  g_assert_false (set_size (self, 0, 640, 480, FALSE, &error));
  g_assert_nonnull (strstr (error->message, "This QEMU cannot be told the screen’s size"));
  g_assert_nonnull (strstr (error->message, "protocol is invalid"));
  g_clear_error (&error);
  while (fake_qmp_count (self->qmp.fake, "closefd") == 0)
    g_main_context_iteration (NULL, TRUE);
}

/* QEMU takes the socket and says nothing: there is an end to waiting. */
static void
test_silent (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  lodge_qemu_display_limit_ms = LODGE_QEMU_DISPLAY_LIMIT_MS;
  g_assert_false (set_size (self, 0, 640, 480, FALSE, &error));
  lodge_qemu_display_limit_ms = QMP_FIXTURE_LONG_MS;
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "within 5 seconds");
}

static void
test_invalid (Fixture *self, gconstpointer unused)
{
  static const guint rows[][3] = {{16, 640, 480}, {0, 0, 480},     {0, 640, 0},        {0, 0, 0},
                                  {1, 0, 480},    {0, 16385, 480}, {0, 640, G_MAXUINT}};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (set_size (self, rows[i][0], rows[i][1], rows[i][2], FALSE, &error));
    qmp_fixture_assert_error (error, LODGE_ERROR_INVALID, "16384 pixels a side");
  }
  g_assert_cmpuint (fake_qmp_count (self->qmp.fake, "getfd"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-display-XXXXXX", NULL);
  g_autofree char *keyring = g_build_filename (folder, "keyring", NULL);

  g_setenv (LODGE_QEMU_DISPLAY_KEYRING_VARIABLE, keyring, TRUE);
  g_test_init (&argc, &argv, NULL);
  lodge_qemu_display_limit_ms = QMP_FIXTURE_LONG_MS;
#define ADD(path, test, refuses)                                                                   \
  g_test_add ("/qemu-display/" path, Fixture, GINT_TO_POINTER (refuses), set_up, test, tear_down)
  ADD ("said", test_said, FALSE);
  ADD ("off", test_off, FALSE);
  ADD ("refused", test_refused, FALSE);
  ADD ("no-monitor", test_no_monitor, FALSE);
  ADD ("no-interface", test_no_interface, TRUE);
  ADD ("silent", test_silent, FALSE);
  ADD ("invalid", test_invalid, FALSE);
#undef ADD
  int status = g_test_run ();
  test_folder_remove (folder);
  return status;
}
