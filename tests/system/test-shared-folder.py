#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-shared-folder.py BUILD: a Linux guest (the installer's kernel, with a shell for init) reads
and writes a shared folder through its virtio port, and does not get out of it; a disk comes and goes
while it runs."""
import glob
import os
import sys

from guest_shell import Shell
from lodge_system import Failed, Lodge, main, wait_for

IMAGES = "/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64"
NAME = "shares"
MODULES = "virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console"
# One question through the port, as spice-webdavd would put it there; what came back, or NONE.
ASK = r"""ask() { exec 3<>/dev/vport0p3; cat <&3 >/tmp/got & c=$!; printf "$1" >&3; n=0;
while ! grep -q HTTP/1.1 /tmp/got && [ $n -lt 20 ]; do sleep 1; n=$((n+1)); done; kill $c; exec 3>&-;
grep -q HTTP/1.1 /tmp/got && tr -d '\000-\010' </tmp/got || echo NONE; }"""

lodge = Lodge(sys.argv[1])
shell = None


def ask(number, text):
    """The answer's first line. A lodge-share that is being replaced takes a question with it."""
    raw = text.replace("\n", "\r\n").encode()
    octal = "".join(f"\\{byte:03o}" for byte in
                    number.to_bytes(8, "little") + len(raw).to_bytes(2, "little") + raw)
    for _ in range(5):
        said = shell.run(f"ask '{octal}'")
        if "HTTP/1.1 " in said:
            return said[said.index("HTTP/1.1 "):]
    raise Failed(f"no answer to {text.splitlines()[0]}")


def expect(number, text, status):
    said = ask(number, text)
    if not said.startswith(f"HTTP/1.1 {status} "):
        raise Failed(f"{text.splitlines()[0]}: {said.splitlines()[0]}")
    return said


def boot():
    global shell
    images = sorted(glob.glob(IMAGES))
    os.mkdir(lodge.path("share"))
    with open(lodge.path("share", "hello.txt"), "w", encoding="utf-8") as file:
        file.write("hello, guest")
    lodge.ctl("create", NAME, "--memory", "512M")
    lodge.ctl("set", NAME, f"boot.kernel={images[-1]}/linux", f"boot.initrd={images[-1]}/initrd.gz",
              "boot.append=rdinit=/bin/sh console=ttyS0 quiet",
              f"sharing.folder={lodge.path('share')}")
    lodge.ctl("start", NAME)
    shell = Shell(lodge)
    shell.hear(b"~ # ")
    shell.run("mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev")
    shell.run(f"for m in {MODULES}; do insmod $(find /lib/modules -name $m.ko); done")
    ports = shell.run("sleep 1; cat /sys/class/virtio-ports/vport0p3/name")
    if "org.spice-space.webdav.0" not in ports:
        raise Failed(f"no port: {ports}")
    shell.run(ASK)


def read():
    said = expect(1, "GET /hello.txt HTTP/1.1\nHost: x\n\n", 200)
    if "hello, guest" not in said:
        raise Failed(said)


def read_only():
    expect(2, "PUT /new.txt HTTP/1.1\nHost: x\nContent-Length: 3\n\nnew", 403)
    if os.listdir(lodge.path("share")) != ["hello.txt"]:
        raise Failed(str(os.listdir(lodge.path("share"))))


def write():
    lodge.ctl("set", NAME, "sharing.folder-writable=yes")
    expect(3, "PUT /new.txt HTTP/1.1\nHost: x\nContent-Length: 3\n\nnew", 201)
    with open(lodge.path("share", "new.txt"), encoding="utf-8") as file:
        if file.read() != "new":
            raise Failed("other text arrived")


def escape():
    before = sorted(os.listdir(lodge.folder))
    expect(4, "COPY /hello.txt HTTP/1.1\nHost: x\nDestination: http://x/..%2fevil.txt\n\n", 403)
    os.symlink("/etc/hostname", lodge.path("share", "link"))
    expect(5, "GET /link HTTP/1.1\nHost: x\n\n", 403)
    if sorted(os.listdir(lodge.folder)) != before:
        raise Failed(str(os.listdir(lodge.folder)))


def disks():
    """How many virtio disks the guest has; there is no driver for them here, which takes nothing
    from their coming and going."""
    return int(shell.value("grep -l 0x0002 /sys/bus/virtio/devices/*/device | wc -l"))


def disk_comes():
    before = disks()
    disk = lodge.ctl("disk", "add", NAME, "64M", "--bus", "virtio").stdout.strip()
    wait_for("the guest's new disk", lambda: disks() == before + 1)
    lodge.ctl("snapshot", "create", NAME, "plugged")
    lodge.ctl("disk", "remove", NAME, disk)
    if disks() != before:
        raise Failed(f"{disks()} disks, and there were {before}")
    if disk in lodge.ctl("disk", "list", NAME).stdout:
        raise Failed(f"{disk} is listed still")
    lodge.ctl("kill", NAME)
    lodge.ctl("snapshot", "revert", NAME, "plugged")


def disk_is_back():
    global shell
    shell = Shell(lodge)
    before = disks()
    disk = lodge.ctl("disk", "list", NAME).stdout.split("\n")[-2].split()[0]
    lodge.ctl("disk", "remove", NAME, disk)
    if disks() != before - 1:
        raise Failed(f"{disks()} disks, and there were {before}")


try:
    main([
        ("a guest with a port", boot),
        ("it reads a file", read),
        ("it writes none", read_only),
        ("it writes one where it may", write),
        ("it does not get out", escape),
        ("a disk comes while it runs, and goes", disk_comes),
        ("a snapshot of then has it, and it goes again", disk_is_back),
    ])
finally:
    lodge.close()
