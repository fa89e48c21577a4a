/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a machine: from what the user said to a folder with a machine.ini. */
#pragma once

#include "description/lodge-store.h"
#include "machine/lodge-job.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/* Engine1.CreateMachine's spec, with its types checked. */
typedef struct {
  char *name;
  char *media;
  char *installer;
  char *kernel;
  char *initrd;
  char *append;
  char *disk;
  gboolean in_place;
  gboolean has_disk_size;
  guint64 disk_size;
  guint memory_mib; /* 0: the OS catalogue's */
  guint cpus;       /* 0: the OS catalogue's */
  char *firmware;
  gboolean has_tpm;
  gboolean tpm;
  char *os;
  LodgeSecret *passphrase; /* of an encrypted machine, or NULL */
  gboolean remember;       /* its key goes into the keyring */
} LodgeCreateSpec;

/* @spec: a{sv}. %LODGE_ERROR_INVALID for an unknown key, a wrong type, a bad name, a path that is
 * not absolute, or keys that contradict each other. */
LodgeCreateSpec *lodge_create_spec_parse (GVariant *spec, GError **error);
void lodge_create_spec_free (LodgeCreateSpec *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeCreateSpec, lodge_create_spec_free)

/**
 * lodge_create_async:
 * @store: outlives the work
 * @spec: (transfer full)
 * @job: its machine is the new UUID; progress, step and cancel are used, its end is the caller's
 *
 * Works in a hidden folder that gets its real name in the last step; an end before that removes it.
 *
 * Errors: those of lodge_source_media_look_async(), lodge_image_*(), lodge_store_*().
 */
void lodge_create_async (LodgeStore *store,
                         LodgeCreateSpec *spec,
                         LodgeJob *job,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
LodgeDescriptionFile *lodge_create_finish (GAsyncResult *result, GError **error);
/* Lent. */
LodgeJob *lodge_create_get_job (GAsyncResult *result);
/* Whether the key of what was made shall go into the keyring. */
gboolean lodge_create_get_remember (GAsyncResult *result);

G_END_DECLS
