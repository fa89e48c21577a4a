/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: a machine from its making to its end, its guest's screen, keyboard and network. */
#include "lodgectl-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

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
  static const char *const verbs[] = {"pause", "resume", "shutdown", "wake", "reset", "kill"};
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
  g_auto (Output) text = {0};
  g_auto (Output) json = {0};
  g_auto (Output) again = {0};
  g_auto (Output) shown = {0};

  fake_engine_set_note (self->engine, "web", "Port 2222 is taken.");
  fake_engine_set_graphics_problem (self->engine, "web", "Without 3D: no card\x1b[2J.");
  output = run (self, "start", "web");
  g_assert_cmpint (output.status, ==, 0);
  g_assert_cmpstr (
      output.err, ==,
      "lodgectl: Port 2222 is taken.\nlodgectl: Without 3D: no card\xef\xbf\xbd[2J.\n");

  text = run (self, "show", "web");
  g_assert_nonnull (strstr (text.out, "Without 3D: no card\xef\xbf\xbd[2J."));
  json = run (self, "show", "web", "--json");
  assert_json (&json, "$.graphics_problem", "[\"Without 3D: no card\\u001b[2J.\"]");

  /* Once where the note says just that. */
  fake_engine_set_note (self->engine, "web", "Without 3D: no card.");
  fake_engine_set_graphics_problem (self->engine, "web", "Without 3D: no card.");
  fake_engine_set_state (self->engine, "web", "off");
  again = run (self, "start", "web");
  g_assert_cmpstr (again.err, ==, "lodgectl: Without 3D: no card.\n");
  shown = run (self, "show", "web");
  g_assert_null (strstr (shown.out, "Graphics"));
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

static void
test_media (Fixture *self, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (self->folder, "a b.iso", NULL);
  g_autofree char *call = g_strdup_printf ("InsertMedia web '' '%s' false", path);
  g_auto (Output) insert = run (self, "media", "insert", "web", "a b.iso");
  g_auto (Output) drive = {0};
  g_auto (Output) eject = {0};
  g_auto (Output) empty = {0};
  g_auto (Output) any = {0};

  assert_done (&insert);
  assert_calls (self, call);
  drive = run (self, "media", "insert", "web", "/x.iso", "--drive", "cd7");
  assert_fails (&drive, 1, "“web” has no drive cd7");
  assert_calls (self, "InsertMedia web 'cd7' '/x.iso' false");
  eject = run (self, "media", "eject", "web", "--drive=cd0", "--force");
  assert_done (&eject);
  assert_calls (self, "EjectMedia web 'cd0' true");
  g_assert_cmpstr (eject.out, ==, "");
  empty = run (self, "media", "eject", "web", "--drive=cd0");
  assert_done (&empty);
  g_assert_cmpstr (empty.out, ==, "There was nothing in the drive cd0.\n");
  any = run (self, "media", "eject", "web");
  assert_done (&any);
  g_assert_cmpstr (any.out, ==, "There was nothing in the drive cd0.\n");
}

/* For scripts: which drive that was, also where none was named, and what was put in or taken out.
 */
static void
test_media_json (Fixture *self, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (self->folder, "a b.iso", NULL);
  g_autofree char *file = g_strdup_printf ("[\"%s\"]", path);
  g_auto (Output) insert = run (self, "media", "insert", "web", "a b.iso", "--json");
  g_auto (Output) eject = {0};
  g_auto (Output) empty = {0};
  g_auto (Output) plug = {0};
  g_auto (Output) unplug = {0};

  assert_json (&insert, "$.drive", "[\"cd0\"]");
  assert_json (&insert, "$.file", file);
  eject = run (self, "media", "eject", "web", "--json");
  assert_json (&eject, "$.drive", "[\"cd0\"]");
  assert_json (&eject, "$.file", file);
  empty = run (self, "media", "eject", "web", "--drive=cd0", "--json");
  assert_json (&empty, "$.drive", "[\"cd0\"]");
  assert_json (&empty, "$.file", "[\"\"]");
  plug = run (self, "media", "insert", "web", "/s.img", "--usb", "--json");
  assert_json (&plug, "$.drive", "[\"usb0\"]");
  assert_json (&plug, "$.file", "[\"/s.img\"]");
  unplug = run (self, "media", "eject", "web", "--drive=usb0", "--json");
  assert_json (&unplug, "$.drive", "[\"usb0\"]");
  assert_json (&unplug, "$.file", "[\"/s.img\"]");
}

/* A stick's image. */
static void
test_media_usb (Fixture *self, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (self->folder, "a b.img", NULL);
  g_autofree char *call = g_strdup_printf ("PlugStick web '%s'", path);
  g_auto (Output) plug = run (self, "media", "insert", "web", "a b.img", "--usb");
  g_auto (Output) both = {0};
  g_auto (Output) unplug = {0};

  g_assert_cmpint (plug.status, ==, 0);
  g_assert_cmpstr (plug.out, ==, "usb0\n");
  assert_calls (self, call);
  both = run (self, "media", "insert", "web", "/x.img", "--usb", "--drive=cd0");
  assert_fails (&both, 2, "leave out --drive");
  unplug = run (self, "media", "eject", "web", "--drive=usb0");
  assert_done (&unplug);
  assert_calls (self, "UnplugStick web 'usb0'");
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
  add ("/lodgectl/media", test_media);
  add ("/lodgectl/media-json", test_media_json);
  add ("/lodgectl/media-usb", test_media_usb);
  add ("/lodgectl/console", test_console);
  return g_test_run ();
}
