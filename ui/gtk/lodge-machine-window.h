/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows about one machine have in common: there is one for each machine and parent,
 * which closes with either; it follows the machine through every engine that there is, and its
 * title says the machine's name. */
#pragma once

#include "console/lodge-connection.h"

#include <adwaita.h>

G_BEGIN_DECLS

typedef struct _LodgeMachineWindow LodgeMachineWindow;
typedef struct _LodgeMachineWindowClass LodgeMachineWindowClass;

#define LODGE_TYPE_MACHINE_WINDOW (lodge_machine_window_get_type ())
#define LODGE_MACHINE_WINDOW(object)                                                               \
  G_TYPE_CHECK_INSTANCE_CAST (object, LODGE_TYPE_MACHINE_WINDOW, LodgeMachineWindow)
#define LODGE_MACHINE_WINDOW_CLASS(klass)                                                          \
  G_TYPE_CHECK_CLASS_CAST (klass, LODGE_TYPE_MACHINE_WINDOW, LodgeMachineWindowClass)
#define LODGE_MACHINE_WINDOW_GET_CLASS(object)                                                     \
  G_TYPE_INSTANCE_GET_CLASS (object, LODGE_TYPE_MACHINE_WINDOW, LodgeMachineWindowClass)
GType lodge_machine_window_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeMachineWindow, g_object_unref)

/* To be read by whoever derives from it. */
struct _LodgeMachineWindow {
  AdwWindow parent_instance;

  LodgeConnection *connection; /* NULL once the window is closed */
  char *uuid;
  char *name;
  LodgeMachine1 *machine; /* NULL while the engine is away */
  LodgeEngine1 *engine;   /* the same, but there as soon as that is */
  GCancellable *opening;  /* the machine */
};

struct _LodgeMachineWindowClass {
  AdwWindowClass parent_class;

  char *(*dup_title) (const char *name);
  /* Something may be shown that was not before, or not any more: also why there is no engine. */
  void (*update) (LodgeMachineWindow *self);
  /* The others may be NULL. */
  void (*begun) (LodgeMachineWindow *self); /* there is an engine */
  void (*opened) (LodgeMachineWindow *self);
  void (*failed) (LodgeMachineWindow *self, const GError *error); /* to be opened */
  void (*changed) (LodgeMachineWindow *self, GVariant *properties);
  void (*dropped) (LodgeMachineWindow *self); /* the machine is about to go, if there was one */
  void (*closed) (LodgeMachineWindow *self);  /* once; the connection is there still */
};

/* Whether the user has not closed it: it may live on in a call that has not come back. */
gboolean lodge_machine_window_is_open (LodgeMachineWindow *self);

/**
 * lodge_machine_window_show:
 * @type: of one that derives from it
 * @parent: the window that it belongs to
 * @uuid: the machine
 * @name: its name, until the engine says it
 *
 * Shows the window: the one that @parent has for this machine, or a new one.
 *
 * Returns: (transfer none)
 */
GtkWidget *lodge_machine_window_show (
    GType type, GtkWindow *parent, LodgeConnection *connection, const char *uuid, const char *name);

G_END_DECLS
