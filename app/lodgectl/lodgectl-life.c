/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for a machine's life. */
#include "lodgectl-handlers.h"
#include "lodgectl-command.h"
#include "lodgectl-passphrase.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include "lodge-error.h"

#include <glib/gi18n.h>
#include <stdio.h>

typedef gboolean (*Call) (LodgeMachine1 *machine, GCancellable *cancellable, GError **error);

static LodgeMachine1 *
call_machine (LodgectlRun *run, Call call, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);

  if (machine == NULL || !lodgectl_run_check (run, call (machine, NULL, error), error))
    return NULL;
  return g_steal_pointer (&machine);
}

static gboolean
call_and_go (LodgectlRun *run, Call call, GError **error)
{
  g_autoptr (LodgeMachine1) machine = call_machine (run, call, error);

  return machine != NULL;
}

static void
show_words (const char *words)
{
  if (words != NULL && *words != '\0') {
    g_autofree char *harmless = lodgectl_dup_harmless (words);

    fprintf (stderr, "lodgectl: %s\n", harmless);
  }
}

/* Something may be amiss with a machine that did start: a port is taken, or it has no 3D that
 * should have it. */
static void
show_notes (LodgectlRun *run)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, NULL);

  if (machine == NULL)
    return;
  show_words (lodge_machine1_get_note (machine));
  show_words (lodgectl_get_graphics_problem (machine));
}

/* Loading a guest's memory takes as long as it takes. */
static gboolean
start (LodgectlRun *run, LodgeMachine1 *machine, gboolean disposable, GError **error)
{
  Call call =
      disposable ? lodge_machine1_call_start_disposable_sync : lodge_machine1_call_start_sync;
  g_autoptr (GError) why = NULL;

  if (g_strcmp0 (lodge_machine1_get_state (machine), "suspended") == 0)
    g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (machine), G_MAXINT);
  if (!lodgectl_run_check (run, call (machine, NULL, &why), &why)) {
    if (!g_error_matches (why, LODGE_ERROR, LODGE_ERROR_LOCKED)) {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
    if (!lodgectl_unlock_machine (run, machine, error) ||
        !lodgectl_run_check (run, call (machine, NULL, error), error))
      return FALSE;
  }
  show_notes (run);
  return TRUE;
}

gboolean
lodgectl_start (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);

  if (machine == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "discard-suspended") &&
      g_strcmp0 (lodge_machine1_get_state (machine), "suspended") == 0) {
    g_autofree char *nothing =
        lodgectl_run_job (run, G_DBUS_PROXY (machine), "DiscardSuspended", NULL, error);

    if (nothing == NULL)
      return FALSE;
  }
  return start (run, machine, lodgectl_run_has_option (run, "disposable"), error);
}

gboolean
lodgectl_suspend (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autofree char *nothing = NULL;

  if (machine == NULL)
    return FALSE;
  nothing = lodgectl_run_job (run, G_DBUS_PROXY (machine), "Suspend", NULL, error);
  if (nothing == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'uuid': <%s>, 'state': <'suspended'>}",
                                                  lodge_machine1_get_uuid (machine)));
  return TRUE;
}

gboolean
lodgectl_pause (LodgectlRun *run, GError **error)
{
  return call_and_go (run, lodge_machine1_call_pause_sync, error);
}

gboolean
lodgectl_resume (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);

  if (machine == NULL)
    return FALSE;
  if (g_strcmp0 (lodge_machine1_get_state (machine), "suspended") == 0)
    return start (run, machine, FALSE, error);
  return lodgectl_run_check (run, lodge_machine1_call_resume_sync (machine, NULL, error), error);
}

gboolean
lodgectl_wake (LodgectlRun *run, GError **error)
{
  return call_and_go (run, lodge_machine1_call_wake_sync, error);
}

gboolean
lodgectl_reset (LodgectlRun *run, GError **error)
{
  return call_and_go (run, lodge_machine1_call_reset_sync, error);
}

gboolean
lodgectl_kill (LodgectlRun *run, GError **error)
{
  return call_and_go (run, lodge_machine1_call_kill_sync, error);
}

gboolean
lodgectl_shutdown (LodgectlRun *run, GError **error)
{
  static const char *const ends[] = {"off", "crashed", NULL};
  g_autoptr (LodgeMachine1) machine = NULL;
  gint64 timeout_s;

  if (!lodgectl_run_get_timeout (run, &timeout_s, error))
    return FALSE;
  if (timeout_s >= 0 && !lodgectl_run_has_option (run, "wait")) {
    lodgectl_set_usage_error (error, _ ("--timeout goes with --wait"));
    return FALSE;
  }
  machine = call_machine (run, lodge_machine1_call_shutdown_sync, error);
  if (machine == NULL || !lodgectl_run_has_option (run, "wait"))
    return machine != NULL;
  if (!lodgectl_wait_state (run, machine, ends, timeout_s, error))
    return FALSE;
  if (g_strcmp0 (lodge_machine1_get_state (machine), "crashed") == 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("“%s” crashed instead"),
                 lodge_machine1_get_name (machine));
    return FALSE;
  }
  return TRUE;
}

gboolean
lodgectl_wait (LodgectlRun *run, GError **error)
{
  const char *states[] = {lodgectl_run_get_argument (run, 1), NULL};
  g_autoptr (LodgeMachine1) machine = NULL;
  gint64 timeout_s;

  if (!lodgectl_run_get_timeout (run, &timeout_s, error))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  return machine != NULL && lodgectl_wait_state (run, machine, states, timeout_s, error);
}
