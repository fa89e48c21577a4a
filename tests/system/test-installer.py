#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Debian installer under a real QEMU: through lodgectl, and through the app's window.

test-installer.py BUILD
"""
import json
import os
import re
import signal
import sys

from lodge_system import (Failed, Lodge, Pixels, colours, differing_pixels, main, run, wait_for)

NAME = "Debian & <b>installer"
build = sys.argv[1]
lodge = Lodge(build)
window = None


def state():
    rows = json.loads(lodge.ctl("list", "--json").stdout)
    return next(row["state"] for row in rows if row["name"] == NAME)


def shoot(name):
    path = lodge.path(name)
    lodge.ctl("screenshot", NAME, path)
    return path


def list_is_shown(picture):
    """The language screen's list: below the banner there is text, not only the background."""
    return colours(picture, "1280x600+0+100") >= 8


def host_is_honest():
    facts = json.loads(lodge.ctl("host", "--json").stdout)
    if not os.path.exists("/dev/kvm") and '"kvm"' in json.dumps(facts.get("facts", facts)):
        raise Failed("KVM is claimed where there is no /dev/kvm")


def create():
    installers = json.loads(lodge.ctl("installers", "--json").stdout)
    gtk = next(row["id"] for row in installers if row["id"].endswith("gtk"))
    lodge.ctl("create", NAME, "--installer", gtk, "--memory", "1G", "--disk-size", "8G")
    if state() != "off":
        raise Failed(f"a new machine is {state()}")


def bad_input():
    """One sentence on standard error, exit 1, and nothing half-made."""
    folder = lodge.path("data", "lodge", "machines")
    before = sorted(os.listdir(folder))
    truncated = lodge.path("truncated.qcow2")
    with open(truncated, "wb") as file:
        file.write(b"QFI\xfb\x00\x00\x00\x03")
    cases = [
        ("create", "a/b"), ("create", "a\nb"), ("create", "x" * 300),
        ("create", NAME), ("create", "x", "--media", lodge.folder),
        ("create", "x", "--media", "/nowhere.iso"), ("create", "x", "--disk", truncated),
        ("create", "x", "--kernel", "/nowhere"), ("start", "nobody"),
        ("set", NAME, "machine.cpus=many"), ("set", NAME, "machine.colour=red"),
    ]
    for case in cases:
        done = lodge.ctl(*case, check=False)
        lines = done.stderr.strip().splitlines()
        if done.returncode != 1 or len(lines) != 1 or not lines[0]:
            raise Failed(f"{case}: exit {done.returncode}, {len(lines)} lines: {done.stderr!r}")
    if sorted(os.listdir(folder)) != before:
        raise Failed("something half-made was left behind")


def start():
    lodge.ctl("start", NAME)
    if state() != "running":
        raise Failed(f"after start it is {state()}")


def language_screen():
    wait_for("the language screen", lambda: list_is_shown(shoot("language.png")), pause=2)


def engine_is_killed():
    pid = lodge.engine_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for("the engine's end", lambda: lodge.engine_pid() is None)
    if state() != "running":
        raise Failed(f"after the engine was killed the machine is {state()}")
    if lodge.engine_pid() == pid:
        raise Failed("the engine is the same process")


def keyboard_by_lodgectl():
    before = shoot("before.png")
    lodge.ctl("key", NAME, "up")
    wait_for("the selection to move",
             lambda: differing_pixels(before, shoot("after.png")) > 1000, pause=1)
    lodge.ctl("key", NAME, "down")


def open_window():
    global window
    lodge.start_display()
    lodge.spawn("lodge", "--console", NAME, log="console.log")
    found = wait_for("the console window", lambda: run(
        "xdotool", "search", "--onlyvisible", "--name", re.escape(NAME), check=False).stdout.split())
    window = found[-1]
    run("xdotool", "windowactivate", "--sync", window)


def photograph(name):
    path = lodge.path(name)
    run("import", "-window", window, path)
    return path


def find_guest():
    """Where the guest's picture is in the window, shown pixel by pixel; None where it is not. The
    pointer may cover some of it."""
    return Pixels(photograph("window.png")).find(Pixels(shoot("guest.png")))


def window_shows_the_guest():
    guest = Pixels(shoot("guest.png"))
    # A little more than the guest's size and a header bar: a scale near 1 is made exactly 1.
    run("xdotool", "windowsize", "--sync", window, str(guest.width + 24), str(guest.height + 84))
    run("xdotool", "mousemove", "--window", window, "1", "1")
    wait_for("the window to show what the guest shows", find_guest, seconds=120, pause=2)


def keyboard_by_window():
    before = shoot("before.png")
    run("xdotool", "windowactivate", "--sync", window)
    run("xdotool", "key", "--window", "0", "Up")
    wait_for("the selection to move by a key in the window",
             lambda: differing_pixels(before, shoot("after.png")) > 1000, pause=1)


def pointer_by_window():
    """A click on another line of the list moves the selection there."""
    # The selection of the step before may still be moving.
    x, y = wait_for("the guest's place in the window", find_guest, seconds=120, pause=1)
    guest = Pixels(shoot("guest.png"))
    before = shoot("before.png")
    run("xdotool", "mousemove", "--window", window,
        str(x + guest.width // 2), str(y + guest.height // 2 + 60))
    run("xdotool", "click", "1")
    wait_for("the selection to move by a click",
             lambda: differing_pixels(before, shoot("after.png")) > 1000, pause=1)


def close_window():
    """The guest goes on without its window."""
    run("xdotool", "windowclose", window)
    if state() != "running":
        raise Failed(f"after its window was closed the machine is {state()}")


def switch_off_and_delete():
    lodge.ctl("kill", NAME)
    if state() != "off":
        raise Failed(f"after kill it is {state()}")
    lodge.ctl("delete", NAME)
    if os.listdir(lodge.path("data", "lodge", "machines")):
        raise Failed("its folder is still there")


try:
    main([
        ("the host check claims no KVM that is not there", host_is_honest),
        ("create", create),
        ("bad input: one sentence each, nothing half-made", bad_input),
        ("start", start),
        ("the installer's language screen comes", language_screen),
        ("the engine is killed, the guest goes on", engine_is_killed),
        ("a key by lodgectl", keyboard_by_lodgectl),
        ("the console's window opens", open_window),
        ("the window shows what the guest shows", window_shows_the_guest),
        ("a key in the window", keyboard_by_window),
        ("a click in the window", pointer_by_window),
        ("the window is closed, the guest goes on", close_window),
        ("switch off and delete", switch_off_and_delete),
    ])
finally:
    lodge.close()
