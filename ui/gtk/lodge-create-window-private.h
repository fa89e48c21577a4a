/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The creation window's fields, for its own files. */
#pragma once

#include "gtk/lodge-create-window.h"

#include "gtk/lodge-encrypt-row.h"
#include "gtk/lodge-hardware-row.h"
#include "gtk/lodge-work-panel.h"

G_BEGIN_DECLS

struct _LodgeCreateWindow {
  AdwWindow parent_instance;

  GtkWidget *cancel_button;
  GtkWidget *create_button;
  GtkRevealer *error_revealer;
  GtkLabel *error_label;
  GtkWidget *form;
  AdwPreferencesGroup *source_group;
  AdwActionRow *file_row;
  GtkCheckButton *file_check;
  AdwEntryRow *name_row;
  LodgeHardwareRow *hardware_row;
  LodgeEncryptRow *encrypt_row;
  GtkLabel *name_error;
  LodgeWorkPanel *work_panel;

  LodgeConnection *connection; /* NULL once it is closed */
  GListModel *machines;
  GPtrArray *installers; /* of a struct of lodge-create-source.c, one per row above the file's */
  GtkFileChooserNative *chooser;
  char *path;              /* the chosen file, or NULL */
  char *os;                /* what was found on the source, "" unknown */
  char *create_at_once;    /* installer to create without asking, or NULL */
  GCancellable *detecting; /* NULL when nothing is being looked at */
  GCancellable *creating;  /* NULL in the form */
  gboolean source_is_bad;
  gboolean source_is_disk; /* it becomes the machine's own */
  gboolean name_touched;
  gboolean filling;
  gboolean create_wanted; /* once it is known what is being looked at */
};

/* @sentence: NULL takes it back */
void lodge_create_window_show_error (LodgeCreateWindow *self, const char *sentence);
/* Says what is wrong with what is filled in; the button follows. */
void lodge_create_window_validate (LodgeCreateWindow *self);
/* What the button does. */
void lodge_create_window_create (LodgeCreateWindow *self);

/* lodge-create-source.c: what the machine is made from, and what that is. */
void lodge_create_source_class_init (GtkWidgetClass *widget_class);
void lodge_create_source_init (LodgeCreateWindow *self);
/* There is another engine, or none. */
void lodge_create_source_client_changed (LodgeCreateWindow *self);
/* Whether something is chosen. */
gboolean lodge_create_source_is_chosen (LodgeCreateWindow *self);
void lodge_create_source_add_to_spec (LodgeCreateWindow *self, GVariantDict *spec);
void lodge_create_source_clear (LodgeCreateWindow *self);
void lodge_create_source_finalize (LodgeCreateWindow *self);

G_END_DECLS
