/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's process: one per user session, one window. */
#pragma once

#include "gtk/lodge-library-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_APPLICATION (lodge_application_get_type ())
G_DECLARE_FINAL_TYPE (LodgeApplication, lodge_application, LODGE, APPLICATION, AdwApplication)

/* Files it is opened with are images for a new machine. */
LodgeApplication *lodge_application_new (void);

G_END_DECLS
