# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=apparmor user=lab limit=240
"""KVM of a newer kernel than this computer may have: it is measured as real, and a guest runs on it."""
from lab import Witness, case, check, ctl, equal, finish, host, wait_state


@case("KVM is measured and taken for real")
def _():
    facts = host(accelerator="kvm")["facts"]
    equal(facts["accelerator_reason"], "ok", "accelerator_reason")


@case("a guest sees KVM under it, and its power button")
def _():
    guest = Witness("newer")
    guest.start()
    equal(guest.hypervisor(), "KVMKVMKVM", "the processor's signature in the guest")
    ctl("shutdown", "newer")
    wait_state("newer", "off")
    check(guest.saw_button(), "the guest did not see the power button")


finish()
