/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help on the terminal and the commands of the man page, from the table. */
#include "lodgectl-command.h"
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"

#include "lodge-config.h"
#include "lodge-error.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

/* --- On the terminal --- */

static void
print_overview (const char *noun)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (2);

  if (noun == NULL)
    printf ("%s\n\n%s\n\n%s\n", _ ("lodgectl drives Lodge's machines from the command line."),
            _ ("lodgectl VERB NAME ...        for machines themselves\n"
               "lodgectl NOUN VERB NAME ...   for what belongs to them"),
            _ ("Commands:"));
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    const LodgectlCommand *command = &lodgectl_commands[i];
    g_autoptr (GString) left = g_string_new ("  ");
    g_autofree char *name = lodgectl_command_dup_name (command);

    if (noun != NULL && g_strcmp0 (command->noun, noun) != 0)
      continue;
    g_string_append (left, name);
    for (guint j = 0; command->arguments[j].name != NULL; j++)
      g_string_append_printf (left, " %s", command->arguments[j].name);
    lodgectl_table_add (table, (const char *[]){left->str, _ (command->sentence)});
  }
  lodgectl_table_print (table);
  printf ("\n%s\n", _ ("“lodgectl help COMMAND” says more about one."));
}

static void
print_command (const LodgectlCommand *command)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (2);
  g_autofree char *name = lodgectl_command_dup_name (command);
  g_autofree char *usage = lodgectl_command_dup_usage (command);
  guint n = 0;

  printf ("lodgectl %s %s\n\n%s\n", name, usage, _ (command->sentence));
  if (command->details != NULL)
    printf ("%s\n", _ (command->details));
  for (guint i = 0; command->options[i].name != NULL; i++) {
    const LodgectlOption *option = &command->options[i];
    g_autofree char *left =
        g_strconcat ("  --", option->name, option->value != NULL ? " " : "", option->value, NULL);

    if (option->hidden)
      continue;
    lodgectl_table_add (table, (const char *[]){left, _ (option->sentence)});
    n++;
  }
  if (n > 0)
    printf ("\n%s\n", _ ("Options:"));
  lodgectl_table_print (table);
}

/* --- The man page --- */

/* The longest line mandoc finds decent is 80 bytes; escapes take some. */
#define MDOC_COLUMNS 60

/* Text for mdoc(7): the backslash is the escape character, a line may not begin as a macro, and
 * quotation marks have names that every terminal gets something for. */
static void
print_mdoc (const char *text)
{
  gboolean line_start = TRUE;
  gsize column = 0;

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    if (character == ' ' && column + strcspn (c + 1, " ") > MDOC_COLUMNS)
      character = '\n';
    column = character == '\n' ? 0 : column + 1;

    if (line_start && (character == '.' || character == '\''))
      fputs ("\\&", stdout);
    if (character == '\\')
      fputs ("\\e", stdout);
    else if (character == '-')
      fputs ("\\-", stdout);
    else if (character == 0x201c)
      fputs ("\\(lq", stdout);
    else if (character == 0x201d)
      fputs ("\\(rq", stdout);
    else if (character == '\n')
      putchar ('\n');
    else
      fwrite (c, 1, (gsize) (g_utf8_next_char (c) - c), stdout);
    line_start = character == '\n';
  }
}

/* One sentence to a line. */
static void
print_mdoc_sentences (const char *text)
{
  g_auto (GStrv) sentences = g_strsplit (text, ". ", -1);

  for (guint i = 0; sentences[i] != NULL; i++) {
    print_mdoc (sentences[i]);
    puts (sentences[i + 1] != NULL ? "." : "");
  }
}

/* Sentences of options have no full stop in help. */
static void
print_mdoc_option (const LodgectlOption *option)
{
  gunichar first = g_utf8_get_char (option->sentence);
  g_autoptr (GString) sentence = g_string_new (NULL);

  printf (".It Fl Fl %s%s%s\n", option->name, option->value != NULL ? " Ar " : "",
          option->value != NULL ? option->value : "");
  g_string_append_unichar (sentence, g_unichar_toupper (first));
  g_string_append (sentence, g_utf8_next_char (option->sentence));
  g_string_append_c (sentence, '.');
  print_mdoc (sentence->str);
  putchar ('\n');
}

static void
print_mdoc_command (const LodgectlCommand *command)
{
  g_autofree char *name = lodgectl_command_dup_name (command);
  gboolean list = FALSE;

  printf (".It Cm %s", name);
  for (guint i = 0; command->arguments[i].name != NULL; i++) {
    const LodgectlArgument *argument = &command->arguments[i];

    printf (" %sAr %s%s", argument->optional ? "Op " : "", argument->name,
            argument->many ? " ..." : "");
  }
  putchar ('\n');
  print_mdoc_sentences (command->sentence);
  if (command->details != NULL)
    print_mdoc_sentences (command->details);
  for (guint i = 0; command->options[i].name != NULL; i++) {
    if (command->options[i].hidden)
      continue;
    if (!list)
      puts (".Bl -tag -width Ds");
    list = TRUE;
    print_mdoc_option (&command->options[i]);
  }
  if (list)
    puts (".El");
}

/* The template with its two placeholders replaced: @COMMANDS@ on a line of its own, @VERSION@
 * anywhere. */
static gboolean
print_man (const char *path, GError **error)
{
  g_autofree char *template = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &template, NULL, error))
    return FALSE;
  lines = g_strsplit (template, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) parts = NULL;
    g_autofree char *line = NULL;

    if (g_str_equal (lines[i], "@COMMANDS@")) {
      for (guint j = 0; j < lodgectl_n_commands; j++)
        print_mdoc_command (&lodgectl_commands[j]);
      continue;
    }
    parts = g_strsplit (lines[i], "@VERSION@", -1);
    line = g_strjoinv (LODGE_VERSION, parts);
    if (lines[i + 1] != NULL || *line != '\0')
      puts (line);
  }
  return TRUE;
}

gboolean
lodgectl_help (LodgectlRun *run, GError **error)
{
  const char *template = lodgectl_run_get_option (run, "man");
  const char *first = lodgectl_run_get_argument (run, 0);
  const char *second = lodgectl_run_get_argument (run, 1);
  const LodgectlCommand *command;

  if (template != NULL)
    return print_man (template, error);
  if (first == NULL || (second == NULL && lodgectl_command_is_noun (first))) {
    print_overview (first);
    return TRUE;
  }
  command =
      second != NULL ? lodgectl_command_find (first, second) : lodgectl_command_find (NULL, first);
  if (command == NULL) {
    lodgectl_set_usage_error (error, _ ("There is no command “%s%s%s”; “lodgectl help” lists all"),
                              first, second != NULL ? " " : "", second != NULL ? second : "");
    return FALSE;
  }
  print_command (command);
  return TRUE;
}
