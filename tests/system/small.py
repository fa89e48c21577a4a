# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Debian on a disk, with qemu-guest-agent and a shell on its serial port; kept in the cache
as the lab's roots are."""
import os
import sys

from lodge_system import PATIENCE_S

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lab"))
import lab_root  # noqa: E402

PACKAGES = ["linux-image-amd64", "kmod", "e2fsprogs", "fdisk", "cloud-guest-utils",
            "qemu-guest-agent"]
RECIPE = {"setup": tuple(os.path.join(HERE, name) for name in ("small-setup.sh", "small-init.sh")),
          "size": "1500M", "features": "has_journal"}
NEEDED = ("mmdebstrap", "mkfs.ext4")
# Before a test has a cache of its own.
CACHE = lab_root.cache_folder("small")


def why_not():
    """What is missing to make it; None where nothing is."""
    return lab_root.why_not(NEEDED)


def get(build):
    """The folder with root.ext4, vmlinuz and initrd.img."""
    log = os.path.join(build, "small-root.log")
    return lab_root.made(PACKAGES, lab_root.release(), log, RECIPE, CACHE)


def arguments(image):
    """Of lodgectl create."""
    return ("--kernel", os.path.join(image, "vmlinuz"), "--initrd", os.path.join(image, "initrd.img"),
            "--append", "root=/dev/vda rw init=/init console=ttyS0 quiet loglevel=1",
            "--disk", os.path.join(image, "root.ext4"), "--os", "debian12")


def wait_until_there(shell):
    shell.hear(b"the guest is there", PATIENCE_S)
