/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of a machine's snapshots, in its description: taking one, going back, leaving one out.
 *
 *        web: installed (frozen) <-- patched (frozen) <-- the present (written to)
 *                      ^
 *                      '-- before the update (frozen)
 *
 * A snapshot names the layers that were frozen for it; the present and each snapshot that goes on
 * from it stand on those. Nothing here touches a file: what has to be made or may be removed is
 * said, and the description that comes of it counts from the moment when it is written.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/* Lent, or %NULL. */
LodgeSnapshot *lodge_description_get_snapshot (const LodgeDescription *self, const char *id);

/* @name: an id, or a name that exactly one snapshot has. Lent. %LODGE_ERROR_NOT_FOUND,
 * %LODGE_ERROR_INVALID when several have the name. */
LodgeSnapshot *
lodge_description_find_snapshot (const LodgeDescription *self, const char *name, GError **error);

/* Whether a new snapshot may have that name. %LODGE_ERROR_INVALID, %LODGE_ERROR_EXISTS. */
gboolean lodge_description_check_snapshot_name (const LodgeDescription *self,
                                                const char *name,
                                                GError **error);

/* @name, or that with a number behind it so that no snapshot has it. Transfer full. */
char *lodge_description_dup_free_snapshot_name (const LodgeDescription *self, const char *name);

/* An id that this machine has not had before. Transfer full. */
char *lodge_description_dup_snapshot_id (void);

/**
 * lodge_description_freeze:
 *
 * The present becomes a snapshot, which the present goes on from; its disks still need new tops.
 * @id is new; @created_s is the time now.
 */
void lodge_description_freeze (
    LodgeDescription *self, const char *id, const char *name, const char *text, gint64 created_s);

/**
 * lodge_description_dup_layer_id:
 * @disk: the id of its disk
 * @taken: (element-type utf8 utf8): set of file names that are in the folder of layers
 * @out_file: (transfer full): its file, a path in the machine's folder
 *
 * What a new qcow2 layer is called. Its number is larger than those of all layers that there are,
 * so that it is no name of one that was there a moment ago: a QEMU that runs may have that still.
 */
char *lodge_description_dup_layer_id (const LodgeDescription *self,
                                      const char *disk,
                                      GHashTable *taken,
                                      char **out_file);

/**
 * lodge_description_add_tops:
 * @taken: (element-type utf8 utf8): set of file names that are in the folder of layers
 *
 * Gives each disk a new layer on its top, which is the top from then on. Their files are new
 * qcow2 images of their layers' sizes that say nothing about what is below.
 *
 * Returns: (transfer full) (element-type LodgeLayer): the new layers, lent by @self
 */
GPtrArray *lodge_description_add_tops (LodgeDescription *self, GHashTable *taken);

/* Copies one of those into another description, on the disk whose top it stands on. */
void lodge_description_put_top (LodgeDescription *self, const LodgeLayer *top);
/* Takes it away again: the disk has the top that it stood on. */
void lodge_description_drop_top (LodgeDescription *self, const char *top);

/* The layers, the disks' tops, the drives and the snapshots of @now, on the hardware of @self. */
void lodge_description_take_layers (LodgeDescription *self, const LodgeDescription *now);

/**
 * lodge_description_go_back:
 * @stored: the description as it was when the snapshot was taken
 *
 * The machine becomes what it was: hardware, disks, firmware, drives. What is this computer's
 * business stays as it is now: the name, what is shared with the guest, forwards, how a window
 * shows it. The disks still need new tops. The old tops are in @out_old (ids, transfer full);
 * whoever does not keep them in a snapshot releases them.
 *
 * Errors: %LODGE_ERROR_INVALID when @stored does not fit the snapshot.
 */
gboolean lodge_description_go_back (LodgeDescription *self,
                                    const LodgeDescription *stored,
                                    const char *id,
                                    GPtrArray **out_old,
                                    GError **error);

/**
 * lodge_description_forget_snapshot:
 *
 * Leaves a snapshot out: what went on from it goes on from its parent. Its layers are released.
 */
void lodge_description_forget_snapshot (LodgeDescription *self, const char *id);

/* Whether a snapshot or a disk needs @layer (an id); not what stands on it. */
gboolean lodge_description_needs_layer (const LodgeDescription *self, const char *layer);

/* Nobody needs @layer by itself any more. It goes at once when nothing stands on it, and with it
 * what is released already and has nothing else on it; else it is to be merged. */
void lodge_description_release_layer (LodgeDescription *self, const char *layer);

/* @id: a disk's, which is there. It goes, and of its layers, from the top down, those that no
 * snapshot needs and nothing else stands on. */
void lodge_description_remove_disk (LodgeDescription *self, const char *id);

/* @id: of a disk of @from: @self gets that, or what there is to say of it, without its layers. */
void
lodge_description_copy_disk (LodgeDescription *self, const LodgeDescription *from, const char *id);

typedef gboolean (*LodgeLayerFilter) (const LodgeLayer *layer, gpointer data);

/* A released layer on which exactly one other stands: that one, or %NULL. Lent. Nothing that can be
 * seen in this machine changes when the upper one's contents are written into the lower one.
 * @may_write: (nullable): whether a layer's file may be written to */
LodgeLayer *lodge_description_find_merge (const LodgeDescription *self,
                                          LodgeLayerFilter may_write,
                                          gpointer data);

/* That was done: @upper (an id) has the file of the layer below from now on, which is no more. */
void lodge_description_merge (LodgeDescription *self, const char *upper);

/* The path in the machine's folder of what else belongs to a snapshot. Transfer full. */
char *lodge_snapshot_dup_folder (const char *id);

/**
 * lodge_description_dup_suspended:
 * @stored: the description that the guest ran with when it was suspended
 *
 * What a QEMU has to be like that loads the guest's memory. What is this computer's business is as
 * it is now.
 *
 * Returns: (transfer full): or %NULL with %LODGE_ERROR_INVALID when @stored does not fit @self
 */
LodgeDescription *lodge_description_dup_suspended (const LodgeDescription *self,
                                                   const LodgeDescription *stored,
                                                   GError **error);

/* The locked key of a machine that is encrypted, and the picture of one that is not. */
#define LODGE_DESCRIPTION_KEY_FILE "key"
#define LODGE_DESCRIPTION_PICTURE  "thumbnail.png"

/* Whether the description needs @file, a path in the machine's folder. */
gboolean lodge_description_needs_file (const LodgeDescription *self, const char *file);

G_END_DECLS
