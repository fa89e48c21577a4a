/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine whose folder came from elsewhere: copied in, or put in the place of another.
 *
 * Its maker must not decide what of this computer the guest is given. So whatever opens this
 * computer to the guest, or the guest to the network, is taken out of such a description before
 * anything else looks at it; the note says what it was and how to have it again, until the user has
 * set something of the kind. A key edited by hand in a folder that is known already is the user's
 * own word.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-known-folder.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

static const char *const held_keys[] = {
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

  g_clear_pointer (&self->held, g_strfreev);
  if (lodge_known_folder_check (folder, &self->held))
    return TRUE;

  value = lodge_description_copy (lodge_machine_get_description (self));
  held = take_out (value);
  if (held[0] != NULL) {
    /* Written first, so that whatever happens next it is not there any more. */
    if (!lodge_description_file_save (self->file, value, &why)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                   _ ("The machine came from elsewhere, and %s in it could not be held back: %s"),
                   held[0], why->message);
      return FALSE;
    }
    self->held = g_steal_pointer (&held);
  }
  /* Where that fails it comes from elsewhere once more at the engine's next start. */
  if (!lodge_known_folder_set (folder, (const char *const *) self->held, &why))
    g_debug ("%s: %s", self->uuid, why->message);
  return TRUE;
}

char *
lodge_machine_dup_held_note (LodgeMachine *self)
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

void
lodge_machine_forget_held (LodgeMachine *self)
{
  g_autofree char *note = lodge_machine_dup_held_note (self);

  g_clear_pointer (&self->held, g_strfreev);
  if (note != NULL && g_str_equal (self->note, note))
    lodge_machine_set_note (self, NULL);
}
