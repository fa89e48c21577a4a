/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of a machine's snapshots, in its description alone. */
#include "description/lodge-description-join.h"
#include "description/lodge-description-snapshots.h"

#include "description/lodge-description-file.h"
#include "lodge-error.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#define NOW 1700000000

typedef struct {
  LodgeDescription *now;
  GHashTable *stored; /* snapshot id to LodgeDescription */
  GHashTable *taken;  /* files in the folder of layers */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->now = lodge_description_new ("web");
  f->stored = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify) lodge_description_free);
  f->taken = g_hash_table_new (g_str_hash, g_str_equal);
  lodge_description_add_disk (f->now, LODGE_DISK_BUS_VIRTIO, "layers/disk0-l0.qcow2", "qcow2",
                              1 << 20, &error);
  lodge_description_add_disk (f->now, LODGE_DISK_BUS_SATA, "/srv/data.img", "raw", 2 << 20, &error);
  lodge_description_add_nic (f->now, LODGE_NIC_MODEL_VIRTIO, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  lodge_description_free (f->now);
  g_hash_table_unref (f->stored);
  g_hash_table_unref (f->taken);
}

static void
assert_good (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_description_check (f->now, &error));
  g_assert_no_error (error);
}

static char *
layers_of (Fixture *f)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < f->now->layers->len; i++) {
    const LodgeLayer *layer = f->now->layers->pdata[i];

    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", layer->id);
    if (layer->below != NULL)
      g_string_append_printf (text, ">%s", layer->below);
    if (layer->merge)
      g_string_append_c (text, '*');
  }
  return g_string_free (text, FALSE);
}

static void
assert_layers (Fixture *f, const char *expected)
{
  g_autofree char *layers = layers_of (f);

  g_assert_cmpstr (layers, ==, expected);
}

static void
take (Fixture *f, const char *id, const char *name)
{
  g_hash_table_insert (f->stored, g_strdup (id), lodge_description_copy (f->now));
  lodge_description_freeze (f->now, id, name, "why", NOW);
  g_ptr_array_unref (lodge_description_add_tops (f->now, f->taken));
  assert_good (f);
}

static void
go_back (Fixture *f, const char *id)
{
  g_autoptr (GPtrArray) old = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      lodge_description_go_back (f->now, g_hash_table_lookup (f->stored, id), id, &old, &error));
  g_assert_no_error (error);
  g_ptr_array_unref (lodge_description_add_tops (f->now, f->taken));
  for (guint i = 0; i < old->len; i++)
    lodge_description_release_layer (f->now, old->pdata[i]);
  assert_good (f);
}

/* Merges what can be; gives how often. */
static guint
merge (Fixture *f)
{
  const LodgeLayer *upper;
  guint n = 0;

  while ((upper = lodge_description_find_merge (f->now, NULL, NULL)) != NULL) {
    g_autofree char *id = g_strdup (upper->id);

    lodge_description_merge (f->now, id);
    assert_good (f);
    n++;
  }
  return n;
}

static void
test_take (Fixture *f, gconstpointer data)
{
  const LodgeSnapshot *snapshot;
  const LodgeDisk *disk;

  take (f, "s1", "installed");
  snapshot = lodge_description_get_snapshot (f->now, "s1");
  g_assert_cmpstr (snapshot->name, ==, "installed");
  g_assert_cmpstr (snapshot->text, ==, "why");
  g_assert_cmpint (snapshot->created_s, ==, NOW);
  g_assert_null (snapshot->parent);
  g_assert_cmpuint (g_strv_length (snapshot->layers), ==, 2);
  g_assert_cmpstr (f->now->snapshot, ==, "s1");
  assert_layers (f, "disk0-l0 disk1-l0 disk0-l1>disk0-l0 disk1-l1>disk1-l0");
  disk = f->now->disks->pdata[1];
  g_assert_cmpstr (disk->top, ==, "disk1-l1");
  /* What stands on a raw image is qcow2. */
  g_assert_cmpstr (lodge_description_get_layer (f->now, disk->top)->format, ==, "qcow2");
  g_assert_cmpuint (lodge_description_get_layer (f->now, disk->top)->size_bytes, ==, 2 << 20);

  take (f, "s2", "patched");
  g_assert_cmpstr (lodge_description_get_snapshot (f->now, "s2")->parent, ==, "s1");
  g_assert_cmpstr (f->now->snapshot, ==, "s2");
}

/* A file of that name is there already, and nobody knows why. */
static void
test_files_are_new (Fixture *f, gconstpointer data)
{
  g_hash_table_add (f->taken, (gpointer) "disk0-l1.qcow2");
  take (f, "s1", "installed");
  assert_layers (f, "disk0-l0 disk1-l0 disk0-l2>disk0-l0 disk1-l1>disk1-l0");
}

static void
test_go_back (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *vmgenid = NULL;

  take (f, "s1", "installed");
  vmgenid = g_strdup (f->now->vmgenid);
  /* Since then the hardware has changed, and what is this computer's business. */
  g_assert_true (lodge_description_set (f->now, "machine.memory", "8G", &error));
  g_assert_true (lodge_description_set (f->now, "machine.name", "shop", &error));
  g_assert_true (lodge_description_set (f->now, "sharing.clipboard", "off", &error));
  g_assert_true (lodge_description_set (f->now, "display.scaling", "scale", &error));
  g_assert_true (lodge_description_set (f->now, "display.side-by-side", "true", &error));
  g_assert_true (lodge_description_set (f->now, "display.model", "vga", &error));
  g_assert_true (lodge_description_set (f->now, "nic.nic0.forwards", "tcp:2222:22", &error));
  g_assert_nonnull (lodge_description_add_nic (f->now, LODGE_NIC_MODEL_VIRTIO, &error));
  g_assert_no_error (error);

  go_back (f, "s1");
  g_assert_cmpuint (f->now->memory_mib, ==, 2048);
  g_assert_cmpuint (f->now->nics->len, ==, 1);
  g_assert_cmpint (f->now->display, ==, LODGE_DISPLAY_VIRTIO);
  g_assert_cmpstr (f->now->vmgenid, !=, vmgenid);
  g_assert_cmpstr (f->now->name, ==, "shop");
  g_assert_cmpint (f->now->share_clipboard, ==, LODGE_CLIPBOARD_OFF);
  g_assert_cmpint (f->now->scaling, ==, LODGE_DISPLAY_SCALING_SCALE);
  g_assert_true (f->now->side_by_side);
  g_assert_cmpstr (((LodgeNic *) f->now->nics->pdata[0])->forwards[0], ==, "tcp:2222:22");
  g_assert_cmpstr (f->now->snapshot, ==, "s1");
  /* The tops of before are gone, those of now are new. */
  assert_layers (f, "disk0-l0 disk1-l0 disk0-l2>disk0-l0 disk1-l2>disk1-l0");
}

static void
test_damaged_record (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeDescription) other = lodge_description_new ("web");
  g_autoptr (GPtrArray) old = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;

  take (f, "s1", "installed");
  before = layers_of (f);
  g_assert_false (lodge_description_go_back (f->now, other, "s1", &old, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  /* Another layer than the one that was frozen. */
  g_free (other->uuid);
  other->uuid = g_strdup (f->now->uuid);
  lodge_description_add_disk (other, LODGE_DISK_BUS_VIRTIO, "machine", "qcow2", 512, NULL);
  lodge_description_add_disk (other, LODGE_DISK_BUS_VIRTIO, "other", "qcow2", 512, NULL);
  g_free (((LodgeDisk *) other->disks->pdata[0])->top);
  ((LodgeDisk *) other->disks->pdata[0])->top = g_strdup ("disk0-l1");
  g_assert_false (lodge_description_go_back (f->now, other, "s1", &old, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "installed"));
  assert_layers (f, before);
}

/* A disk that the guest has not is frozen as any other, and is then what it was. */
static void
test_detached (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeDescription) stored = NULL;
  g_autoptr (LodgeDescription) then = NULL;
  g_autoptr (GError) error = NULL;

  take (f, "s1", "attached");
  ((LodgeDisk *) f->now->disks->pdata[1])->attached = FALSE;
  take (f, "s2", "detached");
  g_assert_cmpuint (g_strv_length (lodge_description_get_snapshot (f->now, "s2")->layers), ==, 2);
  assert_layers (f, "disk0-l0 disk1-l0 disk0-l1>disk0-l0 disk1-l1>disk1-l0 disk0-l2>disk0-l1 "
                    "disk1-l2>disk1-l1");
  go_back (f, "s1");
  g_assert_true (((LodgeDisk *) f->now->disks->pdata[1])->attached);
  go_back (f, "s2");
  g_assert_false (((LodgeDisk *) f->now->disks->pdata[1])->attached);
  g_assert_true (((LodgeDisk *) f->now->disks->pdata[0])->attached);

  /* A guest's memory fits to the disks that it had, and to one more, which it gets then. */
  stored = lodge_description_copy (f->now);
  ((LodgeDisk *) f->now->disks->pdata[1])->attached = TRUE;
  then = lodge_description_dup_suspended (f->now, stored, &error);
  g_assert_no_error (error);
  g_assert_false (((LodgeDisk *) then->disks->pdata[1])->attached);
  g_clear_pointer (&then, lodge_description_free);
  ((LodgeDisk *) f->now->disks->pdata[0])->attached = FALSE;
  g_assert_null (lodge_description_dup_suspended (f->now, stored, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

/* What is stored brings no suspended memory, whoever has written that there. */
static void
test_stored_memory (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeDescription) stored = NULL;
  g_autoptr (LodgeDescription) then = NULL;
  g_autoptr (GError) error = NULL;

  take (f, "s1", "installed");
  ((LodgeDescription *) g_hash_table_lookup (f->stored, "s1"))->suspended = g_strdup ("s7");
  go_back (f, "s1");
  g_assert_null (f->now->suspended);

  stored = lodge_description_copy (f->now);
  stored->suspended = g_strdup ("s7");
  then = lodge_description_dup_suspended (f->now, stored, &error);
  g_assert_no_error (error);
  g_assert_null (then->suspended);
}

/* s1 <- s2 <- s3 <- now: the one in the middle goes, and its layer becomes part of s3's. */
static void
test_forget_middle (Fixture *f, gconstpointer data)
{
  take (f, "s1", "one");
  take (f, "s2", "two");
  take (f, "s3", "three");
  lodge_description_forget_snapshot (f->now, "s2");
  assert_good (f);
  g_assert_null (lodge_description_get_snapshot (f->now, "s2"));
  g_assert_cmpstr (lodge_description_get_snapshot (f->now, "s3")->parent, ==, "s1");
  g_assert_true (lodge_description_needs_file (f->now, "layers/disk0-l1.qcow2"));

  g_assert_cmpuint (merge (f), ==, 2);
  assert_layers (f, "disk0-l0 disk1-l0 disk0-l2>disk0-l0 disk1-l2>disk1-l0 disk0-l3>disk0-l2 "
                    "disk1-l3>disk1-l2");
  /* The snapshot's layer has kept its name and has the lower one's file. */
  g_assert_cmpstr (lodge_description_get_layer (f->now, "disk0-l2")->file, ==,
                   "layers/disk0-l1.qcow2");
  g_assert_false (lodge_description_needs_file (f->now, "layers/disk0-l2.qcow2"));
  g_assert_true (lodge_description_needs_file (f->now, "layers/disk0-l1.qcow2"));
  /* Whoever goes back to it finds it. */
  go_back (f, "s3");
  go_back (f, "s1");
}

/* The first goes while the present stands on it: its parent is nobody, and a disk that is used
 * where it is gets what the present wrote. */
static void
test_forget_current (Fixture *f, gconstpointer data)
{
  const LodgeDisk *disk;

  take (f, "s1", "one");
  lodge_description_forget_snapshot (f->now, "s1");
  assert_good (f);
  g_assert_null (f->now->snapshot);
  assert_layers (f, "disk0-l0* disk1-l0* disk0-l1>disk0-l0 disk1-l1>disk1-l0");
  g_assert_cmpuint (merge (f), ==, 2);
  assert_layers (f, "disk0-l1 disk1-l1");
  disk = f->now->disks->pdata[1];
  g_assert_cmpstr (lodge_description_get_layer (f->now, disk->top)->file, ==, "/srv/data.img");
  g_assert_cmpstr (lodge_description_get_layer (f->now, disk->top)->format, ==, "raw");
}

/* Two branches stand on the one that goes: it stays until one of them is gone. */
static void
test_forget_fork (Fixture *f, gconstpointer data)
{
  take (f, "s1", "one");
  take (f, "s2", "two");
  take (f, "s3", "left");
  go_back (f, "s2");
  take (f, "s4", "right");
  lodge_description_forget_snapshot (f->now, "s2");
  g_assert_cmpstr (lodge_description_get_snapshot (f->now, "s3")->parent, ==, "s1");
  g_assert_cmpstr (lodge_description_get_snapshot (f->now, "s4")->parent, ==, "s1");
  g_assert_cmpuint (merge (f), ==, 0);

  /* A leaf goes with its layer at once, and the fork is one no more. */
  lodge_description_forget_snapshot (f->now, "s3");
  assert_good (f);
  g_assert_cmpuint (merge (f), ==, 2);
  g_assert_cmpstr (lodge_description_get_snapshot (f->now, "s4")->parent, ==, "s1");
  go_back (f, "s4");
}

/* Nothing is left of a branch whose fork went before it. */
static void
test_forget_branch (Fixture *f, gconstpointer data)
{
  take (f, "s1", "one");
  take (f, "s2", "two");
  take (f, "s3", "three");
  go_back (f, "s1");
  lodge_description_forget_snapshot (f->now, "s2");
  lodge_description_forget_snapshot (f->now, "s3");
  assert_good (f);
  /* s1's layer and the present's: all of the branch is gone without a merge. */
  g_assert_cmpuint (f->now->layers->len, ==, 4);
  g_assert_cmpuint (merge (f), ==, 0);
  lodge_description_forget_snapshot (f->now, "s1");
  g_assert_cmpuint (merge (f), ==, 2);
  g_assert_cmpuint (f->now->layers->len, ==, 2);
}

/* A layer that stands on one that no snapshot was ever for is left alone: it may be shared. */
static void
test_foreign_base (Fixture *f, gconstpointer data)
{
  LodgeLayer *top;

  g_ptr_array_unref (lodge_description_add_tops (f->now, f->taken));
  g_assert_null (lodge_description_find_merge (f->now, NULL, NULL));
  take (f, "s1", "one");
  go_back (f, "s1");
  lodge_description_forget_snapshot (f->now, "s1");
  g_assert_cmpuint (merge (f), ==, 2);
  top = lodge_description_get_layer (f->now, ((LodgeDisk *) f->now->disks->pdata[0])->top);
  g_assert_cmpstr (top->below, ==, "disk0-l0");
  g_assert_null (lodge_description_find_merge (f->now, NULL, NULL));
}

/* Joining. */

static gboolean
may_join (const LodgeLayer *layer, gpointer data)
{
  return g_strcmp0 (layer->id, data) != 0;
}

static guint64
measure (const LodgeLayer *layer, gpointer data)
{
  return 1 << 20;
}

static guint64
measure_growing (const LodgeLayer *layer, gpointer data)
{
  /* The lower, the larger: each is as large as all above it, and a bit. */
  return G_GUINT64_CONSTANT (1) << (40 - 2 * strtoul (strrchr (layer->id, 'l') + 1, NULL, 10));
}

/* The first run that is found, from the upmost down; "" for none. */
static char *
dup_found (Fixture *f, guint least, const char *not_this, LodgeLayerMeasure how)
{
  g_autoptr (GPtrArray) layers =
      lodge_description_find_join (f->now, least, may_join, how, (gpointer) not_this);
  GString *text = g_string_new (NULL);

  for (guint i = 0; layers != NULL && i < layers->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            ((const LodgeLayer *) layers->pdata[i])->id);
  return g_string_free (text, FALSE);
}

static void
assert_found (Fixture *f, guint least, const char *not_this, const char *expected)
{
  g_autofree char *found = dup_found (f, least, not_this, measure);

  g_assert_cmpstr (found, ==, expected);
}

/* Snapshots s1 to s8, of which s2 to s6 are gone. Of its second disk, too. */
static void
make_run (Fixture *f)
{
  for (guint i = 1; i <= 8; i++) {
    g_autofree char *id = g_strdup_printf ("s%u", i);

    take (f, id, id);
  }
  for (guint i = 2; i <= 6; i++) {
    g_autofree char *id = g_strdup_printf ("s%u", i);

    lodge_description_forget_snapshot (f->now, id);
  }
  assert_good (f);
}

static void
test_find_join (Fixture *f, gconstpointer data)
{
  g_autofree char *large = NULL;

  make_run (f);
  assert_found (f, 5, NULL, "disk0-l5 disk0-l4 disk0-l3 disk0-l2 disk0-l1");
  /* Eight below each top, which is not one of them. */
  g_assert_true (
      lodge_description_is_in_chain (f->now, lodge_description_get_layer (f->now, "disk0-l0"), 8));
  g_assert_false (
      lodge_description_is_in_chain (f->now, lodge_description_get_layer (f->now, "disk0-l0"), 9));
  g_assert_false (
      lodge_description_is_in_chain (f->now, lodge_description_get_layer (f->now, "disk0-l8"), 1));
  assert_found (f, 6, NULL, "");
  /* One that a clone has, too, and what is below it. */
  assert_found (f, 2, "disk0-l3", "disk0-l5 disk0-l4");
  /* Each is larger than all above it. */
  large = dup_found (f, 2, NULL, measure_growing);
  g_assert_cmpstr (large, ==, "");
  /* The lowest of all was s1's; it stays also when that is gone. */
  lodge_description_forget_snapshot (f->now, "s1");
  assert_found (f, 5, NULL, "disk0-l5 disk0-l4 disk0-l3 disk0-l2 disk0-l1");
  /* One on which two stand. */
  take (f, "s9", "s9");
  go_back (f, "s7");
  lodge_description_forget_snapshot (f->now, "s7");
  assert_found (f, 5, NULL, "disk0-l5 disk0-l4 disk0-l3 disk0-l2 disk0-l1");
}

static void
test_join (Fixture *f, gconstpointer data)
{
  static const char *const layers[] = {"disk0-l5", "disk0-l4", "disk0-l3",
                                       "disk0-l2", "disk0-l1", NULL};
  g_autoptr (GError) error = NULL;
  g_autofree char *file = NULL;
  g_autofree char *id = NULL;
  const LodgeLayer *joined;

  make_run (f);
  id = lodge_description_dup_layer_id (f->now, "disk0", f->taken, &file);
  g_assert_cmpstr (id, ==, "disk0-l9");
  g_assert_cmpstr (file, ==, "layers/disk0-l9.qcow2");
  g_assert_true (lodge_description_join (f->now, layers, id, file, &error));
  g_assert_no_error (error);
  assert_good (f);
  joined = lodge_description_get_layer (f->now, "disk0-l9");
  g_assert_cmpstr (joined->below, ==, "disk0-l0");
  g_assert_true (joined->merge);
  g_assert_cmpstr (lodge_description_get_layer (f->now, "disk0-l6")->below, ==, "disk0-l9");
  for (guint i = 0; layers[i] != NULL; i++)
    g_assert_null (lodge_description_get_layer (f->now, layers[i]));
  /* None gets a name that was one of theirs. */
  take (f, "s9", "s9");
  g_assert_nonnull (lodge_description_get_layer (f->now, "disk0-l10"));
  /* What is there at the next time goes down into it, or it goes with others. */
  lodge_description_forget_snapshot (f->now, "s7");
  assert_found (f, 2, NULL, "disk0-l6 disk0-l9");
  g_assert_false (lodge_description_join (f->now, layers, "disk0-l11", "layers/l11", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  assert_good (f);
  lodge_description_forget_snapshot (f->now, "s1");
  g_assert_cmpuint (merge (f), >, 2);
}

static void
test_join_changed (Fixture *f, gconstpointer data)
{
  static const char *const layers[] = {"disk0-l3", "disk0-l2", NULL};
  g_autoptr (GError) error = NULL;

  make_run (f);
  /* A snapshot is of one of them. */
  take (f, "s9", "s9");
  g_free (lodge_description_get_snapshot (f->now, "s9")->layers[0]);
  lodge_description_get_snapshot (f->now, "s9")->layers[0] = g_strdup ("disk0-l2");
  g_assert_false (lodge_description_join (f->now, layers, "disk0-l20", "layers/l20", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  g_free (lodge_description_get_snapshot (f->now, "s9")->layers[0]);
  lodge_description_get_snapshot (f->now, "s9")->layers[0] = g_strdup ("disk0-l8");
  g_assert_false (lodge_description_join (f->now, layers, "disk0-l8", "layers/l20", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  g_assert_true (lodge_description_join (f->now, layers, "disk0-l20", "layers/l20", &error));
  g_assert_no_error (error);
}

static void
test_layer_disk (void)
{
  static const char *const names[][2] = {
      {"disk0-l3", "disk0"}, {"a-l0-l12", "a-l0"}, {"web", "web"}, {"-l3", "-l3"}, {"a-lx", "a-lx"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *disk = lodge_description_dup_layer_disk (names[i][0]);

    g_assert_cmpstr (disk, ==, names[i][1]);
  }
}

static void
test_names (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  take (f, "s1", "one");
  g_assert_false (lodge_description_check_snapshot_name (f->now, "one", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (lodge_description_check_snapshot_name (f->now, "", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (lodge_description_check_snapshot_name (f->now, "a/b", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "snapshot's name"));
  g_clear_error (&error);
  name = lodge_description_dup_free_snapshot_name (f->now, "one");
  g_assert_cmpstr (name, ==, "one 2");

  g_assert_nonnull (lodge_description_find_snapshot (f->now, "one", &error));
  g_assert_nonnull (lodge_description_find_snapshot (f->now, "s1", &error));
  g_assert_null (lodge_description_find_snapshot (f->now, "two", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  /* By hand two may have one name. */
  take (f, "s2", "one");
  g_assert_null (lodge_description_find_snapshot (f->now, "one", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "s1, s2"));
}

/* Into machine.ini and out of it again. */
static void
test_file (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-snapshots-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autofree char *text = NULL;
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (GError) error = NULL;
  const LodgeSnapshot *snapshot;

  file = lodge_description_file_new (path, lodge_description_copy (f->now));
  take (f, "s1", "one; two = three");
  lodge_description_forget_snapshot (f->now, "s1");
  take (f, "s2", "four");
  g_assert_true (lodge_description_file_save (file, f->now, &error));
  g_assert_no_error (error);
  g_clear_pointer (&file, lodge_description_file_free);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "created=2023-11-14T22:13:20Z"));

  file = lodge_description_file_load (path, &error);
  g_assert_no_error (error);
  snapshot = lodge_description_get_snapshot (lodge_description_file_get (file), "s2");
  g_assert_cmpstr (snapshot->name, ==, "four");
  g_assert_cmpint (snapshot->created_s, ==, NOW);
  g_assert_cmpstr (snapshot->layers[0], ==, "disk0-l1");
  g_assert_true (
      lodge_description_get_layer (lodge_description_file_get (file), "disk0-l0")->merge);
  g_assert_cmpstr (lodge_description_file_get (file)->tpm_state, ==, "tpm");
  g_assert_no_errno (g_unlink (path));
  g_assert_no_errno (g_rmdir (folder));
}

/* What somebody has written by hand, or sent. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  LodgeSnapshot *snapshot;
  g_autoptr (GError) error = NULL;

  take (f, "s1", "one");
  take (f, "s2", "two");
  snapshot = lodge_description_get_snapshot (f->now, "s1");
  snapshot->parent = g_strdup ("s2");
  g_assert_false (lodge_description_check (f->now, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_free (snapshot->parent);
  snapshot->parent = g_strdup ("s9");
  g_assert_false (lodge_description_check (f->now, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_clear_pointer (&snapshot->parent, g_free);
  assert_good (f);

  g_free (snapshot->layers[0]);
  snapshot->layers[0] = g_strdup (((LodgeDisk *) f->now->disks->pdata[0])->top);
  g_assert_false (lodge_description_check (f->now, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_free (snapshot->layers[0]);
  snapshot->layers[0] = g_strdup ("disk9-l9");
  g_assert_false (lodge_description_check (f->now, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_free (snapshot->layers[0]);
  snapshot->layers[0] = g_strdup ("disk0-l0");
  assert_good (f);

  g_free (f->now->snapshot);
  f->now->snapshot = g_strdup ("s9");
  g_assert_false (lodge_description_check (f->now, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/description/snapshots/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("take", test_take);
  ADD ("files-are-new", test_files_are_new);
  ADD ("go-back", test_go_back);
  ADD ("damaged-record", test_damaged_record);
  ADD ("detached", test_detached);
  ADD ("stored-memory", test_stored_memory);
  ADD ("forget-middle", test_forget_middle);
  ADD ("forget-current", test_forget_current);
  ADD ("forget-fork", test_forget_fork);
  ADD ("forget-branch", test_forget_branch);
  ADD ("foreign-base", test_foreign_base);
  ADD ("find-join", test_find_join);
  ADD ("join", test_join);
  ADD ("join-changed", test_join_changed);
  g_test_add_func ("/description/snapshots/layer-disk", test_layer_disk);
  ADD ("names", test_names);
  ADD ("file", test_file);
  ADD ("refused", test_refused);
  return g_test_run ();
}
