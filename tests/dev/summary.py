#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""summary.py LOG...: adds up what meson wrote to LOG.junit.xml and LOG.json, and closes with one
plain line. Names what failed and what was skipped, and why."""
import json
import os
import re
import sys
import xml.etree.ElementTree as tree

# What a test prints may have these in it, and XML may not.
NO_TEXT = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SKIP = re.compile(r"^\s*ok\s+\d+\s*-?\s*(\S.*?)\s*#\s*skip\S*\s*(.*)$", re.IGNORECASE | re.MULTILINE)
# What a case says of its failure: the comments before its line, as in the lab, and after it, as GLib's.
FAILURE = re.compile(r"((?:^#.*\n){0,3})^not ok\s+\d+\s*-?\s*(.*)\n((?:^#.*\n?){0,3})", re.MULTILINE)
FINE = ("OK", "EXPECTEDFAIL", "SKIP")
# Of what a program that ended before its cases did has said.
LAST_LINES = 12

passed = 0
failed, skipped = [], []


def how_it_ended(status):
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


def last_words(program):
    """What there is to go by where no case tells: the ends of both its outputs."""
    return [line for stream in ("stdout", "stderr")
            for line in (program.get(stream) or "").splitlines()[-LAST_LINES:]]


def add_program(program, cases):
    """One program: its cases, and its own end, which no case tells when it died between two."""
    global passed
    name = program["name"].split(" / ")[-1]
    output = program.get("stdout") or ""
    reasons = {case.strip(): why.strip() for case, why in SKIP.findall(output)}
    said = {case.strip(): (before + after).splitlines()
            for before, case, after in FAILURE.findall(output)}
    bad = 0
    for case in cases:
        title = case.get("name")
        if case.find("failure") is not None or case.find("error") is not None:
            bad += 1
            why = next((lines for case, lines in said.items() if case in title), [])
            failed.append("\n  ".join([f"{name} {title}", *why]))
        elif case.find("skipped") is not None:
            explained = (case.findtext("system-out") or "").strip()
            why = explained or next((why for case, why in reasons.items() if case in title), "")
            skipped.append(f"{name} {title}: {why or 'it gives no reason'}")
        else:
            passed += 1
    # A failure that no case of its own tells of: it ended before that, or said so in other ways.
    if program["result"] not in FINE and not any(said.values()):
        del failed[len(failed) - bad:]
        failed.append("\n  ".join([f"{name}: {program['result'].lower()} "
                                   f"({how_it_ended(program['returncode'])})", *last_words(program)]))
    elif not cases:
        failed.append(f"{name}: it has no test cases")


def add_log(log):
    if not os.path.exists(log + ".json") or not os.path.exists(log + ".junit.xml"):
        failed.append(f"no results in {log}.json: the tests did not run to their end")
        return
    with open(log + ".json", encoding="utf-8") as lines:
        programs = [json.loads(line) for line in lines if line.strip()]
    # A program that printed cases has a suite of its own; others are cases of the project's.
    suites, single = {}, {}
    with open(log + ".junit.xml", encoding="utf-8", errors="replace") as file:
        results = tree.fromstring(NO_TEXT.sub("?", file.read()))
    for suite in results.iter("testsuite"):
        project, _, name = suite.get("name").partition(".")
        if name:
            suites[name] = list(suite.iter("testcase"))
        else:
            single.update((case.get("name"), [case]) for case in suite.iter("testcase"))
    for program in programs:
        add_program(program, suites.get(program["name"]) or single.get(program["name"]) or [])
    if not programs:
        failed.append(f"{log}: no test ran")


for argument in sys.argv[1:]:
    add_log(argument)
for line in failed:
    print(f"failed: {line}")
for line in skipped:
    print(f"skipped: {line}")

# Where everything that tests need is there, a skip hides something.
count_failed, count_skipped = len(failed), len(skipped)
if os.environ.get("CI") == "true" and skipped:
    print("CI has all that the tests need: a skipped test counts as failed there")
    count_failed, count_skipped = count_failed + count_skipped, 0
print(f"{passed} passed, {count_failed} failed, {count_skipped} skipped")
sys.exit(1 if count_failed or passed == 0 else 0)
