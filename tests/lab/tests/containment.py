# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=nested-off user=root limit=300
"""What contains a guest, with user namespaces and where the kernel forbids them."""
from lab import GUESTS, Witness, case, check, engine_pid, equal, finding, finish, run
from login import Login, check_host, namespace, process_status

USER = Login()
SECCOMP_FILTER = "2"  # proc(5), /proc/PID/status


def set_sysctl(name, value):
    run("sysctl", "-q", f"{name}={value}")


GUEST = Witness("held", user=USER)


def start_and_end(contained):
    GUEST.start()
    equal(GUEST.hypervisor(), "KVMKVMKVM", "what the guest sees")
    qemu, engine = GUEST.qemu(), engine_pid(USER.uid)
    status = process_status(qemu)
    equal(status["Seccomp"], SECCOMP_FILTER, "QEMU's system call filter")
    equal(status["NoNewPrivs"], "1", "QEMU's NoNewPrivs")
    for kind in ("mnt", "user", "net", "pid", "ipc"):
        equal(namespace(qemu, kind) != namespace(engine, kind), contained,
              f"QEMU has its own {kind} namespace")
    USER.ctl("shutdown", "held", "--wait", "--timeout", "120")
    check(GUEST.saw_button(), "the guest did not see the power button")
    # Anew, for the next one.
    USER.run("install", "-m", "600", f"{GUESTS}/witness.img", GUEST.disk)


@case("with user namespaces a guest has a sandbox of its own")
def _():
    check_host(USER, sandbox="bubblewrap", accelerator="kvm")
    start_and_end(contained=True)


@case("without any user namespaces the fallback and its cause are named, and a guest runs in it")
def _():
    set_sysctl("user.max_user_namespaces", 0)
    try:
        USER.run("unshare", "--user", "true", fails=True)
        found = finding(check_host(USER, sandbox="seccomp", accelerator="kvm"), "sandbox")
        check("user.max_user_namespaces=0" in found["sentence"], found["sentence"])
        check("sysctl user.max_user_namespaces" in found["advice"], found["advice"])
        start_and_end(contained=False)
    finally:
        set_sysctl("user.max_user_namespaces", 15000)


@case("with user namespaces for root only, too")
def _():
    set_sysctl("kernel.unprivileged_userns_clone", 0)
    try:
        USER.run("unshare", "--user", "true", fails=True)
        found = finding(check_host(USER, sandbox="seccomp", accelerator="kvm"), "sandbox")
        check("kernel.unprivileged_userns_clone=0" in found["sentence"], found["sentence"])
        check("sysctl kernel.unprivileged_userns_clone=1" in found["advice"], found["advice"])
        start_and_end(contained=False)
    finally:
        set_sysctl("kernel.unprivileged_userns_clone", 1)


@case("the advice helps: the sandbox is back")
def _():
    check_host(USER, sandbox="bubblewrap", accelerator="kvm")
    start_and_end(contained=True)


finish()
