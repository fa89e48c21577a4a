#compdef lodge-viewer
# SPDX-License-Identifier: GPL-3.0-or-later
# zsh completion for lodge-viewer
_lodge_viewer_machines () {
  local -a names
  names=("${(@f)$(lodgectl list --names --no-start 2>/dev/null)}")
  names=(${names:#})
  compadd -a names
}

_lodge_viewer_servers () {
  local -a names
  names=(spice:// spices:// spice+unix:///)
  compadd -S '' -a names
}

_lodge-viewer () {
  _arguments -s -S \
    '(-c --connect 1)'{-c,--connect=}'[show a SPICE server that is no machine of Lodge]:address:_lodge_viewer_servers' \
    '(--ticket-fd)--ticket-file=[its ticket is the first line of this file]:file:_files' \
    '(--ticket-file)--ticket-fd=[the same, from a descriptor that is open]:number' \
    '(-f --full-screen)'{-f,--full-screen}'[fill the screen]' \
    '(-m --monitor)'{-m,--monitor=}'[which of the guest’s monitors]:number:(1 2 3 4)' \
    '--no-sound[play and record nothing]' \
    '--without-landlock[show a server also where the kernel cannot keep your files from it]' \
    '(- *)'{-h,--help}'[show help]' \
    '(- *)--version[print the version]' \
    '1:machine:_lodge_viewer_machines'
}

# Loaded by the completion system the file is the function; sourced, it registers it.
if [[ $funcstack[1] == _lodge-viewer ]]; then
  _lodge-viewer "$@"
else
  compdef _lodge-viewer lodge-viewer
fi
