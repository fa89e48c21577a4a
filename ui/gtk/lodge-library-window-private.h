/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library window's fields, for its own files. */
#pragma once

#include "gtk/lodge-library-window.h"
#include "gtk/lodge-thumbnail-loader.h"

G_BEGIN_DECLS

struct _LodgeLibraryWindow {
  AdwApplicationWindow parent_instance;

  GtkRevealer *banner;
  GtkLabel *banner_label;
  GtkSearchBar *search_bar;
  GtkSearchEntry *search_entry;
  GtkWidget *search_button;
  GtkMenuButton *menu_button;
  GtkStack *pages;
  GtkWidget *loading_label;
  AdwStatusPage *problem_page;
  GtkWidget *offer_button;
  GtkLabel *offer_label;
  GtkGridView *grid;
  AdwToastOverlay *toasts;

  LodgeConnection *connection;
  LodgeMachineList *machines;
  LodgeConsoleLauncher *launcher;
  LodgeThumbnailLoader *thumbnails;
  GtkFilter *filter;
  char *sought;             /* casefolded, or NULL */
  GtkSelectionModel *shown; /* filtered and sorted */
  GVariant *installers;     /* a(sss), or NULL */
  guint loading_timer;      /* until a word is said about it */
  GHashTable *starting;     /* UUIDs that are being started for their console */
  GtkWindow *create_window; /* while it is open */
};

/* Installs the "machine.*" actions. */
void lodge_library_actions_init (GtkWidgetClass *widget_class);

G_END_DECLS
