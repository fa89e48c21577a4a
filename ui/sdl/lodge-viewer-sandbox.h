/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server takes from itself, so that whoever takes it over finds little.
 *
 *   begin   before SDL: no program that is started gains rights; of the file system only what
 *           drawing, fonts and sound need can be read, of the user's own files next to nothing, and
 *           nothing but devices written (Landlock, from Linux 5.13 on). The session bus is out of
 *           reach for the libraries. Small core and file sizes.
 *   enter   before the first byte of the server: no new process, no program, no file opened for
 *           writing, no debugging of others, nothing of the system changed, nothing typed into the
 *           terminal; and but for a server at a unix socket no connection to a program here
 *   close   when all channels are there: no new connection, to the network or to a program here
 *
 * What is kept: the display server's connection, and on X11 whoever has that can read the keys of
 * other windows and send them some; the sound server's; reading system files; memory, and time.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Before any thread is there. FALSE where the kernel has no Landlock: files can be read then. */
gboolean lodge_viewer_sandbox_begin (void);
/* @local: the server is at a unix socket of this computer.
 * Errors: %LODGE_ERROR_HOST when the kernel cannot; the server must not be spoken to then. */
gboolean lodge_viewer_sandbox_enter (gboolean local, GError **error);
gboolean lodge_viewer_sandbox_close (GError **error);

G_END_DECLS
