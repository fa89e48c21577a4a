/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client may say of a new machine, and what it is told otherwise. */
#include "lodge-error.h"
#include "machine/lodge-create.h"

static void
test_good (void)
{
  g_autoptr (GVariant) spec = g_variant_ref_sink (g_variant_new_parsed (
      "{'name': <'Debian 12'>, 'media': <'/isos/debian.iso'>, 'disk-size': <uint64 1048576>, "
      "'memory': <uint32 2048>, 'cpus': <uint32 2>, 'firmware': <'uefi'>, 'tpm': <true>, "
      "'os': <''>}"));
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeCreateSpec) parsed = lodge_create_spec_parse (spec, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (parsed->name, ==, "Debian 12");
  g_assert_cmpstr (parsed->media, ==, "/isos/debian.iso");
  g_assert_true (parsed->has_disk_size);
  g_assert_cmpuint (parsed->disk_size, ==, 1048576);
  g_assert_cmpuint (parsed->memory_mib, ==, 2048);
  g_assert_true (parsed->has_tpm && parsed->tpm);
  g_assert_null (parsed->os); /* empty is the same as not there */
  g_assert_null (parsed->kernel);
}

static void
test_refused (void)
{
  static const struct {
    const char *spec;
    const char *word; /* that the sentence has to have */
  } cases[] = {
      {"@a{sv} {}", "name"},
      {"{'name': <''>}", "name"},
      {"{'name': <'a/b'>}", "a/b"},
      {"{'name': <'x'>, 'colour': <'red'>}", "colour"},
      {"{'name': <'x'>, 'memory': <'4G'>}", "memory"},
      {"{'name': <'x'>, 'memory': <4>}", "memory"},
      {"{'name': <'x'>, 'media': <'debian.iso'>}", "debian.iso"},
      {"{'name': <'x'>, 'initrd': <'/i'>}", "kernel"},
      {"{'name': <'x'>, 'append': <'quiet'>}", "kernel"},
      {"{'name': <'x'>, 'installer': <'d'>, 'media': <'/m'>}", "installer"},
      {"{'name': <'x'>, 'in-place': <true>}", "in-place"},
      {"{'name': <'x'>, 'disk': <'/d'>, 'disk-size': <uint64 5>}", "size"},
      {"{'name': <'x'>, 'disk-size': <uint64 1>}", "1 bytes"},
      {"{'name': <'x'>, 'disk-size': <uint64 10994016766132224>}", "9999T"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) spec = NULL;
    g_autoptr (LodgeCreateSpec) parsed = NULL;

    spec = g_variant_parse (G_VARIANT_TYPE_VARDICT, cases[i].spec, NULL, NULL, &error);
    g_assert_no_error (error);
    parsed = lodge_create_spec_parse (spec, &error);
    g_assert_null (parsed);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, cases[i].word));
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/create-spec/good", test_good);
  g_test_add_func ("/machine/create-spec/refused", test_refused);
  return g_test_run ();
}
