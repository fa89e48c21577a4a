/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine: its description, its state, and what can be done with it.
 *
 * Owns: the description file, the QMP connection, the companions (user networks, TPM), the note.
 * Never: a bus; the service room puts it on the wire.
 */
#pragma once

#include "description/lodge-store.h"
#include "machine/lodge-job.h"
#include "machine/lodge-machine-host.h"
#include "machine/lodge-machine-state.h"
#include "qemu/lodge-command.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MACHINE (lodge_machine_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMachine, lodge_machine, LODGE, MACHINE, GObject)

/* Signals
 *   "changed" (): anything a list or a client shows; state, note, description, thumbnail
 *   "guest-event" (const char *kind): reset, powerdown, shutdown, panic, suspend, wakeup
 */

/* @store outlives the machine. Reads machine.ini; a broken one makes a machine that can only be
 * looked at and deleted, with the reason as its note. */
LodgeMachine *lodge_machine_new (LodgeStore *store, LodgeMachineHost *host, const char *uuid);
/* For a machine just made. Takes @file. */
LodgeMachine *
lodge_machine_new_for_file (LodgeStore *store, LodgeMachineHost *host, LodgeDescriptionFile *file);

const char *lodge_machine_get_uuid (LodgeMachine *self);
/* The name; while machine.ini is broken, that which can be read in it, or else the UUID. */
const char *lodge_machine_get_name (LodgeMachine *self);
LodgeState lodge_machine_get_state (LodgeMachine *self);
/* It is paused now only to be suspended: it runs when it comes back. */
void lodge_machine_pause_for_suspend (LodgeMachine *self);
/* As on the contract: also "looking", while it is not known yet whether it runs. */
const char *lodge_machine_get_state_name (LodgeMachine *self);
const char *lodge_machine_get_note (LodgeMachine *self);
/* Lent until the next change; %NULL while machine.ini is broken. */
const LodgeDescription *lodge_machine_get_description (LodgeMachine *self);
/* What the state table says, and not before the true state is known. %LODGE_ERROR_STATE. */
gboolean lodge_machine_check_action (LodgeMachine *self, LodgeAction action, GError **error);
char *lodge_machine_dup_folder (LodgeMachine *self);
/* Path of the SPICE socket while there is one, else "". Lent. */
const char *lodge_machine_get_spice_socket (LodgeMachine *self);

/* Path of the socket for a console that wants the frames themselves (lodge-frames-wire.h), else "".
 * Lent. */
const char *lodge_machine_get_frames_socket (LodgeMachine *self);

/* a(sss): key ("" where a snapshot names it), path, and what that leads to if it is a link: files
 * of this computer that a machine from elsewhere names, and that nobody has accepted. Floating. */
GVariant *lodge_machine_list_outside (LodgeMachine *self);
/* From here on its guest may have them. Ends with lodge_machine_save_finish().
 * %LODGE_ERROR_NOT_FOUND for one that is not asked for. */
void lodge_machine_accept_async (LodgeMachine *self,
                                 const char *const *paths,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
/* a(sss): id, label and socket of each console of text while there is one. Floating. */
GVariant *lodge_machine_list_terminals (LodgeMachine *self);
/* Whether the guest has suspended itself to memory and waits to be woken. */
gboolean lodge_machine_get_asleep (LodgeMachine *self);
/* Why the guest cannot open the shared folder, and what to do; "" when it can, or none is wanted.
 * Lent. */
const char *lodge_machine_get_folder_problem (LodgeMachine *self);
/* Why a guest that runs has no 3D although display.3d is set, and what to do; "" when it has, or
 * none is wanted. Lent. */
const char *lodge_machine_get_graphics_problem (LodgeMachine *self);

/* Reads machine.ini again when it was edited by hand. Only while off. */
void lodge_machine_refresh (LodgeMachine *self);

/* Looks for a QEMU that an earlier engine started, and takes it over: its true state is known when
 * this finishes; or, where somebody else has the machine, perhaps for good, some seconds later.
 * Never fails. */
void
lodge_machine_recover_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
void lodge_machine_recover_finish (LodgeMachine *self, GAsyncResult *result);

/* All of these: %LODGE_ERROR_STATE where the state table forbids it, else those named. */

/* Returns when the guest's first instruction runs. Errors: those of lodge_machine_command_build()
 * and lodge_launch(), %LODGE_ERROR_CANCELLED when it was killed meanwhile. */
void
lodge_machine_start_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_machine_start_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* The same for a run of which nothing is kept: what its guest writes to its disks, its firmware's
 * variables and its TPM is gone when it ends, however it ends, and the machine is as before. No
 * snapshot of it can be taken, and it can be neither suspended nor cloned. Also
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, and %LODGE_ERROR_STATE while the machine is suspended.
 */
void lodge_machine_start_disposable_async (LodgeMachine *self,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
/* Whether it runs in such a way. */
gboolean lodge_machine_is_disposable (LodgeMachine *self);

/* The plain requests to a live machine. */
typedef enum {
  LODGE_REQUEST_PAUSE,
  LODGE_REQUEST_RESUME,
  LODGE_REQUEST_SHUTDOWN, /* presses the power button; returns at once */
  LODGE_REQUEST_RESET,
  LODGE_REQUEST_WAKE, /* a guest that has suspended itself */
  LODGE_REQUEST_KILL, /* returns when QEMU is gone */
} LodgeRequest;
void lodge_machine_request_async (LodgeMachine *self,
                                  LodgeRequest request,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean lodge_machine_request_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/**
 * lodge_machine_suspend_async:
 *
 * Writes the guest's memory to disk, at first while it runs, and ends its QEMU. When that fails or
 * is cancelled the guest goes on, and nothing is left.
 *
 * Errors: %LODGE_ERROR_STORAGE (no room), %LODGE_ERROR_DENIED, %LODGE_ERROR_FAILED,
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_suspend_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);

/**
 * lodge_machine_resume_async:
 *
 * Starts a fresh QEMU that goes on from the memory of a suspended guest, which is removed when the
 * guest runs and kept when it does not. lodge_machine_start_async() does the same where the machine
 * is suspended.
 *
 * Errors: those of a start; %LODGE_ERROR_INVALID or %LODGE_ERROR_FAILED with what to do when the
 * memory cannot be loaded.
 */
void lodge_machine_resume_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* The guest's memory is given up: the machine is off. %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED. */
void lodge_machine_discard_suspended_async (LodgeMachine *self,
                                            LodgeJob *job,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
/* For the three above. */
gboolean lodge_machine_suspend_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Whether a press on the power button can reach the guest, now or once it runs again: not without a
 * control socket, not while QEMU does not answer, and not while it stands still because its disk
 * failed or is full. */
gboolean lodge_machine_hears_button (LodgeMachine *self);
/* Whether it is on its way out, and nothing is known to be in the way of that. */
gboolean lodge_machine_is_going (LodgeMachine *self);
/* A guest that has reset, and waits for the end of work to be started again, stays off. Returns:
 * whether there is one. */
gboolean lodge_machine_forget_restart (LodgeMachine *self);

/* @changes: a{ss}. All or nothing. %LODGE_ERROR_INVALID, %LODGE_ERROR_NOT_FOUND, storage. */
void lodge_machine_set_async (LodgeMachine *self,
                              GVariant *changes,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean lodge_machine_save_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Returns: (transfer full): the command that runs it, or would, with reasons */
void
lodge_machine_explain_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
/* (element-type LodgeCommandRow), lent by the machine until the next explain or start. */
GPtrArray *lodge_machine_explain_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* PNG bytes. */
void lodge_machine_screenshot_async (LodgeMachine *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
GBytes *lodge_machine_screenshot_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* The graphics card tells its guest how large a screen should be; see
 * lodge_qemu_display_set_size_async(). */
void lodge_machine_set_display_size_async (LodgeMachine *self,
                                           guint monitor,
                                           guint width,
                                           guint height,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
gboolean
lodge_machine_set_display_size_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* The last small picture, lent, %NULL when there is none; and its serial, 0 then. */
GBytes *lodge_machine_get_thumbnail (LodgeMachine *self);
guint64 lodge_machine_get_thumbnail_serial (LodgeMachine *self);

/* Puts the guest's absolute pointer somewhere; units: Point in the contract. Ends with
 * lodge_machine_input_finish(). %LODGE_ERROR_INVALID for what is out of range, %LODGE_ERROR_STATE
 * unless it runs and has QMP, and those of lodge_qmp_execute_async(). */
void lodge_machine_point_async (LodgeMachine *self,
                                guint x,
                                guint y,
                                guint buttons,
                                int notches,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* Whether the guest has a driver for it. The same errors but %LODGE_ERROR_INVALID. */
void lodge_machine_query_pointer_async (LodgeMachine *self,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
/* Returns: 1: absolute, 0: not, -1: an error */
int lodge_machine_query_pointer_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Both end with lodge_machine_input_finish(). %LODGE_ERROR_INVALID names what cannot be typed. */
void lodge_machine_type_async (LodgeMachine *self,
                               const char *text,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
void lodge_machine_keys_async (LodgeMachine *self,
                               const char *keys,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean lodge_machine_input_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/**
 * lodge_machine_change_media_async:
 * @drive: the id of a drive, "" for the first
 * @path: (nullable): an image of a CD or DVD to put in; %NULL takes out what is in it
 * @force: also when the guest holds what is in it
 *
 * In the description and, while it runs, in the running QEMU. All or nothing.
 *
 * Errors: those of lodge_source_media_look_async() and lodge_qemu_drive_change_async(),
 * %LODGE_ERROR_NOT_FOUND (no such drive), %LODGE_ERROR_STORAGE.
 */
void lodge_machine_change_media_async (LodgeMachine *self,
                                       const char *drive,
                                       const char *path,
                                       gboolean force,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean
lodge_machine_change_media_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Snapshots. All of it is a job's work, whose end is the caller's; several at a time are refused
 * with %LODGE_ERROR_STATE. */

/**
 * lodge_machine_take_snapshot_async:
 * @name: that no other snapshot of the machine has
 * @text: "" or a line about it
 *
 * Freezes what the machine is now. An end before the last step leaves everything as it was.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID, %LODGE_ERROR_EXISTS, %LODGE_ERROR_STORAGE (full
 * disk), %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_take_snapshot_async (LodgeMachine *self,
                                        LodgeJob *job,
                                        const char *name,
                                        const char *text,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
/* The same by itself, when it is time for that: it is marked as such, and called by the time. While
 * no guest runs a start waits for its end. */
void lodge_machine_take_scheduled_async (LodgeMachine *self,
                                         LodgeJob *job,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
/* The same before going back to @snapshot (id or name) from a guest that runs: it stands still
 * afterwards, and goes on where that fails. @name: (nullable) */
void lodge_machine_keep_present_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       const char *snapshot,
                                       const char *name,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* Returns: (transfer full): the new snapshot's id */
char *lodge_machine_take_snapshot_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/**
 * lodge_machine_go_back_async:
 * @snapshot: id or name
 * @keep: the present becomes a snapshot first; else it is lost
 * @name: (nullable): of that snapshot
 *
 * The machine becomes what it was, in a new present that goes on from there.
 *
 * Errors: those of taking one, %LODGE_ERROR_NOT_FOUND.
 */
void lodge_machine_go_back_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  const char *snapshot,
                                  gboolean keep,
                                  const char *name,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* Returns: (transfer full): the id of the snapshot that the present became, "" for none */
char *lodge_machine_go_back_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/**
 * lodge_machine_delete_snapshot_async:
 * @snapshot: id or name
 *
 * Nobody else's contents change: what stood on it stands on what it stood on. It is forgotten at
 * once, in any state of the machine; while no guest runs its layers then become part of those on
 * them. To stop that is no error: it is done the next time. While one runs they wait for others, or
 * for its end: lodge_machine_can_merge_layers() tells.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED.
 */
void lodge_machine_delete_snapshot_async (LodgeMachine *self,
                                          LodgeJob *job,
                                          const char *snapshot,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);

/* The same for one that lodge_machine_schedule_find_expired() has named to @trusted. One that it
 * would not name any more, when all that was before it has ended, stays: that is no error.
 */
void lodge_machine_delete_expired_async (LodgeMachine *self,
                                         LodgeJob *job,
                                         const char *snapshot,
                                         gboolean trusted,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);

/* Merges layers that no snapshot needs by themselves any more. %LODGE_ERROR_CANCELLED. */
void lodge_machine_merge_layers_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* Whether there is something to merge, and nothing in its way. */
gboolean lodge_machine_can_merge_layers (LodgeMachine *self);
/* For the three above. */
gboolean lodge_machine_layers_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Another name (%NULL: the same), another text. */
void lodge_machine_describe_snapshot_async (LodgeMachine *self,
                                            const char *snapshot,
                                            const char *name,
                                            const char *text,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);

/* (a(ss)a{sv}): as Machine1.CheckSnapshot says. @estimate: also how long a guest that runs will
 * stand still, which may have to be measured for more than a second. Transfer full. */
void lodge_machine_check_snapshot_async (LodgeMachine *self,
                                         gboolean estimate,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
GVariant *lodge_machine_check_snapshot_finish (LodgeMachine *self, GAsyncResult *result);

/* Changes whenever the tree of snapshots does. */
guint64 lodge_machine_get_snapshot_serial (LodgeMachine *self);
/* aa{sv}: each snapshot as Machine1.ListSnapshots says. Transfer full. */
void lodge_machine_list_snapshots_async (LodgeMachine *self,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
GVariant *lodge_machine_list_snapshots_finish (LodgeMachine *self, GAsyncResult *result);
/* PNG bytes. Transfer full. %LODGE_ERROR_NOT_FOUND. */
void lodge_machine_load_snapshot_thumbnail_async (LodgeMachine *self,
                                                  const char *snapshot,
                                                  GAsyncReadyCallback callback,
                                                  gpointer user_data);
GBytes *lodge_machine_load_snapshot_thumbnail_finish (LodgeMachine *self,
                                                      GAsyncResult *result,
                                                      GError **error);

/* Asks work that gives way to stop, and calls back when there is none that does. Whoever wants to
 * work next needs the key of an encrypted machine, so it is taken out of the keyring where it is
 * not here. Never fails. */
void lodge_machine_stop_work_async (LodgeMachine *self,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* The same, and the key is not wanted. */
void lodge_machine_end_other_work_async (LodgeMachine *self,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
void lodge_machine_stop_work_finish (LodgeMachine *self, GAsyncResult *result);

/* Adds or removes a forward of @nic ("" for the first), in the description and, while it runs, in
 * its network. %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_EXISTS, %LODGE_ERROR_INVALID. */
void lodge_machine_forward_async (LodgeMachine *self,
                                  gboolean add,
                                  const char *nic,
                                  const char *rule,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean lodge_machine_forward_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

G_END_DECLS
