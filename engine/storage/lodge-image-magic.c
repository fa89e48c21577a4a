/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image is, by its first and last bytes.
 *
 * Everything here is read by fixed offsets into buffers of fixed size. An image that refers to
 * another file is refused from its header, so that no QEMU ever follows the reference. Sources:
 * docs/interop/qcow2.txt and qed_spec.txt in QEMU; VMware's "Virtual Disk Format 5.0"; Microsoft's
 * "Virtual Hard Disk Image Format Specification" and [MS-VHDX]; block/vdi.c in QEMU.
 */
#include "storage/lodge-image-magic.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 1024
#define TAIL_BYTES 512
/* VMware's own are 10 KiB; longer ones are made to be slow to read. */
#define MOST_VMDK_DESCRIPTOR (64 * 1024)

/* Of the first sector: a PC's master boot record, before a GPT too. */
#define SIGNATURE_AT 510

typedef struct {
  const char *path;
  int fd;
  guint64 size;
  guint8 head[HEAD_BYTES]; /* zeros behind the end of a shorter file */
  guint8 tail[TAIL_BYTES];
} Image;

static guint32
get_le32 (const guint8 *bytes)
{
  guint32 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_LE (value);
}

static guint64
get_le64 (const guint8 *bytes)
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT64_FROM_LE (value);
}

static guint32
get_be32 (const guint8 *bytes)
{
  guint32 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_BE (value);
}

static guint64
get_be64 (const guint8 *bytes)
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT64_FROM_BE (value);
}

static const char *
refuse (const Image *image, const char *why, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s cannot be used: %s"), image->path,
               why);
  return NULL;
}

static const char *
refuse_reference (const Image *image, GError **error)
{
  return refuse (image,
                 _ ("it refers to another file that the disk needs; convert it with the program it "
                    "comes from into one file that stands alone"),
                 error);
}

static const char *
refuse_short (const Image *image, GError **error)
{
  return refuse (image, _ ("it is cut short"), error);
}

/* Whether the first table, whose size is what checking it costs, ends in the file or its last
 * cluster: a table that is not there reads as zeros, as many of them as the image likes to say.
 * (QEMU, docs/interop/qcow2.rst: cluster_bits, l1_size, l1_table_offset.) */
static gboolean
has_first_table (const Image *image)
{
  const guint64 cluster = G_GUINT64_CONSTANT (1) << MIN (get_be32 (image->head + 20), 21);
  const guint64 bytes = (guint64) get_be32 (image->head + 36) * sizeof (guint64);
  const guint64 at = get_be64 (image->head + 40);
  const guint64 most = image->size + cluster;

  return bytes <= most && at <= most - bytes;
}

static const char *
check_qcow2 (const Image *image, GError **error)
{
  guint32 version = get_be32 (image->head + 4);

  if (version != 2 && version != 3)
    return refuse (image, _ ("it is in a version of the qcow format that is too old or too new"),
                   error);
  if (image->size < 104)
    return refuse_short (image, error);
  if (get_be64 (image->head + 8) != 0 || get_be32 (image->head + 16) != 0)
    return refuse_reference (image, error);
  /* incompatible_features, bit 2: the data are in an external file. */
  if (version == 3 && (get_be64 (image->head + 72) & 4) != 0)
    return refuse_reference (image, error);
  if (get_be32 (image->head + 32) != 0)
    return refuse (image, _ ("it is encrypted"), error);
  if (!has_first_table (image))
    return refuse_short (image, error);
  return "qcow2";
}

static const char *
check_qed (const Image *image, GError **error)
{
  if (image->size < 64)
    return refuse_short (image, error);
  /* features, bit 0: there is a backing file. */
  if ((get_le64 (image->head + 16) & 1) != 0 || get_le32 (image->head + 56) != 0)
    return refuse_reference (image, error);
  return "qed";
}

/* The text in a sparse extent: one extent, which is the file itself, and no parent. */
static gboolean
is_vmdk_text_alone (const char *text)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  guint n_extents = 0;

  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) words = NULL;
    const char *line = g_strstrip (lines[i]);

    if (g_ascii_strncasecmp (line, "parentCID", strlen ("parentCID")) == 0 &&
        strstr (line, "ffffffff") == NULL)
      return FALSE;
    if (g_ascii_strncasecmp (line, "parentFileNameHint", strlen ("parentFileNameHint")) == 0)
      return FALSE;

    words = g_strsplit_set (line, " \t", 4);
    if (g_strv_length (words) >= 3 &&
        (g_ascii_strcasecmp (words[0], "RW") == 0 || g_ascii_strcasecmp (words[0], "RDONLY") == 0 ||
         g_ascii_strcasecmp (words[0], "NOACCESS") == 0)) {
      if (g_ascii_strcasecmp (words[2], "SPARSE") != 0)
        return FALSE;
      n_extents++;
    }
  }
  return n_extents <= 1;
}

static const char *
check_vmdk (const Image *image, GError **error)
{
  guint64 offset = get_le64 (image->head + 28);
  guint64 sectors = get_le64 (image->head + 36);
  guint64 directory = get_le64 (image->head + 56);
  g_autofree char *text = NULL;
  gssize n;

  if (image->size < 512)
    return refuse_short (image, error);
  /* QEMU takes a capacity of 0 for a descriptor that names the extents (block/vmdk.c). */
  if (get_le64 (image->head + 12) == 0)
    return refuse_reference (image, error);
  /* QEMU takes what is behind the end of the file for zeros, and so the disk for an empty one. All
   * bits set: a stream, whose directory is told of at its end. */
  if (directory != G_MAXUINT64 && directory >= image->size / 512)
    return refuse_short (image, error);
  if (offset == 0)
    return "vmdk";
  if (sectors > MOST_VMDK_DESCRIPTOR / 512 || offset > image->size / 512)
    return refuse (image, _ ("its description of itself is damaged"), error);

  text = g_malloc0 (MOST_VMDK_DESCRIPTOR + 1);
  /* As much as QEMU could read, whatever size the header gives. */
  n = TEMP_FAILURE_RETRY (pread (image->fd, text, MOST_VMDK_DESCRIPTOR, offset * 512));
  if (n < 0)
    return refuse (image, g_strerror (errno), error);
  text[MIN ((guint64) n, MAX (sectors, 1) * 512)] = '\0';
  return is_vmdk_text_alone (text) ? "vmdk" : refuse_reference (image, error);
}

static const char *
check_vpc (const Image *image, const guint8 *footer, GError **error)
{
  guint32 type = get_be32 (footer + 60);

  /* 2 fixed, 3 dynamic, 4 differencing. */
  if (type == 4)
    return refuse_reference (image, error);
  if (type != 2 && type != 3)
    return refuse (image, _ ("its description of itself is damaged"), error);
  /* A dynamic one has a copy of its last sector in front: that the last is missing shows the end
   * is. Some programs write only 511 bytes of it. */
  if (memcmp (image->tail, "conectix", 8) != 0 && memcmp (image->tail + 1, "conectix", 8) != 0)
    return refuse_short (image, error);
  return "vpc";
}

static const char *
check_vdi (const Image *image, GError **error)
{
  guint64 data = get_le32 (image->head + 344);
  guint64 block = get_le32 (image->head + 376);
  guint64 blocks = get_le32 (image->head + 388);

  if (image->size < 512)
    return refuse_short (image, error);
  /* 1 dynamic, 2 static, 3 undo, 4 differencing. */
  if (get_le32 (image->head + 76) != 1 && get_le32 (image->head + 76) != 2)
    return refuse_reference (image, error);
  /* QEMU takes what is behind the end of the file for zeros. */
  if (data + block * blocks > image->size)
    return refuse_short (image, error);
  return "vdi";
}

/* What people have on their disks and take for an image. */
static gboolean
is_packed (const Image *image)
{
  static const struct {
    const char *magic;
    gsize length;
  } packed[] = {
      {"\x1f\x8b", 2}, /* gzip */
      {"BZh", 3},      /* bzip2 */
      {"\xfd"
       "7zXZ",
       6},                       /* xz, with its NUL */
      {"\x28\xb5\x2f\xfd", 4},   /* zstd */
      {"PK\x03\x04", 4},         /* zip */
      {"7z\xbc\xaf\x27\x1c", 6}, /* 7z */
      {"Rar!", 4},               /* rar */
  };

  for (guint i = 0; i < G_N_ELEMENTS (packed); i++) {
    if (memcmp (image->head, packed[i].magic, packed[i].length) == 0)
      return TRUE;
  }
  /* tar, which an OVA is. */
  return memcmp (image->head + 257, "ustar", 5) == 0;
}

static const char *
find (const Image *image, GError **error)
{
  const guint8 *head = image->head;

  if (image->size == 0)
    return refuse (image, _ ("it is empty"), error);
  if (memcmp (head, "QFI\xfb", 4) == 0)
    return check_qcow2 (image, error);
  if (memcmp (head, "QED", 4) == 0)
    return check_qed (image, error);
  if (memcmp (head, "KDMV", 4) == 0)
    return check_vmdk (image, error);
  if (memcmp (head, "COWD", 4) == 0 || memcmp (head, "# Disk DescriptorFile", 21) == 0)
    return refuse_reference (image, error);
  if (memcmp (head, "vhdxfile", 8) == 0)
    return "vhdx";
  if (memcmp (head, "conectix", 8) == 0)
    return check_vpc (image, head, error);
  if (get_le32 (head + 64) == 0xbeda107f)
    return check_vdi (image, error);
  /* A fixed one has nothing in front. */
  if (image->size >= 1024 && memcmp (image->tail, "conectix", 8) == 0)
    return check_vpc (image, image->tail, error);
  if (is_packed (image))
    return refuse (image, _ ("it is compressed or an archive; unpack it first"), error);
  return "raw";
}

static gboolean
read_ends (Image *image, GError **error)
{
  guint64 at = image->size > TAIL_BYTES ? image->size - TAIL_BYTES : 0;

  if (TEMP_FAILURE_RETRY (pread (image->fd, image->head, HEAD_BYTES, 0)) >= 0 &&
      TEMP_FAILURE_RETRY (pread (image->fd, image->tail, TAIL_BYTES, at)) >= 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not read %s: %s"), image->path,
               g_strerror (errno));
  return FALSE;
}

const char *
lodge_image_magic_find (const char *path, guint64 *out_size, GError **error)
{
  Image image = {.path = path};
  const char *format = NULL;
  struct stat info;

  /* O_NONBLOCK: opening a named pipe would wait for its writer. */
  image.fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (image.fd < 0 || fstat (image.fd, &info) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved), _ ("Could not open %s: %s"),
                 path, g_strerror (saved));
    if (image.fd >= 0)
      close (image.fd);
    return NULL;
  }

  if (S_ISDIR (info.st_mode)) {
    refuse (&image, _ ("it is a folder"), error);
  } else if (!S_ISREG (info.st_mode)) {
    refuse (&image, _ ("it is not a file"), error);
  } else {
    image.size = info.st_size;
    if (read_ends (&image, error))
      format = find (&image, error);
  }
  close (image.fd);
  if (format != NULL)
    *out_size = image.size;
  return format;
}

gboolean
lodge_image_magic_has_boot_sector (const char *path)
{
  guint8 signature[2] = {0};
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return FALSE;
  if (TEMP_FAILURE_RETRY (pread (fd, signature, sizeof signature, SIGNATURE_AT)) < 0)
    signature[0] = 0;
  close (fd);
  return signature[0] == 0x55 && signature[1] == 0xaa;
}
