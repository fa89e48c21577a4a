/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a machine: from what the user said to a folder with a machine.ini.
 *
 * Steps, each of which may fail or be cancelled: look at the image (which OS?) - look at the disk
 * image - begin the hidden folder - make or copy the disk - write machine.ini and give the folder
 * its name. Whoever leaves early removes the hidden folder; a crash leaves that to
 * lodge_store_clean().
 */
#include "machine/lodge-create.h"

#include "guest/lodge-media.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-source-media.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image.h"
#include "storage/lodge-key-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  LodgeStore *store;
  LodgeCreateSpec *spec;
  LodgeJob *job;
  LodgeInstaller *installer;
  LodgeImageFacts *image;
  LodgeImageBoot boot; /* of the image */
  LodgeDescription *description;
  char *folder;     /* the hidden one, once begun */
  LodgeSecret *key; /* of an encrypted one */
} Create;

static void
create_free (Create *create)
{
  lodge_create_spec_free (create->spec);
  g_object_unref (create->job);
  g_clear_pointer (&create->installer, lodge_installer_free);
  g_clear_pointer (&create->image, lodge_image_facts_free);
  g_clear_pointer (&create->description, lodge_description_free);
  if (create->folder != NULL)
    lodge_folder_key_forget (create->folder);
  g_free (create->folder);
  g_clear_pointer (&create->key, lodge_secret_unref);
  lodge_store_unref (create->store);
  g_free (create);
}

/* People know neither the hidden folder nor the UUID that it is named by. */
static void
name_machine (Create *create, GError *error)
{
  g_autofree char *folder =
      lodge_store_dup_folder (create->store, lodge_job_get_machine (create->job));
  g_autoptr (GString) message = g_string_new (error->message);

  g_string_replace (message, create->folder, folder, 0);
  g_free (error->message);
  error->message = g_strdup_printf (_ ("“%s” was not made: %s"), create->spec->name, message->str);
}

static void
fail (GTask *task, GError *error)
{
  Create *create = g_task_get_task_data (task);

  if (error->code == LODGE_ERROR_STORAGE && create->folder != NULL)
    name_machine (create, error);
  if (create->folder != NULL)
    lodge_store_abort (create->store, lodge_job_get_machine (create->job));
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
commit_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Create *create = data;
  GError *error = NULL;
  LodgeDescriptionFile *file = lodge_store_commit (create->store, create->description, &error);

  lodge_journal_step ("committed");
  if (file != NULL)
    g_task_return_pointer (worker, file, (GDestroyNotify) lodge_description_file_free);
  else
    g_task_return_error (worker, error);
}

static void
committed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const Create *create = g_task_get_task_data (task);
  GError *error = NULL;
  LodgeDescriptionFile *file = g_task_propagate_pointer (G_TASK (result), &error);

  if (file == NULL) {
    fail (task, error);
    return;
  }
  if (create->key != NULL) {
    g_autofree char *folder = lodge_store_dup_folder (create->store, create->description->uuid);

    lodge_folder_key_set (folder, create->key);
  }
  g_task_return_pointer (task, file, (GDestroyNotify) lodge_description_file_free);
  g_object_unref (task);
}

/* The last step; from here on the machine is there. A thread waits for the disk. */
static void
commit (GTask *task)
{
  Create *create = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (lodge_job_get_cancellable (create->job), &error)) {
    fail (task, error);
    return;
  }
  worker = g_task_new (NULL, NULL, committed_cb, task);
  g_task_set_task_data (worker, create, NULL);
  g_task_run_in_thread (worker, commit_thread);
}

/* Takes @error. */
static void
disk_made (GTask *task, GError *error)
{
  lodge_journal_step ("disk");
  if (error == NULL)
    commit (task);
  else
    fail (task, error);
}

static void
disk_created_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  lodge_image_create_finish (result, &error);
  disk_made (task, error);
}

static void
disk_imported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  lodge_image_import_finish (result, &error);
  disk_made (task, error);
}

static void
import_progress (double fraction, gpointer user_data)
{
  lodge_journal_step ("copying");
  lodge_job_set_progress (user_data, fraction);
}

static void
make_disk (GTask *task)
{
  Create *create = g_task_get_task_data (task);
  GCancellable *cancellable = lodge_job_get_cancellable (create->job);
  const LodgeDisk *disk;
  const LodgeLayer *layer;
  g_autofree char *path = NULL;

  if (create->description->disks->len == 0 || create->spec->in_place) {
    commit (task);
    return;
  }

  disk = create->description->disks->pdata[0];
  layer = lodge_description_get_layer (create->description, disk->top);
  path = g_build_filename (create->folder, layer->file, NULL);
  if (create->spec->disk != NULL) {
    lodge_job_set_step (create->job, _ ("Copying the disk image"));
    lodge_image_import_async (create->spec->disk, create->image->format, path, import_progress,
                              create->job, cancellable, disk_imported_cb, task);
  } else {
    lodge_job_set_step (create->job, _ ("Making the disk"));
    lodge_image_create_async (path, layer->format, layer->size_bytes, cancellable, disk_created_cb,
                              task);
  }
}

static void
locked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  lodge_journal_step ("key");
  if (g_task_propagate_boolean (G_TASK (result), &error))
    make_disk (user_data);
  else
    fail (user_data, error);
}

static void
lock_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Create *create = data;
  GError *error = NULL;

  if (lodge_key_file_write (create->folder, create->key, create->spec->passphrase, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
make_folder (GTask *task)
{
  Create *create = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  create->folder = lodge_store_begin (create->store, create->description->uuid, &error);
  if (create->folder == NULL) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("begun");
  if (!create->description->encrypted) {
    make_disk (task);
    return;
  }
  create->key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  lodge_folder_key_set (create->folder, create->key);
  worker = g_task_new (NULL, NULL, locked_cb, task);
  g_task_set_task_data (worker, create, NULL);
  g_task_run_in_thread (worker, lock_thread);
}

static void
replace (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text != NULL ? text : "");
}

static gboolean
describe_devices (Create *create, const LodgeGuestDefaults *defaults, GError **error)
{
  const LodgeCreateSpec *spec = create->spec;
  LodgeDescription *description = create->description;
  guint64 size = spec->has_disk_size ? spec->disk_size : defaults->disk_bytes;

  if (spec->disk != NULL && spec->in_place) {
    if (lodge_description_add_disk (description, defaults->disk_bus, spec->disk,
                                    create->image->format, create->image->size_bytes,
                                    error) == NULL)
      return FALSE;
  } else if (spec->disk != NULL || size > 0) {
    if (spec->disk != NULL)
      size = create->image->size_bytes;
    if (lodge_description_add_disk (description, defaults->disk_bus, "layers/disk0-l0.qcow2",
                                    "qcow2", size, error) == NULL)
      return FALSE;
  }
  if (lodge_description_add_nic (description, defaults->nic_model, error) == NULL)
    return FALSE;
  /* A drive is there even when it is empty, so that an image can be put in later. */
  return lodge_description_add_media (description, spec->media, error) != NULL;
}

/* A disk that is there already knows it better than the OS. */
static LodgeFirmwareKind
choose_firmware (LodgeFirmwareKind of_os, LodgeImageBoot boot)
{
  if (boot == LODGE_IMAGE_BOOT_UEFI && of_os == LODGE_FIRMWARE_BIOS)
    return LODGE_FIRMWARE_UEFI;
  return boot == LODGE_IMAGE_BOOT_BIOS ? LODGE_FIRMWARE_BIOS : of_os;
}

static LodgeDescription *
describe (Create *create, const LodgeGuestDefaults *defaults, GError **error)
{
  const LodgeCreateSpec *spec = create->spec;
  const LodgeInstaller *installer = create->installer;
  g_autoptr (LodgeDescription) description = lodge_description_new (spec->name);

  if (spec->os != NULL && defaults->os[0] == '\0') {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("“%s” is no operating system that the catalogue knows: osinfo-query os lists "
                    "them"),
                 spec->os);
    return NULL;
  }
  replace (&description->uuid, lodge_job_get_machine (create->job));
  replace (&description->os, defaults->os);
  description->cpus = spec->cpus != 0 ? spec->cpus : defaults->cpus;
  description->memory_mib = spec->memory_mib != 0 ? spec->memory_mib : defaults->memory_mib;
  description->firmware = choose_firmware (defaults->firmware, create->boot);
  description->display = defaults->display;
  description->tpm = spec->has_tpm ? spec->tpm : defaults->tpm;
  description->encrypted = spec->passphrase != NULL;
  if (spec->firmware != NULL &&
      !lodge_description_set (description, "firmware.kind", spec->firmware, error))
    return NULL;

  if (installer != NULL) {
    replace (&description->kernel, installer->kernel);
    replace (&description->initrd, installer->initrd);
    replace (&description->append, installer->append);
    description->kernel_once = TRUE;
  } else {
    replace (&description->kernel, spec->kernel);
    replace (&description->initrd, spec->initrd);
    replace (&description->append, spec->append);
  }

  create->description = g_steal_pointer (&description);
  if (!describe_devices (create, defaults, error) ||
      !lodge_description_check (create->description, error))
    return NULL;
  return create->description;
}

static void
defaults_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (LodgeGuestDefaults) defaults = lodge_guest_defaults_for_here_finish (result);
  GError *error = NULL;

  if (describe (g_task_get_task_data (task), defaults, &error) == NULL)
    fail (task, error);
  else
    make_folder (task);
}

static void
describe_and_make (GTask *task, const char *os)
{
  lodge_guest_defaults_for_here_async (os, defaults_cb, task);
}

static void
media_detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Create *create = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *os = lodge_source_media_look_finish (result, NULL, &error);

  if (os == NULL)
    fail (task, error);
  else
    describe_and_make (task, create->spec->os != NULL ? create->spec->os : os);
}

static void
detect_media (GTask *task)
{
  Create *create = g_task_get_task_data (task);

  if (create->spec->media != NULL) {
    lodge_job_set_step (create->job, _ ("Looking at the image"));
    /* Also when the OS is given: this is what refuses a folder or a holiday's picture. */
    lodge_source_media_look_async (create->spec->media, lodge_job_get_cancellable (create->job),
                                   media_detected_cb, task);
  } else if (create->spec->os == NULL && create->installer != NULL) {
    describe_and_make (task, create->installer->os);
  } else {
    describe_and_make (task, create->spec->os);
  }
}

static void
boot_found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Create *create = g_task_get_task_data (task);
  GError *error = NULL;

  create->boot = lodge_image_find_boot_finish (result, &error);
  if (error != NULL)
    fail (task, error);
  else
    detect_media (task);
}

static void
image_inspected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Create *create = g_task_get_task_data (task);
  GError *error = NULL;

  create->image = lodge_image_inspect_finish (result, &error);
  if (create->image == NULL) {
    fail (task, error);
  } else if (create->spec->in_place && !g_str_equal (create->image->format, "qcow2") &&
             !g_str_equal (create->image->format, "raw")) {
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("An image of the format %s cannot be used in place: leave that out and it is "
                    "copied"),
                 create->image->format);
    fail (task, error);
  } else {
    lodge_image_find_boot_async (create->spec->disk, create->image->format,
                                 lodge_job_get_cancellable (create->job), boot_found_cb, task);
  }
}

static gboolean
check_kernel_file (const char *path, GError **error)
{
  struct stat info;
  int fd;

  if (path == NULL)
    return TRUE;
  /* O_NONBLOCK: a pipe must not hang us. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, saved == ENOENT ? LODGE_ERROR_NOT_FOUND : LODGE_ERROR_DENIED,
                 _ ("Could not open %s: %s"), path, g_strerror (saved));
    return FALSE;
  }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size == 0) {
    close (fd);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is not a file with something in it"), path);
    return FALSE;
  }
  close (fd);
  return TRUE;
}

static gboolean
find_installer (Create *create, GError **error)
{
  if (create->spec->installer == NULL)
    return TRUE;
  create->installer = lodge_installer_find (create->spec->installer);
  if (create->installer != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
               _ ("The installer “%s” is not on this computer: install the package "
                  "debian-installer-12-netboot-amd64, or choose an image file"),
               create->spec->installer);
  return FALSE;
}

void
lodge_create_async (LodgeStore *store,
                    LodgeCreateSpec *spec,
                    LodgeJob *job,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Create *create = g_new0 (Create, 1);
  GError *error = NULL;

  create->store = lodge_store_ref (store);
  create->spec = spec;
  create->job = g_object_ref (job);
  g_task_set_source_tag (task, lodge_create_async);
  g_task_set_task_data (task, create, (GDestroyNotify) create_free);

  if (!find_installer (create, &error) || !check_kernel_file (spec->kernel, &error) ||
      !check_kernel_file (spec->initrd, &error)) {
    fail (task, error);
  } else if (spec->disk != NULL) {
    lodge_job_set_step (job, _ ("Looking at the disk image"));
    lodge_image_inspect_async (spec->disk, lodge_job_get_cancellable (job), image_inspected_cb,
                               task);
  } else {
    detect_media (task);
  }
}

LodgeDescriptionFile *
lodge_create_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
lodge_create_get_remember (GAsyncResult *result)
{
  const Create *create = g_task_get_task_data (G_TASK (result));

  return create->spec->remember;
}

LodgeJob *
lodge_create_get_job (GAsyncResult *result)
{
  Create *create = g_task_get_task_data (G_TASK (result));

  return create->job;
}
