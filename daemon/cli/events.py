"""`headwater events ...`: the log itself, as it stands and as it grows."""

from __future__ import annotations

import select
import sys
from pathlib import Path
from typing import Annotated

import typer

from .settings import HomeOption, JsonOption, home_folder, refuse_beside_daemon

event_commands: typer.Typer = typer.Typer(
    help="Read the event log, take it elsewhere, bring it in.", no_args_is_help=True
)


@event_commands.command()
def tail(
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what lands, until ctrl-C.")] = False,
    asset: Annotated[str | None, typer.Option("--asset", help="Only events of this asset.", metavar="KEY")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Only events of this run.", metavar="RUN_ID")] = None,
    type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only events of this type, such as run_failed. Any number of times."),
    ] = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Only events behind this offset.")] = 0,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only events from this moment on: a time, or such as '2h ago'."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Only events up to this moment; with no --follow.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the newest N events; with --after or --since, only the first N."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the events of the log, oldest first, one a line."""
    from ...storage.log import EventLog
    from .catalog import log_for_reading
    from .event_lines import Wanted, as_json_line, as_text_line, check_types, following, standing
    from .moments import first_at, last_at
    from .run_history import find_run

    folder = home_folder(home)
    check_types(type or ())
    if follow and until is not None:
        raise typer.BadParameter("--follow goes on with what lands, --until ends before: give one of them.")
    with EventLog.open(folder) if follow else log_for_reading(folder) as log:
        begins = None if since is None and not after else max(after, first_at(log, since) - 1 if since else 0)
        wanted = Wanted(
            asset_key=asset,
            run_id=run and find_run(log, run),
            types=tuple(type) if type else None,
            before=None if until is None else last_at(log, until) + 1,
        )
        line = as_json_line if as_json else as_text_line
        pages = (following if follow else standing)(log, wanted, after=begins, limit=limit)
        for page in pages:
            sys.stdout.write("".join(line(stored) for stored in page))
            sys.stdout.flush()
            if follow and _nobody_reads():
                return


@event_commands.command()
def export(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; ending in .gz, compressed. Default: standard output."),
    ] = None,
    until: Annotated[int | None, typer.Option("--until", min=0, help="Only events through this offset.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the whole log as JSON lines, for `events import` or any other program."""
    from ...storage.transfer import export_log
    from .catalog import log_for_reading
    from .progress import progress_bar
    from .transferring import written

    with log_for_reading(home_folder(home)) as log, written(output) as file, progress_bar("Exporting") as tell:
        count = export_log(log, file, until=until, progress=tell)
    if output is not None:
        typer.echo(f"Wrote {count:,} events to {output}.")


@event_commands.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `events export` wrote; - for standard input.")],
    home: HomeOption = None,
) -> None:
    """Bring an exported log into an empty home, with the offsets, times and ids that it has."""
    from ...storage.log import EventLog
    from ...storage.transfer import import_log
    from .progress import progress_bar
    from .transferring import read

    folder = home_folder(home)
    if str(file) != "-" and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}.")
    refuse_beside_daemon(folder, "Importing")
    with EventLog.open(folder) as log, read(file) as lines, progress_bar("Importing") as tell:
        count = import_log(log, lines, progress=tell)
    typer.echo(f"Imported {count:,} events into {folder}.")


def _nobody_reads() -> bool:
    """Whether standard output is a pipe whose reader has left, as in `| head`: noticed without an event to write."""
    try:
        watch = select.poll()
        watch.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # no real file: somebody has put another stream in its place
        return False
    return any(what & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, what in watch.poll(0))
