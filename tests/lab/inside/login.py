# SPDX-License-Identifier: GPL-3.0-or-later
"""A login on a terminal of its own: login(1), PAM, logind's session, the user's shell.

For tests that run as root and log in as somebody.
"""
import os
import pty
import pwd
import re
import select
import shlex
import subprocess
import time

from lab import PATIENCE_S, PAUSE_S, check, host, patiently, read, wait_for

ANSWER = re.compile(r"lab-begin\r?\n(.*?)lab-end (\d+)\r?\n", re.DOTALL)


class Login:
    def __init__(self, user="lab"):
        self.user = user
        self.uid = pwd.getpwnam(user).pw_uid
        self.home = pwd.getpwnam(user).pw_dir
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv("/bin/login", ["login", "-f", user])
        # Or the next login would keep this terminal open.
        os.set_inheritable(self.terminal, False)
        # A shell throws away what is typed before its prompt.
        self._until(re.compile(r"\$ $"), "the shell's prompt", PATIENCE_S)
        # What is typed must not come back among what is said.
        self._type("stty -echo; PS1=; PS2=; PROMPT_COMMAND=; cd")
        self.run("true")

    def _type(self, line):
        os.write(self.terminal, line.encode() + b"\n")

    def _until(self, pattern, what, limit):
        """The match of pattern in what the terminal says from now on."""
        deadline, said = time.monotonic() + limit, ""
        while True:
            found = pattern.search(said)
            if found:
                return found
            left = deadline - time.monotonic()
            check(left > 0 and select.select([self.terminal], [], [], left)[0],
                  f"{what}: not within {limit} s; the terminal says {said!r}")
            try:
                said += os.read(self.terminal, 65536).decode("utf-8", "replace")
            except OSError:
                # login(1) of util-linux hangs up the terminal before it opens it for its user: for a
                # moment nobody has it.
                check(self._lives(), f"{what}: the session ended; the terminal says {said!r}")
                time.sleep(PAUSE_S)

    def _lives(self):
        """Whether login still runs; its end stays to be waited for."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def run(self, *argv, fails=False, limit=PATIENCE_S):
        """What a command prints, standard error with it. One argument is a line for the shell."""
        line = argv[0] if len(argv) == 1 else shlex.join(argv)
        # In two words each, so that an echo of the line is no answer.
        self._type(f"echo lab-''begin; {{ {line}\n}} </dev/null 2>&1; echo lab-''end $?")
        found = self._until(ANSWER, line, limit)
        output, status = found[1].replace("\r\n", "\n"), int(found[2])
        check((status != 0) == fails, f"{line}: exit status {status}: {output.strip()}")
        return output

    def ctl(self, *argv, **options):
        return patiently(lambda: self.run("lodgectl", *argv, **options))

    def exit(self):
        """The user's own exit from the shell."""
        self._type("exit")
        self._ended()

    def hang_up(self):
        """The terminal is gone, as when its window is closed."""
        os.close(self.terminal)
        self._ended()

    def _ended(self):
        wait_for("login has ended", lambda: os.waitpid(self.pid, os.WNOHANG)[0] == self.pid)


def manager_state(uid):
    """Of the user's own systemd, as the system's sees it."""
    done = subprocess.run(["systemctl", "show", "--property=ActiveState", "--value",
                           f"user@{uid}.service"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def wait_logged_out(uid):
    """Until nothing of the user's sessions is left: after the last one, its systemd ends too."""
    wait_for("the user's manager has ended",
             lambda: manager_state(uid) in ("inactive", "failed")
             and not os.path.exists(f"/run/user/{uid}"))


def check_host(user, **wanted):
    """The same as host(), by the engine of who is logged in."""
    return host(user.ctl, **wanted)


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def unit_of(pid):
    """The last part of the process's control group: the name of its unit."""
    return read(f"/proc/{pid}/cgroup").splitlines()[-1].split("/")[-1]


def process_status(pid):
    """The fields of /proc/PID/status."""
    return dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines()
                if ":\t" in line)
