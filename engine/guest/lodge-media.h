/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on an installer image, what a machine for it should have (libosinfo), and the installers
 * that this computer has already. */
#pragma once

#include "description/lodge-description.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a machine for a guest should have. Sizes of 0 are never given. */
typedef struct {
  char *os;      /* libosinfo short id, "" when unknown */
  char *os_name; /* "Debian 12", "" when unknown */
  guint memory_mib;
  guint cpus;
  guint64 disk_bytes;
  LodgeFirmwareKind firmware;
  gboolean tpm;
  LodgeDiskBus disk_bus;
  LodgeNicModel nic_model;
  LodgeDisplayModel display;
} LodgeGuestDefaults;
void lodge_guest_defaults_free (LodgeGuestDefaults *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeGuestDefaults, lodge_guest_defaults_free)

/* @os: a short id, or NULL. Unknown ids give the cautious defaults. Bounded by what this computer
 * has (@host_cpus, @host_memory_bytes). Blocking, most of a second when it is the first to need the
 * OS catalogue: on the main loop use the other. */
LodgeGuestDefaults *
lodge_guest_defaults_for_os (const char *os, guint host_cpus, guint64 host_memory_bytes);

/* The same in a thread, with what this computer has; never fails. */
void lodge_guest_defaults_for_here_async (const char *os,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
/* Returns: (transfer full) */
LodgeGuestDefaults *lodge_guest_defaults_for_here_finish (GAsyncResult *result);

/**
 * lodge_media_detect_async:
 * @path: an image file
 *
 * Reads the volume descriptors in a thread and looks them up. Unknown media are no error: os is "".
 *
 * Returns by finish: the short id, "" unknown (transfer full); and in @out_is_disc whether there is
 * the volume of a CD or DVD at all
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (a folder, empty, cut off, neither file nor
 * disk), %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE (unreadable), %LODGE_ERROR_TIMEOUT (20 s),
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_media_detect_async (const char *path,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
char *lodge_media_detect_finish (GAsyncResult *result, gboolean *out_is_disc, GError **error);

/* An installer made of a kernel and initrd that the host's packages brought. */
typedef struct {
  char *id;    /* "debian-12-gtk" */
  char *title; /* "Debian 12 Installer" */
  char *sentence;
  char *os;
  char *kernel;
  char *initrd;
  char *append;
} LodgeInstaller;
void lodge_installer_free (LodgeInstaller *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeInstaller, lodge_installer_free)

/* Returns: (transfer full) (element-type LodgeInstaller): those whose files are there now */
GPtrArray *lodge_installer_list (void);
/* Transfer full; %NULL when there is none of that id. */
LodgeInstaller *lodge_installer_find (const char *id);

G_END_DECLS
