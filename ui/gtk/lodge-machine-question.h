/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What something that was refused needs to be asked about its machine before it can be done again:
 * one question at a time for a window and a machine, for as long as it has a meaning. */
#pragma once

#include "lodge-client.h"

#include <adwaita.h>

G_BEGIN_DECLS

typedef void (*LodgeMachineAnswered) (gpointer user_data);

/* Counted: its window and the calls that follow share it. The fields are read by who asks. */
typedef struct {
  GtkWindow *parent; /* owned */
  LodgeClient *client;
  LodgeMachine1 *machine; /* once it has been opened */
  char *uuid;
  char *name;
  char *heading;            /* of a message about what has failed */
  AdwMessageDialog *dialog; /* while it is shown */
  LodgeMachineAnswered answered;
  gpointer user_data;
  GDestroyNotify free_data;
  gpointer own; /* of who asks */
  GDestroyNotify free_own;
} LodgeMachineQuestion;

/**
 * lodge_machine_question_new:
 * @answered: it can be done again; called by who asks
 *
 * Returns: (transfer full): or %NULL where @parent asks about that machine already, which is
 *   shown again; @user_data is freed then
 */
LodgeMachineQuestion *lodge_machine_question_new (GtkWindow *parent,
                                                  LodgeClient *client,
                                                  const char *uuid,
                                                  const char *name,
                                                  const char *heading,
                                                  LodgeMachineAnswered answered,
                                                  gpointer user_data,
                                                  GDestroyNotify free_data);
LodgeMachineQuestion *lodge_machine_question_ref (LodgeMachineQuestion *self);
void lodge_machine_question_unref (LodgeMachineQuestion *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeMachineQuestion, lodge_machine_question_unref)

/* Whether there is still a window to ask in, and to tell. */
gboolean lodge_machine_question_is_open (LodgeMachineQuestion *self);

/**
 * lodge_machine_question_show:
 * @response: a handler of "response", which gets @self
 *
 * Shows @dialog until it is answered, its parent closes or its machine is gone.
 */
void lodge_machine_question_show (LodgeMachineQuestion *self,
                                  AdwMessageDialog *dialog,
                                  GCallback response);
/* It needs no answer any more: closes it, as if it had been cancelled. */
void lodge_machine_question_take_back (LodgeMachineQuestion *self);

G_END_DECLS
