/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the words of a command line to a command of the table. */
#pragma once

#include "lodgectl-command.h"

G_BEGIN_DECLS

/**
 * lodgectl_parse:
 * @words: the command line without the program's name
 * @run: (out): its arguments and options
 *
 * "--name VALUE" and "--name=VALUE" mean the same; options may stand anywhere behind the verb, and
 * "--" ends them. "--help" anywhere before that makes it "help COMMAND".
 *
 * Returns: (transfer none): the command, or %NULL with a usage error
 */
const LodgectlCommand *lodgectl_parse (const char *const *words, LodgectlRun *run, GError **error);

G_END_DECLS
