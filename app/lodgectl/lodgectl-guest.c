/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for a guest's screen, keyboard, network and files. */
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

/* Of a drive or a stick that the description names. */
typedef struct {
  char *id;
  char *file; /* what is in it, or "" */
} Drive;

static void
drive_clear (Drive *self)
{
  g_free (self->id);
  g_free (self->file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Drive, drive_clear)

/* @section: "media" or "stick"; @id: "" for the first. FALSE: there is none. */
static gboolean
find_drive (LodgeMachine1 *machine, const char *section, const char *id, Drive *out_drive)
{
  GVariant *description = lodge_machine1_get_description (machine);
  GVariantIter iter;
  const char *key, *file;

  if (description == NULL)
    return FALSE;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &file)) {
    g_auto (GStrv) parts = g_strsplit (key, ".", -1);

    if (g_strv_length (parts) != 3 || !g_str_equal (parts[0], section) ||
        !g_str_equal (parts[2], "file") || (*id != '\0' && !g_str_equal (parts[1], id)))
      continue;
    *out_drive = (Drive){g_strdup (parts[1]), g_strdup (file)};
    return TRUE;
  }
  return FALSE;
}

/* @file: what was put in or taken out */
static void
print_drive (const char *drive, const char *file)
{
  lodgectl_print_variant (g_variant_new_parsed ("{'drive': <%s>, 'file': <%s>}", drive, file));
}

/* A guest is asked for what it holds, and has some seconds; a disk that sleeps takes as long. */
static gboolean
change_drive (LodgectlRun *run,
              LodgeMachine1 *machine,
              const char *method,
              GVariant *arguments,
              GError **error)
{
  return lodgectl_wait_call (
      run, G_DBUS_PROXY (machine), method, arguments,
      _ ("Changing the drive; a guest that holds it has some seconds to let go…"), error);
}

static gboolean
eject (LodgectlRun *run, LodgeMachine1 *machine, const char *id, GError **error)
{
  g_auto (Drive) drive = {0};
  const gboolean known = find_drive (machine, "media", id, &drive);

  if (!change_drive (run, machine, "EjectMedia",
                     g_variant_new ("(sb)", id, lodgectl_run_has_option (run, "force")), error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    print_drive (known ? drive.id : id, known ? drive.file : "");
  } else if (known && *drive.file == '\0') {
    /* Translators: %s is the id of a drive, such as cd0. */
    g_autofree char *sentence =
        g_strdup_printf (_ ("There was nothing in the drive %s."), drive.id);

    lodgectl_print_line (sentence);
  }
  return TRUE;
}

static gboolean
insert (LodgectlRun *run, LodgeMachine1 *machine, const char *id, const char *path, GError **error)
{
  g_auto (Drive) drive = {0};
  const gboolean known = find_drive (machine, "media", id, &drive);

  if (!change_drive (run, machine, "InsertMedia",
                     g_variant_new ("(ssb)", id, path, lodgectl_run_has_option (run, "force")),
                     error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    print_drive (known ? drive.id : id, path);
  return TRUE;
}

static gboolean
unplug (LodgectlRun *run, LodgeMachine1 *machine, const Drive *stick, GError **error)
{
  g_autofree char *nothing = lodgectl_run_job (run, G_DBUS_PROXY (machine), "UnplugStick",
                                               g_variant_new ("(s)", stick->id), error);

  if (nothing == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    print_drive (stick->id, stick->file);
  return TRUE;
}

/* @path: (nullable): NULL to take out what is in the drive. */
static gboolean
change_media (LodgectlRun *run, const char *path, GError **error)
{
  const char *drive = lodgectl_run_get_option (run, "drive");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_auto (Drive) stick = {0};

  if ((drive != NULL && !check_utf8 (drive, error)) || (path != NULL && !check_utf8 (path, error)))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  if (drive == NULL)
    drive = "";
  if (path != NULL)
    return insert (run, machine, drive, path, error);
  if (*drive != '\0' && find_drive (machine, "stick", drive, &stick))
    return unplug (run, machine, &stick, error);
  return eject (run, machine, drive, error);
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
  if (lodgectl_run_has_option (run, "json"))
    print_drive (id, path);
  else
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

/* --- Files --- */

static gboolean
check_paths (LodgectlRun *run, GError **error)
{
  for (guint i = 1; lodgectl_run_get_argument (run, i) != NULL; i++) {
    if (g_utf8_validate (lodgectl_run_get_argument (run, i), -1, NULL))
      continue;
    lodgectl_set_usage_error (error, _ ("The path of a file in the guest must be UTF-8"));
    return FALSE;
  }
  return TRUE;
}

/* One after the other; what has come before one fails is there, and told of. */
gboolean
lodgectl_guest_get (LodgectlRun *run, GError **error)
{
  const char *to = lodgectl_run_get_option (run, "to");
  const gboolean json = lodgectl_run_has_option (run, "json");
  g_autofree char *folder = lodgectl_dup_path ("to", to != NULL ? to : ".", error);
  g_autoptr (LodgeMachine1) machine = NULL;
  GVariantBuilder got;
  gboolean good = TRUE;
  guint n_got = 0;

  if (folder == NULL || !check_paths (run, error))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&got, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 1; good && lodgectl_run_get_argument (run, i) != NULL; i++) {
    const char *path = lodgectl_run_get_argument (run, i);
    g_autofree char *file =
        lodgectl_run_job (run, G_DBUS_PROXY (machine), "FetchFile",
                          g_variant_new ("(ssa{sv})", path, folder, NULL), error);

    good = file != NULL;
    n_got += good;
    if (good && json)
      g_variant_builder_add_parsed (&got, "{'path': <%s>, 'file': <%s>}", path, file);
    else if (good)
      lodgectl_print_line (file);
  }
  if (json && (good || n_got > 0))
    lodgectl_print_variant (g_variant_builder_end (&got));
  else
    g_variant_builder_clear (&got);
  return good;
}
