/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a QEMU, in a file of its own in the user's cache folder: one line of JSON. A
 * file that is broken, of another version or of another QEMU is as good as none, and is written
 * anew. */
#include "qemu/lodge-qemu-private.h"

#include "qemu/lodge-qmp-message.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_VERSION 1
/* A real one has 15 KiB. */
#define MAX_CACHE_BYTES (1024 * 1024)

/* Devices and SPICE come in modules, most often in packages of their own: installing one changes
 * the folder, not the binary. Debian's is lib/<triplet>/qemu, Fedora's lib64/qemu. */
static void
append_modules (GString *identity, const char *binary)
{
  static const char *const patterns[] = {"lib/qemu", "lib64/qemu*", "lib/*-linux-*/qemu"};
  g_autofree char *bin = g_path_get_dirname (binary);
  g_autofree char *prefix = g_path_get_dirname (bin);

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++) {
    g_autofree char *pattern = g_build_filename (prefix, patterns[i], NULL);
    glob_t found = {0};

    if (glob (pattern, 0, NULL, &found) == 0) {
      for (gsize j = 0; j < found.gl_pathc; j++) {
        struct stat st;

        if (stat (found.gl_pathv[j], &st) == 0)
          g_string_append_printf (identity, " %s %lld.%09ld", found.gl_pathv[j],
                                  (long long) st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
      }
    }
    globfree (&found);
  }
}

char *
lodge_qemu_cache_identify (const char *binary)
{
  GString *identity;
  struct stat st;

  if (stat (binary, &st) < 0)
    return NULL;
  identity = g_string_new (binary);
  g_string_append_printf (identity, " %llu:%llu %lld %lld.%09ld", (unsigned long long) st.st_dev,
                          (unsigned long long) st.st_ino, (long long) st.st_size,
                          (long long) st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
  append_modules (identity, binary);
  return g_string_free (identity, FALSE);
}

static char *
dup_cache_path (const char *binary)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, binary, -1);
  g_autofree char *name = g_strdup_printf ("qemu-%.16s.json", sum);

  return g_build_filename (g_get_user_cache_dir (), "lodge", name, NULL);
}

/* Only a regular file of ours: a pipe in its place would hold the thread for ever. */
static char *
read_file (const char *path, gsize *out_length)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  g_autofree char *text = NULL;
  struct stat st;
  gsize length = 0;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_uid == geteuid () && st.st_size > 0 &&
      st.st_size <= MAX_CACHE_BYTES) {
    text = g_malloc (st.st_size);
    while (length < (gsize) st.st_size) {
      gssize n = read (fd, text + length, st.st_size - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      length += n;
    }
  }
  close (fd);
  *out_length = length;
  return g_steal_pointer (&text);
}

LodgeQemu *
lodge_qemu_cache_read (const char *binary, const char *identity)
{
  g_autofree char *path = dup_cache_path (binary);
  gsize length = 0;
  g_autofree char *text = read_file (path, &length);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root, *kept_version, *kept_identity;
  JsonObject *object;

  if (text == NULL || lodge_qmp_message_find_fault (text, length) != NULL ||
      !json_parser_load_from_data (parser, text, length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  object = json_node_get_object (root);

  kept_version = json_object_get_member (object, "cache-version");
  kept_identity = json_object_get_member (object, "identity");
  if (kept_version == NULL || !JSON_NODE_HOLDS_VALUE (kept_version) ||
      json_node_get_value_type (kept_version) != G_TYPE_INT64 ||
      json_node_get_int (kept_version) != CACHE_VERSION)
    return NULL;
  if (kept_identity == NULL || !JSON_NODE_HOLDS_VALUE (kept_identity) ||
      g_strcmp0 (json_node_get_string (kept_identity), identity) != 0)
    return NULL;
  return lodge_qemu_load (binary, object);
}

void
lodge_qemu_cache_write (LodgeQemu *self, const char *identity)
{
  g_autofree char *path = dup_cache_path (lodge_qemu_get_binary (self));
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  JsonObject *object = lodge_qemu_save (self);

  json_object_set_int_member (object, "cache-version", CACHE_VERSION);
  json_object_set_string_member (object, "identity", identity);
  json_node_take_object (root, object);
  text = json_to_string (root, FALSE);

  if (g_mkdir_with_parents (folder, 0700) < 0)
    g_debug ("Could not make %s: %s", folder, g_strerror (errno));
  else if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_debug ("%s", error->message);
}
