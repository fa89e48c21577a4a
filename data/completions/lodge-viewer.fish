# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for lodge-viewer

# Whether neither a machine nor a server has been named yet.
function __lodge_viewer_names_nothing
    set -l tokens (commandline -opc)
    set -l skip 0
    set -l ended 0
    for token in $tokens[2..-1]
        if test $skip = 1
            set skip 0
        else if test $ended = 1
            return 1
        else
            switch $token
                case --
                    set ended 1
                case -c '--connect*'
                    return 1
                case -m --monitor --ticket-file --ticket-fd
                    set skip 1
                case '-*'
                case '*'
                    return 1
            end
        end
    end
    return 0
end

complete -c lodge-viewer -f
complete -c lodge-viewer -n __lodge_viewer_names_nothing -a '(lodgectl list --names --no-start 2>/dev/null)'
complete -c lodge-viewer -s c -l connect -x -a 'spice:// spices:// spice+unix:///' -d 'Show a SPICE server that is no machine of Lodge'
complete -c lodge-viewer -l ticket-file -r -F -d 'Its ticket is the first line of this file'
complete -c lodge-viewer -l ticket-fd -x -d 'The same, from a descriptor that is open'
complete -c lodge-viewer -s f -l full-screen -d 'Fill the screen'
complete -c lodge-viewer -s m -l monitor -x -a '1 2 3 4' -d 'Which of the guest’s monitors'
complete -c lodge-viewer -l no-sound -d 'Play and record nothing'
complete -c lodge-viewer -l without-landlock -d 'Show a server also where the kernel cannot keep your files from it'
complete -c lodge-viewer -s h -l help -d 'Show help'
complete -c lodge-viewer -l version -d 'Print the version'
