#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check-includes.py finds what it is there to find: trees of one file each, and what it says."""
import os
import subprocess
import sys
import tempfile

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-includes.py")
# (where the line stands, the line, a part of the complaint; None: it is in order)
CASES = [
    ("engine/qemu/a.c", '#include "host/lodge-host.h"', None),
    ("engine/host/a.c", '#include "qemu/lodge-qemu.h"', "host stands below or beside qemu"),
    ("engine/storage/a.h", '#include "network/lodge-forward.h"', "storage stands below or beside"),
    ("engine/contract/a.c", '#include "host/lodge-host.h"', "the contract is a leaf"),
    ("engine/machine/a.c", "#include <gtk/gtk.h>", "the engine never sees a toolkit"),
    ("engine/machine/a.c", "#  include <gsk/gsk.h>", "the engine never sees a toolkit"),
    ("engine/machine/a.c", "#include <spice-client.h>", "the engine never sees a toolkit"),
    ("engine/machine/a.c", '#include "../qemu/a.h"', "climbs out of its folder"),
    ("ui/gtk/a.c", "#include <gtk/gtk.h>", None),
    ("ui/console/a.c", "#include <gdk/gdk.h>", "the console has no toolkit"),
    ("ui/console/a.c", '#include "sdl/lodge-sdl-window.h"', "the console has no toolkit"),
    ("ui/sdl/a.c", "#include <SDL.h>", None),
    ("ui/sdl/a.c", "#include <gdk/gdk.h>", "the viewer does without GTK"),
    ("ui/sdl/a.c", '#include "gtk/lodge-display.h"', "the viewer does without GTK"),
    ("ui/gtk/a.c", '#include "machine/lodge-machine.h"', "ui/ sees only the contract"),
    ("app/lodge-console.c", "#include <gtk/gtk.h>", None),
    ("app/lodgectl.c", "#include <adwaita.h>", "have windows"),
    ("ui/gtk/a.c", '  g_spawn_async (NULL, argv);', "ui/ starts no programs (g_spawn_async)"),
    ("ui/console/a.c", '  x = g_subprocess_new (0, &error, "a", NULL);', "ui/ starts no programs"),
    ("ui/gtk/a.c", "  if (fork () == 0)", "ui/ starts no programs (fork)"),
    ("ui/gtk/a.c", "  lodge_system (1);", None),
    ("engine/qemu/a.c", "  g_spawn_async (NULL, argv);", None),
    ("ui/gtk/lodge-console-launcher.c", "  g_subprocess_launcher_spawn (a, b);", None),
]

print(f"1..{len(CASES)}")
failed = 0
for number, (path, line, complaint) in enumerate(CASES, 1):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, os.path.dirname(path)))
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(line + "\n")
        done = subprocess.run([sys.executable, CHECK, folder], text=True, stdout=subprocess.PIPE)
    if complaint is None:
        good = done.returncode == 0
    else:
        good = done.returncode == 1 and f"{path}:1: " in done.stdout and complaint in done.stdout
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} {path}: {line.strip().lstrip('#')}")
    if not good:
        print(f"# it says: {done.stdout.strip()}")
sys.exit(1 if failed else 0)
