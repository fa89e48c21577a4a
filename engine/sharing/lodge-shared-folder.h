/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a machine shares with its guest: the process lodge-share beside QEMU, seen from
 * the engine.
 *
 * Theory of operation: QEMU listens on a socket for the guest's virtio port; the engine connects to
 * it and hands the connection to lodge-share, which speaks WebDAV over it. The process sees the
 * folder and nothing else of the user's: always contained, read-only unless the guest may write. It
 * outlives the engine, and ends when QEMU does or when the connection is closed; the guest then
 * sees the port go.
 *
 * Or virtiofsd does it: lodge-share makes sure of the folder and becomes that. QEMU is given the
 * other end of its wire, and has a device on it (lodge-machine-virtiofs.c).
 *
 * An engine that starts later finds it by the lock on a file in the machine's folder, whose text
 * says what is shared. QEMU cannot reach that folder.
 */
#pragma once

#include "sharing/lodge-virtiofsd.h"

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_FOLDER (lodge_shared_folder_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSharedFolder, lodge_shared_folder, LODGE, SHARED_FOLDER, GObject)

/* Signals
 *   "closed" (): once; the process is gone
 */

/* The socket's name in the machine's runtime folder. */
#define LODGE_SHARED_FOLDER_SOCKET "folder.sock"

/**
 * lodge_shared_folder_open:
 * @path: as the user gave it
 * @out_real: (out): the path without links
 *
 * Opens the folder if it may be shared: one of the user's, and none that holds, or is within, what
 * would give the guest more than files. What is checked is what is open, whatever @path leads to
 * afterwards.
 *
 * Returns: a descriptor that only says which folder it is (O_PATH), or -1 with
 *   %LODGE_ERROR_NOT_FOUND or %LODGE_ERROR_INVALID
 */
int lodge_shared_folder_open (const char *path, gboolean writable, char **out_real, GError **error);

/* The same for who only asks. Returns: (transfer full): the path without links, or %NULL. */
char *lodge_shared_folder_check (const char *path, gboolean writable, GError **error);

/**
 * lodge_shared_folder_start:
 * @path: what lodge_shared_folder_check() allows
 * @runtime_folder: the machine's
 * @qemu: who has to be at the other end of the socket
 * @machine_folder: for the lock and the log
 * @unit: its systemd scope
 *
 * Errors: those of lodge_shared_folder_check() and lodge_launch(), among them %LODGE_ERROR_HOST
 * where nothing can be contained; %LODGE_ERROR_FAILED.
 */
LodgeSharedFolder *lodge_shared_folder_start (const char *path,
                                              gboolean writable,
                                              const char *runtime_folder,
                                              GPid qemu,
                                              const char *machine_folder,
                                              const char *unit,
                                              GError **error);

/**
 * lodge_shared_folder_start_virtiofs:
 * @virtiofsd: one that can be used
 * @out_wire: (out): what QEMU is to have
 *
 * The same by virtiofs; the rest is as above.
 */
LodgeSharedFolder *lodge_shared_folder_start_virtiofs (const char *path,
                                                       gboolean writable,
                                                       const LodgeVirtiofsd *virtiofsd,
                                                       const char *machine_folder,
                                                       const char *unit,
                                                       int *out_wire,
                                                       GError **error);

/* The one that an earlier engine started, or %NULL. */
LodgeSharedFolder *lodge_shared_folder_find (const char *machine_folder);

/* Whether it shares that, in that way. */
gboolean lodge_shared_folder_is (LodgeSharedFolder *self,
                                 const char *path,
                                 gboolean writable,
                                 gboolean virtiofs);
gboolean lodge_shared_folder_is_virtiofs (LodgeSharedFolder *self);

/* Whether the path still leads to the folder that is shared: it may have been removed, or the disk
 * that it is on. */
gboolean lodge_shared_folder_is_there (LodgeSharedFolder *self);

/* Ends the process; "closed" comes when it is gone. */
void lodge_shared_folder_stop (LodgeSharedFolder *self);

G_END_DECLS
