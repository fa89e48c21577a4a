/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text that is typed into a guest.
 *
 * The session's own queue gives the guest's keyboard the time it needs. It is filled only as far as
 * it is emptied, so that what the user does meanwhile comes soon, and a cancel ends it at once.
 */
#include "console/lodge-console-typing.h"

#include "lodge-key-names.h"

#include <linux/input-event-codes.h>

#define FILL_PAUSE_MS 20
/* Of the session's queue. */
#define FILL_TO 6

enum { LEDS_CAPS = 4 };

/* ---- strokes */

gboolean
lodge_stroke_us (gunichar c, LodgeStroke *out_stroke, gpointer user_data)
{
  char text[7] = {0};

  g_unichar_to_utf8 (c, text);
  g_autoptr (GPtrArray) chords = c != 0 ? lodge_key_names_from_text (text, NULL) : NULL;
  if (chords == NULL)
    return FALSE;

  /* Shift, if it is there, is the first of two. */
  char **chord = chords->pdata[0];
  const gboolean shift = chord[1] != NULL;
  *out_stroke = (LodgeStroke){.evdev = lodge_key_names_get_evdev (chord[shift ? 1 : 0]),
                              .shift = shift,
                              .caps = g_unichar_isalpha (c)};
  return out_stroke->evdev != 0;
}

GArray *
lodge_strokes_new (const char *text, LodgeStrokeFunc func, gpointer user_data, guint *out_missing)
{
  GArray *strokes = g_array_new (FALSE, FALSE, sizeof (LodgeStroke));
  guint missing = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    LodgeStroke stroke = {0};

    if (p[0] == '\r' && p[1] == '\n')
      continue;
    if (*p == '\n' || *p == '\r')
      stroke.evdev = KEY_ENTER;
    else if (*p == '\t')
      stroke.evdev = KEY_TAB;
    else if (!func (g_utf8_get_char (p), &stroke, user_data)) {
      missing++;
      continue;
    }
    g_array_append_val (strokes, stroke);
  }
  if (out_missing != NULL)
    *out_missing = missing;
  return strokes;
}

guint
lodge_strokes_get_seconds (GArray *strokes)
{
  /* A press and a release, and what Shift needs now and then. */
  return ((guint64) strokes->len * 3 * FILL_PAUSE_MS + 999) / 1000;
}

/* ---- typing */

struct _LodgeConsoleTyping {
  GObject parent_instance;

  LodgeConsoleSession *session;
  GArray *strokes;
  guint next;
  gboolean shift; /* were pressed by this */
  gboolean alt_gr;
  guint fill_id;
};

G_DEFINE_FINAL_TYPE (LodgeConsoleTyping, lodge_console_typing, G_TYPE_OBJECT)

enum { PROGRESS, ENDED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* The session is asked what is down: a window that loses the focus lets go of all keys. */
static void
hold (LodgeConsoleTyping *self, gboolean *held, guint evdev, gboolean wanted)
{
  if (lodge_console_session_has_key (self->session, evdev) == wanted)
    return;
  *held = wanted;
  lodge_console_session_key (self->session, evdev, wanted);
}

static void
type_stroke (LodgeConsoleTyping *self, const LodgeStroke *stroke)
{
  guint leds;

  g_object_get (self->session, "leds", &leds, NULL);
  const gboolean caps = stroke->caps && (leds & LEDS_CAPS) != 0;
  hold (self, &self->alt_gr, KEY_RIGHTALT, stroke->alt_gr);
  hold (self, &self->shift, KEY_LEFTSHIFT, !!stroke->shift != caps);
  lodge_console_session_key (self->session, stroke->evdev, TRUE);
  lodge_console_session_key (self->session, stroke->evdev, FALSE);
}

static void
end (LodgeConsoleTyping *self, gboolean whole)
{
  if (self->fill_id == 0)
    return;
  g_clear_handle_id (&self->fill_id, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->session, self);
  if (self->alt_gr)
    hold (self, &self->alt_gr, KEY_RIGHTALT, FALSE);
  if (self->shift)
    hold (self, &self->shift, KEY_LEFTSHIFT, FALSE);
  g_signal_emit (self, signals[ENDED], 0, whole);
}

static void
connected_cb (LodgeConsoleTyping *self)
{
  gboolean connected;

  g_object_get (self->session, "connected", &connected, NULL);
  if (!connected)
    end (self, FALSE);
}

static gboolean
fill_cb (gpointer user_data)
{
  LodgeConsoleTyping *self = user_data;
  const guint before = self->next;

  g_object_ref (self); /* a handler may let go of it */
  connected_cb (self); /* it may not have been at the beginning */
  while (self->fill_id != 0 && self->next < self->strokes->len &&
         lodge_console_session_get_n_waiting (self->session) < FILL_TO)
    type_stroke (self, &g_array_index (self->strokes, LodgeStroke, self->next++));
  if (self->next != before)
    g_signal_emit (self, signals[PROGRESS], 0);
  if (self->next >= self->strokes->len)
    end (self, TRUE);
  /* end() has removed the source. */
  const gboolean goes_on = self->fill_id != 0;
  g_object_unref (self);
  return goes_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void
lodge_console_typing_cancel (LodgeConsoleTyping *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_TYPING (self));
  end (self, FALSE);
}

double
lodge_console_typing_get_progress (LodgeConsoleTyping *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_TYPING (self), 1);
  return self->strokes->len > 0 ? (double) self->next / self->strokes->len : 1;
}

/* ---- type */

static void
lodge_console_typing_dispose (GObject *object)
{
  LodgeConsoleTyping *self = LODGE_CONSOLE_TYPING (object);

  end (self, FALSE);
  G_OBJECT_CLASS (lodge_console_typing_parent_class)->dispose (object);
}

static void
lodge_console_typing_finalize (GObject *object)
{
  LodgeConsoleTyping *self = LODGE_CONSOLE_TYPING (object);

  g_array_unref (self->strokes);
  g_object_unref (self->session);
  G_OBJECT_CLASS (lodge_console_typing_parent_class)->finalize (object);
}

static void
lodge_console_typing_class_init (LodgeConsoleTypingClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_console_typing_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_console_typing_finalize;

  signals[PROGRESS] = g_signal_new ("progress", LODGE_TYPE_CONSOLE_TYPING, G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[ENDED] = g_signal_new ("ended", LODGE_TYPE_CONSOLE_TYPING, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

static void
lodge_console_typing_init (LodgeConsoleTyping *self)
{
}

LodgeConsoleTyping *
lodge_console_typing_new (LodgeConsoleSession *session, GArray *strokes)
{
  LodgeConsoleTyping *self = g_object_new (LODGE_TYPE_CONSOLE_TYPING, NULL);

  self->session = g_object_ref (session);
  self->strokes = g_array_ref (strokes);
  self->fill_id = g_timeout_add (FILL_PAUSE_MS, fill_cb, self);
  g_signal_connect_object (session, "notify::connected", G_CALLBACK (connected_cb), self,
                           G_CONNECT_SWAPPED);
  return self;
}
