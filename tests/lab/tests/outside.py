# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=outside limit=120
"""The same engine on this computer: what it measures fits what the processor says.

An emulated /dev/kvm opens as well as a real one. What tells them apart without asking Lodge is
whether the processor has the instructions for it.
"""
import os
import shutil
import tempfile

from lab import case, ctl, equal, finish, host, read

FLAGS = {"vmx", "svm"}


def has_instructions():
    words = read("/proc/cpuinfo").split()
    return bool(FLAGS & set(words))


@case("the accelerator is KVM where the processor has it, and else software emulation")
def _():
    facts = host()["facts"]
    usable = has_instructions() and os.access("/dev/kvm", os.R_OK | os.W_OK)
    wanted = "kvm" if usable else "tcg"
    equal(facts["accelerator"], wanted, f"accelerator (the reason is {facts['accelerator_reason']})")
    equal(facts["accelerator_reason"] == "ok", usable, "the reason is “ok”")


@case("nesting and the IOMMU are reported as this kernel has them")
def _():
    facts = host()["facts"]
    groups = "/sys/kernel/iommu_groups"
    equal(facts["iommu_groups"], len(os.listdir(groups)) if os.path.isdir(groups) else 0, "iommu_groups")
    if facts["accelerator"] == "tcg":
        equal(facts["nested"], False, "nested")


folder = tempfile.mkdtemp(prefix="lodge-lab-")
os.environ.update(XDG_RUNTIME_DIR=folder, XDG_DATA_HOME=f"{folder}/data", XDG_CACHE_HOME=f"{folder}/cache")
os.environ.pop("LODGE_RUNTIME_DIR", None)
try:
    finish()
finally:
    ctl("engine", "stop")
    shutil.rmtree(folder)
