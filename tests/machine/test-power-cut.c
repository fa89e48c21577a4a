/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power cuts. A QEMU with the command line that Lodge builds writes blocks and flushes them, while
 * its disk gets new tops and grows; then its layers are merged, and the disk grows again. Under the
 * file of each layer is QEMU's blklogwrites, so that every layer can be made what a power cut after
 * any of the writes would have left of it. Then it is whole, and what was flushed is on the disk.
 *
 * LODGE_TEST_POWER_CUTS=N tries so many cuts of each disk instead of a few. */
#include "machine-fixture.h"
#include "write-log.h"

#include "description/lodge-durable-file.h"
#include "lodge-paths.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-qemu-snapshot.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-qemu-img.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB         ((guint64) 1 << 20)
#define FIRST_SIZE  (8 * MIB)
#define GROWN_SIZE  (12 * MIB)
#define LAST_SIZE   (16 * MIB)
#define SECTOR      512
#define BLOCK       4096
#define N_BLOCKS    (LAST_SIZE / BLOCK)
#define N_LAYERS    3
#define N_ROUNDS    12 /* of writes and a flush, for each layer */
#define MOST_WRITES 6
#define MOST_BLOCKS 40
#define DEVICE      "disk0/virtio-backend"

/* What a guest has on its disk after some round. */
typedef struct {
  guint8 blocks[N_BLOCKS];
  guint8 freed[N_BLOCKS]; /* by this round */
  guint64 size;
} Contents;

/* Some time in which one file was written to. */
typedef struct {
  const char *what;
  guint layer;
  guint top;         /* of the chain that a reader would take */
  guint first_round; /* what was there before it is contents[first_round] */
  GArray *flushed;   /* of guint: the entries that there were after each of its rounds */
  WriteLog *log;
} Part;

typedef struct {
  MachineFixture machine;
  LodgeDescription *description;
  char *paths[N_LAYERS];
  const char *formats[N_LAYERS];
  GBytes *images[N_LAYERS]; /* as they are now, and durable */
  char *runtime;
  GSubprocess *process;
  LodgeQmp *qmp;
  char *log;          /* of the layer that is written to */
  GPtrArray *parts;   /* of Part */
  GPtrArray *history; /* of Contents: after each round */
  guint n_leaks, n_lost;
} Fixture;

static void
part_free (gpointer data)
{
  Part *part = data;

  g_array_unref (part->flushed);
  g_clear_pointer (&part->log, write_log_free);
  g_free (part);
}

/* ---- QEMU */

static void execute (Fixture *f, const char *command, const char *format, ...) G_GNUC_PRINTF (3, 4);

static JsonNode *
ask (Fixture *f, const char *command, JsonObject *arguments)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *answer;

  lodge_qmp_execute_async (f->qmp, command, arguments, TEST_WAIT_S * 1000, NULL,
                           test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (f->qmp, result, &error);
  g_assert_no_error (error);
  return answer;
}

/* @format: of the arguments, as JSON. */
static void
execute (Fixture *f, const char *command, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  node = json_from_string (text, NULL);
  g_assert_nonnull (node);
  json_node_unref (ask (f, command, json_node_dup_object (node)));
}

/* As the guest's driver would, through the device. */
static void
do_io (Fixture *f, const char *what)
{
  g_autofree char *line = g_strdup_printf ("qemu-io -d " DEVICE " \"%s\"", what);
  g_autoptr (JsonNode) answer =
      ask (f, "human-monitor-command", lodge_qmp_arguments ("command-line", line, NULL));

  g_assert_cmpstr (json_node_get_string (answer), ==, "");
}

/* A node with the recording one between it and what it was on. The log's file has to be there. */
static void
put_log_below (JsonObject *node, const char *log)
{
  JsonObject *file = json_object_new ();
  JsonObject *below = json_object_new ();

  for (GList *l = json_object_get_members (node); l != NULL; l = g_list_delete_link (l, l)) {
    JsonNode *member = json_object_dup_member (node, l->data);

    if (g_str_equal (l->data, "node-name")) {
      json_node_unref (member);
      continue;
    }
    json_object_set_member (below, l->data, member);
    if (!g_str_equal (l->data, "discard") && !g_str_equal (l->data, "read-only"))
      json_object_remove_member (node, l->data);
  }
  /* The recording one waits for ever for what is under way in two ways. */
  if (json_object_has_member (below, "aio"))
    json_object_set_string_member (below, "aio", "threads");
  json_object_set_string_member (node, "driver", "blklogwrites");
  json_object_set_object_member (node, "file", below);
  json_object_set_string_member (file, "driver", "file");
  json_object_set_string_member (file, "filename", log);
  json_object_set_object_member (node, "log", file);
}

static void
begin_log (Fixture *f)
{
  static guint n;
  g_autoptr (GError) error = NULL;

  g_free (f->log);
  f->log = g_strdup_printf ("%s/log-%u", f->machine.folder, n++);
  g_assert_true (g_file_set_contents (f->log, "", 0, &error));
}

/* The -blockdev of the layer's file in Lodge's command line. */
static char *
dup_recorded (Fixture *f, const char *argument, const char *layer)
{
  g_autoptr (JsonNode) node = argument[0] == '{' ? json_from_string (argument, NULL) : NULL;
  g_autofree char *name = g_strconcat (layer, "-file", NULL);

  if (node == NULL || g_strcmp0 (json_object_get_string_member_with_default (
                                     json_node_get_object (node), "node-name", NULL),
                                 name) != 0)
    return g_strdup (argument);
  put_log_below (json_node_get_object (node), f->log);
  json_object_set_string_member (json_node_get_object (node), "node-name", name);
  return json_to_string (node, FALSE);
}

static void
start (Fixture *f, LodgeMachine *machine)
{
  const LodgeDisk *disk = f->description->disks->pdata[0];
  g_autofree char *socket = g_build_filename (f->runtime, "qmp.sock", NULL);
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_recorded = 0;

  g_assert_no_errno (g_mkdir_with_parents (f->runtime, 0700));
  command =
      lodge_machine_build_command (machine, f->description, NULL, NULL, 0, NULL, -1, NULL, &error);
  g_assert_no_error (error);
  begin_log (f);
  for (const char *const *at = lodge_command_get_argv (command); *at != NULL; at++) {
    g_ptr_array_add (argv, dup_recorded (f, *at, disk->top));
    n_recorded += strstr (argv->pdata[argv->len - 1], "blklogwrites") != NULL;
  }
  g_ptr_array_add (argv, NULL);
  g_assert_cmpuint (n_recorded, ==, 1);
  f->process = g_subprocess_newv ((const char *const *) argv->pdata, 0, &error);
  g_assert_no_error (error);
  lodge_qmp_connect_async (socket, TEST_WAIT_S * 1000, 0, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  f->qmp = lodge_qmp_connect_finish (result, &error);
  g_assert_no_error (error);
}

static void
quit (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;

  json_node_unref (ask (f, "quit", NULL));
  g_clear_object (&f->qmp);
  g_subprocess_wait_async (f->process, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (g_subprocess_wait_finish (f->process, result, NULL));
  g_clear_object (&f->process);
}

/* ---- a layer's time */

static Part *
begin_part (Fixture *f, const char *what, guint layer, guint top)
{
  Part *part = g_new0 (Part, 1);

  part->what = what;
  part->layer = layer;
  part->top = top;
  part->first_round = f->history->len - 1;
  part->flushed = g_array_new (FALSE, FALSE, sizeof (guint));
  g_ptr_array_add (f->parts, part);
  return part;
}

/* The length of a file is not recorded; for a raw one it is the disk's. */
static GBytes *
lengthen (Fixture *f, guint layer, GBytes *image)
{
  GStatBuf info;
  gsize length;
  guint8 *bytes = g_bytes_unref_to_data (image, &length);

  g_assert_no_errno (g_stat (f->paths[layer], &info));
  if (g_str_equal (f->formats[layer], "raw") && (gsize) info.st_size > length) {
    bytes = g_realloc (bytes, info.st_size);
    memset (bytes + length, 0, info.st_size - length);
    length = info.st_size;
  }
  return g_bytes_new_take (bytes, length);
}

/* Nobody writes to it any more. From here on it is what was flushed. */
static void
end_part (Fixture *f)
{
  Part *part = f->parts->pdata[f->parts->len - 1];
  GBytes *flushed;

  part->log = write_log_new (f->images[part->layer], f->log);
  flushed = write_log_cut (part->log, write_log_get_n_entries (part->log), WRITE_LOSS_ALL, NULL);
  g_bytes_unref (f->images[part->layer]);
  f->images[part->layer] = lengthen (f, part->layer, flushed);
}

static Contents *
add_round (Fixture *f)
{
  Contents *contents = g_memdup2 (f->history->pdata[f->history->len - 1], sizeof (Contents));

  memset (contents->freed, FALSE, sizeof contents->freed);
  g_ptr_array_add (f->history, contents);
  return contents;
}

static void
end_round (Fixture *f)
{
  Part *part = f->parts->pdata[f->parts->len - 1];
  guint n;

  do_io (f, "flush");
  n = write_log_count_flushed (f->log);
  g_array_append_val (part->flushed, n);
}

/* Several writes at the same time, none to where another is, and a flush. */
static void
write_round (Fixture *f)
{
  Contents *contents = add_round (f);
  const guint8 mark = (guint8) (1 + f->history->len % 250);
  const guint last = (guint) (contents->size / BLOCK);
  gboolean taken[N_BLOCKS] = {FALSE};

  for (int i = g_test_rand_int_range (1, MOST_WRITES + 1); i > 0; i--) {
    const guint n = (guint) g_test_rand_int_range (1, MOST_BLOCKS + 1);
    const guint at = (guint) g_test_rand_int_range (0, (gint32) (last - n + 1));
    /* Something has to be there in the end. */
    const gboolean zero = f->history->len > 2 && g_test_rand_int_range (0, 4) == 0;
    g_autofree char *text =
        zero ? g_strdup_printf ("aio_write -q -z -u %u %u", at * BLOCK, n * BLOCK)
             : g_strdup_printf ("aio_write -q -P %u %u %u", mark, at * BLOCK, n * BLOCK);
    gboolean met = FALSE;

    for (guint j = at; j < at + n; j++)
      met |= taken[j];
    if (met)
      continue;
    memset (contents->blocks + at, zero ? 0 : mark, n);
    memset (contents->freed + at, zero, n);
    memset (taken + at, TRUE, n * sizeof taken[0]);
    do_io (f, text);
  }
  do_io (f, "aio_flush");
  end_round (f);
}

static void
write_rounds (Fixture *f)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    write_round (f);
}

static void
finish (LodgeQemuSnapshot *snapshot, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  test_wait_until (*result != NULL);
  lodge_qemu_snapshot_finish (snapshot, *result, &error);
  g_assert_no_error (error);
  g_clear_object (result);
}

/* As a snapshot does it. Under the new top's file comes the recording node then, before anything
 * was written to it. */
static void
take_snapshot (Fixture *f, guint layer)
{
  const char *below = ((LodgeDisk *) f->description->disks->pdata[0])->top;
  g_autofree char *old = layer == 1 ? g_strdup (below) : g_strdup_printf ("top%u", layer - 1);
  g_autofree char *top = g_strdup_printf ("top%u", layer);
  g_autoptr (LodgeQemuSnapshot) snapshot = lodge_qemu_snapshot_new (f->qmp);
  const Contents *now = f->history->pdata[f->history->len - 1];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *untouched = NULL;
  gsize length;
  int fd;

  f->images[layer] = lodge_image_empty_new (now->size);
  lodge_durable_file_write (f->paths[layer], g_bytes_get_data (f->images[layer], NULL),
                            g_bytes_get_size (f->images[layer]), &error);
  g_assert_no_error (error);
  fd = open (f->paths[layer], O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  lodge_qemu_snapshot_add_disk (snapshot, old, top, fd, FALSE);
  close (fd);
  lodge_qemu_snapshot_freeze_async (snapshot, -1, 0, NULL, NULL, NULL, test_wait_result_cb,
                                    &result);
  finish (snapshot, &result);
  lodge_qemu_snapshot_switch_async (snapshot, test_wait_result_cb, &result);
  finish (snapshot, &result);

  end_part (f);
  g_assert_true (g_file_get_contents (f->paths[layer], &untouched, &length, NULL));
  g_assert_cmpmem (untouched, length, g_bytes_get_data (f->images[layer], NULL),
                   g_bytes_get_size (f->images[layer]));
  begin_log (f);
  execute (f, "blockdev-add",
           "{\"driver\":\"blklogwrites\",\"node-name\":\"%s-log\",\"file\":\"%s-file\","
           "\"discard\":\"unmap\",\"log\":{\"driver\":\"file\",\"filename\":\"%s\"}}",
           top, top, f->log);
  execute (f, "blockdev-reopen",
           "{\"options\":[{\"driver\":\"qcow2\",\"node-name\":\"%s\",\"file\":\"%s-log\","
           "\"backing\":\"%s\",\"discard\":\"unmap\",\"detect-zeroes\":\"unmap\"}]}",
           top, top, old);
  begin_part (f, "the guest writes", layer, layer);
}

static void
grow_running (Fixture *f, const char *node)
{
  Contents *contents = add_round (f);

  contents->size = GROWN_SIZE;
  execute (f, "block_resize", "{\"node-name\":\"%s\",\"size\":%" G_GUINT64_FORMAT "}", node,
           (guint64) GROWN_SIZE);
  end_round (f);
}

/* ---- what is done while it is off */

static char *
dup_chain (Fixture *f, guint top, guint lowest)
{
  g_autofree char *image = NULL;

  for (guint i = lowest; i <= top; i++) {
    g_autofree char *below = g_steal_pointer (&image);

    image = lodge_qemu_img_dup_source (f->formats[i], f->paths[i], below);
  }
  return g_steal_pointer (&image);
}

static int run (const char *program, ...) G_GNUC_NULL_TERMINATED;

/* The exit status. */
static int
run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (argv->pdata[argv->len - 1] != NULL);
  va_end (arguments);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &words,
                &status, &error);
  g_assert_no_error (error);
  if (g_spawn_check_wait_status (status, &error))
    return 0;
  g_assert_true (g_error_matches (error, G_SPAWN_EXIT_ERROR, error->code));
  g_test_message ("%s %s: %s%s", program, (char *) argv->pdata[1], output, words);
  return error->code;
}

/* @image: as Lodge names it. @depth: how far down the layer is that is recorded. */
static char *
dup_recorded_image (Fixture *f, const char *image, guint depth)
{
  g_autoptr (JsonNode) node = json_from_string (image + strlen ("json:"), NULL);
  JsonObject *layer = json_node_get_object (node);
  g_autofree char *text = NULL;

  while (depth-- > 0)
    layer = json_object_get_object_member (layer, "backing");
  /* From the beginning: a recording node cannot be made writable later. */
  json_object_set_boolean_member (layer, "read-only", FALSE);
  put_log_below (json_object_get_object_member (layer, "file"), f->log);
  text = json_to_string (node, FALSE);
  return g_strconcat ("json:", text, NULL);
}

/* As lodge_image_merge_async() does it. */
static void
merge (Fixture *f, guint upper)
{
  g_autoptr (LodgeQemuImg) unused = lodge_qemu_img_new ("qemu-img");
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *image = NULL;
  g_autofree char *recorded = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = upper + 1; i > 0; i--)
    g_ptr_array_add (layers, g_strdup_printf ("%s:%s", f->formats[i - 1], f->paths[i - 1]));
  g_ptr_array_add (layers, NULL);
  image = lodge_qemu_img_bind_chain (unused, (const char *const *) layers->pdata, 2, &error);
  g_assert_no_error (error);
  begin_log (f);
  recorded = dup_recorded_image (f, image, 1);
  begin_part (f, "layers are merged", upper - 1, upper);
  g_assert_cmpint (
      run ("qemu-img", "commit", "-p", "-d", "-t", "writeback", recorded, (char *) NULL), ==, 0);
  end_part (f);
  /* And then waits for the disk. */
  lodge_image_sync (f->paths[upper - 1], &error);
  g_assert_no_error (error);
}

/* As lodge_image_grow_async() does it. */
static void
grow (Fixture *f)
{
  g_autofree char *image = lodge_qemu_img_dup_source (f->formats[0], f->paths[0], NULL);
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) LAST_SIZE);
  g_autofree char *recorded = NULL;

  begin_log (f);
  recorded = dup_recorded_image (f, image, 0);
  begin_part (f, "the disk is made larger", 0, 0);
  add_round (f)->size = LAST_SIZE;
  g_assert_cmpint (run ("qemu-img", "resize", "-q", recorded, size, (char *) NULL), ==, 0);
  end_part (f);
}

/* ---- looking */

static void
put (Fixture *f, guint layer, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  /* Also what was behind its end must not be there. */
  g_assert_no_errno (g_unlink (f->paths[layer]));
  g_file_set_contents_full (f->paths[layer], g_bytes_get_data (bytes, NULL),
                            (gssize) g_bytes_get_size (bytes), G_FILE_SET_CONTENTS_NONE, 0600,
                            &error);
  g_assert_no_error (error);
}

static gboolean
is_all (const guint8 *data, guint8 mark)
{
  for (guint i = 0; i < SECTOR; i++) {
    if (data[i] != mark)
      return FALSE;
  }
  return TRUE;
}

/* Whether each sector is what it was after one of two rounds. What the guest was about to zero in
 * the second may be anything until its next flush: qcow2 gives the place in the file to what is
 * written next, at once, and QEMU's record of that is flushed later. */
static gboolean
holds (const guint8 *data, gsize length, const Contents *one, const Contents *other)
{
  if (length != one->size && length != other->size) {
    g_test_message ("%" G_GSIZE_FORMAT " bytes", length);
    return FALSE;
  }
  for (gsize at = 0; at < length; at += SECTOR) {
    if (other != one && other->freed[at / BLOCK])
      continue;
    if (!is_all (data + at, one->blocks[at / BLOCK]) &&
        !is_all (data + at, other->blocks[at / BLOCK])) {
      g_test_message ("at %" G_GSIZE_FORMAT ": %u, not %u or %u", at, data[at],
                      one->blocks[at / BLOCK], other->blocks[at / BLOCK]);
      return FALSE;
    }
  }
  return TRUE;
}

/* What a reader finds. */
static gboolean
look (Fixture *f, guint layer, guint top, guint lowest, const Contents *one, const Contents *other)
{
  g_autofree char *alone = lodge_qemu_img_dup_source (f->formats[layer], f->paths[layer], NULL);
  g_autofree char *image = dup_chain (f, top, lowest);
  g_autofree char *copy = g_build_filename (f->machine.folder, "copy", NULL);
  g_autoptr (GMappedFile) file = NULL;

  if (g_str_equal (f->formats[layer], "qcow2")) {
    const int status = run ("qemu-img", "check", "-q", alone, (char *) NULL);

    /* 3: clusters that nobody uses, which is no loss (qemu-img(1)). */
    f->n_leaks += status == 3;
    if (status != 0 && status != 3)
      return FALSE;
  }
  if (run ("qemu-img", "convert", "-O", "raw", image, copy, (char *) NULL) != 0)
    return FALSE;
  file = g_mapped_file_new (copy, FALSE, NULL);
  return holds ((const guint8 *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
                one, other);
}

static void
cut (Fixture *f, const Part *part, guint n, WriteLoss loss)
{
  guint round = part->first_round;
  guint next, n_lost;
  g_autoptr (GBytes) image = write_log_cut (part->log, n, loss, &n_lost);

  for (guint i = 0; i < part->flushed->len && g_array_index (part->flushed, guint, i) <= n; i++)
    round++;
  next = MIN (round + 1, f->history->len - 1);
  put (f, part->layer, image);
  f->n_lost += n_lost > 0;
  if (!look (f, part->layer, part->top, 0, f->history->pdata[round], f->history->pdata[next]))
    g_error ("%s, layer %u, after %u of %u writes, loss %d: what was flushed in round %u is not "
             "there (see %s)",
             part->what, part->layer, n, write_log_get_n_entries (part->log), loss, round,
             f->paths[part->layer]);
}

/* Layers are what they were when the part ended, those above what they were when it began. */
static guint
cut_part (Fixture *f, guint index, guint n_all, guint n_wanted)
{
  const Part *part = f->parts->pdata[index];
  const guint n = write_log_get_n_entries (part->log);
  const guint times = MAX (n * n_wanted / n_all, 2);
  g_autoptr (GBytes) whole = write_log_cut (part->log, n, WRITE_LOSS_ALL, NULL);

  for (guint i = 0; i < times; i++)
    cut (f, part, i == 0 ? n : (guint) g_test_rand_int_range (0, (gint32) n + 1),
         i == 1 ? WRITE_LOSS_SOME : i % WRITE_LOSS_N);
  put (f, part->layer, whole);
  return times;
}

/* ---- */

static void
set_up (Fixture *f, gconstpointer format)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  LodgeMachine *machine;
  LodgeQemu *qemu;
  LodgeDisk *disk;
  LodgeLayer *layer;
  Contents *contents = g_new0 (Contents, 1);
  gsize length;
  char *bytes;

  machine_fixture_set_up (&f->machine, NULL);
  machine = machine_fixture_create (&f->machine, "writes", BOOT_SECTOR_IDLE);
  lodge_machine_host_prepare_async (machine->host, FALSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_host_prepare_finish (machine->host, result);
  qemu = lodge_machine_host_get_qemu (machine->host, &error);
  g_assert_no_error (error);
  f->description = lodge_description_copy (lodge_machine_get_description (machine));
  lodge_machine_command_resolve (f->description, qemu, LODGE_ACCELERATOR_TCG, &error);
  g_assert_no_error (error);
  g_ptr_array_set_size (f->description->nics, 0);
  disk = f->description->disks->pdata[0];
  g_assert_cmpstr (disk->id, ==, "disk0");
  disk->bus = LODGE_DISK_BUS_VIRTIO;
  disk->port = LODGE_DESCRIPTION_FIRST_FREE_PORT;
  layer = lodge_description_get_layer (f->description, disk->top);

  folder = lodge_machine_dup_folder (machine);
  f->runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  for (guint i = 0; i < N_LAYERS; i++) {
    f->paths[i] = g_strdup_printf ("%s/layers/written-%u", folder, i);
    f->formats[i] = i == 0 ? format : "qcow2";
  }
  g_free (layer->file);
  layer->file = g_strdup ("layers/written-0");
  g_free (layer->format);
  layer->format = g_strdup (format);
  g_clear_object (&result);
  lodge_image_create_async (f->paths[0], format, FIRST_SIZE, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_image_create_finish (result, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (f->paths[0], &bytes, &length, NULL));
  f->images[0] = g_bytes_new_take (bytes, length);

  f->parts = g_ptr_array_new_with_free_func (part_free);
  f->history = g_ptr_array_new_with_free_func (g_free);
  contents->size = FIRST_SIZE;
  g_ptr_array_add (f->history, contents);
  start (f, machine);
}

static void
tear_down (Fixture *f, gconstpointer format)
{
  for (guint i = 0; i < N_LAYERS; i++) {
    g_free (f->paths[i]);
    g_clear_pointer (&f->images[i], g_bytes_unref);
  }
  g_ptr_array_unref (f->parts);
  g_ptr_array_unref (f->history);
  lodge_description_free (f->description);
  g_free (f->runtime);
  g_free (f->log);
  machine_fixture_tear_down (&f->machine, NULL);
}

/* What is there before the last round that has changed something is not what is there after it. */
static void
assert_can_fail (Fixture *f)
{
  const Part *part = f->parts->pdata[0];
  const Contents *written = f->history->pdata[part->flushed->len];
  guint round = part->flushed->len - 1;
  g_autoptr (GBytes) nothing = write_log_cut (part->log, 0, WRITE_LOSS_NONE, NULL);
  g_autoptr (GBytes) most = NULL;

  put (f, 0, nothing);
  g_assert_false (look (f, 0, 0, 0, written, written));
  while (round > 0 && memcmp (((Contents *) f->history->pdata[round])->blocks, written->blocks,
                              sizeof written->blocks) == 0)
    round--;
  most = write_log_cut (part->log, round > 0 ? g_array_index (part->flushed, guint, round - 1) : 0,
                        WRITE_LOSS_ALL, NULL);
  put (f, 0, most);
  g_assert_false (look (f, 0, 0, 0, written, written));
}

static void
test_cuts (Fixture *f, gconstpointer format)
{
  const char *wanted = g_getenv ("LODGE_TEST_POWER_CUTS");
  const guint n_wanted = wanted != NULL ? (guint) strtoul (wanted, NULL, 10) : 30;
  guint n_all = 0, n_cuts = 0;
  const Contents *last;

  begin_part (f, "the guest writes", 0, 0);
  write_rounds (f);
  take_snapshot (f, 1);
  write_rounds (f);
  grow_running (f, "top1");
  write_rounds (f);
  take_snapshot (f, 2);
  write_rounds (f);
  quit (f);
  end_part (f);
  merge (f, 2);
  merge (f, 1);
  last = f->history->pdata[f->history->len - 1];
  g_assert_true (look (f, 0, 0, 0, last, last));
  grow (f);
  last = f->history->pdata[f->history->len - 1];
  g_assert_true (look (f, 0, 0, 0, last, last));

  for (guint i = 0; i < f->parts->len; i++)
    n_all += write_log_get_n_entries (((Part *) f->parts->pdata[i])->log);
  assert_can_fail (f);
  for (guint i = 0; i < f->parts->len; i++)
    n_cuts += cut_part (f, i, n_all, n_wanted);
  g_test_message ("%u writes and flushes, %u cuts, %u of which lost what was not flushed: nothing "
                  "else is lost; unused clusters after %u",
                  n_all, n_cuts, f->n_lost, f->n_leaks);
  /* A few may all be where everything was flushed. */
  if (n_wanted >= 30)
    g_assert_cmpuint (f->n_lost, >, 0);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  g_test_add ("/machine/power-cut/qcow2", Fixture, "qcow2", set_up, test_cuts, tear_down);
  g_test_add ("/machine/power-cut/raw", Fixture, "raw", set_up, test_cuts, tear_down);
  return g_test_run ();
}
