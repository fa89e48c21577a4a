/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SPICE server that is no machine of Lodge, as the viewer sees it.
 *
 * Owns: the session with it. Never: shares a clipboard, a file or the microphone with it.
 */
#pragma once

#include "console/lodge-console-session.h"

G_BEGIN_DECLS

typedef enum {
  LODGE_VIEWER_SERVER_CONNECTING,
  LODGE_VIEWER_SERVER_ASKING, /* for a ticket; see the sentence */
  LODGE_VIEWER_SERVER_SHOWN,
  LODGE_VIEWER_SERVER_ENDED, /* the sentence says why */
} LodgeViewerServerPhase;

#define LODGE_TYPE_VIEWER_SERVER (lodge_viewer_server_get_type ())
G_DECLARE_FINAL_TYPE (LodgeViewerServer, lodge_viewer_server, LODGE, VIEWER_SERVER, GObject)

/* Signal "changed" (): any of the answers below may be another one. */

/* @ticket: (nullable). @sound: (nullable): where its sound goes */
LodgeViewerServer *
lodge_viewer_server_new (const LodgeConsoleAddress *address, const char *ticket, LodgeSound *sound);

void lodge_viewer_server_open (LodgeViewerServer *self);
/* Again, with this ticket, while it is asking. */
void lodge_viewer_server_answer (LodgeViewerServer *self, const char *ticket);

LodgeViewerServerPhase lodge_viewer_server_get_phase (LodgeViewerServer *self);
/* All lent; NULL: there is none. */
const char *lodge_viewer_server_get_sentence (LodgeViewerServer *self);
LodgeConsoleSession *lodge_viewer_server_get_session (LodgeViewerServer *self);

G_END_DECLS
