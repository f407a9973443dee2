"""`headwater asset ...`: what is there, making it by hand, saying that something else has made it, and wiping it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...storage.clock import SystemClock
from .backfill_command import backfill
from .settings import (
    FileOption,
    HomeOption,
    JsonOption,
    ModuleOption,
    given_source,
    home_folder,
    required_source,
)

asset_commands: typer.Typer = typer.Typer(
    help="List assets, make them by hand, backfill them, report what was made elsewhere, wipe what was made.",
    no_args_is_help=True,
)


@asset_commands.command("list")
def list_(
    file: FileOption = None, module: ModuleOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show each asset: how many partitions are made, fresh, failed or in progress, and when the last one was made."""
    from .asset_table import asset_rows, print_rows, rows_as_json
    from .catalog import known_definitions, load_errors, log_for_reading
    from .output import print_json

    folder = home_folder(home)
    with log_for_reading(folder) as log:
        source = given_source(file, module)
        definitions = known_definitions(log, folder, source)
        rows = asset_rows(log, definitions)
        errors = load_errors(log) if source is None else ()
    if as_json:
        print_json(rows_as_json(rows))
    elif rows:
        print_rows(rows)
    else:
        typer.echo("No assets: nothing is defined here and no daemon has run. See `headwater dev --help`.", err=True)
    for error in errors:
        typer.echo(f"The daemon cannot load the definitions as they are now: {error}", err=True)


@asset_commands.command()
def materialize(
    select: Annotated[
        str,
        typer.Option(
            "--select",
            help='Which assets: "a,b"; "+a" with all upstream of it, "a+1" with one layer downstream, "*" all; '
            '"group:sales and not kind:dbt", \'key:"raw*"\', "roots(...)", and so on.',
        ),
    ],
    partition: Annotated[str | None, typer.Option("--partition", help="The partition to make.")] = None,
    partition_range: Annotated[
        str | None,
        typer.Option(
            "--partition-range",
            help="All partitions from A to B, in one run: for functions that make many at once.",
            metavar="A...B",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="A file with the config of the run: JSON, TOML, or YAML where PyYAML is installed."
        ),
    ] = None,
    config_json: Annotated[
        str | None,
        typer.Option("--config-json", help='The config itself: \'{"ops": {"orders": {"config": {"limit": 10}}}}\'.'),
    ] = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make assets here and now, as one run, and wait for it. A daemon on the same home reacts to what was made."""
    folder = home_folder(home)
    source = required_source(file, module, folder)

    from contextlib import nullcontext

    from .backfill_targets import read_range
    from .catalog import load
    from .config_files import given_run_config
    from .materializing import materialize_selection
    from .output import print_json, stdout_to_stderr
    from .run_report import print_run, run_as_json

    run_config = given_run_config(config, config_json)
    definitions = load(source)
    with stdout_to_stderr() if as_json else nullcontext():
        span = None if partition_range is None else read_range(partition_range)
        run = materialize_selection(definitions, folder, select, partition, span=span, run_config=run_config)
    if as_json:
        print_json(run_as_json(run))
    else:
        print_run(run)
    if not run.is_complete:
        raise typer.Exit(1)


asset_commands.command()(backfill)


@asset_commands.command()
def report(
    key: Annotated[str, typer.Argument(help="The asset that was made, as `asset list` shows it.", metavar="KEY")],
    partition: Annotated[str | None, typer.Option("--partition", help="The partition that was made.")] = None,
    data_version: Annotated[
        str | None, typer.Option("--data-version", help="What tells this data from other data, such as a checksum.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata", help="A fact about it, as NAME=VALUE; numbers are kept as such. Any number of times."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Record it even if no definition knows the asset or the partition.")
    ] = False,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
) -> None:
    """Record that something outside of headwater has made an asset, so that what reads it is brought up to date."""
    from .output import shown_part
    from .reporting import facts_of, report_made

    facts = facts_of(metadata or [])
    offset = report_made(
        key,
        partition,
        home=home_folder(home),
        given=given_source(file, module),
        data_version=data_version,
        metadata=facts,
        force=force,
    )
    typer.echo(f"{shown_part(key, partition)} is recorded as made, at offset {offset}.")


@asset_commands.command()
def wipe(
    key: Annotated[str, typer.Argument(help="The asset, as `asset list` shows it.", metavar="KEY")],
    partition: Annotated[
        list[str] | None, typer.Option("--partition", help="Only this partition of it. Any number of times.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    home: HomeOption = None,
) -> None:
    """Let what was made of an asset count as missing, so that automation may make it again.

    The data itself stays where it is, and so does what the log tells of it.
    """
    from .output import shortened, shown_part
    from .wiping import check_known, wipe

    folder = home_folder(home)
    check_known(key, folder)
    what = shortened([shown_part(key, one) for one in partition]) if partition else f"all of {key}"
    if not yes:
        typer.confirm(f"Count {what} as missing?", abort=True)
    wipe(key, partition or [], folder)
    typer.echo(f"{what} counts as missing.")


@asset_commands.command()
def explain(
    key: Annotated[str, typer.Argument(help="The asset, as `asset list` shows it.", metavar="KEY")],
    partition: Annotated[str | None, typer.Option("--partition", help="Only this partition of it.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="As it was then: an offset, a time (2026-03-01T06:00) or how long ago ('2h ago').",
            metavar="WHEN",
        ),
    ] = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why automation asks for an asset or does not: its condition, what is in the way, and what it last ran for."""
    from ..evaluation.explain import explain_in
    from ..leadership import running_daemon
    from .catalog import known_definitions, log_for_reading
    from .explaining import print_explanation
    from .moments import parsed_moment
    from .output import print_json

    when, folder = None if at is None else parsed_moment(at, now=SystemClock().now()), home_folder(home)
    with log_for_reading(folder) as log:
        source = given_source(file, module)
        definitions = known_definitions(log, folder, source) if at is None or source is not None else None
        explanation = explain_in(
            log,
            key,
            partition=partition,
            at=when,
            definitions=definitions,
            is_daemon_running=running_daemon(folder) is not None,
        )
    if as_json:
        print_json(explanation.to_json())
    else:
        print_explanation(explanation)
