"""
What can be asked of the modules that plugins import, and a program that answers it.

It is run by the interpreter of stock Supervisor, and by ours with our modules in the place of its
own; it prints the value, or the error, of each expression.
"""

from __future__ import annotations

#: Expressions, separated by `` | ``; those of a line may build upon each other.
TABLE = r"""
d.boolean("yes") | d.boolean("TRUE") | d.boolean("on") | d.boolean("1") | d.boolean("No")
d.boolean("0") | d.boolean("maybe") | d.boolean("") | d.boolean(True) | d.boolean(None)
d.integer("5") | d.integer("-5") | d.integer(" 5 ") | d.integer("five") | d.integer("")
d.integer("99999999999999999999") | d.integer("5.0") | d.integer(7)
d.list_of_strings("a,b") | d.list_of_strings(" a , b ") | d.list_of_strings("")
d.list_of_strings(None) | d.list_of_strings("a,,b") | d.list_of_strings(5)
d.list_of_ints("1,2") | d.list_of_ints("") | d.list_of_ints(" 1 , 2") | d.list_of_ints("x")
d.list_of_exitcodes("0,2") | d.list_of_exitcodes("255") | d.list_of_exitcodes("256")
d.list_of_exitcodes("-1") | d.list_of_exitcodes("x") | d.list_of_exitcodes("")
d.octal_type("022") | d.octal_type("0o22") | d.octal_type("9") | d.octal_type("")
d.byte_size("5") | d.byte_size("5kb") | d.byte_size("5MB") | d.byte_size("5 MB")
d.byte_size("1GB") | d.byte_size("x") | d.byte_size("") | d.byte_size("-1") | d.byte_size("5TB")
d.signal_number("TERM") | d.signal_number("SIGTERM") | d.signal_number("term")
d.signal_number("15") | d.signal_number(15) | d.signal_number("0") | d.signal_number("999")
d.signal_number("NOPE") | d.signal_number("") | d.signal_number(" 15 ") | d.signal_number("CLD")
d.logging_level("info") | d.logging_level("INFO") | d.logging_level("blather")
d.logging_level("critical") | d.logging_level("nope") | d.logging_level("warning")
d.auto_restart("unexpected").__name__ | d.auto_restart("true").__name__
d.auto_restart("false") | d.auto_restart("YES").__name__ | d.auto_restart("nope")
d.logfile_name("NONE") | d.logfile_name("off") | d.logfile_name(None)
d.logfile_name("AUTO").__name__ | d.logfile_name("syslog").__name__
d.logfile_name("/x") | d.logfile_name("/nope/x") | d.logfile_name("x") | d.logfile_name("")
d.existing_directory("/") | d.existing_directory("/nope") | d.existing_directory("")
d.existing_dirpath("/x") | d.existing_dirpath("x") | d.existing_dirpath("/nope/x")
d.name_to_uid("root") | d.name_to_uid("0") | d.name_to_uid("no-such-user")
d.name_to_gid("root") | d.name_to_gid("0") | d.name_to_gid("no-such-group")
d.gid_for_uid(0) | d.gid_for_uid(99999)
d.colon_separated_user_group("root") | d.colon_separated_user_group("root:root")
d.colon_separated_user_group("no-such-user") | d.colon_separated_user_group("root:nope")
d.process_or_group_name("a") | d.process_or_group_name(" a ") | d.process_or_group_name("a b")
d.process_or_group_name("a:b") | d.process_or_group_name("a/b") | d.process_or_group_name("")
d.url("http://x") | d.url("unix:///x") | d.url("x") | d.url("http://") | d.url("unix://")
d.inet_address("host:80") | d.inet_address("80") | d.inet_address("*:80")
d.inet_address("host") | d.inet_address("host:x") | d.inet_address(":80") | d.inet_address("")
d.port_number("80") | d.port_number("0") | d.port_number("65536") | d.port_number("x")
d.RangeCheckedConversion(int, min=2, max=3)("2")
d.RangeCheckedConversion(int, min=2, max=3)("1")
d.RangeCheckedConversion(int, min=2, max=3)("4") | d.RangeCheckedConversion(int)("-4")
d.SuffixMultiplier({"kb": 1024})("2KB") | d.SuffixMultiplier({"kb": 1024}, 3)("2")
d.SuffixMultiplier({"kb": 1024})("x") | d.SuffixMultiplier({"k": 10, "m": 20})("2m")
d.profile_options("cumulative,callers") | d.profile_options("calls") | d.profile_options("")
d.SocketAddress("/x").address | d.SocketAddress("host:1").address | d.SocketAddress("x").family
d.dict_of_key_value_pairs('A="1",B=2') | d.dict_of_key_value_pairs("")
d.dict_of_key_value_pairs("A") | d.dict_of_key_value_pairs("A='x,y'")
sorted(d.TRUTHY_STRINGS), sorted(d.FALSY_STRINGS)
o.make_namespec("a", "a") | o.make_namespec("a", "b") | o.make_namespec("a", None)
o.split_namespec("a") | o.split_namespec("a:b") | o.split_namespec("a:*")
o.split_namespec("a:") | o.split_namespec("a:b:c") | o.split_namespec("")
o.signame(15) | o.signame(999) | o.signame(0) | o.signame(17) | o.signame(29)
o.decode_wait_status(0) | o.decode_wait_status(256) | o.decode_wait_status(15)
o.decode_wait_status(139)
o.expand("%(a)s", {"a": 1}, "x") | o.expand("%", {}, "x") | o.expand("%%", {}, "x")
o.expand("%(a)02d", {"a": 1}, "x") | o.expand("%(a)d", {"a": "s"}, "x")
o.VERSION | issubclass(o.BadCommand, o.ProcessException) | o.UnhosedConfigParser.mysection
o.readFile(file, 0, 0) | o.readFile(file, 2, 2) | o.readFile(file, -2, 0)
o.readFile(file, -2, 2) | o.readFile(file, 0, -1) | o.readFile(file, 9, 0)
o.readFile("/nope", 0, 0)
o.tailFile(file, 0, 3) | o.tailFile(file, 0, 100) | o.tailFile(file, 6, 3)
o.tailFile(file, 100, 3) | o.tailFile("/nope", 0, 3) | o.tailFile(file, 4, 3)
read("[a]\nx=1 ; c\ny=%(k)s\nz=#\n") | p.sections() | p.saneget("a", "x") | p.get("a", "z")
p.saneget("a", "y", expansions={"k": 3}) | p.saneget("a", "y", do_expand=False)
p.saneget("a", "nope") | p.saneget("a", "nope", 5) | p.saneget("a", "nope", None)
p.saneget("b", "nope", 5) | p.getdefault("x", 5)
p.saneget("a", "nope", "%(k)s", expansions={"k": 3})
p.saneget("a", "nope", "%(k)s", do_expand=False)
read("[supervisord]\nx=%(here)s/y\n[q]\nu=%(here)s\n") | p.getdefault("x", expansions={"here": 1})
p.getdefault("nope") | p.expand_here("/H") | p.get("supervisord", "x") | p.get("q", "u")
x.getFaultDescription(10) | x.getFaultDescription(12345) | x.getFaultDescription(80)
sorted((k, v) for k, v in vars(x.Faults).items() if k.isupper())
x.RPCError(10).code | x.RPCError(10).text | x.RPCError(10, "x").text | x.RPCError(10, "").text
x.RPCError(12345, 5).text | str(x.RPCError(10, "x")) | x.RPCError(10, "x").args
x.capped_int(5) | x.capped_int(2**40) | x.capped_int(-2**40) | x.capped_int(2.7)
x.gettags("a\nb\n@param int x  the x\n@return string y  the\n  y") | x.gettags("")
x.gettags("@return int") | x.gettags("x") | x.gettags("  x\n\n  @param int x")
x.gettags("\n\n@param int x the\n\n more\n@x\n")
x.SupervisorTransport("a", "b", "ftp://x") | x.SupervisorTransport("a", "b", "")
x.SupervisorTransport("a", "b", "http://x:1").serverurl
s.getProcessStateDescription(0) | s.getProcessStateDescription(5)
s.getSupervisorStateDescription(-1) | s.getSupervisorStateDescription(9)
s.getEventListenerStateDescription(10) | s.getEventListenerStateDescription(1)
s.STOPPED_STATES | s.RUNNING_STATES | s.SIGNALLABLE_STATES
sorted((k, v) for k, v in vars(s.ProcessStates).items() if k.isupper())
sorted((k, v) for k, v in vars(s.SupervisorStates).items() if k.isupper())
sorted((k, v) for k, v in vars(s.EventListenerStates).items() if k.isupper())
sorted((k, v.__name__) for k, v in vars(e.EventTypes).items() if k.isupper())
[e.getEventNameByType(v) for k, v in sorted(vars(e.EventTypes).items()) if k.isupper()]
e.getEventNameByType(int) | e.getEventNameByType(e.ProcessStateStartingOrBackoffEvent)
issubclass(e.EventRejectedEvent, e.Event) | e.getEventNameByType(e.EventRejectedEvent)
[(n, sorted(m for m in kinds if issubclass(kinds[n], kinds[m]))) for n in kinds]
e.ProcessLogStdoutEvent.channel | e.ProcessCommunicationStderrEvent.channel
[(each.__name__, each.period) for each in e.TICK_EVENTS]
e.ProcessLogStdoutEvent(Process(), 5, b"x").payload()
e.ProcessLogStderrEvent(Process(), 5, "\u20ac").payload()
e.ProcessLogStdoutEvent(Process(), 5, b"x\xff").payload()
e.ProcessLogStdoutEvent(Process(None), 5, b"x").payload()
e.ProcessCommunicationStdoutEvent(Process(), 5, b"x\n").payload()
e.ProcessCommunicationStderrEvent(Process(None), 5, "x").payload()
e.RemoteCommunicationEvent("t", "d").payload() | e.RemoteCommunicationEvent("t", "d").type
e.SupervisorRunningEvent().payload() | e.SupervisorStoppingEvent().payload()
e.Tick5Event(10, None).payload() | e.Tick5Event(10, None).when | e.Tick60Event(1, 7).supervisord
e.ProcessGroupAddedEvent("g").payload() | e.ProcessGroupRemovedEvent("g").group
e.ProcessStateStartingEvent(Process(), 0).payload()
e.ProcessStateRunningEvent(Process(), 10).payload()
e.ProcessStateBackoffEvent(Process(), 10).payload()
e.ProcessStateStoppingEvent(Process(), 20).payload()
e.ProcessStateStoppedEvent(Process(), 40).payload()
e.ProcessStateExitedEvent(Process(), 20).payload()
e.ProcessStateExitedEvent(Process(), 20, False).payload()
e.ProcessStateFatalEvent(Process(), 30).payload()
e.ProcessStateUnknownEvent(Process(), 40).payload()
e.ProcessStateEvent(Process(), 20).payload()
e.ProcessStateRunningEvent(Process(None), 10).payload()
e.ProcessStateExitedEvent(Process(), 20).expected
e.ProcessStateExitedEvent(Process(), 20).from_state
e.EventRejectedEvent(1, 2).process | e.EventRejectedEvent(1, 2).event | e.Event().payload()
e.clear() | e.unsubscribe(int, print) | e.subscribe(e.TickEvent, hear("tick"))
e.subscribe(e.Event, hear("any")) | e.subscribe(e.Tick5Event, heard_by("tick"))
e.notify(e.Tick5Event(1, None)) | heard | e.notify(e.ProcessGroupAddedEvent("g")) | heard
e.unsubscribe(e.TickEvent, heard_by("tick")) | e.notify(e.Tick5Event(1, None)) | heard
len(e.callbacks) | e.clear() | e.callbacks | e.notify(e.Tick5Event(1, None)) | heard
e.register("MINE", Process) | e.getEventNameByType(Process) | e.EventTypes.MINE is Process
l.getLevelNumByDescription("info") | l.getLevelNumByDescription("nope")
sorted(l.LOG_LEVELS_BY_NUM.items()) | l.LevelsByDescription.trace
l.getLogger().level | l.getLogger(10).level | l.getLogger().handlers
log(20, "%(levelname)s %(message)s;").info("a") | kept() | g.debug("b") | kept()
g.warn("c %(x)s", x=1) | g.error("d") | g.critical("e") | g.log(30, "h") | kept()
log(3, "%(levelname)s %(message)s;").trace("f") | g.blather("g") | g.info("100%s") | kept()
log(20, "%(message)s").info("\u20ac") | kept()
fill(3, b"abcd") | fill(3, b"ab", b"c") | fill(3, b"abc", b"d")
fill(10, b"abcdefgh", b"ijk") | fill(3, b"a", b"bcdef")
l.LogRecord(20, "a %(b)s", b=1).asdict()["message"] | len(l.LogRecord(20, "a").asdict()["asctime"])
l.LogRecord(20, "a").asdict()["levelname"] | l.LogRecord(99, "a").asdict()
files(False) | files(True)
l.Handler.fmt | l.Handler.level | l.Handler().stream
r.default_handler(None, b"OK") | r.default_handler(None, b"FAIL")
r.default_handler(None, "OK") | r.RejectEvent.__mro__[1].__name__
i.API_VERSION | c.ControllerPluginBase.name
sorted((k, v) for k, v in vars(c.LSBInitExitStatuses).items() if k.isupper())
sorted((k, v) for k, v in vars(c.LSBStatusExitStatuses).items() if k.isupper())
u.get_headers("a:1 b:2") | u.get_headers("") | u.eventdata("a:1\nx\ny") | u.eventdata("a:1")
"""

EXPRESSIONS = [text for line in TABLE.strip().splitlines() for text in line.split(" | ")]

#: Reads the expressions as JSON, and writes what they come to, where errors go by their names.
PROGRAM = r"""
import json, os, sys, tempfile

if sys.argv[1] == "ours":
    from supervisor_tx.compat import finder
    finder.install()

import supervisor.childutils as u, supervisor.datatypes as d, supervisor.dispatchers as r
import supervisor.events as e, supervisor.loggers as l, supervisor.options as o
import supervisor.rpcinterface as i, supervisor.states as s, supervisor.supervisorctl as c
import supervisor.xmlrpc as x

folder = tempfile.mkdtemp(dir=os.getcwd())
file = os.path.join(folder, "file")
with open(file, "w") as stream:
    stream.write("abcdef")

kinds = {name: each for name, each in sorted(vars(e).items())
         if isinstance(each, type) and issubclass(each, e.Event) and not name.startswith("_")}

def read(text):
    global p
    p = o.UnhosedConfigParser()
    p.read_string(text)

class Named:
    def __init__(self, name):
        self.name = name

class Process:
    pid, backoff = 7, 2
    def __init__(self, group="g"):
        self.config, self.group = Named("p"), None
        if group is not None:
            self.group = Named(group)
            self.group.config = Named(group)

heard, who = [], {}

def hear(name):
    who[name] = lambda event: heard.append((name, type(event).__name__))
    return who[name]

def heard_by(name):
    return who[name]

def log(level, fmt):
    global g
    g = l.getLogger(level)
    l.handle_boundIO(g, fmt, 1000)
    return g

def kept():
    return g.getvalue()

def fill(size, *pieces):
    stream = l.BoundIO(size)
    for piece in pieces:
        stream.write(piece)
    return stream.getvalue()

def files(rotating):
    where = tempfile.mkdtemp(dir=folder)
    log = l.getLogger()
    l.handle_file(log, where + "/f", "%(message)s\n", rotating=rotating, maxbytes=10, backups=2)
    for number in range(9):
        log.info("m%d" % number)
    handler = log.handlers[0]
    handler.reopen()
    log.info("again")
    there = [(n, open(where + "/" + n).read()) for n in sorted(os.listdir(where))]
    handler.remove()
    return type(handler).__name__, there, sorted(os.listdir(where))

answers = []
for text in json.load(sys.stdin):
    try:
        answers.append(repr(eval(text)))
    except Exception as error:
        answers.append(type(error).__name__ + ": " + str(error))
json.dump(answers, sys.stdout)
"""
