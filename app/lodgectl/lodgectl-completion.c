/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion scripts for bash, zsh and fish, from the table.
 *
 * Each has the same three parts: finding the command and the place in it among the words typed so
 * far, a table of what each place takes, and offering it. Names come from
 * “lodgectl list --names --no-start”, which starts nothing, and those of what a machine has from
 * the lists of that.
 */
#include "lodgectl-command.h"
#include "lodgectl-handlers.h"

#include <glib/gi18n.h>
#include <stdio.h>

/* What the scripts call a kind of word; choices are written as they are. */
static const char *
get_kind (LodgectlKind kind)
{
  switch (kind) {
  case LODGECTL_KIND_MACHINE:
    return "@machine";
  case LODGECTL_KIND_DISK:
    return "@disk";
  case LODGECTL_KIND_SNAPSHOT:
    return "@snapshot";
  case LODGECTL_KIND_FILE:
    return "@file";
  case LODGECTL_KIND_COMMAND:
    return "@command";
  case LODGECTL_KIND_NONE:
  case LODGECTL_KIND_TEXT:
  case LODGECTL_KIND_CHOICE:
  default:
    return "@none";
  }
}

static char *
dup_kind (LodgectlKind kind, const char *const *choices)
{
  return choices != NULL ? g_strjoinv (" ", (char **) choices) : g_strdup (get_kind (kind));
}

/* Whether row @index is the first one of its noun. */
static gboolean
is_first_of_noun (guint index)
{
  for (guint i = 0; i < index; i++)
    if (g_strcmp0 (lodgectl_commands[i].noun, lodgectl_commands[index].noun) == 0)
      return FALSE;
  return TRUE;
}

/* (transfer full): the sentence for a noun. */
static char *
dup_noun_sentence (const char *noun)
{
  g_autoptr (GString) verbs = g_string_new (NULL);

  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (g_strcmp0 (lodgectl_commands[i].noun, noun) == 0)
      g_string_append_printf (verbs, "%s%s", verbs->len > 0 ? ", " : "", lodgectl_commands[i].verb);
  return g_string_free (g_steal_pointer (&verbs), FALSE);
}

/* All words that may come first, each behind a blank. */
static void
print_first_words (void)
{
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    const LodgectlCommand *command = &lodgectl_commands[i];

    if (command->noun == NULL)
      printf (" %s", command->verb);
    else if (is_first_of_noun (i))
      printf (" %s", command->noun);
  }
}

static void
print_verbs (const char *noun)
{
  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (g_strcmp0 (lodgectl_commands[i].noun, noun) == 0)
      printf (" %s", lodgectl_commands[i].verb);
}

/* "--media|--disk": a pattern of all options that take a value. They are called alike in every
 * command that has them. */
static void
print_valued_options (const char *separator)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < lodgectl_n_commands; i++)
    for (guint j = 0; lodgectl_commands[i].options[j].name != NULL; j++) {
      const LodgectlOption *option = &lodgectl_commands[i].options[j];

      if (option->kind == LODGECTL_KIND_NONE || option->hidden ||
          !g_hash_table_add (seen, (gpointer) option->name))
        continue;
      printf ("%s--%s", g_hash_table_size (seen) > 1 ? separator : "", option->name);
    }
}

/* --- bash and zsh: the same words and tables, in the syntax that both have --- */

static void
print_case_of_option (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < lodgectl_n_commands; i++)
    for (guint j = 0; lodgectl_commands[i].options[j].name != NULL; j++) {
      const LodgectlOption *option = &lodgectl_commands[i].options[j];
      g_autofree char *kind = dup_kind (option->kind, option->choices);

      if (option->kind == LODGECTL_KIND_NONE || option->hidden ||
          !g_hash_table_add (seen, (gpointer) option->name))
        continue;
      printf ("      --%s) kind='%s' ;;\n", option->name, kind);
    }
}

static void
print_case_of_command (void)
{
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    const LodgectlCommand *command = &lodgectl_commands[i];
    g_autofree char *name = lodgectl_command_dup_name (command);

    printf ("    '%s')\n      options='--help", name);
    for (guint j = 0; command->options[j].name != NULL; j++)
      if (!command->options[j].hidden)
        printf (" --%s", command->options[j].name);
    printf ("'\n      case $n in\n");
    for (guint j = 0; command->arguments[j].name != NULL; j++) {
      const LodgectlArgument *argument = &command->arguments[j];
      g_autofree char *kind = dup_kind (argument->kind, argument->choices);

      if (argument->many)
        printf ("        *) kind='%s' ;;\n", kind);
      else
        printf ("        %u) kind='%s' ;;\n", j, kind);
    }
    printf ("      esac\n      ;;\n");
  }
}

/* Finds the place of the word number $last in the array words (which counts from 0 in bash, and is
 * made to in zsh): $kind says what goes there, $options what else may. */
static void
print_find_place (void)
{
  printf ("  case ${words[1]} in\n");
  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (lodgectl_commands[i].noun != NULL && is_first_of_noun (i))
      printf ("    %s) noun=%s ;;\n", lodgectl_commands[i].noun, lodgectl_commands[i].noun);
  printf ("  esac\n"
          "  if (( last == 1 )); then\n"
          "    kind='--help --version'\n"
          "    kind+='");
  print_first_words ();
  printf ("'\n"
          "    return\n"
          "  fi\n"
          "  if [[ -n $noun ]] && (( last == 2 )); then\n"
          "    case $noun in\n");
  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (lodgectl_commands[i].noun != NULL && is_first_of_noun (i)) {
      printf ("      %s) kind='--help", lodgectl_commands[i].noun);
      print_verbs (lodgectl_commands[i].noun);
      printf ("' ;;\n");
    }
  printf ("    esac\n"
          "    return\n"
          "  fi\n"
          "  command=${words[1]}\n"
          "  i=2\n"
          "  if [[ -n $noun ]]; then\n"
          "    command=\"$noun ${words[2]}\"\n"
          "    i=3\n"
          "  fi\n"
          "  while (( i < last )); do\n"
          "    if [[ -n $valued ]]; then\n"
          "      valued=''\n"
          "    elif [[ -n $ended || ${words[i]} != -* ]]; then\n"
          "      (( n == 0 )) && machine=${words[i]}\n"
          "      n=$((n + 1))\n"
          "    elif [[ ${words[i]} == -- ]]; then\n"
          "      ended=1\n"
          "    else\n"
          "      case ${words[i]} in\n"
          "        ");
  print_valued_options ("|");
  printf (") valued=${words[i]} ;;\n"
          "      esac\n"
          "    fi\n"
          "    i=$((i + 1))\n"
          "  done\n"
          "  if [[ -n $valued ]]; then\n"
          "    case $valued in\n");
  print_case_of_option ();
  printf ("    esac\n"
          "    return\n"
          "  fi\n"
          "  case $command in\n");
  print_case_of_command ();
  printf ("  esac\n"
          "  if [[ -z $ended && ${words[last]} == -* ]]; then\n"
          "    kind=$options\n"
          "  fi\n");
}

static void
print_bash (void)
{
  puts ("# bash completion for lodgectl; made by “lodgectl completion bash”.\n"
        "_lodgectl_place () {");
  print_find_place ();
  fputs (
      "}\n"
      "\n"
      "_lodgectl () {\n"
      "  local last=$COMP_CWORD kind=@none noun='' command='' valued='' options='' ended='' i n=0\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} machine='' bare name\n"
      "  local -a words=(\"${COMP_WORDS[@]}\") list=(list --names --no-start)\n"
      "  COMPREPLY=()\n"
      "  _lodgectl_place\n"
      "  case $kind in\n"
      "    @none) ;;\n"
      "    @file)\n"
      "      compopt -o filenames 2>/dev/null\n"
      "      while IFS= read -r name; do\n"
      "        COMPREPLY+=(\"$name\")\n"
      "      done < <(compgen -f -- \"$cur\")\n"
      "      ;;\n"
      "    @machine|@disk|@snapshot)\n"
      "      # Names may have spaces and quotes; what was typed may be quoted in part.\n"
      "      if [[ $kind != @machine ]]; then\n"
      "        case $machine in\n"
      "          [\\'\\\"]*) machine=${machine:1} machine=${machine%[\\'\\\"]} ;;\n"
      "          *) machine=${machine//\\\\/} ;;\n"
      "        esac\n"
      "        list=(\"${kind#@}\" \"${list[@]}\" -- \"$machine\")\n"
      "      fi\n"
      "      bare=${cur#[\\'\\\"]}\n"
      "      while IFS= read -r name; do\n"
      "        [[ -z $ended && $name == -* ]] && continue\n"
      "        if [[ $bare != \"$cur\" ]]; then\n"
      "          [[ $name == \"$bare\"* ]] && COMPREPLY+=(\"$name\")\n"
      "        elif [[ $name == \"$cur\"* || $(printf %q \"$name\") == \"$cur\"* ]]; then\n"
      "          COMPREPLY+=(\"$(printf %q \"$name\")\")\n"
      "        fi\n"
      "      done < <(\"$1\" \"${list[@]}\" 2>/dev/null)\n"
      "      ;;\n"
      "    @command)\n"
      "      kind='",
      stdout);
  print_first_words ();
  puts ("'\n"
        "      COMPREPLY=($(compgen -W \"$kind\" -- \"$cur\"))\n"
        "      ;;\n"
        "    *) COMPREPLY=($(compgen -W \"$kind\" -- \"$cur\")) ;;\n"
        "  esac\n"
        "}\n"
        "complete -F _lodgectl lodgectl");
}

/* 'word:sentence' for _describe, in which a colon ends the word. */
static void
print_zsh_description (const char *word, const char *sentence)
{
  g_autoptr (GString) text = g_string_new (word);
  g_autofree char *quoted = NULL;

  g_string_append_c (text, ':');
  g_string_append (text, sentence);
  quoted = g_shell_quote (text->str);
  printf ("      %s\n", quoted);
}

static void
print_zsh_sentences (void)
{
  puts ("  case $1 in\n"
        "    '')\n"
        "      sentences=(");
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    const LodgectlCommand *command = &lodgectl_commands[i];

    if (command->noun == NULL) {
      print_zsh_description (command->verb, _ (command->sentence));
    } else if (is_first_of_noun (i)) {
      g_autofree char *verbs = dup_noun_sentence (command->noun);

      print_zsh_description (command->noun, verbs);
    }
  }
  puts ("      )\n      ;;");
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    if (lodgectl_commands[i].noun == NULL || !is_first_of_noun (i))
      continue;
    printf ("    %s)\n      sentences=(\n", lodgectl_commands[i].noun);
    for (guint j = i; j < lodgectl_n_commands; j++)
      if (g_strcmp0 (lodgectl_commands[j].noun, lodgectl_commands[i].noun) == 0)
        print_zsh_description (lodgectl_commands[j].verb, _ (lodgectl_commands[j].sentence));
    puts ("      )\n      ;;");
  }
  puts ("  esac");
}

static void
print_zsh (void)
{
  puts ("#compdef lodgectl\n"
        "# zsh completion for lodgectl; made by “lodgectl completion zsh”.\n"
        "_lodgectl_sentences () {");
  print_zsh_sentences ();
  puts ("}\n"
        "\n"
        "_lodgectl_place () {\n"
        "  setopt localoptions ksharrays");
  print_find_place ();
  puts ("}\n"
        "\n"
        "_lodgectl () {\n"
        "  local last=$((CURRENT - 1)) kind=@none noun='' command='' valued='' options='' "
        "ended='' machine='' i n=0\n"
        "  local -a names sentences list\n"
        "  _lodgectl_place\n"
        "  if (( CURRENT == 2 )) || [[ $kind == @command ]]; then\n"
        "    _lodgectl_sentences ''\n"
        "    _describe -t commands 'command' sentences\n"
        "    return\n"
        "  fi\n"
        "  if (( CURRENT == 3 )) && [[ -n $noun ]]; then\n"
        "    _lodgectl_sentences $noun\n"
        "    _describe -t commands 'command' sentences\n"
        "    return\n"
        "  fi\n"
        "  case $kind in\n"
        "    @none) _message 'no completion' ;;\n"
        "    @file) _files ;;\n"
        "    @machine|@disk|@snapshot)\n"
        "      list=(list --names --no-start)\n"
        "      [[ $kind != @machine ]] && list=(${kind#@} $list -- ${(Q)machine})\n"
        "      names=(\"${(@f)$($words[1] $list 2>/dev/null)}\")\n"
        "      names=(${names:#})\n"
        "      [[ -z $ended ]] && names=(${names:#-*})\n"
        "      compadd -a names\n"
        "      ;;\n"
        "    *)\n"
        "      names=(${=kind})\n"
        "      compadd -a names\n"
        "      ;;\n"
        "  esac\n"
        "}\n"
        "\n"
        "# Loaded by the completion system the file is the function; sourced, it registers it.\n"
        "if [[ $funcstack[1] == _lodgectl ]]; then\n"
        "  _lodgectl \"$@\"\n"
        "else\n"
        "  compdef _lodgectl lodgectl\n"
        "fi");
}

/* --- fish --- */

/* In fish only \ and ' are special inside single quotes. */
static void
print_fish_quoted (const char *text)
{
  putchar ('\'');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '\\' || *c == '\'')
      putchar ('\\');
    putchar (*c);
  }
  putchar ('\'');
}

/* @command: which has it */
static void
print_fish_offer (const LodgectlCommand *command, LodgectlKind kind, const char *const *choices)
{
  if (choices != NULL) {
    g_autofree char *words = g_strjoinv (" ", (char **) choices);

    printf (" -a '%s'", words);
  } else if (kind == LODGECTL_KIND_MACHINE) {
    fputs (" -a '(__lodgectl_machines)'", stdout);
  } else if (kind == LODGECTL_KIND_DISK || kind == LODGECTL_KIND_SNAPSHOT) {
    /* The machine's place among the words, which count from 1. */
    printf (" -a '(__lodgectl_of %s %d)'", get_kind (kind) + 1, command->noun != NULL ? 3 : 2);
  } else if (kind == LODGECTL_KIND_FILE) {
    fputs (" -F", stdout);
  } else if (kind == LODGECTL_KIND_COMMAND) {
    fputs (" -a '", stdout);
    print_first_words ();
    putchar ('\'');
  }
}

static void
print_fish_command (const LodgectlCommand *command)
{
  g_autofree char *name = lodgectl_command_dup_name (command);

  for (guint i = 0; command->arguments[i].name != NULL; i++) {
    const LodgectlArgument *argument = &command->arguments[i];

    if (argument->kind == LODGECTL_KIND_TEXT)
      continue;
    printf ("complete -c lodgectl -n '__lodgectl_at %s%u %s'", argument->many ? "+" : "", i, name);
    print_fish_offer (command, argument->kind, argument->choices);
    putchar ('\n');
  }
  for (guint i = 0; command->options[i].name != NULL; i++) {
    const LodgectlOption *option = &command->options[i];

    if (option->hidden)
      continue;
    printf ("complete -c lodgectl -n '__lodgectl_at +0 %s' -l %s", name, option->name);
    if (option->kind != LODGECTL_KIND_NONE) {
      /* Required; and files are no answer unless it is one. */
      fputs (option->kind == LODGECTL_KIND_FILE ? " -r" : " -x", stdout);
      print_fish_offer (command, option->kind, option->choices);
    }
    fputs (" -d ", stdout);
    print_fish_quoted (_ (option->sentence));
    putchar ('\n');
  }
}

static void
print_fish (void)
{
  puts ("# fish completion for lodgectl; made by “lodgectl completion fish”.\n"
        "\n"
        "# The words before the cursor that are no options and no values of options.\n"
        "function __lodgectl_words\n"
        "    set -l tokens (commandline -opc)\n"
        "    set -l skip 0\n"
        "    set -l ended 0\n"
        "    for token in $tokens[2..-1]\n"
        "        if test $skip = 1\n"
        "            set skip 0\n"
        "        else if test $ended = 1\n"
        "            printf '%s\\n' $token\n"
        "        else\n"
        "            switch $token\n"
        "                case --\n"
        "                    set ended 1");
  fputs ("                case ", stdout);
  print_valued_options (" ");
  puts ("\n"
        "                    set skip 1\n"
        "                case '-*'\n"
        "                case '*'\n"
        "                    printf '%s\\n' $token\n"
        "            end\n"
        "        end\n"
        "    end\n"
        "end\n"
        "\n"
        "# N WORDS...: the command is WORDS and exactly N (with +N: at least N) more follow it.\n"
        "function __lodgectl_at\n"
        "    set -l words (__lodgectl_words)\n"
        "    set -l wanted $argv[2..-1]\n"
        "    set -l number (string replace '+' '' -- $argv[1])\n"
        "    set -l more (math (count $words) - (count $wanted))\n"
        "    test $more -ge $number; or return 1\n"
        "    if not string match -q '+*' -- $argv[1]\n"
        "        test $more -eq $number; or return 1\n"
        "    end\n"
        "    for i in (seq (count $wanted))\n"
        "        test \"$words[$i]\" = \"$wanted[$i]\"; or return 1\n"
        "    end\n"
        "    return 0\n"
        "end\n"
        "\n"
        "function __lodgectl_machines\n"
        "    lodgectl list --names --no-start 2>/dev/null\n"
        "end\n"
        "\n"
        "# NOUN N: what the machine has that is the word number N.\n"
        "function __lodgectl_of\n"
        "    set -l words (__lodgectl_words)\n"
        "    lodgectl $argv[1] list --names --no-start -- $words[$argv[2]] 2>/dev/null\n"
        "end\n"
        "\n"
        "complete -c lodgectl -f");
  for (guint i = 0; i < lodgectl_n_commands; i++) {
    const LodgectlCommand *command = &lodgectl_commands[i];

    if (command->noun != NULL && is_first_of_noun (i)) {
      g_autofree char *verbs = dup_noun_sentence (command->noun);

      printf ("complete -c lodgectl -n '__lodgectl_at 0' -a %s -d ", command->noun);
      print_fish_quoted (verbs);
      putchar ('\n');
    }
    printf ("complete -c lodgectl -n '__lodgectl_at 0%s%s' -a %s -d ",
            command->noun != NULL ? " " : "", command->noun != NULL ? command->noun : "",
            command->verb);
    print_fish_quoted (_ (command->sentence));
    putchar ('\n');
    print_fish_command (command);
  }
}

gboolean
lodgectl_completion (LodgectlRun *run, GError **error)
{
  const char *shell = lodgectl_run_get_argument (run, 0);

  if (g_str_equal (shell, "bash"))
    print_bash ();
  else if (g_str_equal (shell, "zsh"))
    print_zsh ();
  else
    print_fish ();
  return TRUE;
}
