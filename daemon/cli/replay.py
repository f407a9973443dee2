"""`headwater replay`: the log as it was, what changed in between, whether each decision was right, and what other
definitions would have decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..host.source import CodeSource
from .settings import HomeOption, JsonOption, ModuleOption, given_source, home_folder

if TYPE_CHECKING:
    from ...storage.log import EventLog


def replay(
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="WHEN", help="Show every asset, check and run as it was at this moment."),
    ] = None,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="A..B", help="Show what changed between two moments.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Recompute every decision that was recorded; ends with 1 where any differs."),
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="With --verify: evaluate every condition at every tick. Slower.")
    ] = False,
    with_file: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="Python file with other definitions (or -m MODULE): which runs they would have asked for.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    module: ModuleOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="With --verify and --with: begin here, not with the first event."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back in the log. WHEN is an offset, a time (2026-03-01T06:00) or how long ago ('2h ago')."""
    source = given_source(with_file, module)
    given = (("--until", until), ("--diff", diff), ("--verify", verify), ("--with", source))
    if len([name for name, value in given if value]) != 1:
        raise typer.BadParameter(
            "say what to replay: one of --until WHEN, --diff A..B, --verify, or --with FILE (-m MODULE)."
        )
    folder = home_folder(home)
    if until is not None:
        _until(until, folder, as_json)
    elif diff is not None:
        _diff(diff, folder, as_json)
    elif source is not None:
        _with(source, since, folder, as_json)
    else:
        _verify(since, folder, as_json, thorough)


def _until(when: str, home: Path, as_json: bool) -> None:
    from ...storage.clock import SystemClock
    from ...storage.history import History
    from .catalog import log_for_reading
    from .moments import parsed_moment
    from .output import print_json
    from .replay_text import print_as_of

    with log_for_reading(home) as log:
        then = History(log).at(parsed_moment(when, now=SystemClock().now()))
    print_json(then.to_json()) if as_json else print_as_of(then)


def _diff(span: str, home: Path, as_json: bool) -> None:
    from ...storage.clock import SystemClock
    from ...storage.history import History
    from .catalog import log_for_reading
    from .moments import parsed_span
    from .output import print_json
    from .replay_text import print_between

    with log_for_reading(home) as log:
        between = History(log).diff(*parsed_span(span, now=SystemClock().now()))
    print_json(between.to_json()) if as_json else print_between(between)


def _with(source: CodeSource, since: str | None, home: Path, as_json: bool) -> None:
    from ..replay.suppose import suppose
    from .catalog import load, log_for_reading
    from .output import print_json
    from .replay_text import print_comparison

    definitions = load(source).snapshot()
    with log_for_reading(home) as log:
        result = suppose(log, definitions, since=_after(log, since))
    print_json(result.to_json()) if as_json else print_comparison(result)


def _verify(since: str | None, home: Path, as_json: bool, thorough: bool) -> None:
    from ..replay.verify import verify
    from .catalog import log_for_reading
    from .output import print_json
    from .replay_text import print_verification

    with log_for_reading(home) as log:
        result = verify(log, since=_after(log, since), everything=thorough)
    print_json(result.to_json()) if as_json else print_verification(result)
    if not result.agrees:
        raise typer.Exit(1)


def _after(log: EventLog, since: str | None) -> int:
    """The offset behind which to begin."""
    from ...storage.clock import SystemClock
    from ...storage.moments import offset_of
    from .moments import parsed_moment

    return 0 if since is None else offset_of(log, parsed_moment(since, now=SystemClock().now()))
