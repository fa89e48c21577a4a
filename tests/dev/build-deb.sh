#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# build-deb.sh SOURCE TARGET: builds the Debian package from a copy of the tree and looks it over.
set -euo pipefail
source=$1 target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/lodge" "$target"
git -C "$source" ls-files -z | (cd "$source" && xargs -0 cp --parents -t "$work/lodge")
(cd "$work/lodge" && dpkg-buildpackage -us -uc -b) >"$target/deb.log" 2>&1 ||
  { tail -n 30 "$target/deb.log" >&2; echo "the package did not build; the log is $target/deb.log" >&2; exit 1; }
cp "$work"/*.deb "$target/"
lintian --allow-root --fail-on error "$target"/lodge_*.deb
ls -l "$target"/lodge_*.deb
