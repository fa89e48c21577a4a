/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of a machine's last run.
 *
 *     [run]
 *     state=running        or qemu-ended
 *     boot=<the kernel's boot id>
 *     resumed=<what the guest went on from, where it was suspended to disk before>
 *     disposable=true      where nothing of it is kept
 *     flat=<why it has no 3D, where it should>
 *
 * That the file is there says the most; so one that a power cut has left empty is no riddle. It is
 * replaced by a rename, at once, since a guest is about to run or has just ended, and a thread then
 * waits for the disk: an end of the engine or of QEMU loses nothing, a power cut what happened in
 * the last moment. A record that cannot be written keeps no guest from running.
 */
#include "machine/lodge-run-record.h"

#include "description/lodge-description-file.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"
#include "lodge-plain-text.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME       "run"
#define STARTED    "started"
#define MOST_BYTES 4096
/* QEMU's own words may be in it. */
#define MOST_FLAT_BYTES 1000
/* random(4). */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static const char running[] = "running";
static const char qemu_ended[] = "qemu-ended";

static void
sync_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *folder = data;
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  g_autoptr (GError) error = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd >= 0) {
    if (fsync (fd) != 0)
      g_debug ("%s: %s", path, g_strerror (errno));
    close (fd);
  }
  /* The machine may have been deleted meanwhile. */
  if (!lodge_durable_folder_sync (folder, &error))
    g_debug ("%s", error->message);
  g_task_return_boolean (task, TRUE);
}

/* What is there by then is what counts, so the order of two of them does not matter. */
static void
sync_later (const char *folder)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, sync_later);
  g_task_set_task_data (task, g_strdup (folder), g_free);
  g_task_run_in_thread (task, sync_thread);
}

static char *
dup_boot_id (void)
{
  g_autofree char *id = NULL;

  if (!g_file_get_contents (BOOT_ID, &id, NULL, NULL))
    return g_strdup ("");
  return g_strdup (g_strstrip (id));
}

static char *
dup_text (const char *state, const char *resumed, gboolean disposable)
{
  g_autofree char *boot = dup_boot_id ();

  return g_strdup_printf ("# Lodge's own note of the last run; not to be edited.\n"
                          "[run]\nstate=%s\nboot=%s\n%s%s%s%s",
                          state, boot, resumed != NULL ? "resumed=" : "",
                          resumed != NULL ? resumed : "", resumed != NULL ? "\n" : "",
                          disposable ? "disposable=true\n" : "");
}

static void
write_state (const char *folder, const char *state, const char *resumed, gboolean disposable)
{
  g_autofree char *text = dup_text (state, resumed, disposable);
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  g_autoptr (GError) error = NULL;

  if (lodge_durable_file_replace (path, text, strlen (text), &error))
    sync_later (folder);
  else
    g_debug ("%s", error->message);
}

/* Not synced: no QEMU survives a power cut. */
static void
replace_started (const char *path, const LodgeDescription *started)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  text = lodge_description_file_dup_text (started, &length);
  if (!lodge_durable_file_replace (path, text, length, &error))
    g_debug ("%s", error->message);
}

static void
write_started (const char *folder, const LodgeDescription *started)
{
  g_autofree char *path = g_build_filename (folder, STARTED, NULL);

  /* Whatever comes of it, that of an earlier run must not be taken for this one's. */
  if (unlink (path) != 0 && errno != ENOENT)
    g_debug ("%s: %s", path, g_strerror (errno));
  if (started != NULL)
    replace_started (path, started);
}

void
lodge_run_record_begin (const char *machine_folder, const LodgeDescription *started)
{
  write_started (machine_folder, started);
  write_state (machine_folder, running, NULL, FALSE);
}

void
lodge_run_record_change_started (const char *machine_folder, const LodgeDescription *started)
{
  g_autofree char *path = g_build_filename (machine_folder, STARTED, NULL);

  replace_started (path, started);
}

static gboolean
begin_durable (const char *folder,
               const LodgeDescription *started,
               const char *suspended,
               gboolean disposable,
               GError **error)
{
  g_autofree char *text = dup_text (running, suspended, disposable);
  g_autofree char *path = g_build_filename (folder, NAME, NULL);

  write_started (folder, started);
  return lodge_durable_file_write (path, text, strlen (text), error);
}

gboolean
lodge_run_record_begin_resumed (const char *machine_folder,
                                const LodgeDescription *started,
                                const char *suspended,
                                GError **error)
{
  return begin_durable (machine_folder, started, suspended, FALSE, error);
}

gboolean
lodge_run_record_begin_disposable (const char *machine_folder,
                                   const LodgeDescription *started,
                                   GError **error)
{
  return begin_durable (machine_folder, started, NULL, TRUE, error);
}

LodgeDescription *
lodge_run_record_load_started (const char *machine_folder)
{
  g_autofree char *path = g_build_filename (machine_folder, STARTED, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeDescriptionFile) file = lodge_description_file_load (path, &error);

  if (file == NULL) {
    g_debug ("%s", error->message);
    return NULL;
  }
  return lodge_description_copy (lodge_description_file_get (file));
}

void
lodge_run_record_qemu_ended (const char *machine_folder)
{
  g_autofree char *resumed = lodge_run_record_dup_resumed (machine_folder);

  write_state (machine_folder, qemu_ended, resumed,
               lodge_run_record_is_disposable (machine_folder));
}

void
lodge_run_record_clear (const char *machine_folder)
{
  g_autofree char *path = g_build_filename (machine_folder, NAME, NULL);

  write_started (machine_folder, NULL);
  if (unlink (path) == 0)
    sync_later (machine_folder);
  else if (errno != ENOENT)
    g_debug ("%s: %s", path, g_strerror (errno));
}

/* A link, a pipe or a folder of that name is not ours. */
static gboolean
is_there (const char *path)
{
  struct stat info;

  return lstat (path, &info) == 0 && S_ISREG (info.st_mode);
}

/* NULL for a file that cannot be read, or says nothing. */
static LodgeIni *
load (const char *path)
{
  gsize length;
  g_autofree char *text = lodge_durable_file_read (path, MOST_BYTES, &length, NULL);

  return text != NULL ? lodge_ini_parse (path, text, length, NULL) : NULL;
}

static char *
dup_short_line (const char *text)
{
  char *line = lodge_plain_text_dup_line (text);

  if (strlen (line) > MOST_FLAT_BYTES)
    *g_utf8_find_prev_char (line, line + MOST_FLAT_BYTES) = '\0';
  return line;
}

void
lodge_run_record_set_flat (const char *machine_folder, const char *problem)
{
  g_autofree char *path = g_build_filename (machine_folder, NAME, NULL);
  g_autoptr (LodgeIni) ini = is_there (path) ? load (path) : NULL;
  g_autofree char *plain = dup_short_line (problem);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (ini == NULL)
    return;
  lodge_ini_set_value (ini, "run", "flat", plain);
  text = lodge_ini_dup_text (ini, &length);
  if (lodge_durable_file_replace (path, text, length, &error))
    sync_later (machine_folder);
  else
    g_debug ("%s", error->message);
}

static char *
dup_value (const char *folder, const char *key)
{
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  g_autoptr (LodgeIni) ini = is_there (path) ? load (path) : NULL;

  return ini != NULL ? lodge_ini_dup_value (ini, "run", key, NULL) : NULL;
}

char *
lodge_run_record_dup_resumed (const char *machine_folder)
{
  return dup_value (machine_folder, "resumed");
}

char *
lodge_run_record_dup_flat (const char *machine_folder)
{
  g_autofree char *problem = dup_value (machine_folder, "flat");

  return problem != NULL ? dup_short_line (problem) : NULL;
}

gboolean
lodge_run_record_is_disposable (const char *machine_folder)
{
  g_autofree char *disposable = dup_value (machine_folder, "disposable");

  return g_strcmp0 (disposable, "true") == 0;
}

LodgeRunEnd
lodge_run_record_read (const char *machine_folder)
{
  g_autofree char *path = g_build_filename (machine_folder, NAME, NULL);
  g_autofree char *state = NULL;
  g_autofree char *boot = NULL;
  g_autofree char *now = NULL;
  g_autoptr (LodgeIni) ini = NULL;

  if (!is_there (path))
    return LODGE_RUN_NONE;
  ini = load (path);
  if (ini != NULL) {
    state = lodge_ini_dup_value (ini, "run", "state", NULL);
    boot = lodge_ini_dup_value (ini, "run", "boot", NULL);
  }
  if (g_strcmp0 (state, qemu_ended) == 0)
    return LODGE_RUN_QEMU_ENDED;
  /* Only a power cut leaves a file that says nothing. */
  now = dup_boot_id ();
  return g_strcmp0 (boot, now) == 0 ? LODGE_RUN_QEMU_ENDED : LODGE_RUN_COMPUTER_ENDED;
}
