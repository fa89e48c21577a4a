/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of keys, and the keys a text is typed with; every name that comes out is one QEMU knows. */
#include "lodge-key-names.h"

#include "lodge-error.h"
#include "lodge-key-table.h"

#include <json-glib/json-glib.h>
#include <linux/input-event-codes.h>
#include <string.h>

static void
assert_keys (const char *keys, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = lodge_key_names_parse (keys, &error);
  g_autofree char *joined = NULL;

  g_assert_no_error (error);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, expected);
}

static void
test_names (void)
{
  assert_keys ("ctrl+alt+delete", "ctrl alt delete");
  assert_keys ("Control + ALT + Del", "ctrl alt delete");
  assert_keys ("a", "a");
  assert_keys ("A", "a");
  assert_keys ("7", "7");
  assert_keys ("F1", "f1");
  assert_keys ("ctrl+alt+f12", "ctrl alt f12");
  assert_keys ("f24", "f24");
  assert_keys ("super+r", "meta_l r");
  assert_keys ("win+Left", "meta_l left");
  assert_keys ("meta", "meta_l");
  assert_keys ("enter", "ret");
  assert_keys ("return", "ret");
  assert_keys ("escape", "esc");
  assert_keys ("alt+tab", "alt tab");
  assert_keys ("space", "spc");
  assert_keys ("shift+PageUp", "shift pgup");
  assert_keys ("alt+print+b", "alt print b");
  assert_keys ("pause", "pause");
  assert_keys ("menu", "compose");
  assert_keys ("altgr+q", "alt_r q");
  assert_keys ("kp_add", "kp_add");
  assert_keys ("caps_lock", "caps_lock");
}

static void
test_symbols (void)
{
  assert_keys ("ctrl+-", "ctrl minus");
  assert_keys ("ctrl+=", "ctrl equal");
  assert_keys ("ctrl++", "ctrl shift equal");
  assert_keys ("ctrl+plus", "ctrl shift equal");
  assert_keys ("+", "shift equal");
  assert_keys ("/", "slash");
  assert_keys ("!", "shift 1");
  assert_keys ("shift+!", "shift 1");
  assert_keys ("shift_r+?", "shift_r slash");
  assert_keys ("~", "shift grave_accent");
}

static void
assert_refused (const char *keys, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_key_names_parse (keys, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_refused (void)
{
  g_autofree char *long_name = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;

  assert_refused ("ctrl+alt+delte", "There is no key “delte”; did you mean “delete”?");
  assert_refused ("crtl+c", "There is no key “crtl”; did you mean “ctrl”?");
  assert_refused ("ctrl-alt-delete",
                  "There is no key “ctrl-alt-delete”; did you mean “ctrl+alt+delete”?");
  assert_refused ("ctrl alt f1", "There is no key “ctrl alt f1”; did you mean “ctrl+alt+f1”?");
  assert_refused ("retrun", "There is no key “retrun”; did you mean “return”?");
  assert_refused ("ctrl+xyzzy", "There is no key “xyzzy”; keys are named like “ctrl”, “f1”, "
                                "“delete” or “a” and joined by “+”");
  assert_refused ("f25", "There is no key “f25”; did you mean “f15”?");
  assert_refused ("ü", "There is no key “ü”; keys are named like “ctrl”, “f1”, “delete” or “a” and "
                       "joined by “+”");
  assert_refused ("", "A key is missing; write keys like “ctrl+alt+delete”");
  assert_refused (" ", "A key is missing; write keys like “ctrl+alt+delete”");
  assert_refused ("ctrl+", "A key is missing; write keys like “ctrl+alt+delete”");
  assert_refused ("+a", "A key is missing; write keys like “ctrl+alt+delete”");
  assert_refused ("ctrl++a", "A key is missing; write keys like “ctrl+alt+delete”");
  assert_refused ("ctrl+control", "The key “control” cannot be held down twice");
  assert_refused ("a+b+c+d+e+f+g+h+i+j+k", "At most 10 keys can be held down together");
  assert_refused ("\xff\xfe", "There is no key “��”; keys are named like “ctrl”, “f1”, “delete” or "
                              "“a” and joined by “+”");
  assert_refused ("a\nb", "There is no key “a�b”; keys are named like “ctrl”, “f1”, “delete” or "
                          "“a” and joined by “+”");

  g_assert_null (lodge_key_names_parse (long_name, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpuint (strlen (error->message), <, 300);
}

static char *
join_chords (GPtrArray *chords)
{
  GString *joined = g_string_new (NULL);

  for (guint i = 0; i < chords->len; i++) {
    g_autofree char *chord = g_strjoinv ("+", chords->pdata[i]);

    g_string_append_printf (joined, "%s%s", i > 0 ? " " : "", chord);
  }
  return g_string_free (joined, FALSE);
}

static void
test_text (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chords = lodge_key_names_from_text ("aB 1!\n\t~\"", &error);
  g_autofree char *joined = NULL;

  g_assert_no_error (error);
  joined = join_chords (chords);
  g_assert_cmpstr (joined, ==,
                   "a shift+b spc 1 shift+1 ret tab shift+grave_accent shift+apostrophe");
}

/* All of ASCII that prints, each by a chord of its own. */
static void
test_whole_keyboard (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (char c = ' '; c <= '~'; c++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) chords = lodge_key_names_from_text ((char[]){c, '\0'}, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (chords->len, ==, 1);
    g_assert_true (g_hash_table_add (seen, join_chords (chords)));
  }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 95);
}

static void
test_text_refused (void)
{
  struct {
    const char *text;
    const char *message;
  } cases[] = {
      {"naïve", "“ï” (U+00EF) cannot be typed: it is not on a US keyboard"},
      {"a\rb", "The character U+000D cannot be typed: it is not on a US keyboard"},
      {"a\033[A", "The character U+001B cannot be typed: it is not on a US keyboard"},
      {"\xe2\x80\xae", "The character U+202E cannot be typed: it is not on a US keyboard"},
      {"😀", "“😀” (U+1F600) cannot be typed: it is not on a US keyboard"},
      {"a\xff", "The text cannot be typed: it is not valid UTF-8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (lodge_key_names_from_text (cases[i].text, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
}

static void
test_empty_text (void)
{
  g_autoptr (GPtrArray) chords = lodge_key_names_from_text ("", NULL);

  g_assert_cmpuint (chords->len, ==, 0);
}

/* The list of QKeyCode in one line of QEMU's answers, NULL where it has none. */
static void
test_labels (void)
{
  static const char *const cases[][2] = {
      {"ctrl+alt+delete", "Ctrl+Alt+Delete"},
      {"ctrl++", "Ctrl+Shift+="},
      {"super+pgup", "Super+Page Up"},
      {"F5", "F5"},
      {"audiomute", "Audiomute"},
      {"printscreen", "Print Screen"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (GStrv) names = lodge_key_names_parse (cases[i][0], NULL);
    g_autofree char *label = lodge_key_names_dup_label ((const char *const *) names);

    g_assert_cmpstr (label, ==, cases[i][1]);
  }

  /* What is shown can be typed. */
  for (guint i = 0; i < lodge_key_table_length; i++) {
    const LodgeKeyRow *row = &lodge_key_table[i];
    const char *both[] = {row->name, NULL};
    g_autofree char *label = lodge_key_names_dup_label (both);
    g_auto (GStrv) names = NULL;

    if (strchr (label, '+') != NULL)
      continue;
    names = lodge_key_names_parse (label, NULL);
    g_test_message ("%s", label);
    g_assert_nonnull (names);
    g_assert_cmpuint (lodge_key_names_get_evdev (names[g_strv_length (names) - 1]), ==, row->evdev);
  }
}

static void
test_for_text (void)
{
  static const struct {
    const char *keys;
    gboolean for_text;
  } cases[] = {
      {"a", TRUE},       {"shift+a", TRUE},        {"+", TRUE},      {"enter", TRUE},
      {"space", TRUE},   {"shift_r+left", TRUE},   {"esc", TRUE},    {"backspace", TRUE},
      {"ctrl+a", FALSE}, {"shift+alt+a", FALSE},   {"super", FALSE}, {"f1", FALSE},
      {"pause", FALSE},  {"altgr+shift+q", FALSE}, {"print", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (GStrv) names = lodge_key_names_parse (cases[i].keys, NULL);

    g_test_message ("%s", cases[i].keys);
    g_assert_true (lodge_key_names_are_for_text ((const char *const *) names) == cases[i].for_text);
  }
}

static void
test_evdev (void)
{
  static const char *const twice[] = {"asterisk", "sysrq", NULL};

  g_assert_cmpuint (lodge_key_names_get_evdev ("a"), ==, KEY_A);
  g_assert_cmpuint (lodge_key_names_get_evdev ("pause"), ==, KEY_PAUSE);
  g_assert_cmpuint (lodge_key_names_get_evdev ("print"), ==, KEY_SYSRQ);
  g_assert_cmpuint (lodge_key_names_get_evdev ("nonsense"), ==, 0);
  g_assert_cmpstr (lodge_key_names_from_evdev (KEY_SYSRQ), ==, "print");
  g_assert_cmpstr (lodge_key_names_from_evdev (KEY_KPASTERISK), ==, "kp_multiply");
  g_assert_null (lodge_key_names_from_evdev (0));
  g_assert_null (lodge_key_names_from_evdev (G_MAXUINT));
  /* There and back again, but for the second names of two keys. */
  for (guint i = 0; i < lodge_key_table_length; i++) {
    const char *name = lodge_key_table[i].name;

    if (!g_strv_contains (twice, name))
      g_assert_cmpstr (lodge_key_names_from_evdev (lodge_key_names_get_evdev (name)), ==, name);
  }
}

static GHashTable *
find_codes (const char *line)
{
  g_autoptr (JsonNode) root = json_from_string (line, NULL);
  JsonNode *list =
      root != NULL ? json_object_get_member (json_node_get_object (root), "return") : NULL;
  JsonArray *types =
      list != NULL && JSON_NODE_HOLDS_ARRAY (list) ? json_node_get_array (list) : NULL;

  for (guint i = 0; types != NULL && i < json_array_get_length (types); i++) {
    JsonObject *type = json_array_get_object_element (types, i);
    JsonArray *values = json_object_has_member (type, "values")
                            ? json_object_get_array_member (type, "values")
                            : NULL;
    GHashTable *codes;

    /* The schema has no names for types: it is the enumeration that starts like this. */
    if (values == NULL || json_array_get_length (values) < 100 ||
        !g_str_equal (json_array_get_string_element (values, 0), "unmapped"))
      continue;
    codes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (guint k = 0; k < json_array_get_length (values); k++)
      g_hash_table_add (codes, g_strdup (json_array_get_string_element (values, k)));
    return codes;
  }
  return NULL;
}

/* The list of QKeyCode that this QEMU has, from its schema. It is not told to quit: the schema is
 * longer than a pipe holds, and QEMU quits without having written all of it. */
static GHashTable *
ask_qemu (const char *binary)
{
  static const char question[] = "{\"execute\": \"qmp_capabilities\"}\n"
                                 "{\"execute\": \"query-qmp-schema\"}\n";
  const char *argv[] = {binary,     "-S",   "-machine", "none",  "-nodefaults",
                        "-display", "none", "-qmp",     "stdio", NULL};
  g_autoptr (GSubprocess) qemu = NULL;
  g_autoptr (GDataInputStream) answers = NULL;
  g_autoptr (GError) error = NULL;
  GHashTable *codes = NULL;

  qemu = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                            &error);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (qemu), question, strlen (question), NULL,
                             NULL, &error);
  g_assert_no_error (error);

  answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (qemu));
  while (codes == NULL) {
    g_autofree char *line = g_data_input_stream_read_line (answers, NULL, NULL, &error);

    g_assert_no_error (error);
    if (line == NULL)
      break;
    codes = find_codes (line);
  }
  /* The signal is sent by another thread, which ends with this process. */
  g_subprocess_force_exit (qemu);
  g_subprocess_wait (qemu, NULL, NULL);
  return codes;
}

static void
assert_known (GHashTable *codes, const char *code)
{
  /* f13 to f24 came with QEMU 8.0. */
  gboolean is_new = code[0] == 'f' && g_ascii_strtoull (code + 1, NULL, 10) > 12;

  if (!g_hash_table_contains (codes, code) && !(is_new && !g_hash_table_contains (codes, "f13")))
    g_error ("QEMU has no QKeyCode “%s”", code);
}

static void
test_qemu_knows_them (void)
{
  g_autofree char *binary = g_find_program_in_path ("qemu-system-x86_64");
  g_autoptr (GHashTable) codes = NULL;
  GHashTableIter iter;
  const char *code;
  static const char *const aliases[] = {
      "control", "ctrl_l",   "rctrl",       "alt_l",        "option",      "altgr",
      "ralt",    "shift_l",  "rshift",      "super",        "super_r",     "win",
      "windows", "meta",     "cmd",         "menu",         "app",         "del",
      "ins",     "escape",   "enter",       "return",       "space",       "bksp",
      "pageup",  "pagedown", "page_up",     "page_down",    "printscreen", "prtsc",
      "break",   "capslock", "numlock",     "scrolllock",   "period",      "quote",
      "grave",   "backtick", "bracketleft", "bracketright", "plus",        "underscore",
      "tilde",   "pipe",     "f13",         "f24",
  };

  if (binary == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return;
  }
  codes = ask_qemu (binary);
  g_assert_nonnull (codes);

  /* Every one of QEMU's is understood, and gives itself (menu is the one exception)... */
  g_hash_table_iter_init (&iter, codes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &code, NULL)) {
    g_auto (GStrv) names = NULL;

    if (g_str_equal (code, "unmapped") || g_str_equal (code, "menu"))
      continue;
    names = lodge_key_names_parse (code, NULL);
    if (names == NULL || !g_str_equal (names[0], code))
      g_test_message ("QEMU's key “%s” is not known here (it is newer)", code);
    else
      g_assert_null (names[1]);
  }
  /* ...and every one that comes out is one of QEMU's. */
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++) {
    g_autoptr (GError) error = NULL;
    g_auto (GStrv) names = lodge_key_names_parse (aliases[i], &error);

    g_assert_no_error (error);
    for (guint j = 0; names[j] != NULL; j++)
      assert_known (codes, names[j]);
  }
  for (char c = ' '; c <= '~'; c++) {
    g_autoptr (GPtrArray) chords = lodge_key_names_from_text ((char[]){c, '\0'}, NULL);
    char **chord = chords->pdata[0];

    for (guint j = 0; chord[j] != NULL; j++)
      assert_known (codes, chord[j]);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/key-names/names", test_names);
  g_test_add_func ("/key-names/symbols", test_symbols);
  g_test_add_func ("/key-names/refused", test_refused);
  g_test_add_func ("/key-names/text", test_text);
  g_test_add_func ("/key-names/whole-keyboard", test_whole_keyboard);
  g_test_add_func ("/key-names/text-refused", test_text_refused);
  g_test_add_func ("/key-names/empty-text", test_empty_text);
  g_test_add_func ("/key-names/labels", test_labels);
  g_test_add_func ("/key-names/for-text", test_for_text);
  g_test_add_func ("/key-names/evdev", test_evdev);
  g_test_add_func ("/key-names/qemu-knows-them", test_qemu_knows_them);
  return g_test_run ();
}
