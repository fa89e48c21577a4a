/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked about a disc that goes into a drive or out of it. */
#pragma once

#include "gtk/lodge-file-choice.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* As lodge_file_choice_ask(): for the image of a disc. */
void lodge_disc_choose (GtkFileChooserNative **slot,
                        GtkWindow *parent,
                        LodgeFileChosen chosen,
                        gpointer user_data,
                        GDestroyNotify free_data);

/* Asks whether the guest's disc is taken from it; @force: it is. @free_data: in any case, after
 * that; the question goes with @parent. */
void lodge_disc_ask_for_force (GtkWindow *parent,
                               void (*force) (gpointer user_data),
                               gpointer user_data,
                               GDestroyNotify free_data);

G_END_DECLS
