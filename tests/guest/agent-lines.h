/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines that an agent in a guest hears, for tests that play one. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Sends what there is to say to one command. Returns: FALSE: the agent goes away */
typedef gboolean (*AgentAnswer) (gpointer agent, int fd, JsonObject *command);

/* Waits for one client, and answers it until either goes away. Blocks: for a thread. */
void agent_lines_serve (int listener, AgentAnswer answer, gpointer agent);

G_END_DECLS
