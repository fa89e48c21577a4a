# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=root limit=240
"""lodge-viewer on a console without a desktop: a picture through the kernel's mode setting (KMS), and
the keyboard's own device; and a console that can be used when it has gone."""
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios

from lab import Drawing, Picture, case, check, ctl, equal, finish, press, screen, wait_for, work
from lab_table import Table

TERMINAL = "/dev/tty1"
# linux/kd.h: how a console's keyboard is read, and that it is switched off.
KDGKBMODE = 0x4b44
K_OFF = 4
# For a picture; so that what comes later is tried, too.
LIMIT_S = 60


def card_number():
    """Of the card whose screen the runner looks at, among the three."""
    address = Table().pci["gpu"]["address"]
    cards = [name for name in os.listdir("/sys/class/drm") if re.fullmatch(r"card\d+", name)]
    return next(name.removeprefix("card") for name in cards
                if os.path.realpath(f"/sys/class/drm/{name}/device").endswith(address))


def keyboard_mode():
    terminal = os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY)
    try:
        return struct.unpack("i", fcntl.ioctl(terminal, KDGKBMODE, bytes(4)))[0]
    finally:
        os.close(terminal)


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 1)


def view(*argv):
    """The viewer, as it is started by who has logged in on the console; once it is there."""
    # QEMU 7.2 emulates AVX2's loads of several addresses wrongly, which Mesa draws with.
    environment = {**os.environ, "SDL_KMSDRM_DEVICE_INDEX": CARD,
                   "GALLIUM_OVERRIDE_CPU_CAPS": "sse4.1"}
    with open(TERMINAL, "r+b", buffering=0) as terminal, open(LOG, "wb") as log:
        process = subprocess.Popen(["lodge-viewer", "--full-screen", "--no-sound", *argv],
                                   stdin=terminal, stdout=terminal, stderr=log, env=environment,
                                   preexec_fn=take_terminal)
    wait_for("the viewer reads the keyboard", lambda: keyboard_mode() == K_OFF
             or process.poll() is not None)
    equal(process.poll(), None, f"the viewer's exit status, and in its log: {open(LOG).read()}")
    return process


def first_colours(shown):
    """The guest's 256 colours, which stand in its first line before a key is added to them."""
    line = shown.pixels[:256 * (shown.width // GUEST.WIDTH) * 3]
    step = len(line) // 256
    return [line[i:i + 3] for i in range(0, len(line), step)]


def picture(width, height, colours, key):
    """What the guest draws, on a screen of this size."""
    lines, times = [], width // GUEST.WIDTH
    for y in range(GUEST.HEIGHT):
        lines += [GUEST.line(colours, y, key, times)] * (height // GUEST.HEIGHT)
    return Picture(width, height, b"".join(lines))


def has_colours(shown):
    """The picture, once the first of the guest's colours are those that a VGA card begins with."""
    return shown if first_colours(shown)[:len(GUEST.VGA)] == GUEST.VGA else None


def count_colours(shown):
    return len({shown.pixels[i:i + 3] for i in range(0, len(shown.pixels), 3 * 7)})


LOG = work("viewer.log")
CARD = card_number()
BEFORE = keyboard_mode()
GUEST = Drawing("shown")
ctl("start", GUEST.name)
viewer, colours = None, []


@case("the guest's picture fills the screen, pixel by pixel")
def _():
    global viewer, colours
    viewer = view(GUEST.name)
    shown = wait_for("the screen has its colours", lambda: has_colours(screen()), LIMIT_S)
    equal((shown.width % GUEST.WIDTH, shown.height % GUEST.HEIGHT), (0, 0),
          "what is left of the screen's size")
    colours = first_colours(shown)
    check(shown == picture(shown.width, shown.height, colours, None), "the picture is another one")


@case("a key of the computer's keyboard arrives in the guest, and its new picture on the screen")
def _():
    press("k")
    wait_for("the guest has the key", lambda: GUEST.has_key("k"))
    shown = screen()
    wanted = picture(shown.width, shown.height, colours, "k")
    wait_for("the screen shows it", lambda: screen() == wanted, LIMIT_S)


@case("Ctrl and Alt, then Q: the viewer is closed, and the console as it was")
def _():
    press("ctrl", "alt")
    # Not to the guest, whose sector would say so.
    press("q")
    equal(viewer.wait(60), 0, "the viewer's exit status")
    equal(keyboard_mode(), BEFORE, "the mode of the console's keyboard")
    wait_for("the console's text is back", lambda: count_colours(screen()) < 16)
    check(GUEST.has_key("k"), "the guest has got the Q")


@case("one that crashes leaves a console behind that can be typed at")
def _():
    crashed = view("--connect", "spice+unix:///run/nobody-listens-here")
    crashed.send_signal(signal.SIGSEGV)
    equal(crashed.wait(60), -signal.SIGSEGV, "the viewer's exit status")
    equal(keyboard_mode(), BEFORE, "the mode of the console's keyboard")


finish()
