# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell in a Linux guest, on the serial port that Lodge relays."""
import glob
import re
import secrets
import socket

from lodge_system import Failed, wait_for


class Shell:
    def __init__(self, lodge, uuid="*"):
        """Of the machine @uuid, or of the only one that runs."""
        path = wait_for("its serial port", lambda: glob.glob(lodge.path("run", "lodge", "t", uuid,
                                                                        "serial.sock")))[0]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(1)
        self.heard = b""
        # What was written before comes first, and may have the marks of another shell in it.
        self.name = secrets.token_hex(3)
        self.count = 0

    def hear(self, mark, seconds=300):
        """What the guest has written up to @mark."""
        def more():
            try:
                heard = self.socket.recv(65536)
            except socket.timeout:
                return False
            if not heard:
                raise ConnectionResetError("the guest's serial port has gone")
            self.heard += heard
            return mark in self.heard
        wait_for(f"the guest's {mark.decode()}", more, seconds, 0)
        said, self.heard = self.heard.split(mark, 1)
        return said.decode("utf-8", "replace")

    def run(self, command):
        """What @command, one line or several that are one, writes; the line itself among it."""
        self.count += 1
        # The line itself comes back too, and must not be taken for its end.
        line = f"{command}; echo '<<'{self.name}.{self.count}'>>'\n".replace("\n", " ")
        self.socket.sendall(line.encode() + b"\n")
        return self.hear(f"<<{self.name}.{self.count}>>".encode())

    def value(self, command):
        """What @command alone writes, its lines joined by spaces."""
        said = self.run(f"echo; echo '['$({command})']'")
        found = re.search(r"^\[(.*)\]\r?$", said, re.M)
        if not found:
            raise Failed(f"{command}: {said}")
        return found.group(1)
