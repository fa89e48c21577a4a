# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=3d user=lab limit=1200
"""A guest with 3D: its pictures stay in the graphics card's memory, which its QEMU passes to the console's
window. The card is that of a virtual machine itself, of whose memory a descriptor has only a page."""
import os
import subprocess

from lab import Drawing, Failed, Picture, case, check, ctl, equal, finish, run, wait_for, wait_state, work

NODE = "/dev/dri/renderD128"
# For a desktop's programs, which the emulator's one processor has to begin.
LIMIT_S = 400
DESKTOP = {**os.environ, "WAYLAND_DISPLAY": "wayland-1"}
# No screen and no input devices: what it would show is asked of it.
COMPOSITOR = {**os.environ, "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1",
              "WLR_RENDERER": "gles2", "WLR_RENDER_DRM_DEVICE": NODE}
CONFIG = """
output * mode 1280x800
default_border none
xwayland disable
"""


def start(name, *argv, environment):
    """A program of the desktop's, which is ended with this test; its words are in a log."""
    with open(work(f"{name}.log"), "wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=environment)


def words(name):
    with open(work(f"{name}.log"), encoding="utf-8", errors="replace") as log:
        return log.read()[-2000:]


def shot():
    """What the compositor shows."""
    done = subprocess.run(["grim", "-t", "ppm", "-"], stdout=subprocess.PIPE, env=DESKTOP)
    equal(done.returncode, 0, f"grim's exit status; the compositor says: {words('sway')}")
    kind, width, height, depth, pixels = done.stdout.split(maxsplit=4)
    equal((kind, depth), (b"P6", b"255"), "the kind of grim's picture")
    return Picture(int(width), int(height), pixels)


def find_picture(shown):
    """The place of the guest's picture by its first colours, how many pixels wide and high each of its
    own is, and all of its colours; None while it is not there."""
    for times in (1, 2, 3):
        begin = b"".join(colour * times for colour in GUEST.VGA)
        at = shown.pixels.find(begin)
        while at >= 0 and at % 3 != 0:
            at = shown.pixels.find(begin, at + 1)
        if at >= 0:
            line = shown.pixels[at:at + 256 * times * 3]
            return at // 3, times, [line[i:i + 3] for i in range(0, len(line), 3 * times)]
    return None


def has_picture(shown, place, key):
    """Whether all of it is there, pixel by pixel."""
    at, times, colours = place
    for y in range(GUEST.HEIGHT * times):
        wanted = GUEST.line(colours, y // times, key, times)
        begin = (at + y * shown.width) * 3
        if shown.pixels[begin:begin + len(wanted)] != wanted:
            return False
    return True


def graphics_memory():
    """How many pieces of it the console has descriptors of."""
    pids = subprocess.run(["pgrep", "-x", "lodge-console"], stdout=subprocess.PIPE, text=True)
    found = 0
    for pid in pids.stdout.split():
        # What is gone meanwhile, one or all of them, is none.
        listed = subprocess.run(["find", f"/proc/{pid}/fd", "-lname", "/dmabuf:*"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found += len(listed.stdout.split())
    return found


sway = console = place = None
GUEST = Drawing("drawn")


@case("a guest with 3D is started on the card")
def _():
    ctl("set", GUEST.name, "display.model=virtio", "display.3d=true", "display.scaling=one-to-one")
    ctl("start", GUEST.name)
    command = run("pgrep", "-a", "-f", f"qemu-system-x86_64 .*{GUEST.disk}")
    check(f"gl=on,rendernode={NODE}" in command, f"QEMU runs without it: {command}")


@case("its picture is in the console's window, pixel by pixel, from the card's memory")
def _():
    global sway, console, place
    with open(work("sway.conf"), "w", encoding="utf-8") as file:
        file.write(CONFIG)
    sway = start("sway", "sway", "--config", work("sway.conf"), environment=COMPOSITOR)
    socket = os.path.join(os.environ["XDG_RUNTIME_DIR"], DESKTOP["WAYLAND_DISPLAY"])
    wait_for("the compositor is there", lambda: os.path.exists(socket) or sway.poll() is not None)
    equal(sway.poll(), None, f"the compositor's exit status; it says: {words('sway')}")
    console = start("console", "lodgectl", "console", GUEST.name, environment=DESKTOP)
    try:
        wait_for("the console has a descriptor of the card's memory", graphics_memory, LIMIT_S)
        place = wait_for("the picture is there", lambda: find_picture(shot()), LIMIT_S)
    except Failed as error:
        raise Failed(f"{error}; the console says: {words('console')}") from None
    check(has_picture(shot(), place, None), "the picture is another one")


@case("what the guest draws next is shown, again and again")
def _():
    check(place is not None, "it was not shown before")
    for key in "abcdefgh":
        ctl("key", GUEST.name, key)
        wait_for("the guest has the key", lambda: GUEST.has_key(key))
        wait_for(f"the picture after {key}", lambda: has_picture(shot(), place, key))


@case("once the guest is off its memory is let go of")
def _():
    check(graphics_memory() > 0, "it had none before")
    ctl("kill", GUEST.name)
    wait_state(GUEST.name, "off")
    wait_for("the console has none of it", lambda: graphics_memory() == 0)
    equal(console.poll(), None, "the console's exit status")


finish()
