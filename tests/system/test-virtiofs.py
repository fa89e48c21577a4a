#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-virtiofs.py BUILD: a Debian guest mounts a folder by virtiofs, and has what it may have of
it, whoever ends meanwhile. Where virtiofsd is the old one, which needs root (Debian 12), that it
cannot be chosen, and why."""
import json
import os
import signal
import stat
import sys

import desktop
from guest_shell import Shell
from lodge_system import Failed, Lodge, main, wait_for

# What can be used is in Rust and lies there; the old one is part of QEMU.
PROGRAM = "/usr/libexec/virtiofsd"
NAME = "fast"
MOUNT = "mount -t virtiofs lodge /mnt && echo MOUNTED"

image = None
if os.path.exists(PROGRAM):
    reason = desktop.why_not()
    if reason is not None:
        print(f"1..1\nok 1 - virtiofs # SKIP it needs {reason}")
        sys.exit(0)
    # Before the test has a cache of its own.
    image = desktop.get()
lodge = Lodge(sys.argv[1])
shell = None


def daemon(gone=None):
    """The pid of the machine's virtiofsd, another one than @gone; None where there is none."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().decode().split("\0")
        except OSError:
            continue
        if words[0].endswith("/virtiofsd") and f"--shared-dir={lodge.path('share')}" in words \
                and int(pid) != gone:
            return int(pid)
    return None


def expect(command, text):
    said = shell.run(command + " 2>&1")
    if text not in said.split("\n", 1)[-1]:
        raise Failed(f"{command}: {said}")


def mount():
    """The device may be on its way into the guest."""
    wait_for("the guest's mount", lambda: "\nMOUNTED" in shell.run(MOUNT).replace("\r", ""))


def boot():
    global shell
    os.mkdir(lodge.path("share"))
    with open(lodge.path("share", "hello.txt"), "w", encoding="utf-8") as file:
        file.write("hello, guest")
    lodge.ctl("create", NAME, "--kernel", os.path.join(image, "vmlinuz"), "--initrd",
              os.path.join(image, "initrd"), "--append", "rdinit=/bin/sh console=ttyS0 quiet",
              "--memory", "2G", "--disk-size", "0")
    lodge.ctl("set", NAME, f"sharing.folder={lodge.path('share')}", "sharing.folder-method=virtiofs")
    lodge.ctl("start", NAME)
    shell = Shell(lodge)
    shell.hear(b"# ")
    shell.run("mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; "
              "mkdir -p /mnt; modprobe virtio_pci; modprobe virtiofs")


def read():
    mount()
    expect("cat /mnt/hello.txt", "hello, guest")


def read_only():
    expect("echo new > /mnt/new.txt", "Read-only file system")
    expect("rm /mnt/hello.txt", "Read-only file system")
    if os.listdir(lodge.path("share")) != ["hello.txt"]:
        raise Failed(str(os.listdir(lodge.path("share"))))


def walls():
    """What a virtiofsd that was taken over would find."""
    pid = daemon()
    seen = set(os.listdir(f"/proc/{pid}/root"))
    wanted = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr",
              lodge.path().split("/")[1], os.path.realpath(sys.argv[1]).split("/")[1]}
    if not seen <= wanted:
        raise Failed(f"it sees {seen - wanted}")
    below = os.listdir(f"/proc/{pid}/root{lodge.path()}")
    if below != ["share"]:
        raise Failed(f"it sees {below}")
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
    if status["Seccomp"] != "2" or int(status["CapEff"], 16) != 0 or status["NoNewPrivs"] != "1":
        raise Failed(str(status))


def blocks():
    for words in (["snapshot", "create", NAME, "s"], ["suspend", NAME]):
        done = lodge.ctl(*words, check=False)
        if done.returncode == 0 or "virtiofs" not in done.stderr:
            raise Failed(f"{words}: {done.stderr}")
    done = lodge.ctl("snapshot", "check", NAME, check=False)
    if "sharing.folder-method" not in done.stdout + done.stderr:
        raise Failed(done.stdout + done.stderr)


def write():
    before = daemon()
    shell.run("umount /mnt")
    lodge.ctl("set", NAME, "sharing.folder-writable=yes")
    wait_for("another virtiofsd", lambda: daemon(before))
    mount()
    expect("echo new > /mnt/new.txt && cat /mnt/new.txt", "new")
    with open(lodge.path("share", "new.txt"), encoding="utf-8") as file:
        if file.read() != "new\n":
            raise Failed("other text arrived")
    if os.stat(lodge.path("share", "new.txt")).st_uid != os.geteuid():
        raise Failed("it is somebody else's")


def privileges():
    """Nothing comes of it that has the rights of this user, whoever starts it."""
    plain = "touch /tmp/own; chmod 4755 /tmp/own; echo text > /mnt/plain; chmod 0644 /mnt/plain"
    shell.run(plain)
    expect("chmod 4755 /mnt/plain", "not permitted")
    expect("chmod 2755 /mnt/plain", "not permitted")
    expect("chmod 0755 /mnt/plain && stat -c %a /mnt/plain", "755")
    shell.run("cp -p /tmp/own /mnt/copied; install -m 6755 /tmp/own /mnt/installed")
    expect("mknod /mnt/null c 1 3", "not permitted")
    expect("mkfifo /mnt/pipe && ls -l /mnt/pipe", "prw")
    for entry in os.scandir(lodge.path("share")):
        mode = entry.stat(follow_symlinks=False).st_mode
        if mode & (stat.S_ISUID | stat.S_ISGID) or stat.S_ISCHR(mode):
            raise Failed(f"{entry.name} is {stat.filemode(mode)}")
    os.unlink(lodge.path("share", "pipe"))


def escape():
    os.symlink("/etc/hostname", lodge.path("share", "link"))
    with open("/etc/hostname", encoding="utf-8") as file:
        own = file.read().strip()
    shell.run("echo the-guests > /etc/hostname")
    expect("cat /mnt/link", "the-guests")
    if own in shell.run("ls /mnt/../mnt/..; cat /mnt/../../etc/hostname"):
        raise Failed("the guest reads this computer's")


def reach():
    """The serial port is where the engine serves it."""
    global shell
    try:
        shell = Shell(lodge)
        shell.run("true")
    except OSError:
        return False
    return True


def engine():
    """An engine that is killed takes nothing with it, and the next one knows what there is."""
    pid = daemon()
    os.kill(lodge.engine_pid(), signal.SIGKILL)
    with open(lodge.path("share", "later.txt"), "w", encoding="utf-8") as file:
        file.write("later")
    lodge.ctl("list")
    wait_for("the serial port of the next engine", reach)
    expect("cat /mnt/later.txt", "later")
    blocks()
    if daemon() != pid:
        raise Failed(f"it was {pid} and is {daemon()}")
    expect("echo more > /mnt/more.txt; cat /mnt/more.txt", "more")


def dies():
    """It comes again, with its device; what was mounted is no more."""
    pid = daemon()
    os.kill(pid, signal.SIGKILL)
    wait_for("another virtiofsd", lambda: daemon(pid))
    shell.run("umount /mnt")
    mount()
    expect("cat /mnt/hello.txt", "hello, guest")


def close():
    """The guest does not let go by itself."""
    shell.run("cd /mnt")
    lodge.ctl("set", NAME, "sharing.folder=")
    wait_for("the end of virtiofsd", lambda: daemon() is None)
    said = shell.run("cat /mnt/hello.txt 2>&1; cd /; umount /mnt")
    if "hello, guest" in said:
        raise Failed(said)
    wait_for("nothing in the way of a snapshot",
             lambda: lodge.ctl("snapshot", "create", NAME, "s", check=False).returncode == 0)


def memory_loads():
    """A snapshot of then has no such device, and goes on beside one that is shared later."""
    lodge.ctl("kill", NAME)
    lodge.ctl("snapshot", "revert", NAME, "s", "--discard")
    wait_for("its serial port", reach)
    lodge.ctl("set", NAME, f"sharing.folder={lodge.path('share')}", "sharing.folder-method=virtiofs")
    mount()
    expect("cat /mnt/hello.txt", "hello, guest")


def refused():
    facts = json.loads(lodge.ctl("host", "--json").stdout)["facts"]
    if "virtiofsd" not in facts["virtiofs"]:
        raise Failed(str(facts))
    lodge.ctl("create", NAME, "--disk-size", "0")
    done = lodge.ctl("set", NAME, "sharing.folder-method=virtiofs", check=False)
    if done.returncode == 0 or facts["virtiofs"] not in done.stderr:
        raise Failed(done.stderr)


try:
    main([
        ("a guest", boot),
        ("it mounts the folder and reads", read),
        ("it writes nothing", read_only),
        ("virtiofsd is inside of walls", walls),
        ("what it is in the way of is named", blocks),
        ("it writes where it may", write),
        ("it makes no programs with this user's rights", privileges),
        ("it does not get out", escape),
        ("an engine is killed", engine),
        ("virtiofsd is killed", dies),
        ("the folder is taken away", close),
        ("memory from before loads", memory_loads),
    ] if image else [("it cannot be chosen, and that says why", refused)])
finally:
    lodge.close()
