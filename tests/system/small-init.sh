#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The first process of the guest that small-setup.sh makes: qemu-guest-agent and a shell on the serial
# port, and no more. A whole systemd is minutes under software emulation on a computer that is busy.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8
mount -t proc proc /proc 2>/dev/null
mount -t sysfs sys /sys 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run
for module in virtio_console virtio_net; do modprobe -q $module; done
hostname small
cd /root || exit

# As udev names the port for it.
cat >/run/agent <<'END'
port=$(grep -l '^org.qemu.guest_agent.0$' /sys/class/virtio-ports/*/name)
exec qemu-ga -m virtio-serial -p "/dev/$(basename "${port%/name}")"
END
sh /run/agent >/run/agent.log 2>&1 &
echo $! >/run/agent.pid

stty -F /dev/ttyS0 columns 1000
echo 'the guest is there' >/dev/ttyS0
while :; do setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1; done
