"""The entry point: cheap where it can be, and errors as one line with an exit code."""

from __future__ import annotations

import subprocess
import sys

from headwater import __version__
from support.commands import PROGRAM, Commands

ASK_FOR_THE_VERSION = """
import sys
from headwater.daemon.cli.entry import main
sys.argv = ["headwater", "--version"]
main()
print(*sorted({"typer", "rich", "pydantic", "sqlalchemy", "anyio"} & set(sys.modules)))
"""


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    command = [sys.executable, "-c", ASK_FOR_THE_VERSION]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"headwater {__version__}", ""]


def test_the_version_is_an_option_like_others(commands: Commands) -> None:
    assert commands("--version").stdout == f"headwater {__version__}\n"


def test_help_names_all_commands(commands: Commands) -> None:
    shown = commands("--help").stdout
    assert all(name in shown for name in ("dev", "check", "asset", "run", "events"))
    assert all(name in commands("asset", "--help").stdout for name in ("list", "materialize", "report"))
    assert all(name in commands("run", "--help").stdout for name in ("list", "show", "logs"))
    assert "tail" in commands("events", "--help").stdout


def test_an_unknown_command_is_a_usage_error(commands: Commands) -> None:
    result = commands("asset", "frobnicate")
    assert result.exit_code == 2
    assert "frobnicate" in result.stderr


def test_an_error_is_one_line_without_a_traceback(commands: Commands) -> None:
    done = commands.process("run", "show", "nothing")
    assert done.returncode == 1
    assert done.stderr == "Error: there is no run 'nothing' in this log. `headwater run list` shows the newest.\n"


def test_a_reader_that_leaves_early_is_no_error(commands: Commands) -> None:
    """The reader is gone before the first line comes."""
    process = subprocess.Popen(
        [*PROGRAM, "check", "-f", "flow.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")
