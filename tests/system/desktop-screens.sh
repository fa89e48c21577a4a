#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a desktop does by itself when its graphics card has news (udev runs this): the screens take
# the sizes that the card proposes, side by side.
export DISPLAY=:0
before=''
options=''
xrandr >/tmp/screens
for output in Virtual-1 Virtual-2; do
  if grep -q "^$output connected" /tmp/screens; then
    options="$options --output $output --preferred ${before:+--right-of $before}"
    before=$output
  else
    options="$options --output $output --off"
  fi
done
# shellcheck disable=SC2086 # words
xrandr $options 2>/tmp/screens.log
