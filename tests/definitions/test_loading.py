"""Loading the user's file or module: what counts as definitions, and what is said when it fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from headwater.definitions.errors import DefinitionErrors, DefinitionsNotLoadable
from headwater.definitions.loading import load_definitions

Write = Callable[[str, str], Path]

ONE_ASSET = """
    from headwater.definitions.asset import asset

    @asset
    def orders():
        return [3, 4]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file of the user's project, which is also the working directory; forgets its modules afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def keys(definitions) -> list[str]:
    return [str(node.key) for node in definitions.assets]


def test_the_one_definitions_object_of_a_file_is_taken(write: Write) -> None:
    path = write(
        "flow.py",
        ONE_ASSET
        + """
    from headwater.definitions.definitions import Definitions

    @asset
    def not_listed(): ...

    defs = Definitions(assets=[orders])
    same = defs
    """,
    )
    assert keys(load_definitions(path)) == ["orders"]


def test_without_one_all_assets_and_checks_of_the_file_are_taken(write: Write) -> None:
    path = write(
        "flow.py",
        ONE_ASSET
        + """
    from headwater.definitions.checks import asset_check

    def made(name):
        @asset(name=name)
        def anything(orders): ...
        return anything

    several = [made("a"), made("b")]

    @asset_check(asset=orders)
    def not_empty(orders):
        return len(orders) > 0
    """,
    )
    definitions = load_definitions(path)
    assert keys(definitions) == ["orders", "a", "b"]
    assert [check.name for check in definitions.checks_of("orders")] == ["not_empty"]


@pytest.mark.parametrize("name", ["definitions", "storage", "daemon", "json", "headwater", "my-flow"])
def test_a_file_may_have_any_name(write: Write, name: str) -> None:
    assert keys(load_definitions(write(f"{name}.py", ONE_ASSET))) == ["orders"]
    import json

    assert hasattr(json, "dumps")


@pytest.mark.parametrize("name", ["definitions", "storage", "daemon.flow"])
def test_a_module_is_found_from_the_working_directory(write: Write, name: str) -> None:
    write("daemon/__init__.py", "")
    write(f"{name.replace('.', '/')}.py", ONE_ASSET)
    assert keys(load_definitions(module=name)) == ["orders"]


def test_a_file_finds_what_lies_beside_it_and_a_file_in_a_package_its_package(write: Write) -> None:
    write("beside_it.py", ONE_ASSET)
    assert keys(load_definitions(write("flow.py", "from beside_it import orders"))) == ["orders"]
    write("project_a/__init__.py", "")
    write("project_a/base.py", ONE_ASSET)
    assert keys(load_definitions(write("project_a/flow.py", "from .base import orders"))) == ["orders"]


def test_a_file_is_loaded_anew_each_time(write: Write) -> None:
    path = write("flow.py", ONE_ASSET)
    load_definitions(path)
    write("flow.py", ONE_ASSET.replace("orders", "customers"))
    assert keys(load_definitions(path)) == ["customers"]


def test_all_errors_of_a_file_come_together(write: Write) -> None:
    path = write(
        "flow.py",
        """
    from headwater.definitions.asset import asset

    @asset(tags={"a b": "c"}, retry_policy=3)
    def orders(): ...

    @asset
    def revenue(order): ...
    """,
    )
    with pytest.raises(DefinitionErrors) as raised:
        load_definitions(path)
    assert [str(error).split(": ", 1)[0] for error in raised.value.errors] == ["flow.py:4", "flow.py:4", "flow.py:7"]
    tag, retry, unknown = map(str, raised.value.errors)
    assert "asset 'orders' has the retry_policy 3" in retry
    assert "has the tag 'a b'" in tag
    assert "Did you mean 'orders'?" in unknown


def test_an_error_that_knows_no_line_gets_that_of_the_user(write: Write) -> None:
    path = write(
        "flow.py",
        """
    from headwater.definitions.conditions import AutomationCondition

    condition = AutomationCondition.on_cron("at noon")
    """,
    )
    with pytest.raises(DefinitionErrors) as raised:
        load_definitions(path)
    [error] = raised.value.errors
    assert str(error).startswith("flow.py:4: ")
    assert "at noon" in str(error)


def test_a_file_that_raises_is_reported_with_its_line_and_the_users_part_of_the_traceback(write: Write) -> None:
    path = write("raises_at_import.py", "rate = 1 / 0\n")
    with pytest.raises(
        DefinitionsNotLoadable, match=r"raises_at_import.py:1: cannot import .*: ZeroDivisionError: "
    ) as raised:
        load_definitions(path)
    assert "rate = 1 / 0" in raised.value.traceback
    assert "loading.py" not in raised.value.traceback
    assert "raises_at_import" not in sys.modules


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", r"flow.py:1: cannot import .*SyntaxError"),
        ("import sys\nsys.exit(3)\n", "flow.py:2: cannot import .*SystemExit: 3"),
        ("import no_such_module_anywhere\n", "flow.py:1: .*No module named 'no_such_module_anywhere'"),
        ("x = 1\n", "flow defines no assets. Decorate a function"),
    ],
)
def test_what_cannot_be_loaded_says_why(write: Write, text: str, message: str) -> None:
    with pytest.raises(DefinitionsNotLoadable, match=message):
        load_definitions(write("flow.py", text))


def test_a_file_or_module_that_is_not_there_says_so(write: Write) -> None:
    with pytest.raises(DefinitionsNotLoadable, match="there is no file"):
        load_definitions("nowhere.py")
    with pytest.raises(DefinitionsNotLoadable, match=r"there is no module 'no_such_project.flow' in"):
        load_definitions(module="no_such_project.flow")
    with pytest.raises(DefinitionsNotLoadable, match="either a file"):
        load_definitions()


def test_several_definitions_objects_are_refused_by_name(write: Write) -> None:
    path = write(
        "flow.py",
        """
    from headwater.definitions.definitions import Definitions

    a = Definitions()
    b = Definitions()
    """,
    )
    with pytest.raises(DefinitionErrors, match=r"flow.py:4: .*several Definitions.*Definitions.merge\(a, b\)"):
        load_definitions(path)
