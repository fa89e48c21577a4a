# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=root limit=240
"""A paused guest at logout: it goes on for as long as it needs to see its power button."""
import os

from lab import Witness, case, check, finish
from login import Login, wait_logged_out


@case("a paused guest is resumed, its power button is pressed, and it powers off")
def _():
    user = Login()
    guest = Witness("asleep", user=user)
    guest.start()
    user.ctl("pause", "asleep")
    qemu = guest.qemu()
    user.exit()
    wait_logged_out(user.uid)
    check(not os.path.exists(f"/proc/{qemu}"), "QEMU runs on")
    check(guest.saw_button(), "the guest lost power without its button")


@case("the next login finds it off")
def _():
    user = Login()
    check('"state" : "off"' in user.ctl("show", "asleep", "--json"), "Lodge says something else")


finish()
