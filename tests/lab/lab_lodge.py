# SPDX-License-Identifier: GPL-3.0-or-later
"""L1's second disk: the Lodge of this tree, the tests and their guests; mounted at /usr/local.

Made anew at each run, which takes seconds: only what changed is compiled.
"""
import os
import shutil

from lab_root import as_root, run

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
IMAGE_SIZE = "96M"
# What runs in L1; and where it has windows.
PROGRAMS = ("lodge-engine", "lodgectl", "lodge-usernet", "lodge-kvm-probe", "lodge-viewer")
WINDOWS = ("lodge", "lodge-console")


def compile_lodge(folder, logs):
    """Lodge for /usr/local, in a build folder of its own."""
    build = os.path.join(folder, "lodge")
    with open(os.path.join(logs, "lodge.log"), "w", encoding="utf-8") as log:
        if not os.path.exists(os.path.join(build, "build.ninja")):
            run(["meson", "setup", build, SOURCE, "--prefix=/usr/local", "-Dtests=false",
                 "-Dapparmor=true"], log)
        run(["ninja", "-C", build], log)
    return build


def programs(build, windows):
    return [os.path.join(build, "app", name) for name in PROGRAMS + (WINDOWS if windows else ())]


def installed(build, stage, log):
    run(["meson", "install", "-C", build, "--no-rebuild", "--strip"], log,
        env={**os.environ, "DESTDIR": stage})
    return os.path.join(stage, "usr", "local")


def cpio_entry(name, mode, content=b""):
    """One file of a “newc” archive (cpio(5)), with the padding behind its name and content."""
    name = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def make_guests(root, folder, log):
    """The guests of the tests: those of a sector, and Debian's kernel with one process."""
    os.makedirs(folder)
    guests = os.path.join(HERE, "guests")
    scratch = os.path.join(folder, "sector.o")
    for name in ("witness", "screen"):
        run(["as", "--32", "-o", scratch, os.path.join(guests, f"{name}.S")], log)
        image = os.path.join(folder, f"{name}.img")
        run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", image, scratch],
            log)
        os.truncate(image, 1024 * 1024)
    init = os.path.join(folder, "init")
    run(["gcc", "-O2", "-static", "-o", init, os.path.join(guests, "linux-init.c")], log)

    with open(os.path.join(folder, "initrd.img"), "wb") as archive:
        archive.write(cpio_entry("dev", 0o40755) + cpio_entry("modules", 0o40755))
        modules = os.path.join(root, "modules")
        for name, path in [("init", init), *((f"modules/{entry}", os.path.join(modules, entry))
                                             for entry in sorted(os.listdir(modules)))]:
            with open(path, "rb") as file:
                archive.write(cpio_entry(name, 0o100755, file.read()))
        archive.write(cpio_entry("TRAILER!!!", 0))
    shutil.copy(os.path.join(root, "vmlinuz"), folder)
    os.unlink(scratch)
    os.unlink(init)


def make_disk(build, root, folder, logs):
    """Returns the path of the image."""
    stage, image = os.path.join(folder, "stage"), os.path.join(folder, "lodge.ext4")
    shutil.rmtree(stage, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(logs, "disk.log"), "a", encoding="utf-8") as log:
        local = installed(build, stage, log)
        lab = os.path.join(local, "lib", "lodge-lab")
        for name in ("inside", "tests"):
            shutil.copytree(os.path.join(HERE, name), os.path.join(lab, name),
                            ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("hardware.ini", "lab_table.py"):
            shutil.copy(os.path.join(HERE, name), os.path.join(lab, "inside"))
        make_guests(root, os.path.join(lab, "guests"), log)
        if os.path.exists(image):
            os.unlink(image)
        run(as_root(["mkfs.ext4", "-q", "-O", "^has_journal", "-d", local, image,
                              IMAGE_SIZE]), log)
    shutil.rmtree(stage)
    return image
