/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder that is shared, a folder beside it, and the guest's end of the wire: what spice-webdavd
 * and a program behind it would say. Every wait ends after 60 seconds with a failed assertion. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  char *top;
  char *folder;  /* top/share: is shared */
  char *outside; /* top/outside: is not */
  int wire;      /* -1 before it is connected */
  gint64 last_id;
} ShareGuest;

/* In @folder: "a.txt" with "alpha" in it, and "sub/b.txt". Outside: "secret.txt" with "secret". */
void share_guest_set_up (ShareGuest *self);
/* Starts lodge-share without walls at the other end of @wire, which it takes. @debug: G_DEBUG.
 * @virtiofsd: (nullable): the program that it becomes. */
GSubprocess *share_guest_spawn (
    ShareGuest *self, int wire, gboolean writable, const char *debug, const char *virtiofsd);
/* Closes the wire and removes everything. */
void share_guest_tear_down (ShareGuest *self);

/* The file's text, or %NULL. @name: below top. */
char *share_guest_read_file (ShareGuest *self, const char *name);
/* Every path below top but those of share/, sorted, one a line. */
char *share_guest_list_outside (ShareGuest *self);

void share_guest_send_raw (ShareGuest *self, gconstpointer data, gsize size_bytes);
void share_guest_send (ShareGuest *self, gint64 id, gconstpointer data, gsize size_bytes);
/* The next frame; %FALSE when the wire has ended. */
gboolean share_guest_receive (ShareGuest *self, gint64 *out_id, GByteArray *out_data);

/* A connection for one question, to its end. @headers: each with its end of line. Returns the
 * status, and the body in @out_body (nullable). */
guint share_guest_ask (ShareGuest *self,
                       const char *method,
                       const char *path,
                       const char *headers,
                       const char *body,
                       char **out_body);

G_END_DECLS
