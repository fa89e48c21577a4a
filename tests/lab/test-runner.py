#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's runner itself, without a boot: every way in which a test can end is counted rightly."""
import contextlib
import io
import sys
import tempfile

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


def devices_of(variant):
    """All that are on no board, but for those that it says it has not."""
    left_out = Table().variants[variant].get("left-out", "").split()
    return {device["device"] for name, device in Table().pci.items()
            if "device" in device and name not in left_out}


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
        all(arguments_of(variant) >= devices_of(variant) for variant in Table().variants),
    "what a variant leaves out is in the table":
        all(name in Table().pci for variant in Table().variants.values()
            for name in variant.get("left-out", "").split()),
}

print(f"1..{len(CASES)}")
for number, (title, good) in enumerate(CASES.items(), 1):
    print(f"{'ok' if good else 'not ok'} {number} - {title}")
sys.exit(0 if all(CASES.values()) else 1)
