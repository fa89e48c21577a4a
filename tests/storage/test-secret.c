/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where libgcrypt's locked memory is used up: nothing ends the program, and what cannot be done is
 * refused in a sentence. Each case is a child, because a process has one such memory. */
#include "lodge-error.h"
#include "storage/lodge-key-file.h"
#include "test-folder.h"

#include <gcrypt.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* @grows: as Lodge sets it up; else as another library may have. */
static void
use_up (gboolean grows)
{
  gsize bytes = 0;

  if (grows) {
    lodge_secret_init_crypto ();
  } else {
    gcry_check_version (NULL);
    gcry_control (GCRYCTL_DISABLE_SECMEM_WARN);
    gcry_control (GCRYCTL_INIT_SECMEM, 16384, 0);
    gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0);
  }
  /* More than there is at first, and to the last bytes. */
  for (gsize size = 4096; size >= 16; size /= 2) {
    while (bytes < 256 * 1024 && gcry_malloc_secure (size) != NULL)
      bytes += size;
  }
}

static LodgeSecret *
new_passphrase (void)
{
  return lodge_secret_new_copy ("correct horse", strlen ("correct horse"));
}

static void
check (gboolean grows)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-secret-XXXXXX", NULL);
  g_autoptr (LodgeSecret) key = NULL;
  g_autoptr (LodgeSecret) passphrase = NULL;
  g_autoptr (LodgeSecret) derived = NULL;
  g_autoptr (LodgeSecret) again = NULL;
  g_autoptr (GError) error = NULL;

  use_up (grows);
  key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  passphrase = new_passphrase ();
  derived = lodge_secret_derive (key, "disks", NULL, 0);
  again = lodge_secret_derive (key, "disks", NULL, 0);
  g_assert_true (lodge_secret_equal (derived, again));
  if (grows) {
    lodge_key_file_write (folder, key, passphrase, &error);
    g_assert_no_error (error);
  } else {
    g_assert_false (lodge_key_file_write (folder, key, passphrase, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
    g_assert_nonnull (strstr (error->message, "The cryptography of this computer (libgcrypt)"));
  }
  test_folder_remove (folder);
}

static void
test_used_up (gconstpointer grows)
{
  const pid_t child = fork ();
  int status = 0;

  if (child == 0) {
    check (GPOINTER_TO_INT (grows));
    _exit (0);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/secret/used-up/grows", GINT_TO_POINTER (TRUE), test_used_up);
  g_test_add_data_func ("/secret/used-up/refused", GINT_TO_POINTER (FALSE), test_used_up);
  return g_test_run ();
}
