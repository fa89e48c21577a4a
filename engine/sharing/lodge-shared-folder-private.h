/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the process that shares a folder is started, also for a trial. */
#pragma once

#include "sharing/lodge-virtiofsd.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* @wire, @lock: taken
 * @real: without links; @info is its
 * @virtiofsd: (nullable): what shares it; else WebDAV */
LodgeCommand *lodge_shared_folder_new_command (int wire,
                                               int lock,
                                               const char *real,
                                               const struct stat *info,
                                               gboolean writable,
                                               const LodgeVirtiofsd *virtiofsd);

G_END_DECLS
