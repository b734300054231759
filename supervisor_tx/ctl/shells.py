"""
Scripts that teach a shell to complete the words after ``supervisorctl``.

They ask the client itself for names, with the options that stand before the action, so that they
know those of the daemon that is meant; errors are not shown, for a key was pressed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from supervisor_tx.ctl.controller import Controller

#: Of which actions the arguments are names of processes, or of groups.
_OF_PROCESSES: Final = "clear fg pid restart signal start status stop tail watch why"
_OF_GROUPS: Final = "add events remove update"
_OPTIONS: Final = (
    "--configuration --help --interactive --serverurl --username --password --history_file "
    "--json --wait --no-wait --timeout --color"
)
_WITH_ARGUMENT: Final = (
    "-c|-s|-u|-p|-r|--configuration|--serverurl|--username|--password|--history_file|--timeout|"
    "--color"
)

_BASH: Final = """\
# bash completion for supervisorctl; put it where bash-completion looks, or source it
_supervisorctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
    local -a words options=()
    local action='' word i
    # Names contain colons, which bash takes for ends of words.
    read -r -a words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    local last=$((${#words[@]} - 1))
    cur=${words[last]}
    for ((i = 1; i < last; i++)); do
        word=${words[i]}
        case $word in
            @WITH_ARGUMENT@)
                options+=("$word" "${words[++i]}")
                ((i < last)) || { COMPREPLY=(); return; }
                ;;
            -*) options+=("$word") ;;
            *) action=$word; break ;;
        esac
    done
    local candidates=''
    if [[ -z $action ]]; then
        candidates='@ACTIONS@'
        [[ $cur == -* ]] && candidates='@OPTIONS@'
    else
        case $action in
            help) candidates='@ACTIONS@' ;;
            completion) candidates='bash zsh fish' ;;
            @PROCESSES@) candidates=$("${words[0]}" "${options[@]}" completion names 2>/dev/null) ;;
            @GROUPS@) candidates=$("${words[0]}" "${options[@]}" completion groups 2>/dev/null) ;;
        esac
    fi
    local -a found=()
    while IFS= read -r word; do
        [[ -n $word && $word == "$cur"* ]] && found+=("$word")
    done <<< "${candidates// /$'\\n'}"
    # Of a name with a colon bash replaces only what is behind the last one.
    local before=''
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && before=${cur%"${cur##*:}"}
    COMPREPLY=("${found[@]#"$before"}")
}
complete -F _supervisorctl supervisorctl
"""

_ZSH: Final = """\
#compdef supervisorctl
# zsh completion for supervisorctl; put it as _supervisorctl where $fpath leads, or source it
_supervisorctl() {
    local -a options candidates
    local action='' word
    integer i
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        case $word in
            @WITH_ARGUMENT@)
                options+=($word "${words[i+1]}")
                (( ++i == CURRENT )) && { _files; return }
                ;;
            -*) options+=($word) ;;
            *) action=$word; break ;;
        esac
    done
    if [[ -z $action ]]; then
        candidates=(@ACTIONS@)
        [[ ${words[CURRENT]} == -* ]] && candidates=(@OPTIONS@)
    else
        case $action in
            help) candidates=(@ACTIONS@) ;;
            completion) candidates=(bash zsh fish) ;;
            @PROCESSES@) candidates=(${(f)"$($words[1] $options completion names 2>/dev/null)"}) ;;
            @GROUPS@) candidates=(${(f)"$($words[1] $options completion groups 2>/dev/null)"}) ;;
        esac
    fi
    compadd -a candidates
}
if [[ $funcstack[1] == _supervisorctl ]]; then
    _supervisorctl "$@"
else
    compdef _supervisorctl supervisorctl
fi
"""

_FISH: Final = """\
# fish completion for supervisorctl; put it into ~/.config/fish/completions, or source it
function __supervisorctl_words
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l options
    set -l action
    while set -q words[1]
        switch $words[1]
            case @WITH_ARGUMENT_FISH@
                set -a options $words[1] $words[2]
                set -e words[1]
            case '-*'
                set -a options $words[1]
            case '*'
                set action $words[1]
                break
        end
        set -e words[1]
    end
    switch "$action"
        case ''
            string split ' ' '@ACTIONS@'
            string split ' ' -- '@OPTIONS@'
        case help
            string split ' ' '@ACTIONS@'
        case completion
            string split ' ' 'bash zsh fish'
        case @PROCESSES_FISH@
            $program $options completion names 2>/dev/null
        case @GROUPS_FISH@
            $program $options completion groups 2>/dev/null
    end
end
complete -c supervisorctl -f -a '(__supervisorctl_words)'
"""

SHELLS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str, vocab: Sequence[str]) -> str:
    """Return the script for a shell; vocab has the actions."""
    fills = {
        "@ACTIONS@": " ".join(vocab),
        "@OPTIONS@": _OPTIONS,
        "@WITH_ARGUMENT@": _WITH_ARGUMENT,
        "@WITH_ARGUMENT_FISH@": _WITH_ARGUMENT.replace("|", " "),
        "@PROCESSES@": _OF_PROCESSES.replace(" ", "|"),
        "@PROCESSES_FISH@": _OF_PROCESSES,
        "@GROUPS@": _OF_GROUPS.replace(" ", "|"),
        "@GROUPS_FISH@": _OF_GROUPS,
    }
    text = SHELLS[shell]
    for mark, fill in fills.items():
        text = text.replace(mark, fill)
    return text


def print_names(controller: Controller) -> None:
    """Print all that names processes, one a line."""
    from supervisor_tx.ctl.completion import processes

    found = [
        *processes(controller.process_infos(), ""),
        *processes(controller.process_infos(), ":"),
        "all",
    ]
    for name in found:
        controller.output(name.strip())


def print_groups(controller: Controller) -> None:
    """Print the names of all groups, one a line."""
    for name in sorted({info["group"] for info in controller.process_infos()}):
        controller.output(name)
