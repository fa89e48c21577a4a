/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: wrong usage, help, facts, the engine, and where the output goes. */
#include "lodgectl-fixture.h"

#include <string.h>

/* --- Wrong usage --- */

static void
test_usage (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *words[8];
    const char *says;
  } cases[] = {
      {{"frobnicate"}, "no command “frobnicate”"},
      {{""}, "no command “”"},
      {{"start"}, "NAME is missing: lodgectl start NAME"},
      {{"start", "web", "db"}, "“db” is too much"},
      {{"start", "web", "--force"}, "no option --force"},
      {{"start", "-x", "web"}, "no option -x"},
      {{"list", "--json=yes"}, "--json takes no value"},
      {{"list", "--json", "--json"}, "--json is given twice"},
      {{"create", "a", "--memory"}, "--memory needs a value"},
      {{"create", "a", "--memory", "lots"}, "“lots” is not a size"},
      {{"create", "a", "--memory=0"}, "not a whole number of megabytes"},
      {{"create", "a", "--memory=1500K"}, "not a whole number of megabytes"},
      {{"create", "a", "--memory=4096T"}, "not a whole number of megabytes"},
      {{"create", "a", "--disk-size", "-1"}, "“-1” is not a size"},
      {{"create", "a", "--cpus", "0"}, "“0” is not a whole number above 0"},
      {{"create", "a", "--cpus", "two"}, "“two” is not a whole number above 0"},
      {{"create", "a", "--firmware", "coreboot"}, "it is one of bios, uefi, uefi-secure"},
      {{"create", "a", "--initrd", "x"}, "--initrd goes with --kernel"},
      {{"create", "a", "--in-place"}, "--in-place goes with --disk"},
      {{"create", "a", "--media", ""}, "--media needs the path of a file"},
      {{"create", "a", "--media=x", "--installer=y"}, "exclude each other"},
      {{"create", "a\xff"}, "UTF-8"},
      {{"set", "web"}, "KEY=VALUE is missing"},
      {{"set", "web", "machine.memory"}, "not of the form KEY=VALUE"},
      {{"set", "web", "=4G"}, "not of the form KEY=VALUE"},
      {{"set", "web", "a.b=1", "a.b=2"}, "a.b is given twice"},
      {{"wait", "web"}, "STATE is missing"},
      {{"wait", "web", "happy"}, "STATE cannot be “happy”"},
      {{"wait", "web", "off", "--timeout", "soon"}, "“soon” is not a whole number of seconds"},
      {{"wait", "web", "off", "--timeout=-1"}, "“-1” is not a whole number of seconds"},
      {{"shutdown", "web", "--timeout=3"}, "--timeout goes with --wait"},
      {{"forward"}, "“forward” is not complete"},
      {{"forward", "frob", "web"}, "“forward” has no command “frob”"},
      {{"completion", "tcsh"}, "it is one of bash, zsh, fish"},
      {{"help", "frobnicate"}, "no command “frobnicate”"},
      {{"help", "forward", "frob"}, "no command “forward frob”"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Output) output = run_words (self, cases[i].words);

    assert_fails (&output, 2, cases[i].says);
  }
  /* Nothing was asked of the engine. */
  assert_calls (self, "");
}

static void
test_help (Fixture *self, gconstpointer unused)
{
  static const char *const ways[][3] = {{"help"}, {"--help"}, {"-h"}, {NULL}};
  g_auto (Output) overview = run (self, "help");
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  assert_done (&overview);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_auto (Output) output = run_words (self, ways[i]);

    assert_done (&output);
    g_assert_cmpstr (output.out, ==, overview.out);
  }

  /* Every command it lists can be asked about, in both ways, with the same answer. */
  lines = g_strsplit (overview.out, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) words = NULL;
    gboolean noun;

    if (!g_str_has_prefix (lines[i], "  "))
      continue;
    words = g_strsplit (lines[i] + 2, " ", 3);
    noun = g_strv_length (words) > 1 && g_ascii_islower (words[1][0]);
    {
      const char *asked[] = {"help", words[0], noun ? words[1] : NULL, NULL};
      const char *behind[] = {words[0], noun ? words[1] : "--help", noun ? "--help" : NULL, NULL};
      g_auto (Output) help = run_words (self, asked);
      g_auto (Output) option = run_words (self, behind);

      assert_done (&help);
      assert_done (&option);
      g_assert_true (g_str_has_prefix (help.out, "lodgectl "));
      if (!g_str_equal (words[0], "help"))
        g_assert_cmpstr (help.out, ==, option.out);
      n++;
    }
  }
  g_assert_cmpuint (n, >, 20);
  assert_calls (self, "");
}

/* --- Facts --- */

static void
test_list (Fixture *self, gconstpointer unused)
{
  g_auto (Output) text = {0};
  g_auto (Output) names = {0};
  g_auto (Output) json = {0};

  fake_engine_add_machine (self->engine, "big box", "running");
  fake_engine_set_os (self->engine, "big box", "debian12");
  fake_engine_encrypt (self->engine, "big box", "secret");
  fake_engine_set_note (self->engine, "web", "Its disk is full.");

  text = run (self, "list");
  assert_done (&text);
  g_assert_cmpstr (text.out, ==,
                   "NAME     STATE    OS        CPUS  MEMORY  ENCRYPTED\n"
                   "web      off      -         2     2G      -          Its disk is full.\n"
                   "big box  running  debian12  2     2G      locked\n");
  assert_calls (self, "ListMachines");

  names = run (self, "list", "--names");
  assert_done (&names);
  g_assert_cmpstr (names.out, ==, "web\nbig box\n");

  json = run (self, "list", "--json");
  assert_json (&json, "$[*].name", "[\"web\",\"big box\"]");
  assert_json (&json, "$[*].state", "[\"off\",\"running\"]");
  assert_json (&json, "$[*].os", "[\"\",\"debian12\"]");
  assert_json (&json, "$[*].note", "[\"Its disk is full.\",\"\"]");
  assert_json (&json, "$[*].memory_mib", "[2048,2048]");
  assert_json (&json, "$[*].cpus", "[2,2]");
  assert_json (&json, "$[*].encryption", "[\"\",\"locked\"]");
  assert_json (&json, "$[*].disposable", "[false,false]");
}

/* One call whatever the number: nothing is opened, nothing is asked per machine. */
static void
test_list_many (Fixture *self, gconstpointer unused)
{
  g_auto (Output) text = {0};
  g_auto (Output) json = {0};
  g_autoptr (JsonNode) node = NULL;
  g_auto (GStrv) lines = NULL;
  g_auto (GStrv) calls = NULL;
  double elapsed_ms;

  fake_engine_add_many (self->engine, 999);
  g_test_timer_start ();
  text = run (self, "list");
  elapsed_ms = g_test_timer_elapsed () * 1000;
  assert_done (&text);
  g_test_message ("1,000 machines listed in %.1f ms", elapsed_ms);
  lines = g_strsplit (text.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 1002); /* a heading, an end */
  calls = fake_engine_dup_calls (self->engine);
  g_assert_cmpuint (g_strv_length (calls), ==, 1);
  g_assert_cmpstr (calls[0], ==, "ListMachines");

  json = run (self, "list", "--json");
  node = parse_json (&json);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (node)), ==, 1000);
}

/* What comes from a guest or a file never drives the terminal. */
static void
test_harmless (Fixture *self, gconstpointer unused)
{
  const char *evil = "a\x1b]0;pwned\x07\nb\xc2\x9b"
                     "31m\xe2\x80\xae"
                     "c";
  g_auto (Output) text = {0};
  g_auto (Output) shown = {0};
  g_auto (Output) json = {0};
  g_auto (Output) failed = {0};

  fake_engine_set_note (self->engine, "web", evil);
  text = run (self, "list");
  assert_done (&text);
  g_assert_nonnull (strstr (text.out, "a\xef\xbf\xbd]0;pwned\xef\xbf\xbd\xef\xbf\xbd"
                                      "b\xef\xbf\xbd"
                                      "31m\xef\xbf\xbd"
                                      "c\n"));
  shown = run (self, "show", "web");
  assert_done (&shown);
  g_assert_null (strchr (shown.out, '\x1b'));
  g_assert_null (strstr (shown.out, "\xc2\x9b"));

  /* JSON keeps it, escaped. */
  json = run (self, "list", "--json");
  g_assert_null (strchr (json.out, '\x1b'));
  g_assert_null (strstr (json.out, "\xc2\x9b"));
  g_assert_null (strstr (json.out, "\xe2\x80\xae"));
  {
    g_autoptr (JsonNode) node = parse_json (&json);
    JsonObject *first = json_array_get_object_element (json_node_get_array (node), 0);

    g_assert_cmpstr (json_object_get_string_member (first, "note"), ==, evil);
  }

  fake_engine_fail_next (self->engine, "Start", LODGE_ERROR_FAILED, "bad\x1b[31m luck");
  failed = run (self, "start", "web");
  assert_fails (&failed, 1, "bad\xef\xbf\xbd[31m luck");
}

static void
test_show (Fixture *self, gconstpointer unused)
{
  g_auto (Output) text = run (self, "show", "web");
  g_auto (Output) json = run (self, "show", "web", "--json");
  g_auto (Output) nobody = run (self, "show", "nobody");
  g_auto (Output) empty = run (self, "show", "");

  assert_done (&text);
  g_assert_nonnull (strstr (text.out, "State   off\n"));
  g_assert_nonnull (strstr (text.out, "\nmachine.memory=2G\n"));
  assert_json (&json, "$.name", "[\"web\"]");
  assert_json (&json, "$.description['machine.memory']", "[\"2G\"]");
  assert_json (&json, "$.spice_socket", "[\"\"]");
  assert_json (&json, "$.asleep", "[false]");
  assert_json (&json, "$.terminals", "[[]]");
  assert_fails (&nobody, 1, "There is no machine “nobody”");
  assert_fails (&empty, 1, "There is no machine “”");
}

static void
test_host (Fixture *self, gconstpointer unused)
{
  g_auto (Output) text = run (self, "host");
  g_auto (Output) json = {0};

  assert_done (&text);
  assert_calls (self, "Check false");
  g_assert_nonnull (strstr (text.out, "warning  Guests run in software"));
  g_assert_nonnull (strstr (text.out, "         Switch on virtualization"));

  json = run (self, "host", "--fresh", "--json");
  assert_calls (self, "Check true");
  assert_json (&json, "$.findings[*].id", "[\"accelerator\",\"qemu\"]");
  assert_json (&json, "$.facts.accelerator", "[\"tcg\"]");
  assert_json (&json, "$.facts.nested", "[false]");
  assert_json (&json, "$.facts.memory_total", "[8589934592]");
}

static void
test_explain (Fixture *self, gconstpointer unused)
{
  g_auto (Output) text = run (self, "explain", "web");
  g_auto (Output) json = run (self, "explain", "web", "--json");

  assert_done (&text);
  g_assert_nonnull (strstr (text.out, "\n-m 2048M\n    machine.memory\n"));
  assert_json (&json, "$[1].argument", "[\"-name web\"]");
  assert_json (&json, "$[2].reason", "[\"machine.memory\"]");
}

static void
test_small_facts (Fixture *self, gconstpointer unused)
{
  g_auto (Output) installers = run (self, "installers");
  g_auto (Output) installers_json = run (self, "installers", "--json");
  g_auto (Output) jobs = {0};
  g_auto (Output) jobs_json = {0};
  g_auto (Output) version = run (self, "version");
  g_auto (Output) version_json = run (self, "--version", "--json");

  assert_done (&installers);
  g_assert_true (g_str_has_prefix (installers.out, "debian-12-gtk  Debian 12 Installer"));
  assert_json (&installers_json, "$[0].id", "[\"debian-12-gtk\"]");
  assert_done (&version);
  g_assert_true (g_str_has_prefix (version.out, "lodgectl "));
  g_assert_true (g_str_has_suffix (version.out, "\nlodge-engine 0.0-fake\n"));
  assert_json (&version_json, "$.engine", "[\"0.0-fake\"]");

  jobs = run (self, "create", "new");
  assert_done (&jobs);
  output_clear (&jobs);
  jobs = run (self, "jobs");
  assert_done (&jobs);
  g_assert_true (g_str_has_prefix (jobs.out, "create  done  100 %"));
  jobs_json = run (self, "jobs", "--json");
  assert_json (&jobs_json, "$[0].progress", "[1.0]");
}

/* --- The engine --- */

static void
test_no_engine (Fixture *self, gconstpointer unused)
{
  g_auto (Output) list = {0};
  g_auto (Output) quiet = {0};
  g_auto (Output) json = {0};
  g_auto (Output) stop = {0};
  g_auto (Output) version = {0};

  g_clear_pointer (&self->engine, fake_engine_free);
  list = run (self, "list");
  assert_fails (&list, 1, "/nowhere/lodge-engine");
  quiet = run (self, "list", "--names", "--no-start");
  assert_done (&quiet);
  g_assert_cmpstr (quiet.out, ==, "");
  json = run (self, "list", "--json", "--no-start");
  assert_json (&json, "$", "[[]]");
  stop = run (self, "engine", "stop");
  assert_done (&stop);
  version = run (self, "version", "--json");
  assert_json (&version, "$.engine", "[\"\"]");
}

static void
test_other_version (Fixture *self, gconstpointer unused)
{
  g_auto (Output) list = {0};
  g_auto (Output) stop = {0};

  fake_engine_set_api_version (self->engine, 7);
  list = run (self, "list");
  assert_fails (&list, 1, "This program is older than the engine that runs");
  stop = run (self, "engine", "stop");
  assert_done (&stop);
  g_assert_true (fake_engine_get_quit (self->engine));
}

static void
test_engine_errors (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *method;
    const char *words[5];
  } cases[] = {
      {"ListMachines", {"list"}},
      {"Check", {"host"}},
      {"ListInstallers", {"installers"}},
      {"ListJobs", {"jobs"}},
      {"OpenMachine", {"show", "web"}},
      {"Start", {"start", "web"}},
      {"CreateMachine", {"create", "new"}},
      {"Delete", {"delete", "web"}},
      {"Set", {"set", "web", "machine.cpus=1"}},
      {"Explain", {"explain", "web"}},
      {"ListForwards", {"forward", "list", "web"}},
      {"Quit", {"engine", "stop"}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Output) output = {0};

    fake_engine_fail_next (self->engine, cases[i].method, LODGE_ERROR_HOST, "It is Friday.");
    output = run_words (self, cases[i].words);
    assert_fails (&output, 1, "lodgectl: It is Friday.\n");
  }
}

/* --- Output --- */

static void
test_output (Fixture *self, gconstpointer unused)
{
  g_autofree char *quoted = g_shell_quote (get_program ());
  g_autofree char *closed = g_strdup_printf ("%s list | true; echo ${PIPESTATUS[0]}", quoted);
  g_autofree char *full = g_strdup_printf ("%s list >/dev/full; echo $?", quoted);
  const char *closed_argv[] = {"bash", "-c", closed, NULL};
  const char *full_argv[] = {"bash", "-c", full, NULL};
  g_auto (Output) to_closed = {0};
  g_auto (Output) to_full = {0};

  fake_engine_add_many (self->engine, 2000); /* more than a pipe holds */
  to_closed = run_other (self, closed_argv, NULL);
  g_assert_cmpstr (to_closed.out, ==, "0\n");
  assert_done (&to_closed);
  to_full = run_other (self, full_argv, NULL);
  g_assert_cmpstr (to_full.out, ==, "1\n");
  g_assert_nonnull (strstr (to_full.err, "Could not write the output: No space left on device"));
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (get_program ());
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
  add ("/lodgectl/usage", test_usage);
  add ("/lodgectl/help", test_help);
  add ("/lodgectl/list", test_list);
  add ("/lodgectl/list-many", test_list_many);
  add ("/lodgectl/harmless", test_harmless);
  add ("/lodgectl/show", test_show);
  add ("/lodgectl/host", test_host);
  add ("/lodgectl/explain", test_explain);
  add ("/lodgectl/small-facts", test_small_facts);
  add ("/lodgectl/no-engine", test_no_engine);
  add ("/lodgectl/other-version", test_other_version);
  add ("/lodgectl/engine-errors", test_engine_errors);
  add ("/lodgectl/output", test_output);
  return g_test_run ();
}
