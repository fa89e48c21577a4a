/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The storage window's fields, for its own files. */
#pragma once

#include "gtk/lodge-storage-window.h"

#include "gtk/lodge-work-panel.h"

G_BEGIN_DECLS

struct _LodgeStorageWindow {
  LodgeMachineWindow base;

  GCancellable *listing; /* its disks */
  GVariant *disks;       /* aa{sv}; NULL until they are known */
  char *drives;          /* what is shown of them */
  char *focus;           /* of the row that had the keyboard */
  char *wanted;          /* of the row that gets it as soon as it is there, or NULL */
  gboolean calling;      /* a job is being asked for, or a disc is on its way */
  GCancellable *work;    /* of the job that is followed, or NULL */

  GtkWidget *add_button;
  GtkWidget *hint;
  GtkLabel *hint_label;
  GtkStack *pages;
  AdwStatusPage *problem_page;
  GtkWidget *again_button; /* of that */
  GtkListBox *disk_list;
  GtkWidget *no_disks;
  GtkWidget *drive_group;
  GtkListBox *drive_list;
  GtkListBox *stick_list;
  GtkWidget *plug_button;
  LodgeWorkPanel *work_panel;
  GtkFileChooserNative *chooser; /* or NULL */
  AdwMessageDialog *question;    /* weak: the one that is open */
  gboolean looking;              /* for this computer's disks */
};

/* Enables what can be done now, and says why the rest cannot. */
void lodge_storage_window_update (LodgeStorageWindow *self);
/* Asks the engine for the list again. */
void lodge_storage_window_reload (LodgeStorageWindow *self);
/* Of the disk with that id, or %NULL; transfer full. */
GVariant *lodge_storage_window_find_disk (LodgeStorageWindow *self, const char *id);
/* Whether the guest has it, or will. */
gboolean lodge_storage_is_attached (GVariant *disk);

/* lodge-storage-list.c: the rows. */
void lodge_storage_list_init (LodgeStorageWindow *self, GtkBox *box);
/* What they are made of. @id: (nullable): what the button's action is given */
GtkWidget *lodge_storage_list_make_row (const char *title, const char *subtitle, const char *icon);
GtkWidget *lodge_storage_list_make_button (const char *label, const char *action, const char *id);
void lodge_storage_list_show_disks (LodgeStorageWindow *self);
/* Only where they have changed. */
void lodge_storage_list_show_drives (LodgeStorageWindow *self);
/* Remembers which row has the keyboard, before that may be lost. */
void lodge_storage_list_note_focus (LodgeStorageWindow *self);
/* Gives the keyboard to the row of something new, "disk.ID" or "stick.ID", as soon as it is there.
 */
void lodge_storage_list_want (LodgeStorageWindow *self, const char *kind, const char *id);
/* Gives the keyboard to the row that had it, or the first. */
void lodge_storage_list_focus (LodgeStorageWindow *self);

/* lodge-storage-host.c: the same for a disk of this computer. */
void lodge_storage_ask_add_host (LodgeStorageWindow *self);

/* lodge-storage-ask.c: the questions before something is done. @id: of a disk */
void lodge_storage_ask_add (LodgeStorageWindow *self);
/* Whether its guest runs, or is paused. */
gboolean lodge_storage_window_is_live (LodgeStorageWindow *self);
void lodge_storage_ask_grow (LodgeStorageWindow *self, const char *id);
void lodge_storage_ask_export (LodgeStorageWindow *self, const char *id);
void lodge_storage_ask_remove (LodgeStorageWindow *self, const char *id);
/* Only where there is something to ask; else it is done. */
void lodge_storage_ask_detach (LodgeStorageWindow *self, const char *id);
/* Takes the open question back when it does not apply any more. */
void lodge_storage_ask_update (LodgeStorageWindow *self);

/* lodge-storage-work.c: calls of the machine, and their jobs. */
/* @parameters: floating; @failure: the heading of a message about a failure; taken */
void lodge_storage_work_call (LodgeStorageWindow *self,
                              const char *method,
                              GVariant *parameters,
                              char *failure);
/* @id: of a disk; @path: a file that is there is replaced, or asked about first */
void lodge_storage_work_export (LodgeStorageWindow *self,
                                const char *id,
                                const char *format,
                                const char *path,
                                gboolean replace);
/* Shows a job about the machine's disks that runs already, if there is one. */
void lodge_storage_work_find (LodgeStorageWindow *self);
/* @path: (nullable): %NULL takes out what is in the drive */
void lodge_storage_work_change_drive (LodgeStorageWindow *self,
                                      const char *drive,
                                      const char *path,
                                      gboolean force);

/* lodge-storage-sticks.c: images that are plugged in as USB sticks. */
void lodge_storage_sticks_init (LodgeStorageWindow *self, GtkBox *box);
void lodge_storage_sticks_show (LodgeStorageWindow *self, GVariant *description);
void lodge_storage_sticks_plug (LodgeStorageWindow *self);
void lodge_storage_sticks_unplug (LodgeStorageWindow *self, const char *id);

G_END_DECLS
