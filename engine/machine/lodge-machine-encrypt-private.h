/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two files of encrypting share. */
#pragma once

#include "machine/lodge-machine-disk-work.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/* What is written anew, one after the other. */
typedef enum {
  LODGE_ENCRYPT_IMAGE,
  LODGE_ENCRYPT_STATES, /* the small ones of the present, or of a snapshot */
  LODGE_ENCRYPT_MEMORY, /* of a snapshot */
} LodgeEncryptKind;

typedef struct {
  LodgeEncryptKind kind;
  guint64 bytes;    /* about what there is to do */
  GPtrArray *chain; /* of an image */
  gboolean raw;     /* it is one that has no format of its own */
  guint64 size_bytes;
  char *file;      /* the new image, in the machine's folder */
  char *from, *to; /* the ids of a snapshot: now, and then; NULL for the present */
} LodgeEncryptStep;

typedef struct {
  LodgeDiskWork work;
  LodgeSecret *passphrase; /* or NULL: what is encrypted becomes plain */
  LodgeSecret *key;        /* the machine's: a new one, or the one that it has */
  LodgeDescription *now, *next;
  char *suffix;
  GHashTable *ids;
  char *scratch; /* a folder in the machine's, for what is in between */
  gboolean contained;
  GPtrArray *steps;
  guint at;
  guint64 done, all; /* bytes */
  GPtrArray *made;   /* paths that are exceptions from what their folder is */
} LodgeEncrypt;

/* For threads: the small files of a step. */
gboolean lodge_encrypt_convert_states (const LodgeEncrypt *encrypt,
                                       const LodgeEncryptStep *step,
                                       GError **error);

/* Writes a guest's memory anew. @progress: how many bytes of it are written, on the main context.
 */
void lodge_encrypt_convert_memory_async (const LodgeEncrypt *encrypt,
                                         const LodgeEncryptStep *step,
                                         void (*progress) (guint64 bytes, gpointer user_data),
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
gboolean lodge_encrypt_convert_memory_finish (GAsyncResult *result, GError **error);

G_END_DECLS
