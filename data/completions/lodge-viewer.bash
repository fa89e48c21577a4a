# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for lodge-viewer
_lodge_viewer () {
  local cur=${COMP_WORDS[COMP_CWORD]} valued='' ended='' named='' bare name i
  COMPREPLY=()
  for (( i = 1; i < COMP_CWORD; i++ )); do
    # Bash makes several words of an option with its value, and of an address.
    if [[ ${COMP_WORDS[i]} == = ]]; then
      continue
    elif [[ -n $valued ]]; then
      valued=''
    elif [[ -n $ended || ${COMP_WORDS[i]} != -* ]]; then
      named=1
    else
      case ${COMP_WORDS[i]} in
        --) ended=1 ;;
        # A server takes the place of a machine.
        -c|--connect) valued=--connect named=1 ;;
        -m|--monitor) valued=--monitor ;;
        --ticket-file|--ticket-fd) valued=${COMP_WORDS[i]} ;;
      esac
    fi
  done
  case $valued in
    --connect)
      compopt -o nospace 2>/dev/null
      COMPREPLY=($(compgen -W 'spice:// spices:// spice+unix:///' -- "$cur"))
      return
      ;;
    --monitor)
      COMPREPLY=($(compgen -W '1 2 3 4' -- "$cur"))
      return
      ;;
    --ticket-file)
      compopt -o filenames 2>/dev/null
      while IFS= read -r name; do
        COMPREPLY+=("$name")
      done < <(compgen -f -- "$cur")
      return
      ;;
    --ticket-fd) return ;;
  esac
  if [[ -z $ended && $cur == -* ]]; then
    COMPREPLY=($(compgen -W '--connect --ticket-file --ticket-fd --full-screen --monitor --no-sound
      --without-landlock --help --version' -- "$cur"))
    return
  fi
  [[ -n $named ]] && return
  # Names may have spaces and quotes; what was typed may be quoted in part.
  bare=${cur#[\'\"]}
  while IFS= read -r name; do
    [[ -z $ended && $name == -* ]] && continue
    if [[ $bare != "$cur" ]]; then
      [[ $name == "$bare"* ]] && COMPREPLY+=("$name")
    elif [[ $name == "$cur"* || $(printf %q "$name") == "$cur"* ]]; then
      COMPREPLY+=("$(printf %q "$name")")
    fi
  done < <(lodgectl list --names --no-start 2>/dev/null)
}
complete -F _lodge_viewer lodge-viewer
