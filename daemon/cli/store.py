"""`headwater store ...`: the log as a database, for whoever looks after it."""

from __future__ import annotations

import typer

from .output import print_json, print_table, shown_time
from .progress import counted
from .settings import HomeOption, JsonOption, home_folder, refuse_beside_daemon

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
def verify(home: HomeOption = None) -> None:
    """Check that every event of the log is there and is what was written. Ends with 1 where it is not."""
    from ...storage.checksum import verify_chain
    from .catalog import log_for_reading

    with log_for_reading(home_folder(home)) as log:
        head = log.head()
        verify_chain(counted(log.all_rows(), total=head.offset, what="Verifying"), head)
        typer.echo(f"All {head.offset:,} events are there and are what was written.")


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
