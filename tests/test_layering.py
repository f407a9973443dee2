"""Habits that a program can check: imports point one way, the fold is pure, no file names a package registry.

    definitions <- storage <- daemon <- headwater (the front door)

The rooms meet only through relative imports: an `import storage` would make a second copy of the room, with classes of
its own, wherever this folder is on sys.path.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("definitions", "storage", "daemon")
FRONT_DOOR = len(ROOMS)
FREE = {"headwater._version.__version__"}  # what every room may read, though it stands at the front door

IMPURE_MODULES = {
    *(
        "anyio",
        "asyncio",
        "concurrent",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
    ),
    *("select", "shutil", "signal", "socket", "sqlalchemy", "sqlite3", "structlog", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid", "watchfiles"),
}
IMPURE_SIBLINGS = {"clock", "group", "ids", "instance", "log", "sqlite", "store", "wakeup"}
IMPURE_METHODS = {"now", "today", "utcnow"}
IMPURE_BUILTINS = {"__import__", "breakpoint", "eval", "exec", "hash", "input", "open", "print"}

# Written in halves, so that this file is not one that names a host.
REGISTRY_HOSTS = [
    name + "." + end
    for name, end in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry.npmjs", "org"),
        ("registry.yarnpkg", "com"),
        ("deb.debian", "org"),
        ("crates", "io"),
        ("proxy.golang", "org"),
        ("conda.anaconda", "org"),
    ]
]


def module_of(place: PurePath) -> str:
    """The module's name as it is imported: `storage/log.py` is headwater.storage.log."""
    parts = place.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts if parts[0] == "headwater" else ("headwater", *parts))


def own_files() -> list[PurePath]:
    """The Python files of the rooms and of the front door, each once: the links in headwater/ are not followed."""
    rooms = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    return [file.relative_to(ROOT) for file in [*rooms, *sorted((ROOT / "headwater").glob("*.py"))]]


def parsed(place: PurePath) -> ast.Module:
    return ast.parse((ROOT / place).read_bytes(), str(place))


def imports(place: PurePath, tree: ast.Module) -> Iterator[tuple[int, bool, str]]:
    """Each import, inside functions too: its line, whether it is relative, and the module (or the name in a module)."""
    package = module_of(place).split(".")
    package = package if place.name == "__init__.py" else package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, False, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, False, node.module or ""
        elif isinstance(node, ast.ImportFrom):
            target = package[: max(0, len(package) - node.level + 1)] + (node.module or "").split(".")
            yield from ((node.lineno, True, ".".join(filter(None, [*target, alias.name]))) for alias in node.names)


def floor(module: str) -> int:
    """How high up a module stands: 0 for definitions, 3 for the front door."""
    room = module.split(".")[1] if "." in module else ""
    return ROOMS.index(room) if room in ROOMS else FRONT_DOOR


def wrong_imports(place: PurePath, tree: ast.Module) -> Iterator[str]:
    own = floor(module_of(place))
    for line, relative, module in imports(place, tree):
        top = module.partition(".")[0]
        if relative and top != "headwater":
            yield f"{place}:{line}: a relative import leads out of the package. Take dots away."
        elif relative and module not in FREE and floor(module) > own:
            yield (
                f"{place}:{line}: {ROOMS[own]} imports {module}, which stands above it. Move what both need down into"
                f" {ROOMS[own]}, or hand it in as an argument."
            )
        elif not relative and top in ROOMS:
            yield f"{place}:{line}: `import {module}` makes a second copy of the room. Write a relative import."
        elif not relative and top == "headwater":
            yield f"{place}:{line}: {module} is imported by its full name. Write a relative import."


@pytest.mark.parametrize("place", own_files(), ids=str)
def test_imports_point_down_and_are_relative(place: PurePath) -> None:
    assert list(wrong_imports(place, parsed(place))) == []


def test_nobody_outside_imports_a_room_as_a_top_level_package() -> None:
    outside = [
        file.relative_to(ROOT) for folder in ("tests", "deploy") for file in sorted((ROOT / folder).rglob("*.py"))
    ]
    wrong = [
        f"{place}:{line}: write headwater.{module}"
        for place in outside
        for line, relative, module in imports(place, parsed(place))
        if not relative and module.partition(".")[0] in ROOMS
    ]
    assert wrong == []


def impurities(place: PurePath, tree: ast.Module) -> Iterator[str]:
    for line, relative, module in imports(place, tree):
        parts = module.split(".")
        if not relative and parts[0] in IMPURE_MODULES:
            yield f"{place}:{line}: the fold imports {module}. What it needs of it belongs into the event."
        if relative and parts[:2] == ["headwater", "storage"] and parts[2] in IMPURE_SIBLINGS:
            yield f"{place}:{line}: the fold imports {module}. It is handed events and knows no log and no clock."
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in IMPURE_METHODS:
            yield f"{place}:{call.lineno}: the fold reads a clock ({ast.unparse(call.func)}). Use the timestamp."
        if isinstance(call.func, ast.Name) and call.func.id in IMPURE_BUILTINS:
            yield (
                f"{place}:{call.lineno}: the fold calls {call.func.id}(), which touches the world outside or differs"
                " between processes. Use what the event holds."
            )


def test_the_fold_has_no_clock_no_chance_and_no_io() -> None:
    places = [place for place in own_files() if place.parts[:2] in (("storage", "state"), ("storage", "state.py"))]
    assert places, "the fold is not in storage/state any more: say here where it is"
    assert [finding for place in places for finding in impurities(place, parsed(place))] == []


def committed_files() -> list[Path]:
    """What git has, and what it would take at the next commit. Without git (an unpacked archive): every file."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        return [file for file in ROOT.rglob("*") if file.is_file() and ".venv" not in file.parts]
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE)
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {found.group()}"
        for file in committed_files()
        for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), start=1)
        if (found := hosts.search(line))
    ]
    assert wrong == [], "leave the host out: which registry is used is for the machine's own configuration to say"


# ---- the checks themselves: each finds what it is for ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "source", "finding"),
    [
        ("definitions/keys.py", "from ..storage.log import EventLog", "stands above"),
        ("definitions/conditions/base.py", "from ... import asset", "stands above"),
        ("definitions/conditions/__init__.py", "from ...storage import log", "stands above"),
        ("storage/state/fold.py", "def f():\n    from ...daemon import loop", "stands above"),
        ("storage/__init__.py", "from .. import daemon", "stands above"),
        ("daemon/loop.py", "from .... import x", "leads out"),
        ("daemon/loop.py", "import storage.log", "second copy"),
        ("daemon/loop.py", "from headwater.storage import log", "by its full name"),
    ],
)
def test_a_wrong_import_is_found(place: str, source: str, finding: str) -> None:
    found = list(wrong_imports(PurePath(place), ast.parse(source)))
    assert len(found) == 1
    assert finding in found[0]


def test_a_right_import_is_let_through() -> None:
    source = (
        "import json\nfrom .. import storage\nfrom .._version import __version__\nfrom ..storage.log import EventLog"
    )
    assert list(wrong_imports(PurePath("daemon/loop.py"), ast.parse(source))) == []
    assert list(wrong_imports(PurePath("headwater/__init__.py"), ast.parse("from .daemon.loop import Loop"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from ..clock import Clock",
        "from .. import log",
        "x = datetime.now(UTC)",
        "open('x')",
        "hash(key)",
    ],
)
def test_an_impure_line_in_the_fold_is_found(source: str) -> None:
    assert len(list(impurities(PurePath("storage/state/fold.py"), ast.parse(source)))) == 1
