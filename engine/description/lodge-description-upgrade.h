/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a machine.ini of an older version becomes one of this version. */
#pragma once

#include "description/lodge-description-file.h"
#include "description/lodge-ini.h"

G_BEGIN_DECLS

/* One step: from version @from to the next. It changes the text alone, so that it goes on working
 * when the description in C has long become another. */
typedef struct {
  guint from;
  void (*apply) (LodgeIni *ini);
} LodgeUpgrade;

/* lodge_description_file_load() with other steps than this build's own. For tests. */
LodgeDescriptionFile *lodge_description_file_load_with_upgrades (const char *path,
                                                                 const LodgeUpgrade *upgrades,
                                                                 guint n_upgrades,
                                                                 GError **error);

G_END_DECLS
