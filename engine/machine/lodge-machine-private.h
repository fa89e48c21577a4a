/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of one machine share: start, run, recover, input, screen, share. */
#pragma once

#include "machine/lodge-frame-door.h"
#include "machine/lodge-job.h"
#include "machine/lodge-machine.h"
#include "machine/lodge-run-record.h"
#include "network/lodge-user-network.h"
#include "qemu/lodge-machine-command.h"
#include "qemu/lodge-qmp.h"
#include "sharing/lodge-shared-folder.h"

#include <gio/gunixmounts.h>

G_BEGIN_DECLS

/* lodge-machine-silent.c */
typedef struct _LodgeSilence LodgeSilence;

/* lodge-machine-virtiofs.c: the device of a folder that is shared by virtiofs */
typedef enum {
  LODGE_FOLDER_DEVICE_NONE,
  LODGE_FOLDER_DEVICE_COMES,   /* QEMU is told to have it */
  LODGE_FOLDER_DEVICE_THERE,   /* the guest has it */
  LODGE_FOLDER_DEVICE_GOES,    /* the guest was asked to let go */
  LODGE_FOLDER_DEVICE_UNKNOWN, /* QEMU is asked what there is */
} LodgeFolderDevice;

struct _LodgeMachine {
  GObject parent_instance;

  LodgeStore *store;
  LodgeMachineHost *host;
  char *uuid;
  LodgeDescriptionFile *file; /* NULL while machine.ini is broken */
  gboolean saving;            /* a thread writes it */
  GQueue saves;               /* of GTask: changes that wait for their turn */
  gint64 file_time_us;        /* machine.ini's time of change when it was read */

  LodgeState state;
  char *note;
  /* While machine.ini is broken. */
  char *broken;     /* what is wrong with it, or NULL */
  char *known_name; /* the name that can be read in it all the same, or NULL */
  /* What was taken out of it when it came from elsewhere, until somebody has decided; or NULL. */
  char **held;
  gboolean held_decided; /* an edit's word that it is about that */
  /* Files of this computer that it named when it came, until somebody has accepted them; or NULL.
   */
  char **outside;
  const char *const *accepted; /* an edit's word which of them are; lent */

  /* While there is a QEMU. */
  LodgeQmp *qmp;
  GPid pid;      /* QEMU's, or bubblewrap's until QMP has greeted; 0 when gone */
  guint watch;   /* on pid */
  char *runtime; /* its folder of sockets */
  char *spice_socket;
  char *render_node;      /* of the card that it draws in 3D with, or NULL */
  char *graphics_problem; /* why it has none although it should, or NULL */
  LodgeSilence *silence;  /* while QEMU does not answer, or NULL */
  LodgeFrameDoor *frames; /* or NULL */
  GPtrArray *terminals;   /* of what lodge-machine-terminals.c knows */
  /* By the session's end: it is to run when it comes back. */
  gboolean paused_for_suspend;
  gboolean changing_media;
  gboolean asleep;        /* the guest has suspended itself to memory */
  gint64 clock_since_us;  /* its clock stood still from then on; 0: it goes right */
  gint64 clock_behind_us; /* for so long, when it went on */
  guint clock_again_s;    /* its agent did not set it, and was asked again after so long; or 0 */
  char *clock_note;       /* the note says that; or NULL */
  guint clock_timeout;
  GCancellable *clock_talk; /* its agent is being asked to set it; or NULL */
  gboolean fetching;        /* a file, which has its agent's channel meanwhile */
  GHashTable *networks;     /* NIC id to LodgeUserNetwork */
  GHashTable *media;        /* path of a disk of this computer to its sequence, while it runs */
  GHashTable *links;        /* NIC id to whether QEMU was told that its cable is plugged in */
  gboolean links_unknown;   /* an earlier engine may have told it something else */
  gboolean links_under_way; /* it is being told */
  gboolean has_tpm;
  LodgeSharedFolder *share; /* while a folder is shared */
  gboolean share_ending;    /* it was told to end */
  gint64 share_began_us;
  guint share_restarts; /* one after the other, none of which lived long */
  guint share_timeout;
  GError *share_failure; /* why QEMU did not take it; or NULL */
  LodgeFolderDevice folder_device;
  guint folder_timeout;
  gboolean virtiofs_asked;         /* whether virtiofsd can be used is being found out */
  char *share_note;                /* what is wrong with it, and the note was told; or NULL */
  GFile *share_watched;            /* the folder that is wanted, while something is; or NULL */
  GFileMonitor *share_monitor;     /* of its name, or NULL */
  GUnixMountMonitor *share_mounts; /* a disk may go with it */
  LodgeDescription *started;       /* what QEMU was started with; NULL: by an earlier engine */
  gboolean frozen;                 /* for a snapshot, a moment; nobody asked for a pause */
  gboolean disk_failed;            /* what the guest is paused for */
  gboolean disposable;             /* nothing of this run is kept */
  gboolean ending;                 /* QEMU was told to go: its end is no crash */
  gboolean left_open;              /* by lodge_machine_leave_open() */
  gboolean settling;               /* QEMU has ended, and the state does not say so yet */
  gboolean start_failed;           /* as the note says, and nothing was changed since */
  gboolean restart;                /* the guest reset and gets a fresh QEMU */
  gboolean restart_waits;          /* for the end of work, since when it is off */
  gboolean recovering;             /* what an earlier engine started is being looked for */
  char *gone_on; /* the memory that its guest went on from, and that may still be named; or NULL */
  guint reaction_timeout; /* a guest that ignores its power button */
  guint kill_timeout;     /* a QEMU that ignores "quit" */
  guint network_timeout;  /* a network that ended before its QEMU */
  char *unplugging;       /* a disk that the guest was asked to let go of; or NULL */
  guint settle_timeout;   /* it has let go of one that nobody has asked for */
  guint settle_wait_ms;
  GCancellable *start_cancellable;
  GPtrArray *waiting_for_end; /* of GTask: return TRUE once QEMU is gone */

  char *key_folder; /* its own, for as long as it is encrypted; or NULL */
  /* While an encrypted machine's key is here. */
  guint key_timeout;
  guint key_rested; /* for how many minutes */
  gboolean passphrase_changes;

  /* Long work on its folder. */
  LodgeJob *work;
  gboolean work_gives_way;     /* to a start: it can be stopped at any time and lost nothing */
  gboolean work_ends_soon;     /* and is not stopped for that, but waited for */
  GPtrArray *waiting_for_work; /* of GTask: return TRUE once it has ended */
  guint64 snapshot_serial;
  guint standstill_ms;      /* of its guest, for the last snapshot in this run; 0: there was none */
  guint expected_ms;        /* that it will stand still for the next; reckoned at */
  gint64 expected_at_us;    /* this monotonic time; 0: not yet */
  gboolean merge_stopped;   /* by somebody, or a full disk: not begun again by itself */
  gboolean join_stopped;    /* the same for joining */
  gboolean chain_unsettled; /* QEMU's disks may stand on other layers than machine.ini says */

  /* Snapshots that are taken by themselves. Times are of LodgeClock. */
  gint64 schedule_seen_s;              /* at which nothing was new */
  gboolean schedule_unchanged;         /* nor will be as long as it is off */
  gboolean schedule_ran;               /* since the last, and not only stood still */
  gint64 schedule_not_before_s;        /* of elapsed_s */
  gint64 schedule_delete_not_before_s; /* the same */
  gint64 schedule_waits_since_s;       /* of elapsed_s, for a merge; 0: it does not */
  gboolean schedule_stopped_merge;     /* and none has come to its end since */
  char *schedule_note;                 /* what the note says, if it says so; or NULL */

  /* What explain shows. */
  LodgeCommand *command;
  gboolean command_runs; /* it is the one that runs now */

  GQueue wishes; /* of GTask: what QEMU is told over its display interface, one after the other */
  guint screen_timeout;
  gboolean screen_under_way;
  GBytes *thumbnail;
  guint64 thumbnail_serial;
};

/* lodge-machine.c */
void lodge_machine_set_state (LodgeMachine *self, LodgeState state);
/* @note: (nullable): one sentence, or nothing to say. */
void lodge_machine_set_note (LodgeMachine *self, const char *note);
/* Where it comes to rest: suspended while machine.ini names a guest's memory that it has not gone
 * on from, else off. */
LodgeState lodge_machine_get_rest_state (LodgeMachine *self);
/* What there is to say of one that runs. */
void lodge_machine_note_run (LodgeMachine *self);
/* What there is to say of a machine that does nothing: its machine.ini, or its crash. */
void lodge_machine_note_rest (LodgeMachine *self);
void lodge_machine_emit_changed (LodgeMachine *self);
void lodge_machine_emit_guest_event (LodgeMachine *self, const char *kind);
/* Takes what was just written. */
void lodge_machine_take_file (LodgeMachine *self, LodgeDescriptionFile *file);
/* %LODGE_ERROR_STATE while what an earlier engine has left is being looked for. */
gboolean lodge_machine_check_recovered (LodgeMachine *self, GError **error);
/* %LODGE_ERROR_INVALID with the reason while machine.ini is broken. */
gboolean lodge_machine_check_usable (LodgeMachine *self, GError **error);

/* %LODGE_ERROR_STATE for a template. */
gboolean lodge_machine_check_changeable (LodgeMachine *self, GError **error);

/* lodge-machine-adopt.c */
/* After loading. %FALSE: the machine must not be used. */
gboolean lodge_machine_adopt (LodgeMachine *self, GError **error);
/* (transfer full) (nullable): what the note has to say of it. */
char *lodge_machine_dup_held_note (LodgeMachine *self);
/* The user has decided. */
void lodge_machine_forget_held (LodgeMachine *self);
/* Where the note is @before it becomes what it would be now. */
void lodge_machine_renew_held_note (LodgeMachine *self, const char *before);
/* Whether the key is one of those. */
gboolean lodge_machine_is_held_key (const char *name);

/* lodge-machine-outside.c */
/* All that @value, which came from elsewhere, and its snapshots name waits to be accepted. */
void lodge_machine_find_outside (LodgeMachine *self, const LodgeDescription *value);
/* Whether it is this computer's firmware for such a machine. */
gboolean lodge_machine_is_firmware (const LodgeDescription *value, const char *path);
/* What is known of its folder, in lines: what is held back, unless that is @decided, and what waits
 * to be accepted, but for those in @accepted (nullable). */
char **
lodge_machine_dup_known_lines (LodgeMachine *self, gboolean decided, const char *const *accepted);
void lodge_machine_take_known_lines (LodgeMachine *self, char **lines);
/* They do not wait any more. */
void lodge_machine_forget_outside (LodgeMachine *self, const char *const *accepted);
/* %LODGE_ERROR_DENIED while something of @used waits. */
gboolean
lodge_machine_check_outside (LodgeMachine *self, const LodgeDescription *used, GError **error);
/* The same for all that there is, its snapshots', too. */
gboolean lodge_machine_check_no_outside (LodgeMachine *self, GError **error);
/* (transfer full) (nullable): what the note has to say of it. */
char *lodge_machine_dup_outside_note (LodgeMachine *self);

/* lodge-machine-explain.c, lodge-machine-host-disks.c: the command for @description, which is
 * resolved. Wires, what lodge_machine_open_host_disks() has opened, and the key of an encrypted
 * machine (else -1), are the caller's until this succeeds, then the command's. */
LodgeCommand *lodge_machine_build_command (LodgeMachine *self,
                                           const LodgeDescription *description,
                                           const char *tpm_socket,
                                           const LodgeMachineCommandWire *wires,
                                           guint n_wires,
                                           const GArray *host_disks,
                                           int key_fd,
                                           const char *render_node,
                                           GError **error);
/* All of @description's that are disks of this computer: of LodgeMachineCommandHostDisk; /dev/null
 * where they are only to be shown. Each may sleep: for threads. %NULL with the errors of
 * lodge_host_disk_open(). */
GArray *lodge_machine_open_host_disks (const LodgeDescription *description,
                                       gboolean only_shown,
                                       GError **error);
void lodge_machine_close_host_disks (GArray *disks);
/* What is in the drives of those where it can be changed: paths to sequences. For threads. */
GHashTable *lodge_machine_list_media (const LodgeDescription *description);
/* The machine runs with it from now on. @sequence: LodgeHostDisk's */
void lodge_machine_remember_medium (LodgeMachine *self, const char *path, guint64 sequence);
/* The same for all that it begins to run with. Takes @media. */
void lodge_machine_take_media (LodgeMachine *self, GHashTable *media);
/* For an engine that finds it: what it runs, or ran, with. */
void lodge_machine_recover_media (LodgeMachine *self);
/* Its run has ended: what the guest has made of the media is written down. There is nothing to
 * finish. */
void lodge_machine_look_at_media_async (LodgeMachine *self,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);

/* lodge-machine-3d.c */

/* The render nodes of the cards that may draw in 3D for a guest of @description, of which the first
 * that works is to; or %NULL, where @out_problem says why there is none although one is wanted, or
 * is %NULL. Both transfer full. */
GPtrArray *lodge_machine_list_render_nodes (LodgeMachine *self,
                                            const LodgeDescription *description,
                                            char **out_problem);
/* The run is over. */
void lodge_machine_forget_graphics (LodgeMachine *self);
/* How long a QEMU that draws in 3D may take until it answers. Only tests change it. */
extern guint lodge_machine_3d_limit_ms;

/* lodge-machine-save.c */
/* Changes @value, a copy of what is there when it is its turn. */
typedef gboolean (*LodgeMachineEdit) (LodgeMachine *self,
                                      LodgeDescription *value,
                                      gpointer data,
                                      GError **error);
/* Never waits for the disk. What the engine itself changes: comes when work on the folder has
 * ended. Errors: @edit's, those of lodge_description_file_save(). */
void lodge_machine_save_async (LodgeMachine *self,
                               LodgeMachineEdit edit,
                               gpointer data,
                               GDestroyNotify free_data,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/* For somebody who waits: refused where it would have to wait for work. Errors: the same, those of
 * lodge_machine_check_edit(). */
void lodge_machine_save_for_client_async (LodgeMachine *self,
                                          LodgeMachineEdit edit,
                                          gpointer data,
                                          GDestroyNotify free_data,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
/* %LODGE_ERROR_STATE while there is work that a change of the description waits for. */
gboolean lodge_machine_check_edit (LodgeMachine *self, GError **error);

/* %LODGE_ERROR_STATE while a suspended guest's memory depends on @what, which is to be changed. */
gboolean lodge_machine_check_not_suspended (LodgeMachine *self, const char *what, GError **error);

/* %LODGE_ERROR_STATE for what a newer Lodge has written. */
gboolean lodge_machine_check_writable (LodgeMachine *self, GError **error);
/* Those that had to wait for work to end. */
void lodge_machine_save_waiting (LodgeMachine *self);
/* For the work that is under way. @data lives until it has been called back. */
void lodge_machine_save_for_work_async (LodgeMachine *self,
                                        LodgeMachineEdit edit,
                                        gpointer data,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
/* Calls back when nothing is being written, and nothing will be until the work ends. There is
 * nothing to finish. */
void lodge_machine_wait_saved_async (LodgeMachine *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/* lodge-machine-snapshot-list.c */
/* Whether the snapshot (id or name) has a guest's memory. */
gboolean lodge_machine_has_memory (LodgeMachine *self, const char *snapshot);
/* Of the snapshot that the present goes on from: -1 in @out_fd where it has none. */
gboolean lodge_machine_open_memory (LodgeMachine *self, int *out_fd, GError **error);

/* lodge-machine-snapshot-recover.c: what an engine that was killed has left of its work: of a
 * snapshot of a running guest also in QEMU, where that lives. For whoever finds it, before work of
 * his own. After an error the journal stays for the next attempt. Errors: those of
 * lodge_qemu_snapshot_recover_async(), of saving, of lodge_machine_tidy_async(); %LODGE_ERROR_STATE
 * when QEMU lives and cannot be asked. */
void lodge_machine_tidy_earlier_async (LodgeMachine *self,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean
lodge_machine_tidy_earlier_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* The guest goes on that stood still for @snapshot, as the journal calls it: whoever stops it from
 * here on means it, whatever a journal says that cannot be removed. */
void lodge_machine_went_on (LodgeMachine *self, const char *snapshot);

/* lodge-machine-forget.c: the memory of a guest that was suspended to disk. */
/* Its guest goes on from @suspended now, or may have done so; %NULL: it has not. */
void lodge_machine_set_gone_on (LodgeMachine *self, const char *suspended);
/* Whether machine.ini names what the guest has gone on from. */
gboolean lodge_machine_has_gone_on (LodgeMachine *self);
/* lodge_run_record_clear(), unless that is so, or QEMU is there of a run of which nothing is kept.
 */
void lodge_machine_clear_run (LodgeMachine *self);
/* machine.ini names no memory any more. Errors: those of saving. */
void
lodge_machine_forget_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_machine_forget_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* lodge-machine-layers-live.c: layers are merged into a new one, also while QEMU has them. */
/* Each layer costs QEMU two open files and qemu-img another, and a read of what was never written
 * goes through all of them: no disk stands on more. */
#define LODGE_MACHINE_MOST_LAYERS 80
/* So many that no snapshot needs have to stand on each other: each time what is in them is written
 * anew, and what is above the large ones is read through so many more files. Tests need fewer. */
#define LODGE_MACHINE_LEAST_JOINED 8
extern guint lodge_machine_least_joined;
/* On so many layers a disk stands when those that it shares with another machine are joined, too:
 * half of those that there may be (LODGE_MACHINE_MOST_LAYERS), so that there is time to do it in,
 * and what is shared stays so as a rule. Tests need fewer. */
#define LODGE_MACHINE_LONG_CHAIN (LODGE_MACHINE_MOST_LAYERS / 2)
extern guint lodge_machine_long_chain;
/* lodge-machine-layers.c: whether nobody has its layers open, nor will go on from them. */
gboolean lodge_machine_is_at_rest (LodgeMachine *self);
/* Whether there is something to do, but for work that is under way. */
gboolean lodge_machine_can_join_layers (LodgeMachine *self);
/* For the work that is under way, which gives way meanwhile. Ends well also where QEMU has ended:
 * then there is nothing left of it. Errors: those of lodge_image_join_async(), of saving, of
 * lodge_qemu_chain_settle_async(). */
void lodge_machine_join_layers_async (LodgeMachine *self,
                                      LodgeJob *job,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean
lodge_machine_join_layers_finish (LodgeMachine *self, GAsyncResult *result, GError **error);
/* An earlier engine has left its work in a QEMU that runs. */
void lodge_machine_join_recover (LodgeMachine *self);

/* lodge-machine-chain.c */
/* QEMU, which there is, is told which layers its disks stand on; then it is settled. @gone:
 * (nullable): ids of the layers that are gone, from the upmost down; NULL where nobody knows. Ends
 * well also where QEMU has ended. Errors: those of lodge_qemu_list_devices_async(), of
 * lodge_own_file_open(), of lodge_qemu_chain_settle_async(). */
void lodge_machine_settle_chain_async (LodgeMachine *self,
                                       const char *const *gone,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean
lodge_machine_settle_chain_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* lodge-machine-suspend-recover.c: of a machine whose machine.ini names a guest's memory. */
/* There is no QEMU: it is suspended, or its guest went on and has lost power. Calls back when the
 * state says so; there is nothing to finish. */
void lodge_machine_recover_suspended_async (LodgeMachine *self,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
/* There is one whose status is @status: TRUE where that has a guest, and the memory is given up, or
 * will be; FALSE when it has nothing left to do and was told to end. */
void lodge_machine_recover_resumed_async (LodgeMachine *self,
                                          const char *status,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
gboolean lodge_machine_recover_resumed_finish (LodgeMachine *self, GAsyncResult *result);

/* lodge-machine-disk-grow.c */
/* Lent. %LODGE_ERROR_NOT_FOUND. machine.ini is usable. */
const LodgeDisk *lodge_machine_find_disk (LodgeMachine *self, const char *id, GError **error);

/* lodge-machine-disk-plug.c: the disks that a running QEMU has. */
/* Whether QEMU has the disk, or may have it: not where it is detached, which all that is done with
 * QEMU's disks leaves out. */
gboolean lodge_machine_is_plugged (LodgeMachine *self, const char *disk);
/* The same of the one that writes to @top in @value. */
gboolean lodge_machine_is_top_plugged (LodgeMachine *self,
                                       const LodgeDescription *value,
                                       const LodgeLayer *top);
/* QEMU is given the disk, which machine.ini names. Errors: those of lodge_qemu_plug_in_async(), of
 * opening its files; %LODGE_ERROR_STATE when there is no QEMU any more. */
void lodge_machine_plug_in_async (LodgeMachine *self,
                                  const char *disk,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* The guest lets go of the disk, which machine.ini still names, and QEMU of its files. Errors:
 * those of lodge_qemu_plug_out_async(), and as above. */
void lodge_machine_plug_out_async (LodgeMachine *self,
                                   const char *disk,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* For both. */
gboolean lodge_machine_plug_finish (LodgeMachine *self, GAsyncResult *result, GError **error);
/* Nor does machine.ini name it any more, or only as one that is detached. */
void lodge_machine_plug_removed (LodgeMachine *self, const char *disk);
/* Whether a new disk on @bus can be plugged in now, and whether one that QEMU has can be taken out.
 * %LODGE_ERROR_STATE. */
gboolean lodge_machine_check_plug_in (LodgeMachine *self, LodgeDiskBus bus, GError **error);
gboolean lodge_machine_check_plug_out (LodgeMachine *self, const char *disk, GError **error);
/* QEMU gets what machine.ini names and it has not, but in a run of which nothing is kept. What
 * fails is in the note. */
void lodge_machine_settle_disks_async (LodgeMachine *self,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* How many there were. */
guint lodge_machine_settle_disks_finish (LodgeMachine *self, GAsyncResult *result);
/* QEMU's event DEVICE_DELETED. */
void lodge_machine_disk_released (LodgeMachine *self, const char *device);
/* The guest has ended, or this engine ends. */
void lodge_machine_forget_released (LodgeMachine *self);

/* lodge-machine-sticks.c */
/* QEMU is given the stick, which machine.ini names. Errors: as lodge_machine_plug_in_async(). */
void lodge_machine_stick_in_async (LodgeMachine *self,
                                   const char *id,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean lodge_machine_stick_in_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* lodge-machine-work.c */
/* From here on other changes of the description wait, or are refused where a client asks, and so
 * does, or is, whoever wants to start it. %LODGE_ERROR_STATE when there is work already. */
gboolean lodge_machine_begin_work (LodgeMachine *self, LodgeJob *job, GError **error);
void lodge_machine_end_work (LodgeMachine *self);
/* Whoever would be refused for it waits instead: it takes no longer than the disk for some small
 * files. Until it ends, or lodge_machine_work_gives_way() says otherwise. */
void lodge_machine_work_ends_soon (LodgeMachine *self);
/* %LODGE_ERROR_STATE while there is work that does not give way. */
gboolean lodge_machine_check_no_work (LodgeMachine *self, GError **error);
/* Finishes what the journal of one's own work lists, by what machine.ini says on the disk. */
void
lodge_machine_tidy_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_machine_tidy_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* "format:path" of @layer and those below it, %NULL last, as qemu-img is given them. A machine's
 * own files must be those and no links. Transfer full; %NULL with the errors of
 * lodge_own_file_open(). */
GPtrArray *lodge_machine_list_chain (LodgeMachine *self,
                                     const LodgeDescription *now,
                                     const LodgeLayer *layer,
                                     GError **error);

/* lodge-machine-start.c */
/* As lodge_machine_start_async(), but the guest goes on from the memory in @memory_fd, which is
 * taken. Also %LODGE_ERROR_FAILED when QEMU does not take it. */
void lodge_machine_start_from_async (LodgeMachine *self,
                                     int memory_fd,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* For lodge-machine-resume.c: the same from the memory that machine.ini names, in a QEMU for
 * @description, which is taken, too. @paused: the guest does not go on before it is resumed. What
 * it went on from is recorded before the guest runs. */
void lodge_machine_start_suspended_async (LodgeMachine *self,
                                          int memory_fd,
                                          LodgeDescription *description,
                                          gboolean paused,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
/* Fills firmware_code and nvram where they are empty or gone. %LODGE_ERROR_HOST. */
gboolean lodge_machine_resolve_firmware (LodgeDescription *description, GError **error);

/* lodge-machine-throwaway.c: what a disposable run has left beside the sockets. */
void lodge_machine_throwaway_remove_tpm (LodgeMachine *self);

/* lodge-machine-launch.c */
/* @wires: of LodgeMachineCommandWire; for those that no command took. */
void lodge_machine_close_wires (GArray *wires);

/* lodge-machine-run.c */
/* Takes over @qmp: events, death, companions. The state is the caller's to set. */
void lodge_machine_attach (LodgeMachine *self, LodgeQmp *qmp);
/* Frees what belongs to a QEMU that is gone or never came: sockets, networks, TPM. */
void lodge_machine_detach (LodgeMachine *self);
/* Takes @network; its end is told. */
void lodge_machine_add_network (LodgeMachine *self, const char *nic_id, LodgeUserNetwork *network);
/* Asks QEMU to quit, kills it when it does not. */
void lodge_machine_end_qemu (LodgeMachine *self);

/* lodge-machine-end.c */
/* Watches QEMU's process, the only way to end a machine whose sockets are gone. FALSE: gone. */
gboolean lodge_machine_watch (LodgeMachine *self, GPid pid);
/* Nobody asked for the end: the state becomes crashed, and the note says how it came. */
void lodge_machine_crashed (LodgeMachine *self, LodgeRunEnd how);
/* For whoever waits for the end, once the state says it. */
void lodge_machine_end_waiting (LodgeMachine *self);
/* At the end of work: a guest that has reset meanwhile, and is off for that, gets its fresh QEMU.
 */
void lodge_machine_restart_waiting (LodgeMachine *self);

/* How long who has the lock, and is no QEMU, may be one that is ending. Only tests change it. */
#define LODGE_MACHINE_RECOVER_PATIENCE_MS 5000
extern guint lodge_machine_recover_patience_ms;
/* And how long a QEMU may take to greet. */
#define LODGE_MACHINE_RECOVER_GREETING_MS 5000
extern guint lodge_machine_recover_greeting_ms;

/* lodge-machine-recover.c: QEMU has answered that did not, over @qmp, or (%NULL) over the
 * connection that there is. Ends with lodge_machine_recover_finish(). */
void lodge_machine_recover_silent_async (LodgeMachine *self,
                                         LodgeQmp *qmp,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);

/* lodge-machine-silent.c */
/* QEMU lives and does not answer: that is told, and it is asked until it does. */
void lodge_machine_begin_silence (LodgeMachine *self);
/* Its connection has ended, and QEMU may live. */
void lodge_machine_lost_qmp (LodgeMachine *self);
/* It has answered, or is gone. */
void lodge_machine_end_silence (LodgeMachine *self);
/* What the note says, or will say again once QEMU answers. Lent. */
const char *lodge_machine_get_own_note (LodgeMachine *self);
/* @note: (nullable): for what is no matter of QEMU's silence */
void lodge_machine_set_own_note (LodgeMachine *self, const char *note);
/* %LODGE_ERROR_STATE while it does not answer. */
gboolean lodge_machine_check_answers (LodgeMachine *self, GError **error);
/* Whether there is a way to its QEMU. %LODGE_ERROR_STATE. */
gboolean lodge_machine_check_qmp (LodgeMachine *self, GError **error);
/* Work in QEMU has ended badly. @known: QEMU has said what it does now; else it may still be at it,
 * and with TRUE the journal and the files stay, as after an engine that was killed. What was begun
 * is undone when QEMU answers or is gone, or by whoever works on the machine next.
 * @error: what is told of it; where it was cancelled it is made to say that. */
gboolean lodge_machine_leave_open (LodgeMachine *self, gboolean known, GError **error);

/* lodge-machine-share.c */
/* Brings what is shared to what the description and the state say. */
void lodge_machine_share_update (LodgeMachine *self);
/* The same where an earlier engine may have shared something already. */
void lodge_machine_share_recover (LodgeMachine *self);
/* QEMU's event VSERPORT_CHANGE. */
void lodge_machine_share_port_changed (LodgeMachine *self, const char *port, gboolean open);
/* Of lodge-machine-virtiofs.c: the guest has the device now, or has it not. */
void lodge_machine_share_device_changed (LodgeMachine *self);
/* QEMU did not take it. */
void lodge_machine_share_failed (LodgeMachine *self, const GError *error);
/* The guest was asked to let go, and has not: the folder is taken from it. */
void lodge_machine_share_cut (LodgeMachine *self);
/* The guest has ended. */
void lodge_machine_share_end (LodgeMachine *self);
/* This engine ends; the sharing goes on. */
void lodge_machine_share_forget (LodgeMachine *self);

/* lodge-machine-virtiofs.c */
/* It will be known in a moment whether there is a device. */
gboolean lodge_machine_virtiofs_is_busy (LodgeMachine *self);
/* @wire: taken. Where there is none yet. */
void lodge_machine_virtiofs_plug (LodgeMachine *self, int wire);
/* Where there is one: asks the guest to let go. */
void lodge_machine_virtiofs_unplug (LodgeMachine *self);
/* QEMU's event DEVICE_DELETED. */
void lodge_machine_virtiofs_device_deleted (LodgeMachine *self, const char *device);
/* What an earlier engine has plugged in. */
void lodge_machine_virtiofs_recover (LodgeMachine *self);
/* There is no QEMU any more, or no engine. */
void lodge_machine_virtiofs_forget (LodgeMachine *self);

/* lodge-machine-agent.c */
/* Transfer full. */
char *lodge_machine_agent_dup_socket (LodgeMachine *self);
gboolean lodge_machine_agent_is_port (const char *port);
/* Asks QEMU, of which there is one; ends with lodge_qmp_execute_finish(). */
void lodge_machine_agent_look_async (LodgeMachine *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* @answer: (nullable): whether the guest has opened the agent's port */
gboolean lodge_machine_agent_is_there (JsonNode *answer);

/* lodge-machine-clock.c */
/* The guest has stood still since then: its clock will be behind. */
void lodge_machine_clock_stood_still (LodgeMachine *self, gint64 since_us);
/* The state is new. */
void lodge_machine_clock_update (LodgeMachine *self);
/* QEMU's event VSERPORT_CHANGE. */
void lodge_machine_clock_port_changed (LodgeMachine *self, const char *port, gboolean open);
/* The guest begins anew, or is gone. */
void lodge_machine_clock_forget (LodgeMachine *self);
/* This engine ends, or nobody is to be asked now. */
void lodge_machine_clock_end (LodgeMachine *self);
/* Whoever else spoke to the agent does not any more. */
void lodge_machine_clock_channel_is_free (LodgeMachine *self);

/* lodge-machine-link.c */
/* Tells QEMU of the cables that are not as the description says. Errors: QEMU's. */
void lodge_machine_links_async (LodgeMachine *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean lodge_machine_links_finish (LodgeMachine *self, GAsyncResult *result, GError **error);
/* The same where nobody waits: the note says what failed. */
void lodge_machine_links_update (LodgeMachine *self);
/* The same for a QEMU that an earlier engine started. */
void lodge_machine_links_recover (LodgeMachine *self);
/* The guest has ended. */
void lodge_machine_links_forget (LodgeMachine *self);

/* lodge-machine-terminals.c */
/* Serves those that QEMU, process @qemu, has made sockets for. */
void lodge_machine_open_terminals (LodgeMachine *self, GPid qemu);
void lodge_machine_close_terminals (LodgeMachine *self);

/* lodge-machine-display.c */
/* @folder: of sockets that QEMU cannot see; it is there. */
void lodge_machine_open_frames (LodgeMachine *self, const char *folder);
void lodge_machine_close_frames (LodgeMachine *self);

/* lodge-machine-screen.c */
/* What the set of descriptors is called in query-fdsets that a picture is written to. */
#define LODGE_MACHINE_SCREEN_SET "screen"
void lodge_machine_screen_begin (LodgeMachine *self);
void lodge_machine_screen_end (LodgeMachine *self);
void lodge_machine_screen_load (LodgeMachine *self);
/* What is in the file is another one, or there is none any more. */
void lodge_machine_screen_reload (LodgeMachine *self);

/* For how long a QEMU that gives no picture is waited for. Only tests change it. */
#define LODGE_MACHINE_SHOT_LIMIT_MS 2000
extern guint lodge_machine_shot_limit_ms;

/* What the guest shows in this moment, small, while whoever wants it goes on with other things. It
 * becomes the machine's thumbnail. %NULL where there is no QEMU, where that gives none in time, and
 * for an encrypted machine. */
typedef struct _LodgeMachineShot LodgeMachineShot;
LodgeMachineShot *lodge_machine_shot_new (LodgeMachine *self);
/* Nobody waits for it. */
void lodge_machine_shot_free (LodgeMachineShot *shot);
/* Calls back at the latest when the limit, from the beginning on, is over. */
void lodge_machine_shot_wait_async (LodgeMachineShot *shot,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: (transfer full) (nullable): PNG bytes */
GBytes *lodge_machine_shot_wait_finish (GAsyncResult *result);

G_END_DECLS
