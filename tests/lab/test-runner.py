#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's runner itself, without a boot: every way in which a test can end is counted rightly."""
import contextlib
import io
import sys
import tempfile

import lab
from lab import Boot, find_tests
from lab_machine import Dead
from lab_report import Report
from lab_table import Table


class FakeMachine:
    """Says what it was given, and then ends in the way it was told."""

    def __init__(self, messages, end):
        self.said, self.end = messages, end

    def messages(self, deadline):
        for message in self.said:
            yield "results", message
        if self.end is not None:
            raise self.end

    def save_registers(self):
        print("registers")


class FakeTest:
    user, limit = "root", 1

    def __init__(self, name):
        self.name = name


def standing_still(again):
    """An L1 of which nothing is heard: what is left for another boot, and what became of the tests."""
    with tempfile.TemporaryDirectory() as logs, contextlib.redirect_stdout(io.StringIO()) as out:
        report = Report(logs)
        boot = Boot(FakeMachine([{"begin": "a"}, {"line": "ok - x"}], TimeoutError()),
                    [FakeTest("a"), FakeTest("b")], report, logs)
        boot.deadline += 1
        left = [test.name for test in boot.run(again)]
        return left, report.failed, "registers" in out.getvalue()


def outcome(names, messages, end=None):
    """(passed, failed, skipped) and what was printed, for tests of these names."""
    with tempfile.TemporaryDirectory() as logs, contextlib.redirect_stdout(io.StringIO()) as out:
        report = Report(logs)
        Boot(FakeMachine(messages, end), [FakeTest(name) for name in names], report, logs).run()
        return (report.passed, report.failed, report.skipped), out.getvalue()


def test(name, *lines, end=None):
    return [{"begin": name}, *({"line": line} for line in lines), {"end": end}]


def arguments_of(variant):
    with tempfile.TemporaryDirectory() as folder:
        return set(Table().arguments(variant, folder))


def devices(names=None):
    """What QEMU is told of those with these names, or of all, that are on no board."""
    return {device["device"] for name, device in Table().pci.items()
            if "device" in device and (names is None or name in names)}


def has_its_devices(variant):
    return arguments_of(variant) & devices() == devices() - devices(Table().left_out(variant))


def newer(own, wanted):
    """What needs_newer() says on a computer with the release “own” of a test that wants another."""
    table, test = Table(), FakeTest("a")
    test.variant = "3d"
    table.variants["3d"]["lodge"] = wanted
    real, lab.lab_root.release = lab.lab_root.release, lambda at_least=None: max(own, at_least or own)
    try:
        return lab.needs_newer(table, test)
    finally:
        lab.lab_root.release = real


DONE = [{"done": True}]
CASES = {
    "results are counted":
        outcome(["a"], test("a", "ok - x", "not ok - y", "ok - z # SKIP why",
                            end="exit status 1") + DONE)[0] == (1, 1, 1),
    "a test without a result has failed":
        outcome(["a"], test("a", "words") + DONE)[0] == (0, 1, 0),
    "one that crashes after good results has failed":
        outcome(["a"], test("a", "ok - x", end="exit status 1") + DONE)[0] == (1, 1, 0),
    "one that is late has failed, whatever else it said":
        outcome(["a"], test("a", "not ok - x", end="it took longer than 1 s") + DONE)[0] == (0, 2, 0),
    "an L1 that dies fails the test it ran and those behind it, by name":
        outcome(["a", "b"], [{"begin": "a"}, {"line": "ok - x"}], Dead("gone"))[0] == (1, 2, 0)
        and "b: gone" in outcome(["a", "b"], [{"begin": "a"}], Dead("gone"))[1],
    "an L1 that is silent fails them as well":
        outcome(["a"], [], TimeoutError())[0] == (0, 1, 0),
    "one that stands still is booted again for the test it ran and those behind it":
        standing_still(again=False) == (["a", "b"], 0, True),
    "but once":
        standing_still(again=True) == ([], 2, True),
    "a test that the agent leaves out has failed":
        outcome(["a", "b"], test("a", "ok - x") + DONE)[0] == (1, 1, 0),
    "each test's head fits the table":
        len(find_tests(Table(), [])) > 0,
    "each variant of the table boots with each device that is on no board":
        all(has_its_devices(variant) for variant in Table().variants),
    "what a variant leaves out is in the table":
        all(Table().left_out(variant) <= set(Table().pci) for variant in Table().variants),
    "a test that takes a newer Lodge is left out, and only there":
        (newer("bookworm", "trixie"), newer("trixie", "trixie"), newer("trixie", "bookworm"))
        == ("trixie", None, None),
}

print(f"1..{len(CASES)}")
for number, (title, good) in enumerate(CASES.items(), 1):
    print(f"{'ok' if good else 'not ok'} {number} - {title}")
sys.exit(0 if all(CASES.values()) else 1)
