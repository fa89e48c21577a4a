# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=nested-off user=root limit=300
"""A user logs in on a terminal: engine and machines are units of the user's own systemd."""
import os
import re

from lab import Witness, case, check, engine_pid, engine_pids, equal, finish, read, run, wait_for
from login import Login, manager_state, unit_of

USER = Login()
GUEST = Witness("unit", "--tpm", user=USER)


@case("logind knows the session, and the user's systemd runs")
def _():
    session = USER.run("echo $XDG_SESSION_ID").strip()
    check(session != "", "the session has no number")
    fields = run("loginctl", "show-session", session)
    check("Name=lab\n" in fields and "Class=user\n" in fields, fields)
    equal(manager_state(USER.uid), "active", "the user's systemd")


@case("the engine runs in lodge-engine.service")
def _():
    equal(unit_of(engine_pid(USER.uid)), "lodge-engine.service", "the engine's unit")
    check(re.search(r"Loaded: loaded .*/usr/local/lib/systemd/user/lodge-engine.service",
                    USER.run("systemctl", "--user", "--no-pager", "status", "lodge-engine.service")),
          "systemctl --user status does not show the unit that was installed")


@case("QEMU, the TPM and the network are each in a scope of the machine")
def _():
    GUEST.start()
    uuid = USER.ctl("show", "unit", "--json")
    uuid = re.search(r'"uuid" : "([^"]*)"', uuid)[1]
    tree = USER.run("systemctl", "--user", "--no-pager", "status", "app-lodge.slice")
    for scope, program in ((f"lodge-machine-{uuid}.scope", "qemu-system-x86_64"),
                           (f"lodge-tpm-{uuid}.scope", "swtpm"),
                           (f"lodge-net-{uuid}-nic0.scope", "lodge-usernet")):
        check(scope in tree, f"{scope} is not in the slice:\n{tree}")
        pids = run("systemctl", "--user", f"--machine={USER.user}@", "show", scope,
                   "--property=ControlGroup", "--value").strip()
        names = [read(f"/proc/{pid}/comm") for pid in read(f"/sys/fs/cgroup{pids}/cgroup.procs").split()]
        check(any(program.startswith(name) for name in names), f"{program} is not in {scope}: {names}")


@case("the terminal closes: the guest goes on, and so does the engine")
def _():
    global USER
    other = Login()
    qemu, engine = GUEST.qemu(), engine_pid(USER.uid)
    USER.hang_up()
    USER = other
    equal(GUEST.qemu(), qemu, "QEMU")
    equal(engine_pid(USER.uid), engine, "the engine")
    check('"state" : "running"' in USER.ctl("show", "unit", "--json"), "Lodge says something else")


@case("the engine is stopped by systemctl: the guest goes on, and the next engine finds it")
def _():
    qemu = GUEST.qemu()
    USER.run("systemctl", "--user", "stop", "lodge-engine.service")
    equal(engine_pid(USER.uid), None, "the engine")
    equal(GUEST.qemu(), qemu, "QEMU")
    check(not GUEST.saw_button(), "its power button was pressed")
    check('"state" : "running"' in USER.ctl("show", "unit", "--json"), "Lodge says something else")


@case("the runtime folder vanishes: the guest goes on, and its note says how to end it")
def _():
    qemu = GUEST.qemu()
    runtime = f"/run/user/{USER.uid}"
    # As logind does it when the last session ends, and when the next one begins.
    run("umount", "--lazy", runtime)
    run("mount", "-t", "tmpfs", "-o", f"mode=700,uid={USER.uid},gid={USER.uid}", "tmpfs", runtime)
    try:
        equal(GUEST.qemu(), qemu, "QEMU")
        # Within seconds the engine makes its socket anew and stays in charge; a client that comes
        # before that starts another one, for which the first makes way. Either way there is one.
        USER.ctl("list")
        wait_for("there is one engine", lambda: len(engine_pids(USER.uid)) == 1)
        run("kill", "-KILL", *engine_pids(USER.uid))
        wait_for("no engine is left", lambda: not engine_pids(USER.uid))
        shown = USER.ctl("show", "unit")
        check(re.search(r"^State +running", shown, re.MULTILINE), shown)
        check(re.search(r"^Note .*force it off", shown, re.MULTILINE), shown)
        USER.ctl("kill", "unit")
        USER.ctl("wait", "unit", "off", "--timeout", "60")
        check(not os.path.exists(f"/proc/{qemu}"), "QEMU runs on")
    finally:
        run("umount", "--lazy", runtime)


finish()
