"""What may import what, and what may not be named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx

PACKAGE = Path(supervisor_tx.__file__).parent
TOP = PACKAGE.parent

#: From below to above. A module imports from its own storey and those below.
STOREYS = (
    ("supervisor_tx", "supervisor_tx.errors", "supervisor_tx.values"),
    ("supervisor_tx.core",),
    ("supervisor_tx.config", "supervisor_tx.cmdline"),
    ("supervisor_tx.activity", "supervisor_tx.supervision"),
)
FACES = len(STOREYS)

#: For tests, ours and others': beside the house.
BESIDE = ("supervisor_tx.testing",)

#: These can be thought about without Twisted; the tools must start fast as well.
WITHOUT_TWISTED = (
    "supervisor_tx.core",
    "supervisor_tx.config",
    "supervisor_tx.ctl",
    "supervisor_tx.childutils",
    "supervisor_tx.cmdline",
    "supervisor_tx.errors",
    "supervisor_tx.listeners",
    "supervisor_tx.pidproxy",
    "supervisor_tx.sample",
    "supervisor_tx.values",
)

#: What decides must not look at the world: no clock, no files, no log, no system calls.
IMPURE = (
    "asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "select", "selectors",
    "socket", "subprocess", "threading", "time",
)  # fmt: skip

#: What runs for as long as the daemon does.
SERVING = ("supervisor_tx.supervision", "supervisor_tx.rpc", "supervisor_tx.web")

#: What a wait status means is decided by macros that only os has.
PURE_ENOUGH = ("supervisor_tx.core.exitstatus imports os",)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def storey(module: str) -> int:
    """Return how high a module lives; the faces are on top."""
    for height, packages in enumerate(STOREYS):
        for package in packages:
            # the package itself is at the bottom, but not all that is in it
            if module == package or (package != "supervisor_tx" and within(module, package)):
                return height
    return FACES


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(TOP).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> Iterator[str]:
    """Names of all modules that a file imports, at the top or later, other than for types alone."""
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, f"relative import in {path}"
            yield from (_module(node.module, alias.name) for alias in node.names)
        pending.extend(ast.iter_child_nodes(node))


def late_imports(path: Path) -> Iterator[str]:
    """Names of the modules that a file imports within functions."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from (_module(node.module, alias.name) for alias in node.names)


def _module(package: str, name: str) -> str:
    """Tell ``from package import module`` from ``from module import name``."""
    inner = TOP.joinpath(*package.split("."), name)
    return f"{package}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else package


class LayerTests(SynchronousTestCase):
    def test_imports_point_down(self) -> None:
        """No module imports from a storey above its own."""
        upwards = [
            f"{module} imports {imported}"
            for module, path in modules()
            if module not in BESIDE
            for imported in imports(path)
            if within(imported, "supervisor_tx") and storey(imported) > storey(module)
        ]
        self.assertEqual(upwards, [])

    def test_without_twisted(self) -> None:
        """The lower storeys and the small tools never import Twisted, nor what is built on it."""
        wrong = [
            f"{module} imports {imported}"
            for module, path in modules()
            if any(within(module, package) for package in WITHOUT_TWISTED)
            for imported in imports(path)
            if imported.split(".")[0] in ("twisted", "zope", "klein")
        ]
        self.assertEqual(wrong, [])

    def test_the_core_is_pure(self) -> None:
        """The core imports nothing with which it could look at the world."""
        wrong = [
            f"{module} imports {imported}"
            for module, path in modules()
            if within(module, "supervisor_tx.core")
            for imported in imports(path)
            if imported.split(".")[0] in IMPURE
        ]
        self.assertEqual(wrong, [*PURE_ENOUGH])

    def test_late_imports(self) -> None:
        """What the daemon imports late, it can import before it becomes a user who may not read."""
        ask = (
            "from twisted.internet import reactor\n"
            "from supervisor_tx.web.servers import Servers, import_rest\n"
            "Servers(reactor).import_all(None)\n"
            "import_rest()\n"
            "import sys\n"
            "print(*sys.modules)\n"
        )
        command = [sys.executable, "-c", ask]
        loaded = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True)
        late = {
            imported
            for module, path in modules()
            if any(
                within(module, f"supervisor_tx.{each}") for each in ("supervision", "rpc", "web")
            )
            for imported in late_imports(path)
            if within(imported, "supervisor_tx")
        }
        self.assertIn("supervisor_tx.supervision.figures", late)
        self.assertEqual(late - set(loaded.stdout.split()), set())

    def test_nothing_imports_the_tests(self) -> None:
        """What is installed needs neither the tests nor what is made for them."""
        wrong = [
            f"{module} imports {imported}"
            for module, path in modules()
            if module not in BESIDE
            for imported in imports(path)
            if imported.split(".")[0] in ("tests", "bench") or imported in BESIDE
        ]
        self.assertEqual(wrong, [])

    def test_the_walk_sees_something(self) -> None:
        """The tests above look at real modules, and at imports within functions too."""
        found = dict(modules())
        self.assertIn("supervisor_tx.core.lifecycle", found)
        self.assertIn("supervisor_tx", found)
        self.assertIn("pstats", set(imports(found["supervisor_tx.cmdline"])))
        self.assertIn(
            "supervisor_tx.config.datatypes", set(imports(found["supervisor_tx.cmdline"]))
        )

    def test_no_place_of_one_machine(self) -> None:
        """Nothing names a home directory, a checkout or a scratch folder of whoever wrote it."""
        scratch = re.compile(r"(?<![\w.%)/-])/(?:work|home/\w+|tmp/(?:dev|stock))(?:/|\b)")
        texts = [
            path
            for folder in ("supervisor_tx", "twisted", "bench", "docs", "tests", ".ci")
            for path in sorted((TOP / folder).rglob("*"))
            if path.suffix in (".py", ".conf", ".rst", ".cfg", ".sh", "") and path.is_file()
        ]
        texts += [
            TOP / name for name in ("setup.cfg", "setup.py", "README.rst") if (TOP / name).exists()
        ]
        wrong = [
            f"{path.relative_to(TOP)}: {found[0]}"
            for path in texts
            if "__pycache__" not in path.parts and "_build" not in path.parts
            for found in scratch.finditer(path.read_text("utf-8", "replace"))
        ]
        self.assertEqual(wrong, [])
