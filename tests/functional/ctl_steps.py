"""What is typed at the clients that are compared."""

from __future__ import annotations


def _steps(text: str) -> tuple[str, ...]:
    """Return what stands between bars, blanks at the ends off."""
    return tuple(step.strip() for step in text.split("|"))


#: Command lines that neither client takes.
REFUSED = _steps(
    """
    -x | --foo | -s | -nx | -c | --conf | -u a -u b status | -i -i status | -ii | --serv |
    --pass=x --passw y | -s abc status | -s=x status | --help=x | --interactive= | --h=3 |
    --prompt=x | -s unix:// status | -V | -hx | --s=x --p | -r | -c /none/x.conf status | --é |
    - | --configuration | -p
    """
)

#: Actions to try where nobody answers.
ACTIONS = _steps(
    """
    status | start cat | start | pid | avail | avail x | reread | add x | add | remove x |
    remove | update | shutdown | shutdown x | reload | version | version x | tail | tail cat |
    tail -f cat | fg cat | fg | clear cat | signal HUP cat | signal | maintail | maintail -f |
    stop cat | restart | open x | zzz | help | exit
    """
)

#: One of each kind of these.
FEW = _steps("status | start cat | avail | add | shutdown | tail -f cat")

#: Actions to try while the daemon goes down; the first one has it do so.
DOWN = _steps(
    """
    shutdown | shutdown | status | avail | start slow | stop all | stop nix | restart slow |
    signal HUP slow | signal HUP all | tail slow | tail -f slow | clear slow | clear all |
    maintail | pid | pid all | pid slow | add slow | remove slow | reread | update | reload |
    version | fg slow | open x
    """
)

#: Every action in every form, right and wrong, on a daemon with all kinds of programs.
STEPS = _steps(
    """
    status | status all | status w:* | status w: | status nope:* | status w:w_9 |
    status all nix | status nix all | status cat nix | status nix cat | status nix quick |
    status quick nix | status cat | status g:a w:* cat | status w:* w:* | start cat | start nix |
    start nope:* | start w:* | start w:w_0 w:* nix cat | start quick | start missing |
    start plain | start off | start off | start | start   | start g:a g:b | stop | stop off |
    stop off | stop nope:* | stop nix | stop w:* | stop w:* | stop w:w_0 | stop g:a | stop g:* |
    start g:* | start w:w_1 w:w_0 | stop cat nix loud | start all | start all | stop all nix |
    start cat loud silent w:* g:* | restart | restart cat | restart nix | restart nope:* |
    restart w:* | restart w:* cat nix | restart off | restart quick | signal | signal HUP |
    signal FOO cat | signal FOO w:* | signal FOO all | signal CONT cat | signal cont nix |
    signal CONT nope:* | signal CONT all | signal CONT w:* | signal 18 cat | signal SIGCONT cat |
    stop off | signal CONT off | signal CONT off cat nix | signal CONT nix off | tail |
    tail cat | tail nix | tail cat foo | tail loud | tail loud stderr | tail loud STDERR |
    tail -x cat | tail -5 loud | tail -0 loud | tail -f | tail -5 | tail a b c d | tail a b c |
    tail -f cat x | tail -x | tail - | tail - cat | tail -5 loud stderr | tail -5x loud |
    tail --5 loud | tail silent | tail silent stderr | tail w:* | tail -5 w:w_0 | tail loud -5 |
    tail -5 loud stderr x | tail loud stdout stderr | tail all | maintail -x | maintail x |
    maintail a b | maintail -f x | maintail -0x | maintail 5 | maintail - | clear | clear cat |
    clear nix | clear w:* | clear all | clear cat nix | clear silent | tail loud | pid |
    pid all | pid cat | pid off | pid nix | pid cat nix off | pid w:* | pid off nix |
    pid all nix | pid w:w_0 | avail | avail x | reread | reread x | add | add cat | add nix |
    add nix cat | remove | remove nix | remove cat | stop g:* | remove g | add g | add g |
    remove nix cat | update | update nix | update nix all | update all | update nix nox cat |
    shutdown x | reload x | version | version x | open | open x | open ftp://x | exit | quit |
    EOF | exit x | EOF x | help EOF | help help | help nix | help quit | ? | ?start | ? start |
    !x | ! | zzz | status;pid | status ; pid |   status   cat  | fg | fg a b | fg nix | fg off |
    fg all | fg w:* | help add | help avail | help clear | help exit | help fg | help maintail |
    help open | help pid | help reload | help remove | help reread | help restart |
    help shutdown | help signal | help start | help status | help stop | help tail |
    help update | help version | Status | status-x | _x | x.y | do_help | start -x | HELP
    """
)
