/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a console session share: its life, its inputs, its display, its sound. */
#pragma once

#include "console/lodge-console-session.h"
#include "console/lodge-frame-chooser.h"
#include "console/lodge-keymap.h"
#include "console/lodge-spice-source.h"

#include <spice-client.h>

G_BEGIN_DECLS

/* What waits until the guest's keyboard has room for it, and what comes after that. */
typedef enum {
  LODGE_WAITING_KEY,
  LODGE_WAITING_LOCKS,
  LODGE_WAITING_POSITION,
  LODGE_WAITING_MOTION,
  LODGE_WAITING_BUTTON,
  LODGE_WAITING_WHEEL,
} LodgeWaitingKind;

typedef struct {
  LodgeWaitingKind kind;
  guint code; /* a key, the guest's locks, the place of a button's row, or a position's monitor */
  gboolean pressed;
  gboolean repeated; /* a key that was down already */
  int x;             /* of a position or motion; y also the notches of a wheel */
  int y;
} LodgeWaiting;

typedef struct _LodgeConsoleTablet LodgeConsoleTablet;

struct _LodgeConsoleSession {
  GObject parent_instance;

  char *socket_path;            /* or: */
  LodgeConsoleAddress *address; /* and its ticket; or: */
  char *ticket;
  LodgeConsoleOpen open_channel;
  gpointer open_data;

  SpiceSession *spice; /* a new one for each opening; NULL when closed */
  SpiceMainChannel *main;
  guint timeout_id;
  gboolean main_ready;
  gboolean connected;
  guint n_opening;  /* channels on their way */
  gboolean settled; /* connected, and none is */

  /* inputs */
  SpiceInputsChannel *inputs;
  gboolean inputs_ready;
  gboolean pointer_absolute;
  guint leds;
  guint server_locks;                /* what libspice-server believes the guest's locks are */
  gboolean scroll_unknown;           /* it may be wrong about Scroll Lock */
  guint8 pressed[LODGE_KEYMAP_SIZE]; /* by Linux key code, with those that wait */
  guint8 let_go[LODGE_KEYMAP_SIZE];  /* since the guest last went on */
  GQueue waiting;                    /* of LodgeWaiting */
  guint pointer_waiting;             /* how many of them are the pointer's */
  guint keys_sent;                   /* that the guest may not have taken yet */
  gint64 keys_time;                  /* until when keys_sent was counted */
  guint key_pause_id;
  guint buttons;       /* LodgeButton bits that are down, with those that wait */
  guint buttons_sent;  /* that the guest knows of */
  guint buttons_still; /* that it knew of when it began to stand still; 0 when it goes on */
  guint sideways_key;  /* a Shift that is down for the wheel; 0: none */
  guint last_sideways_key;
  guint sideways_id;
  guint pointer_monitor; /* of the last position, sent or waiting */
  int pointer_x;
  int pointer_y;
  LodgeConsoleTablet *tablet; /* NULL: there is SPICE alone */

  /* display */
  LodgeSpiceSource *sources[LODGE_CONSOLE_MONITORS];
  LodgeFrameChooser *choosers[LODGE_CONSOLE_MONITORS]; /* each of its source */
  guint own_displays; /* a bit for each monitor that has channels of its own */
  guint own_cursors;
  gboolean can_resize;
  int asked_width[LODGE_CONSOLE_MONITORS]; /* 0: nothing was asked for yet */
  int asked_height[LODGE_CONSOLE_MONITORS];
  gboolean follows[LODGE_CONSOLE_MONITORS];
  gboolean asks_again[LODGE_CONSOLE_MONITORS]; /* the same may be news */
  guint on;                                    /* bits of the monitors that were said to be */
  gboolean size_waits;                         /* for a picture of the first */

  /* sharing */
  LodgeConsoleClipboard *clipboard;
  LodgeConsoleFiles *files;
  /* sound */
  LodgeSound *sound; /* NULL: none */
  SpiceRecordChannel *record;
};

typedef enum {
  LODGE_CONSOLE_PROP_CONNECTED = 1,
  LODGE_CONSOLE_PROP_POINTER_ABSOLUTE,
  LODGE_CONSOLE_PROP_CAN_RESIZE,
  LODGE_CONSOLE_PROP_LEDS,
  LODGE_CONSOLE_PROP_SETTLED,
  LODGE_CONSOLE_N_PROPS,
} LodgeConsoleProp;

/* lodge-console-session.c: sets the field and notifies only when it changes */
void lodge_console_session_set_flag (LodgeConsoleSession *self,
                                     gboolean *field,
                                     gboolean value,
                                     LodgeConsoleProp prop);
void lodge_console_session_set_leds (LodgeConsoleSession *self, guint leds);
void lodge_console_session_update_connected (LodgeConsoleSession *self);

/* lodge-console-session-inputs.c */
void lodge_console_session_take_inputs (LodgeConsoleSession *self, SpiceInputsChannel *channel);
void lodge_console_session_inputs_opened (LodgeConsoleSession *self);
void lodge_console_session_drop_inputs (LodgeConsoleSession *self);
void lodge_console_session_update_mouse_mode (LodgeConsoleSession *self);

/* Now, to a connected guest. */
void lodge_console_session_send (LodgeConsoleSession *self, const LodgeWaiting *next);
/* Something of the pointer's, behind what waits. */
void lodge_console_session_point (LodgeConsoleSession *self, LodgeWaiting next);
/* A program that types or clicks without end is cut short. */
#define LODGE_CONSOLE_WAITING_MAX 4096
/* The place of its row, as in LodgeWaiting. */
guint lodge_console_session_find_button (LodgeButton button);
#define LODGE_CONSOLE_NO_BUTTON G_MAXUINT

/* lodge-console-session-pointer.c */
/* Before all else that the guest is given: Shift would change what it means. */
void lodge_console_session_end_sideways (LodgeConsoleSession *self);

/* lodge-console-session-tablet.c */
/* Begins or ends asking whether the guest has a driver for its tablet: after another mouse mode,
 * other channels, a connection that came or went. */
void lodge_console_session_update_tablet (LodgeConsoleSession *self);
/* Whether places, buttons and the wheel go to the engine now; the next three only then. @x, @y:
 * guest pixels of @monitor. @buttons: of LodgeButton. @notches: positive is down. */
gboolean lodge_console_session_uses_tablet (LodgeConsoleSession *self);
void lodge_console_session_tablet_position (LodgeConsoleSession *self, guint monitor, int x, int y);
void lodge_console_session_tablet_buttons (LodgeConsoleSession *self, guint buttons);
void lodge_console_session_tablet_wheel (LodgeConsoleSession *self, int notches);
/* The connection ends: no button stays down. */
void lodge_console_session_drop_tablet (LodgeConsoleSession *self);

/* lodge-console-session-display.c */
/* The first monitor has another picture, or none. */
void lodge_console_session_first_frame (LodgeConsoleSession *self);
void lodge_console_session_update_agent (LodgeConsoleSession *self);
void lodge_console_session_drop_display (LodgeConsoleSession *self);
/* A display or cursor channel; @id: its number, below LODGE_CONSOLE_MONITORS. */
void lodge_console_session_take_display (LodgeConsoleSession *self, SpiceChannel *channel, int id);

/* lodge-console-clipboard.c, lodge-console-files.c: each keeps a reference, and lets go of the
 * channel it had. NULL: there is none now. */
void lodge_console_clipboard_set_channel (LodgeConsoleClipboard *self, SpiceMainChannel *main);
void lodge_console_files_set_channel (LodgeConsoleFiles *self, SpiceMainChannel *main);

/* lodge-console-transfer.c */
LodgeConsoleTransfer *lodge_console_transfer_new (GFile *file);
/* @limit_ms: how long the guest may stay silent */
void
lodge_console_transfer_start (LodgeConsoleTransfer *self, SpiceMainChannel *main, guint limit_ms);
void lodge_console_transfer_fail (LodgeConsoleTransfer *self, const char *sentence);
/* A guest that is paused may be silent; its time begins anew when it goes on. */
void lodge_console_transfer_set_paused (LodgeConsoleTransfer *self, gboolean paused);
/* lodge-console-session-sound.c */
void lodge_console_session_take_sound (LodgeConsoleSession *self, SpiceChannel *channel);
void lodge_console_session_drop_sound (LodgeConsoleSession *self);

G_END_DECLS
