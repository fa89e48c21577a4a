/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of qemu-img or qemu-io: contained, limited, and read as it goes.
 *
 * Owns: the process, its limits, its output. Never: decides what an image may be.
 *
 * What opens the images of an encrypted machine's folder it finds by itself (lodge-folder-key.h),
 * and hands it over in a pipe.
 */
#pragma once

#include "qemu/lodge-command.h"
#include "storage/lodge-image.h"

G_BEGIN_DECLS

typedef struct _LodgeQemuImg LodgeQemuImg;

/* What the program calls the key of an encrypted image. */
#define LODGE_QEMU_IMG_KEY "lodge-key"

/* @program: "qemu-img" or "qemu-io". */
LodgeQemuImg *lodge_qemu_img_new (const char *program);
void lodge_qemu_img_free (LodgeQemuImg *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQemuImg, lodge_qemu_img_free)

/* What a qcow2 file takes besides its data, in bytes: its tables are less than a thousandth of its
 * disk (docs/interop/qcow2.txt in QEMU: 8 bytes of L2 and 2 of refcount for 64 KiB); some more for
 * small ones. */
#define LODGE_QEMU_IMG_TABLE_BYTES(size) ((size) / 1000 + (G_GUINT64_CONSTANT (64) << 20))

void lodge_qemu_img_add (LodgeQemuImg *self, const char *first, ...) G_GNUC_NULL_TERMINATED;
/* The only files that it sees. @path is absolute. In an encrypted folder whose key is not here the
 * run fails with %LODGE_ERROR_LOCKED. */
void lodge_qemu_img_bind (LodgeQemuImg *self, LodgeCommandBind how, const char *path);
/* How long it may run, and how large a file it may make. Default: 60 s, of them 5 s of a
 * processor's time, and none. */
void lodge_qemu_img_limit (LodgeQemuImg *self, guint seconds, guint64 file_bytes);
/* After that: less of a processor's time than it may run. */
void lodge_qemu_img_limit_cpu (LodgeQemuImg *self, guint seconds);
/* Nobody waits for it: others have the processor and the disk first. */
void lodge_qemu_img_set_background (LodgeQemuImg *self);
/* Reads what "-p" prints. */
void lodge_qemu_img_set_progress (LodgeQemuImg *self,
                                  LodgeImageProgress progress,
                                  gpointer progress_data);

/**
 * lodge_qemu_img_run_async:
 * @self: (transfer full)
 *
 * Where namespaces are not to be had it runs with the limits alone, which the engine's log and the
 * host check say.
 *
 * Errors: %LODGE_ERROR_HOST (not installed), %LODGE_ERROR_CANCELLED, %LODGE_ERROR_TIMEOUT,
 * %LODGE_ERROR_NOT_FOUND (a bind), %LODGE_ERROR_FAILED. An exit status is not an error here.
 */
void lodge_qemu_img_run_async (LodgeQemuImg *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

typedef struct {
  int status;   /* exit status; 128 and the signal's number when it was killed */
  char *output; /* at most 1 MiB */
  char *words;  /* what it said went wrong, on one line; "" for nothing */
} LodgeQemuImgResult;
/* @complaints: all that came on standard error. */
LodgeQemuImgResult *
lodge_qemu_img_result_new (int status, const char *output, const char *complaints);
void lodge_qemu_img_result_free (LodgeQemuImgResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQemuImgResult, lodge_qemu_img_result_free)

LodgeQemuImgResult *lodge_qemu_img_run_finish (GAsyncResult *result, GError **error);

/* For a status other than 0: a sentence on @path, or on @target (%NULL: nothing was written) when
 * it did not fit on the disk. @code when the words say nothing more exact. */
void lodge_qemu_img_set_error (GError **error,
                               int code,
                               const char *path,
                               const char *target,
                               const LodgeQemuImgResult *result);

/* The options of an image that is made already and written to, for "--target-image-opts". Transfer
 * full. */
char *lodge_qemu_img_dup_target (const char *path);

/* An image for qemu-img's or qemu-io's command line that names its format, takes the file for a
 * plain file whatever its name, and stands on nothing but @below (a text from here, or %NULL).
 * Transfer full. */
char *lodge_qemu_img_dup_source (const char *format, const char *path, const char *below);

/* The same for a whole chain, bound and ready to be named. @layers: "format:path" from the top
 * layer down. @n_written: how many of them, from the top, may be written to. Transfer full.
 * %LODGE_ERROR_INVALID. */
char *lodge_qemu_img_bind_chain (LodgeQemuImg *self,
                                 const char *const *layers,
                                 guint n_written,
                                 GError **error);

G_END_DECLS
