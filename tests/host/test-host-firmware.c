/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware descriptors: what fits, in which order, and what is passed over. */
#include "host/lodge-host-firmware.h"

#include "host-fixture.h"
#include "lodge-error.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM "/usr/share/qemu/firmware/"
#define ADMIN  "/etc/qemu/firmware/"
#define CODE   "/usr/share/OVMF/CODE.fd"
#define VARS   "/usr/share/OVMF/VARS.fd"
#define SECURE "\"secure-boot\", \"enrolled-keys\", \"requires-smm\""

/* A descriptor that fits, of which one part can be another. */
typedef struct {
  const char *title;
  const char *interfaces;
  const char *mapping;
  const char *targets;
  const char *features;
} Descriptor;

#define MAPPING                                                                                    \
  "{\"device\": \"flash\", \"executable\": {\"filename\": \"" CODE "\", \"format\": \"raw\"}, "    \
  "\"nvram-template\": {\"filename\": \"" VARS "\", \"format\": \"raw\"}}"
#define TARGETS "[{\"architecture\": \"x86_64\", \"machines\": [\"pc-i440fx-*\", \"pc-q35-*\"]}]"

static char *
print (const Descriptor *descriptor)
{
  return g_strdup_printf (
      "{\"description\": %s, \"interface-types\": %s, \"mapping\": %s, \"targets\": %s, "
      "\"features\": [%s]}",
      descriptor->title != NULL ? descriptor->title : "\"plain\"",
      descriptor->interfaces != NULL ? descriptor->interfaces : "[\"uefi\"]",
      descriptor->mapping != NULL ? descriptor->mapping : MAPPING,
      descriptor->targets != NULL ? descriptor->targets : TARGETS,
      descriptor->features != NULL ? descriptor->features : "");
}

static HostFixture *
new_fixture (void)
{
  HostFixture *fixture = host_fixture_new ();

  host_fixture_add (fixture, CODE, "code");
  host_fixture_add (fixture, VARS, "vars");
  return fixture;
}

static void
add (HostFixture *fixture, const char *path, const Descriptor *descriptor)
{
  g_autofree char *text = print (descriptor);

  host_fixture_add (fixture, path, text);
}

static void
check_found (gboolean secure_boot, const char *title)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeHostFirmware) firmware =
      lodge_host_firmware_find ("x86_64", "pc-q35-7.2", secure_boot, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (firmware->title, ==, title);
  g_assert_cmpstr (firmware->code, ==, CODE);
  g_assert_cmpstr (firmware->vars, ==, VARS);
  g_assert_cmpstr (firmware->code_format, ==, "raw");
  g_assert_cmpstr (firmware->vars_format, ==, "raw");
  g_assert_cmpint (firmware->secure_boot, ==, secure_boot);
}

static void
check_missing (gboolean secure_boot)
{
  g_autoptr (GError) error = NULL;
  LodgeHostFirmware *firmware =
      lodge_host_firmware_find ("x86_64", "pc-q35-7.2", secure_boot, &error);

  g_assert_null (firmware);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "apt install ovmf"));
  g_assert_cmpint (strstr (error->message, "Secure Boot") != NULL, ==, secure_boot);
}

static void
test_features (void)
{
  const Descriptor plain = {.title = "\"plain\"", .features = "\"acpi-s3\""};
  const Descriptor secure = {.title = "\"secure\"", .features = SECURE};
  const Descriptor no_keys = {.title = "\"keys\"", .features = "\"secure-boot\", \"requires-smm\""};
  const Descriptor no_smm = {.title = "\"smm\"", .features = "\"secure-boot\", \"enrolled-keys\""};
  HostFixture *fixture = new_fixture ();

  check_missing (FALSE);
  check_missing (TRUE);
  add (fixture, SYSTEM "10.json", &no_keys);
  add (fixture, SYSTEM "20.json", &no_smm);
  check_missing (FALSE);
  check_missing (TRUE);
  add (fixture, SYSTEM "30.json", &secure);
  add (fixture, SYSTEM "40.json", &plain);
  check_found (FALSE, "plain");
  check_found (TRUE, "secure");
  host_fixture_free (fixture);
}

static void
test_order (void)
{
  const Descriptor one = {.title = "\"one\""};
  const Descriptor two = {.title = "\"two\""};
  const Descriptor three = {.title = "\"three\""};
  g_autofree char *user =
      g_build_filename (g_get_user_config_dir (), "qemu/firmware/50.json", NULL);
  HostFixture *fixture = new_fixture ();

  /* By name over all folders; the same name: the user's before /etc before /usr. */
  add (fixture, SYSTEM "50.json", &one);
  check_found (FALSE, "one");
  add (fixture, ADMIN "60.json", &two);
  check_found (FALSE, "one");
  add (fixture, ADMIN "50.json", &two);
  check_found (FALSE, "two");
  add (fixture, user, &three);
  check_found (FALSE, "three");

  /* An empty file hides the others of its name. */
  host_fixture_add (fixture, user, "");
  check_found (FALSE, "two");
  host_fixture_remove (fixture, ADMIN "60.json");
  check_missing (FALSE);
  host_fixture_free (fixture);
}

static void
test_hidden_by_link (void)
{
  const Descriptor one = {.title = "\"one\""};
  HostFixture *fixture = new_fixture ();
  g_autofree char *link = g_build_filename (fixture->root, ADMIN "50.json", NULL);

  add (fixture, SYSTEM "50.json", &one);
  add (fixture, ADMIN "99.txt", &one);
  check_found (FALSE, "one");
  g_assert_cmpint (symlink ("/dev/null", link), ==, 0);
  check_missing (FALSE);
  host_fixture_free (fixture);
}

static void
test_targets (void)
{
  static const struct {
    const char *targets;
    gboolean fits;
  } rows[] = {
      {"[{\"architecture\": \"x86_64\", \"machines\": [\"pc-q35-7.2\"]}]", TRUE},
      {"[{\"architecture\": \"x86_64\", \"machines\": [\"pc-q35-?.2\"]}]", TRUE},
      {"[{\"architecture\": \"i386\", \"machines\": [\"*\"]}, {\"architecture\": \"x86_64\", "
       "\"machines\": [\"*\"]}]",
       TRUE},
      {"[{\"architecture\": \"x86_64\", \"machines\": [\"pc-i440fx-*\"]}]", FALSE},
      {"[{\"architecture\": \"aarch64\", \"machines\": [\"pc-q35-*\"]}]", FALSE},
      {"[{\"architecture\": \"x86_64\", \"machines\": []}]", FALSE},
      {"[{\"architecture\": \"x86_64\", \"machines\": \"pc-q35-*\"}]", FALSE},
      {"[{\"architecture\": [\"x86_64\"], \"machines\": [\"pc-q35-*\"]}]", FALSE},
      {"[{\"architecture\": \"x86_64\", \"machines\": [1, null, {}, []]}]", FALSE},
      {"[1, \"x\", null, []]", FALSE},
      {"{}", FALSE},
      {"null", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const Descriptor descriptor = {.targets = rows[i].targets};
    HostFixture *fixture = new_fixture ();

    g_test_message ("%s", rows[i].targets);
    add (fixture, SYSTEM "50.json", &descriptor);
    if (rows[i].fits)
      check_found (FALSE, "plain");
    else
      check_missing (FALSE);
    host_fixture_free (fixture);
  }
}

static void
test_mapping (void)
{
#define IMAGE(name, file, format) "\"" name "\": {\"filename\": " file ", \"format\": " format "}"
#define OTHER                     "\"nvram-template\": {\"filename\": \"" VARS "\", \"format\": \"raw\"}"
  static const char *const broken[] = {
      "{\"device\": \"memory\", \"filename\": \"" CODE "\"}",
      "{\"device\": \"flash\", \"mode\": \"stateless\", " IMAGE ("executable", "\"" CODE "\"",
                                                                 "\"raw\"") "}",
      "{\"device\": \"flash\", \"mode\": \"combined\", " IMAGE ("executable", "\"" CODE "\"",
                                                                "\"raw\"") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"/no/such/file\"", "\"raw\"") ", " OTHER
                                                                                      "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"relative.fd\"", "\"raw\"") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"/usr/share\"", "\"raw\"") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"" CODE "\"", "\"vmdk\"") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"" CODE "\"", "7") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "null", "\"raw\"") ", " OTHER "}",
      "{\"device\": \"flash\", " IMAGE ("executable", "\"" CODE "\"", "\"raw\"") "}",
      "{\"device\": 3}",
      "[]",
      "\"flash\"",
      "null",
  };

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++) {
    const Descriptor bad = {.title = "\"bad\"", .mapping = broken[i]};
    const Descriptor good = {.title = "\"good\""};
    HostFixture *fixture = new_fixture ();

    g_test_message ("%s", broken[i]);
    add (fixture, SYSTEM "10.json", &bad);
    check_missing (FALSE);
    /* The next one is found all the same. */
    add (fixture, SYSTEM "20.json", &good);
    check_found (FALSE, "good");
    host_fixture_free (fixture);
  }
}

static void
test_qcow2 (void)
{
  const Descriptor descriptor = {
      .mapping = "{\"device\": \"flash\", \"mode\": \"split\", "
                 "\"executable\": {\"filename\": \"" CODE "\", \"format\": \"qcow2\"}, "
                 "\"nvram-template\": {\"filename\": \"" VARS "\", \"format\": \"qcow2\"}}"};
  HostFixture *fixture = new_fixture ();
  g_autoptr (LodgeHostFirmware) firmware = NULL;

  add (fixture, SYSTEM "50.json", &descriptor);
  firmware = lodge_host_firmware_find ("x86_64", "pc-q35-10.0", FALSE, NULL);
  g_assert_nonnull (firmware);
  g_assert_cmpstr (firmware->code_format, ==, "qcow2");
  g_assert_cmpstr (firmware->vars_format, ==, "qcow2");
  host_fixture_free (fixture);
}

/* Files that are no descriptors: one that fits comes after each. */
static void
test_hostile (void)
{
  static const char *const texts[] = {
      "{",
      "nonsense",
      "[]",
      "null",
      "\"uefi\"",
      "{\"interface-types\": \"uefi\"}",
      "\xff\xfe{}",
      "{\"description\": 7}",
      "{\"interface-types\": [\"uefi\", \"uefi\"], \"targets\": {\"a\": []}}"};
  const Descriptor good = {.title = "\"good\""};
  const Descriptor titleless = {.title = "[]"};
  HostFixture *fixture = new_fixture ();
  g_autofree char *fifo = g_build_filename (fixture->root, SYSTEM "20.json", NULL);
  g_autofree char *folder = g_build_filename (fixture->root, SYSTEM "21.json", NULL);
  g_autofree char *zeros = g_build_filename (fixture->root, SYSTEM "22.json", NULL);
  g_autofree char *deep = g_strnfill (60000, '[');
  g_autofree char *large = g_strnfill (70000, ' ');
  g_autofree char *nested = g_strconcat ("{\"a\": \"\\\"", deep, NULL);

  add (fixture, SYSTEM "90.json", &good);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    host_fixture_add (fixture, SYSTEM "10.json", texts[i]);
    check_found (FALSE, "good");
  }
  host_fixture_add (fixture, SYSTEM "10.json", deep);
  check_found (FALSE, "good");
  host_fixture_add (fixture, SYSTEM "10.json", nested);
  check_found (FALSE, "good");
  host_fixture_add (fixture, SYSTEM "10.json", large);
  check_found (FALSE, "good");

  /* Things that are no files; none is waited for. */
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (zeros, "{}\0{}", 5, NULL));
  check_found (FALSE, "good");

  /* A title is not what it fails for. */
  add (fixture, SYSTEM "10.json", &titleless);
  check_found (FALSE, "");
  host_fixture_free (fixture);
}

/* Debian's own descriptors, where they are installed. */
static void
test_real (void)
{
  HostFixture *fixture = host_fixture_new ();
  g_autoptr (LodgeHostFirmware) plain = NULL;
  g_autoptr (LodgeHostFirmware) secure = NULL;

  host_fixture_set_real_root (fixture);
  if (!g_file_test ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", G_FILE_TEST_EXISTS)) {
    g_test_skip ("Debian's ovmf is not installed");
    host_fixture_free (fixture);
    return;
  }
  plain = lodge_host_firmware_find ("x86_64", "pc-q35-7.2", FALSE, NULL);
  secure = lodge_host_firmware_find ("x86_64", "pc-q35-7.2", TRUE, NULL);
  g_assert_nonnull (plain);
  g_assert_nonnull (secure);
  g_assert_cmpstr (plain->code, ==, "/usr/share/OVMF/OVMF_CODE_4M.fd");
  g_assert_cmpstr (secure->vars, ==, "/usr/share/OVMF/OVMF_VARS_4M.ms.fd");
  host_fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/host-firmware/features", test_features);
  g_test_add_func ("/host-firmware/order", test_order);
  g_test_add_func ("/host-firmware/hidden-by-link", test_hidden_by_link);
  g_test_add_func ("/host-firmware/targets", test_targets);
  g_test_add_func ("/host-firmware/mapping", test_mapping);
  g_test_add_func ("/host-firmware/qcow2", test_qcow2);
  g_test_add_func ("/host-firmware/hostile", test_hostile);
  g_test_add_func ("/host-firmware/real", test_real);
  return host_fixture_run ();
}
