# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test of the lab says: cases, verbs, and what it waits for.

    from lab import case, check, finish

    @case("what is true when it is well")
    def _():
        check(condition, "what is wrong otherwise")

    finish()

Cases run in the order of the file. All waiting is for something that happens, with a limit that is
generous, because L1 is many times slower than a computer.
"""
import base64
import collections
import json
import os
import socket
import subprocess
import sys
import time
import zlib

LAB = "/usr/local/lib/lodge-lab"
GUESTS = os.path.join(LAB, "guests")
# A guest of one sector, a boot of L2, a session that ends.
PATIENCE_S = 180
PAUSE_S = 0.25
SECTOR = 512

# Three bytes a pixel, line by line.
Picture = collections.namedtuple("Picture", "width height pixels")

cases = []


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def case(title):
    def add(function):
        cases.append((title, function))
        return function
    return add


def finish():
    """Runs the cases; one that fails does not keep the others from running."""
    bad = 0
    for title, function in cases:
        began = time.monotonic()
        try:
            function()
            print(f"ok - {title}", flush=True)
        except Skipped as why:
            print(f"ok - {title} # SKIP {why}", flush=True)
        except (Failed, OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
            bad += 1
            print(f"# {type(error).__name__}: {error}\nnot ok - {title}", flush=True)
        print(f"(that took {time.monotonic() - began:.1f} s)", flush=True)
    sys.exit(1 if bad else 0)


def check(condition, otherwise):
    if not condition:
        raise Failed(otherwise)


def equal(found, wanted, what):
    check(found == wanted, f"{what}: {found!r} and not {wanted!r}")


def skip(why):
    raise Skipped(why)


def run(*argv, fails=False, limit=PATIENCE_S):
    """Its standard output; of a command that should fail, its standard error."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=limit)
    said = done.stderr.strip() or done.stdout.strip()
    check((done.returncode != 0) == fails, f"{' '.join(argv)}: exit status {done.returncode}: {said}")
    return done.stderr if fails else done.stdout


def wait_for(what, condition, limit=PATIENCE_S):
    """Until condition() is true, which it returns. For what tells nobody when it happens."""
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < end, f"{what}: not within {limit} s")
        time.sleep(PAUSE_S)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


# --- The runner outside ---

def _ask(message):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/lab.sock")
        connection.sendall(json.dumps(message).encode() + b"\n")
        answer = json.loads(connection.makefile("rb").readline())
    check("error" not in answer, f"{message}: {answer.get('error')}")
    return answer["reply"]


def plug(name):
    """A USB device of hardware.ini, into its port."""
    _ask({"plug": name})


def unplug(name):
    _ask({"unplug": name})


def press(*keys):
    """Keys of this computer's keyboard, together, by QEMU's names."""
    _ask({"press": keys})


def screen():
    """What this computer's first screen shows."""
    shown = _ask({"screen": None})
    return Picture(shown["width"], shown["height"], zlib.decompress(base64.b64decode(shown["pixels"])))


# --- Lodge ---

def patiently(call):
    """lodgectl waits five seconds for an engine that it has started, which L1 on a busy computer can
    take longer for; that engine serves the next client."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return call()
        except Failed as error:
            if "did not answer on" not in str(error) or time.monotonic() > end:
                raise


def ctl(*argv, **options):
    return patiently(lambda: run("lodgectl", *argv, **options))


def host(say=None, **wanted):
    """Facts and findings of a host check that is measured now; again until these facts are found.

    A measurement is cut off by limits that suit a computer, and L1 on a busy one is none.
    """
    found = {}

    def measure():
        found.update(json.loads((say or ctl)("host", "--fresh", "--json")))
        return all(found["facts"][key] == value for key, value in wanted.items())

    try:
        wait_for(f"a host check that finds {wanted}", measure)
    except Failed as error:
        raise Failed(f"{error}; its last one: {found}") from None
    return found


def finding(report, name):
    return next(entry for entry in report["findings"] if entry["id"] == name)


def state(name):
    return json.loads(ctl("show", name, "--json"))["state"]


def wait_state(name, wanted, limit=PATIENCE_S):
    """Until the engine says so by a signal of its own."""
    ctl("wait", name, wanted, "--timeout", str(limit), limit=limit + 60)


def engine_pids(user):
    done = subprocess.run(["pgrep", "-x", "-u", str(user), "lodge-engine"], stdout=subprocess.PIPE,
                          text=True)
    return done.stdout.split()


def engine_pid(user=None):
    """The process id of this user's engine; None when there is none."""
    pids = engine_pids(user or os.getuid())
    return int(pids[0]) if pids else None


# --- Guests ---

def work(*names):
    """A place for files of one's own, gone after the test."""
    folder = os.path.join(os.path.expanduser("~"), "work")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, *names)


def sector(path, number):
    with open(path, "rb") as file:
        file.seek(number * SECTOR)
        return file.read(SECTOR).rstrip(b"\0").decode("ascii", "replace")


class Witness:
    """A guest of one sector; its disk is a raw file, used in place, which says what became of it.

    user: the Login that it belongs to, where that is not who runs the test.
    """

    def __init__(self, name, *options, user=None):
        self.name = name
        self.ctl = user.ctl if user else ctl
        folder = user.run("mkdir -p ~/work; cd ~/work; pwd; cd").strip() if user else work()
        self.disk = os.path.join(folder, f"{name}.img")
        copy = user.run if user else run
        copy("install", "-m", "600", os.path.join(GUESTS, "witness.img"), self.disk)
        self.ctl("create", name, "--disk", self.disk, "--in-place", "--memory", "64M", "--cpus", "1",
                 "--firmware", "bios", *options)

    def start(self):
        """Returns when the guest itself has said that it runs."""
        self.ctl("start", self.name)
        self.wait_up()

    def wait_up(self):
        wait_for(f"{self.name} is up", lambda: self.hypervisor() is not None)

    def hypervisor(self):
        """The signature that the guest saw; None while it is not up."""
        text = sector(self.disk, 1)
        return text[3:19].strip(" \0") if text.startswith("UP ") else None

    def saw_button(self):
        return sector(self.disk, 2).startswith("BUTTON")

    def qemu(self):
        """The process id of its QEMU; None when it has none."""
        done = subprocess.run(["pgrep", "-x", "-f", f"(/usr/bin/)?qemu-system-x86_64 .*{self.disk}.*"],
                              stdout=subprocess.PIPE, text=True)
        return int(done.stdout.split()[0]) if done.returncode == 0 else None


class Drawing:
    """A guest of one sector that draws x xor y in 256 colours, and takes keys: each is added to the
    colours, and written to its disk (guests/screen.S). VGA: the colours that it begins with, of six
    bits each."""

    WIDTH, HEIGHT = 320, 200
    VGA = [bytes.fromhex(colour) for colour in ("000000", "0000a8", "00a800", "00a8a8", "a80000")]

    def __init__(self, name):
        self.name, self.disk = name, work(f"{name}.img")
        run("install", "-m", "600", os.path.join(GUESTS, "screen.img"), self.disk)
        ctl("create", name, "--disk", self.disk, "--in-place", "--memory", "64M", "--cpus", "1",
            "--firmware", "bios")

    def has_key(self, key):
        return sector(self.disk, 1).startswith(key)

    def line(self, colours, y, key, times):
        """The pixels of its line y, each of them several of the screen's."""
        added = ord(key) if key else 0
        return b"".join(colours[((x ^ y) + added) & 0xff] * times for x in range(self.WIDTH))
