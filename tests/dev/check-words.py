#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the translations: POTFILES names every file with text, and every language passes msgfmt."""
import re
import subprocess
import sys

MARKED = re.compile(r'\b(?:N?_|ngettext) \("|translatable="yes"')

problems = []
files = subprocess.run(["git", "ls-files", "app", "engine", "ui"], check=True, text=True,
                       stdout=subprocess.PIPE).stdout.split()
named = [line.strip() for line in open("po/POTFILES", encoding="utf-8")
         if line.strip() and not line.startswith("#")]

if named != sorted(named):
    problems.append("po/POTFILES: not sorted")
for path in files:
    if path.endswith((".c", ".ui")) and path not in named and \
       MARKED.search(open(path, encoding="utf-8").read()):
        problems.append(f"{path}: has text for users and is not in po/POTFILES")
for path in named:
    # What is not taken from these folders is data/.
    if path.startswith(("app/", "engine/", "ui/")) and path not in files:
        problems.append(f"po/POTFILES: there is no {path}")

for language in open("po/LINGUAS", encoding="utf-8").read().split("\n"):
    if language and not language.startswith("#"):
        run = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", f"po/{language}.po"],
                             text=True, stderr=subprocess.PIPE)
        if run.returncode != 0 or run.stderr:
            problems.append(run.stderr.strip())

for problem in problems:
    print(problem)
print(f"{len(named)} files with text, " + ("all in order" if not problems else "not in order"))
sys.exit(1 if problems else 0)
