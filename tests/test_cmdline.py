from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.cmdline import (
    OPTIONS,
    Action,
    Invocation,
    Profile,
    from_texts,
    parse,
    refusal,
    usage,
)
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.errors import CannotStart
from supervisor_tx.values import fields

VALUES = {
    "user": ("0", 0),
    "umask": ("027", 0o027),
    "directory": ("/", "/"),
    "logfile": ("/a", "/a"),
    "logfile_maxbytes": ("2KB", 2048),
    "logfile_backups": ("3", 3),
    "loglevel": ("Debug", 10),
    "pidfile": ("p", "p"),
    "identifier": ("me", "me"),
    "childlogdir": ("/", "/"),
    "minfds": ("10", 10),
    "minprocs": ("5", 5),
}
FLAGS = ("nodaemon", "silent", "nocleanup", "strip_ansi")


def values_of(invocation: Invocation) -> dict[str, object]:
    """Return what the command line said about the configuration."""
    line = invocation.commandline
    said = {field.name: getattr(line, field.name) for field in fields(line)}
    return {name: value for name, value in said.items() if value is not None}


class ParseTests(SynchronousTestCase):
    def refused(self, *arguments: str) -> str:
        return str(self.assertRaises(CannotStart, parse, arguments))

    def test_nothing(self) -> None:
        """Without options the file decides everything."""
        self.assertEqual(parse([]), Invocation())

    def test_every_member(self) -> None:
        """There is an option for each member of CommandLine."""
        self.assertEqual({*VALUES, *FLAGS}, {field.name for field in fields(CommandLine)})
        self.assertEqual(
            {option.member for option in OPTIONS if option.member},
            {*VALUES, *FLAGS, "configuration", "profile"},
        )

    def test_every_spelling(self) -> None:
        """Each option works long and short, its argument joined or apart."""
        for option in OPTIONS:
            if option.member not in VALUES:
                continue
            text, value = VALUES[option.member]
            spellings = [[f"--{option.long}={text}"], [f"--{option.long}", text]]
            for letter in option.short:
                spellings += [[f"-{letter}{text}"], [f"-{letter}", text]]
            for spelling in spellings:
                self.assertEqual(values_of(parse(spelling)), {option.member: value}, spelling)

    def test_every_flag(self) -> None:
        """Each option without argument works long and short."""
        for option in OPTIONS:
            if option.member in FLAGS:
                for spelling in (f"--{option.long}", f"-{option.short}"):
                    self.assertEqual(values_of(parse([spelling])), {option.member: True})

    def test_letters_together(self) -> None:
        """Letters may stand together; the last one may have an argument."""
        invocation = parse(["-nkcfile"])
        self.assertEqual(invocation.configuration, "file")
        self.assertEqual(values_of(invocation), {"nodaemon": True, "nocleanup": True})

    def test_prefix(self) -> None:
        """A long option may be cut as long as no other begins like it."""
        self.assertEqual(
            values_of(parse(["--nod", "--logfile_b=1"])),
            {
                "nodaemon": True,
                "logfile_backups": 1,
            },
        )
        self.assertEqual(self.refused("--no"), "option --no not a unique prefix")
        self.assertEqual(self.refused("--=x"), "option -- not a unique prefix")

    def test_exact_name_beats_prefix(self) -> None:
        """A whole name is meant even where a longer one begins with it."""
        self.assertEqual(values_of(parse(["--logfile=x"])), {"logfile": "x"})

    def test_prefix_that_supervisor_takes(self) -> None:
        """Our additions take no prefix away: --ch is --childlogdir, as it has always been."""
        self.assertEqual(values_of(parse(["--ch", "/"])), {"childlogdir": "/"})
        self.assertEqual(parse(["--che"]).action, Action.CHECK)

    def test_end_of_options(self) -> None:
        """Options end at the first word that is none, and at two dashes."""
        for words, positional in (
            (["-n", "a", "-x"], "['a', '-x']"),
            (["--", "-n"], "['-n']"),
            (["-"], "['-']"),
            ([""], "['']"),
        ):
            self.assertEqual(
                self.refused(*words), f"positional arguments are not supported: {positional}"
            )
        self.assertEqual(parse(["-n", "--"]), parse(["-n"]))

    def test_unknown(self) -> None:
        """An option that does not exist is refused by its name, even behind --help."""
        self.assertEqual(self.refused("-h", "-x"), "option -x not recognized")
        self.assertEqual(self.refused("-nx"), "option -x not recognized")
        self.assertEqual(self.refused("--bad=1"), "option --bad not recognized")

    def test_argument(self) -> None:
        """An argument must be there where one is taken, and nowhere else."""
        self.assertEqual(self.refused("-c"), "option -c requires argument")
        self.assertEqual(self.refused("--conf"), "option --configuration requires argument")
        self.assertEqual(self.refused("--nod="), "option --nodaemon must not have an argument")

    def test_twice(self) -> None:
        """An option is given once, whichever way it is spelt."""
        self.assertEqual(self.refused("-n", "-n"), "conflicting command line option '-n'")
        self.assertEqual(
            self.refused("-l", "x", "--logfile=y"),
            "conflicting command line option '--logfile'",
        )
        self.assertEqual(
            self.refused("--check", "--check"), "conflicting command line option '--check'"
        )

    def test_bad_value(self) -> None:
        """A value that cannot be read is shown with the option as it was called."""
        self.assertEqual(
            self.refused("-m", "9"),
            "invalid value for -m '9': 9 can not be converted to an octal type",
        )
        self.assertEqual(
            self.refused("--loglev=x"),
            "invalid value for --loglevel 'x': bad logging level name 'x'",
        )

    def test_questions(self) -> None:
        """Help and version are answered when they are reached: what stands before must be right."""
        for words, action in (
            (["-h"], Action.HELP),
            (["-?"], Action.HELP),
            (["--help", "-v"], Action.HELP),
            (["-v", "-m", "9"], Action.VERSION),
            (["-nv", "-n"], Action.VERSION),
            (["--check"], Action.CHECK),
        ):
            self.assertEqual(parse(words).action, action, words)
        self.assertIn("invalid value", self.refused("-m", "9", "-h"))

    def test_check_with_others(self) -> None:
        """A check is made of the file and the options that a run would have."""
        invocation = parse(["--check", "-c", "f", "-n"])
        self.assertEqual(invocation.action, Action.CHECK)
        self.assertEqual(invocation.configuration, "f")
        self.assertEqual(values_of(invocation), {"nodaemon": True})

    def test_profile(self) -> None:
        """The profiler's words are checked before anything runs under it."""
        self.assertEqual(parse(["--profile_options="]).profile, Profile())
        self.assertEqual(
            parse(["--profile_options=cumulative,callers"]).profile, Profile(("cumulative",), True)
        )
        self.assertIn("'zzz' is none of callers, calls,", self.refused("--profile_options=zzz"))

    @given(st.lists(st.text(alphabet="-=cnshvxmdlogfi ", max_size=12), max_size=4))
    def test_anything(self, words: list[str]) -> None:
        """Whatever is typed is understood or refused in words."""
        try:
            parse(words)
        except CannotStart as refused:
            self.assertNotEqual(str(refused), "")


class FromTextsTests(SynchronousTestCase):
    def test_same_meaning(self) -> None:
        """Texts that another parser has collected mean the same as on a command line."""
        texts: dict[str, str | bool | None] = {name: text for name, (text, _) in VALUES.items()}
        texts |= dict.fromkeys(FLAGS, True)
        texts |= {"configuration": "f", "profile_options": "calls", "foreign": "x"}
        words = [f"--{name}={text}" for name, (text, _) in VALUES.items()]
        words += [f"--{name}" for name in FLAGS]
        words += ["--configuration=f", "--profile_options=calls"]
        self.assertEqual(from_texts(texts), parse(words))

    def test_not_given(self) -> None:
        """None and False say nothing; an empty text does."""
        texts: dict[str, str | bool | None] = {"nodaemon": False, "umask": None, "identifier": ""}
        self.assertEqual(values_of(from_texts(texts)), {"identifier": ""})

    def test_bad_value(self) -> None:
        """A wrong text is refused under its long name."""
        error = self.assertRaises(CannotStart, from_texts, {"minfds": "many"})
        self.assertIn("invalid value for --minfds 'many'", str(error))


class TextTests(SynchronousTestCase):
    def test_usage(self) -> None:
        """The usage text has a first line, a call, and an entry for each option."""
        lines = usage("/bin/it").splitlines()
        self.assertTrue(lines[0].startswith("supervisord -- "))
        self.assertEqual(lines[1:5], ["", "Usage: /bin/it [options]", "", "Options:"])
        entries = [line.split(" -- ")[0] for line in lines[5:] if line.startswith("-")]
        self.assertEqual(entries, [option.flags for option in OPTIONS])
        self.assertIn("-m/--umask UMASK", entries)
        self.assertEqual([line for line in lines if len(line) > 100], [])

    def test_refusal(self) -> None:
        """A refusal has two lines, the second says where to look."""
        self.assertEqual(refusal("it", CannotStart("no")), "Error: no\nFor help, use it -h\n")

    def test_names_are_unique(self) -> None:
        """No letter and no name stands in the table twice."""
        names = [*itertools.chain.from_iterable((*option.short, option.long) for option in OPTIONS)]
        self.assertEqual(len(names), len(set(names)))
