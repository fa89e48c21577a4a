/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's key, locked with its passphrase.
 *
 * Argon2id (RFC 9106, with the second of the choices that it recommends) makes each guess of a
 * passphrase cost memory and time. A file that comes from elsewhere says itself how much, so that
 * is looked at before it is done.
 */
#include "storage/lodge-key-file.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"

#include <fcntl.h>
#include <gcrypt.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_KIB      65536
#define PASSES          3
#define LANES           4
#define MOST_MEMORY_KIB (1024 * 1024)
#define MOST_PASSES     64
#define MOST_LANES      64
/* All of the passes together: what a file from elsewhere may cost. */
#define MOST_WORK_KIB (4 * MOST_MEMORY_KIB)
#define SALT_BYTES    16
#define NONCE_BYTES   12
#define TAG_BYTES     16
#define CHECK_BYTES   16
#define MOST_FILE     4096
#define VERSION       "1"
#define KDF           "argon2id"

typedef struct {
  unsigned long memory_kib, passes, lanes;
  guint8 salt[SALT_BYTES];
  guint8 nonce[NONCE_BYTES];
  guint8 locked[LODGE_SECRET_KEY_BYTES + TAG_BYTES];
  guint8 check[CHECK_BYTES];
} Envelope;

static gboolean
check (gcry_error_t code, GError **error)
{
  if (code == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("The cryptography of this computer (libgcrypt) cannot use a passphrase: %s"),
               gcry_strerror (code));
  return FALSE;
}

/* What the passphrase gives. */
static LodgeSecret *
stretch (const Envelope *envelope, LodgeSecret *passphrase, GError **error)
{
  const unsigned long parameters[] = {LODGE_SECRET_KEY_BYTES, envelope->passes,
                                      envelope->memory_kib, envelope->lanes};
  g_autoptr (LodgeSecret) key = lodge_secret_new (LODGE_SECRET_KEY_BYTES);
  gcry_kdf_hd_t kdf;
  gboolean ok;

  lodge_secret_init_crypto ();
  if (!check (gcry_kdf_open (&kdf, GCRY_KDF_ARGON2, GCRY_KDF_ARGON2ID, parameters,
                             G_N_ELEMENTS (parameters), lodge_secret_get (passphrase),
                             lodge_secret_get_length (passphrase), envelope->salt, SALT_BYTES, NULL,
                             0, NULL, 0),
              error))
    return NULL;
  ok = check (gcry_kdf_compute (kdf, NULL), error) &&
       check (gcry_kdf_final (kdf, LODGE_SECRET_KEY_BYTES, lodge_secret_get (key)), error);
  gcry_kdf_close (kdf);
  return ok ? g_steal_pointer (&key) : NULL;
}

static void
get_check (LodgeSecret *key, guint8 *out_check)
{
  g_autoptr (LodgeSecret) derived = lodge_secret_derive (key, "check", NULL, 0);

  memcpy (out_check, lodge_secret_get (derived), CHECK_BYTES);
}

/* A cipher that is ready. */
static gboolean
open_cipher (gcry_cipher_hd_t *cipher, const Envelope *envelope, LodgeSecret *with, GError **error)
{
  if (!check (
          gcry_cipher_open (cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, GCRY_CIPHER_SECURE),
          error))
    return FALSE;
  if (check (gcry_cipher_setkey (*cipher, lodge_secret_get (with), LODGE_SECRET_KEY_BYTES),
             error) &&
      check (gcry_cipher_setiv (*cipher, envelope->nonce, NONCE_BYTES), error))
    return TRUE;
  gcry_cipher_close (*cipher);
  return FALSE;
}

static gboolean
lock (Envelope *envelope, LodgeSecret *key, LodgeSecret *with, GError **error)
{
  gcry_cipher_hd_t cipher;
  gboolean ok;

  if (!open_cipher (&cipher, envelope, with, error))
    return FALSE;
  ok = check (gcry_cipher_encrypt (cipher, envelope->locked, LODGE_SECRET_KEY_BYTES,
                                   lodge_secret_get (key), LODGE_SECRET_KEY_BYTES),
              error) &&
       check (gcry_cipher_gettag (cipher, envelope->locked + LODGE_SECRET_KEY_BYTES, TAG_BYTES),
              error);
  gcry_cipher_close (cipher);
  return ok;
}

static void
set_bytes (LodgeIni *ini, const char *name, const guint8 *data, gsize length)
{
  g_autofree char *text = g_base64_encode (data, length);

  lodge_ini_set_value (ini, "key", name, text);
}

static void
set_number (LodgeIni *ini, const char *name, unsigned long value)
{
  g_autofree char *text = g_strdup_printf ("%lu", value);

  lodge_ini_set_value (ini, "key", name, text);
}

gboolean
lodge_key_file_write (const char *folder, LodgeSecret *key, LodgeSecret *passphrase, GError **error)
{
  static const char head[] = "# What opens this machine: its key, locked with its passphrase. "
                             "Without this file, and without the\n"
                             "# key in a keyring, nobody can read its disks again.\n[key]\n";
  Envelope envelope = {.memory_kib = MEMORY_KIB, .passes = PASSES, .lanes = LANES};
  g_autofree char *path = g_build_filename (folder, LODGE_KEY_FILE, NULL);
  g_autoptr (LodgeSecret) random = lodge_secret_new_random (SALT_BYTES + NONCE_BYTES);
  g_autoptr (LodgeSecret) with = NULL;
  g_autoptr (LodgeIni) ini = NULL;
  g_autofree char *text = NULL;
  gsize length = lodge_secret_get_length (passphrase);

  if (length == 0 || length > LODGE_KEY_FILE_MOST_PASSPHRASE) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A passphrase has 1 to %d characters, and this one has %u"),
                 LODGE_KEY_FILE_MOST_PASSPHRASE, (guint) length);
    return FALSE;
  }
  memcpy (envelope.salt, lodge_secret_get (random), SALT_BYTES);
  memcpy (envelope.nonce, lodge_secret_get (random) + SALT_BYTES, NONCE_BYTES);
  with = stretch (&envelope, passphrase, error);
  if (with == NULL || !lock (&envelope, key, with, error))
    return FALSE;

  ini = lodge_ini_parse (path, head, strlen (head), error);
  lodge_ini_set_value (ini, "key", "version", VERSION);
  lodge_ini_set_value (ini, "key", "kdf", KDF);
  set_number (ini, "memory", envelope.memory_kib);
  set_number (ini, "passes", envelope.passes);
  set_number (ini, "lanes", envelope.lanes);
  set_bytes (ini, "salt", envelope.salt, SALT_BYTES);
  set_bytes (ini, "nonce", envelope.nonce, NONCE_BYTES);
  set_bytes (ini, "locked", envelope.locked, sizeof envelope.locked);
  get_check (key, envelope.check);
  set_bytes (ini, "check", envelope.check, CHECK_BYTES);
  text = lodge_ini_dup_text (ini, &length);
  return lodge_durable_file_write (path, text, length, error);
}

static gboolean
get_number (LodgeIni *ini, const char *name, guint64 most, unsigned long *out_value)
{
  g_autofree char *text = lodge_ini_dup_value (ini, "key", name, NULL);
  guint64 value;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, most, &value, NULL))
    return FALSE;
  *out_value = (unsigned long) value;
  return TRUE;
}

static gboolean
get_bytes (LodgeIni *ini, const char *name, guint8 *out_data, gsize length)
{
  g_autofree char *text = lodge_ini_dup_value (ini, "key", name, NULL);
  g_autofree guchar *data = NULL;
  gsize got = 0;

  if (text != NULL)
    data = g_base64_decode (text, &got);
  if (got != length)
    return FALSE;
  memcpy (out_data, data, length);
  return TRUE;
}

static gboolean
is_value (LodgeIni *ini, const char *name, const char *wanted)
{
  g_autofree char *text = lodge_ini_dup_value (ini, "key", name, NULL);

  return g_strcmp0 (text, wanted) == 0;
}

static char *
read_file (const char *folder, gsize *out_length, GError **error)
{
  g_autofree char *path = g_build_filename (folder, LODGE_KEY_FILE, NULL);
  int fd = lodge_own_file_open (folder, LODGE_KEY_FILE, O_RDONLY, error);

  if (fd < 0)
    return NULL;
  close (fd);
  return lodge_durable_file_read (path, MOST_FILE, out_length, error);
}

static gboolean
load (const char *folder, Envelope *envelope, GError **error)
{
  g_autofree char *path = g_build_filename (folder, LODGE_KEY_FILE, NULL);
  gsize length;
  g_autofree char *text = read_file (folder, &length, error);
  g_autoptr (LodgeIni) ini = NULL;

  if (text != NULL)
    ini = lodge_ini_parse (path, text, length, error);
  if (ini == NULL)
    return FALSE;
  if (is_value (ini, "version", VERSION) && is_value (ini, "kdf", KDF) &&
      get_number (ini, "memory", MOST_MEMORY_KIB, &envelope->memory_kib) &&
      get_number (ini, "passes", MOST_PASSES, &envelope->passes) &&
      get_number (ini, "lanes", MOST_LANES, &envelope->lanes) &&
      envelope->memory_kib >= 8 * envelope->lanes &&
      envelope->memory_kib * envelope->passes <= MOST_WORK_KIB &&
      get_bytes (ini, "salt", envelope->salt, SALT_BYTES) &&
      get_bytes (ini, "nonce", envelope->nonce, NONCE_BYTES) &&
      get_bytes (ini, "locked", envelope->locked, sizeof envelope->locked) &&
      get_bytes (ini, "check", envelope->check, CHECK_BYTES))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("%s is damaged, or of a newer Lodge: bring back a copy of it"), path);
  return FALSE;
}

LodgeSecret *
lodge_key_file_open (const char *folder, LodgeSecret *passphrase, GError **error)
{
  g_autoptr (LodgeSecret) key = lodge_secret_new (LODGE_SECRET_KEY_BYTES);
  g_autoptr (LodgeSecret) with = NULL;
  Envelope envelope;
  gcry_cipher_hd_t cipher;
  gboolean right;

  if (!load (folder, &envelope, error))
    return NULL;
  with = stretch (&envelope, passphrase, error);
  if (with == NULL || !open_cipher (&cipher, &envelope, with, error))
    return NULL;
  right = gcry_cipher_decrypt (cipher, lodge_secret_get (key), LODGE_SECRET_KEY_BYTES,
                               envelope.locked, LODGE_SECRET_KEY_BYTES) == 0 &&
          gcry_cipher_checktag (cipher, envelope.locked + LODGE_SECRET_KEY_BYTES, TAG_BYTES) == 0;
  gcry_cipher_close (cipher);
  if (right)
    return g_steal_pointer (&key);
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                       _ ("That is not the passphrase of this machine"));
  return NULL;
}

gboolean
lodge_key_file_check (const char *folder, LodgeSecret *key)
{
  g_autoptr (GError) error = NULL;
  guint8 check_bytes[CHECK_BYTES];
  Envelope envelope;

  /* One that is damaged says as little as one that is lost. */
  if (!load (folder, &envelope, &error))
    return g_error_matches (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND) ||
           g_error_matches (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  get_check (key, check_bytes);
  return memcmp (check_bytes, envelope.check, CHECK_BYTES) == 0;
}

gboolean
lodge_key_file_copy (const char *folder, const char *to_folder, GError **error)
{
  g_autofree char *to = g_build_filename (to_folder, LODGE_KEY_FILE, NULL);
  gsize length;
  g_autofree char *text = read_file (folder, &length, error);

  return text != NULL && lodge_durable_file_write (to, text, length, error);
}
