# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that answers each key with a screen of another colour: a boot sector, 320x200."""

CODE = bytes.fromhex(
    "b81300cd10"        # the BIOS' mode 13h
    "b800a08ec030db"    # es: the picture; colour 0
    "fec380e307"        # again: the next of eight
    "88d888dc31ff"      # two pixels of it, from the first on
    "b9007dfcf3ab"      # all 64000
    "30e4cd16"          # wait for a key
    "ebe9")             # jmp again


def write_guest(path):
    """A raw disk that boots it."""
    with open(path, "wb") as file:
        file.write((CODE.ljust(510, b"\0") + b"\x55\xaa").ljust(1 << 20, b"\0"))
