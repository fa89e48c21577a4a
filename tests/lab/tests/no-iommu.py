# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=lab limit=120
"""A computer without an IOMMU says so, and has KVM all the same."""
import os

from lab import *

REPORT = host()


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
    finding = next(entry for entry in REPORT["findings"] if entry["id"] == "iommu")
    check("virtual machine has no IOMMU" in finding["sentence"], finding["sentence"])


finish()
