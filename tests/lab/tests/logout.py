# SPDX-License-Identifier: GPL-3.0-or-later
# lab: variant=no-iommu user=root limit=420
"""What happens to a guest when its user logs out."""
import os

from lab import Witness, case, check, equal, finish, run, wait_for
from login import Login, wait_logged_out


@case("a running guest's power button is pressed, and it has the time to power off")
def _():
    user = Login()
    guest = Witness("leaving", user=user)
    guest.start()
    qemu = guest.qemu()
    user.exit()
    wait_logged_out(user.uid)
    check(not os.path.exists(f"/proc/{qemu}"), "QEMU runs on")
    check(guest.saw_button(), "the guest lost power without its button")


@case("the next login finds it off")
def _():
    user = Login()
    check('"state" : "off"' in user.ctl("show", "leaving", "--json"), "Lodge says something else")
    user.exit()


@case("loginctl terminate-session is a logout like any other")
def _():
    user = Login()
    guest = Witness("thrown-out", user=user)
    guest.start()
    qemu = guest.qemu()
    run("loginctl", "terminate-session", user.run("echo $XDG_SESSION_ID").strip())
    wait_logged_out(user.uid)
    check(not os.path.exists(f"/proc/{qemu}"), "QEMU runs on")
    check(guest.saw_button(), "the guest lost power without its button")


@case("with lingering, a guest and its engine stay")
def _():
    user = Login()
    guest = Witness("staying", user=user)
    guest.start()
    qemu = guest.qemu()
    run("loginctl", "enable-linger", user.user)
    user.exit()
    wait_for("logind has no session of the user's, and lets it linger", lambda: run(
        "loginctl", "show-user", user.user, "--property=State", "--value").strip() == "lingering")
    equal(guest.qemu(), qemu, "QEMU")
    check(not guest.saw_button(), "its power button was pressed")
    again = Login()
    check('"state" : "running"' in again.ctl("show", "staying", "--json"), "Lodge says something else")
    again.ctl("shutdown", "staying", "--wait", "--timeout", "120")
    check(guest.saw_button(), "the guest did not see the power button")


finish()
