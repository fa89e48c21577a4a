#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check-includes.py [FOLDER]: who includes whom. The rooms of engine/ in their order, no way around
the walls, no toolkit where there is none, and no process started by a window."""
import os
import re
import sys

# A room may include what stands below it in this list; rooms of one row do not see each other.
ORDER = [["service"], ["lab"], ["machine"], ["storage", "network", "guest", "sharing"], ["qemu"],
         ["host", "description"]]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
TOOLKIT = re.compile(r"(gtk|gdk|gsk|graphene|pango|cairo|adwaita|SDL)")
# The programs of app/ that have windows; the others run where no toolkit is installed.
WINDOWED = ("app/lodge.c", "app/lodge-console.c")

# The windows ask the engine. What runs a program is a call of the contract, which every other client
# has too, so nothing below ui/ starts one ...
PROCESS = re.compile(r"\b(g_spawn_\w+|g_subprocess_(?:new|launcher_spawn)\w*|g_app_info_launch\w*|"
                     r"g_app_info_create_from_commandline|posix_spawnp?|exec[lv][pe]*|v?fork|system|"
                     r"popen)\s*\(")
# ... but Lodge's own console, whose windows are a process of their own so that one that hangs or
# crashes takes no other with it.
MAY_START = ("ui/gtk/lodge-console-launcher.c",)


def check_include(path, kind, name):
    parts = path.split("/")
    room = name.split("/")[0] if "/" in name else None
    if kind == '"' and ".." in name:
        yield f"{name} climbs out of its folder"
    if parts[0] == "engine":
        own = parts[1]
        if TOOLKIT.match(name) or name.startswith("spice-client") or room in ("console", "ui"):
            yield f"the engine never sees a toolkit ({name})"
        if own == "contract" and room in RANK:
            yield f"the contract is a leaf and includes no room ({name})"
        elif room in RANK and room != own and RANK[room] <= RANK.get(own, -1):
            yield f"{own} stands below or beside {room} ({name})"
    elif parts[0] == "ui":
        if room in RANK:
            yield f"ui/ sees only the contract of the engine ({name})"
        if parts[1] == "console" and TOOLKIT.match(name):
            yield f"the console has no toolkit ({name})"
        if parts[1] == "console" and room in ("gtk", "sdl"):
            yield f"the console has no toolkit ({name})"
        if parts[1] == "sdl" and (room == "gtk" or re.match(r"(gtk|gdk|gsk|graphene|adwaita)", name)):
            yield f"the viewer does without GTK ({name})"
    elif parts[0] == "app" and path not in WINDOWED and TOOLKIT.match(name):
        yield f"only {' and '.join(WINDOWED)} have windows ({name})"


def check_file(path):
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include:
                for problem in check_include(path, *include.groups()):
                    yield f"{path}:{number}: {problem}"
            call = PROCESS.search(line)
            if call and path.startswith("ui/") and path not in MAY_START:
                yield f"{path}:{number}: ui/ starts no programs ({call.group(1)})"


os.chdir(sys.argv[1] if len(sys.argv) > 1 else ".")
files = sorted(os.path.join(folder, name) for top in ("app", "engine", "tests", "ui")
               for folder, _, names in os.walk(top) for name in names
               if name.endswith((".c", ".h")))
problems = [problem for path in files for problem in check_file(path)]
print("\n".join(problems) if problems else f"{len(files)} files, all in order")
sys.exit(1 if problems else 0)
