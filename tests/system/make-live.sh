#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# make-live.sh FOLDER SUITE MIRROR
# A Debian that lives in a guest's memory, to install another one from: FOLDER/vmlinuz and
# FOLDER/initrd. Its packages come from MIRROR.
set -eu

# mmdebstrap calls this again, in its own namespaces, with the new system's folder.
if [ -n "${LIVE_FOLDER:-}" ]; then
  root=$1
  cp "$root"/boot/vmlinuz-* "$LIVE_FOLDER/vmlinuz"
  modules=$(echo "$root"/lib/modules/*)
  rm -rf "${root:?}"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
  # Drivers that a guest of Lodge does not need, by far the largest.
  for left in media gpu/drm/amd gpu/drm/i915 gpu/drm/nouveau gpu/drm/radeon infiniband iio staging \
    net/wireless net/ethernet scsi isdn hwmon; do
    rm -rf "$modules/kernel/drivers/$left"
  done
  rm -rf "$modules/kernel/sound"
  chroot "$root" depmod "${modules##*/}"
  cat >"$root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /run
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux
for module in virtio_pci virtio_blk virtio_net virtio_gpu ext4; do modprobe -q $module; done
ip link set lo up
for card in /sys/class/net/e*; do
  ip link set "${card##*/}" up
  udhcpc -q -n -i "${card##*/}"
done
echo live >/proc/sys/kernel/hostname
cd /root
while :; do setsid -c bash -l </dev/tty1 >/dev/tty1 2>&1; done
END
  chmod 755 "$root/init"
  cd "$root"
  find . -xdev -path ./dev -prune -o -print | cpio -o -H newc --quiet | zstd -q -f -o "$LIVE_FOLDER/initrd.part"
  mv "$LIVE_FOLDER/initrd.part" "$LIVE_FOLDER/initrd"
  exit
fi

LIVE_FOLDER=$(realpath "$1")
export LIVE_FOLDER
mmdebstrap --quiet --format=null --variant=minbase \
  --include=linux-image-amd64,debootstrap,e2fsprogs,fdisk,iproute2,udhcpc,kmod,wget,mount \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="$(realpath "$0")" "$2" /dev/null "$3"
