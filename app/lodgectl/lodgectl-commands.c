/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands. Parsing, help, completion and the man page are made from it. */
#include "lodge-firmware.h"
#include "lodgectl-command.h"
#include "lodgectl-handlers.h"

#include <glib/gi18n.h>

const char *const lodgectl_states[] = {"off",        "starting", "running", "paused",
                                       "suspending", "stopping", "crashed", "suspended",
                                       "template",   NULL};

static const char *const buses[] = {"virtio", "sata", NULL};
static const char *const image_formats[] = {"qcow2", "raw", "vmdk", "vhdx", "vdi", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};

/* clang-format off */
#define NAMES                                                                                      \
  { .name = "names", .sentence = N_ ("print the names only, one per line") }
#define NO_START                                                                                   \
  { .name = "no-start",                                                                            \
    .sentence = N_ ("fail rather than start the engine when none is running") }
#define MACHINE { .name = "NAME", .kind = LODGECTL_KIND_MACHINE }
#define DISK { .name = "DISK", .kind = LODGECTL_KIND_DISK }
#define SNAPSHOT { .name = "SNAPSHOT", .kind = LODGECTL_KIND_SNAPSHOT }
#define JSON \
  { .name = "json", .sentence = N_ ("print JSON, for scripts") }
#define TIMEOUT \
  { .name = "timeout", .kind = LODGECTL_KIND_TEXT, .value = "SECONDS", \
    .sentence = N_ ("give up after so many seconds; else wait for as long as it takes") }
#define NIC \
  { .name = "nic", .kind = LODGECTL_KIND_TEXT, .value = "ID", \
    .sentence = N_ ("the network card, such as nic0; else the first") }
#define DRIVE                                                                                      \
  { .name = "drive", .kind = LODGECTL_KIND_TEXT, .value = "ID",                                    \
    .sentence = N_ ("the drive, by its id in the description; without it the first") }
#define PASSPHRASE_FD                                                                              \
  { .name = "passphrase-fd", .kind = LODGECTL_KIND_TEXT, .value = "N",                             \
    .sentence = N_ ("read the passphrase from a line of the open file with this number, such as 0 " \
                    "for the standard input, instead of asking for it in the terminal") }
#define REMEMBER                                                                                   \
  { .name = "remember",                                                                            \
    .sentence = N_ ("keep the key in your keyring, which opens the machine from then on") }
#define FORCE                                                                                      \
  { .name = "force", .sentence = N_ ("also when the guest holds what is in the drive") }

const LodgectlCommand lodgectl_commands[] = {
  {
    .verb = "host",
    .sentence = N_ ("Say what this computer can do for guests, and what would help."),
    .details = N_ ("What was measured is kept until the kernel, QEMU or the processor changes."),
    .options = {
      { .name = "fresh", .sentence = N_ ("measure again instead of using what is kept") },
      JSON,
    },
    .handler = lodgectl_host,
  },
  {
    .verb = "create",
    .arguments = { { .name = "NAME", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Make a machine."),
    .details = N_ ("What is not given is chosen to suit the operating system, which is recognized "
                   "from the installer image where possible. Nothing is left behind when it "
                   "fails or is stopped with Ctrl+C."),
    .options = {
      { .name = "media", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("an installer image, put into the drive") },
      { .name = "installer", .kind = LODGECTL_KIND_TEXT, .value = "ID",
        .sentence = N_ ("an installer that this computer has already, from “lodgectl "
                        "installers”; it is started once") },
      { .name = "kernel", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("a Linux kernel to boot, at every start until “set NAME boot.kernel=” "
                        "takes it away") },
      { .name = "initrd", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("the initial RAM disk for --kernel") },
      { .name = "append", .kind = LODGECTL_KIND_TEXT, .value = "TEXT",
        .sentence = N_ ("the command line for --kernel") },
      { .name = "disk", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("a disk image, copied in as the first disk") },
      { .name = "in-place",
        .sentence = N_ ("use the image of --disk where it is instead of copying it; deleting the "
                        "machine leaves it") },
      { .name = "disk-size", .kind = LODGECTL_KIND_TEXT, .value = "SIZE",
        .sentence = N_ ("the size of a new, empty disk, such as 20G; 0 for no disk") },
      { .name = "memory", .kind = LODGECTL_KIND_TEXT, .value = "SIZE",
        .sentence = N_ ("the memory, such as 4G or 512M") },
      { .name = "cpus", .kind = LODGECTL_KIND_TEXT, .value = "N",
        .sentence = N_ ("the number of processors") },
      { .name = "firmware", .kind = LODGECTL_KIND_CHOICE, .value = "KIND", .choices = lodge_firmware_names,
        .sentence = N_ ("the firmware: bios, uefi, or uefi-secure (UEFI with Secure Boot)") },
      { .name = "tpm", .sentence = N_ ("give it a TPM 2.0") },
      { .name = "os", .kind = LODGECTL_KIND_TEXT, .value = "ID",
        .sentence = N_ ("the operating system, by its short id in libosinfo, such as debian12") },
      { .name = "encrypt",
        .sentence = N_ ("encrypt what the guest writes; a passphrase is asked for, or made up and "
                        "shown") },
      PASSPHRASE_FD,
      REMEMBER,
      JSON,
    },
    .handler = lodgectl_create,
  },
  {
    .verb = "list",
    .sentence = N_ ("List the machines."),
    .options = {
      NAMES,
      { .name = "no-start",
        .sentence = N_ ("list nothing rather than start the engine when none is running") },
      JSON,
    },
    .handler = lodgectl_list,
  },
  {
    .verb = "show",
    .arguments = { MACHINE },
    .sentence = N_ ("Show a machine and every key of its description."),
    .options = { JSON },
    .handler = lodgectl_show,
  },
  {
    .verb = "set",
    .arguments = { MACHINE,
                   { .name = "KEY=VALUE", .kind = LODGECTL_KIND_TEXT, .many = TRUE } },
    .sentence = N_ ("Change keys of a machine's description, all of them or none."),
    .details = N_ ("The keys are those that “lodgectl show” prints. An empty value takes the key's "
                   "default again. Most changes are seen by the guest at its next start; what it shares with this "
                   "computer and whether its network cables are plugged in changes at once."),
    .handler = lodgectl_set,
  },
  {
    .verb = "start",
    .arguments = { MACHINE },
    .sentence = N_ ("Start a machine; one that is suspended goes on from where it was."),
    .options = {
      { .name = "discard-suspended",
        .sentence = N_ ("give up the memory of a guest that is suspended and start it anew, which "
                        "for it is a loss of power at the time when it was suspended") },
      { .name = "disposable",
        .sentence = N_ ("keep nothing of this run: what the guest writes to its disks, its "
                        "firmware’s variables and its TPM is gone when it ends, however it ends") },
      PASSPHRASE_FD,
      REMEMBER,
    },
    .handler = lodgectl_start,
  },
  {
    .verb = "pause",
    .arguments = { MACHINE },
    .sentence = N_ ("Stop the guest where it is, in memory."),
    .handler = lodgectl_pause,
  },
  {
    .verb = "resume",
    .arguments = { MACHINE },
    .sentence = N_ ("Let a guest that is paused or suspended go on."),
    .handler = lodgectl_resume,
  },
  {
    .verb = "suspend",
    .arguments = { MACHINE },
    .sentence = N_ ("Write a guest's memory to disk and end it; the next start goes on from there."),
    .details = N_ ("The guest runs on while its memory is written, and stands still only for what "
                   "is left. What is suspended stays so when this computer is switched off. When it fails or "
                   "is stopped with Ctrl+C, the guest goes on and nothing is left behind."),
    .options = { JSON },
    .handler = lodgectl_suspend,
  },
  {
    .verb = "shutdown",
    .arguments = { MACHINE },
    .sentence = N_ ("Press the power button, so that the guest shuts itself down."),
    .details = N_ ("Returns at once unless --wait is given; a guest may take its time, ask its "
                   "user, or ignore the button."),
    .options = {
      { .name = "wait", .sentence = N_ ("wait until the machine is off") },
      TIMEOUT,
    },
    .handler = lodgectl_shutdown,
  },
  {
    .verb = "wake",
    .arguments = { MACHINE },
    .sentence = N_ ("Wake a guest that has suspended itself to memory."),
    .handler = lodgectl_wake,
  },
  {
    .verb = "reset",
    .arguments = { MACHINE },
    .sentence = N_ ("Press the reset button: the guest starts anew without being asked."),
    .handler = lodgectl_reset,
  },
  {
    .verb = "kill",
    .arguments = { MACHINE },
    .sentence = N_ ("Pull the plug: the guest is gone at once, and what it had not written is "
                    "lost."),
    .handler = lodgectl_kill,
  },
  {
    .verb = "delete",
    .arguments = { MACHINE },
    .sentence = N_ ("Delete a machine that is off, with its disks."),
    .details = N_ ("Files outside the machine's folder are left alone: installer images, and disks "
                   "used in place."),
    .handler = lodgectl_delete,
  },
  {
    .verb = "clone",
    .arguments = { MACHINE, { .name = "NEW", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Make a machine of another one, also while that runs."),
    .details = N_ ("The new machine has the hardware, the disks, the firmware's variables and the "
                   "TPM of the other, and an identity of its own: UUID, VM generation id and "
                   "network addresses. It has no forwards. Of a guest that runs it has the disks "
                   "as they are at this moment, as after a power cut. Whatever is shared stays as "
                   "long as one of the machines needs it. Nothing is left behind when it fails or "
                   "is stopped with Ctrl+C."),
    .options = {
      { .name = "linked",
        .sentence = N_ ("share what is on the disks now, which takes no time and no room, instead "
                        "of copying it") },
      { .name = "snapshot", .kind = LODGECTL_KIND_SNAPSHOT, .value = "SNAPSHOT",
        .sentence = N_ ("what the machine was in a snapshot, instead of what it is now") },
      JSON,
    },
    .handler = lodgectl_clone,
  },
  {
    .verb = "accept",
    .arguments = { MACHINE,
                   { .name = "FILE", .kind = LODGECTL_KIND_FILE, .optional = TRUE, .many = TRUE } },
    .sentence = N_ ("Let a machine whose folder came from elsewhere have files of this computer."),
    .details = N_ ("Images, kernels and firmware that such a machine names outside of its folder are "
                   "not given to its guest before they are accepted: until then it does not start. "
                   "Without a file, those that wait for that are listed, each as it has to be "
                   "given."),
    .options = { JSON },
    .handler = lodgectl_accept,
  },
  {
    .verb = "unlock",
    .arguments = { MACHINE },
    .sentence = N_ ("Open an encrypted machine with its passphrase."),
    .details = N_ ("Whatever needs that asks for it where there is a terminal; this is for scripts, "
                   "and for what comes later. It stays unlocked while its guest runs or it is worked on, and "
                   "15 minutes longer."),
    .options = { PASSPHRASE_FD, REMEMBER },
    .handler = lodgectl_unlock,
  },
  {
    .verb = "lock",
    .arguments = { MACHINE },
    .sentence = N_ ("Wipe the key of an encrypted machine that is off from the engine's memory."),
    .details = N_ ("What is kept in your keyring opens it again."),
    .handler = lodgectl_lock,
  },
  {
    .verb = "encrypt",
    .arguments = { MACHINE },
    .sentence = N_ ("Encrypt a machine that exists and is off."),
    .details = N_ ("A passphrase is asked for, or made up and shown; without it, or the key in a "
                   "keyring, nobody can read the machine again. Its disks, the firmware's "
                   "variables, the TPM's state and the memory in its snapshots are written anew, "
                   "and until that is done all of it takes the room of two. What was there before is "
                   "deleted, not overwritten: until something else takes its place on the medium, who "
                   "has that can find it. Clones and copies that were made before stay as they are. "
                   "When it fails or is stopped with Ctrl+C, the machine is as it was."),
    .options = { PASSPHRASE_FD, REMEMBER, JSON },
    .handler = lodgectl_encrypt,
  },
  {
    .verb = "decrypt",
    .arguments = { MACHINE },
    .sentence = N_ ("Write an encrypted machine that is off in clear again."),
    .details = N_ ("From then on whoever can read its folder can read its disks. Until that is done all "
                   "of it takes the room of two. The keyring forgets its key."),
    .options = { PASSPHRASE_FD, JSON },
    .handler = lodgectl_decrypt,
  },
  {
    .verb = "wait",
    .arguments = { MACHINE,
                   { .name = "STATE", .kind = LODGECTL_KIND_CHOICE, .choices = lodgectl_states } },
    .sentence = N_ ("Wait until a machine is in a state."),
    .options = { TIMEOUT },
    .handler = lodgectl_wait,
  },
  {
    .verb = "screenshot",
    .arguments = { MACHINE, { .name = "FILE.png", .kind = LODGECTL_KIND_FILE } },
    .sentence = N_ ("Save what the guest shows now as a PNG."),
    .details = N_ ("With “-” as the file it goes to the standard output."),
    .handler = lodgectl_screenshot,
  },
  {
    .verb = "type",
    .arguments = { MACHINE, { .name = "TEXT", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Type a text on the guest's keyboard."),
    .details = N_ ("The keys are those of a US keyboard: a guest set to another layout reads "
                   "others."),
    .options = { { .name = "enter", .sentence = N_ ("press Enter behind it") } },
    .handler = lodgectl_type,
  },
  {
    .verb = "key",
    .arguments = { MACHINE, { .name = "KEYS", .kind = LODGECTL_KIND_TEXT, .many = TRUE } },
    .sentence = N_ ("Press keys together, such as ctrl+alt+delete; several in turn."),
    .handler = lodgectl_key,
  },
  {
    .verb = "explain",
    .arguments = { MACHINE },
    .sentence = N_ ("Print the QEMU command of a machine with the reason for each argument."),
    .options = { JSON },
    .handler = lodgectl_explain,
  },
  {
    .verb = "console",
    .arguments = { MACHINE },
    .sentence = N_ ("Open a window with the guest's screen."),
    .details = N_ ("One window at a time shows a guest: opening another one takes over. Closing "
                   "the window leaves the guest running."),
    .handler = lodgectl_console,
  },
  {
    .verb = "serial",
    .arguments = { MACHINE },
    .sentence = N_ ("Connect this terminal to the guest's serial port."),
    .details = N_ ("Ctrl+] leaves, and the guest goes on. First comes the last that was written "
                   "before. A Linux guest uses the port when its kernel is started with "
                   "console=ttyS0. What the guest writes goes to this terminal as it is. Several "
                   "can be connected at a time."),
    .options = {
      { .name = "log", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("write it to a file, too, behind what is there, as plain text and at most "
                        "256 MiB") },
      { .name = "monitor",
        .sentence = N_ ("connect to QEMU's own console instead; only with terminal.monitor=yes") },
    },
    .handler = lodgectl_serial,
  },
  {
    .noun = "media",
    .verb = "insert",
    .arguments = { MACHINE, { .name = "FILE", .kind = LODGECTL_KIND_FILE } },
    .sentence = N_ ("Put the image of a CD or DVD into a drive, also while the guest runs."),
    .details = N_ ("What is in the drive is taken out first. A guest that holds it is asked to let "
                   "go, and has some seconds for that."),
    .options = {
      DRIVE, FORCE,
      { .name = "usb",
        .sentence = N_ ("plug the image in as a USB stick instead, which the guest can only read; "
                        "prints its id, with which “media eject --drive” unplugs it") },
      JSON,
    },
    .handler = lodgectl_media_insert,
  },
  {
    .noun = "media",
    .verb = "eject",
    .arguments = { MACHINE },
    .sentence = N_ ("Take out what is in a drive, or unplug a USB stick made of an image."),
    .options = { DRIVE, FORCE, JSON },
    .handler = lodgectl_media_eject,
  },
  {
    .noun = "disk",
    .verb = "list",
    .arguments = { MACHINE },
    .sentence = N_ ("List a machine's disks, with what each takes of this computer's."),
    .details = N_ ("Snapshots and clones put layers on a disk; what a layer shared with another "
                   "machine takes is counted for both."),
    .options = { NAMES, NO_START, JSON },
    .handler = lodgectl_disk_list,
  },
  {
    .noun = "disk",
    .verb = "add",
    .arguments = { MACHINE,
                   { .name = "SIZE", .kind = LODGECTL_KIND_TEXT, .optional = TRUE } },
    .sentence = N_ ("Give a machine a new disk, also while its guest runs."),
    .details = N_ ("SIZE is what the guest sees, such as 40G; the disk takes only what is written "
                   "to it. With --from it may be left out, or be more than the image has. Its id "
                   "is printed. A guest that runs gets it at once, if it is a virtio disk; SATA "
                   "disks can be added only to a machine that is off. As long as a machine has a "
                   "disk of this computer there are no snapshots and no clones of it, and it is "
                   "not suspended."),
    .options = {
      { .name = "from", .kind = LODGECTL_KIND_FILE, .value = "FILE",
        .sentence = N_ ("a disk image (qcow2, raw, vmdk, vhdx, vdi, vpc, qed), which is copied; "
                        "else the disk is empty") },
      { .name = "bus", .kind = LODGECTL_KIND_CHOICE, .value = "BUS", .choices = buses,
        .sentence = N_ ("what it is connected by: virtio or sata; else as the first disk") },
      { .name = "host-disk", .kind = LODGECTL_KIND_FILE, .value = "PATH",
        .sentence = N_ ("a disk or partition of this computer, as a whole, which nothing here "
                        "uses: its path in /dev/disk/by-id or /dev/disk/by-partuuid") },
      { .name = "yes", .sentence = N_ ("with --host-disk: the guest may destroy all that is on it") },
      JSON,
    },
    .handler = lodgectl_disk_add,
  },
  {
    .noun = "disk",
    .verb = "grow",
    .arguments = { MACHINE, DISK, { .name = "SIZE", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Make a disk larger, also while the guest runs."),
    .details = N_ ("SIZE is what it has then, such as 40G; a disk is never made smaller. It takes "
                   "only what is written to it, so SIZE may be more than this computer has room "
                   "for. The guest then has to enlarge the partition and the file system. "
                   "Snapshots keep the size that the disk had: going back to one brings that "
                   "back."),
    .options = { JSON },
    .handler = lodgectl_disk_grow,
  },
  {
    .noun = "disk",
    .verb = "remove",
    .arguments = { MACHINE, DISK },
    .sentence = N_ ("Remove a disk of a machine, with all that is on it."),
    .details = N_ ("Snapshots that have the disk keep it. An image that is used in place is left "
                   "alone. While the guest runs, unmount the disk there first: the guest is asked "
                   "to let go of it, and has a minute for that; Ctrl+C gives up. SATA disks, and "
                   "the first disk, can be removed only while the machine is off. To keep what is "
                   "on it, detach it instead."),
    .options = {
      { .name = "yes", .sentence = N_ ("also the first disk, from which the machine starts") },
      JSON,
    },
    .handler = lodgectl_disk_remove,
  },
  {
    .noun = "disk",
    .verb = "detach",
    .arguments = { MACHINE, DISK },
    .sentence = N_ ("Take a disk from a guest, and keep it with all that is on it."),
    .details = N_ ("It stays the machine's: snapshots and clones have it, and going back to a "
                   "snapshot makes it what it was then, also attached or detached. While the guest "
                   "runs, unmount the disk there first: the guest is asked to let go of it, and "
                   "has a minute for that; Ctrl+C gives up. SATA disks, and the disk that the "
                   "machine starts from, can be detached only while it is off."),
    .options = {
      { .name = "yes", .sentence = N_ ("also the disk that the machine starts from") },
      JSON,
    },
    .handler = lodgectl_disk_detach,
  },
  {
    .noun = "disk",
    .verb = "attach",
    .arguments = { MACHINE, DISK },
    .sentence = N_ ("Give a guest a disk again that was detached."),
    .details = N_ ("A guest that runs gets it at once, if it is a virtio disk behind the one that "
                   "it has started from."),
    .options = { JSON },
    .handler = lodgectl_disk_attach,
  },
  {
    .noun = "disk",
    .verb = "compact",
    .arguments = { MACHINE, DISK },
    .sentence = N_ ("Give back what a disk takes of this computer's and has no use for."),
    .details = N_ ("The machine must be off. What a snapshot needs, and what a clone shares, stays "
                   "as it is. What the guest has deleted counts only if it has told the disk so "
                   "(fstrim -a in Linux), or has written zeros. While it is written, what is in "
                   "use is there twice."),
    .options = { JSON },
    .handler = lodgectl_disk_compact,
  },
  {
    .noun = "disk",
    .verb = "convert",
    .arguments = { MACHINE, DISK,
                   { .name = "FORMAT", .kind = LODGECTL_KIND_CHOICE, .choices = image_formats },
                   { .name = "FILE", .kind = LODGECTL_KIND_FILE } },
    .sentence = N_ ("Write what a disk holds into an image for other programs."),
    .details = N_ ("FORMAT is qcow2, raw, vmdk, vhdx or vdi. The machine must be off, unless a "
                   "snapshot's disk is wanted. FILE appears when it is whole; nothing is left "
                   "behind when it fails or is stopped with Ctrl+C."),
    .options = {
      { .name = "snapshot", .kind = LODGECTL_KIND_SNAPSHOT, .value = "SNAPSHOT",
        .sentence = N_ ("the disk as it is in this snapshot; also while the machine runs") },
      { .name = "force", .sentence = N_ ("replace a file that is there") },
      JSON,
    },
    .handler = lodgectl_disk_convert,
  },
  {
    .noun = "passphrase",
    .verb = "change",
    .arguments = { MACHINE },
    .sentence = N_ ("Give an encrypted machine another passphrase."),
    .details = N_ ("At once, whatever the size of its disks. Copies of its folder and clones of it, "
                   "which were made before, keep the passphrase that it had. With --passphrase-fd the "
                   "first line is the passphrase that it has, the second the new one."),
    .options = { PASSPHRASE_FD },
    .handler = lodgectl_passphrase_change,
  },
  {
    .noun = "passphrase",
    .verb = "remember",
    .arguments = { MACHINE },
    .sentence = N_ ("Keep an encrypted machine's key in your keyring, which opens it from then on."),
    .options = { PASSPHRASE_FD },
    .handler = lodgectl_passphrase_remember,
  },
  {
    .noun = "passphrase",
    .verb = "forget",
    .arguments = { MACHINE },
    .sentence = N_ ("Take an encrypted machine's key out of your keyring."),
    .handler = lodgectl_passphrase_forget,
  },
  {
    .noun = "forward",
    .verb = "add",
    .arguments = { MACHINE, { .name = "RULE", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Let connections to a port of this computer in to the guest, also while it "
                    "runs."),
    .details = N_ ("A rule is PROTO:[ADDRESS:]HOSTPORT:GUESTPORT, such as tcp:2222:22. Without "
                   "an address only this computer itself can connect."),
    .options = { NIC },
    .handler = lodgectl_forward_add,
  },
  {
    .noun = "forward",
    .verb = "remove",
    .arguments = { MACHINE, { .name = "RULE", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Take such a rule away."),
    .options = { NIC },
    .handler = lodgectl_forward_remove,
  },
  {
    .noun = "forward",
    .verb = "list",
    .arguments = { MACHINE },
    .sentence = N_ ("List the rules of a machine."),
    .options = { JSON },
    .handler = lodgectl_forward_list,
  },
  {
    .noun = "guest",
    .verb = "get",
    .arguments = { MACHINE, { .name = "PATH", .kind = LODGECTL_KIND_TEXT, .many = TRUE } },
    .sentence = N_ ("Copy files out of a guest that runs."),
    .details = N_ ("Each PATH is whole, as the guest has it: /srv/a.txt, or C:\\a.txt. The guest needs "
                   "qemu-guest-agent, and the machine its key sharing.files-out set. A file is called here as "
                   "there, with a number where that name is taken, and appears when it is whole; the paths "
                   "are printed. Ctrl+C stops at the file that is on its way."),
    .options = {
      { .name = "to", .kind = LODGECTL_KIND_FILE, .value = "FOLDER",
        .sentence = N_ ("where they come to; else the current folder") },
      JSON,
    },
    .handler = lodgectl_guest_get,
  },
  {
    .noun = "snapshot",
    .verb = "check",
    .arguments = { MACHINE },
    .sentence = N_ ("Say whether a snapshot can be taken now, and what it takes."),
    .details = N_ ("Of a guest that runs also for how long it will stand still, about. Where none "
                   "can be taken it fails, with what is in the way."),
    .options = { JSON },
    .handler = lodgectl_snapshot_check,
  },
  {
    .noun = "snapshot",
    .verb = "create",
    .arguments = { MACHINE,
                   { .name = "SNAPSHOT", .kind = LODGECTL_KIND_TEXT, .optional = TRUE } },
    .sentence = N_ ("Take a snapshot of a machine."),
    .details = N_ ("It keeps the disks, the firmware's variables, the TPM and the description as "
                   "they are, and of a guest that runs the memory; the guest goes on meanwhile. "
                   "Without a name it is called by the time, which is printed. Nothing "
                   "is left behind when it fails or is stopped with Ctrl+C."),
    .options = {
      { .name = "description", .kind = LODGECTL_KIND_TEXT, .value = "TEXT",
        .sentence = N_ ("what there is to know about it, on one line") },
      JSON,
    },
    .handler = lodgectl_snapshot_create,
  },
  {
    .noun = "snapshot",
    .verb = "list",
    .arguments = { MACHINE },
    .sentence = N_ ("Show the tree of a machine's snapshots, and what each takes of the disk."),
    .options = { NAMES, NO_START, JSON },
    .handler = lodgectl_snapshot_list,
  },
  {
    .noun = "snapshot",
    .verb = "revert",
    .arguments = { MACHINE, SNAPSHOT },
    .sentence = N_ ("Make a machine what it was in a snapshot."),
    .details = N_ ("What it is now becomes a snapshot first, so that nothing is lost. Its name, "
                   "what is shared with it, its forwards and how its window shows it stay as they "
                   "are. A guest that ran when the snapshot was taken goes on from there. One that "
                   "runs now is ended, and its memory is in the snapshot that it becomes; with "
                   "--discard all that it has done since is lost, once the machine has gone back."),
    .options = {
      { .name = "keep-as", .kind = LODGECTL_KIND_TEXT, .value = "NAME",
        .sentence = N_ ("the name of the snapshot that it becomes") },
      { .name = "discard", .sentence = N_ ("lose what it is now instead") },
      { .name = "without-memory",
        .sentence = N_ ("leave the machine off with the disks of then, also where the snapshot has "
                        "its guest's memory: a loss of power at that time") },
      JSON,
    },
    .handler = lodgectl_snapshot_revert,
  },
  {
    .noun = "snapshot",
    .verb = "delete",
    .arguments = { MACHINE, SNAPSHOT },
    .sentence = N_ ("Delete a snapshot; what goes on from it stays whole."),
    .details = N_ ("It is forgotten at once, also while the machine runs. Its layer then becomes "
                   "part of the next one, which takes a while: Ctrl+C leaves that for the next "
                   "time that the machine is off. While it runs, layers of several deleted "
                   "snapshots become one by themselves, in the background."),
    .options = { JSON },
    .handler = lodgectl_snapshot_delete,
  },
  {
    .noun = "snapshot",
    .verb = "describe",
    .arguments = { MACHINE, SNAPSHOT,
                   { .name = "TEXT", .kind = LODGECTL_KIND_TEXT } },
    .sentence = N_ ("Change what is said about a snapshot, and its name."),
    .options = {
      { .name = "name", .kind = LODGECTL_KIND_TEXT, .value = "NAME",
        .sentence = N_ ("another name for it") },
    },
    .handler = lodgectl_snapshot_describe,
  },
  {
    .noun = "template",
    .verb = "set",
    .arguments = { MACHINE },
    .sentence = N_ ("Make a machine a template, which others are made from and which does not change."),
    .details = N_ ("As long as it is one it cannot be started, and nothing of it can be set but its "
                   "name. It has to be off for that. “clone” makes machines from it; the first "
                   "linked one freezes what is on its disks, and the others share that."),
    .handler = lodgectl_template_set,
  },
  {
    .noun = "template",
    .verb = "unset",
    .arguments = { MACHINE },
    .sentence = N_ ("Make a template a machine like any other again."),
    .details = N_ ("Also while there are machines that were made from it: what they share with it is "
                   "frozen, and whatever it then writes it writes beside that."),
    .handler = lodgectl_template_unset,
  },
  {
    .verb = "host-disks",
    .sentence = N_ ("List the disks of this computer that a machine could be given as a whole."),
    .details = N_ ("Each with what is in the way of that now: “disk add --host-disk” takes only what "
                   "nothing here uses."),
    .options = { JSON },
    .handler = lodgectl_host_disks,
  },
  {
    .verb = "installers",
    .sentence = N_ ("List the installers that this computer has already."),
    .options = { JSON },
    .handler = lodgectl_installers,
  },
  {
    .verb = "jobs",
    .sentence = N_ ("List long work that is under way or has just ended."),
    .options = { JSON },
    .handler = lodgectl_jobs,
  },
  {
    .noun = "engine",
    .verb = "stop",
    .sentence = N_ ("End the engine. Guests go on running, and the next engine finds them."),
    .handler = lodgectl_engine_stop,
  },
  {
    .verb = "completion",
    .arguments = { { .name = "SHELL", .kind = LODGECTL_KIND_CHOICE, .choices = shells } },
    .sentence = N_ ("Print the completion script for bash, zsh or fish."),
    .handler = lodgectl_completion,
  },
  {
    .verb = "version",
    .sentence = N_ ("Print the version of lodgectl, and of the engine when it is running."),
    .options = { JSON },
    .handler = lodgectl_version,
  },
  {
    .verb = "help",
    .arguments = { { .name = "COMMAND", .kind = LODGECTL_KIND_COMMAND, .optional = TRUE,
                     .many = TRUE } },
    .sentence = N_ ("Explain all commands, or one."),
    .options = {
      { .name = "man", .kind = LODGECTL_KIND_FILE, .value = "TEMPLATE", .hidden = TRUE },
    },
    .handler = lodgectl_help,
  },
};
/* clang-format on */

const guint lodgectl_n_commands = G_N_ELEMENTS (lodgectl_commands);

const LodgectlCommand *
lodgectl_command_find (const char *noun, const char *verb)
{
  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (g_strcmp0 (lodgectl_commands[i].noun, noun) == 0 &&
        g_str_equal (lodgectl_commands[i].verb, verb))
      return &lodgectl_commands[i];
  return NULL;
}

gboolean
lodgectl_command_is_noun (const char *word)
{
  for (guint i = 0; i < lodgectl_n_commands; i++)
    if (g_strcmp0 (lodgectl_commands[i].noun, word) == 0)
      return TRUE;
  return FALSE;
}

char *
lodgectl_command_dup_name (const LodgectlCommand *self)
{
  return self->noun != NULL ? g_strconcat (self->noun, " ", self->verb, NULL)
                            : g_strdup (self->verb);
}

char *
lodgectl_command_dup_usage (const LodgectlCommand *self)
{
  GString *usage = g_string_new (NULL);

  for (guint i = 0; self->arguments[i].name != NULL; i++) {
    const LodgectlArgument *argument = &self->arguments[i];

    g_string_append_printf (usage, "%s%s%s%s%s", usage->len > 0 ? " " : "",
                            argument->optional ? "[" : "", argument->name,
                            argument->many ? "..." : "", argument->optional ? "]" : "");
  }
  for (guint i = 0; self->options[i].name != NULL; i++) {
    const LodgectlOption *option = &self->options[i];

    if (!option->hidden)
      g_string_append_printf (usage, "%s[--%s%s%s]", usage->len > 0 ? " " : "", option->name,
                              option->value != NULL ? " " : "",
                              option->value != NULL ? option->value : "");
  }
  return g_string_free (usage, FALSE);
}
