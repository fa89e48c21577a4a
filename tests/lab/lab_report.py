# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the tests: counted, and written as TAP while they run."""
import os
import re
import threading

RESULT = re.compile(r"(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s*#\s*skip\S*\s*(.*))?$", re.IGNORECASE)
# Of a failed test's log, to save the way to it.
TAIL_LINES = 30


class Report:
    def __init__(self, logs):
        self.logs = logs
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0
        self.results = {}  # of a test's name: how many results, and how many of them bad
        print("TAP version 13", flush=True)

    def _print(self, good, name, title, skip=None):
        kind = "skipped" if skip is not None else "passed" if good else "failed"
        setattr(self, kind, getattr(self, kind) + 1)
        count = self.passed + self.failed + self.skipped
        print(f"{'' if good else 'not '}ok {count} - {name}: {title}"
              + (f" # SKIP {skip}" if skip is not None else ""), flush=True)

    def _log(self, name):
        return os.path.join(self.logs, f"{name}.log")

    def begin(self, name):
        with self.lock:
            self.results[name] = [0, 0]
            open(self._log(name), "w", encoding="utf-8").close()

    def line(self, name, line):
        """One line that the test printed: a result, or something for its log."""
        with self.lock:
            with open(self._log(name), "a", encoding="utf-8") as log:
                print(line, file=log)
            match = RESULT.match(line)
            if match:
                bad = match[1] is not None
                self.results[name][0] += 1
                self.results[name][1] += bad
                self._print(not bad, name, match[2], match[3])
            elif line.startswith("#"):
                print(f"# {name}: {line[1:].strip()}", flush=True)

    def end(self, name, trouble=None):
        """trouble: why it ended, unless of itself and in peace."""
        with self.lock:
            count, bad = self.results[name]
            if trouble is None and count == 0:
                trouble = "it reported no result"
            # A test that has told what is wrong ends with a status of its own.
            if trouble is not None and (bad == 0 or not trouble.startswith("exit status")):
                self._print(False, name, trouble)
                bad += 1
            if bad:
                self._print_tail(name)

    def _print_tail(self, name):
        with open(self._log(name), encoding="utf-8") as log:
            for line in log.read().splitlines()[-TAIL_LINES:]:
                print(f"#   {line}")
        print(f"# the whole log is {self._log(name)}", flush=True)

    def never_began(self, name, why):
        self.begin(name)
        self.end(name, why)

    def skip(self, name, why):
        """One that cannot be had here at all."""
        with self.lock:
            self.results[name] = [1, 0]
            self._print(True, name, "left out", why)

    def close(self, tap):
        """The plan, or the line of counts; returns the exit status."""
        if tap:
            print(f"1..{self.passed + self.failed + self.skipped}", flush=True)
            return 1 if self.failed else 0
        failed, skipped = self.failed, self.skipped
        if os.environ.get("CI") == "true":
            failed, skipped = failed + skipped, 0
        print(f"{self.passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return 1 if failed or self.passed + skipped == 0 else 0
