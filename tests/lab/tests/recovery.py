# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=plain user=lab limit=420
"""kill -9 of the engine: the next one finds each machine as it really is."""
import glob
import json
import os
import signal
import socket

from lab import (PATIENCE_S, Witness, case, check, ctl, engine_pid, equal, finish, state, wait_for,
                 wait_state)


def kill_engine():
    pid = engine_pid()
    check(pid is not None, "there is no engine")
    os.kill(pid, signal.SIGKILL)
    wait_for("the engine is gone", lambda: engine_pid() != pid)


GUEST = Witness("survivor")


@case("a guest goes on without its engine, and the next engine finds it running")
def _():
    GUEST.start()
    before = GUEST.qemu()
    kill_engine()
    equal(GUEST.qemu(), before, "QEMU after the engine was killed")
    equal(state("survivor"), "running", "the state that the next engine finds")
    equal(GUEST.qemu(), before, "QEMU after the next engine came")


@case("the next engine is in charge of it: pause, resume, console socket")
def _():
    ctl("pause", "survivor")
    equal(state("survivor"), "paused", "state after pause")
    kill_engine()
    equal(state("survivor"), "paused", "state that yet another engine finds")
    ctl("resume", "survivor")
    equal(state("survivor"), "running", "state after resume")


def press_button():
    """Over QMP, without an engine in between; returns when the guest has powered off."""
    path, = glob.glob(f"{os.environ['XDG_RUNTIME_DIR']}/lodge/**/qmp.sock", recursive=True)
    with socket.socket(socket.AF_UNIX) as qmp:
        qmp.settimeout(PATIENCE_S)
        qmp.connect(path)
        lines = qmp.makefile("rw")
        for command, wanted in (("qmp_capabilities", lambda message: "return" in message),
                                ("system_powerdown",
                                 lambda message: message.get("event") == "SHUTDOWN")):
            print(json.dumps({"execute": command}), file=lines, flush=True)
            while not wanted(json.loads(lines.readline())):
                pass


@case("a guest that powered off while there was no engine is found off")
def _():
    qemu = GUEST.qemu()
    kill_engine()
    press_button()
    check(GUEST.saw_button(), "the guest did not see the power button")
    equal(engine_pid(), None, "the engine, which nobody has started")
    # What is left of QEMU waits for an engine to tell of its end.
    wait_state("survivor", "off")
    check(not os.path.exists(f"/proc/{qemu}"), "QEMU runs on")


@case("it starts again")
def _():
    ctl("start", "survivor")
    equal(state("survivor"), "running", "state")
    ctl("kill", "survivor")
    wait_state("survivor", "off")


finish()
