/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Empty qcow2 layers: made without a run of qemu-img, and known again. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The file of an empty qcow2 image. What it says is what "qemu-img create" says, without a backing
 * file: what a layer stands on is machine.ini's to know. Transfer full. */
GBytes *lodge_image_empty_new (guint64 size_bytes);

/* Whether nothing was ever written to the qcow2 image in @fd, a file of our own making. FALSE also
 * when that is not certain. */
gboolean lodge_image_empty_check (int fd);

G_END_DECLS
