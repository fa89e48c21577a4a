#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab.py BUILD-FOLDER [NAME...]: runs the lab's tests, all or the named ones; see README.md.

With --tap as the first argument it closes with a TAP plan for meson instead of a line of counts.
LODGE_LAB_PACKAGES names the packages that Lodge needs to run; `dev` sets it from its lists.
"""
import base64
import glob
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib

import lab_lodge
import lab_root
from lab_machine import Dead, Machine, die_with_parent
from lab_report import Report
from lab_table import Table

HERE = os.path.dirname(os.path.abspath(__file__))
# A busy computer boots L1 in minutes.
BOOT_LIMIT_S = 600
# How much later than the agent inside the runner loses its patience.
MARGIN_S = 120
# The agent says every 10 s that L1 goes on.
SILENCE_LIMIT_S = 120
DEFAULT_LIMIT_S = 300
# For tidying up after Ctrl+C.
STOP_LIMIT_S = 10
NEEDED = ("mmdebstrap", "mkfs.ext4", "qemu-system-x86_64", "meson", "ninja", "gcc", "ld")
HEAD = re.compile(r"^# lab: (.*)$", re.MULTILINE)
# The word for tests that run on this computer itself.
OUTSIDE = "outside"


class Test:
    """One file of tests/; its head says where it runs: “# lab: variant=plain user=lab limit=60”."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path).removesuffix(".py")
        with open(path, encoding="utf-8") as file:
            head = HEAD.search(file.read())
        if head is None:
            raise ValueError(f"{path} has no line “# lab: variant=...”")
        fields = dict(field.split("=", 1) for field in head[1].split())
        self.variant = fields.pop("variant")
        self.user = fields.pop("user", "root")
        self.limit = int(fields.pop("limit", DEFAULT_LIMIT_S))
        if fields:
            raise ValueError(f"{path}: nothing is known of {', '.join(fields)}")


def find_tests(table, names):
    tests = [Test(path) for path in sorted(glob.glob(os.path.join(HERE, "tests", "*.py")))]
    for test in tests:
        if test.variant != OUTSIDE and test.variant not in table.variants:
            raise ValueError(f"{test.path}: there is no variant “{test.variant}” in hardware.ini")
    for name in names:
        if name not in (test.name for test in tests):
            raise ValueError(f"there is no test “{name}”: {', '.join(test.name for test in tests)}")
    return [test for test in tests if not names or test.name in names]


def needs_newer(table, test):
    """The release of Debian that Lodge would have to be built on for this test, where this computer's
    is older; None where it is not."""
    wanted = table.variants[test.variant].get("lodge") if test.variant != OUTSIDE else None
    return wanted if wanted != lab_root.release() and wanted == lab_root.release(wanted) else None


class StoodStill(Exception):
    """Nothing at all goes on in L1."""


class Boot:
    """The tests of one variant, in one L1 from its boot to its end."""

    def __init__(self, machine, tests, report, logs):
        self.machine, self.report, self.logs = machine, report, logs
        self.waiting = list(tests)
        self.current = None
        self.deadline = self.silent_at = time.monotonic() + BOOT_LIMIT_S

    def answer(self, request):
        """What the agent asks for; each request has one key."""
        (verb, value), = request.items()
        if verb == "tests":
            return [{"name": test.name, "user": test.user, "limit": test.limit}
                    for test in self.waiting]
        if verb == "plug":
            return self.machine.plug(value)
        if verb == "unplug":
            return self.machine.unplug(value)
        if verb == "press":
            return self.machine.press(value)
        if verb == "screen":
            width, height, pixels = self.machine.screen()
            return {"width": width, "height": height,
                    "pixels": base64.b64encode(zlib.compress(pixels, 1)).decode()}
        if verb == "save":
            name = os.path.basename(value["name"])
            with open(os.path.join(self.logs, name), "w", encoding="utf-8") as file:
                file.write(value["text"])
            return None
        raise ValueError(f"nothing is known of “{verb}”")

    def handle_request(self, request):
        try:
            reply = {"reply": self.answer(request)}
        except (KeyError, OSError, ValueError) as error:
            reply = {"error": str(error)}
        self.machine.ports["requests"].write(reply)

    def handle_result(self, message):
        """Returns False when all is done."""
        if "begin" in message:
            self.current = next(test for test in self.waiting if test.name == message["begin"])
            self.deadline = time.monotonic() + self.current.limit + MARGIN_S
            self.report.begin(self.current.name)
        elif "line" in message:
            self.report.line(self.current.name, message["line"])
        elif "end" in message:
            self.report.end(self.current.name, message["end"])
            self.waiting.remove(self.current)
            self.current = None
            self.deadline = time.monotonic() + MARGIN_S
        return "done" not in message

    def talk(self):
        """Until all tests have ended, or L1 cannot be talked to."""
        try:
            for port, message in self.machine.messages(lambda: min(self.deadline, self.silent_at)):
                self.silent_at = time.monotonic() + SILENCE_LIMIT_S
                if port == "requests":
                    self.handle_request(message)
                elif not self.handle_result(message):
                    break
        except TimeoutError:
            if self.silent_at < self.deadline:
                raise StoodStill from None
            raise Dead("L1 did not answer in time") from None

    def run(self, again=False):
        """again: it has stood still before. Returns what is to be tested in another boot.

        It was seen once that nothing at all went on in L1, the timers of its kernel neither, and
        why is not known: so its registers are kept. A program of L1 that did this would do it
        again, so it is tried once more.
        """
        trouble = None
        try:
            self.talk()
        except Dead as error:
            trouble = str(error)
        except StoodStill:
            self.machine.save_registers()
            if not again:
                return self.waiting
            trouble = "L1 stood still twice"
        for test in self.waiting:
            why = trouble or "the agent left it out"
            if test is self.current:
                self.report.end(test.name, why)
            else:
                self.report.never_began(test.name, why)
        return []


class Lab:
    def __init__(self, build, names, tap):
        self.build, self.tap = build, tap
        self.folder = os.path.join(build, "lab")
        self.logs = os.path.join(self.folder, "logs")
        self.table = Table()
        found = [(test, needs_newer(self.table, test)) for test in find_tests(self.table, names)]
        self.tests = [test for test, release in found if release is None]
        self.left_out = [(test, release) for test, release in found if release is not None]
        self.named = bool(names)
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.logs)
        self.report = Report(self.logs)
        self.began = time.monotonic()
        self.processes = []
        self.stopping = False

    def tell(self, text):
        print(f"# {time.monotonic() - self.began:4.0f} s: {text}", flush=True)

    def prepare(self, variants):
        """Roots and disks for these variants: one of each for a release of Debian."""
        self.tell("building Lodge for /usr/local")
        lodge = lab_lodge.compile_lodge(self.folder, self.logs)
        packages = os.environ.get("LODGE_LAB_PACKAGES", "").split()
        self.roots, self.disks = {}, {}
        for name, desktop in sorted({self.kind_of(variant) for variant in variants}):
            label = f"{name}-desktop" if desktop else name
            more = lab_root.library_packages(lab_lodge.programs(lodge, bool(desktop)))
            self.tell(f"making the root {label} of Debian, unless the cache has it")
            root = lab_root.get({*packages, *more, *desktop}, name,
                                os.path.join(self.logs, f"root-{label}.log"))
            self.tell("putting Lodge, tests and guests on a disk")
            self.roots[name, desktop] = root
            self.disks[name, desktop] = lab_lodge.make_disk(
                lodge, root, os.path.join(self.folder, label), self.logs)

    def kind_of(self, variant):
        """What L1 is made of: a release of Debian, and the packages that windows need there."""
        return (lab_root.release(self.table.variants[variant].get("release")),
                tuple(self.table.desktop(variant)))

    def run_outside(self, test):
        """A test on this computer itself, with the programs of the build folder."""
        self.report.begin(test.name)
        environment = {**os.environ, "PYTHONPATH": os.path.join(HERE, "inside"),
                       "PATH": f"{self.build}/app:{os.environ['PATH']}",
                       "LODGE_LIBEXECDIR": f"{self.build}/app"}
        with subprocess.Popen([sys.executable, test.path], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment,
                              start_new_session=True, preexec_fn=die_with_parent) as process:
            timer = threading.Timer(test.limit, lambda: os.killpg(process.pid, signal.SIGKILL))
            timer.start()
            self.processes.append(process)
            for line in process.stdout:
                self.report.line(test.name, line.rstrip("\n"))
            status = process.wait()
            late = not timer.is_alive()
            timer.cancel()
        trouble = f"it took longer than {test.limit} s" if late else f"exit status {status}"
        self.report.end(test.name, trouble if status else None)

    def run_variant(self, variant):
        tests = [test for test in self.tests if test.variant == variant]
        if variant == OUTSIDE:
            for test in tests:
                self.run_outside(test)
            return
        try:
            kind = self.kind_of(variant)
            for turn in (1, 2):
                with Machine(self.table, variant, self.roots[kind], self.disks[kind], self.logs,
                             turn) as machine:
                    self.processes.append(machine.process)
                    tests = Boot(machine, tests, self.report, self.logs).run(again=turn > 1)
                if not tests or self.stopping:
                    break
                self.tell(f"variant {variant} stood still and boots again; see its registers.log")
        except (Dead, OSError) as error:
            for test in tests:
                if test.name not in self.report.results:
                    self.report.never_began(test.name, str(error))

    def stop(self):
        """Ends what was started; the threads then clean up behind it."""
        self.stopping = True
        for process in list(self.processes):
            process.kill()

    def run(self):
        for test, release in self.left_out:
            why = f"it takes a Lodge that is built on Debian {release}"
            # Whoever asks for all is not told each time of what cannot be had here.
            if self.named:
                self.report.skip(test.name, why)
            else:
                self.tell(f"left out is {test.name}: {why}")
        variants = {test.variant for test in self.tests}
        if variants - {OUTSIDE}:
            self.prepare(variants - {OUTSIDE})
        # The longest first, and as many at once as there are cores: one of them mostly waits.
        at_once = os.cpu_count() or 1
        waiting = queue.SimpleQueue()
        for variant in sorted(variants, key=lambda variant: -sum(
                test.limit for test in self.tests if test.variant == variant)):
            waiting.put(variant)

        def work():
            while not self.stopping:
                try:
                    variant = waiting.get_nowait()
                except queue.Empty:
                    return
                self.tell(f"variant {variant}")
                self.run_variant(variant)

        threads = [threading.Thread(target=work, daemon=True)
                   for _ in range(min(len(variants), at_once))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self.stop()
            for thread in threads:
                thread.join(STOP_LIMIT_S)
            raise
        for test in self.tests:
            if test.name not in self.report.results:
                self.report.never_began(test.name, "the runner itself failed")
        self.tell(f"logs are in {self.logs}")
        return self.report.close(self.tap)


def main():
    arguments = sys.argv[1:]
    tap = arguments[:1] == ["--tap"]
    build, *names = arguments[tap:]
    # An end from outside is an exception like any other, so that everything is tidied up.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(130))
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if lab_root.release() is None:
        missing = ["Debian, of which L1 is made"]
    if missing:
        why = f"the lab needs {', '.join(missing)}"
        print(f"1..1\nok 1 - lab # SKIP {why}" if tap else f"{why}\n0 passed, 0 failed, 1 skipped")
        return 0 if tap else 1
    try:
        return Lab(os.path.abspath(build), names, tap).run()
    except ValueError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"Bail out! {error}", flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
