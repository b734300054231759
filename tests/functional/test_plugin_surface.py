"""
What plugins touch of Supervisor's objects, asked in both daemons by one plugin of our own.

The plugin evaluates expressions where a real plugin would stand, so each name that is looked up is
one that people's plugins look up (the reference of the names is a survey of them).
"""

from __future__ import annotations

import re
from typing import Any

from tests import requirements
from tests.functional.harness import TOP, Daemon, FunctionalTestCase, until
from tests.functional.rpc import Client

PLUGIN = '''\
class Surface:
    def __init__(self, supervisord, **options):
        self.supervisord = supervisord
        self.options = options
        self.seen = []
        from supervisor import events
        events.subscribe(events.ProcessStateEvent, self._heard)

    def _heard(self, event):
        self.seen.append(f"{type(event).__name__} {event.payload()}")

    def ask(self, text):
        """Evaluate an expression.

        @param string text  the expression
        @return string result  its repr, or its error
        """
        import supervisor.childutils, supervisor.datatypes, supervisor.dispatchers
        import supervisor.events, supervisor.http, supervisor.loggers, supervisor.options
        import supervisor.process, supervisor.rpcinterface, supervisor.states
        import supervisor.supervisorctl, supervisor.web, supervisor.xmlrpc
        d = self.supervisord
        try:
            return repr(eval(text, {
                "supervisor": supervisor, "d": d, "o": d.options, "me": self,
                "g": d.process_groups["g"], "p": d.process_groups["g"].processes["one"],
                "ear": d.process_groups["ear"],
                "el": d.process_groups["ear"].processes["ear"],
            }))
        except Exception as error:
            return f"{type(error).__name__}"


def make(supervisord, **options):
    return Surface(supervisord, **options)
'''

CONFIG = """\
identifier=me
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:surface]
supervisor.rpcinterface_factory=surface:make
color=blue
[program:one]
command=cat
environment=A="1"
stdout_logfile=%(here)s/one.log
stderr_logfile=NONE
[program:two]
command=sh -c 'exit 1'
startsecs=5
startretries=0
autorestart=false
[eventlistener:ear]
command=sh -c 'echo READY; exec cat >/dev/null'
events=PROCESS_STATE_FATAL,REMOTE_COMMUNICATION
buffer_size=5
stdout_logfile=NONE
[group:g]
programs=one,two
priority=7
"""

EXPRESSIONS = (
    "me.options",
    "sorted(d.process_groups)",
    "d.get_state()",
    "o.mood",
    "o.identifier",
    "o.configfile",
    "o.here",
    "o.serverurl",
    "o.logfile",
    "bool(o.nodaemon), bool(o.silent)",
    "o.pidfile",
    "o.childlogdir",
    "'ENV_PATH' in o.environ_expansions",
    "o.get_pid()",
    "[c.name for c in o.process_group_configs]",
    "[(s['section'], s['file'], s['chmod'], s['username']) for s in o.server_configs]",
    "[sorted(c) for c, s in o.httpservers]",
    "len(o.httpservers[0][1].handlers)",
    "[hasattr(o.httpservers[0][1].handlers[0].rpcinterface, n) for n in ('supervisor', 'surface')]",
    "o.logger.info('a plugin was here')",
    "[callable(getattr(o.logger, n)) for n in 'blather trace debug info warn'.split()]",
    "[callable(getattr(o.logger, n)) for n in ('error', 'critical', 'log')]",
    "[type(x).__name__ for x in d.diff_to_active()]",
    "g.config.name, g.config.priority",
    "[c.name for c in g.config.process_configs]",
    "[q.config.name for q in g.get_unstopped_processes()]",
    "p.config.name, p.config.command, p.config.priority, p.config.autostart",
    "p.config.startsecs, p.config.startretries, int(p.config.stopsignal), p.config.stopwaitsecs",
    "p.config.stopasgroup, p.config.killasgroup, p.config.exitcodes, p.config.redirect_stderr",
    "p.config.environment, p.config.directory, p.config.umask, p.config.uid, p.config.serverurl",
    "p.config.stdout_logfile, p.config.stderr_logfile, p.config.stdout_logfile_maxbytes",
    "p.config.stdout_capture_maxbytes, p.config.stdout_events_enabled, p.config.stdout_syslog",
    "p.config.autorestart.__name__",
    "p.state == p.get_state() == supervisor.states.ProcessStates.RUNNING",
    "p.pid > 1 and isinstance(p.laststart, (int, float)) and p.laststart > 1e9",
    "p.laststop, p.spawnerr, p.exitstatus, p.backoff, p.killing",
    "p.administrative_stop, p.system_stop",
    "p.group is g",
    "setattr(p, 'mine', 1), setattr(p.config, 'mine', 2), setattr(d, 'mine', 3)",
    "(p.mine, p.config.mine, d.mine)",
    "g.processes['two'].state, g.processes['two'].spawnerr, g.processes['two'].system_stop",
    "g.processes['two'].config.autorestart",
    "sorted(s.split(' ')[0] for s in me.seen if 'processname:one' in s)[-1:]",
    "supervisor.events.getEventNameByType(supervisor.events.Tick5Event)",
    "[c.__name__ for c in supervisor.events.ProcessStateExitedEvent.__mro__[:2]]",
    "supervisor.states.getProcessStateDescription(30)",
    "supervisor.states.STOPPED_STATES, supervisor.states.RUNNING_STATES",
    "supervisor.states.getSupervisorStateDescription(1)",
    "supervisor.xmlrpc.Faults.BAD_NAME, supervisor.xmlrpc.getFaultDescription(70)",
    "supervisor.xmlrpc.RPCError(10, 'x').text",
    "supervisor.rpcinterface.API_VERSION, supervisor.options.VERSION",
    "supervisor.options.make_namespec('a', 'b'), supervisor.options.split_namespec('a:*')",
    "supervisor.options.signame(15), supervisor.options.decode_wait_status(256)",
    "supervisor.datatypes.byte_size('5MB'), supervisor.datatypes.boolean('yes')",
    "supervisor.datatypes.list_of_strings('a, b'), supervisor.datatypes.signal_number('HUP')",
    "supervisor.dispatchers.default_handler(None, b'OK')",
    "supervisor.dispatchers.default_handler(None, b'FAIL')",
    "supervisor.childutils.get_headers('a:1 b:2'), supervisor.childutils.eventdata('a:1\\nx')",
    "supervisor.supervisorctl.ControllerPluginBase.name",
    "supervisor.loggers.LevelsByName.INFO",
    "type(ear).__name__, ear.config.buffer_size, ear.config.result_handler.__name__",
    "sorted(each.__name__ for each in ear.config.pool_events)",
    "supervisor.states.getEventListenerStateDescription(el.listener_state)",
    "type(el.event).__name__, el.event.payload()",
    "el.event.serial, el.event.pool_serials",
    "p.stop()",
)


class SurfaceTests(FunctionalTestCase):
    """One plugin, two daemons."""

    maxDiff = None

    def start(self, name: str, main: str) -> Daemon:
        directory = self.directory / name
        directory.mkdir()
        (directory / "surface.py").write_text(PLUGIN)
        daemon = Daemon(
            directory,
            CONFIG,
            command=(requirements.plugins(), "-c", f"from {main} import main; main()", "-n"),
            environ={"PYTHONPATH": f"{TOP}:{directory}"},
        )
        self.addCleanup(daemon.kill)
        daemon.wait_for("success: one")
        daemon.wait_for("gave up: two")
        daemon.wait_for("RPC interface 'surface' initialized")
        client = Client(directory / "s")
        until(lambda: client.call("surface.ask", "bool(el.event)") == "True", daemon.tell)
        return daemon

    def asked(self, daemon: Daemon) -> dict[str, Any]:
        """Ask everything, in order; without what differs between any two daemons."""
        client = Client(daemon.directory / "s")
        answers = {}
        for text in EXPRESSIONS:
            answer = str(client.call("surface.ask", text)).replace(str(daemon.directory), "HERE")
            answers[text] = re.sub(rf"\b{daemon.process.pid}\b", "PID", answer)
        return answers

    def test_the_same(self) -> None:
        """Every look that plugins take at Supervisor's objects shows the same."""
        theirs = self.asked(self.start("stock", "supervisor.supervisord"))
        daemon = self.start("ours", "supervisor_tx.supervisord")
        ours = self.asked(daemon)
        differing = {
            text: (ours[text], theirs[text]) for text in EXPRESSIONS if ours[text] != theirs[text]
        }
        self.assertEqual(differing, {})
        daemon.wait_for("INFO a plugin was here")
