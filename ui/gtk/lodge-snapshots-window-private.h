/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshots window's fields, for its own files. */
#pragma once

#include "gtk/lodge-snapshots-window.h"
#include "gtk/lodge-work-panel.h"

#include "console/lodge-machine-state.h"
#include "console/lodge-snapshot-tree.h"

G_BEGIN_DECLS

typedef struct _LodgeSnapshotsSchedule LodgeSnapshotsSchedule;
typedef struct _LodgeSnapshotsWork LodgeSnapshotsWork;

/* What is known of the next snapshot: lodge-snapshots-check.c. */
typedef enum {
  LODGE_SNAPSHOTS_CHECK_NONE,
  LODGE_SNAPSHOTS_CHECK_ASKED,
  LODGE_SNAPSHOTS_CHECK_KNOWN,
  LODGE_SNAPSHOTS_CHECK_FAILED,
} LodgeSnapshotsCheck;

struct _LodgeSnapshotsWindow {
  LodgeMachineWindow base;

  GCancellable *listing; /* its snapshots */
  LodgeSnapshotsCheck check;
  GCancellable *checking; /* while it is asked */
  guint check_timer;      /* until that is said */
  char *check_words;      /* to be said of it; NULL: nothing */
  gboolean blocked;       /* KNOWN: none can be taken, and so on */
  gboolean takes_memory;  /* one would have the guest's memory */
  guint64 memory_bytes;   /* at most */
  guint standstill_ms;    /* of the guest, expected for the next one; 0: not known */
  GPtrArray *rows;        /* of LodgeSnapshotRow; NULL until they are known */
  GHashTable *thumbnails; /* id to GdkPaintable: a snapshot's never changes */
  GHashTable *asked;      /* ids of those that are not asked for again */
  GListStore *items;
  GtkSingleSelection *selection;
  guint scroll_idle;
  gboolean scroll;     /* then, to the selected row */
  gboolean focus_list; /* then */

  GtkWidget *take_button;
  GtkWidget *hint;
  GtkLabel *hint_label;
  GtkStack *pages;
  AdwStatusPage *problem_page;
  GtkWidget *list;
  GtkLabel *more_label;
  LodgeSnapshotsSchedule *schedule;
  LodgeWorkPanel *work_panel;

  AdwMessageDialog *question; /* weak: the one that is open */

  GCancellable *work;      /* of the job that is shown; NULL while there is none */
  LodgeSnapshotsWork *its; /* what this window asked for, while it goes on */
};

/* Why none can be gone back to now, and what to do first; NULL: it can. */
char *lodge_snapshots_window_dup_obstacle (LodgeSnapshotsWindow *self);
/* A guest runs, or is paused. */
gboolean lodge_snapshots_window_is_live (LodgeSnapshotsWindow *self);
/* Enables what can be done now, and says why the rest cannot. */
void lodge_snapshots_window_update (LodgeSnapshotsWindow *self);
/* Asks the engine for the list again. */
void lodge_snapshots_window_reload (LodgeSnapshotsWindow *self);

/* lodge-snapshots-check.c: whether one can be taken, and what it would hold. */
/* Asks the engine. What was known before is forgotten. */
void lodge_snapshots_check_begin (LodgeSnapshotsWindow *self);
/* Nothing that is known is in the way. */
gboolean lodge_snapshots_check_allows (LodgeSnapshotsWindow *self);
/* The answer has been on its way for long enough that this is said. */
gboolean lodge_snapshots_check_is_slow (LodgeSnapshotsWindow *self);
void lodge_snapshots_check_clear (LodgeSnapshotsWindow *self);

/* lodge-snapshots-ask.c: the questions before something is done. @id: of a snapshot */
void lodge_snapshots_ask_take (LodgeSnapshotsWindow *self);
void lodge_snapshots_ask_go_back (LodgeSnapshotsWindow *self, const char *id);
void lodge_snapshots_ask_describe (LodgeSnapshotsWindow *self, const char *id);
void lodge_snapshots_ask_delete (LodgeSnapshotsWindow *self, const char *id);
/* Takes the open question back when it does not apply any more. */
void lodge_snapshots_ask_update (LodgeSnapshotsWindow *self);

/* lodge-snapshots-list.c: the rows. */
void lodge_snapshots_list_class_init (GtkWidgetClass *widget_class);
GtkWidget *lodge_snapshots_list_init (LodgeSnapshotsWindow *self);
/* Shows self->rows; @left_out: how many more there are */
void lodge_snapshots_list_show (LodgeSnapshotsWindow *self, guint left_out);
/* Gives it the keyboard, where the selected row is. */
void lodge_snapshots_list_focus (LodgeSnapshotsWindow *self);
void lodge_snapshots_list_clear (LodgeSnapshotsWindow *self);
void lodge_snapshots_list_finalize (LodgeSnapshotsWindow *self);

/* lodge-snapshots-schedule.c: those that are taken by themselves. */
GtkWidget *lodge_snapshots_schedule_init (LodgeSnapshotsWindow *self);
void lodge_snapshots_schedule_update (LodgeSnapshotsWindow *self);
void lodge_snapshots_schedule_finalize (LodgeSnapshotsWindow *self);

/* lodge-snapshots-work.c: calls of the machine, and their jobs. */
/* @parameters: floating; @failure: the heading of a message about a failure; taken */
void lodge_snapshots_work_call (LodgeSnapshotsWindow *self,
                                const char *method,
                                GVariant *parameters,
                                char *failure);
/* Shows a job about the machine's snapshots that runs already, if there is one. */
void lodge_snapshots_work_find (LodgeSnapshotsWindow *self);
void lodge_snapshots_work_clear (LodgeSnapshotsWindow *self);

G_END_DECLS
