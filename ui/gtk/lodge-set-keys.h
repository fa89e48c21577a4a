/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing keys of a machine's description from a window. */
#pragma once

#include "lodge-client.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* @window may be closed by then. */
typedef void (*LodgeSetKeysRefused) (GtkWindow *window);

/**
 * lodge_set_keys:
 * @window: who asks; kept until the answer
 * @machine: (nullable): nothing is done without one
 * @failure: heads the message when the engine refuses
 * @refused: (nullable): called then, too
 * @first_key: and its text, more of them, %NULL
 *
 * Asks the engine for all of it or nothing.
 */
void lodge_set_keys (GtkWindow *window,
                     LodgeMachine1 *machine,
                     const char *failure,
                     LodgeSetKeysRefused refused,
                     const char *first_key,
                     ...) G_GNUC_NULL_TERMINATED;

/* Shows a failure at a window that may be closed: then at the one that it belonged to, if that is
 * there still. */
void lodge_set_keys_show_error (GtkWindow *window, const char *heading, const GError *error);

G_END_DECLS
