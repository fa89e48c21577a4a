# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=lab limit=120
"""A computer without an IOMMU says so, and has KVM all the same."""
import os

from lab import case, check, equal, finding, finish, host

REPORT = host(accelerator="kvm")


@case("KVM is used")
def _():
    equal(REPORT["facts"]["accelerator"], "kvm", "accelerator")
    equal(REPORT["facts"]["nested"], True, "nested")


@case("the kernel has no IOMMU group, and Lodge counts none")
def _():
    equal(os.listdir("/sys/kernel/iommu_groups"), [], "groups in the kernel")
    equal(REPORT["facts"]["iommu"], False, "iommu")
    equal(REPORT["facts"]["iommu_groups"], 0, "iommu_groups")


@case("the finding says that there is none to switch on")
def _():
    found = finding(REPORT, "iommu")
    check("virtual machine has no IOMMU" in found["sentence"], found["sentence"])


finish()
