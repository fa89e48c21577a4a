#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian is installed to its end through Lodge's windows, and used after that.

test-install.py BUILD

Everything in the guest is done with keys and clicks in the windows, by what can be read in their
pictures; the packages come from the mirror of the host's own apt. Where that mirror has the parts
of Debian's installer (.udeb), the graphical installer is led through all its questions; where it
has only packages, Debian is installed by hand with debootstrap, from a Debian in the guest's memory.

With LODGE_INSTALL_FOLDER=FOLDER the machine and the pictures of all steps stay in that folder, and
a second run goes on where the first has stopped.
"""
import json
import os
import re
import sys
import time

from debian import Mirror
from lodge_system import Failed, Lodge, main, run, wait_for
from reading import Screen

HOSTNAME = "guesthouse"
ROOT_PASSWORD = "lodge"
FULL_NAME = "The quick brown fox jumps over the lazy dog 0123456789"
# The longest step, under software emulation on a computer that does other things too.
STEP_S = 3600

build = sys.argv[1]
folder = os.environ.get("LODGE_INSTALL_FOLDER")
lodge = Lodge(build, folder)
mirror = Mirror()
# What the library calls the first machine that it makes of the built-in installer.
NAME = f"Debian {mirror.version}"
screen = None
began = time.monotonic()


def note(text):
    """What happened when, as a comment in the TAP."""
    seconds = int(time.monotonic() - began)
    print(f"# {seconds // 60:3d}:{seconds % 60:02d} {text}", flush=True)


def state():
    rows = json.loads(lodge.ctl("list", "--json").stdout)
    return next((row["state"] for row in rows if row["name"] == NAME), None)


def wait_for_words(words, seconds=STEP_S):
    wait_for(f"“{words}” on the screen", lambda: screen.read() and screen.has(words),
             seconds=seconds, pause=2)


# ---- the graphical installer's questions


def two_passwords():
    """Two fields on one page: the second is found by the words above it."""
    screen.key("ctrl+a")
    screen.type(ROOT_PASSWORD)
    screen.click("Re-enter password", below=28)
    screen.key("ctrl+a")
    screen.type(ROOT_PASSWORD)
    screen.key("Return")


def text(words):
    def answer():
        screen.key("ctrl+a")
        screen.type(words)
        wait_for_words(words, seconds=120)
        screen.key("Return")
    return answer


def mirror_by_hand():
    screen.key("ctrl+a")
    screen.type(mirror.host)
    screen.click("mirror directory", below=28)
    screen.key("ctrl+a")
    screen.type(mirror.path)
    wait_for_words(mirror.host, seconds=120)
    screen.key("Return")


def keys(*names):
    def answer():
        for name in names:
            screen.key(name)
    return answer


def choose(words):
    def answer():
        screen.click(words)
        screen.key("Return")
    return answer


def fail():
    raise Failed(f"the installer says: {screen.text}")


# Words of a question, and what answers it. The first that is on the screen counts.
QUESTIONS = [
    ("Bad archive mirror", fail),
    ("Architecture not supported", fail),
    ("Downloading a file failed", fail),
    ("Password input error", fail),
    ("Installation step failed", fail),
    ("Debootstrap Error", fail),
    ("Cannot access repository", keys("Return")),
    ("Choose the language to be used", keys("Return")),
    ("Country, territory or area", keys("Return")),
    ("Keymap to use", keys("Return")),
    ("Please enter the hostname for this system", text(HOSTNAME)),
    ("The domain name is the part", keys("Return")),
    ("Debian archive mirror country", keys("Home", "Return")),
    ("Please enter the hostname of the mirror", mirror_by_hand),
    ("HTTP proxy information", keys("Return")),
    ("You need to set a password for root", two_passwords),
    ("Full name for the new user", text(FULL_NAME)),
    ("Username for your account", keys("Return")),
    ("Choose a password for the new user", two_passwords),
    ("Select your time zone", keys("Return")),
    ("Partitioning method", keys("Return")),
    ("Select disk to partition", keys("Return")),
    ("Partitioning scheme", keys("Return")),
    ("Write the changes to disks", choose("Yes")),
    ("overview of your currently configured partitions", keys("Return")),
    ("Participate in the package usage survey", keys("Return")),
    # The three that are chosen at first: a desktop, which desktop, and the usual tools.
    ("Choose software to install", keys("Home", "space", "Down", "space", "End", "space", "Return")),
    ("Install the GRUB boot loader to your primary drive", keys("Return")),
    ("Device for boot loader installation", choose("/dev/vda")),
    ("Installation complete", None),
]


def question():
    """The row of QUESTIONS that the screen shows. Its buttons are drawn last: before, it is not yet
    to be answered."""
    if not screen.read() or not screen.has("Continue"):
        return None
    return next((row for row in QUESTIONS if screen.has(row[0])), None)


def answer_questions():
    answered = None
    last = time.monotonic()
    while True:
        row = question()
        if row is None or row == answered:
            # A question that stays was perhaps not ready for its answer when it came.
            if row is not None and time.monotonic() - last > 180:
                answered = None
            if time.monotonic() - last > STEP_S:
                raise Failed(f"no question for {STEP_S} s; the screen reads: {screen.text}")
            time.sleep(2)
            continue
        words, answer = row
        note(f"question: {words}")
        screen.keep(words)
        if answer is None:
            screen.key("Return")
            return
        answer()
        answered, last = row, time.monotonic()
        time.sleep(2)


# ---- by hand

# Under emulation a sync after each file, and an initramfs that compresses every driver there is, take
# most of the time.
SMALL_INITRAMFS = ("MODULES=list", "COMPRESS=gzip")
DRIVERS = ("virtio_pci", "virtio_blk", "ext4")
APT = "chroot /mnt env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Options::=--force-confold"

# What ends each is typed with a variable in it, so that only the output has all its words; they are
# many enough to be known with one letter read wrongly.
COMMANDS = [
    ("disk", "echo ',,,*' | sfdisk -q /dev/vda && mkfs.ext4 -q /dev/vda1 && mount /dev/vda1 /mnt"),
    ("quick", "mkdir -p /mnt/etc/dpkg/dpkg.cfg.d /mnt/etc/initramfs-tools/conf.d"
     " && echo force-unsafe-io > /mnt/etc/dpkg/dpkg.cfg.d/quick"
     f" && printf '%s\\n' {' '.join(SMALL_INITRAMFS)} > /mnt/etc/initramfs-tools/conf.d/small"
     f" && printf '%s\\n' {' '.join(DRIVERS)} > /mnt/etc/initramfs-tools/modules"),
    ("base", "debootstrap --variant=minbase --include=systemd-sysv,udev,dbus,iproute2"
     f" {mirror.suite} /mnt {mirror.url}"),
    ("mount", "for d in dev proc sys; do mount --rbind /$d /mnt/$d || false; done"),
    ("index", f"{APT} update"),
    ("kernel", f"{APT} install --no-install-recommends linux-image-amd64 grub-pc"),
    ("grub", "chroot /mnt grub-install /dev/vda && chroot /mnt update-grub"),
    ("names", f"echo root:{ROOT_PASSWORD} | chroot /mnt chpasswd"
     f" && echo {HOSTNAME} > /mnt/etc/hostname && echo '/dev/vda1 / ext4' > /mnt/etc/fstab"),
    ("net", r"printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' > /mnt/etc/systemd/network/e.network"
     " && chroot /mnt systemctl -q enable systemd-networkd && sync"),
]


def command_ends(word):
    if not screen.read():
        return False
    if screen.has(f"{word} has ended badly"):
        raise Failed(f"the guest's screen reads: {screen.text}")
    return screen.has(f"{word} has ended well")


def read_words(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return file.read().split()


def install_by_hand():
    wait_for_words("root@live")
    note("a shell in the guest")
    screen.line("y=well n=badly")
    ended = read_words(lodge.path("ended"))
    for word, command in COMMANDS:
        if word in ended:
            continue
        screen.line(f"clear; {command} && echo {word} has ended $y || echo {word} has ended $n")
        wait_for(f"the end of {word}", lambda: command_ends(word), seconds=STEP_S, pause=2)
        note(f"{word} is done")
        screen.keep(word)
        with open(lodge.path("ended"), "a", encoding="utf-8") as file:
            print(word, file=file)
    screen.line("busybox reboot -f")


# ---- what is done with either


def installed():
    """The kernel that the machine was made with is dropped when its own disk can be booted."""
    shown = lodge.ctl("show", NAME).stdout
    return re.search(r"^boot\.kernel=.", shown, re.M) is None


def create():
    """From the empty library by one click; or with lodgectl, as there is no window for a kernel."""
    lodge.start_display()
    if state() is not None:
        return
    if mirror.has_installer():
        lodge.spawn("lodge", log="library.log")
        library = Screen(lodge, "Lodge")
        wait_for("the library", lambda: library.read() and library.has("Start the Debian"))
        library.click("Start the Debian")
        wait_for("the machine", lambda: state() is not None)
    else:
        note("the mirror has no parts of Debian's installer: by hand")
        live = lodge.path("live")
        os.makedirs(live, exist_ok=True)
        if not os.path.exists(os.path.join(live, "initrd")):
            script = os.path.join(os.path.dirname(__file__), "make-live.sh")
            run("sh", script, live, mirror.suite, mirror.url, timeout=STEP_S)
            note("a Debian that lives in memory is made")
        lodge.ctl("create", NAME, "--os", f"debian{mirror.version}", "--memory", "2G", "--cpus", "2",
                  "--disk-size", "8G", "--kernel", os.path.join(live, "vmlinuz"),
                  "--initrd", os.path.join(live, "initrd"), "--append", "quiet")
        lodge.ctl("set", NAME, "boot.kernel-once=true")


def open_console():
    global screen
    lodge.spawn("lodge", "--console", NAME, "--start", log="console.log")
    screen = Screen(lodge, NAME, header=52)
    # A little more than the guest's size and a header bar: a scale near 1 is made exactly 1.
    screen.resize(1304, 884)
    wait_for("the machine to run", lambda: state() == "running")


def install():
    if installed():
        return
    if mirror.has_installer():
        answer_questions()
    else:
        install_by_hand()


def login_prompt():
    wait_for_words(f"{HOSTNAME} login")
    note("the guest's login")
    screen.keep("login")


def reboot():
    login_prompt()
    if state() != "running":
        raise Failed(f"the guest is at its login, and the machine is {state()}")
    if not installed():
        raise Failed("the kernel that it was installed with is still there")


def log_in():
    screen.line("root")
    wait_for_words("Password:")
    screen.line(ROOT_PASSWORD)
    wait_for_words(f"root@{HOSTNAME}:")
    note("the shell")
    screen.line("clear; cat /etc/debian_version; ip -br a")
    wait_for_words("10.0.2.15")
    # Shift is seen to go down and up, also at a program's speed.
    screen.line("echo AbCdEfGhIjKlMnOpQrStUvWxYz0123456789 | tr -d a-z")
    wait_for_words("ACEGIKMOQSUWY0123456789", seconds=300)
    screen.keep("commands")
    if not re.search(rf"^\W*{mirror.version}\.\d+\W*$", screen.text, re.M):
        raise Failed(f"no version of Debian {mirror.version}: {screen.text}")


def power_off():
    screen.line("poweroff")
    wait_for("the machine to be off by itself", lambda: state() == "off")
    note("off by itself")
    wait_for_words("The Machine Is Off", seconds=120)
    screen.keep("off")


def start_again():
    # The button below “Machine”; its white letters on blue are not read.
    screen.click("Machine Is Off", below=74)
    login_prompt()


def shut_down():
    """The power button's menu in the window's header."""
    screen.click_header(68)
    screen.click("Shut Down", wait=120, as_shown=True)
    wait_for("the machine to be off by its power button", lambda: state() == "off")
    note("off by its power button")


try:
    main([
        ("a machine is made", create),
        ("its console opens, and it runs", open_console),
        ("Debian is installed to its end", install),
        ("the guest comes back from its disk", reboot),
        ("its login, and commands", log_in),
        ("poweroff in the guest", power_off),
        ("it starts again from its disk", start_again),
        ("it shuts down by its power button", shut_down),
    ])
finally:
    if folder is None:
        lodge.close()
    else:
        lodge.leave()
