/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crafted images, and good ones of each format with some bytes of their headers changed: whatever
 * is in them, the answer is one sentence or a layer with nothing of the host in it, in bounded time
 * and memory.
 *
 * LODGE_TEST_MUTATIONS=N tries N mutations instead of a hundred or so. Their seeds are dealt out to
 * /image/mutated/SHARE, which are run beside each other. */
#include "image-fixture.h"

#include "lodge-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Of a processor's time, for all that is done with one image: none of them are large. Wall time
 * would tell of this computer, and not of the image. */
#define CPU_MOST_S 5

/* Where the headers and first tables of the formats are. */
#define HEAD_BYTES  (256 * 1024)
#define MEMORY_MOST (G_GINT64_CONSTANT (1) << 30)
#define N_SHARES    3

/* A good image, or one that leads elsewhere and must stay refused whatever else is changed. */
typedef struct {
  const char *name;
  const char *format;
  const char *options; /* qemu-img's; NULL: none */
  gboolean leads;      /* to the secret */
} Seed;

static const Seed seeds[] = {
    {"qcow2-3", "qcow2", "compat=1.1", FALSE},
    {"qcow2-2", "qcow2", "compat=0.10", FALSE},
    {"qcow2-small", "qcow2", "cluster_size=512", FALSE},
    {"qcow2-extended", "qcow2", "extended_l2=on,cluster_size=64k", FALSE},
    {"qcow2-refcount", "qcow2", "refcount_bits=1", FALSE},
    {"qcow2-backing", "qcow2", NULL, TRUE},
    {"qed", "qed", NULL, FALSE},
    {"vmdk-sparse", "vmdk", "subformat=monolithicSparse", FALSE},
    {"vmdk-stream", "vmdk", "subformat=streamOptimized", FALSE},
    {"vdi", "vdi", NULL, FALSE},
    {"vdi-static", "vdi", "static=on", FALSE},
    {"vhdx", "vhdx", NULL, FALSE},
    {"vhdx-fixed", "vhdx", "subformat=fixed", FALSE},
    {"vpc", "vpc", NULL, FALSE},
    {"vpc-fixed", "vpc", "subformat=fixed,force_size=on", FALSE},
};

static void
make_seed (ImageFixture *fixture, const Seed *seed, char **out_bytes, gsize *out_length)
{
  g_autofree char *path = image_fixture_path (fixture, seed->name);
  g_autofree char *raw = image_fixture_make_raw (fixture);

  if (seed->leads)
    image_fixture_run ("qemu-img", "create", "-q", "-f", seed->format, "-b", fixture->secret, "-F",
                       "raw", path, NULL);
  else if (seed->options != NULL)
    image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", seed->format, "-o", seed->options,
                       raw, path, NULL);
  else
    image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", seed->format, raw, path, NULL);
  g_assert_true (g_file_get_contents (path, out_bytes, out_length, NULL));
  g_unlink (path);
  g_unlink (raw);
}

/* bubblewrap ends without having waited for what it was around, which so comes to its nearest
 * subreaper (prctl(2)): nothing is measured of who was not waited for. */
static void
reap (void)
{
  while (waitpid (-1, NULL, 0) > 0)
    ;
  g_assert_cmpint (errno, ==, ECHILD);
}

/* By the processes that have ended. */
static double
get_cpu_s (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_CHILDREN, &usage), ==, 0);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
}

/* What it all is for. Returns whether the image was let in. */
static gboolean
try_once (ImageFixture *fixture, const char *what, const char *bytes, gsize length)
{
  g_autofree char *path = image_fixture_path (fixture, "image");
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autofree char *copy = NULL;
  g_autoptr (LodgeImageFacts) facts = NULL;
  g_autoptr (GError) error = NULL;
  gsize copied = 0;

  g_assert_true (g_file_set_contents (path, bytes, length, NULL));
  facts = image_fixture_inspect (path, NULL, &error);
  if (facts != NULL && image_fixture_import (path, facts->format, layer, NULL, NULL, &error)) {
    g_assert_no_error (error);
    g_assert_true (g_file_get_contents (layer, &copy, &copied, NULL));
    if (memmem (copy, copied, IMAGE_FIXTURE_SECRET, strlen (IMAGE_FIXTURE_SECRET)) != NULL)
      g_error ("%s: the secret is in the layer", what);
    g_unlink (layer);
    g_unlink (path);
    return TRUE;
  }
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT))
    g_error ("%s: %s", what, error->message);
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
  g_assert_false (g_file_test (layer, G_FILE_TEST_EXISTS));
  g_unlink (path);
  return FALSE;
}

static double most_cpu_s;

static gboolean
try_image (ImageFixture *fixture, const char *what, const char *bytes, gsize length)
{
  const double before = get_cpu_s ();
  const gboolean in = try_once (fixture, what, bytes, length);
  double taken;

  reap ();
  taken = get_cpu_s () - before;

  most_cpu_s = MAX (most_cpu_s, taken);
  if (taken > CPU_MOST_S)
    g_error ("%s took %.1f s of a processor", what, taken);
  return in;
}

static void
assert_memory (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_CHILDREN, &usage), ==, 0);
  g_test_message ("at most %ld KiB, and %.2f s of a processor for one", usage.ru_maxrss,
                  most_cpu_s);
  /* Else nothing was measured. */
  g_assert_cmpfloat (most_cpu_s, >, 0);
  g_assert_cmpint ((gint64) usage.ru_maxrss * 1024, <=, MEMORY_MOST);
}

/* ---- crafted */

typedef enum {
  REFUSED,  /* always */
  HARMLESS, /* let in or not */
} Outcome;

/* One number in a good image is another. Offsets: QEMU's docs/interop/qcow2.rst and qed_spec.rst,
 * "Virtual Disk Format 5.0" (VMDK), block/vdi.c, [MS-VHDX] 2.2, "Virtual Hard Disk Image Format
 * Specification" 1.0 (VPC). */
static const struct {
  const char *name;
  const char *seed;
  guint64 at;
  guint bytes;
  guint64 value;
  gboolean big;
  Outcome outcome;
} crafted[] = {
    {"qcow2: cluster of 2 bytes", "qcow2-3", 20, 4, 1, TRUE, REFUSED},
    {"qcow2: cluster of 2^63", "qcow2-3", 20, 4, 63, TRUE, REFUSED},
    {"qcow2: disk of 2^63 bytes", "qcow2-3", 24, 8, G_GUINT64_CONSTANT (1) << 63, TRUE, REFUSED},
    {"qcow2: disk of 100T", "qcow2-3", 24, 8, G_GUINT64_CONSTANT (100) << 40, TRUE, REFUSED},
    {"qcow2: disk of no bytes", "qcow2-3", 24, 8, 0, TRUE, REFUSED},
    {"qcow2: first table of 2^32 entries", "qcow2-3", 36, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qcow2: first table of 6 MiB", "qcow2-3", 36, 4, 0xc0001, TRUE, REFUSED},
    {"qcow2: first table at the header", "qcow2-3", 40, 8, 0, TRUE, REFUSED},
    {"qcow2: first table at the end", "qcow2-3", 40, 8, G_GUINT64_CONSTANT (1) << 40, TRUE,
     REFUSED},
    {"qcow2: counts at the end", "qcow2-3", 48, 8, G_GUINT64_CONSTANT (1) << 60, TRUE, REFUSED},
    {"qcow2: counts of 2^32 clusters", "qcow2-3", 56, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qcow2: counts of no clusters", "qcow2-3", 56, 4, 0, TRUE, REFUSED},
    {"qcow2: 2^32 snapshots", "qcow2-3", 60, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qcow2: snapshots in the middle", "qcow2-3", 64, 8, 12345, TRUE, HARMLESS},
    {"qcow2: unknown feature", "qcow2-3", 72, 8, G_GUINT64_CONSTANT (1) << 40, TRUE, REFUSED},
    {"qcow2: dirty", "qcow2-3", 72, 8, 1, TRUE, HARMLESS},
    {"qcow2: marked as damaged", "qcow2-3", 72, 8, 2, TRUE, REFUSED},
    {"qcow2: data in another file", "qcow2-3", 72, 8, 4, TRUE, REFUSED},
    {"qcow2: counts of 2^63 bits", "qcow2-3", 96, 4, 63, TRUE, REFUSED},
    {"qcow2: header of 4 GiB", "qcow2-3", 100, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qcow2: extension of 4 GiB", "qcow2-3", 116, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qcow2: encrypted", "qcow2-3", 32, 4, 1, TRUE, REFUSED},
    {"qcow2: another's name, elsewhere", "qcow2-backing", 8, 8, 1 << 30, TRUE, REFUSED},
    {"qcow2: another's name, very long", "qcow2-backing", 16, 4, G_MAXUINT32, TRUE, REFUSED},
    {"qed: cluster of 1 byte", "qed", 4, 4, 1, FALSE, REFUSED},
    {"qed: table of 2^32 clusters", "qed", 8, 4, G_MAXUINT32, FALSE, REFUSED},
    {"qed: first table at the end", "qed", 40, 8, G_GUINT64_CONSTANT (1) << 50, FALSE, REFUSED},
    {"qed: disk of 2^63 bytes", "qed", 48, 8, G_GUINT64_CONSTANT (1) << 63, FALSE, REFUSED},
    {"vmdk: disk of 2^63 sectors", "vmdk-sparse", 12, 8, G_GUINT64_CONSTANT (1) << 63, FALSE,
     REFUSED},
    {"vmdk: grain of 2^63 sectors", "vmdk-sparse", 20, 8, G_GUINT64_CONSTANT (1) << 63, FALSE,
     REFUSED},
    {"vmdk: table of 2^32 grains", "vmdk-sparse", 44, 4, G_MAXUINT32, FALSE, REFUSED},
    {"vmdk: directory at the end", "vmdk-sparse", 56, 8, G_GUINT64_CONSTANT (1) << 50, FALSE,
     REFUSED},
    {"vmdk: words at the end", "vmdk-sparse", 28, 8, G_GUINT64_CONSTANT (1) << 50, FALSE, REFUSED},
    {"vdi: 2^32 blocks", "vdi", 384, 4, G_MAXUINT32, FALSE, REFUSED},
    {"vdi: map at the end", "vdi", 340, 4, 0xfffffe00, FALSE, REFUSED},
    {"vdi: block of 3 bytes", "vdi", 376, 4, 3, FALSE, REFUSED},
    {"vdi: disk of 2^63 bytes", "vdi", 368, 8, G_GUINT64_CONSTANT (1) << 63, FALSE, REFUSED},
    {"vhdx: no region table", "vhdx", 192 * 1024, 4, 0, FALSE, REFUSED},
    {"vhdx: regions without number", "vhdx", 192 * 1024 + 8, 4, G_MAXUINT32, FALSE, REFUSED},
    {"vhdx: log at the end", "vhdx", 64 * 1024 + 72, 8, G_GUINT64_CONSTANT (1) << 60, FALSE,
     HARMLESS},
    {"vpc: map of 2^32 blocks", "vpc", 512 + 28, 4, G_MAXUINT32, TRUE, REFUSED},
    {"vpc: map at the end", "vpc", 512 + 16, 8, G_GUINT64_CONSTANT (1) << 60, TRUE, REFUSED},
    {"vpc: block of no bytes", "vpc", 512 + 32, 4, 0, TRUE, REFUSED},
    {"vpc: block of 3 bytes", "vpc", 512 + 32, 4, 3, TRUE, REFUSED},
};

static void
put (char *at, guint64 value, guint bytes, gboolean big)
{
  for (guint i = 0; i < bytes; i++)
    at[big ? bytes - 1 - i : i] = (char) (value >> (8 * i));
}

static void
test_crafted (ImageFixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++) {
    g_autofree char *bytes = NULL;
    gsize length = 0;

    make_seed (fixture, &seeds[i], &bytes, &length);
    /* Without which a refusal of the others would say nothing. */
    g_assert_cmpint (try_image (fixture, seeds[i].name, bytes, length), ==, !seeds[i].leads);
    for (guint j = 0; j < G_N_ELEMENTS (crafted); j++) {
      g_autofree char *changed = NULL;
      gboolean in;

      if (!g_str_equal (crafted[j].seed, seeds[i].name))
        continue;
      g_assert_cmpuint (crafted[j].at + crafted[j].bytes, <=, length);
      changed = g_memdup2 (bytes, length);
      put (changed + crafted[j].at, crafted[j].value, crafted[j].bytes, crafted[j].big);
      in = try_image (fixture, crafted[j].name, changed, length);
      if (in && crafted[j].outcome == REFUSED)
        g_error ("%s was let in", crafted[j].name);
    }
  }
  assert_memory ();
}

/* ---- mutated */

/* Numbers that programs trip over. */
static guint64
get_number (void)
{
  static const guint64 numbers[] = {0,
                                    1,
                                    2,
                                    3,
                                    0x7f,
                                    0xff,
                                    0x7fff,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    G_MAXINT64,
                                    G_GUINT64_CONSTANT (1) << 63,
                                    G_MAXUINT64};

  if (g_test_rand_bit ())
    return numbers[g_test_rand_int_range (0, G_N_ELEMENTS (numbers))];
  return (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
}

static void
mutate (char *bytes, gsize length)
{
  /* Most fields are in the first bytes, some a sector later; tables may be anywhere. */
  static const gsize parts[] = {128, 1024, HEAD_BYTES};
  const int n = g_test_rand_int_range (1, 6);

  for (int i = 0; i < n; i++) {
    const guint width = 1u << g_test_rand_int_range (0, 4);
    const gsize wanted = parts[g_test_rand_int_range (0, G_N_ELEMENTS (parts))];
    const gsize part = MIN (length, wanted);
    /* The first four bytes say what it is. */
    const gsize at = (gsize) g_test_rand_int_range (4, (gint32) (part - width + 1)) / width * width;

    put (bytes + MAX (at, 4), get_number (), width, g_test_rand_bit ());
  }
}

static void
test_mutated (ImageFixture *fixture, gconstpointer share)
{
  const char *wanted = g_getenv ("LODGE_TEST_MUTATIONS");
  const guint n = wanted != NULL ? (guint) strtoul (wanted, NULL, 10) : 150;
  guint in = 0, n_tried = 0;

  for (guint i = GPOINTER_TO_UINT (share); i < G_N_ELEMENTS (seeds); i += N_SHARES) {
    g_autofree char *bytes = NULL;
    gsize length = 0;

    make_seed (fixture, &seeds[i], &bytes, &length);
    for (guint j = 0; j <= n / G_N_ELEMENTS (seeds); j++, n_tried++) {
      g_autofree char *changed = g_memdup2 (bytes, length);
      g_autofree char *what = g_strdup_printf ("%s, mutation %u", seeds[i].name, j);

      mutate (changed, length);
      if (try_image (fixture, what, changed, length)) {
        in++;
        if (seeds[i].leads)
          g_test_message ("%s was let in", what);
      }
    }
  }
  g_test_message ("%u of %u were let in", in, n_tried);
  assert_memory ();
  image_fixture_assert_n_files (fixture, 0);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  g_assert_no_errno (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  IMAGE_FIXTURE_ADD ("crafted", test_crafted);
  for (guint i = 0; i < N_SHARES; i++) {
    g_autofree char *path = g_strdup_printf ("/image/mutated/%u", i);

    g_test_add (path, ImageFixture, GUINT_TO_POINTER (i), image_fixture_set_up, test_mutated,
                image_fixture_tear_down);
  }
  return g_test_run ();
}
