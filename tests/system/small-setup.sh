#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# small-setup.sh FOLDER: makes the small Debian of the system tests (small.py) of a fresh one. mmdebstrap
# runs it as it does the lab's root-setup.sh.
set -eu
root=$1

cp "$(dirname "$0")/small-init.sh" "$root/init"
chmod 755 "$root/init"
mkdir -p "$root/data"
echo small >"$root/etc/hostname"

# Drivers of what no guest of Lodge has, and of what this one does not use: most of the root.
modules=$(echo "$root"/lib/modules/*)
find "$modules/kernel" -type f |
  grep -vE 'kernel/(arch|crypto|lib|fs/(ext4|jbd2|mbcache)|net/core|drivers/(virtio|block|char|net/(virtio_net|net_failover)))' |
  xargs rm -f
chroot "$root" depmod "${modules##*/}"
