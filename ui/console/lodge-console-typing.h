/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text that is typed into a guest, key by key.
 *
 * Owns: what is still to be typed. Never: knows a keyboard's layout; that is in the strokes.
 */
#pragma once

#include "console/lodge-console-session.h"

G_BEGIN_DECLS

/* One character. */
typedef struct {
  guint evdev; /* KEY_A of Linux */
  gboolean shift;
  gboolean alt_gr;
  gboolean caps; /* Caps Lock does what Shift does */
} LodgeStroke;

/* Finds the key of a character; FALSE when it is on none. */
typedef gboolean (*LodgeStrokeFunc) (gunichar c, LodgeStroke *out_stroke, gpointer user_data);

/* Returns: (transfer full) (element-type LodgeStroke): what to press for @text, valid UTF-8. A line
 * ends with Enter, however it is written. @out_missing: how many characters are left out. */
GArray *
lodge_strokes_new (const char *text, LodgeStrokeFunc func, gpointer user_data, guint *out_missing);
/* A LodgeStrokeFunc: of a US keyboard. */
gboolean lodge_stroke_us (gunichar c, LodgeStroke *out_stroke, gpointer user_data);
/* How long it takes, or less. */
guint lodge_strokes_get_seconds (GArray *strokes);

#define LODGE_TYPE_CONSOLE_TYPING (lodge_console_typing_get_type ())
G_DECLARE_FINAL_TYPE (LodgeConsoleTyping, lodge_console_typing, LODGE, CONSOLE_TYPING, GObject)

/* Signals
 *   "progress": lodge_console_typing_get_progress() has changed
 *   "ended" (gboolean whole): all was sent; or it was cancelled, or the connection ended
 */

/* Begins at once. @strokes: is kept */
LodgeConsoleTyping *lodge_console_typing_new (LodgeConsoleSession *session, GArray *strokes);
/* Nothing stays down. */
void lodge_console_typing_cancel (LodgeConsoleTyping *self);
/* 0 to 1 */
double lodge_console_typing_get_progress (LodgeConsoleTyping *self);

G_END_DECLS
