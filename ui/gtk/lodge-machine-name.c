/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of machines, as far as a form can judge them while they are typed. */
#include "gtk/lodge-machine-name.h"

#include "gtk/lodge-machine-item.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The rules of machine.ini: 1 to 64 characters, no '/', no control characters, no white space at
 * the ends, not "." or "..", not a UUID. */
#define MAX_CHARACTERS 64

static gboolean
is_taken (const char *name, GListModel *machines, const char *own)
{
  const guint n_machines = machines != NULL ? g_list_model_get_n_items (machines) : 0;

  if (g_strcmp0 (name, own) == 0)
    return FALSE;

  for (guint i = 0; i < n_machines; i++) {
    g_autoptr (LodgeMachineItem) item = g_list_model_get_item (machines, i);

    if (g_str_equal (name, lodge_machine_item_get_name (item)))
      return TRUE;
  }

  return FALSE;
}

static gboolean
has_outer_space (const char *name)
{
  const gunichar first = g_utf8_get_char (name);
  const gunichar last = g_utf8_get_char (g_utf8_prev_char (name + strlen (name)));

  return g_unichar_isspace (first) || g_unichar_isspace (last);
}

char *
lodge_machine_name_check (const char *name, GListModel *machines, const char *own)
{
  if (*name == '\0')
    return g_strdup (_ ("A machine needs a name."));

  if (!g_utf8_validate (name, -1, NULL))
    return g_strdup (_ ("The name is not valid text."));

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p)) {
    if (*p == '/' || g_unichar_iscntrl (g_utf8_get_char (p)))
      return g_strdup (_ ("A name has no “/” and no control characters."));
  }

  if (g_utf8_strlen (name, -1) > MAX_CHARACTERS)
    return g_strdup_printf (_ ("A name has at most %d characters; this one has %ld."),
                            MAX_CHARACTERS, g_utf8_strlen (name, -1));

  if (has_outer_space (name))
    return g_strdup (_ ("A name does not begin or end with a space."));

  if (g_str_equal (name, ".") || g_str_equal (name, "..") || g_uuid_string_is_valid (name))
    return g_strdup_printf (_ ("“%s” cannot be a name."), name);

  if (is_taken (name, machines, own))
    return g_strdup_printf (_ ("There is a machine named “%s” already."), name);

  return NULL;
}

char *
lodge_machine_name_dup_free (const char *wish, GListModel *machines)
{
  char *name = g_strdup (wish);

  for (guint i = 2; is_taken (name, machines, NULL); i++) {
    g_autofree char *number = g_strdup_printf (" %u", i);
    const long room = MAX_CHARACTERS - (long) strlen (number);
    g_autofree char *beginning = g_utf8_substring (wish, 0, MIN (g_utf8_strlen (wish, -1), room));

    g_free (name);
    name = g_strconcat (g_strchomp (beginning), number, NULL);
  }

  return name;
}
