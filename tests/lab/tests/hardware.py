# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=plain user=root limit=240
"""The table of hardware against what the kernel says of it."""
import os

from lab import case, check, equal, finish, plug, read, sector, unplug, wait_for
from lab_table import Table

TABLE = Table()
PCI = "/sys/bus/pci/devices"
GROUPS = "/sys/kernel/iommu_groups"
USB = "/sys/bus/usb/devices"


def usb_path(name):
    """The controller has a bus for devices up to USB 2 and one for faster ones, and the ports of
    both are numbered as in the table."""
    controller = os.path.join(PCI, TABLE.pci["usb-controller"]["address"])
    buses = [entry.removeprefix("usb") for entry in sorted(os.listdir(controller))
             if entry.startswith("usb")]
    paths = [os.path.join(USB, f"{bus}-{TABLE.usb[name]['port']}") for bus in buses]
    return next((path for path in paths if os.path.isdir(path)), paths[0])


def is_whole(name):
    """The kernel makes a device's folder first, what is in it later, and its interfaces last."""
    path = usb_path(name)
    return os.path.exists(os.path.join(path, os.path.basename(path) + ":1.0", "bInterfaceClass"))


def compare_usb(name):
    wait_for(f"{name} is there", lambda: is_whole(name))
    device, path = TABLE.usb[name], usb_path(name)
    equal(f"{read(f'{path}/idVendor')}:{read(f'{path}/idProduct')}", device["id"], f"{name}: id")
    # Its class stands on the device for hubs, and else on its first interface.
    own = read(f"{path}/bDeviceClass")
    port = os.path.basename(path)
    found = own if own != "00" else read(f"{path}/{port}:1.0/bInterfaceClass")
    equal(found, device["class"], f"{name}: class")


@case("each PCI device is where the table says, with its id")
def _():
    for name, device in TABLE.pci.items():
        path = os.path.join(PCI, device["address"])
        check(os.path.isdir(path), f"{name}: nothing is at {device['address']}")
        found = ":".join(read(f"{path}/{part}").removeprefix("0x") for part in ("vendor", "device"))
        equal(found, device["id"], f"{name}: id")


@case("each IOMMU group has the devices that the table says, and no others")
def _():
    wanted = {}
    for device in TABLE.pci.values():
        wanted.setdefault(device["group"], set()).add(device["address"])
    for name, addresses in wanted.items():
        link = os.path.join(PCI, min(addresses), "iommu_group")
        found = set(os.listdir(os.path.join(GROUPS, os.path.basename(os.readlink(link)), "devices")))
        equal(found, addresses, f"the group {name}")


@case("USB devices are in their ports from the start")
def _():
    for name, device in TABLE.usb.items():
        if device.getboolean("plugged", False):
            compare_usb(name)
        else:
            check(not os.path.exists(usb_path(name)), f"{name} is there, and nobody plugged it in")


def plug_and_pull(name):
    plug(name)
    try:
        compare_usb(name)
        if "size" in TABLE.usb[name]:
            disk = wait_for("it has a disk", lambda: disk_of(name))
            equal(sector(f"/dev/{disk}", 0).strip(), f"lab {name}", "what is on it")
    finally:
        unplug(name)
    wait_for(f"{name} has gone", lambda: not os.path.exists(usb_path(name)))


def disk_of(name):
    """The name of its block device, once udev has made the node."""
    for block in os.listdir("/sys/block"):
        real = os.path.realpath(os.path.join("/sys/block", block))
        if os.path.basename(usb_path(name)) in real.split("/") and os.path.exists(f"/dev/{block}"):
            return block
    return None


for _name, _device in TABLE.usb.items():
    if not _device.getboolean("plugged", False):
        case(f"{_name} is plugged in and pulled out while all runs")(
            lambda name=_name: plug_and_pull(name))

finish()
