#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tidy.py BUILD: clang-tidy over app/, ui/ and engine/, as BUILD compiles them.

A file without findings leaves a stamp in BUILD/tidy/, whose name is a hash of all that a finding
can hang on: clang-tidy, its configuration, the compile commands, and the content of the file and of
every header that the compiler read for it, the system's among them. Only files without their stamp
are looked at again; `rm -r BUILD/tidy` forgets all.
"""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys

ROOMS = ("app/", "ui/", "engine/")


def output_of(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def read_headers(build):
    """What ninja knows of each object: OBJECT: #deps ..., then one path a line, indented."""
    headers, current = {}, None
    for line in output_of("ninja", "-C", build, "-t", "deps").splitlines():
        if line.startswith(" "):
            current.append(line.strip())
        elif ": #deps" in line:
            current = headers.setdefault(line.split(": #deps")[0], [])
    return headers


contents = {}


def hash_of(path):
    if path not in contents:
        with open(path, "rb") as file:
            contents[path] = hashlib.sha256(file.read()).hexdigest()
    return contents[path]


def stamp_of(build, common, commands, headers):
    stamp = hashlib.sha256(common.encode())
    for command in commands:
        folder = command["directory"]
        paths = {os.path.join(folder, path) for path in headers[command["output"]]}
        stamp.update(command["command"].encode())
        for path in sorted(paths):
            stamp.update(f"{path} {hash_of(path)}\n".encode())
    return os.path.join(build, "tidy", stamp.hexdigest())


def look_at(build, source, stamp):
    # One file at a time: clang-tidy 14 takes every va_list for uninitialised from the second file on.
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, source], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == 0:
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(source + "\n")
        return True
    # What clang itself cannot read stands in the other of the two.
    print(done.stdout or done.stderr, end="", flush=True)
    return False


def main():
    build = sys.argv[1]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        database = json.load(file)
    commands = {}
    for command in database:
        path = os.path.relpath(os.path.join(command["directory"], command["file"]))
        commands.setdefault(path, []).append(command)
    sources = output_of("git", "ls-files", *[room + "*.c" for room in ROOMS]).split()
    left_out = [source for source in sources if source not in commands]
    if left_out:
        sys.exit(f"tidy: {build} does not compile {', '.join(left_out)}")

    common = output_of("clang-tidy", "--version") + hash_of(".clang-tidy")
    headers = read_headers(build)
    stamps = {source: stamp_of(build, common, commands[source], headers) for source in sources}
    folder = os.path.join(build, "tidy")
    os.makedirs(folder, exist_ok=True)
    todo = [source for source in sources if not os.path.exists(stamps[source])]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(lambda source: look_at(build, source, stamps[source]), todo))
    print(f"{len(sources)} files, {len(todo)} of them looked at now, "
          f"{good.count(False)} with findings")
    sys.exit(0 if all(good) else 1)


main()
