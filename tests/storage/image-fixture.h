/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of disk images have in common: a folder with images and a secret outside it, the
 * asynchronous calls waited for, and qemu-img to make foreign images with. */
#pragma once

#include "storage/lodge-image.h"

G_BEGIN_DECLS

#define IMAGE_FIXTURE_MIB    (1024 * 1024)
#define IMAGE_FIXTURE_SECRET "the-secret-of-the-host"

typedef struct {
  char *folder;
  char *secret; /* a file that no image may reach; in another folder */
  char *secret_folder;
} ImageFixture;

/* One call under way, and its result. */
typedef struct {
  GAsyncResult *result;
  gboolean late; /* nothing came in 60 s */
} ImageWait;

/* What was told of an import's progress. */
typedef struct {
  double last;
  guint n;
  GCancellable *cancel_at_first;
} ImageProgress;

/* Instead of g_test_init(): skips all where qemu-img and qemu-io are missing. */
gboolean image_fixture_init (int *argc, char ***argv);
#define IMAGE_FIXTURE_ADD(name, function)                                                          \
  g_test_add ("/image/" name, ImageFixture, NULL, image_fixture_set_up, function,                  \
              image_fixture_tear_down)

void image_fixture_set_up (ImageFixture *self, gconstpointer data);
void image_fixture_tear_down (ImageFixture *self, gconstpointer data);

char *image_fixture_path (ImageFixture *self, const char *name);
/* So many names are in the folder: nothing was left there, nothing was lost. */
void image_fixture_assert_n_files (ImageFixture *self, guint expected);
/* Runs @function with a fixture of its own in a process of its own, as a part of the GLib test that
 * calls this: it may change the environment, its limits and its mounts. */
void image_fixture_in_child (void (*function) (ImageFixture *self));
/* Runs a program that has to succeed. */
void image_fixture_run (const char *program, ...) G_GNUC_NULL_TERMINATED;

/* 8 MiB with a boot sector, and marks at 5 MiB and the end. */
char *image_fixture_make_raw (ImageFixture *self);
/* A raw disk whose guest wrote a qcow2 header with @backing into its first sector. */
char *image_fixture_make_forged (ImageFixture *self, const char *backing);

/* A GAsyncReadyCallback that keeps the result in an ImageWait. */
void image_fixture_got_cb (GObject *source, GAsyncResult *result, gpointer user_data);
/* Lent until image_fixture_end_wait(). */
GAsyncResult *image_fixture_wait (ImageWait *wait);
/* The result and with it the task and all it holds dies. */
void image_fixture_end_wait (ImageWait *wait);

/* The calls of lodge-image.h, waited for. */
gboolean image_fixture_create (
    const char *path, const char *format, guint64 size, GCancellable *cancellable, GError **error);
LodgeImageFacts *
image_fixture_inspect (const char *path, GCancellable *cancellable, GError **error);
gboolean image_fixture_import (const char *source,
                               const char *format,
                               const char *path,
                               ImageProgress *progress,
                               GCancellable *cancellable,
                               GError **error);
gboolean image_fixture_is_bootable (const char *const *layers, GError **error);

/* One sentence that names @path, for people, with nothing of the host in it. */
void image_fixture_assert_sentence (const GError *error, int code, const char *path);

G_END_DECLS
