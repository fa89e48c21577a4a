/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine whose folder came from elsewhere: copied in, or put in the place of another.
 *
 * Its maker must not decide what of this computer the guest is given. So whatever opens this
 * computer to the guest, or the guest to the network, is taken out of such a description before
 * anything else looks at it; the note says what it was and how to have it again, until the user has
 * set something of the kind. Images and kernels of this computer that it names wait to be accepted
 * (lodge-machine-outside.c). A key edited by hand in a folder that is known already is the user's
 * own word.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-known-folder.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

static const char *const held_keys[] = {
    "sharing.files-out",
    "sharing.folder",
    "sharing.folder-writable",
    "sharing.microphone",
};

gboolean
lodge_machine_is_held_key (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (held_keys); i++) {
    if (g_str_equal (name, held_keys[i]))
      return TRUE;
  }
  return g_str_has_prefix (name, "nic.") && g_str_has_suffix (name, ".forwards");
}

/* A merge begins without being asked, and writes into a layer's file: outside the folder that could
 * be any file of the user's. */
static void
take_out_merges (LodgeDescription *value, GStrvBuilder *held)
{
  for (guint i = 0; i < value->layers->len; i++) {
    LodgeLayer *layer = value->layers->pdata[i];
    g_autofree char *line = NULL;

    if (!layer->merge || !g_path_is_absolute (layer->file))
      continue;
    layer->merge = FALSE;
    line = g_strdup_printf ("layer.%s.merge=true", layer->id);
    g_strv_builder_add (held, line);
  }
}

/* A file that is no firmware would be there for the guest to read; the next start finds this
 * computer's. TRUE: it was taken out. */
static gboolean
take_out_firmware (LodgeDescription *value)
{
  if (value->firmware_code[0] == '\0' || lodge_machine_is_firmware (value, value->firmware_code))
    return FALSE;
  g_free (value->firmware_code);
  value->firmware_code = g_strdup ("");
  return TRUE;
}

/* Sets what is held back to its default; what it was is returned, each as KEY=VALUE. */
static char **
take_out (LodgeDescription *value)
{
  g_autoptr (LodgeDescription) plain = lodge_description_new ("");
  g_autoptr (GPtrArray) old = lodge_description_list (value);
  g_autoptr (GPtrArray) defaults = lodge_description_list (plain);
  g_autoptr (GStrvBuilder) held = g_strv_builder_new ();

  for (guint i = 0; i + 1 < old->len; i += 2) {
    const char *name = old->pdata[i];
    const char *text = old->pdata[i + 1];
    const char *fallback = "";
    g_autofree char *line = NULL;

    if (!lodge_machine_is_held_key (name))
      continue;
    for (guint at = 0; at + 1 < defaults->len; at += 2) {
      if (g_str_equal (defaults->pdata[at], name))
        fallback = defaults->pdata[at + 1];
    }
    if (g_str_equal (text, fallback))
      continue;
    line = g_strdup_printf ("%s=%s", name, text);
    g_strv_builder_add (held, line);
    /* The default is always allowed. */
    (void) lodge_description_set (value, name, "", NULL);
  }
  take_out_merges (value, held);
  return g_strv_builder_end (held);
}

gboolean
lodge_machine_adopt (LodgeMachine *self, GError **error)
{
  g_autoptr (LodgeDescription) value = NULL;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (GError) why = NULL;
  g_auto (GStrv) held = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean changed;

  g_clear_pointer (&self->held, g_strfreev);
  g_clear_pointer (&self->outside, g_strfreev);
  if (lodge_known_folder_check (folder, &lines)) {
    lodge_machine_take_known_lines (self, lines);
    return TRUE;
  }

  value = lodge_description_copy (lodge_machine_get_description (self));
  held = take_out (value);
  changed = take_out_firmware (value) || held[0] != NULL;
  if (changed) {
    /* Written first, so that whatever happens next it is not there any more. */
    if (!lodge_description_file_save (self->file, value, &why)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                   _ ("The machine came from elsewhere, and %s in it could not be held back: %s"),
                   held[0] != NULL ? held[0] : "firmware.code", why->message);
      return FALSE;
    }
    if (held[0] != NULL)
      self->held = g_steal_pointer (&held);
  }
  lodge_machine_find_outside (self, value);
  lines = lodge_machine_dup_known_lines (self, FALSE, NULL);
  /* Where that fails it comes from elsewhere once more at the engine's next start. */
  if (!lodge_known_folder_set (folder, (const char *const *) lines, &why))
    g_debug ("%s: %s", self->uuid, why->message);
  return TRUE;
}

static char *
dup_taken_out_note (LodgeMachine *self)
{
  g_autofree char *list = NULL;

  if (self->held == NULL || self->held[0] == NULL)
    return NULL;
  list = g_strjoinv (", ", self->held);
  return g_strdup_printf (_ ("This machine came from elsewhere and would have opened this computer "
                             "to its guest, so that was taken out: %s. Set again what you want of "
                             "it, or sharing.folder to nothing if you want none"),
                          list);
}

char *
lodge_machine_dup_held_note (LodgeMachine *self)
{
  g_autofree char *taken_out = dup_taken_out_note (self);
  g_autofree char *outside = lodge_machine_dup_outside_note (self);

  if (taken_out != NULL && outside != NULL)
    return g_strdup_printf (_ ("%s. %s"), outside, taken_out);
  return outside != NULL ? g_steal_pointer (&outside) : g_steal_pointer (&taken_out);
}

void
lodge_machine_forget_held (LodgeMachine *self)
{
  g_clear_pointer (&self->held, g_strfreev);
}

void
lodge_machine_renew_held_note (LodgeMachine *self, const char *before)
{
  g_autofree char *now = lodge_machine_dup_held_note (self);

  if (before != NULL && g_str_equal (lodge_machine_get_own_note (self), before))
    lodge_machine_set_own_note (self, now);
}
