/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a machine can be started here: its files are there, its QEMU has what it needs.
 *
 * Files are opened, not asked about (access(2) answers for another user id, and a folder can be
 * "readable"), and a machine's own files are never followed through a link: a folder that came from
 * elsewhere must not lend the guest a file of the user's.
 */
#include "qemu/lodge-machine-command-private.h"

#include "lodge-error.h"
#include "lodge-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum {
  FILE_LAYER,
  FILE_NVRAM,
  FILE_FIRMWARE,
  FILE_MEDIUM,
  FILE_STICK,
  FILE_SAVED_STICK, /* of a guest that goes on from saved memory, and keeps what it has */
  FILE_KERNEL,
  FILE_INITRD,
} FileKind;

static void
set_file_error (GError **error, FileKind kind, const char *path, const char *why)
{
  g_autofree char *message = NULL;

  switch (kind) {
  case FILE_LAYER:
    message = g_strdup_printf (_ ("Could not open the disk image %s: %s"), path, why);
    break;
  case FILE_NVRAM:
    message = g_strdup_printf (_ ("Could not open the firmware's variables %s: %s"), path, why);
    break;
  case FILE_FIRMWARE:
    message = g_strdup_printf (_ ("Could not open the firmware %s: %s"), path, why);
    break;
  case FILE_MEDIUM:
    message = g_strdup_printf (_ ("Could not open the image %s in the drive: %s"), path, why);
    break;
  case FILE_STICK:
    message = g_strdup_printf (_ ("Could not open the image %s of a USB stick: %s. Put it back, or "
                                  "unplug the stick if the machine has it now"),
                               path, why);
    break;
  case FILE_SAVED_STICK:
    message = g_strdup_printf (
        _ ("Could not open the image %s of a USB stick, which the guest goes on with: %s. Put it "
           "back"),
        path, why);
    break;
  case FILE_KERNEL:
    message = g_strdup_printf (_ ("Could not open the kernel %s: %s"), path, why);
    break;
  case FILE_INITRD:
    message = g_strdup_printf (_ ("Could not open the initial RAM disk %s: %s"), path, why);
    break;
  }
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, message);
}

static gboolean
check_file (FileKind kind, const char *path, int flags, GError **error)
{
  struct stat info;
  const char *why = NULL;
  int fd;

  /* Goes into JSON, which is UTF-8 (RFC 8259, 8.1). */
  if (!g_utf8_validate (path, -1, NULL)) {
    g_autofree char *shown = g_utf8_make_valid (path, -1);

    set_file_error (error, kind, shown, _ ("its name is not valid UTF-8"));
    return FALSE;
  }

  fd = open (path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0 && errno == EISDIR)
    why = _ ("it is a folder");
  else if (fd < 0 && errno == ELOOP)
    why = _ ("it is a link, and a machine's own files must not be");
  else if (fd < 0)
    why = g_strerror (errno);
  else if (fstat (fd, &info) != 0)
    why = g_strerror (errno);
  else if (S_ISDIR (info.st_mode))
    why = _ ("it is a folder");
  else if (!S_ISREG (info.st_mode))
    why = _ ("it is not a plain file");
  /* A layer that a clone stands on, too; machine.ini was edited by hand, or the folder copied by
   * giving its files second names. */
  else if (kind == FILE_LAYER && (flags & O_ACCMODE) == O_RDWR && (flags & O_NOFOLLOW) != 0 &&
           info.st_nlink > 1)
    why = _ ("it is one file with that of another folder, and what the guest writes would change "
             "both: make a copy of it");
  if (fd >= 0)
    close (fd);

  if (why != NULL)
    set_file_error (error, kind, path, why);
  return why == NULL;
}

/* A file that is named relative to the machine's folder must really be in it, also when a folder on
 * the way is a link. */
static gboolean
check_own_file (FileKind kind,
                const LodgeMachineCommandHost *host,
                const char *file,
                gboolean writable,
                GError **error)
{
  g_autofree char *path = lodge_machine_command_dup_path (host, file);
  gboolean own = !g_path_is_absolute (file);
  char *real_folder, *real_path;
  gboolean inside;

  if (!check_file (kind, path, (writable ? O_RDWR : O_RDONLY) | (own ? O_NOFOLLOW : 0), error))
    return FALSE;
  if (!own)
    return TRUE;

  real_folder = realpath (host->machine_folder, NULL);
  real_path = realpath (path, NULL);
  inside = real_folder != NULL && real_path != NULL && g_str_has_prefix (real_path, real_folder) &&
           real_path[strlen (real_folder)] == '/';
  free (real_folder);
  free (real_path);
  if (!inside)
    set_file_error (error, kind, path, _ ("it lies outside the machine's folder"));
  return inside;
}

static gboolean
check_disks (const LodgeDescription *description,
             const LodgeMachineCommandHost *host,
             GError **error)
{
  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const LodgeLayer *layer =
        disk->attached ? lodge_description_get_layer (description, disk->top) : NULL;

    for (gboolean top = TRUE; layer != NULL; top = FALSE) {
      if (layer->host_disk[0] == '\0' &&
          !check_own_file (FILE_LAYER, host, layer->file, top, error))
        return FALSE;
      layer = layer->below != NULL ? lodge_description_get_layer (description, layer->below) : NULL;
    }
  }
  return TRUE;
}

static gboolean
check_firmware (const LodgeDescription *description,
                const LodgeMachineCommandHost *host,
                GError **error)
{
  if (description->firmware == LODGE_FIRMWARE_BIOS)
    return TRUE;
  if (description->firmware_code[0] == '\0' || description->nvram[0] == '\0') {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("“%s” starts with UEFI, but no firmware was chosen for it: install the package "
                    "ovmf"),
                 description->name);
    return FALSE;
  }
  return check_file (FILE_FIRMWARE, description->firmware_code, O_RDONLY, error) &&
         (host->only_shown || check_own_file (FILE_NVRAM, host, description->nvram, TRUE, error));
}

static gboolean
check_other_files (const LodgeDescription *description, gboolean saved, GError **error)
{
  const FileKind stick_kind = saved ? FILE_SAVED_STICK : FILE_STICK;

  for (guint i = 0; i < description->media->len; i++) {
    const LodgeMedia *media = description->media->pdata[i];

    if (media->file != NULL && !check_file (FILE_MEDIUM, media->file, O_RDONLY, error))
      return FALSE;
  }
  for (guint i = 0; i < description->sticks->len; i++) {
    const LodgeStick *stick = description->sticks->pdata[i];

    if (!check_file (stick_kind, stick->file, O_RDONLY, error))
      return FALSE;
  }
  if (description->kernel[0] == '\0')
    return TRUE;
  return check_file (FILE_KERNEL, description->kernel, O_RDONLY, error) &&
         (description->initrd[0] == '\0' ||
          check_file (FILE_INITRD, description->initrd, O_RDONLY, error));
}

static gboolean
check_device (LodgeQemu *qemu, const char *device, GError **error)
{
  if (lodge_qemu_has_device (qemu, device))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("QEMU %s on this computer has no device %s: install the rest of QEMU (on Debian "
                  "the packages qemu-system-x86, qemu-system-gui and qemu-system-modules-spice)"),
               lodge_qemu_get_version (qemu), device);
  return FALSE;
}

static gboolean
check_qemu (const LodgeDescription *description,
            const LodgeMachineCommandHost *host,
            GError **error)
{
  static const char *const always[] = {
      "pcie-root-port",
      "virtio-serial-pci",
      "virtio-balloon-pci",
      "virtio-rng-pci",
      "qemu-xhci",
      "usb-tablet",
      "ich9-intel-hda",
      "hda-duplex",
      "isa-serial",
      "vmgenid",
      "virtio-blk-pci",
      "virtio-net-pci",
      "ide-cd",
      "ide-hd",
      "pvpanic",
  };

  if (!lodge_qemu_has_machine (host->qemu, description->machine_type)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("QEMU %s on this computer has no machine type %s, which “%s” was started with: "
                    "install a newer QEMU"),
                 lodge_qemu_get_version (host->qemu), description->machine_type, description->name);
    return FALSE;
  }
  /* -netdev stream is newer than all else that is used (QEMU's docs/about, release 7.2). */
  if (!lodge_qemu_has_version (host->qemu, 7, 2)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("QEMU %s is too old: at least 7.2 is needed"),
                 lodge_qemu_get_version (host->qemu));
    return FALSE;
  }

  for (guint i = 0; i < G_N_ELEMENTS (always); i++) {
    if (!check_device (host->qemu, always[i], error))
      return FALSE;
  }
  return check_device (
             host->qemu,
             lodge_machine_command_get_display_device (description, host->render_node != NULL),
             error) &&
         (!description->tpm || check_device (host->qemu, "tpm-crb", error));
}

static gboolean
check_runtime (const LodgeDescription *description,
               const LodgeMachineCommandHost *host,
               GError **error)
{
  if (strlen (host->runtime_folder) + strlen (LODGE_MACHINE_COMMAND_LONGEST_SOCKET) >
      LODGE_PATHS_MOST_SOCKET_BYTES) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_HOST,
        _ ("The folder %s has too long a name for sockets: at most %u characters are "
           "possible"),
        host->runtime_folder,
        (guint) (LODGE_PATHS_MOST_SOCKET_BYTES - strlen (LODGE_MACHINE_COMMAND_LONGEST_SOCKET)));
    return FALSE;
  }
  if (description->tpm && host->tpm_socket == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("“%s” has a TPM, but none was started: install the package swtpm"),
                 description->name);
    return FALSE;
  }
  return TRUE;
}

gboolean
lodge_machine_command_check (const LodgeDescription *description,
                             const LodgeMachineCommandHost *host,
                             GError **error)
{
  return lodge_description_check (description, error) && check_qemu (description, host, error) &&
         check_runtime (description, host, error) && check_firmware (description, host, error) &&
         check_disks (description, host, error) &&
         check_other_files (description, host->saved, error);
}
