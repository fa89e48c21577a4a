/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.ini: there and back, edited by hand, old and new versions, and everything that is wrong
 * in it. */
#include "description/lodge-description-upgrade.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *path;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("lodge-file-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "machine.ini", NULL);
}

/* Every test leaves at most these behind: what else is there is a fault of the code. */
static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autofree char *old = g_strconcat (fixture->path, ".v0", NULL);

  g_unlink (fixture->path);
  g_unlink (old);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
}

#define HEAD                                                                                       \
  "[machine]\n"                                                                                    \
  "version=1\n"                                                                                    \
  "uuid=3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11\n"                                                    \
  "name=web\n"                                                                                     \
  "vmgenid=0f3d5b1b-6a11-4e0f-8a53-3a1c2a425f0d\n"

#define LAYER "[layer.al]\nfile=layers/a.qcow2\nformat=qcow2\nsize=20G\n"

static void
put (Fixture *fixture, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (fixture->path, text, -1, &error);
  g_assert_no_error (error);
}

static char *
get (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (fixture->path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static LodgeDescriptionFile *
load (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  LodgeDescriptionFile *file = lodge_description_file_load (fixture->path, &error);

  g_assert_no_error (error);
  g_assert_nonnull (file);
  return file;
}

static void
save (LodgeDescriptionFile *file, const LodgeDescription *description)
{
  g_autoptr (GError) error = NULL;

  lodge_description_file_save (file, description, &error);
  g_assert_no_error (error);
}

static void
assert_same (const LodgeDescription *a, const LodgeDescription *b)
{
  g_autoptr (GPtrArray) list_a = lodge_description_list (a);
  g_autoptr (GPtrArray) list_b = lodge_description_list (b);

  g_assert_cmpuint (list_a->len, ==, list_b->len);
  for (guint i = 0; i < list_a->len; i++)
    g_assert_cmpstr (g_ptr_array_index (list_a, i), ==, g_ptr_array_index (list_b, i));
}

static void
test_there_and_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new ("Größe; \\ = # 2");
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescriptionFile) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *untouched = NULL;
  struct stat info;

  g_assert_nonnull (lodge_description_add_disk (machine, LODGE_DISK_BUS_SATA, "layers/a b", "raw",
                                                4097 * 512, NULL));
  g_assert_nonnull (lodge_description_add_nic (machine, LODGE_NIC_MODEL_E1000E, NULL));
  g_assert_nonnull (lodge_description_add_media (machine, "/srv/ x;\\n.iso ", NULL));
  g_assert_nonnull (lodge_description_add_media (machine, NULL, NULL));
  g_assert_true (
      lodge_description_set (machine, "nic.nic0.forwards", "tcp:1:2;udp:[::1]:3:4", NULL));
  g_assert_true (lodge_description_set (machine, "boot.kernel", "/boot/vmlinuz", NULL));
  g_assert_true (lodge_description_set (machine, "boot.append", "  a=\"b\\s\" # c", NULL));

  file = lodge_description_file_new (fixture->path, lodge_description_copy (machine));
  save (file, machine);
  assert_same (lodge_description_file_get (file), machine);
  g_assert_cmpint (g_stat (fixture->path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);

  again = load (fixture);
  assert_same (lodge_description_file_get (again), machine);
  g_assert_null (lodge_description_file_get_read_only (again));

  /* Every key is written out for whoever edits it; saving the same again changes nothing. */
  text = get (fixture);
  g_assert_true (g_str_has_prefix (text, "# "));
  g_assert_nonnull (strstr (text, "\n[machine]\nversion=1\nuuid="));
  g_assert_nonnull (strstr (text, "\nmemory=2G\n"));
  g_assert_nonnull (strstr (text, "\ninitrd=\n"));
  save (again, machine);
  untouched = get (fixture);
  g_assert_cmpstr (text, ==, untouched);
}

static const char edited[] = "# top comment\n"
                             "\n" HEAD "# why so much\n"
                             "memory = 4194304K\n"
                             "colour=green\n"
                             "cpus=\n"
                             "\n"
                             "[disk.a]\n"
                             "port=4\n"
                             "top=al\n"
                             "# of a\n"
                             "\n"
                             "# above b\n"
                             "[disk.b]\n"
                             "port=5\n"
                             "top=bl\n"
                             "shade=dark\n"
                             "\n" LAYER "\n[layer.bl]\nfile=/srv/b.img\nformat=raw\nsize=512\n"
                             "\n"
                             "[from the future]\n"
                             "key=value\n";

static void
test_edited_by_hand (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (GString) expected = g_string_new (edited);
  g_autofree char *text = NULL;

  put (fixture, edited);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));
  g_assert_cmpuint (machine->memory_mib, ==, 4096);
  g_assert_cmpuint (machine->cpus, ==, 2);
  g_assert_cmpstr (machine->os, ==, "");
  g_assert_cmpuint (machine->disks->len, ==, 2);

  g_assert_true (lodge_description_set (machine, "machine.name", "mail", NULL));
  save (file, machine);
  text = get (fixture);
  g_string_replace (expected, "name=web", "name=mail", 1);
  /* GKeyFile's own way of writing. */
  g_string_replace (expected, "memory = ", "memory=", 1);
  g_assert_cmpstr (text, ==, expected->str);
}

/* While the engine has the file, a person changes it; then the engine saves something else. */
static void
test_edited_meanwhile (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *kept = NULL;

  put (fixture, HEAD);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));
  put (fixture, HEAD "# mine\nmemory=3G\n");
  g_assert_true (lodge_description_set (machine, "machine.cpus", "7", NULL));
  save (file, machine);
  text = get (fixture);
  g_assert_cmpstr (text, ==, HEAD "# mine\nmemory=3G\ncpus=7\n");
  g_assert_cmpuint (lodge_description_file_get (file)->memory_mib, ==, 3072);
  g_assert_cmpuint (lodge_description_file_get (file)->cpus, ==, 7);

  /* What cannot be read is not written over. */
  lodge_description_free (machine);
  machine = lodge_description_copy (lodge_description_file_get (file));
  put (fixture, HEAD "memory=lots\n");
  g_assert_true (lodge_description_set (machine, "machine.cpus", "8", NULL));
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "lots"));
  g_clear_error (&error);
  kept = get (fixture);
  g_assert_cmpstr (kept, ==, HEAD "memory=lots\n");
  g_assert_cmpuint (lodge_description_file_get (file)->cpus, ==, 7);

  /* Neither is another machine's file. */
  g_free (kept);
  put (fixture, "[machine]\nversion=1\nuuid=4a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11\nname=x\n"
                "vmgenid=0f3d5b1b-6a11-4e0f-8a53-3a1c2a425f0d\n");
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);

  /* One that was removed comes back. */
  g_unlink (fixture->path);
  save (file, machine);
  g_clear_pointer (&text, g_free);
  text = get (fixture);
  kept = g_strdup (HEAD "# mine\nmemory=3G\ncpus=8\n");
  g_assert_cmpstr (text, ==, kept);
}

static void
test_devices (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (LodgeDescriptionFile) again = NULL;
  g_autofree char *text = NULL;
  gpointer first;

  put (fixture, edited);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));

  g_assert_nonnull (lodge_description_add_nic (machine, LODGE_NIC_MODEL_VIRTIO, NULL));
  save (file, machine);
  again = load (fixture);
  assert_same (lodge_description_file_get (again), machine);
  lodge_description_file_free (g_steal_pointer (&again));

  /* The other way round: the order of the file is the boot order. */
  first = g_ptr_array_steal_index (machine->disks, 0);
  g_ptr_array_add (machine->disks, first);
  save (file, machine);
  again = load (fixture);
  assert_same (lodge_description_file_get (again), machine);
  lodge_description_file_free (g_steal_pointer (&again));
  text = get (fixture);
  g_assert_cmpint (strstr (text, "[disk.b]") - text, <, strstr (text, "[disk.a]") - text);
  g_assert_nonnull (strstr (text, "# above b\n[disk.b]\nport=5\ntop=bl\nshade=dark\n"));
  g_assert_nonnull (strstr (text, "[disk.a]\nport=4\ntop=al\n# of a\n"));
  g_assert_nonnull (strstr (text, "[from the future]\nkey=value\n"));
  g_assert_true (g_str_has_prefix (text, "# top comment\n"));

  g_ptr_array_remove_index (machine->disks, 0);
  g_ptr_array_remove_index (machine->layers, 1);
  save (file, machine);
  again = load (fixture);
  assert_same (lodge_description_file_get (again), machine);
  g_clear_pointer (&text, g_free);
  text = get (fixture);
  g_assert_null (strstr (text, "[disk.b]"));
  g_assert_null (strstr (text, "shade"));
  g_assert_nonnull (strstr (text, "colour=green"));
}

/* What an older Lodge has written has all its disks; what it does not know it keeps. */
static void
test_detached (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autofree char *text = NULL;
  LodgeDisk *disk;

  put (fixture, HEAD "[disk.a]\nport=4\ntop=al\n" LAYER);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));
  disk = machine->disks->pdata[0];
  g_assert_true (disk->attached);
  disk->attached = FALSE;
  save (file, machine);
  text = get (fixture);
  g_assert_nonnull (strstr (text, "version=1\n"));
  g_assert_nonnull (strstr (text, "[disk.a]\nport=4\ntop=al\nattached=false\n"));
  g_clear_pointer (&file, lodge_description_file_free);
  file = load (fixture);
  assert_same (lodge_description_file_get (file), machine);
}

static void
test_bad_text (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *text;
    const char *named[4];
  } bad[] = {
      {"", {"version"}},
      {"hello\n", {"line 1", "hello"}},
      {"cpus=2\n[machine]\n", {"line 1", "cpus"}},
      {HEAD "# c\n\ncpus\n", {"line 8", "cpus"}},
      {HEAD "=2\n", {"line 6", "=2"}},
      {HEAD "[x\n", {"line 6", "[x"}},
      {HEAD "[a]b]\n", {"line 6"}},
      {HEAD "cpus=2\ncpus=4\n", {"line 7", "cpus", "line 6"}},
      {HEAD "[machine]\ncpus=4\n", {"line 6", "[machine]", "line 1"}},
      {HEAD "os=\xff\n", {"line 6", "UTF-8"}},
      {HEAD "os=\\q\n", {"line 6", "[machine]", "os", "\\q"}},
      {"[machine]\nuuid=1\n", {"version"}},
      {"[machine]\nversion=one\n", {"line 2", "version", "one"}},
      {"[machine]\nversion=1\nuuid=1\n", {"[machine]", "uuid", "UUID"}},
      {"[machine]\nversion=1\nuuid=3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11\n", {"[machine]", "name"}},
      {HEAD "cpus=lots\n", {"line 6", "[machine]", "lots", "1 to 255"}},
      {HEAD "memory=4 cats\n", {"[machine]", "4 cats", "16M to 8T"}},
      {HEAD "[tpm]\nenabled=maybe\n", {"[tpm]", "maybe", "true or false"}},
      {HEAD "[firmware]\nkind=coreboot\n", {"[firmware]", "coreboot", "bios, uefi or uefi-secure"}},
      {HEAD "[boot]\nkernel=vmlinuz\n", {"[boot]", "vmlinuz", "full path"}},
      {HEAD "[disk.a]\ntop=a\n", {"[disk.a]", "port"}},
      {HEAD "[disk.a]\nport=4\ntop=b\n" LAYER, {"disk.a.top", "layer.b"}},
      {HEAD "[disk.a b]\nport=4\ntop=al\n" LAYER, {"disk.a b"}},
      {HEAD "[disk.]\nport=4\ntop=al\n" LAYER, {"disk."}},
      {HEAD "[disk.x]\nport=99\ntop=al\n" LAYER, {"line 7", "[disk.x]", "99", "0 to 15"}},
      {HEAD "[layer.a]\nfile=../../x\nformat=raw\nsize=1G\n", {"[layer.a]", "../../x"}},
      {HEAD "[layer.a]\nfile=x\nformat=vmdk\nsize=1G\n", {"[layer.a]", "vmdk", "qcow2 or raw"}},
      {HEAD "[nic.n]\nmac=52:54:00:12:34\nport=5\n", {"[nic.n]", "52:54:00:12:34"}},
      {HEAD "[media.cd]\nport=0\nfile=~/a.iso\n", {"[media.cd]", "~/a.iso", "full path"}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    put (fixture, bad[i].text);
    g_assert_null (lodge_description_file_load (fixture->path, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, fixture->path));
    g_assert_null (strchr (error->message, '\n'));
    for (guint j = 0; j < G_N_ELEMENTS (bad[i].named) && bad[i].named[j] != NULL; j++) {
      if (strstr (error->message, bad[i].named[j]) == NULL)
        g_error ("“%s” does not name “%s”", error->message, bad[i].named[j]);
    }
  }
}

static void
assert_load_fails (const char *path, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_description_file_load (path, &error));
  g_assert_error (error, LODGE_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_bad_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->folder, "other.ini", NULL);
  g_autoptr (GString) large = g_string_new (HEAD);

  assert_load_fails (fixture->path, LODGE_ERROR_NOT_FOUND);
  assert_load_fails (fixture->folder, LODGE_ERROR_INVALID);
  assert_load_fails ("/dev/zero", LODGE_ERROR_INVALID);

  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_load_fails (fixture->path, LODGE_ERROR_INVALID);
  g_unlink (fixture->path);

  g_assert_true (g_file_set_contents (other, HEAD, -1, NULL));
  g_assert_cmpint (symlink (other, fixture->path), ==, 0);
  assert_load_fails (fixture->path, LODGE_ERROR_INVALID);
  g_unlink (fixture->path);
  g_unlink (other);

  while (large->len <= LODGE_INI_MOST_BYTES)
    g_string_append (large, "# a comment that fills the file up to the limit and beyond\n");
  put (fixture, large->str);
  assert_load_fails (fixture->path, LODGE_ERROR_INVALID);
  g_string_truncate (large, LODGE_INI_MOST_BYTES - 1);
  g_string_append_c (large, '\n');
  put (fixture, large->str);
  lodge_description_file_free (load (fixture));

  if (geteuid () == 0)
    return;
  g_assert_cmpint (g_chmod (fixture->path, 0), ==, 0);
  assert_load_fails (fixture->path, LODGE_ERROR_DENIED);
}

static void
test_newer (Fixture *fixture, gconstpointer data)
{
  static const char newer[] = "[machine]\nversion=2\nuuid=3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11\n"
                              "name=web\nvmgenid=0f3d5b1b-6a11-4e0f-8a53-3a1c2a425f0d\n"
                              "colour=green\n";
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  put (fixture, newer);
  file = load (fixture);
  g_assert_cmpstr (lodge_description_file_get (file)->name, ==, "web");
  g_assert_nonnull (strstr (lodge_description_file_get_read_only (file), "newer"));
  machine = lodge_description_copy (lodge_description_file_get (file));
  g_assert_true (lodge_description_set (machine, "machine.cpus", "4", NULL));
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpstr (error->message, ==, lodge_description_file_get_read_only (file));
  g_clear_error (&error);
  lodge_description_file_free (g_steal_pointer (&file));

  /* It may also become newer while this engine has it. */
  put (fixture, HEAD);
  file = load (fixture);
  put (fixture, newer);
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  text = get (fixture);
  g_assert_cmpstr (text, ==, newer);
}

static void
rename_ram (LodgeIni *ini)
{
  g_autofree char *value = lodge_ini_dup_value (ini, "machine", "ram", NULL);

  if (value != NULL)
    lodge_ini_set_value (ini, "machine", "memory", value);
  lodge_ini_remove_key (ini, "machine", "ram");
}

static void
test_older (Fixture *fixture, gconstpointer data)
{
  static const LodgeUpgrade steps[] = {{0, rename_ram}};
  static const char older[] =
      "# mine\n[machine]\nversion=0\n"
      "uuid=3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11\nname=web\n"
      "vmgenid=0f3d5b1b-6a11-4e0f-8a53-3a1c2a425f0d\nram=3G\ncolour=green\n";
  g_autofree char *backup = g_strconcat (fixture->path, ".v0", NULL);
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescriptionFile) again = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *old = NULL;

  put (fixture, older);
  assert_load_fails (fixture->path, LODGE_ERROR_INVALID);

  file = lodge_description_file_load_with_upgrades (fixture->path, steps, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lodge_description_file_get (file)->memory_mib, ==, 3072);
  g_assert_null (lodge_description_file_get_read_only (file));

  /* Looking at it changes nothing. */
  text = get (fixture);
  g_assert_cmpstr (text, ==, older);
  g_assert_false (g_file_test (backup, G_FILE_TEST_EXISTS));

  machine = lodge_description_copy (lodge_description_file_get (file));
  g_assert_true (lodge_description_set (machine, "machine.cpus", "4", NULL));
  save (file, machine);
  g_assert_true (g_file_get_contents (backup, &old, NULL, NULL));
  g_assert_cmpstr (old, ==, older);
  g_free (text);
  text = get (fixture);
  g_assert_true (g_str_has_prefix (text, "# mine\n[machine]\nversion=1\n"));
  g_assert_nonnull (strstr (text, "colour=green"));
  g_assert_null (strstr (text, "ram="));
  again = load (fixture);
  assert_same (lodge_description_file_get (again), machine);

  /* The second save does not touch what was kept. */
  g_assert_true (lodge_description_set (machine, "machine.cpus", "5", NULL));
  save (file, machine);
  g_clear_pointer (&old, g_free);
  g_assert_true (g_file_get_contents (backup, &old, NULL, NULL));
  g_assert_cmpstr (old, ==, older);
}

static void
test_refused_value (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  put (fixture, HEAD);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));
  machine->cpus = 0;
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  text = get (fixture);
  g_assert_cmpstr (text, ==, HEAD);
  g_assert_cmpuint (lodge_description_file_get (file)->cpus, ==, 2);
}

/* A limit on the size of files fails the write in the middle, as a full disk does. */
static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescriptionFile) fresh = NULL;
  g_autoptr (LodgeDescription) machine = NULL;
  g_autofree char *other = g_build_filename (fixture->folder, "other.ini", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit before, tiny;

  put (fixture, HEAD);
  file = load (fixture);
  machine = lodge_description_copy (lodge_description_file_get (file));
  g_assert_true (lodge_description_set (machine, "machine.cpus", "4", NULL));
  fresh = lodge_description_file_new (other, lodge_description_copy (machine));

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  tiny = before;
  tiny.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  lodge_description_file_save (file, machine, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_clear_error (&error);
  lodge_description_file_save (fresh, machine, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);

  text = get (fixture);
  g_assert_cmpstr (text, ==, HEAD);
  g_assert_cmpuint (lodge_description_file_get (file)->cpus, ==, 2);
  /* And once there is room again: */
  save (file, machine);
  g_assert_cmpuint (lodge_description_file_get (file)->cpus, ==, 4);
}

static void
test_in_the_way (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new ("web");
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *leftover = g_build_filename (fixture->folder, ".machine.ini.new", NULL);
  g_autofree char *text = NULL;

  /* A new machine's file never replaces one that is there. */
  put (fixture, HEAD);
  file = lodge_description_file_new (fixture->path, lodge_description_copy (machine));
  g_assert_false (lodge_description_file_save (file, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  text = get (fixture);
  g_assert_cmpstr (text, ==, HEAD);

  /* What a crash left goes with the next write, a link is not written through. */
  g_unlink (fixture->path);
  g_assert_cmpint (symlink ("/dev/full", leftover), ==, 0);
  save (file, machine);
  g_assert_false (g_file_test (leftover, G_FILE_TEST_IS_SYMLINK));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/description-file/" name, Fixture, NULL, setup, function, teardown)
  ADD ("there-and-back", test_there_and_back);
  ADD ("edited-by-hand", test_edited_by_hand);
  ADD ("edited-meanwhile", test_edited_meanwhile);
  ADD ("devices", test_devices);
  ADD ("detached", test_detached);
  ADD ("bad-text", test_bad_text);
  ADD ("bad-file", test_bad_file);
  ADD ("newer", test_newer);
  ADD ("older", test_older);
  ADD ("refused-value", test_refused_value);
  ADD ("full-disk", test_full_disk);
  ADD ("in-the-way", test_in_the_way);
  return g_test_run ();
}
