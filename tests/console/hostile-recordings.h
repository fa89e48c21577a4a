/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real SPICE server says in sessions of each kind that a console has: to be said again with
 * something wrong in it. */
#pragma once

#include "hostile-session.h"

G_BEGIN_DECLS

/* Of HOSTILE_PICTURES one for each compression. */
#define HOSTILE_RECORDINGS 9
HostileKind hostile_recording_get_kind (guint which);

/* The size of the guest's first picture. */
#define HOSTILE_WIDTH  96
#define HOSTILE_HEIGHT 64

/* @file: what is sent to the guest. Within spice_fixture_run(). */
SpiceRecording *hostile_recording_new (guint which, const char *file);

G_END_DECLS
