# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=stranger limit=180
"""A user outside the group kvm: Lodge says why there is no KVM, and what to do."""
import grp
import os

from lab import Witness, case, check, ctl, equal, finding, finish, host, wait_state

REPORT = host(accelerator_reason="permission")


@case("the kernel refuses /dev/kvm to this user, and to nobody in the group")
def _():
    check(not os.access("/dev/kvm", os.R_OK | os.W_OK), "this user may open /dev/kvm")
    info = os.stat("/dev/kvm")
    equal(grp.getgrgid(info.st_gid).gr_name, "kvm", "the group of /dev/kvm")
    equal(info.st_mode & 0o777, 0o660, "the mode of /dev/kvm")


@case("the reason is “permission”, and software emulation is used")
def _():
    equal(REPORT["facts"]["accelerator"], "tcg", "accelerator")
    equal(REPORT["facts"]["accelerator_reason"], "permission", "accelerator_reason")


@case("the advice is to join the group kvm, which is where it is missing")
def _():
    found = finding(REPORT, "accelerator")
    check("usermod -aG kvm" in found["advice"], found["advice"])


@case("a guest runs all the same, without KVM")
def _():
    guest = Witness("slow")
    guest.start()
    equal(guest.hypervisor(), "TCGTCGTCGTCG", "what the guest sees")
    ctl("shutdown", "slow")
    wait_state("slow", "off")
    check(guest.saw_button(), "the guest did not see the power button")


finish()
