/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of this computer that a machine from elsewhere names.
 *
 * Its maker must not decide which of the user's files a guest reads, or writes to. So each path
 * that leads out of its folder is kept until the user has accepted it: the machine is shown, and is
 * not started, copied or worked on meanwhile. Those that its snapshots name are among them, since
 * going back to one brings them. What the user names himself, later, is his own word.
 *
 * Links in the folder need no such list: no part of an own file's path may be one
 * (lodge-own-file.h, lodge-machine-command-check.c).
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-outside.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "host/lodge-host-firmware.h"
#include "lodge-error.h"
#include "lodge-plain-text.h"
#include "machine/lodge-snapshot-files.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

/* How a line of what is known of a folder begins (lodge-known-folder.h). */
#define LINE "outside="

static gboolean
is_pending (LodgeMachine *self, const char *path)
{
  return self->outside != NULL && g_strv_contains ((const char *const *) self->outside, path);
}

/* The computer's own firmware is in its packages, and what a start records. */
gboolean
lodge_machine_is_firmware (const LodgeDescription *value, const char *path)
{
  const char *type = value->machine_type[0] != '\0' ? value->machine_type : "pc-q35-7.2";

  for (guint secure = 0; secure < 2; secure++) {
    g_autoptr (LodgeHostFirmware) firmware =
        lodge_host_firmware_find ("x86_64", type, secure == 1, NULL);

    if (firmware != NULL && g_str_equal (firmware->code, path))
      return TRUE;
  }
  return FALSE;
}

static void
collect (const LodgeDescription *value, GHashTable *paths)
{
  g_autoptr (GPtrArray) outside = lodge_description_list_outside (value);

  for (guint i = 0; i + 1 < outside->len; i += 2) {
    const char *path = outside->pdata[i + 1];

    if (!g_str_equal (outside->pdata[i], "firmware.code") ||
        !lodge_machine_is_firmware (value, path))
      g_hash_table_add (paths, g_strdup (path));
  }
}

void
lodge_machine_find_outside (LodgeMachine *self, const LodgeDescription *value)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (GPtrArray) ids = lodge_own_folder_list (folder, "snapshots", NULL);
  GHashTableIter iter;
  gpointer path;

  collect (value, paths);
  for (guint i = 0; ids != NULL && i < ids->len; i++) {
    /* One that cannot be read cannot be gone back to either. */
    g_autoptr (LodgeDescription) stored =
        lodge_snapshot_files_load (folder, ids->pdata[i], ids->pdata[i], NULL);

    if (stored != NULL)
      collect (stored, paths);
  }
  g_clear_pointer (&self->outside, g_strfreev);
  if (g_hash_table_size (paths) > 0) {
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

    g_hash_table_iter_init (&iter, paths);
    while (g_hash_table_iter_next (&iter, &path, NULL))
      g_strv_builder_add (builder, path);
    self->outside = g_strv_builder_end (builder);
  }
}

void
lodge_machine_take_known_lines (LodgeMachine *self, char **lines)
{
  g_autoptr (GStrvBuilder) held = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) outside = g_strv_builder_new ();
  gboolean some = FALSE;

  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree char *path = NULL;

    if (!g_str_has_prefix (lines[i], LINE)) {
      g_strv_builder_add (held, lines[i]);
      continue;
    }
    path = g_strcompress (lines[i] + strlen (LINE));
    g_strv_builder_add (outside, path);
    some = TRUE;
  }
  g_strfreev (self->held);
  self->held = g_strv_builder_end (held);
  g_strfreev (self->outside);
  self->outside = some ? g_strv_builder_end (outside) : NULL;
}

char **
lodge_machine_dup_known_lines (LodgeMachine *self, gboolean decided, const char *const *accepted)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();

  for (guint i = 0; !decided && self->held != NULL && self->held[i] != NULL; i++)
    g_strv_builder_add (lines, self->held[i]);
  for (guint i = 0; self->outside != NULL && self->outside[i] != NULL; i++) {
    g_autofree char *escaped = g_strescape (self->outside[i], NULL);
    g_autofree char *line = g_strconcat (LINE, escaped, NULL);

    if (accepted == NULL || !g_strv_contains (accepted, self->outside[i]))
      g_strv_builder_add (lines, line);
  }
  return g_strv_builder_end (lines);
}

/* Those of @used that are pending: key, path, ... */
static GPtrArray *
list_pending (LodgeMachine *self, const LodgeDescription *used)
{
  g_autoptr (GPtrArray) outside = lodge_description_list_outside (used);
  GPtrArray *pending = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i + 1 < outside->len; i += 2) {
    if (!is_pending (self, outside->pdata[i + 1]))
      continue;
    g_ptr_array_add (pending, g_strdup (outside->pdata[i]));
    g_ptr_array_add (pending, g_strdup (outside->pdata[i + 1]));
  }
  return pending;
}

/* What a path leads to where that is something else, "" where it is itself or nothing. A link in
 * the folder that came along must not look like a file in it. */
static char *
dup_target (const char *path)
{
  char *real = realpath (path, NULL);
  char *target = g_strdup (real != NULL && strcmp (real, path) != 0 ? real : "");

  free (real);
  return target;
}

/* For the user, in a sentence. All of it, however long: who decides has to see what he accepts. */
static char *
dup_shown (const char *key, const char *path)
{
  g_autofree char *target = dup_target (path);
  g_autofree char *shown = lodge_plain_text_dup_line (path);
  g_autofree char *shown_target = lodge_plain_text_dup_line (target);

  if (target[0] != '\0')
    return g_strdup_printf (_ ("%s, which is %s (%s)"), shown, shown_target, key);
  return g_strdup_printf ("%s (%s)", shown, key);
}

static void
set_error (LodgeMachine *self, const char *key, const char *path, GError **error)
{
  g_autofree char *shown = dup_shown (key, path);

  g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
               _ ("“%s” came from elsewhere and would be given a file of this computer: %s. Accept "
                  "that first (lodgectl accept), or take it out"),
               lodge_machine_get_name (self), shown);
}

gboolean
lodge_machine_check_outside (LodgeMachine *self, const LodgeDescription *used, GError **error)
{
  g_autoptr (GPtrArray) pending = NULL;

  if (self->outside == NULL)
    return TRUE;
  pending = list_pending (self, used);
  if (pending->len == 0)
    return TRUE;
  set_error (self, pending->pdata[0], pending->pdata[1], error);
  return FALSE;
}

GVariant *
lodge_machine_list_outside (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  if (now == NULL || self->outside == NULL)
    return g_variant_builder_end (&builder);
  pending = list_pending (self, now);
  for (guint i = 0; i + 1 < pending->len; i += 2) {
    g_autofree char *target = dup_target (pending->pdata[i + 1]);

    g_hash_table_add (told, pending->pdata[i + 1]);
    g_variant_builder_add (&builder, "(sss)", pending->pdata[i], pending->pdata[i + 1], target);
  }
  for (guint i = 0; (now->snapshots->len > 0 || now->suspended != NULL) && self->outside[i] != NULL;
       i++) {
    g_autofree char *target = dup_target (self->outside[i]);

    if (!g_hash_table_contains (told, self->outside[i]))
      g_variant_builder_add (&builder, "(sss)", "", self->outside[i], target);
  }
  return g_variant_builder_end (&builder);
}

gboolean
lodge_machine_check_no_outside (LodgeMachine *self, GError **error)
{
  g_autoptr (GVariant) list = g_variant_ref_sink (lodge_machine_list_outside (self));
  const char *key, *path;

  if (g_variant_n_children (list) == 0)
    return TRUE;
  g_variant_get_child (list, 0, "(&s&s&s)", &key, &path, NULL);
  set_error (self, key[0] != '\0' ? key : _ ("in a snapshot"), path, error);
  return FALSE;
}

char *
lodge_machine_dup_outside_note (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *list = NULL;

  if (now == NULL || self->outside == NULL)
    return NULL;
  pending = list_pending (self, now);
  if (pending->len == 0)
    return NULL;
  for (guint i = 0; i + 1 < pending->len; i += 2)
    g_ptr_array_add (shown, dup_shown (pending->pdata[i], pending->pdata[i + 1]));
  g_ptr_array_add (shown, NULL);
  list = g_strjoinv (", ", (char **) shown->pdata);
  return g_strdup_printf (
      _ ("This machine came from elsewhere and names files of this computer, so "
         "it does not start until you have accepted them: %s"),
      list);
}

/* Accepting. */

static gboolean
edit_accepted (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const char *const *paths = data;

  for (guint i = 0; paths[i] != NULL; i++) {
    g_autofree char *shown = NULL;

    if (is_pending (self, paths[i]))
      continue;
    shown = lodge_plain_text_dup_line (paths[i]);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” does not ask for the file %s"),
                 lodge_machine_get_name (self), shown);
    return FALSE;
  }
  self->accepted = paths;
  return TRUE;
}

void
lodge_machine_accept_async (LodgeMachine *self,
                            const char *const *paths,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  lodge_machine_save_for_client_async (self, edit_accepted, g_strdupv ((char **) paths),
                                       (GDestroyNotify) g_strfreev, callback, user_data);
}

void
lodge_machine_forget_outside (LodgeMachine *self, const char *const *accepted)
{
  g_auto (GStrv) lines = lodge_machine_dup_known_lines (self, FALSE, accepted);

  lodge_machine_take_known_lines (self, lines);
}
