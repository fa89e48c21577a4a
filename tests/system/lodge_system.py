# SPDX-License-Identifier: GPL-3.0-or-later
"""What system tests share: a Lodge of their own, pictures, waiting, and TAP."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# A guest under software emulation, on a computer that does other things too.
PATIENCE_S = 600


class Failed(Exception):
    pass


def run(*argv, check=True, timeout=120):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def wait_for(what, condition, seconds=PATIENCE_S, pause=0.5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(pause)
    raise Failed(f"{what}: not within {seconds} s")


class Lodge:
    """An engine, its folders and its programs, apart from everything else on this computer."""

    def __init__(self, build, folder=None):
        """In a folder for temporary files; or in one that is kept, where it goes on."""
        self.folder = folder or tempfile.mkdtemp(prefix="lodge-system-")
        self.programs = os.path.join(build, "app")
        for name in ("run", "data", "cache", "config"):
            os.makedirs(os.path.join(self.folder, name), 0o700, exist_ok=True)
        os.environ.update(
            XDG_RUNTIME_DIR=self.path("run"), XDG_DATA_HOME=self.path("data"),
            XDG_CACHE_HOME=self.path("cache"), XDG_CONFIG_HOME=self.path("config"),
            LODGE_LIBEXECDIR=self.programs, GSETTINGS_BACKEND="memory",
            GSETTINGS_SCHEMA_DIR=os.path.join(build, "data"),
            PATH=f"{self.programs}:{os.environ['PATH']}")
        os.environ.pop("LODGE_RUNTIME_DIR", None)
        self.children = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def ctl(self, *argv, **options):
        # Copying a guest's disk takes its time on a busy computer.
        options.setdefault("timeout", PATIENCE_S)
        return run(os.path.join(self.programs, "lodgectl"), *argv, **options)

    def spawn(self, *argv, log="log"):
        with open(self.path(log), "ab") as out:
            child = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                     start_new_session=True)
        self.children.append(child)
        return child

    def start_display(self, size="1440x960"):
        """A virtual display with a window manager; DISPLAY is set for all that follows."""
        read, write = os.pipe()
        with open(self.path("log"), "ab") as out:
            self.children.append(subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
                pass_fds=[write], stdout=out, stderr=out, start_new_session=True))
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise Failed("Xvfb did not start")
        os.environ.update(DISPLAY=f":{number}", GDK_BACKEND="x11", NO_AT_BRIDGE="1")
        os.environ.pop("WAYLAND_DISPLAY", None)
        self.spawn("metacity", "--no-composite")
        # Who asks for a window to be active before there is a manager is refused. It names a window
        # of its own once it is one (EWMH, _NET_SUPPORTING_WM_CHECK).
        wait_for("the window manager", lambda: "window id" in run(
            "xprop", "-root", "_NET_SUPPORTING_WM_CHECK", check=False).stdout, pause=0.1)

    def engine_pid(self):
        """The engine is whoever holds the lock file open."""
        lock = self.path("run", "lodge", "engine.lock")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") == lock:
                        return int(pid)
            except OSError:
                continue
        return None

    def close(self):
        for name in self.ctl("list", "--names", check=False).stdout.splitlines():
            self.ctl("kill", name, check=False)
        pid = self.engine_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
        self.leave()
        shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self):
        """Ends what was started here; guests and their engine go on."""
        for child in self.children:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def colours(picture, region=None):
    """How many different colours are in a picture, or in WIDTHxHEIGHT+X+Y of it."""
    crop = ["-crop", region, "+repage"] if region else []
    return int(run("convert", picture, *crop, "-format", "%k", "info:").stdout)


def differing_pixels(one, other):
    """compare(1) says it on standard error and exits 1 where they differ."""
    done = run("compare", "-metric", "AE", one, other, "null:", check=False)
    try:
        return int(float(done.stderr.split()[0]))
    except (ValueError, IndexError):
        raise Failed(f"{one} and {other} cannot be compared: {done.stderr.strip()}") from None


class Pixels:
    """A picture's bytes: rows of R, G, B."""

    def __init__(self, path):
        data = subprocess.run(["convert", path, "-depth", "8", "ppm:-"], check=True, timeout=60,
                              stdout=subprocess.PIPE).stdout
        magic, size, depth, self.rgb = data.split(b"\n", 3)
        if magic != b"P6" or depth != b"255":
            raise Failed(f"{path} is no picture of 8 bits a channel")
        self.width, self.height = map(int, size.split())

    def row(self, y, x=0, width=None):
        width = self.width - x if width is None else width
        begin = (y * self.width + x) * 3
        return self.rgb[begin:begin + width * 3]

    def find(self, part):
        """Where part stands in this picture, pixel by pixel; None where it does not."""
        first = part.row(0)
        for y in range(self.height - part.height + 1):
            at = self.row(y).find(first)
            if at >= 0 and at % 3 == 0 and self.differing(part, at // 3, y) < 1000:
                return at // 3, y
        return None

    def differing(self, part, x, y):
        """How many pixels differ from part at this place."""
        count = 0
        for line in range(part.height):
            own, other = self.row(y + line, x, part.width), part.row(line)
            if own != other:
                count += sum(own[i:i + 3] != other[i:i + 3] for i in range(0, len(other), 3))
        return count


def main(cases):
    """Runs cases in order as one TAP program; after a failure the rest would only follow it."""
    print(f"1..{len(cases)}", flush=True)
    failed = False
    for number, (name, case) in enumerate(cases, 1):
        if failed:
            print(f"not ok {number} {name} # an earlier step failed", flush=True)
            continue
        try:
            case()
            print(f"ok {number} {name}", flush=True)
        except (Failed, subprocess.TimeoutExpired, OSError) as error:
            failed = True
            said = "\n".join(f"# {line}" for line in str(error).splitlines())
            print(f"{said}\nnot ok {number} {name}", flush=True)
    sys.exit(1 if failed else 0)
