/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU says to a listener, as it comes: taken by GDBus's thread, which answers at once, and
 * kept, joined, until the main loop looks. So QEMU never waits for the main loop, and a flood of
 * updates is no more to it than one.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A few places that changed; more are joined. */
#define LODGE_MAP_PLACES 8

typedef struct {
  int x;
  int y;
  int width;
  int height;
} LodgeMapPlace;

/* Where QEMU says that the picture is. Nothing of it is checked. */
typedef struct {
  int fd;
  guint32 offset;
  guint32 width;
  guint32 height;
  guint32 stride;
  guint32 format; /* pixman's */
} LodgeMapScanout;

typedef struct {
  gboolean ended; /* what QEMU shows cannot be mapped, or what it says cannot be */
  gboolean moved; /* scanout is another one; the descriptor is the receiver's */
  LodgeMapScanout scanout;
  guint n_places;
  LodgeMapPlace places[LODGE_MAP_PLACES];
} LodgeMapNews;

typedef struct _LodgeMapMailbox LodgeMapMailbox;

/* Called in the main context of the thread that made it, at most once every @pause_ms, and only
 * when there is something. */
typedef void (*LodgeMapArrived) (gpointer user_data);

LodgeMapMailbox *
lodge_map_mailbox_new (guint pause_ms, LodgeMapArrived arrived, gpointer user_data);
/* No further call. */
void lodge_map_mailbox_free (LodgeMapMailbox *self);

/* From now on it takes all that comes over @connection. */
void lodge_map_mailbox_listen (LodgeMapMailbox *self, GDBusConnection *connection);
/* FALSE: nothing has come. */
gboolean lodge_map_mailbox_take (LodgeMapMailbox *self, LodgeMapNews *out_news);

/* Joins @place with those that are there: for more than fit, into one. */
void lodge_map_news_add (LodgeMapNews *self, const LodgeMapPlace *place);

G_END_DECLS
