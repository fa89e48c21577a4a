/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The LUKS header of an encrypted qcow2 image ("LUKS On-Disk Format Specification", version 1.2.3;
 * QEMU, docs/interop/qcow2.txt, "Full disk encryption header pointer", and crypto/block-luks.c,
 * whose layout this is).
 *
 *     sector 0      the header proper: ciphers, a digest of the master key, eight key slots
 *     sector 8..    slot 1: the master key, split and encrypted with what the passphrase gives
 *     sector 512..  slots 2 to 8, which are unused
 *     sector 4040   the end; what is encrypted is elsewhere in a qcow2 file
 *
 * Why not by qemu-img: it measures for a second or more how often this computer can hash, which it
 * does even where it may not use the answer, and fails where the processor's time is kept in ticks.
 * How often is hashed matters for passphrases that can be guessed. Ours is a random key of 256 bits
 * (what people type opens that: lodge-key-file.h), so the fewest that LUKS has are enough, and a
 * layer is made, and opened, at once.
 */
#include "storage/lodge-image-luks.h"

#include "lodge-error.h"

#include <errno.h>
#include <gcrypt.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/random.h>

#define SECTOR     512
#define STRIPES    4000
#define KEY_BYTES  64 /* AES-256 in XTS mode: two keys */
#define HASH_BYTES 32
#define SALT_BYTES 32
#define ITERATIONS 1000
#define SLOTS      8
/* A slot: 4000 stripes, up to whole pages. */
#define FIRST_SLOT   8
#define SLOT_SECTORS 504
G_STATIC_ASSERT (STRIPES *KEY_BYTES <= SLOT_SECTORS * SECTOR);
G_STATIC_ASSERT (LODGE_IMAGE_LUKS_BYTES == (FIRST_SLOT + SLOTS * SLOT_SECTORS) * SECTOR);
G_STATIC_ASSERT (LODGE_IMAGE_LUKS_USED == (FIRST_SLOT + SLOT_SECTORS) * SECTOR);

/* Places in the header. */
enum {
  AT_VERSION = 6,
  AT_CIPHER = 8,
  AT_MODE = 40,
  AT_HASH = 72,
  AT_PAYLOAD = 104,
  AT_KEY_BYTES = 108,
  AT_DIGEST = 112,
  AT_DIGEST_SALT = 132,
  AT_DIGEST_ITERATIONS = 164,
  AT_UUID = 168,
  AT_SLOTS = 208,
  SLOT_BYTES = 48,
  /* In a slot. */
  AT_STATE = 0,
  AT_ITERATIONS = 4,
  AT_SALT = 8,
  AT_MATERIAL = 40,
  AT_STRIPES = 44,
};
#define DIGEST_BYTES 20
#define ENABLED      0x00ac71f3u
#define DISABLED     0x0000deadu

static void
put32 (guint8 *at, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

static gboolean
fill_random (guint8 *data, gsize length, GError **error)
{
  while (length > 0) {
    ssize_t got = getrandom (data, MIN (length, 256), 0);

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                   _ ("This computer gives no random numbers: %s"), g_strerror (errno));
      return FALSE;
    }
    data += got;
    length -= (gsize) got;
  }
  return TRUE;
}

static gboolean
check (gcry_error_t code, GError **error)
{
  if (code == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("The cryptography of this computer (libgcrypt) cannot encrypt a disk: %s"),
               gcry_strerror (code));
  return FALSE;
}

static gboolean
hash_password (LodgeSecret *password, const guint8 *salt, guint8 *out, gsize length, GError **error)
{
  return check (gcry_kdf_derive (lodge_secret_get (password), lodge_secret_get_length (password),
                                 GCRY_KDF_PBKDF2, GCRY_MD_SHA256, salt, SALT_BYTES, ITERATIONS,
                                 length, out),
                error);
}

/* Makes each bit of the block depend on each. */
static void
diffuse (guint8 *block)
{
  for (guint32 i = 0; i < KEY_BYTES / HASH_BYTES; i++) {
    guint8 text[4 + HASH_BYTES];

    put32 (text, i);
    memcpy (text + 4, block + i * HASH_BYTES, HASH_BYTES);
    gcry_md_hash_buffer (GCRY_MD_SHA256, block + i * HASH_BYTES, text, sizeof text);
    explicit_bzero (text, sizeof text);
  }
}

/* So that a few lost bytes lose the key: what was overwritten in part is gone. */
static gboolean
split (LodgeSecret *master, guint8 *out, GError **error)
{
  g_autoptr (LodgeSecret) kept = lodge_secret_new (KEY_BYTES);
  guint8 *block = lodge_secret_get (kept);
  const guint8 *key = lodge_secret_get (master);

  if (!fill_random (out, (STRIPES - 1) * KEY_BYTES, error))
    return FALSE;
  for (guint i = 0; i < STRIPES - 1; i++) {
    for (guint j = 0; j < KEY_BYTES; j++)
      block[j] ^= out[i * KEY_BYTES + j];
    diffuse (block);
  }
  for (guint j = 0; j < KEY_BYTES; j++)
    out[(STRIPES - 1) * KEY_BYTES + j] = block[j] ^ key[j];
  return TRUE;
}

/* In place, sector by sector, the first of which is number 0. */
static gboolean
encrypt (LodgeSecret *key, guint8 *data, gsize sectors, GError **error)
{
  gcry_cipher_hd_t cipher;
  gboolean ok;

  if (!check (
          gcry_cipher_open (&cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, GCRY_CIPHER_SECURE),
          error))
    return FALSE;
  ok = check (gcry_cipher_setkey (cipher, lodge_secret_get (key), KEY_BYTES), error);
  for (gsize i = 0; ok && i < sectors; i++) {
    guint64 tweak[2] = {GUINT64_TO_LE (i), 0};

    ok = check (gcry_cipher_setiv (cipher, tweak, sizeof tweak), error) &&
         check (gcry_cipher_encrypt (cipher, data + i * SECTOR, SECTOR, NULL, 0), error);
  }
  gcry_cipher_close (cipher);
  return ok;
}

/* "LUKS", and version 1. */
static const guint8 magic[] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 1};

/* @room: what the header has for it, its NUL included */
static void
put_text (guint8 *at, gsize room, const char *text)
{
  g_strlcpy ((char *) at, text, room);
}

static gboolean
fill (guint8 *header, LodgeSecret *passphrase, LodgeSecret *master, GError **error)
{
  g_autoptr (LodgeSecret) slot_key = lodge_secret_new (KEY_BYTES);
  g_autofree char *uuid = g_uuid_string_random ();
  guint8 *material = header + FIRST_SLOT * SECTOR;

  memcpy (header, magic, sizeof magic);
  put_text (header + AT_CIPHER, AT_MODE - AT_CIPHER, "aes");
  put_text (header + AT_MODE, AT_HASH - AT_MODE, "xts-plain64");
  put_text (header + AT_HASH, AT_PAYLOAD - AT_HASH, "sha256");
  put_text (header + AT_UUID, AT_SLOTS - AT_UUID, uuid);
  put32 (header + AT_PAYLOAD, LODGE_IMAGE_LUKS_BYTES / SECTOR);
  put32 (header + AT_KEY_BYTES, KEY_BYTES);
  put32 (header + AT_DIGEST_ITERATIONS, ITERATIONS);
  for (guint i = 0; i < SLOTS; i++) {
    guint8 *slot = header + AT_SLOTS + i * SLOT_BYTES;

    put32 (slot + AT_STATE, i == 0 ? ENABLED : DISABLED);
    put32 (slot + AT_ITERATIONS, i == 0 ? ITERATIONS : 0);
    put32 (slot + AT_MATERIAL, FIRST_SLOT + i * SLOT_SECTORS);
    put32 (slot + AT_STRIPES, STRIPES);
  }
  return fill_random (header + AT_DIGEST_SALT, SALT_BYTES, error) &&
         fill_random (header + AT_SLOTS + AT_SALT, SALT_BYTES, error) &&
         hash_password (master, header + AT_DIGEST_SALT, header + AT_DIGEST, DIGEST_BYTES, error) &&
         hash_password (passphrase, header + AT_SLOTS + AT_SALT, lodge_secret_get (slot_key),
                        KEY_BYTES, error) &&
         split (master, material, error) &&
         encrypt (slot_key, material, STRIPES * KEY_BYTES / SECTOR, error);
}

guint8 *
lodge_image_luks_new (LodgeSecret *passphrase, GError **error)
{
  g_autoptr (LodgeSecret) master = lodge_secret_new_random (KEY_BYTES);
  guint8 *header = g_malloc0 (LODGE_IMAGE_LUKS_USED);

  lodge_secret_init_crypto ();
  if (fill (header, passphrase, master, error))
    return header;
  g_free (header);
  return NULL;
}
