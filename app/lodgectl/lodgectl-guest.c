/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for a guest's screen, keyboard and network. */
#include "lodge-error.h"
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* --- The screen --- */

gboolean
lodgectl_screenshot (LodgectlRun *run, GError **error)
{
  const char *file = lodgectl_run_get_argument (run, 1);
  gboolean to_stdout = g_str_equal (file, "-");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (GVariant) png = NULL;
  g_autoptr (GError) cause = NULL;
  const void *data;
  gsize length;

  if (to_stdout && isatty (STDOUT_FILENO)) {
    lodgectl_set_usage_error (error, _ ("A picture is not for a terminal: name a file, or send "
                                        "the output to one"));
    return FALSE;
  }
  machine = lodgectl_run_open (run, error);
  if (machine == NULL ||
      !lodgectl_run_check (run, lodge_machine1_call_screenshot_sync (machine, &png, NULL, error),
                           error))
    return FALSE;

  data = g_variant_get_fixed_array (png, &length, 1);
  if (to_stdout) {
    (void) fwrite (data, 1, length, stdout); /* main() looks at stdout's errors */
    return TRUE;
  }
  if (!g_file_set_contents_full (file, data, (gssize) length, G_FILE_SET_CONTENTS_CONSISTENT, 0666,
                                 &cause)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s: %s"), file,
                 cause->message);
    return FALSE;
  }
  return TRUE;
}

/* (transfer full): the program "lodge" beside this one, else in PATH; or NULL. */
static char *
dup_app (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  if (self != NULL) {
    g_autofree char *folder = g_path_get_dirname (self);
    g_autofree char *beside = g_build_filename (folder, "lodge", NULL);

    if (g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE) &&
        !g_file_test (beside, G_FILE_TEST_IS_DIR))
      return g_steal_pointer (&beside);
  }
  return g_find_program_in_path ("lodge");
}

gboolean
lodgectl_console (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autofree char *app = NULL;
  g_autofree char *uuid = NULL;

  if (machine == NULL)
    return FALSE;
  app = dup_app ();
  if (app == NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("The app “lodge” is not installed; it shows consoles"));
    return FALSE;
  }
  uuid = g_strdup (lodge_machine1_get_uuid (machine));
  signal (SIGPIPE, SIG_DFL); /* what is ignored here would be ignored there */
  execl (app, app, "--console", uuid, NULL);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("Could not start %s: %s"), app,
               g_strerror (errno));
  return FALSE;
}

/* --- The keyboard --- */

static gboolean
check_utf8 (const char *text, GError **error)
{
  if (g_utf8_validate (text, -1, NULL))
    return TRUE;
  lodgectl_set_usage_error (error, _ ("What is typed must be UTF-8"));
  return FALSE;
}

gboolean
lodgectl_type (LodgectlRun *run, GError **error)
{
  const char *text = lodgectl_run_get_argument (run, 1);
  g_autofree char *all =
      g_strconcat (text, lodgectl_run_has_option (run, "enter") ? "\n" : "", NULL);
  g_autoptr (LodgeMachine1) machine = NULL;

  if (!check_utf8 (text, error))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  return machine != NULL &&
         lodgectl_run_check (run, lodge_machine1_call_type_text_sync (machine, all, NULL, error),
                             error);
}

gboolean
lodgectl_key (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = NULL;

  for (guint i = 1; run->arguments[i] != NULL; i++)
    if (!check_utf8 (run->arguments[i], error))
      return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  for (guint i = 1; run->arguments[i] != NULL; i++)
    if (!lodgectl_run_check (
            run, lodge_machine1_call_send_keys_sync (machine, run->arguments[i], NULL, error),
            error))
      return FALSE;
  return TRUE;
}

/* --- Drives --- */

static gboolean
is_stick (LodgeMachine1 *machine, const char *drive)
{
  GVariant *description = lodge_machine1_get_description (machine);
  g_autofree char *key = g_strdup_printf ("stick.%s.file", drive);
  const char *file;

  return description != NULL && g_variant_lookup (description, key, "&s", &file);
}

/* The drive that is empty, of those that are meant by @drive, which is "" for the first; NULL where
 * there is something in it, or none like that. Transfer full. */
static char *
dup_empty_drive (LodgeMachine1 *machine, const char *drive)
{
  GVariant *description = lodge_machine1_get_description (machine);
  g_autofree char *empty = NULL;
  GVariantIter iter;
  const char *key, *file;

  if (description == NULL)
    return NULL;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &file)) {
    g_autofree char *id = NULL;

    if (!g_str_has_prefix (key, "media.") || !g_str_has_suffix (key, ".file"))
      continue;
    id = g_strndup (key + strlen ("media."), strlen (key) - strlen ("media..file"));
    if (*drive != '\0' && !g_str_equal (id, drive))
      continue;
    /* Which one is the first is not known from here. */
    if (*file != '\0')
      return NULL;
    if (empty == NULL)
      empty = g_steal_pointer (&id);
  }
  return g_steal_pointer (&empty);
}

static gboolean
eject (LodgectlRun *run, LodgeMachine1 *machine, const char *drive, gboolean force, GError **error)
{
  g_autofree char *empty = dup_empty_drive (machine, drive);

  if (!lodgectl_run_check (
          run, lodge_machine1_call_eject_media_sync (machine, drive, force, NULL, error), error))
    return FALSE;
  if (empty != NULL) {
    /* Translators: %s is the id of a drive, such as cd0. */
    g_autofree char *sentence = g_strdup_printf (_ ("There was nothing in the drive %s."), empty);

    lodgectl_print_line (sentence);
  }
  return TRUE;
}

/* @path: (nullable): NULL to take out what is in the drive. */
static gboolean
change_media (LodgectlRun *run, const char *path, GError **error)
{
  const char *drive = lodgectl_run_get_option (run, "drive");
  const gboolean force = lodgectl_run_has_option (run, "force");
  g_autoptr (LodgeMachine1) machine = NULL;

  if ((drive != NULL && !check_utf8 (drive, error)) || (path != NULL && !check_utf8 (path, error)))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  if (drive == NULL)
    drive = "";
  if (path == NULL && is_stick (machine, drive)) {
    g_autofree char *nothing = lodgectl_run_job (run, G_DBUS_PROXY (machine), "UnplugStick",
                                                 g_variant_new ("(s)", drive), error);

    return nothing != NULL;
  }
  if (path == NULL)
    return eject (run, machine, drive, force, error);
  return lodgectl_run_check (
      run, lodge_machine1_call_insert_media_sync (machine, drive, path, force, NULL, error), error);
}

static gboolean
plug_stick (LodgectlRun *run, const char *path, GError **error)
{
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *id = NULL;

  if (lodgectl_run_get_option (run, "drive") != NULL) {
    lodgectl_set_usage_error (error, _ ("A USB stick goes into no drive: leave out --drive"));
    return FALSE;
  }
  if (!check_utf8 (path, error) || (machine = lodgectl_run_open (run, error)) == NULL)
    return FALSE;
  id = lodgectl_run_job (run, G_DBUS_PROXY (machine), "PlugStick", g_variant_new ("(s)", path),
                         error);
  if (id == NULL)
    return FALSE;
  lodgectl_print_line (id);
  return TRUE;
}

gboolean
lodgectl_media_insert (LodgectlRun *run, GError **error)
{
  g_autofree char *path = lodgectl_dup_absolute (lodgectl_run_get_argument (run, 1));

  return lodgectl_run_has_option (run, "usb") ? plug_stick (run, path, error)
                                              : change_media (run, path, error);
}

gboolean
lodgectl_media_eject (LodgectlRun *run, GError **error)
{
  return change_media (run, NULL, error);
}

/* --- The network --- */

typedef gboolean (*ForwardCall) (LodgeMachine1 *machine,
                                 const char *nic,
                                 const char *rule,
                                 GCancellable *cancellable,
                                 GError **error);

static gboolean
change_forward (LodgectlRun *run, ForwardCall call, GError **error)
{
  const char *nic = lodgectl_run_get_option (run, "nic");
  const char *rule = lodgectl_run_get_argument (run, 1);
  g_autoptr (LodgeMachine1) machine = NULL;

  if (!g_utf8_validate (rule, -1, NULL) || (nic != NULL && !g_utf8_validate (nic, -1, NULL))) {
    lodgectl_set_usage_error (error, _ ("A rule is PROTO:[ADDRESS:]HOSTPORT:GUESTPORT"));
    return FALSE;
  }
  machine = lodgectl_run_open (run, error);
  return machine != NULL &&
         lodgectl_run_check (run, call (machine, nic != NULL ? nic : "", rule, NULL, error), error);
}

gboolean
lodgectl_forward_add (LodgectlRun *run, GError **error)
{
  return change_forward (run, lodge_machine1_call_add_forward_sync, error);
}

gboolean
lodgectl_forward_remove (LodgectlRun *run, GError **error)
{
  return change_forward (run, lodge_machine1_call_remove_forward_sync, error);
}
