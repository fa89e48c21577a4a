/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which keys go to the guests: the desktop's shortcuts, what stays with the host, and the user's
 * own combinations to send. The same for all machines. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_KEYS_WINDOW (lodge_keys_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeKeysWindow, lodge_keys_window, LODGE, KEYS_WINDOW, AdwPreferencesWindow)

/* @parent: (nullable); @settings: lodge_settings_get() */
GtkWidget *lodge_keys_window_new (GtkWindow *parent, GSettings *settings);

G_END_DECLS
