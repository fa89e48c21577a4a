# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=nested-off user=lab limit=120
"""A kernel with kvm_amd.nested=0: guests have KVM and cannot be hypervisors."""
from lab import case, check, equal, finding, finish, host, read

REPORT = host(accelerator="kvm")


@case("KVM is used, and there is no nesting")
def _():
    equal(read("/sys/module/kvm_amd/parameters/nested"), "0", "nested in the kernel")
    equal(REPORT["facts"]["accelerator"], "kvm", "accelerator")
    equal(REPORT["facts"]["nested"], False, "nested")


@case("the finding names the module and how to switch it on")
def _():
    found = finding(REPORT, "nesting")
    check("kvm_amd" in found["sentence"], found["sentence"])
    check("options kvm_amd nested=1" in found["advice"], found["advice"])


finish()
