/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each command does. A FALSE comes with an error; output goes to stdout. */
#pragma once

#include "lodgectl-run.h"

G_BEGIN_DECLS

/* lodgectl-facts.c: asking and printing */
gboolean lodgectl_host (LodgectlRun *run, GError **error);
gboolean lodgectl_list (LodgectlRun *run, GError **error);
gboolean lodgectl_show (LodgectlRun *run, GError **error);
gboolean lodgectl_explain (LodgectlRun *run, GError **error);
gboolean lodgectl_host_disks (LodgectlRun *run, GError **error);
gboolean lodgectl_installers (LodgectlRun *run, GError **error);
gboolean lodgectl_jobs (LodgectlRun *run, GError **error);
gboolean lodgectl_version (LodgectlRun *run, GError **error);
/* Why a guest has no 3D, where its machine's note says something else; "" for nothing. Lent. */
const char *lodgectl_get_graphics_problem (LodgeMachine1 *machine);

/* lodgectl-life.c: a machine's life */
gboolean lodgectl_start (LodgectlRun *run, GError **error);
gboolean lodgectl_pause (LodgectlRun *run, GError **error);
gboolean lodgectl_resume (LodgectlRun *run, GError **error);
gboolean lodgectl_suspend (LodgectlRun *run, GError **error);
gboolean lodgectl_shutdown (LodgectlRun *run, GError **error);
gboolean lodgectl_wake (LodgectlRun *run, GError **error);
gboolean lodgectl_reset (LodgectlRun *run, GError **error);
gboolean lodgectl_kill (LodgectlRun *run, GError **error);
gboolean lodgectl_wait (LodgectlRun *run, GError **error);

/* lodgectl-create.c: making, changing and deleting machines */
gboolean lodgectl_create (LodgectlRun *run, GError **error);
gboolean lodgectl_set (LodgectlRun *run, GError **error);
gboolean lodgectl_delete (LodgectlRun *run, GError **error);

/* lodgectl-accept.c */
gboolean lodgectl_accept (LodgectlRun *run, GError **error);

/* lodgectl-clone.c */
gboolean lodgectl_clone (LodgectlRun *run, GError **error);

/* lodgectl-guest.c: a guest's screen and keyboard, its drives, network and files */
gboolean lodgectl_screenshot (LodgectlRun *run, GError **error);
gboolean lodgectl_type (LodgectlRun *run, GError **error);
gboolean lodgectl_key (LodgectlRun *run, GError **error);
gboolean lodgectl_console (LodgectlRun *run, GError **error);
gboolean lodgectl_media_insert (LodgectlRun *run, GError **error);
gboolean lodgectl_media_eject (LodgectlRun *run, GError **error);
gboolean lodgectl_forward_add (LodgectlRun *run, GError **error);
gboolean lodgectl_forward_remove (LodgectlRun *run, GError **error);
gboolean lodgectl_forward_list (LodgectlRun *run, GError **error);
gboolean lodgectl_guest_get (LodgectlRun *run, GError **error);

/* lodgectl-disk.c */
gboolean lodgectl_disk_list (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_add (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_grow (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_remove (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_detach (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_attach (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_compact (LodgectlRun *run, GError **error);
gboolean lodgectl_disk_convert (LodgectlRun *run, GError **error);

/* lodgectl-template.c */
gboolean lodgectl_template_set (LodgectlRun *run, GError **error);
gboolean lodgectl_template_unset (LodgectlRun *run, GError **error);

/* lodgectl-snapshot.c */
gboolean lodgectl_snapshot_check (LodgectlRun *run, GError **error);
gboolean lodgectl_snapshot_create (LodgectlRun *run, GError **error);
gboolean lodgectl_snapshot_list (LodgectlRun *run, GError **error);
gboolean lodgectl_snapshot_revert (LodgectlRun *run, GError **error);
gboolean lodgectl_snapshot_delete (LodgectlRun *run, GError **error);
gboolean lodgectl_snapshot_describe (LodgectlRun *run, GError **error);

/* lodgectl-serial.c: a guest's text */
gboolean lodgectl_serial (LodgectlRun *run, GError **error);

/* lodgectl-engine.c */
gboolean lodgectl_engine_stop (LodgectlRun *run, GError **error);

/* lodgectl-help.c, lodgectl-completion.c */
gboolean lodgectl_help (LodgectlRun *run, GError **error);
gboolean lodgectl_completion (LodgectlRun *run, GError **error);

/* lodgectl-passphrase.c: encrypted machines */
gboolean lodgectl_unlock (LodgectlRun *run, GError **error);
gboolean lodgectl_lock (LodgectlRun *run, GError **error);
gboolean lodgectl_passphrase_change (LodgectlRun *run, GError **error);
gboolean lodgectl_encrypt (LodgectlRun *run, GError **error);
gboolean lodgectl_decrypt (LodgectlRun *run, GError **error);
gboolean lodgectl_passphrase_remember (LodgectlRun *run, GError **error);
gboolean lodgectl_passphrase_forget (LodgectlRun *run, GError **error);

G_END_DECLS
