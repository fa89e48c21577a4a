/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All machines of this user, and the jobs that are under way. */
#pragma once

#include "machine/lodge-job.h"
#include "machine/lodge-machine.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

#define LODGE_TYPE_LIBRARY (lodge_library_get_type ())
G_DECLARE_FINAL_TYPE (LodgeLibrary, lodge_library, LODGE, LIBRARY, GObject)

/* Signals
 *   "machine-changed" (LodgeMachine *): also for one that is new
 *   "machine-removed" (const char *uuid)
 *   "job-added" (LodgeJob *)
 */

/* @data_folder: where machines are kept. The caller is the only engine of this user: what a crash
 * left half-made is removed. %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE. */
LodgeLibrary *lodge_library_new (const char *data_folder, GError **error);

/* Finds again every machine that runs. Never fails. */
void
lodge_library_recover_async (LodgeLibrary *self, GAsyncReadyCallback callback, gpointer user_data);
void lodge_library_recover_finish (LodgeLibrary *self, GAsyncResult *result);

/* Lent (element-type LodgeMachine). */
GPtrArray *lodge_library_get_machines (LodgeLibrary *self);
/* Lent (element-type LodgeJob): running ones, and those that ended within the last minute. */
GPtrArray *lodge_library_get_jobs (LodgeLibrary *self);
LodgeMachineHost *lodge_library_get_host (LodgeLibrary *self);

/* @machine: a UUID, or a name that exactly one machine has. Lent. %LODGE_ERROR_NOT_FOUND,
 * %LODGE_ERROR_INVALID when several have the name (the message gives their UUIDs). */
LodgeMachine *lodge_library_find (LodgeLibrary *self, const char *machine, GError **error);

/* Whether no machine has @name, and none that is being made. */
gboolean lodge_library_is_name_free (LodgeLibrary *self, const char *name);

/* @spec: a{sv} as Engine1.CreateMachine says. What is wrong with it is an error at once; what goes
 * wrong later is the job's. Lent: the job is the library's. */
LodgeJob *lodge_library_create_machine (LodgeLibrary *self, GVariant *spec, GError **error);

/* @options: a{sv} as Machine1.Clone says. What is wrong with it is an error at once; what goes
 * wrong later is the job's. Lent. */
LodgeJob *lodge_library_clone_machine (
    LodgeLibrary *self, LodgeMachine *machine, const char *name, GVariant *options, GError **error);

/* %LODGE_ERROR_STATE. Lent. */
LodgeJob *lodge_library_delete_machine (LodgeLibrary *self, LodgeMachine *machine, GError **error);

/* Jobs of a machine's snapshots: see lodge_machine_take_snapshot_async() and the like. Whatever is
 * wrong is the job's error. Lent. */
LodgeJob *lodge_library_take_snapshot (LodgeLibrary *self,
                                       LodgeMachine *machine,
                                       const char *name,
                                       const char *text);
LodgeJob *lodge_library_go_back (LodgeLibrary *self,
                                 LodgeMachine *machine,
                                 const char *snapshot,
                                 gboolean keep,
                                 const char *name);
/* The same with the disks alone: the machine is off then, also where the snapshot holds memory. */
LodgeJob *lodge_library_go_back_off (LodgeLibrary *self,
                                     LodgeMachine *machine,
                                     const char *snapshot,
                                     gboolean keep,
                                     const char *name);
LodgeJob *
lodge_library_delete_snapshot (LodgeLibrary *self, LodgeMachine *machine, const char *snapshot);
/* See lodge_machine_delete_expired_async(). */
LodgeJob *lodge_library_delete_expired (LodgeLibrary *self,
                                        LodgeMachine *machine,
                                        const char *snapshot,
                                        gboolean trusted);

/* Jobs as lodge_machine_suspend_async() and those beside it say. Whatever is wrong is the job's
 * error. Lent. */
LodgeJob *lodge_library_suspend (LodgeLibrary *self, LodgeMachine *machine);
LodgeJob *lodge_library_resume (LodgeLibrary *self, LodgeMachine *machine);
LodgeJob *lodge_library_discard_suspended (LodgeLibrary *self, LodgeMachine *machine);

/* Jobs as lodge_machine_grow_disk_async() and those beside it say. Whatever is wrong is the job's
 * error. Lent. */
LodgeJob *lodge_library_grow_disk (LodgeLibrary *self,
                                   LodgeMachine *machine,
                                   const char *disk,
                                   guint64 size_bytes);
LodgeJob *lodge_library_add_disk (LodgeLibrary *self,
                                  LodgeMachine *machine,
                                  guint64 size_bytes,
                                  const char *bus,
                                  const char *image);
/* The disks of this computer that machines run with: their paths, and the machines' names. Transfer
 * full. */
GHashTable *lodge_library_list_held_disks (LodgeLibrary *self);
LodgeJob *lodge_library_add_host_disk (LodgeLibrary *self,
                                       LodgeMachine *machine,
                                       const char *path,
                                       const char *bus,
                                       gboolean accepted);
LodgeJob *lodge_library_remove_disk (LodgeLibrary *self,
                                     LodgeMachine *machine,
                                     const char *disk,
                                     gboolean first);
LodgeJob *lodge_library_detach_disk (LodgeLibrary *self,
                                     LodgeMachine *machine,
                                     const char *disk,
                                     gboolean first);
LodgeJob *lodge_library_attach_disk (LodgeLibrary *self, LodgeMachine *machine, const char *disk);
/* As lodge_machine_plug_stick_async() and the one beside it. */
LodgeJob *lodge_library_plug_stick (LodgeLibrary *self, LodgeMachine *machine, const char *path);
LodgeJob *lodge_library_unplug_stick (LodgeLibrary *self, LodgeMachine *machine, const char *stick);
LodgeJob *lodge_library_compact_disk (LodgeLibrary *self, LodgeMachine *machine, const char *disk);
LodgeJob *lodge_library_convert_disk (LodgeLibrary *self,
                                      LodgeMachine *machine,
                                      const char *disk,
                                      const char *format,
                                      const char *path,
                                      const char *snapshot,
                                      gboolean replace);

/* A job as lodge_machine_fetch_file_async() says; its result is the path of the file. Lent. */
LodgeJob *lodge_library_fetch_file (LodgeLibrary *self,
                                    LodgeMachine *machine,
                                    const char *path,
                                    const char *folder);

/* A job as lodge_machine_encrypt_async() says. @remember: the key goes into the keyring, too; where
 * that fails the machine's note says why. Lent. */
LodgeJob *lodge_library_encrypt (LodgeLibrary *self,
                                 LodgeMachine *machine,
                                 LodgeSecret *passphrase,
                                 gboolean remember);
/* Lent. */
LodgeJob *lodge_library_decrypt (LodgeLibrary *self, LodgeMachine *machine);

/**
 * lodge_library_shut_down_async:
 * @limit_s: when to give up
 * @again_s: after how long a guest that still runs is asked once more
 *
 * Asks every guest to power off, those that the user has paused after resuming them, and calls back
 * when none is left that could, or after @limit_s.
 */
void lodge_library_shut_down_async (LodgeLibrary *self,
                                    guint limit_s,
                                    guint again_s,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: how many guests still run or stand still */
guint lodge_library_shut_down_finish (LodgeLibrary *self, GAsyncResult *result);

/* Changes the name, keeping names unique. %LODGE_ERROR_EXISTS. Everything else: as
 * lodge_machine_set_async(). */
void lodge_library_set_async (LodgeLibrary *self,
                              LodgeMachine *machine,
                              GVariant *changes,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean lodge_library_set_finish (LodgeLibrary *self, GAsyncResult *result, GError **error);

G_END_DECLS
