"""Where a command works: the home folder with the log, and the user's definitions.

The home is `--home`, else HEADWATER_HOME, else `.headwater/` in the working directory, which is the project's folder.

Definitions are what `-f FILE` or `-m MODULE` names, else what `[tool.headwater]` in the working directory's
pyproject.toml does (`file = "..."` or `module = "..."`), else, where a daemon runs on the home, the daemon's own.
Commands that only need to know what is defined, and run none of it, do not import the user's code while a daemon has
done so: see `catalog.py`.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from ...definitions.errors import HeadwaterError
from ..host.source import CodeSource
from ..leadership import DaemonRunning, running_daemon

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="HEADWATER_HOME",
        help="Folder with the event log and the stored values. Default: .headwater in the working directory.",
        file_okay=False,
        show_default=False,
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Python file with the definitions.", exists=True, dir_okay=False),
]
ModuleOption = Annotated[str | None, typer.Option("--module", "-m", help="Python module with the definitions.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

NAME_THEM = (
    'Name the definitions: -f FILE or -m MODULE, or put file = "..." or module = "..." under [tool.headwater] into '
    "pyproject.toml."
)


class InvalidSettings(HeadwaterError):
    """What pyproject.toml says about headwater cannot be followed."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


def home_folder(option: Path | None) -> Path:
    """The home, absolute; it need not exist yet."""
    return (Path(".headwater") if option is None else option.expanduser()).absolute()


def given_source(file: Path | None, module: str | None) -> CodeSource | None:
    """What -f or -m names; None where neither is given."""
    if file is not None and module is not None:
        raise typer.BadParameter("give either -f FILE or -m MODULE, not both.")
    if file is not None:
        return CodeSource.of_file(file)
    return CodeSource.of_module(module) if module is not None else None


def project_source(folder: Path | None = None) -> CodeSource | None:
    """What `[tool.headwater]` in the pyproject.toml of `folder` (default: the working directory) names."""
    path = (folder or Path.cwd()) / "pyproject.toml"
    try:
        settings = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("headwater", {})
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidSettings(path, f"cannot be read: {error}.") from error
    file, module = settings.get("file"), settings.get("module")
    if file is None and module is None:
        return None
    if file is not None and module is not None:
        raise InvalidSettings(path, "[tool.headwater] names both a file and a module. Keep one of them.")
    if not isinstance(named := file if module is None else module, str):
        raise InvalidSettings(path, '[tool.headwater]: write file = "..." or module = "...", with one name in quotes.')
    if module is not None:
        return CodeSource.of_module(named, folder=path.parent)
    if not (path.parent / named).is_file():
        raise InvalidSettings(path, f"[tool.headwater] names the file {named!r}, which is not there.")
    return CodeSource.of_file(path.parent / named, folder=path.parent)


def refuse_beside_daemon(home: Path, what: str) -> None:
    """End a command that must be alone with the log.

    Raises:
        DaemonRunning: a daemon runs on the home.
    """
    if (holder := running_daemon(home)) is not None:
        raise DaemonRunning(home, holder, advice=f"{what} needs the log for itself: stop the daemon first.")


def daemon_source(home: Path) -> CodeSource | None:
    """The definitions of the daemon that runs on `home`."""
    named = (running_daemon(home) or {}).get("definitions")
    if not named:
        return None
    return CodeSource.of_file(named) if os.path.isabs(named) else CodeSource.of_module(named)


def required_source(file: Path | None, module: str | None, home: Path) -> CodeSource:
    """The definitions for a command that runs the user's code."""
    source = given_source(file, module) or project_source() or daemon_source(home)
    if source is None:
        raise typer.BadParameter(NAME_THEM)
    return source
