/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a snapshot can be taken now and what it would hold, as the engine says.
 *
 *                          answer
 *     NONE ---> ASKED -----------------> KNOWN
 *                ^  |                      |
 *                |  | nobody could say it  | something has changed
 *                |  +-----> FAILED         |
 *                +-------------+-----------+
 *
 *   NONE    the machine is away
 *   ASKED   what was known was of the machine as it was before, and counts no more; its words stay
 *           in sight for a moment, so that nothing jumps where the answer comes at once
 *   FAILED  the machine's next change is a reason to ask again; one can be tried, since the engine
 *           looks into it then as well
 */
#include "gtk/lodge-snapshots-window-private.h"

#include <glib/gi18n-lib.h>

/* After so long it is said that the answer is on its way. */
#define PATIENCE_MS 300

gboolean
lodge_snapshots_check_allows (LodgeSnapshotsWindow *self)
{
  return self->check == LODGE_SNAPSHOTS_CHECK_FAILED ||
         (self->check == LODGE_SNAPSHOTS_CHECK_KNOWN && !self->blocked);
}

gboolean
lodge_snapshots_check_is_slow (LodgeSnapshotsWindow *self)
{
  return self->check == LODGE_SNAPSHOTS_CHECK_ASKED && self->check_timer == 0;
}

static void
take_words (LodgeSnapshotsWindow *self, char *words)
{
  g_free (self->check_words);
  self->check_words = words;
}

/* Each reason with what would lift it. */
static char *
dup_blockers (GVariant *blockers)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *sentence, *advice;
  GVariantIter iter;

  g_variant_iter_init (&iter, blockers);
  while (g_variant_iter_next (&iter, "(&s&s)", &sentence, &advice)) {
    if (text->len > 0)
      g_string_append (text, "\n\n");
    g_string_append (text, sentence);
    if (*advice != '\0')
      g_string_append_printf (text, "\n%s", advice);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
take_answer (LodgeSnapshotsWindow *self, GVariant *blockers, GVariant *facts)
{
  self->check = LODGE_SNAPSHOTS_CHECK_KNOWN;
  self->blocked = g_variant_n_children (blockers) > 0;
  self->takes_memory = FALSE;
  self->memory_bytes = 0;
  self->standstill_ms = 0;
  g_variant_lookup (facts, "memory", "b", &self->takes_memory);
  g_variant_lookup (facts, "bytes", "t", &self->memory_bytes);
  g_variant_lookup (facts, "expected-standstill", "u", &self->standstill_ms);
  take_words (self, self->blocked ? dup_blockers (blockers) : NULL);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeSnapshotsWindow) self = user_data;
  g_autoptr (GVariant) blockers = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_check_snapshot_finish (LODGE_MACHINE1 (source), &blockers, &facts, result,
                                             &error);
  /* Asked again since, or closed. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->base.connection == NULL)
    return;
  g_clear_object (&self->checking);
  g_clear_handle_id (&self->check_timer, g_source_remove);
  if (error == NULL) {
    take_answer (self, blockers, facts);
  } else {
    g_dbus_error_strip_remote_error (error);
    self->check = LODGE_SNAPSHOTS_CHECK_FAILED;
    take_words (self, g_strdup_printf (
                          _ ("Whether a snapshot can be taken now could not be found out: %s\nOne "
                             "can be tried all the same; it is looked into again at the machine’s "
                             "next change"),
                          error->message));
  }
  lodge_snapshots_window_update (self);
}

static gboolean
patience_cb (gpointer user_data)
{
  LodgeSnapshotsWindow *self = user_data;

  self->check_timer = 0;
  take_words (self, g_strdup (_ ("Whether a snapshot can be taken now is being looked into")));
  lodge_snapshots_window_update (self);
  return G_SOURCE_REMOVE;
}

static void
stop (LodgeSnapshotsWindow *self)
{
  g_cancellable_cancel (self->checking);
  g_clear_object (&self->checking);
}

void
lodge_snapshots_check_begin (LodgeSnapshotsWindow *self)
{
  const gboolean was_slow = lodge_snapshots_check_is_slow (self);

  stop (self);
  if (self->base.machine == NULL)
    return;
  self->check = LODGE_SNAPSHOTS_CHECK_ASKED;
  /* Who waits already is not told anew: a machine may change several times in a row. */
  if (self->check_timer == 0 && !was_slow)
    self->check_timer = g_timeout_add (PATIENCE_MS, patience_cb, self);
  self->checking = g_cancellable_new ();
  lodge_machine1_call_check_snapshot (self->base.machine, self->checking, checked_cb,
                                      g_object_ref (self));
  lodge_snapshots_window_update (self);
}

void
lodge_snapshots_check_clear (LodgeSnapshotsWindow *self)
{
  stop (self);
  g_clear_handle_id (&self->check_timer, g_source_remove);
  g_clear_pointer (&self->check_words, g_free);
  self->check = LODGE_SNAPSHOTS_CHECK_NONE;
}
