"""`headwater asset backfill`: make many partitions of assets, upstream first, and watch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..leadership import running_daemon
from .settings import (
    FileOption,
    HomeOption,
    JsonOption,
    ModuleOption,
    given_source,
    home_folder,
    required_source,
)


def backfill(
    asset: Annotated[
        list[str] | None,
        typer.Option("--asset", help="An asset to make, by its key. Any number of times.", metavar="KEY"),
    ] = None,
    select: Annotated[
        str | None, typer.Option("--select", help='Which assets, as for `asset materialize`: "+a", "group:sales".')
    ] = None,
    all_partitions: Annotated[bool, typer.Option("--all-partitions", help="All partitions that exist now.")] = False,
    partition_range: Annotated[
        str | None, typer.Option("--partition-range", help="From A to B, both included.", metavar="A...B")
    ] = None,
    partition: Annotated[
        list[str] | None, typer.Option("--partition", help="This partition. Any number of times.", metavar="K")
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only what was never made.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed at its last attempt.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A file with the config of every run, as for `materialize`.")
    ] = None,
    config_json: Annotated[str | None, typer.Option("--config-json", help="The config itself.")] = None,
    tags: Annotated[
        str | None, typer.Option("--tags", help='Tags of every run: \'{"team": "sales"}\', or team=sales,why=fix.')
    ] = None,
    title: Annotated[str, typer.Option("--title", help="What it is for, as `backfill list` shows it.")] = "",
    priority: Annotated[
        int, typer.Option("--priority", help="Of its runs; those of automation have 0 and go ahead of a lower one.")
    ] = -1,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for it; needs a running daemon.")] = False,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Make it in this process even if a daemon runs.")
    ] = False,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make many partitions, upstream first: through the daemon where one runs, else here. Fails if one of them did."""
    folder = home_folder(home)
    daemon = not in_process and running_daemon(folder) is not None
    if detach and not daemon:
        raise typer.BadParameter("--detach needs a running daemon: start one with `headwater dev`.")

    from ...storage.log import EventLog
    from .backfill_history import counts_of, print_counts, record_as_json, record_of
    from .backfill_targets import Partitions, read_range
    from .backfilling import Backfilling, Detached
    from .config_files import given_run_config
    from .output import print_json

    if (select is None) == (not asset):
        raise typer.BadParameter("say which assets: either --asset KEY or --select SELECTION.")
    partitions = Partitions(
        everything=all_partitions,
        span=read_range(partition_range) if partition_range is not None else None,
        keys=tuple(partition or ()),
        missing=missing,
        failed=failed,
    )
    source = None if daemon and given_source(file, module) is None else required_source(file, module, folder)
    with EventLog.open(folder) as log:
        work = Backfilling(log, folder, source, through_daemon=daemon)
        order = work.order(
            asset or select or "",
            partitions,
            run_config=given_run_config(config, config_json),
            title=title,
            priority=priority,
            tags=tags_of(tags),
        )
        if not order.targets:
            typer.echo("There is nothing to backfill: no partition is as you say.", err=True)
            return
        end = work.run(order, detach=detach, quiet=as_json)
        if isinstance(end, Detached):
            return
        record = record_of(log, work.state, end.backfill_id)
    if as_json:
        print_json(record_as_json(record))
    else:
        print_counts(counts_of(end))
        typer.echo(f"\nBackfill {end.backfill_id} {end.status}. {end.message}".rstrip())
    if end.status != "succeeded":
        raise typer.Exit(1)


def tags_of(text: str | None) -> dict[str, str]:
    """The tags that a JSON object or `a=1,b=2` says."""
    if text is None:
        return {}
    if text.lstrip().startswith("{"):
        try:
            given = json.loads(text)
        except ValueError as error:
            raise typer.BadParameter(f"--tags is no JSON object: {error}.") from error
        return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    pairs = [pair.partition("=") for pair in text.split(",")]
    if wrong := next((name for name, equals, _ in pairs if not (name and equals)), None):
        raise typer.BadParameter(f"--tags takes a JSON object or NAME=VALUE,NAME=VALUE; {wrong!r} is neither.")
    return {name.strip(): value.strip() for name, _, value in pairs}
