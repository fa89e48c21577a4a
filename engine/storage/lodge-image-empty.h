/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Empty qcow2 layers: made without a run of qemu-img, and known again; encrypted where the folder
 * is. */
#pragma once

#include "storage/lodge-image-target.h"

G_BEGIN_DECLS

/* The file of an empty qcow2 image. What it says is what "qemu-img create" says, without a backing
 * file: what a layer stands on is machine.ini's to know. Transfer full. */
GBytes *lodge_image_empty_new (guint64 size_bytes);

/* Writes one, durably, where there is nothing: for threads. In an encrypted machine's folder it is
 * an encrypted one. %LODGE_ERROR_LOCKED, %LODGE_ERROR_EXISTS, %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_DENIED. */
gboolean lodge_image_empty_write (const char *path, guint64 size_bytes, GError **error);

/* The same into what is being made, which need not be whole after a crash. */
gboolean
lodge_image_empty_fill (const LodgeImageTarget *target, guint64 size_bytes, GError **error);

/* Whether nothing was ever written to the qcow2 image in @fd, a file of our own making. FALSE also
 * when that is not certain. */
gboolean lodge_image_empty_check (int fd);

G_END_DECLS
