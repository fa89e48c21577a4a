/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bar at the bottom of a window: what long work is doing, how far it is, and a button that
 * cancels it. It is there while it follows a job. */
#pragma once

#include "lodge-contract-generated.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_WORK_BAR (lodge_work_bar_get_type ())
G_DECLARE_FINAL_TYPE (LodgeWorkBar, lodge_work_bar, LODGE, WORK_BAR, AdwBin)

GtkWidget *lodge_work_bar_new (void);

/**
 * lodge_work_bar_follow:
 * @path: of a Job1
 * @callback: finish with lodge_job_follow_finish()
 *
 * Shows the job until its end, of one at a time. It goes on when the bar is gone.
 */
void lodge_work_bar_follow (LodgeWorkBar *self,
                            GDBusConnection *connection,
                            const char *path,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean lodge_work_bar_is_busy (LodgeWorkBar *self);

G_END_DECLS
