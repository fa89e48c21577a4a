/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers of a chain that are replaced by one new layer, which says what they say together.
 *
 *     top --> L3 --> L2 --> L1 --> base        L1 to L3 were released
 *     top --> M  --> base                      M says what is read through L3 down to L1
 *
 * None of their files is changed, so that whoever has the old chain open reads it on.
 */
#pragma once

#include "description/lodge-description-snapshots.h"

G_BEGIN_DECLS

/* What a layer's file takes of the disk, in bytes. */
typedef guint64 (*LodgeLayerMeasure) (const LodgeLayer *layer, gpointer data);

/**
 * lodge_description_find_join:
 * @least: how many of them there have to be, at least
 * @may_join: whether a layer's file may be one of them
 *
 * Released layers that stand on each other and of which each has one layer on it. The lowest of a
 * chain is never among them: it is as large as the disk, as a rule, and would be written anew each
 * time. For the same reason one that is large, and larger than all above it together, is left out,
 * with what is below it: so of a chain that grows by itself no byte is written anew more often than
 * the logarithm of its size says, and few layers are left for good.
 *
 * Returns: (transfer container) (nullable) (element-type LodgeLayer): from the upmost down, lent
 */
GPtrArray *lodge_description_find_join (const LodgeDescription *self,
                                        guint least,
                                        LodgeLayerFilter may_join,
                                        LodgeLayerMeasure measure,
                                        gpointer data);

/* Whether a disk stands on @layer, and on @least of them in all. */
gboolean
lodge_description_is_in_chain (const LodgeDescription *self, const LodgeLayer *layer, guint least);

/**
 * lodge_description_join:
 * @layers: ids, from the upmost down
 * @id, @file: of the new layer, whose format is qcow2
 *
 * Errors: %LODGE_ERROR_STATE when they are not any more what lodge_description_find_join() finds.
 */
gboolean lodge_description_join (LodgeDescription *self,
                                 const char *const *layers,
                                 const char *id,
                                 const char *file,
                                 GError **error);

/* The disk that a layer's id was made for, by that id. Transfer full. */
char *lodge_description_dup_layer_disk (const char *layer);

G_END_DECLS
