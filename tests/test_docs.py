"""The documentation says what is there: whatever can be named is named."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import TestCase

from supervisor_tx.cmdline import OPTIONS
from supervisor_tx.config import known
from supervisor_tx.ctl import additions, helps, options
from supervisor_tx.rpc.own import OwnMethods
from supervisor_tx.rpc.supervisor import SupervisorMethods
from supervisor_tx.web.api import openapi
from tests.functional.harness import TOP
from tests.test_sample import lines

DOCS = TOP / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.rst").read_text()


def public(of: type) -> set[str]:
    """The names of what can be called."""
    return {name for name in vars(of) if not name.startswith("_") and callable(getattr(of, name))}


class PagesTests(TestCase):
    def test_options(self) -> None:
        """Each option of each section is listed, or its section refers to where it is."""
        sections = re.findall(r"^\.\. sample-options:: (\S+)$", page("configuration"), re.MULTILINE)
        self.assertEqual(len(sections), len(set(sections)))
        listed = {(line.section, line.name) for line in lines() if line.section in sections}
        wanted = {
            *((section, name) for section, names in known.SINGLE.items() for name in names),
            *((section, name) for section, names in known.SERVERS.items() for name in names),
        }
        examples = {
            "program": "program:name",
            "group": "group:group",
            "fcgi-program": "fcgi-program:fcgi",
            "eventlistener": "eventlistener:listener",
        }
        of_programs = known.KINDS["program"] or frozenset()
        for kind, section in examples.items():
            # "All options of a program, and:"
            names = (known.KINDS[kind] or frozenset()) - (
                frozenset() if kind == "program" else of_programs
            )
            wanted |= {(section, name) for name in names}
        self.assertEqual(wanted - listed, set())
        for kind in known.KINDS.keys() - examples.keys():
            self.assertIn(f"[{kind}:x]", page("configuration"))

    def test_command_line(self) -> None:
        """The options of the daemon are listed by a directive; ours are explained."""
        self.assertIn("\n.. command-line::\n", page("commandline"))
        for option in OPTIONS:
            if option.ours:
                self.assertIn(f"``--{option.long}``", page("commandline"))

    def test_client(self) -> None:
        """So are options and actions of the client; what Supervisor lacks is in the comparison."""
        text = page("supervisorctl")
        self.assertIn("\n.. client-options::\n", text)
        self.assertIn("\n.. client-commands::\n", text)
        for command, explanation in (*helps.HELP.items(), *additions.HELP.items()):
            forms = [line for line in explanation if line.startswith(command)]
            self.assertTrue(any("\t" in line or " (" in line for line in forms), command)
        for command in additions.HELP:
            self.assertIn(f"``{command}``", page("compatibility"))
        usage = options.usage("supervisorctl")
        for name in ("--json", "--no-wait", "--timeout", "--color"):
            self.assertIn(name, usage)
            self.assertIn(f"``{name}``", page("compatibility"))

    def test_methods(self) -> None:
        """Each method that can be called by XML-RPC is named."""
        text = page("api")
        for methods in (SupervisorMethods, OwnMethods):
            found = public(methods)
            self.assertTrue(found)
            missing = {name for name in found if not re.search(rf"\b{name}\b", text)}
            self.assertEqual(missing, set())

    def test_json(self) -> None:
        """All URLs of the interface in JSON are listed, by their tags."""
        tags = re.findall(r"^\.\. json-operations:: (\S+)$", page("json"), re.MULTILINE)
        self.assertEqual(sorted(tags), sorted(each["name"] for each in openapi.document()["tags"]))

    def test_examples_shown(self) -> None:
        """Each example is shown on a page."""
        shown = "".join(file.read_text() for file in DOCS.glob("*.rst"))
        for file in (DOCS / "examples").iterdir():
            self.assertIn(f".. literalinclude:: examples/{file.name}\n", shown)

    def test_files(self) -> None:
        """Files that the README names are there."""
        text = (TOP / "README.rst").read_text()
        found = re.findall(r"\bdocs/[\w/.]*\w", text)
        self.assertIn("docs/demo/supervisord.conf", found)
        for name in found:
            self.assertTrue(Path(TOP, name).exists(), name)
