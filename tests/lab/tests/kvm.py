# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=plain user=lab limit=300
"""The engine measures KVM as real and uses it, and a guest proves it from within."""
import os

from lab import (GUESTS, Witness, case, check, ctl, equal, finish, host, read, sector,
                 wait_state, work)

FACTS = host(accelerator="kvm")["facts"]


@case("KVM is measured and taken for real")
def _():
    equal(FACTS["accelerator"], "kvm", "accelerator")
    equal(FACTS["accelerator_reason"], "ok", "accelerator_reason")
    check(FACTS["kvm_instructions_per_second"] > 0, "no speed was measured")


@case("nesting and the IOMMU are reported as the kernel has them")
def _():
    check(read("/sys/module/kvm_amd/parameters/nested") in ("1", "Y"), "the kernel has no nesting")
    equal(FACTS["nested"], True, "nested")
    equal(FACTS["iommu"], True, "iommu")
    equal(FACTS["iommu_groups"], len(os.listdir("/sys/kernel/iommu_groups")), "iommu_groups")


@case("a guest of one sector sees KVM under it")
def _():
    guest = Witness("sector")
    guest.start()
    equal(guest.hypervisor(), "KVMKVMKVM", "the processor's signature in the guest")
    check("kvm" in ctl("explain", "sector"), "QEMU is not told to use KVM")


@case("the power button reaches it, and off is told by an event")
def _():
    ctl("shutdown", "sector")
    wait_state("sector", "off")
    equal(sector(work("sector.img"), 2)[:6], "BUTTON", "what the guest wrote on its disk")


@case("Debian's kernel boots, says KVM, and powers off by itself")
def _():
    disk = work("linux.img")
    with open(disk, "wb") as file:
        file.truncate(1024 * 1024)
    ctl("create", "linux", "--disk", disk, "--in-place", "--memory", "256M", "--cpus", "1",
        "--kernel", f"{GUESTS}/vmlinuz", "--initrd", f"{GUESTS}/initrd.img",
        "--append", "console=ttyS0 quiet")
    ctl("set", "linux", "disk.disk0.bus=virtio")
    ctl("start", "linux")
    wait_state("linux", "off")
    finding = sector(disk, 1)
    check("signature=KVMKVMKVM " in finding and "detected=KVM " in finding,
          f"it wrote {finding!r}")


finish()
