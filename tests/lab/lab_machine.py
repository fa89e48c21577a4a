# SPDX-License-Identifier: GPL-3.0-or-later
"""One boot of L1: its QEMU, QMP, and the two ports over which tests talk to the runner.

    lab.requests   the agent's questions, one JSON object a line, each answered by one
    lab.results    what becomes of the tests, one JSON object a line
    lab.journal    L1's journal, straight into a file

Owns: the QEMU process, which dies with the thread that started it, a folder of sockets, and where L1's
graphics card draws in a window, the X server that this is on.
"""
import ctypes
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
QMP_LIMIT_S = 60
LIBC = ctypes.CDLL(None)


class Dead(Exception):
    """L1 is not there any more, or does not answer."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Lines:
    """Lines of JSON over a socket that does not block."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    def read(self):
        """What came since the last call; raises Dead at the end of the stream."""
        data = self.connection.recv(65536)
        if not data:
            raise Dead("L1 has closed a port")
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]

    def write(self, message):
        self.connection.sendall(json.dumps(message).encode() + b"\n")


class Machine:
    def __init__(self, table, variant, root, disk, logs, turn=1):
        """turn: which boot of this variant it is; the logs of each are kept."""
        self.table, self.variant, self.turn = table, variant, turn
        self.root, self.disk, self.logs = root, disk, logs
        self.process = self.server = None
        self.ports = {}
        self.events = []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lodge-lab-")
        try:
            self._launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        for process in (self.process, self.server):
            if process is not None:
                process.kill()
                process.wait()
        for port in self.ports.values():
            port.connection.close()
        self.folder.cleanup()

    def _log(self, name):
        turn = f"-{self.turn}" if self.turn > 1 else ""
        return os.path.join(self.logs, f"{self.variant}{turn}-{name}.log")

    def _path(self, name):
        return os.path.join(self.folder.name, name)

    def _arguments(self):
        append = f"root=/dev/vda rw console=ttyS0 {self.table.append(self.variant)}"
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display",
                self.table.window(self.variant) or "none",
                "-M", "q35", "-accel", "tcg,thread=multi", "-no-reboot",
                "-kernel", os.path.join(self.root, "vmlinuz"),
                "-initrd", os.path.join(self.root, "initrd.img"), "-append", append,
                # What L1 writes goes to a file without a name.
                "-drive", f"if=virtio,format=raw,file={self.root}/root.ext4,snapshot=on",
                "-drive", f"if=virtio,format=raw,file={self.disk},readonly=on",
                "-chardev", f"socket,id=qmp,path={self._path('qmp')}",
                "-mon", "chardev=qmp,mode=control",
                "-serial", f"file:{self._log('console')}",
                "-device", "virtio-serial-pci,addr=4",
                "-chardev", f"file,id=journal,path={self._log('journal')}",
                "-device", "virtserialport,chardev=journal,name=lab.journal"]
        for name in ("requests", "results"):
            argv += ["-chardev", f"socket,id={name},path={self._path(name)}",
                     "-device", f"virtserialport,chardev={name},name=lab.{name}"]
        return argv + self.table.arguments(self.variant, self.folder.name)

    def _open_screen(self):
        """Returns its name, as DISPLAY has it."""
        read_end, write_end = os.pipe()
        with open(self._log("screen"), "w", encoding="utf-8") as log, open(read_end, "rb") as ready:
            try:
                self.server = subprocess.Popen(
                    ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x1024x24",
                     "-nolisten", "tcp"], pass_fds=[write_end], stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent)
            finally:
                os.close(write_end)
            said = select.select([ready], [], [], QMP_LIMIT_S)[0]
            name = ready.readline().decode().strip() if said else ""
        if not name:
            raise Dead(f"Xvfb did not start; see {self._log('screen')}")
        return f":{name}"

    def _launch(self):
        listeners = {}
        environment = {**os.environ, "TMPDIR": self.folder.name}
        if self.table.window(self.variant) is not None:
            environment["DISPLAY"] = self._open_screen()
        for name in ("qmp", "requests", "results"):
            listeners[name] = socket.socket(socket.AF_UNIX)
            listeners[name].bind(self._path(name))
            listeners[name].listen(1)
            listeners[name].settimeout(QMP_LIMIT_S)
        with open(self._log("qemu"), "w", encoding="utf-8") as log:
            argv = self._arguments()
            print(" ".join(argv), file=log, flush=True)
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=environment,
                                            start_new_session=True, preexec_fn=die_with_parent)
        try:
            for name, listener in listeners.items():
                self.ports[name] = Lines(listener.accept()[0])
        except TimeoutError:
            raise Dead(f"QEMU did not start; see {self._log('qemu')}") from None
        finally:
            for listener in listeners.values():
                listener.close()
        self.ports["qmp"].connection.settimeout(QMP_LIMIT_S)
        self._qmp_until(lambda message: "QMP" in message)
        self.qmp("qmp_capabilities")

    def _qmp_until(self, wanted):
        """Messages until one that is wanted; events that came before it stay."""
        while True:
            try:
                messages = self.ports["qmp"].read()
            except TimeoutError:
                raise Dead("L1's QEMU does not answer") from None
            self.events += [message for message in messages if "event" in message]
            for message in messages:
                if wanted(message):
                    return message

    def qmp(self, command, **arguments):
        self.ports["qmp"].write({"execute": command, "arguments": arguments})
        answer = self._qmp_until(lambda message: "return" in message or "error" in message)
        if "error" in answer:
            raise ValueError(answer["error"]["desc"])
        return answer["return"]

    def save_registers(self):
        """Where its processors are, for those who ask why it stands still."""
        with open(self._log("registers"), "w", encoding="utf-8") as file:
            for _ in range(2):
                file.write(self.qmp("human-monitor-command", **{"command-line": "info registers -a"}))

    def plug(self, name):
        self.qmp("device_add", **self.table.usb_device(name))

    def unplug(self, name):
        """Returns when it is gone."""
        device = self.table.usb_device(name)["id"]
        self.events.clear()

        def gone(message):
            return message.get("event") == "DEVICE_DELETED" and message["data"].get("device") == device

        self.qmp("device_del", id=device)
        if not any(map(gone, self.events)):
            self._qmp_until(gone)

    def press(self, keys):
        """Keys of L1's keyboard, by QEMU's names: together, and let go of again."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def screen(self):
        """What L1's first screen shows: its size, and its pixels, three bytes each."""
        path = self._path("screen.ppm")
        self.qmp("screendump", filename=path)
        with open(path, "rb") as file:
            kind, size, depth = (file.readline().split() for _ in range(3))
            if (kind, depth) != ([b"P6"], [b"255"]):
                raise ValueError(f"QEMU's picture is of another kind: {kind}, {depth}")
            width, height = map(int, size)
            return width, height, file.read()

    def messages(self, deadline):
        """Yields (port, message) until deadline() has passed; raises Dead when L1 is gone."""
        with selectors.DefaultSelector() as selector:
            for name in ("requests", "results"):
                selector.register(self.ports[name].connection, selectors.EVENT_READ, name)
            ended = os.pidfd_open(self.process.pid)
            selector.register(ended, selectors.EVENT_READ, None)
            try:
                while True:
                    ready = selector.select(max(0, deadline() - time.monotonic()))
                    if not ready:
                        raise TimeoutError
                    # What it said last counts, so its end is looked at behind its words.
                    for key, _ in sorted(ready, key=lambda pair: pair[0].data is None):
                        if key.data is None:
                            raise Dead(f"L1 has ended; see {self._log('console')}")
                        for message in self.ports[key.data].read():
                            yield key.data, message
            finally:
                os.close(ended)
