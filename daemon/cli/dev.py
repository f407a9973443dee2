"""`headwater dev` and `headwater check`: the daemon in the foreground, and the definitions looked at without one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from ...definitions.errors import DefinitionsNotLoadable, HeadwaterError
from .settings import (
    NAME_THEM,
    FileOption,
    HomeOption,
    ModuleOption,
    given_source,
    home_folder,
    project_source,
    required_source,
)


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def dev(
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    max_concurrent_runs: Annotated[
        int, typer.Option("--max-concurrent-runs", min=1, help="How many runs may be under way at once.")
    ] = 10,
    sensor_limit: Annotated[
        float,
        typer.Option(
            "--sensor-limit",
            envvar="HEADWATER_SENSOR_LIMIT",
            min=0.1,
            help="Seconds that one evaluation of a schedule or a sensor may take.",
        ),
    ] = 60.0,
    pool: Annotated[
        list[str] | None,
        typer.Option("--pool", help="NAME=PLACES: how many runs with assets of this pool may be under way. Else 1."),
    ] = None,
    backfill_above: Annotated[
        int,
        typer.Option(
            "--backfill-above",
            min=1,
            help="Automation that would ask for more runs than this at once, of assets that hang together, asks for a "
            "backfill instead.",
        ),
    ] = 100,
    log_format: Annotated[
        LogFormat,
        typer.Option("--log-format", help="The daemon's own log: readable lines, JSON lines, or what fits stderr."),
    ] = LogFormat.AUTO,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="Load the definitions again when a source file changes.")
    ] = True,
) -> None:
    """Run the daemon here until ctrl-C: it watches, decides and runs what is stale.

    Definitions that cannot be loaded are reported; the daemon then waits until they are mended.
    """
    source = given_source(file, module) or project_source()
    if source is None:
        raise typer.BadParameter(NAME_THEM)

    import anyio

    from .. import logs
    from ..service import Daemon

    logs.configure(json_lines=None if log_format is LogFormat.AUTO else log_format is LogFormat.JSON)
    daemon = Daemon(
        source,
        home_folder(home),
        max_concurrent_runs=max_concurrent_runs,
        pools=given_pools(pool or ()),
        backfill_above=backfill_above,
        reload=reload,
        evaluation_limit_s=sensor_limit,
    )
    try:
        anyio.run(daemon.run)
    except BaseExceptionGroup as group:
        raise _only_reason(group) from group


def check(file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Load the definitions and say whether they are in order: all errors at once, and exit code 1 if there are any."""
    source = required_source(file, module, home_folder(home))

    from .catalog import load

    try:
        snapshot = load(source).snapshot()
    except DefinitionsNotLoadable as error:
        if error.traceback:
            typer.echo(error.traceback.rstrip(), err=True)
        raise
    assets = [asset for asset in snapshot.assets.values() if not asset.external]
    external = len(snapshot.assets) - len(assets)
    checks = sum(len(asset.checks) for asset in snapshot.assets.values())
    automated = sum(asset.condition is not None for asset in assets)
    outside = f" and {external} external" if external else ""
    named = {"job": snapshot.jobs, "schedule": snapshot.schedules, "sensor": snapshot.sensors}
    more = "".join(f", {counted(len(found), noun)}" for noun, found in named.items() if found)
    typer.echo(
        f"{source}: {counted(len(assets), 'asset')}{outside}, {counted(checks, 'check')}, {automated} with automation"
        f"{more}"
    )


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def given_pools(options: Iterable[str]) -> dict[str, int]:
    """The places in each pool that --pool names."""
    places: dict[str, int] = {}
    for option in options:
        name, _, number = option.rpartition("=")
        if not name or not number.isdigit() or int(number) < 1:
            raise typer.BadParameter(f"--pool {option!r}: write it as NAME=PLACES, with at least one place.")
        places[name] = int(number)
    return places


def _only_reason(group: BaseExceptionGroup) -> BaseException:
    """The one error of headwater's own that a task group was left with; the group itself where there is more to it."""
    reasons: list[BaseException] = [group]
    while len(reasons) == 1 and isinstance(reasons[0], BaseExceptionGroup):
        reasons = list(reasons[0].exceptions)
    return reasons[0] if len(reasons) == 1 and isinstance(reasons[0], HeadwaterError) else group
