#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-state.py BUILD: a small Debian whose memory and disk hold known data, through snapshots,
suspends with an engine that ends meanwhile, clones of it while it runs, and a disk that grows; and
files that come out of it. After each time that it stood still its clock is right. Both are done by
qemu-guest-agent."""
import glob
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import small
from guest_shell import Shell
from lodge_system import Failed, Lodge, main, wait_for

NAME = "state"
# As long as a guest has to have stood still for its clock to be set, and a little more.
STILL_S = 7
# How far a clock may be off that is right: the engine is content with one second.
RIGHT_S = 2
# A process that goes on, with a secret in its memory: it tells that, and takes another one instead.
KEEPER = """{ mkfifo /run/ask /run/answer; (secret=none; while :; do read -r new </run/ask;
echo $secret >/run/answer; [ -z "$new" ] || secret=$new; done) & echo $! >/run/keeper; }"""
ASK = 'ask() { echo "$1" >/run/ask; cat /run/answer; }'
# The boot, the process, its secret; what is in memory, on the disk, and yet to be written to it.
WHOLE = """cat /proc/sys/kernel/random/boot_id /run/keeper; ask;
sha256sum /run/known /data/synced /data/unsynced"""

reason = small.why_not()
if reason is not None:
    print(f"1..1\nok 1 - guest-state # SKIP it needs {reason}")
    sys.exit(0)
build = sys.argv[1]
lodge = Lodge(build)
image = None
shell = None
uuid = None
disk = None
# What WHOLE said when the snapshot was taken, and after all of it was changed.
first = None
second = None


def make_guest():
    global image
    try:
        image = small.get(build)
    except RuntimeError as error:
        raise Failed(str(error)) from None


def show(name, key):
    return json.loads(lodge.ctl("show", name, "--json").stdout)[key]


def expect(command, wanted, where=None):
    said = (where or shell).value(command)
    if said != wanted:
        raise Failed(f"{command}: “{said}” instead of “{wanted}”")


def expect_whole(wanted):
    expect(WHOLE, wanted)


def expect_no_errors(where=None):
    """In the kernel's messages; one that was slow for want of a processor is none."""
    said = (where or shell).value(
        "dmesg --level=emerg,alert,crit,err; "
        "dmesg | grep -i -e 'ext4-fs error' -e 'ext4-fs warning' -e 'i/o error' -e 'BUG:'")
    if said:
        raise Failed(f"its kernel says: {said}")


def boot():
    global shell, uuid, disk
    said = lodge.ctl("create", NAME, *small.arguments(image), "--memory", "512M", "--cpus", "1", "--json")
    uuid = json.loads(said.stdout)["uuid"]
    disk = lodge.ctl("disk", "add", NAME, "200M", "--bus", "virtio").stdout.strip()
    lodge.ctl("start", NAME)
    shell = Shell(lodge, uuid)
    small.wait_until_there(shell)


def write_data():
    """Another secret, and other data. The kernel writes nothing by itself, so that the last file is in
    its memory alone: one that took another's place ext4 would write at once."""
    shell.run("ask $(cat /proc/sys/kernel/random/uuid) >/dev/null; rm -f /data/unsynced; "
              "head -c 100000 /dev/urandom >/run/known; "
              "head -c 3000000 /dev/urandom >/data/synced; sync; "
              "head -c 3000000 /dev/urandom >/data/unsynced")


def prepare():
    shell.run("echo 0 >/proc/sys/vm/dirty_writeback_centisecs; "
              "echo ,,L | sfdisk -q /dev/vdb; mkfs.ext4 -q /dev/vdb1; mount /dev/vdb1 /data")
    shell.run(KEEPER)
    shell.run(ASK)
    write_data()


# ---- files


def get_files(*paths):
    """What lodgectl said."""
    return lodge.ctl("guest", "get", NAME, *paths, "--to", lodge.path("out"), check=False, timeout=120)


def get_open():
    return shell.value("ls /proc/$(cat /run/agent.pid)/fd | wc -l")


def expect_refusal(path, words):
    done = get_files(path)
    if done.returncode != 1 or words not in done.stderr or done.stdout:
        raise Failed(f"{path}: {done.stdout}{done.stderr}")


def get_same_files():
    """Byte by byte; one of them has no size, and one a name that is taken."""
    paths = ["/data/synced", "/run/known", "/data/Übung 1 $x'.txt", "/data/empty", "/proc/version",
             "/run/known"]
    names = ["synced", "known", "Übung 1 $x'.txt", "empty", "version", "known (2)"]
    done = get_files(*paths)
    if done.returncode != 0 or done.stdout.split("\n")[:-1] != [lodge.path("out", n) for n in names]:
        raise Failed(f"{done.stdout}{done.stderr}")
    for path, name in zip(paths, names):
        quoted = path.replace("'", "'\"'\"'")
        with open(lodge.path("out", name), "rb") as file:
            here = hashlib.sha256(file.read()).hexdigest()
        expect(f"cat '{quoted}' | sha256sum | cut -d' ' -f1", here)


def stop_endless_file():
    """Ctrl+C, in the middle of what never ends."""
    asker = subprocess.Popen([os.path.join(lodge.programs, "lodgectl"), "guest", "get", NAME, "/dev/zero",
                              "--to", lodge.path("out")], stderr=subprocess.PIPE, text=True)
    wait_for("some of it", lambda: asker.poll() is not None or any(
        os.path.getsize(path) > 1000000 for path in glob.glob(lodge.path("out", ".lodge-*"))), pause=0.1)
    asker.send_signal(signal.SIGINT)
    said = asker.communicate(timeout=60)[1]
    if asker.returncode != 1 or "Stopped" not in said:
        raise Failed(f"exit {asker.returncode}: {said}")


def fetch():
    os.mkdir(lodge.path("out"))
    expect_refusal("/data/synced", "sharing.files-out")
    lodge.ctl("set", NAME, "sharing.files-out=yes")
    shell.run("printf 'drei' >\"/data/Übung 1 \\$x'.txt\"; : >/data/empty")
    before = get_open()
    get_same_files()
    stop_endless_file()
    expect_refusal("/data/missing", "no file")
    expect_refusal("/data", "is a folder")
    expect("ls /proc/$(cat /run/agent.pid)/fd | wc -l", before)
    left = sorted(os.listdir(lodge.path("out")))
    if left != sorted(["synced", "known", "Übung 1 $x'.txt", "empty", "version", "known (2)"]):
        raise Failed(f"in the folder is {left}")
    shell.run("rm \"/data/Übung 1 \\$x'.txt\" /data/empty")


# ---- standing still


class Standstill:
    """Of a guest that is running when this is made."""

    def __init__(self):
        self.lag = self.get_lag()
        self.began = None

    def begin(self):
        """It stands still, or has left behind what it will go on from."""
        self.began = time.monotonic()

    @staticmethod
    def get_lag():
        """How much less time has passed in the guest than here: its uptime stands still with it."""
        return time.time() - float(shell.value("cut -d' ' -f1 /proc/uptime"))

    def wait(self):
        """Until it has lasted. Most of that has passed with other things."""
        wait_for("time to pass", lambda: time.monotonic() - self.began > STILL_S)

    def check(self):
        """The guest goes on: it did stand still, and its clock is right all the same."""
        stood = self.get_lag() - self.lag
        if stood < STILL_S - RIGHT_S:
            raise Failed(f"the guest stood still for {stood:.1f} s")
        wait_for("the guest's clock to be right", lambda: get_behind() is None)
        # A guest that is slow may have been told of before.
        wait_for("an end of the machine's note", lambda: not show(NAME, "note"))


def get_behind():
    """By how many seconds the guest's clock is behind, or ahead; None where it is right."""
    before = time.time()
    guest = float(shell.value("date +%s.%N"))
    after = time.time()
    return None if before - RIGHT_S < guest < after + RIGHT_S else after - guest


def go_on():
    """The guest goes on in another QEMU."""
    global shell
    shell = Shell(lodge, uuid)


# ---- snapshots

snapshot = None


def take_snapshot():
    global first, snapshot
    first = shell.value(WHOLE)
    snapshot = Standstill()
    lodge.ctl("snapshot", "create", NAME, "first")
    snapshot.begin()
    rows = json.loads(lodge.ctl("snapshot", "list", NAME, "--json").stdout)
    if not rows[0]["memory"]:
        raise Failed(str(rows))
    expect_whole(first)


def change():
    global second
    write_data()
    second = shell.value(WHOLE)
    if set(first.split()) & set(second.split()) - set(WHOLE.split()) != set(first.split()[:2]):
        raise Failed(f"not all is another, or too much: {first}, {second}")


def revert():
    snapshot.wait()
    lodge.ctl("snapshot", "revert", NAME, "first", "--keep-as", "second")
    go_on()
    expect_whole(first)
    snapshot.check()


def check_disk(where=None):
    """The file system is whole, and what is on it is there; read from the disk, not from memory."""
    where = where or shell
    files = "tail -qc 3000000 /data/* 2>/dev/null | sha256sum"
    before = where.value(files)
    where.run("umount /data; echo 3 >/proc/sys/vm/drop_caches")
    expect("e2fsck -fn /dev/vdb1 >/tmp/e2fsck 2>&1 || cat /tmp/e2fsck", "", where)
    where.run("mount /dev/vdb1 /data")
    expect(files, before, where)
    expect_no_errors(where)


def revert_again():
    """To what was the present, which had the newer disk."""
    lodge.ctl("snapshot", "revert", NAME, "second", "--discard")
    go_on()
    expect_whole(second)
    check_disk()
    expect_whole(second)


# ---- suspending


def end_engine(by):
    pid = lodge.engine_pid()
    os.kill(pid, by)
    wait_for("the engine's end", lambda: not os.path.exists(f"/proc/{pid}"), pause=0.1)


def age_memory():
    """As if it had been written an hour ago, from where on its user is told."""
    folder = os.path.join(show(NAME, "folder"), "snapshots")
    newest = max(glob.glob(os.path.join(folder, "*", "memory")), key=os.path.getmtime)
    os.utime(newest, (time.time() - 3600, time.time() - 3600))


def suspend(by, old=False):
    write_data()
    whole = shell.value(WHOLE)
    standstill = Standstill()
    lodge.ctl("suspend", NAME)
    standstill.begin()
    end_engine(by)
    lodge.ctl("wait", NAME, "suspended", "--timeout", "60")
    if old:
        age_memory()
    standstill.wait()
    lodge.ctl("start", NAME)
    go_on()
    expect_whole(whole)
    return standstill


def suspend_and_end():
    """The agent hangs, and is asked again later."""
    shell.run("kill -STOP $(cat /run/agent.pid)")
    standstill = suspend(signal.SIGTERM, old=True)
    wait_for("the machine's note", lambda: "did not set it" in show(NAME, "note"))
    shell.run("kill -CONT $(cat /run/agent.pid)")
    standstill.check()
    check_disk()


def suspend_and_kill():
    """The agent comes later this time: until then nobody sets the clock."""
    shell.run("kill $(cat /run/agent.pid)")
    standstill = suspend(signal.SIGKILL)
    if (get_behind() or 0) < STILL_S - RIGHT_S:
        raise Failed(f"its clock is behind by {get_behind()} s")
    shell.run("{ sh /run/agent >/run/agent.log 2>&1 & }")
    standstill.check()
    check_disk()


# ---- clones

clones = {}
# What the machine has, as WHOLE says.
kept = None


def clone():
    global kept
    write_data()
    kept = shell.value(WHOLE)
    for name, options in ("linked", ["--linked"]), ("full", []):
        said = lodge.ctl("clone", NAME, name, *options, "--json").stdout
        clones[name] = {"uuid": json.loads(said)["uuid"]}
    shell.run("echo later >/data/later; sync /data/later")
    expect_whole(kept)


def get_identity(where):
    return where.value("cat /sys/class/dmi/id/product_uuid /sys/class/net/e*/address "
                       "/proc/sys/kernel/random/boot_id").lower().split()


def start_clones():
    for name in clones:
        lodge.ctl("start", name)
    for one in clones.values():
        one["shell"] = Shell(lodge, one["uuid"])
        small.wait_until_there(one["shell"])


def look_at_clones():
    """As after a power cut: what was not synced is not there, and nothing else in its place."""
    source = get_identity(shell)
    for name, one in clones.items():
        where = one["shell"]
        identity = get_identity(where)
        if len(identity) != 3 or identity[0] != one["uuid"] or set(identity) & set(source):
            raise Failed(f"{name} is {identity}, and its source {source}")
        where.run("mount /dev/vdb1 /data")
        expect("sha256sum </data/synced", shell.value("sha256sum </data/synced"), where)
        expect("ls /data/later 2>/dev/null", "", where)
        expect("cat /data/unsynced 2>/dev/null | wc -c", "0", where)
        where.run(f"echo {name} >/data/own; sync")
        check_disk(where)


def source_is_unharmed():
    for name in clones:
        lodge.ctl("kill", name)
    lodge.ctl("delete", "full")
    expect_whole(kept)
    expect("ls /data", "later lost+found synced unsynced")
    check_disk()
    expect_whole(kept)


# ---- growing


def grow():
    """While a clone stands on what is below."""
    number = int(shell.value("cat /sys/block/vdb/size"))
    if number != (200 << 20) // 512:
        raise Failed(f"it has {number} sectors at first")
    advice = lodge.ctl("disk", "grow", NAME, disk, "400M").stdout
    wait_for("the guest to see the new size",
             lambda: int(shell.value("cat /sys/block/vdb/size")) == (400 << 20) // 512)
    for word in ("growpart", "resize2fs"):
        if word not in advice:
            raise Failed(f"the advice is: {advice}")
    said = shell.run("growpart /dev/vdb 1 2>&1 && resize2fs /dev/vdb1 2>&1")
    bytes_there = int(shell.value("df --output=size -B1 /data | tail -n 1"))
    if bytes_there < 350 << 20:
        raise Failed(f"its file system has {bytes_there} bytes: {said}")
    expect_whole(kept)
    # Its end is beyond what there was.
    shell.run("fallocate -l 300M /data/large && cat /data/synced >>/data/large")
    expect("tail -c 3000000 /data/large | cmp - /data/synced 2>&1", "")
    check_disk()
    expect_whole(kept)


try:
    main([
        ("a small Debian is made", make_guest),
        ("it boots", boot),
        ("it has data in memory and on its disk", prepare),
        ("files come out of it", fetch),
        ("a snapshot is taken while it runs", take_snapshot),
        ("all of it changes", change),
        ("it goes back, with memory, process, disk and clock", revert),
        ("its file system is whole", check_disk),
        ("it goes back to what it was before", revert_again),
        ("it is suspended, and the engine ends", suspend_and_end),
        ("it is suspended, and the engine is killed", suspend_and_kill),
        ("it is cloned while it runs", clone),
        ("the clones start", start_clones),
        ("they have its disk and are themselves", look_at_clones),
        ("their source is unharmed", source_is_unharmed),
        ("its disk grows while it runs", grow),
    ])
finally:
    lodge.close()
