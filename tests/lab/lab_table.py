# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of hardware: hardware.ini, and what QEMU is told because of it.

Runs outside and inside of L1, so it uses nothing but Python itself.
"""
import configparser
import os

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hardware.ini")
# Where the USB devices are plugged in: the id of the controller in the table.
USB_BUS = "xhci.0"


class Table:
    """variants, pci and usb: each a dictionary of sections by their names."""

    def __init__(self, path=FILE):
        parser = configparser.ConfigParser(interpolation=None)
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        self.machine = parser["machine"]
        self.variants, self.pci, self.usb = {}, {}, {}
        kinds = {"variant": self.variants, "pci": self.pci, "usb": self.usb}
        for title in parser.sections():
            kind, _, name = title.partition(" ")
            if name:
                kinds[kind][name] = parser[title]

    def append(self, variant):
        """The kernel's command line, but for what the runner needs itself."""
        return f"{self.machine['append']} {self.variants[variant].get('append', '')}".strip()

    def window(self, variant):
        """The window that its graphics card draws in, as QEMU's -display has it; None for none."""
        return self.variants[variant].get("window")

    def desktop(self, variant):
        """The packages of Debian that L1 has for windows; without any it has none."""
        return self.variants[variant].get("desktop", "").split()

    def left_out(self, variant):
        """The names of the PCI devices that it has not."""
        return set(self.variants[variant].get("left-out", "").split())

    def arguments(self, variant, folder):
        """QEMU's arguments for this variant; images of USB media are made in folder."""
        machine, chosen = self.machine, self.variants[variant]
        argv = ["-cpu", machine["cpu"], "-m", machine["memory"],
                "-smp", chosen.get("processors", machine["processors"]),
                "-audiodev", "none,id=silence"]
        if "device" in chosen:
            argv += ["-device", chosen["device"]]
        left_out = self.left_out(variant)
        for name, device in self.pci.items():
            if "device" in device and name not in left_out:
                argv += ["-device", device["device"]]
        for name, device in self.usb.items():
            if "size" in device:
                argv += ["-blockdev", self._medium(name, device, folder)]
            if device.getboolean("plugged", False):
                argv += ["-device", ",".join(f"{key}={value}" if key != "driver" else value
                                             for key, value in self.usb_device(name).items())]
        return argv

    def _medium(self, name, device, folder):
        path = os.path.join(folder, f"{name}.img")
        with open(path, "wb") as file:
            # The first sector says whose it is, so that a test sees what it reads.
            file.write(f"lab {name}\n".encode())
            file.truncate(int(device["size"].rstrip("M")) * 1024 * 1024)
        return f"driver=raw,node-name=medium-{name},file.driver=file,file.filename={path}"

    def usb_device(self, name):
        """The arguments of QMP's device_add; the driver comes first."""
        device = self.usb[name]
        driver, *options = device["device"].split(",")
        arguments = {"driver": driver, "id": f"usb-{name}", "bus": USB_BUS, "port": device["port"]}
        arguments.update(option.split("=", 1) for option in options)
        if "size" in device:
            arguments["drive"] = f"medium-{name}"
        return arguments
