# SPDX-License-Identifier: GPL-3.0-or-later
"""A running guest's snapshot: how long the guest stands still for it, and how long it takes.

The guest is a boot sector that fills its memory, then writes to 26 pages of it each millisecond, a
page after the other (100 MB/s, or as much as its processor can), and counts all the time.
"""
import contextlib
import json
import os
import socket
import subprocess
import time

COUNTER_AT = 0x8000
FILLED_AT = COUNTER_AT + 4
FILLED = b"FILL"

# Real mode into protected mode, with pages of 4 MiB: what is above 2 GiB in a q35 machine with more
# than 2.75 GiB is above 4 GiB, which PSE-36 reaches. The clock is the PIT's counter 0.
CODE = bytes.fromhex(
    "fa31c08ed8660f0116f47c0f20c00c010f22c066ea1b7c00000800"  # cli, ds=0, lgdt, cr0.PE, far jump
    "66b810008ed88ec0bf00900000b88300000031c9"                # flat ds and es; directory at 9000
    "89c281f9000200007215833dfe7c000000740c"                  # upper half, and memory up there?
    "81ca0020000081ea00000080"                                # bit 32 of the address; less 2 GiB
    "89148f05000040004181f90004000072d0"                      # 1024 entries of 4 MiB
    "0f22df0f20e083c8100f22e00f20c00d000000800f22c0"          # cr3, cr4.PSE, cr0.PG
    "bf00002000893f89bf0008000081c7001000003b3dfa7c000075ea"  # from 2 MiB on a page after the other
    "c7050480000046494c4c"                                    # "FILL"
    "bf00002000e83f00000089c6"                                # again: the first page, the time
    "b91a000000ff0781c7001000003b3dfa7c000074df4975ed"        # 26 pages
    "ff0500800000e81a00000089f229c281e2ffff0000"              # count, look at the clock,
    "81faa904000072e3"                                        # until 1193 of its ticks have gone
    "81eea9040000ebc3"                                        # the next millisecond
    "31c0e643e44088c3e44088c70fb7c3c3")                       # latch and read the counter
TOP_AT, HIGH_AT, TABLE_AT = 250, 254, 264


def write_guest(path, memory_mib):
    """A raw disk that boots it."""
    sector = bytearray(CODE.ljust(512, b"\0"))
    sector[244:250] = (23).to_bytes(2, "little") + (0x7c00 + TABLE_AT).to_bytes(4, "little")
    sector[TOP_AT:TOP_AT + 4] = (memory_mib << 20 & 0xffffffff).to_bytes(4, "little")
    sector[HIGH_AT] = memory_mib > 2048
    sector[TABLE_AT + 8:TABLE_AT + 24] = bytes.fromhex("ffff0000009acf00ffff00000092cf00")
    sector[510:] = b"\x55\xaa"
    with open(path, "wb") as file:
        file.write(bytes(sector).ljust(1 << 20, b"\0"))


def find_memory(pid, memory_mib):
    """The file that a QEMU has its guest's memory in, or None."""
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                if (os.readlink(path).startswith("/memfd:") and
                        os.stat(path).st_size == memory_mib << 20):
                    return path
    return None


def is_filled(memory):
    with open(memory, "rb") as file:
        file.seek(FILLED_AT)
        return file.read(4) == FILLED


class Watch:
    """Measures between its beginning and its end."""

    def __init__(self, program, memory):
        self.process = subprocess.Popen([program, memory, hex(COUNTER_AT)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.began = time.monotonic()

    def end(self):
        """The longest standstill and the whole time, in milliseconds."""
        taken = time.monotonic() - self.began
        output, _ = self.process.communicate("\n", 30)
        return int(output) / 1000, taken * 1000


class Qemu:
    """One without anything around it, whose disk can hold snapshots of its own."""

    def __init__(self, bench, guest, memory_mib, accelerator):
        disk = os.path.join(bench.folder, "bare.qcow2")
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", guest, disk], check=True)
        path = os.path.join(bench.folder, "bare.sock")
        self.process = bench.background(
            "qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine",
            "q35,memory-backend=ram", "-accel", accelerator, "-cpu", "max", "-m", f"{memory_mib}M",
            "-object", f"memory-backend-memfd,id=ram,size={memory_mib}M",
            "-blockdev", f"qcow2,node-name=disk,file.driver=file,file.filename={disk}",
            "-device", "virtio-blk-pci,drive=disk,bootindex=1",
            "-qmp", f"unix:{path},server=on,wait=off", stdin=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(500):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lines.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        line = json.dumps({"execute": name, "arguments": arguments}) + "\n"
        self.socket.sendall(line.encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise OSError(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def job(self, name, **arguments):
        """Until it has ended, which an event tells."""
        self.command(name, **dict(arguments, **{"job-id": "job"}))
        while True:
            jobs = self.command("query-jobs")
            if jobs[0]["status"] == "concluded":
                break
            time.sleep(0.005)
        self.command("job-dismiss", id="job")
        if "error" in jobs[0]:
            raise OSError(f"{name}: {jobs[0]['error']}")

    def save(self):
        self.job("snapshot-save", tag="one", vmstate="disk", devices=["disk"])

    def load(self):
        self.job("snapshot-load", tag="one", vmstate="disk", devices=["disk"])

    def delete(self):
        self.job("snapshot-delete", tag="one", devices=["disk"])
