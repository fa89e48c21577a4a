#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# make-desktop.sh FOLDER SUITE
# A Debian with X and spice-vdagent that lives in a guest's memory: FOLDER/vmlinuz and FOLDER/initrd.
# Its packages are unpacked only: setting them up would take most of the time, and nothing here
# needs it.
set -eu

# mmdebstrap calls this again, in its own namespaces, with the new system's folder.
if [ -n "${DESKTOP_FOLDER:-}" ]; then
  root=${1:?}
  cp "$root"/boot/vmlinuz-* "$DESKTOP_FOLDER/vmlinuz"
  # What is neither read nor run here, by far the largest; of drivers Lodge's devices' stay.
  libraries=$root/usr/lib/x86_64-linux-gnu
  rm -rf "${root:?}"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/* "$root/usr/lib/gcc" \
    "$libraries"/libLLVM* "$libraries"/libicu* "$libraries"/libz3* "$libraries/dri" "$libraries/perl"
  for left in doc man locale icons info perl i18n; do rm -rf "${root:?}/usr/share/$left"; done
  find "$root"/lib/modules/*/kernel -type f |
    grep -vE 'kernel/(fs/fuse|drivers/(virtio|char|input|gpu/drm/(virtio|qxl|ttm|tiny|[^/]*\.ko)))' |
    xargs rm -f
  chroot "$root" /bin/busybox --install -s
  chroot "$root" /sbin/depmod "$(basename "$root"/lib/modules/*)"
  chroot "$root" /sbin/ldconfig
  # Where files go that are dropped. Without such a folder the agent refuses them.
  mkdir -p "$root/root/Downloads" "$root/root/.config"
  echo 'XDG_DOWNLOAD_DIR="/root/Downloads"' >"$root/root/.config/user-dirs.dirs"
  mkdir -p "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/dev"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  cp "$(dirname "$0")/desktop-init.sh" "$root/init"
  cp "$(dirname "$0")/desktop-screens.sh" "$root/screens"
  chmod 755 "$root/init"
  echo 'ACTION=="change", SUBSYSTEM=="drm", RUN+="/bin/sh /screens"' \
    >"$root/etc/udev/rules.d/90-screens.rules"
  cd "$root"
  find . -xdev -path ./dev -prune -o -print | cpio -o -H newc --quiet >"$DESKTOP_FOLDER/initrd"
  exit
fi

DESKTOP_FOLDER=$(realpath "$1")
export DESKTOP_FOLDER
mmdebstrap --format=null --variant=extract \
  --include=linux-image-amd64,busybox-static,kmod,udev,libc-bin,xserver-xorg-core,x11-xkb-utils \
  --include=x11-xserver-utils,matchbox-window-manager,spice-vdagent,xclip \
  --aptopt='APT::Install-Recommends "false"' \
  --extract-hook="$(realpath "$0")" "$2" /dev/null
