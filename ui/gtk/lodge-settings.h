/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows remember for the user. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The settings of org.lodgevm.Lodge, lent; %NULL where the schema is not installed (a build that
 * runs from its own folder): then nothing is remembered. */
GSettings *lodge_settings_get (void);

/* Opens @window in the size it had, and remembers the one it will have. @prefix: "library",
 * "console" or "monitor". */
void lodge_settings_keep_size (GtkWindow *window, const char *prefix);

/* Keys of the settings. */
#define LODGE_SETTINGS_GRAB_SHORTCUTS "grab-shortcuts"
#define LODGE_SETTINGS_HOST_KEYS      "host-keys"
#define LODGE_SETTINGS_SEND_KEYS      "send-keys"
#define LODGE_SETTINGS_TYPE_LAYOUT    "type-layout"

G_END_DECLS
