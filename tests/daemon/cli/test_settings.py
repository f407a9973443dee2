"""Where a command works: the home, and which definitions it takes."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
import typer

from headwater.daemon.cli.settings import (
    InvalidSettings,
    daemon_source,
    given_source,
    home_folder,
    project_source,
)
from headwater.daemon.leadership import running_daemon
from support.commands import Commands


def lock(home: Path, **holder: str) -> None:
    """What a daemon writes when it takes the lead."""
    home.mkdir(parents=True, exist_ok=True)
    written = {"pid": str(os.getpid()), "host": socket.gethostname(), "definitions": "shop.flow", **holder}
    (home / "daemon.lock").write_text(json.dumps(written))


def test_the_home_is_beside_the_project_unless_it_is_named(commands: Commands, tmp_path: Path) -> None:
    assert home_folder(None) == tmp_path / ".headwater"
    assert home_folder(Path("elsewhere")) == tmp_path / "elsewhere"


def test_the_home_may_come_from_the_environment(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "there"))
    assert commands("asset", "report", "x", "--force").exit_code == 0
    assert (tmp_path / "there" / "events.db").exists()


def test_reading_makes_no_home(commands: Commands) -> None:
    for arguments in (["asset", "list"], ["run", "list"], ["events", "tail"]):
        assert commands(*arguments).exit_code == 0
    assert not commands.home.exists()


def test_a_file_and_a_module_together_are_refused() -> None:
    with pytest.raises(typer.BadParameter):
        given_source(Path("flow.py"), "flow")


def test_a_file_that_is_not_there_is_a_usage_error(commands: Commands) -> None:
    result = commands("check", "-f", "missing.py")
    assert result.exit_code == 2
    assert "missing.py" in result.stderr


def test_the_project_names_its_definitions(commands: Commands, tmp_path: Path) -> None:
    commands.write('[tool.headwater]\nfile = "flow.py"\n', name="pyproject.toml")
    source = project_source()
    assert source is not None
    assert source.file == tmp_path / "flow.py"
    commands.write('[tool.headwater]\nmodule = "shop.flow"\n', name="pyproject.toml")
    source = project_source()
    assert source is not None
    assert (source.module, source.folder) == ("shop.flow", tmp_path)


@pytest.mark.parametrize("content", ["", "[tool.ruff]\nline-length = 100\n", "[tool.headwater]\n"])
def test_a_project_need_not_name_any(commands: Commands, content: str) -> None:
    commands.write(content, name="pyproject.toml")
    assert project_source() is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[tool.headwater]\nfile = "flow.py"\nmodule = "flow"\n', "both a file and a module"),
        ('[tool.headwater]\nfile = "gone.py"\n', "not there"),
        ("[tool.headwater]\nfile = 3\n", "one name in quotes"),
        ("[tool.headwater\n", "cannot be read"),
    ],
)
def test_a_project_that_says_nonsense_is_told_so(commands: Commands, content: str, reason: str) -> None:
    commands.write(content, name="pyproject.toml")
    with pytest.raises(InvalidSettings, match=reason):
        project_source()


def test_without_any_definitions_the_usage_says_how_to_name_them(commands: Commands) -> None:
    for arguments in (["dev"], ["check"], ["asset", "materialize", "--select", "orders"]):
        result = commands(*arguments)
        assert result.exit_code == 2
        assert "-f FILE" in result.stderr


def test_a_daemon_that_runs_lends_its_definitions(tmp_path: Path) -> None:
    lock(tmp_path)
    source = daemon_source(tmp_path)
    assert source is not None
    assert source.module == "shop.flow"
    lock(tmp_path, definitions=str(tmp_path / "flow.py"))
    source = daemon_source(tmp_path)
    assert source is not None
    assert source.file == tmp_path / "flow.py"


def test_a_daemon_that_was_killed_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    assert running_daemon(tmp_path) is None
    lock(tmp_path, pid=str(2**22 + 1))  # beyond the largest process number
    assert running_daemon(tmp_path) is None
    lock(tmp_path, pid=str(2**22 + 1), host="another.example")
    assert running_daemon(tmp_path) is not None
