/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes that nobody else may see. A page of its own for each: locking and unlocking work on pages,
 * so two in one page would unlock each other. */
#include "storage/lodge-secret.h"

#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* What libgcrypt begins with, and what it adds when that is used up. */
#define SECURE_BYTES 65536u

struct _LodgeSecret {
  gatomicrefcount references;
  guint8 *data; /* a page */
  gsize size;   /* of the page */
  gsize length;
};

void
lodge_secret_init_crypto (void)
{
  static gsize ready = 0;

  if (!g_once_init_enter (&ready))
    return;
  if (!gcry_control (GCRYCTL_INITIALIZATION_FINISHED_P)) {
    gcry_check_version (NULL);
    /* Where memory may not be locked it works all the same, and says so on nobody's terminal. */
    gcry_control (GCRYCTL_DISABLE_SECMEM_WARN);
    gcry_control (GCRYCTL_INIT_SECMEM, SECURE_BYTES, 0);
    /* Each guest whose memory is being written has a cipher in it. */
    gcry_control (GCRYCTL_AUTO_EXPAND_SECMEM, SECURE_BYTES, 0);
    gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0);
  }
  g_once_init_leave (&ready, 1);
}

LodgeSecret *
lodge_secret_new (gsize length)
{
  LodgeSecret *self = g_new0 (LodgeSecret, 1);

  self->size = (gsize) sysconf (_SC_PAGESIZE);
  g_assert (length <= self->size);
  g_atomic_ref_count_init (&self->references);
  self->length = length;
  self->data = mmap (NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (self->data == MAP_FAILED)
    g_error ("No memory for a secret");
  /* All three are more than what must be: where a limit forbids one, the rest still holds. */
  (void) mlock (self->data, self->size);
  (void) madvise (self->data, self->size, MADV_DONTDUMP);
  (void) madvise (self->data, self->size, MADV_WIPEONFORK);
  return self;
}

LodgeSecret *
lodge_secret_new_copy (gconstpointer data, gsize length)
{
  LodgeSecret *self = lodge_secret_new (length);

  memcpy (self->data, data, length);
  return self;
}

LodgeSecret *
lodge_secret_new_random (gsize length)
{
  LodgeSecret *self = lodge_secret_new (length);

  /* Up to 256 bytes are never given in part (getrandom(2)). */
  g_assert (length <= 256);
  if (getrandom (self->data, length, 0) != (ssize_t) length)
    g_error ("No random numbers: %s", g_strerror (errno));
  return self;
}

LodgeSecret *
lodge_secret_ref (LodgeSecret *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
lodge_secret_unref (LodgeSecret *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  explicit_bzero (self->data, self->size);
  munmap (self->data, self->size);
  g_free (self);
}

guint8 *
lodge_secret_get (LodgeSecret *self)
{
  return self->data;
}

gsize
lodge_secret_get_length (LodgeSecret *self)
{
  return self->length;
}

gboolean
lodge_secret_equal (LodgeSecret *self, LodgeSecret *other)
{
  guint8 difference = 0;

  if (self->length != other->length)
    return FALSE;
  for (gsize i = 0; i < self->length; i++)
    difference |= self->data[i] ^ other->data[i];
  return difference == 0;
}

LodgeSecret *
lodge_secret_derive (LodgeSecret *self, const char *purpose, const guint8 *salt, gsize salt_length)
{
  LodgeSecret *derived = lodge_secret_new (LODGE_SECRET_KEY_BYTES);
  gcry_md_hd_t hash;

  lodge_secret_init_crypto ();
  /* Where libgcrypt's locked memory is used up any other does, which it wipes, too. */
  if ((gcry_md_open (&hash, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0 &&
       gcry_md_open (&hash, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) != 0) ||
      gcry_md_setkey (hash, self->data, self->length) != 0)
    g_error ("libgcrypt has no HMAC-SHA256");
  gcry_md_write (hash, "lodge ", strlen ("lodge "));
  /* With its NUL, so that no purpose and salt are another purpose with another salt. */
  gcry_md_write (hash, purpose, strlen (purpose) + 1);
  if (salt_length > 0)
    gcry_md_write (hash, salt, salt_length);
  memcpy (derived->data, gcry_md_read (hash, GCRY_MD_SHA256), LODGE_SECRET_KEY_BYTES);
  gcry_md_close (hash);
  return derived;
}

/* g_base64_encode() leaves its copy in memory. */
LodgeSecret *
lodge_secret_to_base64 (LodgeSecret *self)
{
  LodgeSecret *text = lodge_secret_new ((self->length / 3 + 1) * 4 + 4);
  int state = 0, save = 0;
  gsize length;

  length =
      g_base64_encode_step (self->data, self->length, FALSE, (char *) text->data, &state, &save);
  length += g_base64_encode_close (FALSE, (char *) text->data + length, &state, &save);
  text->length = length;
  return text;
}

LodgeSecret *
lodge_secret_new_from_base64 (const char *text)
{
  gsize length = strlen (text);
  LodgeSecret *self;
  int state = 0;
  guint save = 0;

  if (length > 2 * LODGE_SECRET_KEY_BYTES)
    return NULL;
  self = lodge_secret_new (length / 4 * 3 + 3);
  self->length = g_base64_decode_step (text, length, self->data, &state, &save);
  if (self->length == LODGE_SECRET_KEY_BYTES)
    return self;
  lodge_secret_unref (self);
  return NULL;
}

LodgeSecret *
lodge_secret_new_for_disks (LodgeSecret *key)
{
  g_autoptr (LodgeSecret) disks = lodge_secret_derive (key, "disks", NULL, 0);

  return lodge_secret_to_base64 (disks);
}

int
lodge_secret_open (LodgeSecret *self, GError **error)
{
  int ends[2];

  /* A pipe holds a page at least, so nobody has to read for this to end. */
  if (pipe2 (ends, O_CLOEXEC) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not hand over a key: %s"),
                 g_strerror (errno));
    return -1;
  }
  if (write (ends[1], self->data, self->length) != (ssize_t) self->length) {
    int saved = errno;

    close (ends[0]);
    close (ends[1]);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not hand over a key: %s"),
                 g_strerror (saved));
    return -1;
  }
  close (ends[1]);
  return ends[0];
}
