/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of a guest's, read through qemu-guest-agent in it, into a folder of the user's.
 *
 * Never: believes what the agent says of length, place or end; leaves a file open in a guest that
 * still answers, or anything in the folder that is not whole.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How long the agent may take for each of its answers; and for what is asked of it yet, once this
 * was cancelled. */
extern guint lodge_guest_fetch_patience_ms;
extern guint lodge_guest_fetch_cancel_ms;
/* How long hardly anything may come, as a sum of what several answers take; and how much more may
 * come than twice what the agent has said. */
extern guint lodge_guest_fetch_crawl_ms;
extern guint64 lodge_guest_fetch_slack_bytes;

typedef struct {
  const char *socket_path; /* where QEMU serves the agent's channel */
  GPid qemu;               /* who has to be there, or 0 where that cannot be told */
  const char *path;        /* in the guest */
  int folder_fd;           /* here: as lodge_received_file_begin(); kept open until this ends */
  const char *folder;
  const char *data_folder; /* as lodge_received_file_begin() */
} LodgeGuestFetchPlan;

/* @size_bytes: as far as the agent says, or 0 where it is not known. Not more often than there are
 * pieces. */
typedef void (*LodgeGuestFetchProgress) (guint64 n_bytes, guint64 size_bytes, gpointer user_data);

/**
 * lodge_guest_fetch_async:
 * @progress: (nullable)
 *
 * Errors: %LODGE_ERROR_INVALID (a path that is none, a folder, a name that cannot be one here),
 * %LODGE_ERROR_NOT_FOUND (no such file in the guest, or the folder has gone), %LODGE_ERROR_DENIED
 * (there or here; or the agent is not allowed to read files), %LODGE_ERROR_STORAGE (no room here),
 * %LODGE_ERROR_TIMEOUT (the agent does not answer, or sends next to nothing), %LODGE_ERROR_FAILED
 * (it went, says what it should not, or sends far more than it has said; or its own words),
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_guest_fetch_async (const LodgeGuestFetchPlan *plan,
                              LodgeGuestFetchProgress progress,
                              gpointer progress_data,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/* Returns: (transfer full): the path of the file */
char *lodge_guest_fetch_finish (GAsyncResult *result, GError **error);

G_END_DECLS
