/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's fields, for its own files. */
#pragma once

#include "console/lodge-console-typing.h"
#include "gtk/lodge-console-window.h"
#include "gtk/lodge-display.h"
#include "gtk/lodge-monitor-view.h"
#include "gtk/lodge-screen-hint.h"

G_BEGIN_DECLS

typedef struct _LodgeConsoleBeside LodgeConsoleBeside;
typedef struct _LodgeConsoleFullscreen LodgeConsoleFullscreen;
typedef struct _LodgeConsoleMedia LodgeConsoleMedia;
typedef struct _LodgeConsoleMonitorCount LodgeConsoleMonitorCount;
typedef struct _LodgeConsoleMonitors LodgeConsoleMonitors;
typedef struct _LodgeConsoleRecord LodgeConsoleRecord;
typedef struct _LodgeConsoleScaling LodgeConsoleScaling;
typedef struct _LodgeConsoleExchange LodgeConsoleExchange;
typedef struct _LodgeConsoleTerminals LodgeConsoleTerminals;
typedef struct _LodgeConsoleSuspend LodgeConsoleSuspend;

struct _LodgeConsoleWindow {
  AdwApplicationWindow parent_instance;

  GtkBox *content;
  GtkWidget *header;
  AdwWindowTitle *title;
  GtkWidget *start_button;
  GtkWidget *pause_button;
  GtkWidget *resume_button;
  GtkWidget *power_button;
  GtkWidget *disposable_label;
  GtkWidget *flat_label;
  GSimpleAction *accelerated;
  gboolean accelerated_asked; /* for what flat_next says, and the machine does not say so yet */
  char *flat_told;            /* what the window has said of that */
  gboolean flat_next;         /* it was switched off here, which counts from the next start on */
  GtkImage *lock_icon;
  GtkWidget *keys_button;
  GtkWidget *menu_button;
  GtkRevealer *banner;
  GtkLabel *banner_label;
  AdwToastOverlay *toasts;
  GtkWidget *overlay;
  GtkStack *pages;
  GtkBox *busy_box;
  GtkLabel *busy_label;
  AdwStatusPage *status_page;
  GtkButton *status_button;
  GtkPaned *screens; /* has that and others beside it: */
  GtkWidget *screen; /* a GtkOverlay: what is over the window's own screen alone */
  GtkScrolledWindow *stage;
  LodgeDisplay *display;
  GtkRevealer *paused_revealer;
  GtkRevealer *bar; /* has the header in full screen */
  GtkWidget *fullscreen_button;
  GtkWidget *minimize_button;
  GMenu *picture_menu;
  GMenu *monitors_menu;
  GMenu *media_menu;
  GMenu *sharing_menu;
  GMenu *keys_menu;
  GMenu *own_keys_menu; /* a section of it */
  GSimpleAction *type_action;
  LodgeConsoleTyping *typing; /* the clipboard, now */
  GtkWidget *typing_bar;
  GtkProgressBar *typing_progress;
  GtkWidget *microphone_button;
  GtkWidget *microphone_pill;
  GtkWidget *sound_problem;
  GtkWidget *record_button;
  GtkLabel *record_time;
  GtkWidget *record_pill;
  GtkLabel *record_pill_time;

  LodgeConnection *connection;
  LodgeConsoleMachine *machine;
  gboolean start_wanted; /* once it is known to be off */
  GSimpleAction *microphone_action;
  GCancellable *microphone_wish; /* the last one; those before are no matter any more */
  AdwToast *saved_toast;         /* weak; says of what was saved last where it is */
  guint close_idle;
  gboolean may_close; /* the user has answered */
  LodgeConsoleBeside *beside;
  LodgeConsoleFullscreen *fullscreen;
  LodgeConsoleMedia *media;
  LodgeConsoleMonitors *monitors;
  LodgeConsoleMonitorCount *monitor_count;
  LodgeConsoleRecord *record;
  LodgeConsoleSuspend *suspend;
  LodgeConsoleScaling *scaling;
  LodgeConsoleExchange *exchange;
  LodgeConsoleTerminals *terminals;
  LodgeScreenHint *hint;
  GtkWidget *folder_button;
  GtkWidget *shared_window; /* NULL while it is not open */
};

/* lodge-console-window.c: FALSE once it is closed: it may live on while an answer is waited for,
 * which then has nobody to be told to. */
gboolean lodge_console_window_is_open (LodgeConsoleWindow *self);
/* Shows everything as it is now. */
void lodge_console_window_update (LodgeConsoleWindow *self);
/* Shows what is written below its name. */
void lodge_console_window_show_subtitle (LodgeConsoleWindow *self);

/* lodge-console-actions.c: installs the actions that ask something of the machine. */
void lodge_console_actions_init (GtkWidgetClass *widget_class);
/* Enables them as the machine's state allows. */
void lodge_console_actions_update (LodgeConsoleWindow *self);

/* lodge-console-fullscreen.c: F11, and the header as a bar that hides. */
void lodge_console_fullscreen_init (LodgeConsoleWindow *self);
void lodge_console_fullscreen_toggle (LodgeConsoleWindow *self);
/* The keyboard leaves the guest: for the header bar, wherever it is. */
void lodge_console_fullscreen_leave (LodgeConsoleWindow *self);
/* What the header says has to be said elsewhere. */
gboolean lodge_console_fullscreen_hides_header (LodgeConsoleWindow *self);
void lodge_console_fullscreen_clear (LodgeConsoleWindow *self);

/* lodge-console-scaling.c: how the picture is brought into the window. */
void lodge_console_scaling_init (LodgeConsoleWindow *window);
/* Follows the machine's description. */
void lodge_console_scaling_update (LodgeConsoleWindow *window);
void lodge_console_scaling_clear (LodgeConsoleWindow *window);
/* Says through the engine how large a monitor should be; 0 by 0 that it is off. */
void lodge_console_scaling_tell (LodgeConsoleWindow *window, guint monitor, int width, int height);

/* lodge-console-media.c: discs into the machine's drives, and out of them. */
void lodge_console_media_init (LodgeConsoleWindow *self);
/* Follows the machine's description. */
void lodge_console_media_update (LodgeConsoleWindow *self);
void lodge_console_media_clear (LodgeConsoleWindow *self);
/* What the menu does once a file was chosen. */
void lodge_console_media_insert (LodgeConsoleWindow *self, const char *drive, const char *path);

/* The drive with the disc that the machine's note is about, as when it could not be started for
 * that; or NULL. */
char *lodge_console_media_dup_blamed (LodgeConsoleWindow *self);

/* lodge-console-beside.c: further monitors beside the first one. */
void lodge_console_beside_class_init (GtkWidgetClass *widget_class);
void lodge_console_beside_init (LodgeConsoleWindow *window);
/* @monitor: not the first one. @view: held by somebody else; it is in the window until it is taken.
 */
void lodge_console_beside_put (LodgeConsoleWindow *window, guint monitor, LodgeMonitorView *view);
/* One that is not there is no matter. */
void lodge_console_beside_take (LodgeConsoleWindow *window, guint monitor);
/* The screen in this window that has the keyboard, or had it last; or its own. */
LodgeDisplay *lodge_console_beside_get_screen (LodgeConsoleWindow *window);
/* What the user must know to get out of a grab, whichever screen here has it. */
const char *lodge_console_beside_get_way_out (LodgeConsoleWindow *window);
/* After all were taken. */
void lodge_console_beside_clear (LodgeConsoleWindow *window);

/* lodge-console-monitors.c: the further monitors, in windows of their own or beside the first. */
void lodge_console_monitors_init (LodgeConsoleWindow *window);
/* Whether one of them is recorded. */
gboolean lodge_console_monitors_is_recording (LodgeConsoleWindow *window);
void lodge_console_monitors_update (LodgeConsoleWindow *window);
/* Before the scaling's: monitors are switched off. */
void lodge_console_monitors_clear (LodgeConsoleWindow *window);

/* lodge-console-monitor-count.c: how many there are, for lodge-console-monitors.c alone. */
void lodge_console_monitor_count_init (LodgeConsoleWindow *window, GActionMap *actions);
void lodge_console_monitor_count_update (LodgeConsoleWindow *window);
void lodge_console_monitor_count_clear (LodgeConsoleWindow *window);
/* The guest can have so many now, and from its next start on. Of a machine that is known. */
guint lodge_console_monitor_count_get (LodgeConsoleWindow *window);
guint lodge_console_monitor_count_get_next (LodgeConsoleWindow *window);
/* Returns: (transfer full): the choice */
GMenuModel *lodge_console_monitor_count_new_section (void);
/* What is written above it: when it counts, or why there is no choice. NULL: it is left out. */
const char *lodge_console_monitor_count_get_heading (LodgeConsoleWindow *window);

/* lodge-console-screenshot.c: installs the action that saves the guest's picture. */
void lodge_console_screenshot_init (GtkWidgetClass *widget_class);

/* lodge-console-record.c: a recording of the guest. */
void lodge_console_record_class_init (GtkWidgetClass *widget_class);
void lodge_console_record_init (LodgeConsoleWindow *self);
/* Follows the machine and its session. */
void lodge_console_record_update (LodgeConsoleWindow *self);
gboolean lodge_console_record_is_recording (LodgeConsoleWindow *self);
/* One of this console's has ended. @file: (nullable): where it is */
void lodge_console_record_say_ended (LodgeConsoleWindow *self, GFile *file, const GError *error);
/* While the console is shown elsewhere: what that did to a recording; or NULL. */
char *lodge_console_record_dup_taken (LodgeConsoleWindow *self);
void lodge_console_record_clear (LodgeConsoleWindow *self);

/* lodge-console-keys.c: the menu of keys to send, and which of the host's stay there. */
void lodge_console_keys_init (LodgeConsoleWindow *self);
/* Follows the machine's state. */
void lodge_console_keys_update (LodgeConsoleWindow *self);
/* Does with a screen what the user has settled about keys, now and later. */
void lodge_console_keys_follow (LodgeDisplay *display);
void lodge_console_keys_clear (LodgeConsoleWindow *self);

/* lodge-console-type.c: the host's clipboard, typed. */
void lodge_console_type_clipboard (LodgeConsoleWindow *self);
void lodge_console_type_update (LodgeConsoleWindow *self);
void lodge_console_type_clear (LodgeConsoleWindow *self);

/* lodge-console-exchange.c: clipboard and dropped files. */
void lodge_console_exchange_init (LodgeConsoleWindow *window);
/* Follows the machine, its description and its session. */
void lodge_console_exchange_update (LodgeConsoleWindow *window);
void lodge_console_exchange_clear (LodgeConsoleWindow *window);
/* What is done with the console is done with another of its guest's screens as well, until
 * that goes. @overlay: over the screen */
void lodge_console_exchange_add_screen (LodgeConsoleWindow *window,
                                        LodgeDisplay *display,
                                        GtkOverlay *overlay);
void lodge_console_exchange_remove_screen (LodgeConsoleWindow *window, LodgeDisplay *display);
/* @files: (element-type GFile). FALSE, and the user is told why, when they are not taken. */
gboolean lodge_console_exchange_drop (LodgeConsoleWindow *window, GSList *files);
/* How many files are still on their way into the guest. */
guint lodge_console_exchange_get_n_unfinished (LodgeConsoleWindow *window);
/* lodge-console-lock.c */
void lodge_console_lock_init (LodgeConsoleWindow *self);
void lodge_console_lock_update (LodgeConsoleWindow *self);

/* lodge-console-disposable.c */
void lodge_console_disposable_init (LodgeConsoleWindow *self);
void lodge_console_disposable_update (LodgeConsoleWindow *self);

/* lodge-console-3d.c */
void lodge_console_3d_init (LodgeConsoleWindow *self);
void lodge_console_3d_update (LodgeConsoleWindow *self);
void lodge_console_3d_clear (LodgeConsoleWindow *self);
/* From the guest's next start on. */
gboolean lodge_console_3d_is_wanted (LodgeConsoleWindow *self);
/* It is wanted, and nothing is known that keeps this run from having it. */
gboolean lodge_console_3d_is_likely (LodgeConsoleWindow *self);

/* lodge-console-fetch.c: the window for files out of the guest. */
void lodge_console_fetch_class_init (GtkWidgetClass *widget_class);

/* lodge-console-folder.c: the list of all that is shared. */
void lodge_console_folder_class_init (GtkWidgetClass *widget_class);
void lodge_console_folder_init (LodgeConsoleWindow *self);
void lodge_console_folder_update (LodgeConsoleWindow *self);
void lodge_console_folder_clear (LodgeConsoleWindow *self);
/* lodge-console-sound.c: mute, and the microphone. */
void lodge_console_sound_init (LodgeConsoleWindow *self);
void lodge_console_sound_clear (LodgeConsoleWindow *self);

/* lodge-console-terminals.c: the machine's consoles of text, beside its screen. */
void lodge_console_terminals_init (LodgeConsoleWindow *self);
/* Follows the machine. */
void lodge_console_terminals_update (LodgeConsoleWindow *self);
void lodge_console_terminals_clear (LodgeConsoleWindow *self);
/* Gives the keyboard to @widget, which belongs to the screen, unless something else is shown. */
void lodge_console_terminals_focus_screen (LodgeConsoleWindow *self, gpointer widget);

/* lodge-console-suspend.c: how far suspending the guest is, and how to stop that. */
void lodge_console_suspend_init (LodgeConsoleWindow *self);
/* Follows the machine. */
void lodge_console_suspend_update (LodgeConsoleWindow *self);
void lodge_console_suspend_clear (LodgeConsoleWindow *self);

/* lodge-console-hint.c: why a screen that is connected shows nothing, or stands still. */
void lodge_console_hint_init (LodgeConsoleWindow *self);
/* Follows the machine and its session. */
void lodge_console_hint_update (LodgeConsoleWindow *self);
gboolean lodge_console_hint_is_shown (LodgeConsoleWindow *self);
void lodge_console_hint_clear (LodgeConsoleWindow *self);

G_END_DECLS
