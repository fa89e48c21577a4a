/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes that nobody else may see: in memory that is not swapped out, is in no core dump, is not
 * there in a child, and is wiped when the last holder lets go of it.
 *
 * Never: printed, compared by anything but lodge_secret_equal(), put on a command line, into the
 * environment or into a file.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LodgeSecret LodgeSecret;

/* The length of a machine's key, and of what is derived from it. */
#define LODGE_SECRET_KEY_BYTES 32

/* @length bytes of zeros, to be filled. Never %NULL; at most a page. */
LodgeSecret *lodge_secret_new (gsize length);
LodgeSecret *lodge_secret_new_copy (gconstpointer data, gsize length);
/* From the kernel's generator. */
LodgeSecret *lodge_secret_new_random (gsize length);
LodgeSecret *lodge_secret_ref (LodgeSecret *self);
void lodge_secret_unref (LodgeSecret *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeSecret, lodge_secret_unref)

guint8 *lodge_secret_get (LodgeSecret *self);
gsize lodge_secret_get_length (LodgeSecret *self);
gboolean lodge_secret_equal (LodgeSecret *self, LodgeSecret *other);

/* Another key of LODGE_SECRET_KEY_BYTES, from which nobody comes back to this one: a program that
 * is given what it needs cannot open the rest. @purpose: "disks"; @salt: (nullable). */
LodgeSecret *
lodge_secret_derive (LodgeSecret *self, const char *purpose, const guint8 *salt, gsize salt_length);

/* As text, which is what programs and keyrings keep: not NUL terminated. */
LodgeSecret *lodge_secret_to_base64 (LodgeSecret *self);
/* %NULL when @text is not that of LODGE_SECRET_KEY_BYTES. */
LodgeSecret *lodge_secret_new_from_base64 (const char *text);

/* What opens a machine's images: the text that QEMU is given, of its @key. */
LodgeSecret *lodge_secret_new_for_disks (LodgeSecret *key);

/* The reading end of a pipe with the bytes in it, close-on-exec: for one reader, once.
 * -1 with %LODGE_ERROR_FAILED. */
int lodge_secret_open (LodgeSecret *self, GError **error);

/* libgcrypt is ready to be used. */
void lodge_secret_init_crypto (void);

G_END_DECLS
