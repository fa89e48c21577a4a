/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for the passphrases of encrypted machines: in the terminal, or in a descriptor. Never on
 * the command line or in the environment, which others can see. */
#pragma once

#include "lodgectl-run.h"

G_BEGIN_DECLS

/* A passphrase as the contract takes it (ay, floating): the next line of --passphrase-fd, or what
 * is typed at @prompt. %NULL with an error. */
GVariant *lodgectl_ask_passphrase (LodgectlRun *run, const char *prompt, GError **error);
/* One that is new: typed twice, or made up and shown when nothing is typed. */
GVariant *lodgectl_ask_new_passphrase (LodgectlRun *run, GError **error);
/* Opens the machine; asks again, a few times, where somebody types. A key that --remember cannot
 * keep is told of on the standard error, and is no error. */
gboolean lodgectl_unlock_machine (LodgectlRun *run, LodgeMachine1 *machine, GError **error);

G_END_DECLS
