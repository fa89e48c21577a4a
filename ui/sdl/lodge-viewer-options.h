/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of lodge-viewer. */
#pragma once

#include "console/lodge-console-address.h"

G_BEGIN_DECLS

/* The longest ticket. SPICE's own limit (spice/protocol.h: SPICE_MAX_PASSWORD_LENGTH). */
#define LODGE_VIEWER_TICKET_MAX 60

typedef struct {
  char *machine;                /* name or UUID; or: */
  LodgeConsoleAddress *address; /* of a server that is no machine of Lodge */
  char *ticket;  /* the server's, from a file or a descriptor; NULL: none was given */
  guint monitor; /* of the guest's, from 0 */
  gboolean full_screen;
  gboolean no_sound;
  gboolean without_landlock; /* a server is also shown where it could come to read files */
  gboolean version;          /* nothing else is wanted, nor set */
} LodgeViewerOptions;

/**
 * lodge_viewer_options_parse:
 * @arguments: (inout): with the program's name first; what was understood is removed
 *
 * Prints and exits for --help, as GOptionContext does. Reads the ticket.
 *
 * Errors: one sentence each, for the user
 */
gboolean lodge_viewer_options_parse (LodgeViewerOptions *self, char ***arguments, GError **error);
void lodge_viewer_options_clear (LodgeViewerOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LodgeViewerOptions, lodge_viewer_options_clear)

G_END_DECLS
