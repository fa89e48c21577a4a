# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror that the host's own apt uses, for guests that install the same Debian."""
import glob
import lzma
import re
import urllib.error
import urllib.parse
import urllib.request

from lodge_system import Failed

INDEX = "dists/{suite}/main/debian-installer/binary-amd64/Packages.xz"


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def addresses():
    """All in apt's sources. On one line: deb [options] URI suite component; or deb822: URIs: URI"""
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        for line in read_lines(path):
            found = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)|URIs:\s*(\S+)", line)
            if found:
                yield found.group(1) or found.group(2)


class Mirror:
    def __init__(self):
        release = dict(line.split("=", 1) for line in read_lines("/etc/os-release") if "=" in line)
        self.suite = release.get("VERSION_CODENAME", "")
        self.version = release.get("VERSION_ID", "").strip('"')
        # Debian's own archive, not that of its security updates: its path ends so.
        self.url = next((address.rstrip("/") for address in addresses()
                         if re.match(r"http://.*/debian/?$", address)), None)
        if release.get("ID") != "debian" or self.url is None:
            raise Failed("apt has no source of Debian over http")
        url = urllib.parse.urlsplit(self.url)
        self.host, self.path = url.netloc, url.path
        self.answer = None

    def open(self, path, method="GET"):
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def has_installer(self):
        """Whether the parts that the installer fetches are there: some caches keep packages only."""
        if self.answer is None:
            try:
                index = lzma.decompress(self.open(INDEX.format(suite=self.suite))).decode()
                self.open(re.search(r"^Filename: (\S+)", index, re.M).group(1), "HEAD")
                self.answer = True
            except urllib.error.HTTPError:
                self.answer = False
        return self.answer
