#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# root-setup.sh FOLDER: makes L1 of a fresh Debian. mmdebstrap runs it outside of the folder, as
# root or as what passes for root.
set -eu
root=$1

# lab is the plain user of the tests; stranger is in neither of the groups.
chroot "$root" useradd --create-home --shell /bin/bash --groups kvm,render lab
chroot "$root" useradd --create-home --shell /bin/bash stranger

# A machine id of its own, or systemd takes each boot for the first one and sets everything up.
echo 1ab01ab01ab01ab01ab01ab01ab01ab0 >"$root/etc/machine-id"
echo l1 >"$root/etc/hostname"
echo '127.0.0.1 localhost l1' >"$root/etc/hosts"
cat >"$root/etc/fstab" <<'END'
/dev/vda / ext4 rw 0 0
/dev/vdb /usr/local ext4 ro,x-systemd.device-timeout=600 0 0
END

# What the runner listens to. The programs are on the second disk, so that they change freely.
cat >"$root/etc/systemd/system/lab-journal.service" <<'END'
[Unit]
Description=The journal, to the runner outside
DefaultDependencies=no
After=systemd-journald.socket
[Service]
ExecStart=/bin/sh -c 'exec journalctl --boot --follow --lines=all --output=short-monotonic --no-hostname >/dev/virtio-ports/lab.journal'
[Install]
WantedBy=dev-virtio\x2dports-lab.journal.device
END
cat >"$root/etc/systemd/system/lab-agent.service" <<'END'
[Unit]
Description=The tests, run for the runner outside
After=multi-user.target dbus.socket systemd-logind.service
RequiresMountsFor=/usr/local
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/lodge-lab/inside/agent.py
# What a test does to guests must not reach the agent.
OOMScoreAdjust=-500
[Install]
WantedBy=graphical.target multi-user.target
END
# Only what has the tag systemd is a unit of a device.
cat >"$root/etc/udev/rules.d/80-lab.rules" <<'END'
SUBSYSTEM=="virtio-ports", TAG+="systemd"
END
# As systemctl would, which this computer may not have: a container has no systemd.
want() {
  mkdir -p "$root/etc/systemd/system/$2.wants"
  ln -sf "/etc/systemd/system/$1" "$root/etc/systemd/system/$2.wants/$1"
}
want lab-journal.service 'dev-virtio\x2dports-lab.journal.device'
want lab-agent.service graphical.target
want lab-agent.service multi-user.target
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

# Nobody logs in here but tests, and nothing runs at times of its own.
for unit in getty.target serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-tmpfiles-clean.timer systemd-update-utmp.service systemd-pcrphase.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
