/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for passphrases, and the commands about them. */
#include "lodgectl-passphrase.h"

#include "lodge-error.h"
#include "lodge-passphrase.h"
#include "lodgectl-handlers.h"
#include "lodgectl-hidden.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often somebody may mistype. */
#define ATTEMPTS 3

static char *
read_descriptor (const char *text, GError **error)
{
  guint64 fd;
  char *line;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &fd, NULL) ||
      fcntl ((int) fd, F_GETFD) < 0) {
    lodgectl_set_usage_error (error, _ ("--passphrase-fd: “%s” is not the number of an open file"),
                              text);
    return NULL;
  }
  line = lodgectl_read_line ((int) fd);
  if (line == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("There is no passphrase in file %s"),
                 text);
  return line;
}

/* The terminal shows nothing of it. */
static char *
read_terminal (const char *prompt, GError **error)
{
  int fd = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  char *line = NULL;

  if (fd < 0 || !isatty (fd)) {
    if (fd >= 0)
      close (fd);
    g_set_error_literal (
        error, LODGE_ERROR, LODGE_ERROR_LOCKED,
        _ ("A passphrase is needed, and there is no terminal to ask in: give it with "
           "--passphrase-fd, "
           "where the command has that, or unlock the machine first (lodgectl unlock)"));
    return NULL;
  }
  line = lodgectl_read_hidden (fd, prompt);
  close (fd);
  if (line == NULL)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("No passphrase was typed"));
  return line;
}

static char *
read_passphrase (LodgectlRun *run, const char *prompt, GError **error)
{
  const char *text = lodgectl_run_get_option (run, "passphrase-fd");

  return text != NULL ? read_descriptor (text, error) : read_terminal (prompt, error);
}

GVariant *
lodgectl_ask_passphrase (LodgectlRun *run, const char *prompt, GError **error)
{
  char *passphrase = read_passphrase (run, prompt, error);
  GVariant *bytes = passphrase != NULL ? lodge_passphrase_to_variant (passphrase) : NULL;

  lodge_passphrase_free (passphrase);
  return bytes;
}

static char *
read_new (LodgectlRun *run, GError **error)
{
  char *first = read_passphrase (run, _ ("New passphrase (empty: Lodge makes one up):"), error);
  char *second;
  gboolean same;

  if (first == NULL || lodgectl_run_has_option (run, "passphrase-fd"))
    return first;
  if (first[0] == '\0') {
    lodge_passphrase_free (first);
    first = lodge_passphrase_generate ();
    fprintf (stderr,
             _ ("The passphrase is %s\nWrite it down: it is shown only now, and without it "
                "nobody can read the machine's disks."),
             first);
    fputc ('\n', stderr);
    return first;
  }
  second = read_passphrase (run, _ ("The same again:"), error);
  if (second == NULL) {
    lodge_passphrase_free (first);
    return NULL;
  }
  same = strcmp (first, second) == 0;
  lodge_passphrase_free (second);
  if (same)
    return first;
  lodge_passphrase_free (first);
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("The two are not the same: nothing was changed"));
  return NULL;
}

GVariant *
lodgectl_ask_new_passphrase (LodgectlRun *run, GError **error)
{
  char *passphrase = read_new (run, error);
  GVariant *bytes = passphrase != NULL ? lodge_passphrase_to_variant (passphrase) : NULL;

  lodge_passphrase_free (passphrase);
  return bytes;
}

static gboolean
unlock (LodgectlRun *run, LodgeMachine1 *machine, GError **error)
{
  g_autofree char *name = lodgectl_dup_harmless (lodge_machine1_get_name (machine));
  g_autofree char *prompt = g_strdup_printf (_ ("Passphrase of “%s”:"), name);
  gboolean typed = lodgectl_run_get_option (run, "passphrase-fd") == NULL;

  for (guint i = 1;; i++) {
    g_autoptr (GError) why = NULL;
    GVariant *passphrase = lodgectl_ask_passphrase (run, prompt, error);

    if (passphrase == NULL)
      return FALSE;
    if (lodgectl_run_check (run, lodge_machine1_call_unlock_sync (machine, passphrase, NULL, &why),
                            &why))
      return TRUE;
    if (!typed || i == ATTEMPTS || !g_error_matches (why, LODGE_ERROR, LODGE_ERROR_DENIED)) {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
    fprintf (stderr, "lodgectl: %s\n", why->message);
  }
}

/* Where --remember asks for it. */
static gboolean
keep_key (LodgectlRun *run, LodgeMachine1 *machine, GError **error)
{
  return !lodgectl_run_has_option (run, "remember") ||
         lodgectl_run_check (
             run, lodge_machine1_call_remember_key_sync (machine, TRUE, NULL, error), error);
}

gboolean
lodgectl_unlock_machine (LodgectlRun *run, LodgeMachine1 *machine, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (!unlock (run, machine, error))
    return FALSE;
  /* Nothing that the passphrase was asked for depends on a keyring. */
  if (!keep_key (run, machine, &why))
    fprintf (stderr, _ ("lodgectl: the passphrase will be asked for again: %s\n"), why->message);
  return TRUE;
}

gboolean
lodgectl_unlock (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);

  if (machine == NULL || !unlock (run, machine, error))
    return FALSE;
  if (keep_key (run, machine, error))
    return TRUE;
  g_prefix_error (error, "%s", _ ("It is unlocked, but the passphrase will be asked for again: "));
  return FALSE;
}

gboolean
lodgectl_lock (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);

  return machine != NULL &&
         lodgectl_run_check (run, lodge_machine1_call_lock_sync (machine, NULL, error), error);
}

gboolean
lodgectl_passphrase_change (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GVariant) passphrase = NULL;
  GVariant *next;

  if (machine == NULL)
    return FALSE;
  passphrase = lodgectl_ask_passphrase (run, _ ("The passphrase that it has:"), error);
  if (passphrase == NULL)
    return FALSE;
  g_variant_ref_sink (passphrase);
  next = lodgectl_ask_new_passphrase (run, error);
  return next != NULL && lodgectl_run_check (run,
                                             lodge_machine1_call_change_passphrase_sync (
                                                 machine, passphrase, next, NULL, error),
                                             error);
}

static gboolean
remember (LodgectlRun *run, gboolean keep, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GError) why = NULL;

  if (machine == NULL)
    return FALSE;
  if (lodgectl_run_check (run, lodge_machine1_call_remember_key_sync (machine, keep, NULL, &why),
                          &why))
    return TRUE;
  if (!g_error_matches (why, LODGE_ERROR, LODGE_ERROR_LOCKED)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  return lodgectl_unlock_machine (run, machine, error) &&
         lodgectl_run_check (
             run, lodge_machine1_call_remember_key_sync (machine, keep, NULL, error), error);
}

gboolean
lodgectl_passphrase_remember (LodgectlRun *run, GError **error)
{
  return remember (run, TRUE, error);
}

gboolean
lodgectl_passphrase_forget (LodgectlRun *run, GError **error)
{
  return remember (run, FALSE, error);
}

/* What the machine is now. */
static gboolean
print_encryption (LodgectlRun *run, const char *encryption)
{
  JsonBuilder *builder;

  if (!lodgectl_run_has_option (run, "json"))
    return TRUE;
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  lodgectl_json_add_string (builder, "encryption", encryption);
  json_builder_end_object (builder);
  lodgectl_print_json (builder);
  return TRUE;
}

gboolean
lodgectl_encrypt (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autofree char *result = NULL;
  GVariant *passphrase;

  /* Before somebody is asked for nothing. */
  if (machine == NULL ||
      !lodgectl_run_check (run, lodge_machine1_call_check_encrypt_sync (machine, NULL, error),
                           error))
    return FALSE;
  passphrase = lodgectl_ask_new_passphrase (run, error);
  if (passphrase == NULL)
    return FALSE;
  result = lodgectl_run_job (
      run, G_DBUS_PROXY (machine), "Encrypt",
      g_variant_new ("(@ayb)", passphrase, lodgectl_run_has_option (run, "remember")), error);
  return result != NULL && print_encryption (run, "unlocked");
}

gboolean
lodgectl_decrypt (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autofree char *result = NULL;

  if (machine == NULL)
    return FALSE;
  result = lodgectl_run_job (run, G_DBUS_PROXY (machine), "Decrypt", NULL, error);
  return result != NULL && print_encryption (run, "");
}
