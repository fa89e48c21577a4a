/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the making of a clone and its copying of disks share. */
#pragma once

#include "description/lodge-description-file.h"
#include "machine/lodge-machine-clone.h"
#include "machine/lodge-machine-private.h"

G_BEGIN_DECLS

/* Where a full clone has its names of the source's layers, in its hidden folder. */
#define LODGE_CLONE_PINS "source"

/* The data of the task, whose source is the machine that is cloned. */
typedef struct {
  LodgeCloneSpec *spec;
  LodgeJob *job;
  LodgeStore *store;
  char *source_folder;
  char *folder;     /* the hidden one, once begun */
  gboolean working; /* the source's work is ours */
  int lock_fd;

  char *snapshot;         /* id, or NULL for the present */
  LodgeDescription *then; /* what was stored with it */
  LodgeDescription *from; /* what is cloned: each disk's top is frozen, or will be */
  LodgeDescription *clone;
  GPtrArray *files; /* in the source, of the clone's layers; after those its own tops */
  gboolean freezes; /* the source's present, for it */
  gboolean states_there;
  LodgeMachineShot *shot; /* of what a guest that runs shows then */
  GBytes *picture;        /* that, or NULL where there is none */
  gboolean pinned;
  LodgeDescription *flat; /* of a full clone */
  guint n_copied;         /* disks */
  GPtrArray *chain;       /* of the one that is being copied */
  LodgeDescriptionFile *made;
  GError *error; /* while what was begun is being undone */
} LodgeClone;

/* Ends the task after what was made is gone again. Takes @error. */
void lodge_clone_fail (GTask *task, GError *error);
/* The last step; from here on the machine is there. */
void lodge_clone_commit (GTask *task);

/* lodge-machine-clone-copy.c */

/* Copies the disks of a full clone that are not copied yet, and commits it. */
void lodge_clone_copy (GTask *task);

G_END_DECLS
