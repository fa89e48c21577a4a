/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the words of a command line to a command of the table. */
#include "lodgectl-parse.h"

#include <glib/gi18n.h>
#include <string.h>

static void
set_unknown_error (GError **error, const char *noun, const char *word)
{
  if (noun == NULL) {
    lodgectl_set_usage_error (error, _ ("There is no command “%s”; “lodgectl help” lists all"),
                              word);
    return;
  }
  if (word != NULL)
    lodgectl_set_usage_error (error, _ ("“%s” has no command “%s”; “lodgectl help %s” lists all"),
                              noun, word, noun);
  else
    lodgectl_set_usage_error (error,
                              _ ("“%s” is not complete; “lodgectl help %s” lists what may "
                                 "follow"),
                              noun, noun);
}

/* Takes the noun and verb off the front of @words. */
static const LodgectlCommand *
take_command (const char *const **words, GError **error)
{
  const char *first = **words;
  const char *second = first != NULL ? (*words)[1] : NULL;
  const LodgectlCommand *command;

  if (first == NULL || g_str_equal (first, "--help") || g_str_equal (first, "-h"))
    first = "help";
  else if (g_str_equal (first, "--version"))
    first = "version";

  if (lodgectl_command_is_noun (first)) {
    if (g_strcmp0 (second, "--help") == 0 || g_strcmp0 (second, "-h") == 0)
      return lodgectl_command_find (NULL, "help"); /* with the noun as its argument */
    command = second != NULL ? lodgectl_command_find (first, second) : NULL;
    if (command == NULL)
      set_unknown_error (error, first, second);
    *words += 2;
    return command;
  }

  command = lodgectl_command_find (NULL, first);
  if (command == NULL)
    set_unknown_error (error, NULL, first);
  if (**words != NULL)
    *words += 1;
  return command;
}

static const LodgectlOption *
find_option (const LodgectlCommand *command, const char *name, gsize length)
{
  for (guint i = 0; command->options[i].name != NULL; i++)
    if (strlen (command->options[i].name) == length &&
        strncmp (command->options[i].name, name, length) == 0)
      return &command->options[i];
  return NULL;
}

static gboolean
check_choice (const char *const *choices, const char *what, const char *text, GError **error)
{
  g_autofree char *list = NULL;

  if (choices == NULL || g_strv_contains (choices, text))
    return TRUE;
  list = g_strjoinv (", ", (char **) choices);
  lodgectl_set_usage_error (error, _ ("%s cannot be “%s”: it is one of %s"), what, text, list);
  return FALSE;
}

/* @word begins with "--". Takes its value from @words where it has one behind it. */
static gboolean
take_option (const LodgectlCommand *command,
             const char *word,
             const char *const **words,
             LodgectlRun *run,
             GError **error)
{
  const char *name = word + 2;
  const char *equals = strchr (name, '=');
  const LodgectlOption *option =
      find_option (command, name, equals != NULL ? (gsize) (equals - name) : strlen (name));
  g_autofree char *command_name = lodgectl_command_dup_name (command);
  const char *value = equals != NULL ? equals + 1 : NULL;

  if (option == NULL) {
    lodgectl_set_usage_error (
        error,
        _ ("“%s” has no option %s; “lodgectl help %s” lists its options (a name that begins "
           "with “-” goes behind “--”)"),
        command_name, word, command_name);
    return FALSE;
  }
  if (option->kind == LODGECTL_KIND_NONE && value != NULL) {
    lodgectl_set_usage_error (error, _ ("--%s takes no value"), option->name);
    return FALSE;
  }
  if (option->kind != LODGECTL_KIND_NONE && value == NULL) {
    value = **words;
    if (value == NULL) {
      lodgectl_set_usage_error (error, _ ("--%s needs a value: --%s %s"), option->name,
                                option->name, option->value);
      return FALSE;
    }
    *words += 1;
  }
  if (g_hash_table_contains (run->options, option->name)) {
    lodgectl_set_usage_error (error, _ ("--%s is given twice"), option->name);
    return FALSE;
  }
  if (option->choices != NULL) {
    g_autofree char *what = g_strconcat ("--", option->name, NULL);

    if (!check_choice (option->choices, what, value, error))
      return FALSE;
  }
  g_hash_table_insert (run->options, g_strdup (option->name),
                       g_strdup (value != NULL ? value : ""));
  return TRUE;
}

static gboolean
check_arguments (const LodgectlCommand *command, LodgectlRun *run, GError **error)
{
  guint n = g_strv_length (run->arguments);
  guint i;

  for (i = 0; command->arguments[i].name != NULL; i++) {
    const LodgectlArgument *argument = &command->arguments[i];
    g_autofree char *name = lodgectl_command_dup_name (command);
    g_autofree char *usage = lodgectl_command_dup_usage (command);

    if (i >= n && !argument->optional) {
      lodgectl_set_usage_error (error, _ ("%s is missing: lodgectl %s %s"), argument->name, name,
                                usage);
      return FALSE;
    }
    if (i < n && !check_choice (argument->choices, argument->name, run->arguments[i], error))
      return FALSE;
    if (argument->many)
      return TRUE;
  }
  if (n > i) {
    g_autofree char *name = lodgectl_command_dup_name (command);
    g_autofree char *usage = lodgectl_command_dup_usage (command);

    lodgectl_set_usage_error (error, _ ("“%s” is too much: lodgectl %s %s"), run->arguments[i],
                              name, usage);
    return FALSE;
  }
  return TRUE;
}

/* "--help" behind a command. */
static const LodgectlCommand *
turn_into_help (const LodgectlCommand *command, LodgectlRun *run)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (command->noun != NULL)
    g_strv_builder_add (builder, command->noun);
  g_strv_builder_add (builder, command->verb);
  g_strfreev (run->arguments);
  run->arguments = g_strv_builder_end (builder);
  g_hash_table_remove_all (run->options);
  return lodgectl_command_find (NULL, "help");
}

const LodgectlCommand *
lodgectl_parse (const char *const *words, LodgectlRun *run, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const LodgectlCommand *command = take_command (&words, error);
  gboolean options = TRUE;
  gboolean help = FALSE;

  if (command == NULL)
    return NULL;
  run->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  while (*words != NULL && !help) {
    const char *word = *words++;

    if (!options || word[0] != '-' || word[1] == '\0')
      g_strv_builder_add (builder, word);
    else if (g_str_equal (word, "--"))
      options = FALSE;
    else if (g_str_equal (word, "--help") || g_str_equal (word, "-h"))
      help = TRUE;
    else if (word[1] != '-') {
      lodgectl_set_usage_error (error,
                                _ ("There is no option %s (what begins with “-” and is no "
                                   "option goes behind “--”)"),
                                word);
      return NULL;
    } else if (!take_option (command, word, &words, run, error))
      return NULL;
  }
  run->arguments = g_strv_builder_end (builder);
  if (help && !g_str_equal (command->verb, "help"))
    return turn_into_help (command, run);
  return check_arguments (command, run, error) ? command : NULL;
}
