# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest that make-desktop.sh makes, kept in the cache as the lab's roots are."""
import hashlib
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lab"))
import lab_root  # noqa: E402

INPUTS = ("make-desktop.sh", "desktop-init.sh", "desktop-screens.sh")
NEEDED = ("mmdebstrap", "cpio")


def why_not():
    """What is missing to make it; None where nothing is."""
    return lab_root.why_not(NEEDED)


def make(folder):
    # Whoever mmdebstrap makes root of has to come in and write.
    with tempfile.TemporaryDirectory(prefix="lodge-desktop-") as work:
        os.chmod(work, 0o777)
        with open(os.path.join(work, "log"), "w", encoding="utf-8") as log:
            lab_root.run([os.path.join(HERE, INPUTS[0]), work, lab_root.release()], log)
        for name in ("vmlinuz", "initrd"):
            shutil.copy(os.path.join(work, name), folder)


def get():
    """The folder with vmlinuz and initrd. To be asked before a test has a cache of its own."""
    digest = hashlib.sha256(lab_root.release().encode())
    for name in INPUTS:
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    return lab_root.kept(lab_root.cache_folder("desktop"), digest.hexdigest()[:16], make)
