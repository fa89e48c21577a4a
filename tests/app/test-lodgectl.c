/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real lodgectl against the fake engine: what it asks, prints and returns, good and bad. */
#include "fake-engine.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_US (60 * G_USEC_PER_SEC)

typedef struct {
  FakeEngine *engine;
  char *runtime;
  char *folder; /* to work in: relative paths are relative to it */
} Fixture;

static const char *
get_program (void)
{
  return g_getenv ("LODGE_TEST_LODGECTL");
}

static void
set_up (Fixture *self, gconstpointer unused)
{
  g_autofree char *socket = NULL;

  self->runtime = g_dir_make_tmp ("lodgectl-XXXXXX", NULL);
  self->folder = g_dir_make_tmp ("lodgectl-XXXXXX", NULL);
  g_assert_nonnull (self->runtime);
  g_assert_nonnull (self->folder);
  socket = g_build_filename (self->runtime, "engine.sock", NULL);
  self->engine = fake_engine_new (socket);
  fake_engine_add_machine (self->engine, "web", "off");
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_remove (path);
  }
  g_rmdir (folder);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_clear_pointer (&self->engine, fake_engine_free);
  remove_folder (self->folder);
  remove_folder (self->runtime);
  g_free (self->folder);
  g_free (self->runtime);
}

/* --- Running it --- */

typedef struct {
  int status; /* exit code; -1 when a signal ended it */
  char *out;
  char *err;
} Output;

static void
output_clear (Output *self)
{
  g_clear_pointer (&self->out, g_free);
  g_clear_pointer (&self->err, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

static GSubprocess *
spawn (Fixture *self, const char *const *words)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_ptr_array_add (argv, (gpointer) get_program ());
  for (; *words != NULL; words++)
    g_ptr_array_add (argv, (gpointer) *words);
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_set_cwd (launcher, self->folder);
  g_subprocess_launcher_setenv (launcher, "LODGE_RUNTIME_DIR", self->runtime, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

static Output
collect (GSubprocess *process)
{
  Output output = {0};
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate_utf8 (process, NULL, NULL, &output.out, &output.err, &error);
  g_assert_no_error (error);
  output.status =
      g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1;
  return output;
}

static Output
run_words (Fixture *self, const char *const *words)
{
  g_autoptr (GSubprocess) process = spawn (self, words);

  return collect (process);
}

#define run(self, ...) run_words (self, (const char *const[]){__VA_ARGS__, NULL})

/* Done, with nothing to complain about. */
static void
assert_done (const Output *output)
{
  g_assert_cmpstr (output->err, ==, "");
  g_assert_cmpint (output->status, ==, 0);
}

/* One sentence on stderr, nothing on stdout. */
static void
assert_fails (const Output *output, int status, const char *words)
{
  g_assert_cmpint (output->status, ==, status);
  g_assert_cmpstr (output->out, ==, "");
  g_assert_true (g_str_has_prefix (output->err, "lodgectl: "));
  g_assert_true (g_str_has_suffix (output->err, "\n"));
  g_assert_null (strchr (strchr (output->err, '\n') + 1, '\n'));
  if (strstr (output->err, words) == NULL)
    g_error ("“%s” is not in: %s", words, output->err);
}

static JsonNode *
parse_json (const Output *output)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node;

  assert_done (output);
  node = json_from_string (output->out, &error);
  g_assert_no_error (error);
  return node;
}

/* The value at @path of a JSON text, as one line of JSON. */
static void
assert_json (const Output *output, const char *path, const char *expected)
{
  g_autoptr (JsonNode) node = parse_json (output);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) found = json_path_query (path, node, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = json_to_string (found, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

/* The only calls, besides opening machines. */
static void
assert_calls (Fixture *self, const char *expected)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (self->engine);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; calls[i] != NULL; i++)
    if (!g_str_has_prefix (calls[i], "OpenMachine"))
      g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", calls[i]);
  g_assert_cmpstr (text->str, ==, expected);
  fake_engine_clear_calls (self->engine);
}

static void
wait_call (Fixture *self, const char *method)
{
  gint64 end = g_get_monotonic_time () + LIMIT_US;

  for (;;) {
    g_auto (GStrv) calls = fake_engine_dup_calls (self->engine);

    for (guint i = 0; calls[i] != NULL; i++)
      if (g_str_has_prefix (calls[i], method))
        return;
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (2000);
  }
}

/* Another program, with the environment of lodgectl; @path: PATH, or NULL for the usual one. */
static Output
run_other (Fixture *self, const char *const *argv, const char *path)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  Output output = {0};
  int status;

  environment = g_environ_setenv (environment, "LODGE_RUNTIME_DIR", self->runtime, TRUE);
  if (path != NULL)
    environment = g_environ_setenv (environment, "PATH", path, TRUE);
  g_assert_true (g_spawn_sync (self->folder, (char **) argv, environment, G_SPAWN_SEARCH_PATH, NULL,
                               NULL, &output.out, &output.err, &status, &error));
  g_assert_no_error (error);
  output.status = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
  return output;
}

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
  fake_engine_set_note (self->engine, "web", "Its disk is full.");

  text = run (self, "list");
  assert_done (&text);
  g_assert_cmpstr (text.out, ==,
                   "NAME     STATE    OS        CPUS  MEMORY\n"
                   "web      off      -         2     2G      Its disk is full.\n"
                   "big box  running  debian12  2     2G\n");
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
  g_assert_true (g_str_has_prefix (installers.out, "debian-12-gtk  Debian 12 installer"));
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

/* --- A machine's life --- */

static void
test_life (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *verb;
    const char *call;
    const char *state; /* afterwards */
  } steps[] = {
      {"start", "Start web", "running"},   {"pause", "Pause web", "paused"},
      {"resume", "Resume web", "running"}, {"reset", "Reset web", "running"},
      {"kill", "Kill web", "off"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_auto (Output) output = run (self, steps[i].verb, "web");
    g_autofree char *state = NULL;

    assert_done (&output);
    g_assert_cmpstr (output.out, ==, "");
    assert_calls (self, steps[i].call);
    state = fake_engine_dup_state (self->engine, "web");
    g_assert_cmpstr (state, ==, steps[i].state);
  }
}

static void
test_wrong_state (Fixture *self, gconstpointer unused)
{
  static const char *const verbs[] = {"pause", "resume", "shutdown", "reset", "kill"};
  g_auto (Output) start = {0};
  g_auto (Output) delete = {0};

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_auto (Output) output = run (self, verbs[i], "web");
    g_auto (Output) nobody = run (self, verbs[i], "nobody");

    assert_fails (&output, 1, "“web” is off");
    assert_fails (&nobody, 1, "There is no machine “nobody”");
  }
  fake_engine_set_state (self->engine, "web", "running");
  start = run (self, "start", "web");
  assert_fails (&start, 1, "“web” is running");
  delete = run (self, "delete", "web");
  assert_fails (&delete, 1, "“web” is running");
}

/* A start that went well but not wholly: said, and no failure. */
static void
test_start_note (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = {0};

  fake_engine_set_note (self->engine, "web", "Port 2222 is taken.");
  output = run (self, "start", "web");
  g_assert_cmpint (output.status, ==, 0);
  g_assert_cmpstr (output.err, ==, "lodgectl: Port 2222 is taken.\n");
}

static void
test_shutdown (Fixture *self, gconstpointer unused)
{
  g_auto (Output) ignored = {0};
  g_auto (Output) asked = {0};
  g_auto (Output) done = {0};
  g_autofree char *state = NULL;

  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_set_obedient (self->engine, "web", FALSE);
  asked = run (self, "shutdown", "web");
  assert_done (&asked);
  ignored = run (self, "shutdown", "web", "--wait", "--timeout", "1");
  assert_fails (&ignored, 1, "“web” is still stopping after 1 second");

  fake_engine_set_obedient (self->engine, "web", TRUE);
  done = run (self, "shutdown", "--wait", "web");
  assert_done (&done);
  state = fake_engine_dup_state (self->engine, "web");
  g_assert_cmpstr (state, ==, "off");
}

static void
test_shutdown_crash (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"shutdown", "web", "--wait", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_set_obedient (self->engine, "web", FALSE);
  process = spawn (self, words);
  wait_call (self, "Shutdown");
  fake_engine_set_state (self->engine, "web", "crashed");
  output = collect (process);
  assert_fails (&output, 1, "“web” crashed instead");
}

static void
test_wait (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"wait", "web", "running", NULL};
  g_auto (Output) already = run (self, "wait", "web", "off");
  g_auto (Output) late = run (self, "wait", "web", "paused", "--timeout", "0");
  g_auto (Output) changed = {0};
  g_auto (Output) deleted = {0};
  g_auto (Output) ended = {0};
  g_autoptr (GSubprocess) first = NULL;
  g_autoptr (GSubprocess) second = NULL;
  g_autoptr (GSubprocess) third = NULL;

  assert_done (&already);
  assert_fails (&late, 1, "“web” is still off after 0 seconds");
  fake_engine_clear_calls (self->engine);

  first = spawn (self, words);
  wait_call (self, "OpenMachine");
  fake_engine_set_state (self->engine, "web", "starting");
  fake_engine_set_state (self->engine, "web", "running");
  changed = collect (first);
  assert_done (&changed);

  fake_engine_set_state (self->engine, "web", "off");
  fake_engine_clear_calls (self->engine);
  second = spawn (self, words);
  wait_call (self, "OpenMachine");
  g_usleep (200 * 1000); /* until it really waits; both orders end the same way */
  fake_engine_drop_clients (self->engine);
  ended = collect (second);
  assert_fails (&ended, 1, "The engine ended");

  fake_engine_clear_calls (self->engine);
  third = spawn (self, words);
  wait_call (self, "OpenMachine");
  g_usleep (200 * 1000);
  fake_engine_remove_machine (self->engine, "web");
  deleted = collect (third);
  assert_fails (&deleted, 1, "“web” was deleted");
}

/* --- Making, changing, deleting --- */

static void
test_create (Fixture *self, gconstpointer unused)
{
  g_auto (Output) plain = {0};
  g_auto (Output) full = {0};
  g_auto (Output) json = {0};
  g_autofree char *image = g_build_filename (self->folder, "a b.iso", NULL);

  g_assert_true (g_file_set_contents (image, "x", 1, NULL));
  plain = run (self, "create", "plain");
  assert_done (&plain);
  g_assert_cmpstr (plain.out, ==, "");
  assert_calls (self, "CreateMachine {'name': <'plain'>}");

  /* Relative paths are made absolute, here and not where the engine is. */
  full = run (self, "create", "full one", "--media", "a b.iso", "--memory=4G", "--cpus", "3",
              "--disk-size", "20G", "--firmware", "uefi-secure", "--tpm", "--os", "debian12",
              "--kernel", "../vmlinuz", "--initrd=/boot/initrd", "--append", "a=b --c");
  assert_done (&full);
  {
    g_autofree char *parent = g_path_get_dirname (self->folder);
    g_auto (GStrv) calls = fake_engine_dup_calls (self->engine);
    g_autofree char *media = g_strdup_printf ("'media': <'%s'>", image);
    g_autofree char *kernel = g_strdup_printf ("'kernel': <'%s/vmlinuz'>", parent);
    const char *const parts[] = {
        "'name': <'full one'>",
        media,
        kernel,
        "'initrd': <'/boot/initrd'>",
        "'append': <'a=b --c'>",
        "'memory': <uint32 4096>",
        "'cpus': <uint32 3>",
        "'disk-size': <uint64 21474836480>",
        "'firmware': <'uefi-secure'>",
        "'tpm': <true>",
        "'os': <'debian12'>",
    };

    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
      if (strstr (calls[0], parts[i]) == NULL)
        g_error ("%s is not in %s", parts[i], calls[0]);
  }

  json = run (self, "create", "json", "--json");
  assert_json (&json, "$.name", "[\"json\"]");
  g_assert_cmpuint (fake_engine_get_n_machines (self->engine), ==, 4);
}

static void
test_create_bad (Fixture *self, gconstpointer unused)
{
  g_auto (Output) taken = run (self, "create", "web");
  g_auto (Output) slash = run (self, "create", "a/b");
  g_auto (Output) media = run (self, "create", "new", "--media", "missing.iso");
  g_auto (Output) job = {0};
  g_autofree char *missing = g_build_filename (self->folder, "missing.iso", NULL);

  assert_fails (&taken, 1, "There is already a machine “web”");
  assert_fails (&slash, 1, "“a/b” is not a name");
  assert_fails (&media, 1, missing);
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_STORAGE, "The disk is full");
  job = run (self, "create", "new");
  assert_fails (&job, 1, "lodgectl: The disk is full\n");
  g_assert_cmpuint (fake_engine_get_n_machines (self->engine), ==, 1);
}

/* Ctrl+C, also when it comes before the job is even there, undoes it. */
static void
test_create_stopped (Fixture *self, gconstpointer early)
{
  const char *words[] = {"create", "new", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_hold_jobs (self->engine, TRUE);
  if (early != NULL)
    fake_engine_set_delay (self->engine, "CreateMachine", 300);
  process = spawn (self, words);
  wait_call (self, "CreateMachine");
  g_subprocess_send_signal (process, SIGINT);
  output = collect (process);
  assert_fails (&output, 1, "Stopped; everything is as before");
  assert_calls (self, "CreateMachine {'name': <'new'>}\nCancel");
  g_assert_cmpuint (fake_engine_get_n_machines (self->engine), ==, 1);
}

static void
test_create_engine_ends (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"create", "new", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_hold_jobs (self->engine, TRUE);
  process = spawn (self, words);
  wait_call (self, "CreateMachine");
  fake_engine_drop_clients (self->engine);
  output = collect (process);
  assert_fails (&output, 1, "lodgectl: The engine ended");
}

static void
test_set (Fixture *self, gconstpointer unused)
{
  g_autofree char *expected = g_strdup_printf ("Set web {'boot.kernel': '%s/k'}", self->folder);
  g_auto (Output) good = run (self, "set", "web", "machine.memory=8G", "machine.cpus=");
  g_auto (Output) path = {0};
  g_auto (Output) unknown = {0};
  g_auto (Output) bad = {0};
  g_autofree char *memory = fake_engine_dup_key (self->engine, "web", "machine.memory");
  g_autofree char *cpus = fake_engine_dup_key (self->engine, "web", "machine.cpus");
  g_autofree char *after = NULL;

  assert_done (&good);
  g_assert_cmpstr (memory, ==, "8G");
  g_assert_cmpstr (cpus, ==, "");
  fake_engine_clear_calls (self->engine);
  path = run (self, "set", "web", "boot.kernel=k");
  assert_done (&path);
  assert_calls (self, expected);

  unknown = run (self, "set", "web", "machine.memory=1G", "machine.colour=red");
  assert_fails (&unknown, 1, "There is no key “machine.colour”");
  bad = run (self, "set", "web", "machine.memory=much");
  assert_fails (&bad, 1, "machine.memory cannot be “much”");
  after = fake_engine_dup_key (self->engine, "web", "machine.memory");
  g_assert_cmpstr (after, ==, "8G");
}

static void
test_delete (Fixture *self, gconstpointer unused)
{
  g_auto (Output) failed = {0};
  g_auto (Output) good = {0};

  fake_engine_fail_next_job (self->engine, LODGE_ERROR_DENIED, "The folder cannot be removed");
  failed = run (self, "delete", "web");
  assert_fails (&failed, 1, "The folder cannot be removed");
  good = run (self, "delete", "web");
  assert_done (&good);
  g_assert_cmpuint (fake_engine_get_n_machines (self->engine), ==, 0);
}

/* Names are data: a minus, blanks and quotes in them mean nothing. */
static void
test_odd_names (Fixture *self, gconstpointer unused)
{
  static const char *const names[] = {"--help", "-", "two words", "it's \"$HOME\" `id`", "名前"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_auto (Output) created = run (self, "create", "--", names[i]);
    g_auto (Output) shown = run (self, "show", "--json", "--", names[i]);
    g_auto (Output) started = run (self, "start", "--", names[i]);
    g_autoptr (JsonNode) node = NULL;

    assert_done (&created);
    assert_done (&started);
    node = parse_json (&shown);
    g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "name"), ==,
                     names[i]);
  }
}

/* --- Screen, keyboard, network --- */

static void
test_screenshot (Fixture *self, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (self->folder, "shot.png", NULL);
  g_autoptr (GBytes) png = fake_engine_make_picture (320, 200, 0xff8800);
  g_auto (Output) off = run (self, "screenshot", "web", "shot.png");
  g_auto (Output) good = {0};
  g_auto (Output) nowhere = {0};
  g_autofree char *data = NULL;
  gsize length = 0;

  assert_fails (&off, 1, "“web” is off");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_set_picture (self->engine, "web", png);
  good = run (self, "screenshot", "web", "shot.png");
  assert_done (&good);
  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  g_assert_cmpmem (data, length, g_bytes_get_data (png, NULL), g_bytes_get_size (png));

  nowhere = run (self, "screenshot", "web", "nowhere/shot.png");
  assert_fails (&nowhere, 1, "Could not write nowhere/shot.png");
}

static void
test_screenshot_stdout (Fixture *self, gconstpointer unused)
{
  g_autoptr (GBytes) png = fake_engine_make_picture (40, 30, 0x00ff00);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) out = NULL;
  const char *words[] = {"screenshot", "web", "-", NULL};

  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_set_picture (self->engine, "web", png);
  process = spawn (self, words);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &out, NULL, NULL));
  g_assert_true (g_bytes_equal (out, png));
}

static void
test_keyboard (Fixture *self, gconstpointer unused)
{
  g_auto (Output) type = {0};
  g_auto (Output) dash = {0};
  g_auto (Output) enter = {0};
  g_auto (Output) foreign = {0};
  g_auto (Output) keys = {0};
  g_auto (Output) bogus = {0};

  fake_engine_set_state (self->engine, "web", "running");
  type = run (self, "type", "web", "hello world");
  assert_done (&type);
  assert_calls (self, "TypeText web 'hello world'");
  dash = run (self, "type", "web", "--", "-n");
  assert_done (&dash);
  assert_calls (self, "TypeText web '-n'");
  enter = run (self, "type", "web", "ls", "--enter");
  assert_done (&enter);
  assert_calls (self, "TypeText web 'ls\\n'");
  foreign = run (self, "type", "web", "Größe");
  assert_fails (&foreign, 1, "cannot type all of “Größe”");
  fake_engine_clear_calls (self->engine);

  keys = run (self, "key", "web", "ctrl+alt+delete", "ret");
  assert_done (&keys);
  assert_calls (self, "SendKeys web 'ctrl+alt+delete'\nSendKeys web 'ret'");
  bogus = run (self, "key", "web", "ctrl+bogus");
  assert_fails (&bogus, 1, "There is no key “ctrl+bogus”");
}

static void
test_forward (Fixture *self, gconstpointer unused)
{
  g_auto (Output) add = run (self, "forward", "add", "web", "tcp:2222:22");
  g_auto (Output) list = run (self, "forward", "list", "web");
  g_auto (Output) json = run (self, "forward", "list", "web", "--json");
  g_auto (Output) again = run (self, "forward", "add", "web", "tcp:2222:22");
  g_auto (Output) rule = run (self, "forward", "add", "web", "22");
  g_auto (Output) nic = run (self, "forward", "add", "web", "udp:1:1", "--nic", "nic7");
  g_auto (Output) gone = run (self, "forward", "remove", "web", "tcp:2222:22", "--nic=nic0");
  g_auto (Output) missing = run (self, "forward", "remove", "web", "tcp:2222:22");

  assert_done (&add);
  assert_done (&list);
  g_assert_cmpstr (list.out, ==, "nic0  tcp:2222:22\n");
  assert_json (&json, "$[0].rule", "[\"tcp:2222:22\"]");
  assert_fails (&again, 1, "“tcp:2222:22” is forwarded already");
  assert_fails (&rule, 1, "“22” is not a rule");
  assert_fails (&nic, 1, "“web” has no NIC “nic7”");
  assert_done (&gone);
  assert_fails (&missing, 1, "“tcp:2222:22” is not forwarded");
}

/* The app beside lodgectl is started, with the UUID: a name may look like an option. */
static void
test_console (Fixture *self, gconstpointer unused)
{
  g_autofree char *app = g_build_filename (self->folder, "lodge", NULL);
  g_autofree char *copy = g_build_filename (self->folder, "lodgectl", NULL);
  g_autofree char *data = NULL;
  gsize length = 0;
  const char *uuid = fake_engine_add_machine (self->engine, "--odd", "running");
  const char *argv[] = {copy, "console", "--", "--odd", NULL};
  g_autofree char *expected = g_strdup_printf ("--console %s\n", uuid);
  g_auto (Output) started = {0};
  g_auto (Output) missing = {0};

  g_assert_true (g_file_get_contents (get_program (), &data, &length, NULL));
  g_assert_true (
      g_file_set_contents_full (copy, data, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  g_assert_true (g_file_set_contents_full (app, "#!/bin/sh\necho \"$@\"\n", -1,
                                           G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  started = run_other (self, argv, NULL);
  assert_done (&started);
  g_assert_cmpstr (started.out, ==, expected);

  g_unlink (app);
  missing = run_other (self, argv, "/nowhere");
  assert_fails (&missing, 1, "“lodge” is not installed");
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
  assert_fails (&list, 1, "lodgectl engine stop");
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
  g_setenv ("LODGE_ENGINE_TIMEOUT", "60", TRUE);
  add ("/lodgectl/usage", test_usage);
  add ("/lodgectl/help", test_help);
  add ("/lodgectl/list", test_list);
  add ("/lodgectl/list-many", test_list_many);
  add ("/lodgectl/harmless", test_harmless);
  add ("/lodgectl/show", test_show);
  add ("/lodgectl/host", test_host);
  add ("/lodgectl/explain", test_explain);
  add ("/lodgectl/small-facts", test_small_facts);
  add ("/lodgectl/life", test_life);
  add ("/lodgectl/wrong-state", test_wrong_state);
  add ("/lodgectl/start-note", test_start_note);
  add ("/lodgectl/shutdown", test_shutdown);
  add ("/lodgectl/shutdown-crash", test_shutdown_crash);
  add ("/lodgectl/wait", test_wait);
  add ("/lodgectl/create", test_create);
  add ("/lodgectl/create-bad", test_create_bad);
  g_test_add ("/lodgectl/create-stopped", Fixture, NULL, set_up, test_create_stopped, tear_down);
  g_test_add ("/lodgectl/create-stopped-early", Fixture, "early", set_up, test_create_stopped,
              tear_down);
  add ("/lodgectl/create-engine-ends", test_create_engine_ends);
  add ("/lodgectl/set", test_set);
  add ("/lodgectl/delete", test_delete);
  add ("/lodgectl/odd-names", test_odd_names);
  add ("/lodgectl/screenshot", test_screenshot);
  add ("/lodgectl/screenshot-stdout", test_screenshot_stdout);
  add ("/lodgectl/keyboard", test_keyboard);
  add ("/lodgectl/forward", test_forward);
  add ("/lodgectl/console", test_console);
  add ("/lodgectl/no-engine", test_no_engine);
  add ("/lodgectl/other-version", test_other_version);
  add ("/lodgectl/engine-errors", test_engine_errors);
  add ("/lodgectl/output", test_output);
  return g_test_run ();
}
