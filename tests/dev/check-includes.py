#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks who includes whom: the rooms of engine/ in their order, and no way around the walls."""
import re
import subprocess
import sys

# A room may include what stands below it in this list; rooms of one row do not see each other.
ORDER = [["service"], ["lab"], ["machine"], ["storage", "network", "guest"], ["qemu"],
         ["host", "description"]]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

problems = []
files = subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True, text=True,
                       stdout=subprocess.PIPE).stdout.split()
for path in files:
    parts = path.split("/")
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        where, name = f"{path}:{number}", match.group(2)
        room = name.split("/")[0] if "/" in name else None
        if match.group(1) == '"' and ".." in name:
            problems.append(f"{where}: {name} climbs out of its folder")
        if parts[0] == "engine":
            if re.match(r"(gtk|gdk|adwaita|spice-client)", name):
                problems.append(f"{where}: the engine never sees a toolkit ({name})")
            own = parts[1]
            if own == "contract" and room in RANK:
                problems.append(f"{where}: the contract is a leaf and includes no room ({name})")
            elif room in RANK and room != own and RANK[room] <= RANK.get(own, -1):
                problems.append(f"{where}: {own} stands below or beside {room} ({name})")
        elif parts[0] == "ui":
            if room in RANK:
                problems.append(f"{where}: ui/ sees only the contract of the engine ({name})")
            if parts[1] == "console" and re.match(r"(gtk|gdk|adwaita|SDL)", name):
                problems.append(f"{where}: the console has no toolkit ({name})")

print("\n".join(problems) if problems else f"{len(files)} files, all in order")
sys.exit(1 if problems else 0)
