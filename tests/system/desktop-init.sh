#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The first process of the guest that make-desktop.sh makes: X, a window manager and Debian's own
# spice-vdagent, as a login would start them; then a shell on the serial port.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run/lock /run/spice-vdagentd
mount -t devpts pts /dev/pts
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb DISPLAY=:0 LC_ALL=C.UTF-8
for module in virtio_pci virtio_console virtio_gpu virtio_rng qxl bochs uinput; do
  modprobe -q $module
done
/lib/systemd/systemd-udevd --daemon
udevadm trigger
udevadm settle
hostname desktop
cd /root || exit

Xorg :0 -nolisten tcp -noreset >/tmp/x.log 2>&1 &
while ! xrandr >/dev/null 2>&1; do sleep 0.2; done
# A pixel of each two: whatever scales this picture blurs it.
xsetroot -mod 2 2 -fg '#ff8040' -bg '#204060'
matchbox-window-manager >/tmp/wm.log 2>&1 &
# Nobody logs in here (-X): the daemon takes the only agent there is for the user's.
spice-vdagentd -X
spice-vdagent

stty -F /dev/ttyS0 columns 1000
echo 'the desktop is there'
while :; do setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1; done
