/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's process: one machine, one window. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_APPLICATION (lodge_console_application_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleApplication, lodge_console_application, LODGE, CONSOLE_APPLICATION, AdwApplication)

/* @machine: a UUID or a name. @start: starts it where it is off. */
LodgeConsoleApplication *lodge_console_application_new (const char *machine, gboolean start);

G_END_DECLS
