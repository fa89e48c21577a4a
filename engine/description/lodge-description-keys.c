/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of machine.ini's sections and keys, and what works on any row of it. */
#include "description/lodge-description-keys.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Enums are read and written as guint. */
G_STATIC_ASSERT (sizeof (LodgeFirmwareKind) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeDiskBus) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeNicModel) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeDisplayModel) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeDisplayScaling) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeClipboardSharing) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeFolderMethod) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeSessionEnd) == sizeof (guint));
G_STATIC_ASSERT (sizeof (LodgeSchedule) == sizeof (guint));
/* The id comes first in every item. */
G_STATIC_ASSERT (offsetof (LodgeDisk, id) == 0);
G_STATIC_ASSERT (offsetof (LodgeLayer, id) == 0);
G_STATIC_ASSERT (offsetof (LodgeNic, id) == 0);
G_STATIC_ASSERT (offsetof (LodgeMedia, id) == 0);
G_STATIC_ASSERT (offsetof (LodgeStick, id) == 0);
G_STATIC_ASSERT (offsetof (LodgeSnapshot, id) == 0);

static const LodgeSection sections[] = {
    [LODGE_SECTION_MACHINE] = {"machine", 0, 0, N_ ("The machine itself.")},
    [LODGE_SECTION_FIRMWARE] = {"firmware", 0, 0, N_ ("The program that starts the guest.")},
    [LODGE_SECTION_TPM] = {"tpm", 0, 0, N_ ("The security chip.")},
    [LODGE_SECTION_BOOT] = {"boot", 0, 0, N_ ("A kernel that is started without a boot loader.")},
    [LODGE_SECTION_DISPLAY] = {"display", 0, 0,
                               N_ ("The graphics card, and how its picture is shown.")},
    [LODGE_SECTION_SHARING] = {"sharing", 0, 0,
                               N_ ("What passes between the guest and this computer.")},
    [LODGE_SECTION_TERMINAL] = {"terminal", 0, 0, N_ ("Consoles of text beside the screen.")},
    [LODGE_SECTION_SNAPSHOTS] = {"snapshots", 0, 0,
                                 N_ ("Snapshots that are taken, and deleted, by themselves.")},
    [LODGE_SECTION_DISK] = {"disk", offsetof (LodgeDescription, disks), sizeof (LodgeDisk),
                            N_ ("A disk of the guest; the disks boot in the order of the file.")},
    [LODGE_SECTION_LAYER] = {"layer", offsetof (LodgeDescription, layers), sizeof (LodgeLayer),
                             N_ ("One image file of a disk.")},
    [LODGE_SECTION_NIC] = {"nic", offsetof (LodgeDescription, nics), sizeof (LodgeNic),
                           N_ ("A network card of the guest.")},
    [LODGE_SECTION_MEDIA] = {"media", offsetof (LodgeDescription, media), sizeof (LodgeMedia),
                             N_ ("A drive for CD and DVD images; boots after the disks.")},
    [LODGE_SECTION_STICK] = {"stick", offsetof (LodgeDescription, sticks), sizeof (LodgeStick),
                             N_ ("A USB stick made of an image; boots after the drives.")},
    [LODGE_SECTION_SNAPSHOT] = {"snapshot", offsetof (LodgeDescription, snapshots),
                                sizeof (LodgeSnapshot),
                                N_ ("A state that the machine was in, and can go back to.")},
};
G_STATIC_ASSERT (G_N_ELEMENTS (sections) == LODGE_N_SECTIONS);

/* In the order of the enums. */
static const char *const disk_buses[] = {"virtio", "sata", NULL};
static const char *const nic_models[] = {"virtio", "e1000e", NULL};
static const char *const display_models[] = {"virtio", "qxl", "vga", NULL};
static const char *const display_scalings[] = {"resize-guest", "scale", "one-to-one", NULL};
static const char *const session_ends[] = {"shut-down", "suspend", NULL};
static const char *const clipboard_sharings[] = {"off", "to-guest", "to-host", "both", NULL};
static const char *const folder_methods[] = {"webdav", "virtiofs", NULL};
static const char *const schedules[] = {"off", "hourly", "daily", "weekly", NULL};
static const char *const layer_formats[] = {"qcow2", "raw", NULL};

#define MACHINE(field) offsetof (LodgeDescription, field)
#define SETTABLE       LODGE_KEY_SETTABLE
#define PATH_LENGTH    4096
/* Serial numbers, and what else tells a disk. */
#define HOST_DISK_LENGTH 300
/* QEMU's q35 takes 288, but beyond 255 a guest needs interrupt remapping, which it is not given. */
#define MOST_CPUS       255
#define MOST_MEMORY_MIB (8 * 1024 * 1024)
/* COMMAND_LINE_SIZE of x86 with its closing NUL is 2048 (Linux, arch/x86/include/asm/setup.h). */
#define APPEND_LENGTH 2047

/* clang-format off */
static const LodgeKey keys[] = {
  { LODGE_SECTION_MACHINE, "version", LODGE_KEY_VERSION, 0, NULL, 0, G_MAXUINT, NULL, 0,
    N_ ("The version of this file's format; raised by Lodge alone.") },
  { LODGE_SECTION_MACHINE, "uuid", LODGE_KEY_UUID, MACHINE (uuid), NULL, 0, 0, NULL, 0,
    N_ ("What the machine is known by; also the name of its folder.") },
  { LODGE_SECTION_MACHINE, "name", LODGE_KEY_NAME, MACHINE (name), NULL, 0, 0, NULL, SETTABLE,
    N_ ("What people call the machine.") },
  { LODGE_SECTION_MACHINE, "os", LODGE_KEY_WORD, MACHINE (os), "", 0, 64, NULL, SETTABLE,
    N_ ("The guest's operating system as libosinfo's short id, such as debian12; empty when "
        "unknown.") },
  { LODGE_SECTION_MACHINE, "type", LODGE_KEY_WORD, MACHINE (machine_type), "", 0, 64, NULL, SETTABLE,
    N_ ("QEMU's machine type with its version, such as pc-q35-7.2; empty lets the next start choose "
        "the newest and record it.") },
  { LODGE_SECTION_MACHINE, "cpu-model", LODGE_KEY_WORD, MACHINE (cpu_model), "", 0, 64, NULL, SETTABLE,
    N_ ("QEMU's name of the CPU model; empty lets the next start choose and record it.") },
  { LODGE_SECTION_MACHINE, "cpus", LODGE_KEY_NUMBER, MACHINE (cpus), "2", 1, MOST_CPUS, NULL, SETTABLE,
    N_ ("How many CPUs the guest has.") },
  { LODGE_SECTION_MACHINE, "memory", LODGE_KEY_MEMORY, MACHINE (memory_mib), "2G", 16, MOST_MEMORY_MIB,
    NULL, SETTABLE, N_ ("How much memory the guest has.") },
  { LODGE_SECTION_MACHINE, "vmgenid", LODGE_KEY_UUID, MACHINE (vmgenid), NULL, 0, 0, NULL, 0,
    N_ ("Changes whenever the guest goes back in time or is copied, so that it can notice.") },
  { LODGE_SECTION_MACHINE, "snapshot", LODGE_KEY_ID, MACHINE (snapshot), "", 0, 0, NULL,
    LODGE_KEY_NULLABLE, N_ ("The snapshot that the present goes on from; empty when there is none.") },
  { LODGE_SECTION_MACHINE, "suspended", LODGE_KEY_ID, MACHINE (suspended), "", 0, 0, NULL,
    LODGE_KEY_NULLABLE, N_ ("Where the memory of a guest that was suspended to disk is; empty when there "
                            "is none.") },
  { LODGE_SECTION_MACHINE, "at-session-end", LODGE_KEY_CHOICE, MACHINE (session_end), "shut-down", 0, 0,
    session_ends, SETTABLE,
    N_ ("What becomes of a guest that runs when the session of its user ends: it is shut down, or "
        "suspended to disk where there is time for that.") },
  { LODGE_SECTION_MACHINE, "encrypted", LODGE_KEY_BOOLEAN, MACHINE (encrypted), "false", 0, 0, NULL, 0,
    N_ ("Whether what the guest writes is encrypted: its disks, the firmware's variables, the TPM's state "
        "and saved memory; what opens them is locked in the file “key”.") },

  { LODGE_SECTION_MACHINE, "template", LODGE_KEY_BOOLEAN, MACHINE (is_template), "false", 0, 0, NULL,
    SETTABLE,
    N_ ("Whether other machines are made from it: as long as that is so it cannot be started or "
        "changed. Set while it is off; unset at any time, which changes none of those.") },

  { LODGE_SECTION_FIRMWARE, "kind", LODGE_KEY_CHOICE, MACHINE (firmware), "bios", 0, 0,
    lodge_firmware_names, SETTABLE, N_ ("BIOS, UEFI, or UEFI with Secure Boot.") },
  { LODGE_SECTION_FIRMWARE, "code", LODGE_KEY_HOST_FILE, MACHINE (firmware_code), "", 0, PATH_LENGTH,
    NULL, 0, N_ ("The firmware's image on this computer; recorded by the first start.") },
  { LODGE_SECTION_FIRMWARE, "code-format", LODGE_KEY_CHOICE_TEXT, MACHINE (firmware_format), "", 0, 0,
    layer_formats, 0, N_ ("The format of the firmware's image.") },
  { LODGE_SECTION_FIRMWARE, "nvram", LODGE_KEY_OWN_FILE, MACHINE (nvram), "", 0, PATH_LENGTH, NULL, 0,
    N_ ("The file with the firmware's variables in the machine's folder; empty for BIOS.") },

  { LODGE_SECTION_TPM, "enabled", LODGE_KEY_BOOLEAN, MACHINE (tpm), "false", 0, 0, NULL, SETTABLE,
    N_ ("Whether the guest has a TPM 2.0.") },
  { LODGE_SECTION_TPM, "state", LODGE_KEY_OWN_FILE, MACHINE (tpm_state), "tpm", 0, PATH_LENGTH, NULL, 0,
    N_ ("The folder with the chip's state in the machine's folder.") },

  { LODGE_SECTION_BOOT, "kernel", LODGE_KEY_HOST_FILE, MACHINE (kernel), "", 0, PATH_LENGTH, NULL,
    SETTABLE, N_ ("A kernel on this computer that is started directly; empty for none.") },
  { LODGE_SECTION_BOOT, "initrd", LODGE_KEY_HOST_FILE, MACHINE (initrd), "", 0, PATH_LENGTH, NULL,
    SETTABLE, N_ ("The initial RAM disk that goes with the kernel.") },
  { LODGE_SECTION_BOOT, "append", LODGE_KEY_TEXT, MACHINE (append), "", 0, APPEND_LENGTH, NULL, SETTABLE,
    N_ ("The kernel's command line.") },
  { LODGE_SECTION_BOOT, "kernel-once", LODGE_KEY_BOOLEAN, MACHINE (kernel_once), "false", 0, 0, NULL,
    SETTABLE, N_ ("Whether the kernel is given up once the guest's disk can be booted.") },

  { LODGE_SECTION_DISPLAY, "model", LODGE_KEY_CHOICE, MACHINE (display), "virtio", 0, 0, display_models,
    SETTABLE, N_ ("The graphics card.") },
  /* vgamem_mb is 1 to 512 (QEMU, hw/display/vga.c). */
  { LODGE_SECTION_DISPLAY, "video-memory", LODGE_KEY_VIDEO_MEMORY, MACHINE (video_memory_mib), "64M",
    1, 512, NULL, SETTABLE, N_ ("Memory of a qxl or vga card.") },
  { LODGE_SECTION_DISPLAY, "monitors", LODGE_KEY_NUMBER, MACHINE (monitors), "1", 1,
    LODGE_DESCRIPTION_MONITORS, NULL, SETTABLE,
    N_ ("How many monitors a virtio card can have; the guest's driver decides on their use.") },
  { LODGE_SECTION_DISPLAY, "3d", LODGE_KEY_BOOLEAN, MACHINE (accelerated), "false", 0, 0, NULL, SETTABLE,
    N_ ("Whether this computer's graphics card draws what the guest draws in 3D, with a virtio card and "
        "from the next start on; no snapshot with memory is possible then. Where it cannot, the guest "
        "starts in 2D, and the machine's note says why.") },
  { LODGE_SECTION_DISPLAY, "render-node", LODGE_KEY_TEXT, MACHINE (render_node), "", 0, PATH_LENGTH, NULL,
    SETTABLE,
    N_ ("Which of this computer's graphics cards draws it, by its render node in /dev/dri or a link "
        "there; empty for the first that works.") },
  { LODGE_SECTION_DISPLAY, "scaling", LODGE_KEY_CHOICE, MACHINE (scaling), "resize-guest", 0, 0,
    display_scalings, SETTABLE,
    N_ ("How the guest's picture fits a console window: the guest follows the window's size, the "
        "picture is scaled, or each of its pixels is one of the screen's.") },
  { LODGE_SECTION_DISPLAY, "whole-multiples", LODGE_KEY_BOOLEAN, MACHINE (whole_multiples), "false", 0,
    0, NULL, SETTABLE,
    N_ ("Whether a picture that is made larger is so only by 2, 3 and so on, which blurs nothing.") },
  { LODGE_SECTION_DISPLAY, "side-by-side", LODGE_KEY_BOOLEAN, MACHINE (side_by_side), "false", 0, 0, NULL,
    SETTABLE,
    N_ ("Whether a console window shows further monitors beside the first one; else each has a window "
        "of its own.") },

  { LODGE_SECTION_SHARING, "clipboard", LODGE_KEY_CHOICE, MACHINE (share_clipboard), "both", 0, 0,
    clipboard_sharings, SETTABLE,
    N_ ("Which way copied text and images go while a console window has the keyboard; the guest "
        "needs spice-vdagent.") },
  { LODGE_SECTION_SHARING, "files", LODGE_KEY_BOOLEAN, MACHINE (share_files), "true", 0, 0, NULL,
    SETTABLE,
    N_ ("Whether files dropped on a console window, or pasted there, are copied into the guest, "
        "which needs spice-vdagent.") },
  { LODGE_SECTION_SHARING, "files-out", LODGE_KEY_BOOLEAN, MACHINE (share_files_out), "false", 0, 0,
    NULL, SETTABLE,
    N_ ("Whether files of the guest can be copied out of it, each when you ask for it; the guest needs "
        "qemu-guest-agent.") },
  { LODGE_SECTION_SHARING, "microphone", LODGE_KEY_BOOLEAN, MACHINE (microphone), "false", 0, 0, NULL,
    SETTABLE, N_ ("Whether the guest hears this computer's microphone while it records; else it "
                  "records silence.") },
  { LODGE_SECTION_SHARING, "folder", LODGE_KEY_HOST_FILE, MACHINE (share_folder), "", 0, PATH_LENGTH,
    NULL, SETTABLE,
    N_ ("A folder on this computer that the guest can open, with its full path; empty for none. By "
        "WebDAV the guest needs spice-webdavd and finds it at http://localhost:9843/.") },
  { LODGE_SECTION_SHARING, "folder-writable", LODGE_KEY_BOOLEAN, MACHINE (share_folder_writable),
    "false", 0, 0, NULL, SETTABLE,
    N_ ("Whether the guest may change, add and remove files in the shared folder; false again when "
        "another folder is set without it.") },
  { LODGE_SECTION_SHARING, "folder-method", LODGE_KEY_CHOICE, MACHINE (folder_method), "webdav", 0, 0,
    folder_methods, SETTABLE,
    N_ ("How the folder comes into the guest: webdav, or virtiofs, which is faster, and as long as the "
        "guest runs with it there are no snapshots and no suspending to disk.") },

  { LODGE_SECTION_TERMINAL, "monitor", LODGE_KEY_BOOLEAN, MACHINE (qemu_monitor), "false", 0, 0, NULL,
    SETTABLE, N_ ("Whether there is QEMU's own console: it can change the running machine behind "
                  "Lodge's back, and read and write every file that its QEMU can.") },

  { LODGE_SECTION_SNAPSHOTS, "schedule", LODGE_KEY_CHOICE, MACHINE (schedule), "off", 0, 0, schedules,
    SETTABLE,
    N_ ("How often a snapshot is taken by itself, where the guest has written something since the last: "
        "hourly is every so many hours, daily at midnight, weekly in the night to Monday; what fell into "
        "a time without an engine is made up for once. The first is taken at once.") },
  { LODGE_SECTION_SNAPSHOTS, "hours", LODGE_KEY_NUMBER, MACHINE (schedule_hours), "1", 1, 168, NULL,
    SETTABLE, N_ ("How many hours are between two, where the schedule is hourly.") },
  { LODGE_SECTION_SNAPSHOTS, "while-running", LODGE_KEY_BOOLEAN, MACHINE (schedule_running), "true", 0,
    0, NULL, SETTABLE,
    N_ ("Whether one is taken of a guest that runs, too, with its memory; else it waits until the "
        "guest is off.") },
  { LODGE_SECTION_SNAPSHOTS, "keep-last", LODGE_KEY_NUMBER, MACHINE (keep_last), "10", 0, 60, NULL,
    SETTABLE,
    N_ ("How many of those that were taken by themselves are kept; 0 keeps any number. One that "
        "somebody has renamed or described is not counted, and stays.") },
  { LODGE_SECTION_SNAPSHOTS, "keep-days", LODGE_KEY_NUMBER, MACHINE (keep_days), "0", 0, 3650, NULL,
    SETTABLE,
    N_ ("After how many days one that was taken by itself is deleted; 0 for never. The last of them "
        "stays.") },
  { LODGE_SECTION_SNAPSHOTS, "last", LODGE_KEY_TIME, MACHINE (scheduled_s), "1970-01-01T00:00:00Z", 0,
    0, NULL, 0, N_ ("When one was taken by itself the last time.") },

  { LODGE_SECTION_DISK, "bus", LODGE_KEY_CHOICE, offsetof (LodgeDisk, bus), "virtio", 0, 0, disk_buses,
    SETTABLE, N_ ("How the disk is connected.") },
  { LODGE_SECTION_DISK, "port", LODGE_KEY_NUMBER, offsetof (LodgeDisk, port), NULL, 0,
    LODGE_DESCRIPTION_PORTS - 1, NULL, 0,
    N_ ("The PCI Express port (virtio) or SATA port; the guest knows the disk by it.") },
  { LODGE_SECTION_DISK, "top", LODGE_KEY_ID, offsetof (LodgeDisk, top), NULL, 0, 0, NULL, 0,
    N_ ("The layer that is written to.") },
  { LODGE_SECTION_DISK, "attached", LODGE_KEY_BOOLEAN, offsetof (LodgeDisk, attached), "true", 0, 0, NULL,
    0, N_ ("Whether the guest has the disk; one that is detached keeps all that is on it.") },

  { LODGE_SECTION_LAYER, "file", LODGE_KEY_ANY_FILE, offsetof (LodgeLayer, file), NULL, 0, PATH_LENGTH,
    NULL, 0, N_ ("The image, in the machine's folder, or with its full path where it is used in "
                 "place.") },
  { LODGE_SECTION_LAYER, "format", LODGE_KEY_CHOICE_TEXT, offsetof (LodgeLayer, format), NULL, 0, 0,
    layer_formats, 0, N_ ("The image's format; never guessed again from what is in it.") },
  { LODGE_SECTION_LAYER, "size", LODGE_KEY_SIZE, offsetof (LodgeLayer, size_bytes), NULL, 512, G_MAXINT64,
    NULL, 0, N_ ("How large the disk is for the guest.") },
  { LODGE_SECTION_LAYER, "host-disk", LODGE_KEY_TEXT, offsetof (LodgeLayer, host_disk), "", 0,
    HOST_DISK_LENGTH, NULL, 0,
    N_ ("What tells the disk of this computer that is used as a whole from another under the same "
        "name; empty for an image.") },
  { LODGE_SECTION_LAYER, "below", LODGE_KEY_ID, offsetof (LodgeLayer, below), "", 0, 0, NULL,
    LODGE_KEY_NULLABLE, N_ ("The layer that this one stands on; empty for the lowest.") },
  { LODGE_SECTION_LAYER, "merge", LODGE_KEY_BOOLEAN, offsetof (LodgeLayer, merge), "false", 0, 0, NULL, 0,
    N_ ("Whether the layer, which no snapshot needs by itself any more, becomes one with what stands "
        "on it once that is a single layer.") },

  { LODGE_SECTION_NIC, "mac", LODGE_KEY_MAC, offsetof (LodgeNic, mac), NULL, 0, 0, NULL, SETTABLE,
    N_ ("The hardware address.") },
  { LODGE_SECTION_NIC, "model", LODGE_KEY_CHOICE, offsetof (LodgeNic, model), "virtio", 0, 0, nic_models,
    SETTABLE, N_ ("The network card.") },
  { LODGE_SECTION_NIC, "port", LODGE_KEY_NUMBER, offsetof (LodgeNic, port), NULL,
    LODGE_DESCRIPTION_FIRST_FREE_PORT, LODGE_DESCRIPTION_PORTS - 1, NULL, 0,
    N_ ("The PCI Express port; the guest knows the card by it.") },
  { LODGE_SECTION_NIC, "connected", LODGE_KEY_BOOLEAN, offsetof (LodgeNic, connected), "true", 0, 0, NULL,
    SETTABLE, N_ ("Whether its cable is plugged in; also while the guest runs, which keeps the card and "
                  "is told.") },
  { LODGE_SECTION_NIC, "forwards", LODGE_KEY_FORWARDS, offsetof (LodgeNic, forwards), "", 0, 0, NULL,
    SETTABLE, N_ ("What is let in from outside, as PROTO:[ADDRESS:]HOSTPORT:GUESTPORT with ';' "
                  "between.") },

  { LODGE_SECTION_MEDIA, "port", LODGE_KEY_NUMBER, offsetof (LodgeMedia, port), NULL, 0,
    LODGE_DESCRIPTION_SATA_PORTS - 1, NULL, 0, N_ ("The SATA port.") },
  { LODGE_SECTION_MEDIA, "file", LODGE_KEY_HOST_FILE, offsetof (LodgeMedia, file), "", 0, PATH_LENGTH,
    NULL, SETTABLE | LODGE_KEY_NULLABLE,
    N_ ("The image in the drive, with its full path; empty when there is none.") },

  { LODGE_SECTION_STICK, "port", LODGE_KEY_NUMBER, offsetof (LodgeStick, port), NULL,
    LODGE_DESCRIPTION_FIRST_STICK_PORT, LODGE_DESCRIPTION_USB_PORTS - 1, NULL, 0,
    N_ ("The USB port; the guest knows the stick by it.") },
  { LODGE_SECTION_STICK, "file", LODGE_KEY_HOST_FILE, offsetof (LodgeStick, file), NULL, 0, PATH_LENGTH,
    NULL, 0, N_ ("The image that the stick is made of, with its full path; the guest can only read "
                 "it.") },

  { LODGE_SECTION_SNAPSHOT, "name", LODGE_KEY_NAME, offsetof (LodgeSnapshot, name), NULL, 0, 0, NULL, 0,
    N_ ("What people call the snapshot.") },
  { LODGE_SECTION_SNAPSHOT, "description", LODGE_KEY_TEXT, offsetof (LodgeSnapshot, text), "", 0,
    LODGE_SNAPSHOT_TEXT_LENGTH, NULL, 0, N_ ("What there is to know about it.") },
  { LODGE_SECTION_SNAPSHOT, "created", LODGE_KEY_TIME, offsetof (LodgeSnapshot, created_s), NULL, 0, 0,
    NULL, 0, N_ ("When it was taken.") },
  { LODGE_SECTION_SNAPSHOT, "parent", LODGE_KEY_ID, offsetof (LodgeSnapshot, parent), "", 0, 0, NULL,
    LODGE_KEY_NULLABLE, N_ ("The snapshot that it goes on from; empty for the first.") },
  { LODGE_SECTION_SNAPSHOT, "layers", LODGE_KEY_IDS, offsetof (LodgeSnapshot, layers), "", 0, 0, NULL, 0,
    N_ ("The frozen layers of the machine's disks, with “;” between them.") },
  { LODGE_SECTION_SNAPSHOT, "memory", LODGE_KEY_BOOLEAN, offsetof (LodgeSnapshot, memory), "false",
    0, 0, NULL, 0, N_ ("Whether it holds the memory of a guest that ran, which goes on from there.") },
  { LODGE_SECTION_SNAPSHOT, "automatic", LODGE_KEY_BOOLEAN, offsetof (LodgeSnapshot, automatic), "false",
    0, 0, NULL, 0, N_ ("Whether Lodge has taken it by itself.") },
  { LODGE_SECTION_SNAPSHOT, "scheduled", LODGE_KEY_BOOLEAN, offsetof (LodgeSnapshot, scheduled), "false",
    0, 0, NULL, 0, N_ ("Whether it was taken because it was time for that, and is deleted so, too.") },
};
/* clang-format on */

const LodgeKey *
lodge_keys_get (guint *out_n_keys)
{
  *out_n_keys = G_N_ELEMENTS (keys);
  return keys;
}

const LodgeSection *
lodge_section_get (LodgeSectionKind kind)
{
  return &sections[kind];
}

LodgeSectionKind
lodge_section_find (const char *name, gssize length)
{
  gsize size = length < 0 ? strlen (name) : (gsize) length;
  guint i;

  for (i = 0; i < LODGE_N_SECTIONS; i++) {
    if (strlen (sections[i].name) == size && memcmp (sections[i].name, name, size) == 0)
      break;
  }
  return i;
}

const LodgeKey *
lodge_key_find (LodgeSectionKind section, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (keys[i].section == section && strcmp (keys[i].name, name) == 0)
      return &keys[i];
  }
  return NULL;
}

static gboolean
is_text (const LodgeKey *key)
{
  switch (key->type) {
  case LODGE_KEY_TEXT:
  case LODGE_KEY_WORD:
  case LODGE_KEY_UUID:
  case LODGE_KEY_NAME:
  case LODGE_KEY_ID:
  case LODGE_KEY_CHOICE_TEXT:
  case LODGE_KEY_MAC:
  case LODGE_KEY_HOST_FILE:
  case LODGE_KEY_OWN_FILE:
  case LODGE_KEY_ANY_FILE:
    return TRUE;
  case LODGE_KEY_VERSION:
  case LODGE_KEY_CHOICE:
  case LODGE_KEY_NUMBER:
  case LODGE_KEY_MEMORY:
  case LODGE_KEY_VIDEO_MEMORY:
  case LODGE_KEY_SIZE:
  case LODGE_KEY_BOOLEAN:
  case LODGE_KEY_FORWARDS:
  case LODGE_KEY_IDS:
  case LODGE_KEY_TIME:
    return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

static gboolean
is_list (const LodgeKey *key)
{
  return key->type == LODGE_KEY_FORWARDS || key->type == LODGE_KEY_IDS;
}

/* A number of 64 bits. */
static gboolean
is_long (const LodgeKey *key)
{
  return key->type == LODGE_KEY_SIZE || key->type == LODGE_KEY_VIDEO_MEMORY ||
         key->type == LODGE_KEY_TIME;
}

void
lodge_section_clear_values (LodgeSectionKind kind, gpointer item)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (keys[i].section != kind)
      continue;
    if (is_text (&keys[i]))
      g_clear_pointer (&G_STRUCT_MEMBER (char *, item, keys[i].offset), g_free);
    else if (is_list (&keys[i]))
      g_clear_pointer (&G_STRUCT_MEMBER (char **, item, keys[i].offset), g_strfreev);
  }
}

void
lodge_section_copy_values (LodgeSectionKind kind, gconstpointer from, gpointer to)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    gsize offset = keys[i].offset;

    if (keys[i].section != kind || keys[i].type == LODGE_KEY_VERSION)
      continue;
    if (is_text (&keys[i])) {
      g_free (G_STRUCT_MEMBER (char *, to, offset));
      G_STRUCT_MEMBER (char *, to, offset) = g_strdup (G_STRUCT_MEMBER (char *, from, offset));
    } else if (is_list (&keys[i])) {
      g_strfreev (G_STRUCT_MEMBER (char **, to, offset));
      G_STRUCT_MEMBER (char **, to, offset) = g_strdupv (G_STRUCT_MEMBER (char **, from, offset));
    } else if (is_long (&keys[i])) {
      G_STRUCT_MEMBER (guint64, to, offset) = G_STRUCT_MEMBER (guint64, from, offset);
    } else {
      G_STRUCT_MEMBER (guint, to, offset) = G_STRUCT_MEMBER (guint, from, offset);
    }
  }
}

gpointer
lodge_section_item_new (LodgeSectionKind kind, const char *id)
{
  gpointer item = g_malloc0 (sections[kind].item_size);

  *(char **) item = g_strdup (id);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (keys[i].section == kind && keys[i].fallback != NULL)
      lodge_key_parse (&keys[i], "", item);
  }
  return item;
}

void
lodge_section_item_free (LodgeSectionKind kind, gpointer item)
{
  lodge_section_clear_values (kind, item);
  g_free (*(char **) item);
  g_free (item);
}

GPtrArray *
lodge_section_get_items (LodgeSectionKind kind, const LodgeDescription *description)
{
  g_return_val_if_fail (sections[kind].item_size != 0, NULL);

  return G_STRUCT_MEMBER (GPtrArray *, description, sections[kind].array_offset);
}

gpointer
lodge_section_find_item (LodgeSectionKind kind, const LodgeDescription *description, const char *id)
{
  GPtrArray *items = lodge_section_get_items (kind, description);

  for (guint i = 0; i < items->len; i++) {
    char **item = g_ptr_array_index (items, i);

    if (g_strcmp0 (*item, id) == 0)
      return item;
  }
  return NULL;
}

gboolean
lodge_section_is_id_taken (const LodgeDescription *description, const char *id)
{
  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    if (sections[kind].item_size != 0 && lodge_section_find_item (kind, description, id) != NULL)
      return TRUE;
  }
  return FALSE;
}
