/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See agent-lines.h. */
#include "agent-lines.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
agent_lines_serve (int listener, AgentAnswer answer, gpointer agent)
{
  int fd = accept (listener, NULL, NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  gboolean goes_on = fd >= 0;

  while (goes_on) {
    char buffer[512];
    gssize n = recv (fd, buffer, sizeof buffer, 0);
    char *newline;

    if (n <= 0)
      break;
    g_string_append_len (heard, buffer, n);
    while (goes_on && (newline = memchr (heard->str, '\n', heard->len)) != NULL) {
      const char *begin = heard->str[0] == '\xff' ? heard->str + 1 : heard->str;
      g_autofree char *line = g_strndup (begin, newline - begin);
      g_autoptr (JsonNode) command = json_from_string (line, NULL);

      g_assert_nonnull (command);
      g_string_erase (heard, 0, newline + 1 - heard->str);
      goes_on = answer (agent, fd, json_node_get_object (command));
    }
  }
  if (fd >= 0)
    close (fd);
}
