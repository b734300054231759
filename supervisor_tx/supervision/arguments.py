"""The arguments of operations: their types, and what is meant by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.description import Flag, Many, OneOf, SignalName, Text, Whole
from supervisor_tx.supervision.process import STDERR, STDOUT

#: Bytes of a log that one answer may hold as text.
LONGEST_PIECE = 1 << 20

ProcessName = Annotated[
    str, Text("the name of the process: name or group:name", least=1, example="web:worker_1")
]
ProcessOrGroup = Annotated[str, Text("the name of the process: name, group:name or group:*")]
GroupName = Annotated[str, Text("the name of the group", least=1, example="web")]
Names = Annotated[
    list[str],
    Many(
        "names of processes, group:* for all of a group, * for all there are",
        Text("", least=1, example="web:*"),
        least=1,
    ),
]
#: Of one process.
WaitOneRuns = Annotated[
    bool, Flag("answer when it is running, and not as soon as there is a process")
]
WaitOneDown = Annotated[bool, Flag("answer when it is down, and not as soon as it was told")]
WaitOneRestarted = Annotated[bool, Flag("answer when it is running again, and not at once")]
WaitRestarted = Annotated[bool, Flag("answer when they are running again, and not at once")]
WaitRun = Annotated[bool, Flag("answer when they are running")]
WaitDown = Annotated[bool, Flag("answer when they are down")]
WaitApplied = Annotated[bool, Flag("answer when all is done, with what came of it")]
GroupFilter = Annotated[
    Sequence[str], Many("only those of these groups", Text("", example="web"), 1, 50)
]
StateFilter = Annotated[
    Sequence[ProcessState],
    Many(
        "only those in these states",
        OneOf("", {each.name: each for each in ProcessState}),
        1,
        len(ProcessState),
    ),
]
SearchText = Annotated[str, Text("only those with this in their names, in any case", example="web")]
Signal = Annotated[str | int, SignalName("name or number of the signal: HUP, SIGHUP, 1")]
Channel = Annotated[int, OneOf("which output of the process", {"stdout": STDOUT, "stderr": STDERR})]
Characters = Annotated[str, Text("what to write", most=16 * 1024 * 1024, example="hello\n")]
EventKind = Annotated[str, Text("what kind of event it is; for the listeners to know")]
EventData = Annotated[str, Text("what goes with it")]
#: Supervisor's way to say it.
Offset = Annotated[
    int, Whole("the byte to begin with; negative: count from the end, with length 0")
]
Length = Annotated[int, Whole("how many bytes; 0: all that follow", least=0)]
LastOffset = Annotated[int, Whole("the size of the log at the last time")]
TailLength = Annotated[int, Whole("how many bytes at most")]
#: Our own.
PieceOffset = Annotated[int, Whole("the byte to begin with; negative: count from the end")]
PieceLength = Annotated[
    int,
    Whole("how many bytes, or up to three more where a character goes on", 1, LONGEST_PIECE),
]
