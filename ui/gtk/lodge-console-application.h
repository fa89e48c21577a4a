/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's process: one machine, one window. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_APPLICATION (lodge_console_application_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleApplication, lodge_console_application, LODGE, CONSOLE_APPLICATION, AdwApplication)

/* What a console is opened for. */
typedef enum {
  LODGE_CONSOLE_SHOW,
  LODGE_CONSOLE_START_MACHINE, /* and start the machine where it is off */
  LODGE_CONSOLE_SHOW_AGAIN,    /* after a crash, which it says */
} LodgeConsoleStart;

/* @machine: a UUID or a name. */
LodgeConsoleApplication *lodge_console_application_new (const char *machine,
                                                        LodgeConsoleStart start);

G_END_DECLS
