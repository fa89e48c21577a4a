/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images: making layers, looking into foreign ones, copying them in. All through qemu-img, in
 * a containment that sees only the files in question; an image is hostile until it was converted.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_image_create_async:
 * @path: must not exist
 * @format: "qcow2" or "raw"
 *
 * Errors: %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_DENIED, %LODGE_ERROR_HOST (no qemu-img),
 * %LODGE_ERROR_CANCELLED. Nothing is left behind.
 */
void lodge_image_create_async (const char *path,
                               const char *format,
                               guint64 size_bytes,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean lodge_image_create_finish (GAsyncResult *result, GError **error);

typedef struct {
  char *format; /* qcow2, raw, vmdk, vdi, vhdx, vpc, qed */
  guint64 size_bytes;
} LodgeImageFacts;
void lodge_image_facts_free (LodgeImageFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeImageFacts, lodge_image_facts_free)

/**
 * lodge_image_inspect_async:
 * @path: any file
 *
 * Reads the magic bytes itself (raw only when nothing else fits), then asks a contained qemu-img
 * with that format. An image that refers to another file (backing file, data file, extents) is
 * refused.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (a folder, a device, cut short, refers
 * elsewhere: said in the message), %LODGE_ERROR_DENIED, %LODGE_ERROR_TIMEOUT, %LODGE_ERROR_HOST.
 */
void lodge_image_inspect_async (const char *path,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
LodgeImageFacts *lodge_image_inspect_finish (GAsyncResult *result, GError **error);

typedef enum {
  LODGE_IMAGE_BOOT_UNKNOWN, /* nothing on it starts a computer */
  LODGE_IMAGE_BOOT_BIOS,    /* also when UEFI would do */
  LODGE_IMAGE_BOOT_UEFI,
} LodgeImageBoot;

/**
 * lodge_image_find_boot_async:
 * @path: inspected before; @format as found
 *
 * Which firmware the disk in it starts with, by its partitions.
 *
 * Returns by finish: %LODGE_IMAGE_BOOT_UNKNOWN also when it could not be read
 * Errors: %LODGE_ERROR_TIMEOUT, %LODGE_ERROR_HOST, %LODGE_ERROR_CANCELLED.
 */
void lodge_image_find_boot_async (const char *path,
                                  const char *format,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
LodgeImageBoot lodge_image_find_boot_finish (GAsyncResult *result, GError **error);

/* 0 to 1, on the thread-default context. */
typedef void (*LodgeImageProgress) (double fraction, gpointer user_data);

/**
 * lodge_image_import_async:
 * @source: inspected before; @format as found
 * @path: a new qcow2 layer, must not exist
 *
 * Errors: as create and inspect. Nothing is left behind.
 */
void lodge_image_import_async (const char *source,
                               const char *format,
                               const char *path,
                               LodgeImageProgress progress,
                               gpointer progress_data,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean lodge_image_import_finish (GAsyncResult *result, GError **error);

/**
 * lodge_image_flatten_async:
 * @layers: (array zero-terminated): "format:path" from the top layer down; nobody writes to them
 * @size_bytes: of the disk
 * @path: a new qcow2 layer, must not exist
 *
 * Copies all that is read from the chain into one layer.
 *
 * Errors: as create, %LODGE_ERROR_NOT_FOUND. Nothing is left behind.
 */
void lodge_image_flatten_async (const char *const *layers,
                                guint64 size_bytes,
                                const char *path,
                                LodgeImageProgress progress,
                                gpointer progress_data,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean lodge_image_flatten_finish (GAsyncResult *result, GError **error);

/* %LODGE_ERROR_INVALID. */
gboolean lodge_image_check_export_format (const char *format, GError **error);

/**
 * lodge_image_export_async:
 * @format: one that was checked
 * @hidden: what it is while it is made: lodge_image_target_dup_apart()
 * @replace: whether a plain file at @path may be replaced, once this is whole
 *
 * As lodge_image_flatten_async(), and with its finish, into an image for other programs.
 */
void lodge_image_export_async (const char *const *layers,
                               guint64 size_bytes,
                               const char *format,
                               const char *path,
                               const char *hidden,
                               gboolean replace,
                               LodgeImageProgress progress,
                               gpointer progress_data,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

/**
 * lodge_image_compact_async:
 * @layers: (array zero-terminated): "format:path" from the layer in question down to the lowest of
 *   the chain; nobody writes to them
 * @path: a new layer of the same format, must not exist
 *
 * Writes what the first holds, without what it has freed and without zeros where nothing is below.
 * With the others below it reads the same. It ends before the disk is full.
 *
 * Errors: as create, %LODGE_ERROR_INVALID, %LODGE_ERROR_NOT_FOUND. Nothing is left behind.
 */
void lodge_image_compact_async (const char *const *layers,
                                const char *path,
                                LodgeImageProgress progress,
                                gpointer progress_data,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean lodge_image_compact_finish (GAsyncResult *result, GError **error);

/**
 * lodge_image_is_bootable_async:
 * @layers: (array zero-terminated): "format:path" from the top layer down; not in use by a QEMU
 *
 * Whether the first sector carries the boot signature 55 AA (also before a GPT: UEFI 2.10, 5.2.3).
 */
void lodge_image_is_bootable_async (const char *const *layers,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean lodge_image_is_bootable_finish (GAsyncResult *result, GError **error);

/**
 * lodge_image_merge_async:
 * @layers: (array zero-terminated): "format:path" from the upper one of the two down to the lowest
 *   of the chain; not in use by a QEMU. Both must be files that may be written to
 *
 * Writes what the first holds into the second, durably. What is read from the first stays the same
 * at any moment, so it may be stopped, fail or be killed, and begun again. Whatever else stands on
 * the second would change: nothing must.
 *
 * Errors: %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_CANCELLED, %LODGE_ERROR_HOST.
 */
void lodge_image_merge_async (const char *const *layers,
                              LodgeImageProgress progress,
                              gpointer progress_data,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean lodge_image_merge_finish (GAsyncResult *result, GError **error);

G_END_DECLS
