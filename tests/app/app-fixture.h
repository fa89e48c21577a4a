/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of windows share: a display, waiting, and finding widgets. */
#pragma once

#include "fake-engine.h"

#include "gtk/lodge-console-window.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* Waits on the main context for @condition; the limit is for a hang, not for a slow machine. */
#define app_wait_until(condition)                                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const gint64 app_end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;                     \
    while (!(condition)) {                                                                         \
      if (g_get_monotonic_time () > app_end)                                                       \
        g_error ("%s:%d: waited for: %s", __FILE__, __LINE__, #condition);                         \
      app_iterate ();                                                                              \
    }                                                                                              \
  }                                                                                                \
  G_STMT_END

/* g_test_init() and GTK; where there is no display the program says so and is skipped (FALSE). */
gboolean app_test_init (int *argc, char ***argv);

/* One turn of the main loop that may sleep a few milliseconds. */
void app_iterate (void);
/* Everything that is due now, some turns long. */
void app_settle (void);

/* A connection to the engine, the caller's, and the console window of its machine @uuid, which
 * knows the machine; @out_window forgets it when it is gone. */
void app_open_console (LodgeConnection **out_connection,
                       LodgeConsoleWindow **out_window,
                       const char *uuid);

/* A widget by its id in the .ui file of @type. Lent. */
gpointer app_get_child (gpointer widget, GType type, const char *id);
/* The first below @root (itself too) of @type that is mapped, or NULL. */
gpointer app_find (gpointer root, GType type);
guint app_count (gpointer root, GType type);
/* A visible label below @root with exactly this text, shown without markup; or NULL. */
GtkLabel *app_find_label (gpointer root, const char *text);
/* Whether a window is that wide. Where nothing is composited libadwaita has a frame of some pixels
 * in it, instead of a shadow around it: it is wider than what is in it then. */
gboolean app_has_width (gpointer window, int width);
/* Whether a label that is shown has @words in its text. */
gboolean app_says (gpointer root, const char *words);

/* The dialog that is open now, or NULL. */
AdwMessageDialog *app_get_dialog (void);
/* The mapped button below @root with this label ("_Cancel") or icon; there has to be one. */
GtkWidget *app_find_button (gpointer root, const char *label);
/* Clicks it. */
void app_click (gpointer root, const char *label);
/* Whether a client has called that since; @call is the beginning of the text. */
gboolean app_was_called (FakeEngine *engine, const char *call);

/* Runs xdotool with these words: what a hand does. */
void app_xdotool (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* A program that writes its arguments and standard input to the returned file. In @folder. */
char *app_make_recorder (const char *folder, char **out_record);
gboolean app_file_contains (const char *path, const char *text);

/* The only child of a process, or 0. */
int app_find_child (int parent);

/* Every button below @root that shows only an icon has a name for a screen reader: where there is
 * none, GTK 4.8 says “GtkImage”. What is inside GTK's and libadwaita's own widgets is theirs. */
void app_assert_named (gpointer root);

/* Destroys the window, and waits until it is gone for good. */
void app_destroy_window (gpointer window);
/* Drops the last reference of the test and waits until the object is gone. */
void app_assert_dies (gpointer object);

/* Waits for the question of a window's action; and answers it. @id: (nullable) */
void app_ask (gpointer window, const char *action, const char *id);
void app_answer (const char *response);
/* The same with "cancel"; until the window that asked is the active one again. */
void app_cancel (gpointer window);

G_END_DECLS
