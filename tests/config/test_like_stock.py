"""Configurations with everything that is tricky, loaded by stock Supervisor and by us."""

from __future__ import annotations

from tests import requirements
from tests.config.likestock import LikeStockCase


class TrickyTests(LikeStockCase):
    """Each text means the same to both."""

    def setUp(self) -> None:
        requirements.stock("python")

    def test_comments(self) -> None:
        """Comments cut values where Supervisor cuts them, quotes or not."""
        self.compare_text("""\
; first
# second
[supervisord] ; third
identifier = a;b # c
[program:x] junk after it
command = /bin/echo "a ; b" c#d ;e
  ; indented
  more # and more
directory: /tmp ;x
environment = A="1;2",B='3#4'
umask = 022
[program:y]
command=/bin/cat


environment=
    A=1,
    # nothing

    B="2" # "
""")

    def test_duplicates(self) -> None:
        """Sections merge, the later option wins, names of options are lower-cased."""
        self.compare_text("""\
[program:x]
command=/bin/a
Startsecs=1
STARTSECS=2
[supervisord]
loglevel=debug
[program:x]
command=/bin/b
startRetries : 7
[supervisord]
loglevel = WARN
[program:X]
command=/bin/c
[unknown:x]
foo=%(bar)s
[program:z]
command=/bin/z
foo=%(bar)s
""")

    def test_defaults(self) -> None:
        """[DEFAULT] shows through everywhere, into plug-ins too."""
        self.compare_text("""\
[DEFAULT]
startsecs=5
priority=3
command=/bin/default
[supervisord]
[program:x]
[program:y]
startsecs=6
[group:g]
programs=y
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
Answer=42 %(ENV_HOME)s 100%%
""")

    def test_includes(self) -> None:
        """Files come in the order of the patterns, sorted within each; here is each file's own."""
        self.compare_text(
            """\
[supervisord]
identifier=%(here)s
environment=MAIN="%(here)s"
[program:a]
command=%(here)s/a
directory=%(here)s
[include]
files = b/*.conf a/*.conf
    nothing*.conf supervisord.conf %(here)s/a/1.conf
    %(ENV_WHERE)s/%(host_node_name)s
[program:zz]
command=%(here)s/zz
""",
            {"WHERE": "/nowhere"},
            {
                "a/2.conf": "[program:a]\nstartsecs=2\ncommand=%(here)s/a2\n[include]\nfiles=/x\n",
                "a/1.conf": "[program:b]\ncommand=%(here)s/b\n[supervisord]\nloglevel=debug\n",
                "b/1.conf": """\
[eventlistener:l]
command=l %(here)s
events=TICK
environment=H="%(here)s"
""",
            },
        )

    def test_expansions(self) -> None:
        """Names, numbers, percent signs and variables come out the same."""
        self.compare_text(
            """\
[supervisord]
environment=A="%(ENV_A)s!",GLOBAL="%(here)s",PERCENT="%%%%"
[program:n]
numprocs=12
numprocs_start=5
process_name=%(program_name)s-%(process_num)02d-%(group_name)s
command=/bin/%(program_name)s %(process_num)d %(numprocs)s %(ENV_A)s %(ENV_B)s %(ENV_OWN)s %%
environment=OWN="own%(process_num)s",A="mine",B="%(ENV_A)s"
directory=/%(ENV_OWN)s%%
stdout_logfile=/tmp/%(process_num)s-%%%%.log
stderr_logfile=%(ENV_OWN)s.log
stdout_logfile_maxbytes=%(process_num)sMB
stdout_logfile_backups=%(process_num)s
stderr_syslog=%(ENV_YES)s
startsecs=%(ENV_SECS)s
[program:o]
command=%(ENV_A)s %(host_node_name)s
priority=%(ENV_SECS)s
""",
            {"A": "outer", "B": "inherited", "YES": "Yes", "SECS": "7"},
        )

    def test_environment(self) -> None:
        """Quotes in environment= are read the way 4.3.0 reads them."""
        self.compare_text("""\
[supervisord]
environment=G="global",BOTH=1
[program:x]
command=/bin/true
environment=A="a,b; c",B='d "e"',C = f/g.h+i-j(k):l , D="it's",E="",F=x"y"z,G2=$HOME
[program:y]
command=/bin/true
environment=BOTH="2";NEXT="back\\slash",
    TABS="	t	", LAST=%%x
[program:z]
command=/bin/true
environment=A=a b
""")

    def test_groups(self) -> None:
        """Groups take their programs, in their order, and are sorted by priority and name."""
        self.compare_text("""\
[supervisord]
[program:a]
command=/bin/a
priority=5
numprocs=11
process_name=p%(process_num)d
[program:b]
command=/bin/b
priority=1
[program:c]
command=/bin/c %(group_name)s
[program:alone]
command=/bin/alone
priority=0
[group:second]
programs = c, a ,b
priority=10
[group:first]
programs=c
priority=-1
[group:empty]
[program:none]
command=/bin/none
numprocs=0
[group:a]
programs=
""")

    def test_logs(self) -> None:
        """The words for log files, and the warnings about them, are the same for each process."""
        self.compare_text("""\
[supervisord]
[program:a]
command=/bin/a
stdout_logfile=syslog
stderr_logfile=NONE
[program:b]
command=/bin/b
numprocs=2
process_name=%(process_num)s
stdout_logfile_maxbytes=0
stderr_logfile=/tmp/b.log
redirect_stderr=on
[program:c]
command=/bin/c
stdout_logfile=Off
stderr_logfile=SYSLOG
redirect_stderr=true
stderr_logfile_maxbytes=0
stdout_syslog=true
stderr_syslog=true
[program:d]
command=/bin/d
stderr_logfile=aUtO
redirect_stderr=1
stderr_logfile_maxbytes=0
stderr_capture_maxbytes=1kb
stderr_events_enabled=yes
[program:e]
command=/bin/e
stdout_logfile=relative.log
stdout_capture_maxbytes=2 MB
""")

    def test_every_option(self) -> None:
        """Each option of a program, with a value that is not its default."""
        self.compare_text("""\
[supervisord]
logfile=main.log
logfile_maxbytes=0
logfile_backups=0
loglevel=TRACE
pidfile=%(here)s/x.pid
umask=027
nodaemon=true
silent=true
minfds=1234
minprocs=123
nocleanup=yes
childlogdir=.
user=0
directory=/tmp
strip_ansi=1
identifier=somebody
[program:x]
command=/bin/x "a b"
process_name=name
numprocs=1
numprocs_start=3
priority=-4
autostart=off
autorestart=True
startsecs=0
startretries=0
exitcodes= 0 , 255
stopsignal=sigusr1
stopwaitsecs=0
stopasgroup=true
user=root
redirect_stderr=false
umask=000
serverurl=http://%(program_name)s
directory=~/x
[program:y]
command=
exitcodes=
autorestart=no
stopsignal=1
killasgroup=true
serverurl=Auto
umask=7
directory=
""")

    def test_listeners(self) -> None:
        """Pools have their own priority, and sets of events."""
        self.compare_text(
            """\
[supervisord]
[eventlistener:a]
command=/bin/a
events=tick_5, TICK_5, Event ,PROCESS_STATE
numprocs=3
process_name=%(program_name)s_%(process_num)s
[eventlistener:b]
command=/bin/b
events=PROCESS_COMMUNICATION
buffer_size=77
priority=3
stdout_syslog=true
stdout_logfile=NONE
stderr_logfile=syslog
""".replace("result_handler=os.path:join\n", "")
        )

    def test_fcgi(self) -> None:
        """Sockets have their defaults, and lose nothing on the way."""
        self.compare_text("""\
[supervisord]
[fcgi-program:a]
command=/bin/a
socket=tcp://LocalHost:9000
socket_backlog=7
numprocs=2
process_name=%(process_num)s
[fcgi-program:b]
command=/bin/b
socket=unix:///tmp/../run/%(program_name)s.sock
user=nobody
[fcgi-program:c]
command=/bin/c
socket=unix://%(here)s/c
socket_owner=nobody
socket_mode=0777
[fcgi-program:d]
command=/bin/d
socket=unix:///d
[program:e]
command=/bin/e
[group:g]
programs=d,e
""")

    def test_servers(self) -> None:
        """All sections of servers are found by how their names begin."""
        self.compare_text("""\
[supervisord]
[unix_http_server]
file = ~/x/../sock ; comment
[inet_http_server:two]
port=*:2
username=a b
password={SHA}0123%%
[unix_http_server:b]
file=%(here)s/b.sock
chmod=0770
chown=root
username=
password=
[inet_http_server]
port = LOCALHOST:9001
""")
