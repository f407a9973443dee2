"""`headwater backfill ...`: how far the backfills are, and stopping one. They are begun with `asset backfill`."""

from __future__ import annotations

from typing import Annotated

import typer

from .settings import HomeOption, JsonOption, home_folder

backfill_commands: typer.Typer = typer.Typer(help="List backfills, look at one, cancel one.", no_args_is_help=True)

BackfillArgument = Annotated[
    str, typer.Argument(help="The backfill's id; its beginning is enough.", metavar="BACKFILL_ID")
]


@backfill_commands.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to show, the newest first.")] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest backfills: how far they are, or how they ended."""
    from .backfill_history import newest_backfills, print_backfills, record_as_json
    from .catalog import folded, log_for_reading
    from .output import print_json

    with log_for_reading(home_folder(home)) as log:
        records = newest_backfills(log, folded(log, lazily=True), limit=limit)
    if as_json:
        print_json([record_as_json(record) for record in records])
    elif records:
        print_backfills(records)
    else:
        typer.echo("No backfills yet: see `headwater asset backfill --help`.", err=True)


@backfill_commands.command()
def show(backfill_id: BackfillArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one backfill: how many partitions of each asset are made, failed and under way."""
    from .backfill_history import print_backfills, print_counts, record_as_json, record_of
    from .catalog import folded, log_for_reading
    from .output import print_json

    with log_for_reading(home_folder(home)) as log:
        record = record_of(log, folded(log, lazily=True), backfill_id)
    if as_json:
        print_json(record_as_json(record))
        return
    print_backfills([record])
    typer.echo()
    print_counts(record.counts)
    if record.message:
        typer.echo(f"\n{record.message}")


@backfill_commands.command()
def cancel(backfill_id: BackfillArgument, home: HomeOption = None) -> None:
    """Stop a backfill: nothing more is requested for it, and its runs are cancelled, each in the step it is in."""
    from ..runs.backfill.driver import ended
    from .backfill_history import ACTIVE, record_of
    from .catalog import folded, log_for_reading

    with log_for_reading(home_folder(home)) as log:
        state = folded(log, lazily=True)
        record = record_of(log, state, backfill_id)
        if record.status != ACTIVE:
            typer.echo(f"Backfill {record.backfill_id} is over already: it {_how(record.status)}.")
            return
        log.append([ended(state, record.backfill_id, "cancelled", "cancelled by hand")])
    typer.echo(f"Backfill {record.backfill_id} is cancelled.")


def _how(status: str) -> str:
    return "was cancelled" if status == "cancelled" else status
