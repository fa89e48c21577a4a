# SPDX-License-Identifier: GPL-3.0-or-later
"""L1's root: a Debian made by mmdebstrap and kept in the cache, by a hash of what it is made from.

A cached root is a folder KEY with root.ext4 (a sparse file that is only ever read), vmlinuz,
initrd.img and modules/, what a Linux guest needs of the kernel. It is built under another name and
renamed when it is whole, so a half-built one never counts.
"""
import contextlib
import fcntl
import glob
import hashlib
import inspect
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Beside what Lodge needs: what a desktop of today has, as far as Lodge can see it. SDL draws on a bare
# console through the last ones.
PACKAGES = """linux-image-amd64 systemd-sysv libpam-systemd dbus-user-session polkitd udev kmod
  apparmor iproute2 pciutils usbutils procps python3 libegl1 libgles2 libgl1-mesa-dri""".split()
# What dev asks of apt only where a release has it.
PACKAGES_OF = {"trixie": ["qemu-system-modules-spice"]}
# What the guest of guests/linux-init.c loads, besides what these need themselves.
GUEST_MODULES = ("virtio_pci", "virtio_blk")
# Those that a variant may ask for, in their order.
RELEASES = ("bookworm", "trixie")
# What is done in a fresh root, by the first of these scripts, and the file system that it becomes.
# L1's is only ever read, or thrown away with what is written.
LAB = {"setup": ("root-setup.sh",), "size": "3G", "features": "^has_journal"}
# For tidying up after Ctrl+C.
STOP_LIMIT_S = 30
# Another work tree may use another root. This long after its last use a root is in the way.
KEEP_S = 7 * 24 * 3600
# Not read by any test, and slow to unpack.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
# An initrd of a tenth of the usual size is there in a tenth of the time.
INITRAMFS = r"""mkdir -p "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESS=gzip\nFSTYPE=ext4\nRESUME=none\n' >"$1/etc/initramfs-tools/conf.d/lab"
printf 'virtio_pci\nvirtio_blk\next4\n' >"$1/etc/initramfs-tools/modules"
"""


def cache_folder(name="lab"):
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "lodge", name)


def release(at_least=None):
    """Debian's name of the release that this computer runs, since Lodge is built for its libraries,
    or of a newer one, which has them too. None where this is another system."""
    fields = {}
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            fields[key] = value.strip('"')
    if fields.get("ID") != "debian" or "VERSION_CODENAME" not in fields:
        return None
    own = fields["VERSION_CODENAME"]
    newer = own in RELEASES and at_least is not None and RELEASES.index(at_least) > RELEASES.index(own)
    return at_least if newer else own


def why_not(programs):
    """Which of PROGRAMS, or the Debian that a root is made of, is missing; None where nothing is."""
    missing = [name for name in programs if shutil.which(name) is None]
    if release() is None:
        missing.append("Debian, of which the guest is made")
    return ", ".join(missing) or None


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def library_packages(programs):
    """The packages of the libraries that these programs name; what those need, they say."""
    paths = set()
    for program in programs:
        needed = {line.split()[1] for line in output("objdump", "-p", program) if " NEEDED " in line}
        paths.update(line.split()[2] for line in output("ldd", program)
                     if "=> /" in line and line.split()[0] in needed)
    # Packages name their files with or without the /usr that both places have become; what is not
    # the name that the package knows is an error among the answers.
    names = sorted(paths | {"/usr" + path for path in paths})
    lines = subprocess.run(["dpkg-query", "-S", *names], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True).stdout
    return {line.split(":")[0] for line in lines.splitlines()}


def key_of(packages, name, recipe):
    """All that a root is made from, and the code that makes it."""
    scripts = []
    for script in recipe["setup"]:
        with open(os.path.join(HERE, script), encoding="utf-8") as file:
            scripts.append(file.read())
    inputs = (name, packages, GUEST_MODULES, LEFT_OUT, INITRAMFS, scripts, recipe["size"],
              recipe["features"], inspect.getsource(build), inspect.getsource(copy_boot_files))
    return hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]


def as_root(argv):
    """Owners and device nodes are right in the image whoever makes it."""
    return argv if os.geteuid() == 0 else ["fakeroot", *argv]


def run(argv, log, **options):
    """Its output goes to the log. When the runner is ended meanwhile, so is all that it started."""
    with subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          start_new_session=True, **options) as process:
        try:
            status = process.wait()
        except BaseException:
            # mmdebstrap removes its folder when it is asked to end.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if status != 0:
        log.flush()
        raise RuntimeError(f"{argv[0]} failed with exit status {status}; the log is {log.name}")


def copy_boot_files(root, folder):
    for name, to in (("vmlinuz-*", "vmlinuz"), ("initrd.img-*", "initrd.img")):
        (file,) = glob.glob(os.path.join(root, "boot", name))
        shutil.copy(file, os.path.join(folder, to))
    (tree,) = glob.glob(os.path.join(root, "lib", "modules", "*"))
    needs = {}
    with open(os.path.join(tree, "modules.dep"), encoding="utf-8") as file:
        for line in file:
            module, _, others = line.partition(":")
            needs[module.split("/")[-1].split(".")[0]] = [module, *others.split()]
    order = []
    for module in GUEST_MODULES:
        # What stands last in modules.dep is needed by what stands before it.
        # A module that is not listed is part of the kernel itself.
        order += [path for path in reversed(needs.get(module, [])) if path not in order]
    os.mkdir(os.path.join(folder, "modules"))
    for path in order:
        shutil.copy(os.path.join(tree, path), os.path.join(folder, "modules"))
    with open(os.path.join(folder, "modules", "list"), "w", encoding="utf-8") as file:
        file.writelines(f"/modules/{os.path.basename(path)}\n" for path in order)


def build(packages, name, folder, log, recipe):
    with tempfile.TemporaryDirectory(prefix="lodge-lab-root-") as work:
        # Whoever mmdebstrap makes root of here has to come in.
        os.chmod(work, 0o755)
        tar, root = os.path.join(folder, "root.tar"), os.path.join(work, "root")
        run(["mmdebstrap", "--variant=minbase", "--format=tar", f"--include={','.join(packages)}",
             *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
             f"--essential-hook={INITRAMFS}",
             f"--customize-hook={os.path.join(HERE, recipe['setup'][0])}", name, tar], log)
        os.mkdir(root)
        # One command, because a second fakeroot knows nothing of the first one's owners.
        run(as_root(["sh", "-ec", 'tar -xpf "$1" -C "$2" --numeric-owner; mkfs.ext4 -q '
                     '-O "$5" -E lazy_itable_init=1 -d "$2" "$3" "$4"', "sh", tar, root,
                     os.path.join(folder, "root.ext4"), recipe["size"], recipe["features"]]), log)
        copy_boot_files(root, folder)
        os.unlink(tar)


@contextlib.contextmanager
def locked(folder):
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_old(folder, key):
    """Halves that somebody left who was killed, and roots that nobody has used for long."""
    for entry in os.scandir(folder):
        if not entry.is_dir() or entry.name == key:
            continue
        if entry.name.endswith(".partial") or entry.stat().st_mtime < time.time() - KEEP_S:
            shutil.rmtree(entry.path, ignore_errors=True)


def kept(cache, key, make):
    """The folder KEY in a cache; @make fills it, under another name, when it is missing."""
    os.makedirs(cache, exist_ok=True)
    folder = os.path.join(cache, key)
    with locked(cache):
        remove_old(cache, key)
        if not os.path.isdir(folder):
            partial = f"{folder}.partial"
            os.mkdir(partial)
            make(partial)
            os.rename(partial, folder)
        os.utime(folder)
    return folder


def made(packages, name, log_path, recipe, cache):
    """The folder of a root of the release name in a cache; built when it is missing."""
    def make(folder):
        with open(log_path, "w", encoding="utf-8") as log:
            build(packages, name, folder, log, recipe)
    return kept(cache, key_of(packages, name, recipe), make)


def get(packages, name, log):
    """L1's, with these packages and those that the lab needs."""
    packages = sorted({*packages, *PACKAGES, *PACKAGES_OF.get(name, [])})
    return made(packages, name, log, LAB, cache_folder())
