# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that is used as a person does: by reading its picture, with keys and clicks."""
import difflib
import os
import re
import time

from lodge_system import Failed, differing_pixels, run, wait_for

# Small letters are read better when they are larger.
ENLARGE = 2


def plain(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def like(words, text):
    """Whether words stand in text, but for some letters that were read wrongly."""
    words, text = plain(words), plain(text)
    if words in text:
        return True
    width = len(words)
    if width < 12:
        return False
    for at in range(0, max(1, len(text) - width + 1)):
        if difflib.SequenceMatcher(None, words, text[at:at + width]).quick_ratio() < 0.9:
            continue
        if difflib.SequenceMatcher(None, words, text[at:at + width]).ratio() >= 0.9:
            return True
    return False


class Screen:
    def __init__(self, lodge, title, header=0):
        """Of the window with that title, without the first lines of pixels."""
        self.lodge = lodge
        self.header = header
        self.text = ""
        self.words = []
        found = wait_for(f"the window “{title}”", lambda: run(
            "xdotool", "search", "--onlyvisible", "--name", f"^{re.escape(title)}$",
            check=False).stdout.split())
        self.window = found[-1]
        os.makedirs(lodge.path("pictures"), exist_ok=True)

    def resize(self, width, height):
        run("xdotool", "windowsize", "--sync", self.window, str(width), str(height))

    # ---- looking

    def take(self, name):
        """The part of the screen where the window is, with what is over it: menus are windows."""
        path = self.lodge.path(name)
        lines = run("xdotool", "getwindowgeometry", "--shell", self.window).stdout.split()
        place = dict(line.split("=", 1) for line in lines)
        run("import", "-window", "root", "-crop",
            f"{place['WIDTH']}x{place['HEIGHT']}+{place['X']}+{place['Y']}", "+repage", path)
        return path

    def read(self, still=True, as_shown=False):
        """Reads the picture; False when it is still being drawn. A caret may blink. as_shown: what is
        dark on light in it, as a menu over a dark screen; else what most of it is."""
        path = self.take("window.png")
        if still:
            time.sleep(1)
            before, path = path, self.take("window-again.png")
            if differing_pixels(before, path) > 400:
                return False
        large = self.lodge.path("large.png")
        run("convert", path, "-crop", f"+0+{self.header}", "+repage", "-colorspace", "Gray",
            "-resize", f"{ENLARGE * 100}%", large)
        # Letters are expected to be dark.
        if not as_shown and float(run("convert", large, "-format", "%[fx:mean]", "info:").stdout) < 0.4:
            run("convert", large, "-negate", large)
        os.environ["OMP_THREAD_LIMIT"] = "1"
        rows = run("tesseract", large, "-", "--psm", "4", "tsv").stdout.splitlines()
        self.words, lines = [], {}
        for row in rows[1:]:
            cells = row.split("\t")
            if len(cells) < 12 or not cells[11].strip():
                continue
            left, top, width, height = (int(cell) // ENLARGE for cell in cells[6:10])
            self.words.append((cells[11], left, top + self.header, width, height))
            lines.setdefault(tuple(cells[1:5]), []).append(cells[11])
        self.text = "\n".join(" ".join(line) for line in lines.values())
        return True

    def has(self, words):
        return like(words, self.text)

    def keep(self, name):
        """The picture that was read last, for those who want to look."""
        name = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40]
        self.take(os.path.join("pictures", f"{int(time.time())}-{name}.png"))

    def find(self, words, last=False):
        """The middle of the first of words, as read last; by the last place where they stand."""
        wanted = plain(words).split()
        found = None
        for at, (word, left, top, width, height) in enumerate(self.words):
            following = [plain(row[0]) for row in self.words[at:at + len(wanted)]]
            if following == wanted:
                found = left + width // 2, top + height // 2
                if not last:
                    break
        if found is None:
            raise Failed(f"{words!r} is not on the screen, which reads: {self.text}")
        return found

    # ---- acting

    def activate(self):
        run("xdotool", "windowactivate", "--sync", self.window)

    def key(self, name):
        self.activate()
        run("xdotool", "key", "--window", "0", name)
        time.sleep(0.3)

    def type(self, text):
        """At the speed of a program, not of a hand."""
        self.activate()
        run("xdotool", "type", "--window", "0", "--delay", "0", text)

    def line(self, text):
        self.type(text)
        self.key("Return")

    def click_at(self, x, y):
        self.activate()
        run("xdotool", "mousemove", "--window", self.window, str(x), str(y))
        time.sleep(0.3)
        run("xdotool", "click", "1")
        time.sleep(0.3)
        # Out of the way of what is read next.
        run("xdotool", "mousemove", "--window", self.window, "400", "20")

    def click(self, words, below=0, last=False, wait=10, as_shown=False):
        """On words, or so many pixels below them, as soon as they can be read."""
        end = time.monotonic() + wait
        while not (self.read(False, as_shown) and self.has(words)) and time.monotonic() < end:
            time.sleep(1)
        x, y = self.find(words, last)
        self.click_at(x, y + below)

    def click_header(self, x):
        self.click_at(x, self.header // 2)
