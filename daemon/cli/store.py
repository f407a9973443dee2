"""`headwater store ...`: the log as a database, for whoever looks after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import print_json, print_table, shown_time
from .progress import counted, progress_bar
from .settings import HomeOption, JsonOption, home_folder, refuse_beside_daemon

if TYPE_CHECKING:
    from ...storage.log import EventLog

store_commands: typer.Typer = typer.Typer(help="Look after the database of the event log.", no_args_is_help=True)


@store_commands.command()
def upgrade(home: HomeOption = None) -> None:
    """Bring the tables of a log that an older headwater wrote up to date. All of it is done, or nothing."""
    from ...storage.migrations import upgrade_store

    folder = home_folder(home)
    refuse_beside_daemon(folder, "Upgrading")
    done = upgrade_store(folder)
    if done.before == done.after:
        typer.echo(f"The log has schema version {done.after} already: nothing was to be done.")
    else:
        typer.echo(f"Upgraded the log from schema version {done.before} to {done.after}.")


@store_commands.command()
def verify(
    home: HomeOption = None,
    drop_snapshots: Annotated[
        bool, typer.Option("--drop-snapshots", help="Delete snapshots that do not say what the events say.")
    ] = False,
) -> None:
    """Check that every event of the log is there and is what was written, and that the snapshots of state say the same
    as the events. Ends with 1 where that is not so."""
    from ...storage.checksum import verify_chain
    from .catalog import log_for_reading

    with log_for_reading(home_folder(home)) as log:
        head = log.head()
        verify_chain(counted(log.all_rows(), total=head.offset, what="Verifying"), head)
        typer.echo(f"All {head.offset:,} events are there and are what was written.")
        _verify_snapshots(log, may_drop=drop_snapshots)


def _moment(text: str) -> datetime:
    """A moment as it was typed; without a zone it is one of this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither an offset nor a moment such as 2026-03-01T06:00") from error


def _verify_snapshots(log: EventLog, *, may_drop: bool) -> None:
    from ...storage.snapshots import check, drop

    offsets = [row.offset for row in log.snapshots()]
    if not offsets:
        return
    with progress_bar("Folding") as tell:
        wrong = check(log, lambda offset: tell(offset, max(offsets)))
    for offset, found in wrong.items():
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        typer.echo(
            f"The snapshot at offset {offset} says other than the events: {', '.join(found[:5])}{more}.", err=True
        )
    if wrong and may_drop:
        drop(log, wrong)
        typer.echo(
            f"Deleted {len(wrong)} of {len(offsets)} snapshots. Nothing is lost: State is folded from the events."
        )
    elif wrong:
        typer.echo("Stop the daemon and run: headwater store verify --drop-snapshots", err=True)
        raise typer.Exit(1)
    else:
        typer.echo(f"All {len(offsets)} snapshots of state say the same as the events.")


@store_commands.command()
def archive(
    before: Annotated[
        str, typer.Option(help="A moment (2026-03-01, 2026-03-01T06:00) or an offset: what came before.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="The folder of the files, absolute, which every machine that uses the log has to see under this path. "
            "Needed once for a log on a server; kept until another one is named. Default: HOME/archive.",
            file_okay=False,
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Move old events out of the database into compressed files. All commands read both as one history. What is not
    over yet stays: unfinished runs, and what the daemon has not decided upon."""
    from ...storage.archiving import archive as archive_events
    from ...storage.moments import offset_of
    from .catalog import log_for_reading

    folder = home_folder(home)
    if to is not None and not to.is_absolute():
        raise typer.BadParameter(f"{str(to)!r} would mean another folder elsewhere. Is it {to.absolute()}?")
    refuse_beside_daemon(folder, "Archiving")
    with log_for_reading(folder) as log:
        if not log.head().offset:
            typer.echo("The log is empty: nothing was to be done.")
            return
        until = int(before) - 1 if before.isdigit() else offset_of(log, _moment(before) - timedelta(microseconds=1))
        known = log.archives()
        already = known[-1].last if known else 0
        with progress_bar("Archiving") as tell:
            last = archive_events(log, until=min(until, log.head().offset), to=to, progress=tell)
        where = to or log.archive_path(log.archive_folder())
        typer.echo(f"Archived {last - already:,} events; {last:,} are in {where} now.")
        if last < until:
            typer.echo(f"Those from {last + 1:,} on are not over yet: they are needed to go on from.")


@store_commands.command()
def info(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say where the log is and how far it goes."""
    from ...storage.clock import from_microseconds
    from ...storage.opening import place_of
    from ...storage.schema import SCHEMA_VERSION
    from .catalog import log_for_reading

    folder = home_folder(home)
    with log_for_reading(folder) as log:
        head = log.head()
    newest = from_microseconds(head.timestamp) if head.offset else None
    if as_json:
        known = {"store": place_of(folder), "schema_version": SCHEMA_VERSION, "offset": head.offset, "term": head.term}
        print_json({**known, "newest": newest and newest.isoformat()})
        return
    rows = [
        ["Store", place_of(folder)],
        ["Schema version", str(SCHEMA_VERSION)],
        ["Events", f"{head.offset:,}"],
        ["Newest", shown_time(newest)],
        ["Terms of daemons", str(head.term)],
    ]
    print_table(["", ""], rows)
