/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines made through the engine, and what it says of media and disks that will not do. */
#include "lodge-error.h"
#include "service-fixture.h"

#include <string.h>
#include <sys/resource.h>

static void
test_create_refused (ServiceFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *spec;
    LodgeError code;
  } cases[] = {
      {"(@a{sv} {},)", LODGE_ERROR_INVALID},
      {"({'name': <'../x'>},)", LODGE_ERROR_INVALID},
      {"({'name': <'a\\nb'>},)", LODGE_ERROR_INVALID},
      {"({'name': <'web'>},)", LODGE_ERROR_EXISTS},
      {"({'name': <'y'>, 'colour': <'red'>},)", LODGE_ERROR_INVALID},
  };
  G_GNUC_UNUSED g_autofree char *uuid = service_fixture_create (fixture, "web");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) answer = service_fixture_call_engine (
        fixture, "CreateMachine", g_variant_new_parsed (cases[i].spec), &error);

    g_assert_null (answer);
    g_assert_error (error, LODGE_ERROR, (int) cases[i].code);
  }
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 1);
}

/* A job that fails says so, and leaves no folder. */
static void
test_failed_job (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *store = g_build_filename (fixture->folder, "data", "machines", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GDir) dir = NULL;
  g_autofree char *state = NULL;
  g_autofree char *name = NULL;
  g_autofree char *message = NULL;
  const char *job;

  answer = service_fixture_call_engine (
      fixture, "CreateMachine",
      g_variant_new_parsed ("({'name': <'x'>, 'kernel': <'/nowhere/vmlinuz'>},)"), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  state = service_fixture_wait_job (fixture, job);
  g_assert_cmpstr (state, ==, "failed");
  name = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorName");
  message = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
  g_assert_cmpstr (name, ==, "org.lodgevm.Error.NotFound");
  g_assert_nonnull (strstr (message, "/nowhere/vmlinuz"));
  dir = g_dir_open (store, 0, &error);
  g_assert_no_error (error);
  g_assert_null (g_dir_read_name (dir));
}

static void
test_detect_media (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *image = g_build_filename (fixture->folder, "some.iso", NULL);
  g_autofree char *zeroes = g_malloc0 (65536);
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) refused = NULL;
  g_autoptr (GError) error = NULL;
  const char *kind, *name;
  guint32 memory;

  /* The first descriptor of an ISO 9660 volume. */
  memcpy (zeroes + 32768, "\1CD001", 6);
  g_assert_true (g_file_set_contents (image, zeroes, 65536, NULL));
  answer =
      service_fixture_call_engine (fixture, "DetectMedia", g_variant_new ("(s)", image), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(@a{sv})", &facts);
  g_assert_true (g_variant_lookup (facts, "kind", "&s", &kind));
  g_assert_cmpstr (kind, ==, "installer");
  g_assert_true (g_variant_lookup (facts, "name", "&s", &name));
  g_assert_cmpstr (name, ==, "some");
  g_assert_true (g_variant_lookup (facts, "memory", "u", &memory));
  g_assert_cmpuint (memory, >, 0);

  refused = service_fixture_call_engine (fixture, "DetectMedia", g_variant_new ("(s)", "some.iso"),
                                         &error);
  g_assert_null (refused);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  refused = service_fixture_call_engine (fixture, "DetectMedia",
                                         g_variant_new ("(s)", fixture->folder), &error);
  g_assert_null (refused);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

/* A disk is none for the drive: it becomes the machine's own. */
static void
test_detect_disk (ServiceFixture *fixture, gconstpointer data)
{
  static const char *const heads[] = {"vhdxfile", ""};
  g_autofree char *image = g_build_filename (fixture->folder, "holiday.iso", NULL);
  g_autofree char *spec = g_strdup_printf ("({'name': <'x'>, 'media': <'%s'>},)", image);

  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    g_autofree char *bytes = g_malloc0 (64 * 1024);
    g_autofree char *state = NULL;
    g_autofree char *message = NULL;
    g_autoptr (GVariant) detected = NULL;
    g_autoptr (GVariant) facts = NULL;
    g_autoptr (GVariant) answer = NULL;
    g_autoptr (GError) error = NULL;
    const char *kind, *job;

    memcpy (bytes, heads[i], strlen (heads[i]));
    memcpy (bytes + 510, "\x55\xaa", 2);
    g_assert_true (g_file_set_contents (image, bytes, 64 * 1024, NULL));
    detected =
        service_fixture_call_engine (fixture, "DetectMedia", g_variant_new ("(s)", image), &error);
    g_assert_no_error (error);
    g_variant_get (detected, "(@a{sv})", &facts);
    g_assert_true (g_variant_lookup (facts, "kind", "&s", &kind));
    g_assert_cmpstr (kind, ==, "disk");
    g_assert_false (g_variant_lookup (facts, "disk-size", "t", NULL));
    g_assert_false (g_variant_lookup (facts, "firmware", "s", NULL));

    answer =
        service_fixture_call_engine (fixture, "CreateMachine", g_variant_new_parsed (spec), &error);
    g_assert_no_error (error);
    g_variant_get (answer, "(&o)", &job);
    state = service_fixture_wait_job (fixture, job);
    g_assert_cmpstr (state, ==, "failed");
    message = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
    g_assert_nonnull (strstr (message, "--disk"));
  }
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

/* A machine from a disk gets the firmware that the disk starts with. */
static void
test_disk_of_uefi (ServiceFixture *fixture, gconstpointer data)
{
  static const guint8 efi_system[] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
  g_autofree char *image = g_build_filename (fixture->folder, "old.img", NULL);
  g_autofree char *bytes = g_malloc0 (1024 * 1024);

  memcpy (bytes + 510, "\x55\xaa", 2);
  memcpy (bytes + 512, "EFI PART", 8);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *spec = g_strdup_printf ("({'name': <'x%u'>, 'disk': <'%s'>},)", i, image);
    g_autoptr (GVariant) answer = NULL;
    g_autofree char *state = NULL;
    g_autoptr (GError) error = NULL;
    const char *job;

    if (i == 1)
      memcpy (bytes + 1024, efi_system, sizeof efi_system);
    g_assert_true (g_file_set_contents (image, bytes, 1024 * 1024, NULL));
    answer =
        service_fixture_call_engine (fixture, "CreateMachine", g_variant_new_parsed (spec), &error);
    g_assert_no_error (error);
    g_variant_get (answer, "(&o)", &job);
    state = service_fixture_wait_job (fixture, job);
    g_assert_cmpstr (state, ==, "done");
  }
  for (guint i = 0; i < 2; i++) {
    LodgeMachine *machine = lodge_library_get_machines (fixture->library)->pdata[i];
    const gboolean is_second = g_str_equal (lodge_machine_get_name (machine), "x1");

    g_assert_cmpint (lodge_machine_get_description (machine)->firmware, ==,
                     is_second ? LODGE_FIRMWARE_UEFI : LODGE_FIRMWARE_BIOS);
  }
}

/* What people choose by mistake, whatever its name: told before anything is made of it, and by the
 * job that would have used it. */
static void
test_no_media (ServiceFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *head;
    gsize length;
    const char *words;
  } cases[] = {
      {"Dear diary,\n", 1000, "choose an installer's image"},
      {"\xff\xd8\xff\xe0JFIF", 64 * 1024, "choose an installer's image"},
      {"\x1f\x8b", 64 * 1024, "unpack it first"},
  };
  g_autofree char *image = g_build_filename (fixture->folder, "holiday.iso", NULL);
  g_autofree char *spec = g_strdup_printf ("({'name': <'x'>, 'media': <'%s'>},)", image);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *bytes = g_malloc0 (64 * 1024);
    g_autofree char *state = NULL;
    g_autofree char *message = NULL;
    g_autoptr (GVariant) refused = NULL;
    g_autoptr (GVariant) answer = NULL;
    g_autoptr (GError) error = NULL;
    const char *job;

    memcpy (bytes, cases[i].head, strlen (cases[i].head));
    g_assert_true (g_file_set_contents (image, bytes, (gssize) cases[i].length, NULL));
    refused =
        service_fixture_call_engine (fixture, "DetectMedia", g_variant_new ("(s)", image), &error);
    g_assert_null (refused);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, image));
    g_assert_nonnull (strstr (error->message, cases[i].words));
    g_clear_error (&error);

    answer =
        service_fixture_call_engine (fixture, "CreateMachine", g_variant_new_parsed (spec), &error);
    g_assert_no_error (error);
    g_variant_get (answer, "(&o)", &job);
    state = service_fixture_wait_job (fixture, job);
    g_assert_cmpstr (state, ==, "failed");
    message = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
    g_assert_nonnull (strstr (message, cases[i].words));
  }
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

/* Whoever did not ask for a clone can say what it will be called, and what it is of. */
static void
test_clone_job (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  g_autofree char *name = NULL, *source = NULL, *state = NULL;
  g_autoptr (GVariant) opened = NULL, answer = NULL;
  g_autoptr (GError) error = NULL;
  const char *path, *job;

  opened =
      service_fixture_call_engine (fixture, "OpenMachine", g_variant_new ("(s)", uuid), &error);
  g_assert_no_error (error);
  g_variant_get (opened, "(&o)", &path);
  answer = service_fixture_call (fixture, path, "org.lodgevm.Machine1", "Clone",
                                 g_variant_new_parsed ("('new', @a{sv} {})"), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  name = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "Name");
  source = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "Source");
  g_assert_cmpstr (name, ==, "new");
  g_assert_cmpstr (source, ==, uuid);
  state = service_fixture_wait_job (fixture, job);
  g_assert_cmpstr (state, ==, "done");
}

/* The disk has no room for a new machine's disk: a limit to the size of files is all that a test
 * can have of that. The sentence is about what the user knows. */
static void
test_no_room (ServiceFixture *fixture, gconstpointer data)
{
  struct rlimit limit;
  rlim_t before;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *state = NULL;
  g_autofree char *message = NULL;
  g_autofree char *name = NULL;
  const char *job;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  before = limit.rlim_cur;
  limit.rlim_cur = 64 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  answer = service_fixture_call_engine (
      fixture, "CreateMachine",
      g_variant_new_parsed ("({'name': <'web'>, 'disk-size': <uint64 1073741824>},)"), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  state = service_fixture_wait_job (fixture, job);
  limit.rlim_cur = before;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);

  name = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorName");
  message = service_fixture_dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
  g_assert_cmpstr (name, ==, "org.lodgevm.Error.Storage");
  g_assert_true (g_str_has_prefix (message, "“web”"));
  g_assert_nonnull (strstr (message, "free some space"));
  g_assert_null (strstr (message, "/.new-"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  SERVICE_FIXTURE_ADD ("create-refused", test_create_refused);
  SERVICE_FIXTURE_ADD ("failed-job", test_failed_job);
  SERVICE_FIXTURE_ADD ("detect-media", test_detect_media);
  SERVICE_FIXTURE_ADD ("detect-disk", test_detect_disk);
  SERVICE_FIXTURE_ADD ("disk-of-uefi", test_disk_of_uefi);
  SERVICE_FIXTURE_ADD ("no-media", test_no_media);
  SERVICE_FIXTURE_ADD ("clone-job", test_clone_job);
  SERVICE_FIXTURE_ADD ("no-room", test_no_room);
  return g_test_run ();
}
