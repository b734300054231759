"""
The client itself: it finds the command that a line asks for, runs it, and tells what came of it.

Plug-ins hold on to it as ``ctl``, and use what is public here (Supervisor docs, "[ctlplugin:x]").
"""

from __future__ import annotations

import contextlib
import errno
import sys
from _thread import get_ident

from supervisor_tx.ctl import calls
from supervisor_tx.ctl.calls import Proxy
from supervisor_tx.ctl.terminal import Editing, Lines
from supervisor_tx.ctl.wire import Address, Connection, basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, TextIO

    from supervisor_tx.ctl.document import Document
    from supervisor_tx.ctl.options import ClientOptions, Modes

    Do = Callable[[str], object]

#: Exit statuses, in the words of the Linux Standard Base.
GENERIC: Final = 1
INVALID_ARGS: Final = 2
UNIMPLEMENTED_FEATURE: Final = 3
INSUFFICIENT_PRIVILEGES: Final = 4
NOT_INSTALLED: Final = 5
NOT_RUNNING: Final = 7

#: The version of the XML-RPC interface that we speak.
API_VERSION: Final = "3.0"

# Codes of faults (Supervisor docs, "XML-RPC API").
UNKNOWN_METHOD: Final = 1
SHUTDOWN_STATE: Final = 6
SUCCESS: Final = 80
_NOT_RUNNING_FAULTS: Final = frozenset({40, 50, 70})

_COMMAND_CHARACTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
)


class OutputGone(SystemExit):
    """Nobody reads our output any more, as behind ``| head``."""


class Controller:
    """One client, for one command or for a whole session in the shell."""

    #: what is said where a topic has no help
    nohelp = "*** No help on %s"

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.prompt = f"{options.prompt}> "
        self.stdout: TextIO = sys.stdout
        self.lines = Lines(self.stdout)
        #: the exit status of the process
        self.exitstatus = 0
        #: how the action at hand is to be done
        self.modes: Modes = options.modes
        self.lastcmd = ""
        self._document: Document | None = None
        #: by thread: there are plug-ins that do several commands at once
        self._connections: dict[int, Connection] = {}
        self._connected_as: dict[int, tuple[object, ...]] = {}
        options.plugins = options.get_plugins(self)
        #: words that can be completed at the beginning of a line
        self.vocab: list[str] = ["help"]
        for plugin in options.plugins:
            self.vocab += [name[3:] for name in dir(plugin) if name.startswith("do_")]
        self.vocab = sorted({*self.vocab})
        self._complete_info: list[dict[str, Any]] | None = None

    # Saying things

    def output(self, message: str) -> None:
        """Print a message and a line end; as part of a JSON document where that is asked for."""
        if self._document is not None:
            self._document.say(message)
        else:
            self.write(f"{message}\n")

    def tell(self, line: str, record: Mapping[str, Any]) -> None:
        """Say one result: as a line, or as a record of the JSON document."""
        if self._document is not None:
            self._document.add(record)
        else:
            self.output(line)

    def hint(self, lines: Iterable[str]) -> None:
        """Say what may help with the error just told: to standard error, so scripts see no more."""
        said = [line for line in lines if line]
        if self._document is not None:
            self._document.hint(said)
        elif said:
            self.stdout.flush()
            print("\n".join(said), file=sys.stderr, flush=True)

    def write(self, text: str) -> None:
        """Print a text as it is; what the terminal's encoding has not is shown by its number."""
        try:
            self.stdout.write(text)
        except UnicodeEncodeError:
            encoding = self.stdout.encoding
            self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except BrokenPipeError:
            raise OutputGone from None
        if self.lines.edited:
            self.stdout.flush()

    # The daemon

    @property
    def connection(self) -> Connection:
        """The connection to the daemon that the options name now; it need not be open."""
        options = self.options
        wanted = (options.serverurl, options.username, options.password)
        thread = get_ident()
        connection = self._connections.get(thread)
        if connection is None or self._connected_as[thread] != wanted:
            if connection is not None:
                connection.close()
            connection = self._connections[thread] = Connection(
                Address(options.serverurl), basic(options.username, options.password)
            )
            self._connected_as[thread] = wanted
        return connection

    def get_server_proxy(self, namespace: str | None = None) -> Any:
        """Return the daemon's methods, or those of one namespace."""
        proxy = Proxy(self.connection)
        return proxy if namespace is None else getattr(proxy, namespace)

    def get_supervisor(self) -> Any:
        """Return the methods of the namespace ``supervisor``."""
        return self.get_server_proxy("supervisor")

    def upcheck(self) -> bool:
        """Tell whether there is a daemon that we can talk to; if not, say why not."""
        try:
            version = self.get_supervisor().getVersion()
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                self.output(f"{self.options.serverurl} refused connection")
                self.exitstatus = INSUFFICIENT_PRIVILEGES
            elif error.errno == errno.ENOENT:
                self.output(f"{self.options.serverurl} no such file")
                self.exitstatus = NOT_RUNNING
            else:
                raise
            self.diagnose(error)
            return False
        except calls.Fault as fault:
            if fault.faultCode != UNKNOWN_METHOD:
                raise
            self.output(
                "Sorry, supervisord responded but did not recognize the supervisor namespace "
                "commands that supervisorctl uses to control it.  Most likely its configuration "
                "has no section [rpcinterface:supervisor]; the configuration that "
                "echo_supervisord_conf prints has one."
            )
            self.exitstatus = UNIMPLEMENTED_FEATURE
            return False
        if version != API_VERSION:
            self.output(
                "Sorry, this version of supervisorctl expects to talk to a server with API "
                f"version {API_VERSION}, but the remote version is {version}."
            )
            self.exitstatus = NOT_INSTALLED
            return False
        return True

    def diagnose(self, error: BaseException) -> None:
        """Say what is behind an error on the way to the daemon, where that can be found out."""
        from supervisor_tx.ctl.diagnosis import explain

        self.hint(explain(error, self.options))

    def set_exitstatus_from_xmlrpc_fault(
        self, faultcode: int, ignored_faultcode: int | None = None
    ) -> None:
        """Have the process end with what a fault deserves; with nothing for success."""
        if faultcode in (SUCCESS, ignored_faultcode):
            return
        self.exitstatus = NOT_RUNNING if faultcode in _NOT_RUNNING_FAULTS else GENERIC

    @contextlib.contextmanager
    def patience(self, seconds: float | None) -> Iterator[None]:
        """Have requests fail with TimeoutError that take longer than so many seconds."""
        import time

        connection = self.connection
        connection.deadline = None if seconds is None else time.monotonic() + seconds
        try:
            yield
        finally:
            connection.deadline = None

    # Commands

    def exec_cmdloop(self, args: Sequence[str], options: ClientOptions) -> None:
        """Do the one action that args are the words of, or run the shell if there are none."""
        if args:
            self.onecmd(" ".join(args))
            return
        try:
            with Editing(self.complete, options.history_file):
                self.onecmd("status")
                self.cmdloop()
        except KeyboardInterrupt:
            self.output("")

    def cmdloop(self, intro: str | None = None) -> None:
        """Read lines and do what they say, until one ends it."""
        if intro is not None:
            self.output(intro)
        stop: object = None
        while not stop:
            try:
                line = self.lines.ask(self.prompt)
            except EOFError:
                line = "EOF"
            stop = self.onecmd(line)
            self.stdout.flush()

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """Return the command, its argument and the line; no command where the line has none."""
        line = line.strip()
        if line.startswith("?"):
            line = f"help {line[1:]}"
        if not line or line.startswith("!"):
            return None, None, line
        end = 0
        while end < len(line) and line[end] in _COMMAND_CHARACTERS:
            end += 1
        return line[:end], line[end:].strip(), line

    def onecmd(self, line: str) -> object:
        """Do what one line says; return something true where it ends the shell."""
        command, argument, line = self.parseline(line)
        self._complete_info = None
        if not line:
            self.emptyline()
            return None
        do = self._get_do_func(command) if command else None
        if do is None or command is None or argument is None:
            self.default(line)
            return None
        self.lastcmd = line
        modes, argument = self._modes(command, do, argument)
        if modes is None:
            return None
        outer = self.modes, self._document
        self.modes = modes
        if modes.json and self._document is None:
            from supervisor_tx.ctl.document import Document

            self._document = document = Document(command, argument)
            try:
                return self._run(do, argument)
            finally:
                self.modes, self._document = outer
                self.write(f"{document.text(self.exitstatus)}\n")
        try:
            return self._run(do, argument)
        finally:
            self.modes = outer[0]

    def _modes(self, command: str, do: Do, argument: str) -> tuple[Modes | None, str]:
        """Take out of an argument of our own commands the words that say how; none if they err."""
        from supervisor_tx.ctl import modes

        own = getattr(getattr(do, "__self__", None), "takes_modes", False)
        if not own or "--" not in argument:
            return self.modes, argument
        try:
            return modes.extract(command, argument, self.modes)
        except ValueError as error:
            self.output(f"Error: {error}")
            self.exitstatus = INVALID_ARGS
            return None, argument

    def _run(self, do: Do, argument: str) -> object:
        try:
            return do(argument)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            for connection in self._connections.values():
                connection.close()
            if not self.options.interactive:
                raise
            self.output("")
        except Exception as error:  # noqa: BLE001 (whatever it is, the shell goes on)
            if not isinstance(error, calls.ProtocolError) or error.errcode != 401:
                self._fail(error)
            elif not self.options.interactive or self._document is not None:
                self.output("Server requires authentication")
                self._fail(error)
            else:
                self.output("Server requires authentication")
                if self._log_in():
                    return self._run(do, argument)
        return None

    def _log_in(self) -> bool:
        from getpass import getpass

        try:
            username = self.lines.ask("Username:")
            password = getpass("Password:") if self.lines.edited else self.lines.ask("Password:")
        except EOFError as error:
            self._fail(error)
            return False
        self.output("")
        self.options.username, self.options.password = username, password
        return True

    def _fail(self, error: Exception) -> None:
        """Tell an error that nobody foresaw, in Supervisor's form."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        file = "" if frame is None else frame.tb_frame.f_code.co_filename
        line = 0 if frame is None else frame.tb_lineno
        self.output(f"error: {type(error)}, {error}: file: {file} line: {line}")
        self.exitstatus = GENERIC
        self.diagnose(error)

    def _get_do_func(self, command: str) -> Do | None:
        """Return what does a command: the shell itself, or the first plug-in that can."""
        name = f"do_{command}"
        for owner in (self, *self.options.plugins):
            do: Do | None = getattr(owner, name, None)
            if do is not None:
                return do
        return None

    def emptyline(self) -> None:
        """Do nothing, for an empty line."""

    def default(self, line: str) -> None:
        """Say that a line cannot be understood."""
        self.output(f"*** Unknown syntax: {line}")
        self.exitstatus = GENERIC

    def do_EOF(self, _: str) -> bool:
        self.output("")
        return True

    def do_help(self, arg: str) -> None:
        if arg == "help":
            self.help_help()
            return
        for plugin in self.options.plugins:
            plugin.do_help(arg)

    def help_help(self) -> None:
        self.output("help\t\tList the actions")
        self.output("help <action>\tSay how an action is used")

    def help_EOF(self) -> None:
        self.output("To quit, type ^D or use the quit command")

    def print_topics(self, header: str, cmds: list[str], cmdlen: int, maxcol: int) -> None:
        """Print names under a header, in columns."""
        from cmd import Cmd
        from io import StringIO

        if cmds:
            table = StringIO()
            Cmd(stdout=table).print_topics(header, cmds, cmdlen, maxcol)
            self.output(table.getvalue().removesuffix("\n"))

    # Completion

    def complete(self, text: str, state: int, line: str | None = None) -> str | None:
        """Return the completion number ``state`` of the last word of the line, as readline asks."""
        from supervisor_tx.ctl import completion

        if line is None:
            import readline

            line = readline.get_line_buffer()
        found = completion.candidates(self, text, line)
        return found[state] if state < len(found) else None

    def process_infos(self) -> list[dict[str, Any]]:
        """Return what is known of all processes, asked for once a command; nothing on errors."""
        if self._complete_info is None:
            try:
                with self.patience(5):
                    self._complete_info = self.get_supervisor().getAllProcessInfo()
            except Exception:  # noqa: BLE001 (a key was pressed: no place for errors)
                self._complete_info = []
        return self._complete_info
