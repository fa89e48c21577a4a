#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-desktop.py BUILD DRAG_SOURCE: a real Debian with X and spice-vdagent in Lodge's own window:
sizes, the clipboard, files that are dropped, and an agent that goes and comes."""
import hashlib
import os
import re
import shutil
import sys

import desktop
from guest_shell import Shell
from lodge_system import Failed, Lodge, Pixels, colours, main, run, wait_for

NAME = "desktop"
NEEDED = ("Xvfb", "metacity", "xdotool", "xprop", "xclip", "convert", "import")
# Two colours, a pixel of each in turn (desktop-init.sh).
PATTERN = {b"\xff\x80\x40", b"\x20\x40\x60"}
# Above the guest's picture in its window.
TOP = 52
TEXT = "Grüße & <b>\nzweite Zeile"

missing = [name for name in NEEDED if shutil.which(name) is None]
if desktop.why_not():
    missing.append(desktop.why_not())
if len(sys.argv) < 3:
    missing.append("the program that files are dragged from, which GTK's X11 parts are needed for")
if missing:
    print(f"1..1\nok 1 - guest-desktop # SKIP it needs {', '.join(missing)}")
    sys.exit(0)

image = None
# As it is before the test has one of its own.
cache = os.environ.get("XDG_CACHE_HOME")
lodge = Lodge(sys.argv[1])
shell = None
window = None


def make_guest():
    global image
    own = os.environ.pop("XDG_CACHE_HOME")
    if cache:
        os.environ["XDG_CACHE_HOME"] = cache
    try:
        image = desktop.get()
    except RuntimeError as error:
        raise Failed(str(error)) from None
    os.environ["XDG_CACHE_HOME"] = own


def boot():
    global shell
    lodge.ctl("create", NAME, "--kernel", os.path.join(image, "vmlinuz"), "--initrd",
              os.path.join(image, "initrd"), "--append", "console=ttyS0 quiet", "--memory", "2G",
              "--disk-size", "0")
    lodge.ctl("set", NAME, "display.model=virtio", "display.monitors=2")
    lodge.ctl("start", NAME)
    shell = Shell(lodge)
    shell.hear(b"the desktop is there")


def open_window():
    global window
    lodge.start_display()
    lodge.spawn("lodge", "--console", NAME, log="console.log")
    window = find_window(re.escape(NAME))
    # Not beside the screen's edge, where metacity would make it smaller.
    resize(900, 600)
    run("xdotool", "windowmove", "--sync", window, "20", "20")
    run("xdotool", "windowactivate", "--sync", window)


def find_window(name):
    return wait_for(f"the window {name}", lambda: run(
        "xdotool", "search", "--onlyvisible", "--name", f"^{name}$", check=False).stdout.split())[-1]


# ---- the screen


def resize(width, height):
    run("xdotool", "windowsize", "--sync", window, str(width), str(height))


def guest_size(output="Virtual-1"):
    """What the guest's own X says of a monitor; empty while it is off."""
    return shell.value(f"xrandr | sed -n 's/^{output} connected.* \\([0-9]*x[0-9]*\\)+.*/\\1/p'")


def photograph(name="window.png"):
    path = lodge.path(name)
    run("import", "-window", window, path)
    return path


def is_sharp():
    """The guest's screen as large as its place in the window, and each of its pixels there."""
    lodge.ctl("screenshot", NAME, lodge.path("guest.png"))
    guest, shown = Pixels(lodge.path("guest.png")), Pixels(photograph())
    if guest_size() != f"{guest.width}x{guest.height}":
        return False
    at = shown.find(guest)
    # Window frames are not the guest's; nothing else is left over beside the picture.
    return at and shown.width - guest.width <= 12 and shown.height - at[1] - guest.height <= 12


def follows(width, height):
    resize(width, height)
    wait_for(f"the guest to fill a window of {width}x{height}, sharp", is_sharp, pause=1)
    if colours(lodge.path("guest.png"), "64x64+8+8") != len(PATTERN):
        raise Failed("the guest does not show its pattern")


def sizes():
    for size in ((900, 600), (1203, 801), (640, 480)):
        follows(*size)


def is_menu_open():
    """A menu is a window of its own over the other one."""
    path = lodge.path("all.png")
    run("import", "-window", "root", path)
    return Pixels(path).row(300, 500, 100) != Pixels(photograph()).row(300 - 20, 500 - 20, 100)


def switch_second_monitor():
    """By keys, as the menu says itself."""
    run("xdotool", "windowactivate", "--sync", window, "mousemove", "--window", window,
        str(640 - 143), "27", "click", "1")
    wait_for("the menu", is_menu_open)
    run("xdotool", "key", "o", "key", "2")


def second_monitor():
    if guest_size("Virtual-2"):
        raise Failed("it is on before")
    switch_second_monitor()
    other = find_window(re.escape(NAME) + ": Monitor 2")
    first = wait_for("the guest's second screen", lambda: guest_size("Virtual-2"))
    run("xdotool", "windowsize", "--sync", other, "700", "500")
    wait_for("it to follow its window", lambda: guest_size("Virtual-2") not in ("", first))
    switch_second_monitor()
    wait_for("the second screen to go", lambda: guest_size("Virtual-2") == "")
    wait_for("the first one, sharp", is_sharp)


# ---- the clipboard


def copy_here(data, kind="UTF8_STRING"):
    path = lodge.path("copied")
    with open(path, "wb") as file:
        file.write(data)
    lodge.spawn("xclip", "-selection", "clipboard", "-t", kind, "-i", path)


def paste_here(kind="UTF8_STRING"):
    done = run("timeout", "30", "sh", "-c", f"xclip -selection clipboard -o -t {kind} | sha256sum",
               check=False)
    return done.stdout.split()[0]


def copy_there(path, kind="UTF8_STRING"):
    shell.run(f"xclip -selection clipboard -t {kind} -i {path} >/dev/null 2>&1")


def paste_there(kind="UTF8_STRING"):
    return shell.value(f"timeout 30 xclip -selection clipboard -o -t {kind} | sha256sum").split()[0]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def picture(colour):
    path = lodge.path("picture.png")
    run("convert", "-size", "300x200", f"gradient:{colour}-white", path)
    with open(path, "rb") as file:
        return file.read()


def to_guest(data, kind="UTF8_STRING"):
    copy_here(data, kind)
    wait_for("the guest to paste what was copied here", lambda: paste_there(kind) == digest(data))


def to_host(data, kind="UTF8_STRING"):
    """@data is in the guest already, in /tmp/data."""
    copy_there("/tmp/data", kind)
    wait_for("this desktop to paste what the guest copied", lambda: paste_here(kind) == digest(data))


def text():
    to_guest(TEXT.encode())
    back = TEXT[::-1].encode()
    octal = "".join(f"\\{byte:03o}" for byte in back)
    shell.run(f"printf '{octal}' >/tmp/data")
    to_host(back)


def image_both_ways():
    data = picture("red")
    to_guest(data, "image/png")
    shell.run("xclip -selection clipboard -o -t image/png >/tmp/data")
    to_guest(b"between")
    to_host(data, "image/png")


def nothing_passes():
    lodge.ctl("set", NAME, "sharing.clipboard=off")
    copy_here(b"for this desktop only")
    shell.run("echo for the guest only >/tmp/data")
    copy_there("/tmp/data")
    # A file comes over the same channels, after what was copied.
    drop("witness", b"witness")
    arrives("witness", b"witness")
    if paste_there() != digest(b"for the guest only\n"):
        raise Failed("something came into the guest")
    if paste_here() != digest(b"for this desktop only"):
        raise Failed("something came out of the guest")
    lodge.ctl("set", NAME, "sharing.clipboard=to-guest")
    wait_for("the way into the guest to open", lambda: paste_there() == digest(b"for this desktop only"))
    lodge.ctl("set", NAME, "sharing.clipboard=both")


# ---- files


def drop(name, data=None, size=0):
    """Dragged out of another program's window, and let go over the guest's picture."""
    path = lodge.path(name)
    with open(path, "wb") as file:
        if data is not None:
            file.write(data)
        else:
            file.truncate(size)
    source = lodge.spawn(sys.argv[2], path, log="drag.log")
    other = find_window("drag-source")
    run("xdotool", "windowmove", "--sync", other, "1200", "720")
    run("xdotool", "mousemove", "1300", "820", "mousedown", "1")
    # Far enough to be a drag, then in steps, as a hand does it.
    for step in range(1, 9):
        run("xdotool", "mousemove", str(1300 - 125 * step), str(820 - 65 * step))

    def taken():
        # The drag may have begun after the last step.
        run("xdotool", "mousemove_relative", "--", "1", "1", "mousemove_relative", "--", "-1", "-1")
        return is_hinted()
    wait_for("the window to take the drag", taken)
    run("xdotool", "mouseup", "1")
    # What is dropped is read from it.
    wait_for("the end of the drag", lambda: not is_hinted())
    source.terminate()
    source.wait(10)
    run("xdotool", "windowactivate", "--sync", window)


def is_pattern(y):
    """Whether the middle of a line of the window, from below where @y is negative, is the guest's."""
    pixels = Pixels(photograph())
    middle = pixels.row(y % pixels.height, pixels.width // 2 - 40, 80)
    return set(middle[i:i + 3] for i in range(0, len(middle), 3)) <= PATTERN


def is_hinted():
    """Whether the pill is there, in the middle of the picture, that says what a drop does."""
    return not is_pattern(TOP + (480 - TOP) // 2)


def received(name):
    return shell.value(f"cd /root/Downloads && sha256sum {name} 2>/dev/null | cut -c1-64")


def arrives(name, data):
    wait_for(f"{name} in the guest", lambda: received(name) == digest(data))


def file_arrives():
    data = os.urandom(3 << 20)
    drop("dropped.bin", data)
    arrives("dropped.bin", data)


def bar():
    """How long the bar is that shows how much has been copied, in pixels of its colour."""
    pixels = Pixels(photograph())
    return max(pixels.row(y).count(b"\x35\x84\xe4") for y in range(TOP, pixels.height))


def panel():
    """The right end of the panel that tells of files on their way, from its bottom up; or None."""
    pixels = Pixels(photograph())
    x = pixels.width - 40
    rows = [y for y in range(TOP, pixels.height) if pixels.row(y, x, 1) == b"\xff\xff\xff"]
    return (x, rows[0], rows[-1]) if len(rows) > 40 else None


def file_is_cancelled():
    drop("large.bin", size=600 << 20)
    first = wait_for("the bar", bar, pause=0)
    wait_for("the bar to grow", lambda: bar() > first, pause=0)
    x, top, bottom = panel()
    # The button of the file's own row, below the heading.
    run("xdotool", "mousemove", "--window", window, str(x - 8), str(top + 75), "click", "1")
    wait_for("the panel to go", lambda: panel() is None)
    wait_for("what has come of it to go", lambda: "large" not in shell.value("ls /root/Downloads"))


# ---- the agent


def agent_goes_and_comes():
    shell.run("killall spice-vdagent")
    copy_here(b"copied meanwhile")
    # Refused with a sentence at the bottom; with the agent the panel would come.
    drop("refused.bin", b"refused")
    wait_for("the sentence", lambda: not is_pattern(-30))
    if panel():
        raise Failed("a file is on its way without an agent")
    wait_for("the sentence to go", lambda: is_pattern(-30))
    run("xdotool", "key", "ctrl+v")
    wait_for("what pasting needs", lambda: not is_pattern(-30))
    shell.run("spice-vdagent")
    wait_for("the guest to paste what was copied meanwhile",
             lambda: paste_there() == digest(b"copied meanwhile"))
    drop("again.bin", b"again")
    arrives("again.bin", b"again")
    if received("refused.bin"):
        raise Failed("what was refused has arrived")


try:
    main([
        ("a Debian with X and spice-vdagent is made", make_guest),
        ("it boots", boot),
        ("its window opens", open_window),
        ("the guest follows the window's size, sharp", sizes),
        ("a second monitor", second_monitor),
        ("text goes both ways", text),
        ("a picture goes both ways", image_both_ways),
        ("a dropped file arrives", file_arrives),
        ("nothing passes while the clipboard is off", nothing_passes),
        ("a large file shows how far it is, and is cancelled", file_is_cancelled),
        ("the agent goes and comes", agent_goes_and_comes),
    ])
finally:
    lodge.close()
