"""`headwater run ...`: what ran, what came of it, and what it printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .run_status import RunStatus
from .settings import HomeOption, JsonOption, home_folder

run_commands: typer.Typer = typer.Typer(
    help="List runs, look at one, read what its steps printed, cancel one.", no_args_is_help=True
)

RunArgument = Annotated[str, typer.Argument(help="The run's id; its beginning is enough.", metavar="RUN_ID")]

_BLOCK = 1 << 20  # bytes of a log file that are copied at a time


@run_commands.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs to show, the newest first.")] = 20,
    status: Annotated[RunStatus | None, typer.Option("--status", help="Only runs that are so.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest runs: what they make, how they ended and why."""
    from .catalog import log_for_reading
    from .output import print_json
    from .run_history import newest_runs
    from .run_report import print_runs, run_as_json

    with log_for_reading(home_folder(home)) as log:
        runs = newest_runs(log, limit=limit, status=status)
    if as_json:
        print_json([run_as_json(run, steps=False) for run in runs])
    elif runs:
        print_runs(runs)
    else:
        typer.echo(f"No runs are {status.value}." if status else "No runs yet.", err=True)


@run_commands.command()
def show(run_id: RunArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one run: its steps with their times, errors and the reasons of what was skipped, and its checks."""
    from ..runs.lease import Lease, is_held
    from .catalog import log_for_reading
    from .output import print_json
    from .run_history import find_run, record_of
    from .run_report import print_run, run_as_json

    folder = home_folder(home)
    with log_for_reading(folder) as log:
        run = record_of(log, find_run(log, run_id))
    if as_json:
        print_json(run_as_json(run))
        return
    is_lost = run.status is RunStatus.STARTED and not is_held(Lease.of_run(folder, run.run_id).path)
    print_run(run, note="its process is gone; the next daemon ends it" if is_lost else "")


@run_commands.command()
def logs(
    run_id: RunArgument,
    stdout: Annotated[bool, typer.Option("--stdout", help="Only standard output.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Only standard error.")] = False,
    home: HomeOption = None,
) -> None:
    """Print what the steps of a run have printed; both streams, one after the other, unless one is named."""
    from .catalog import log_for_reading
    from .run_history import find_run

    folder = home_folder(home)
    with log_for_reading(folder) as log:
        found = find_run(log, run_id)
    names = [name for name, wanted in (("stdout", stdout), ("stderr", stderr)) if wanted or stdout == stderr]
    files = [folder / "runs" / found / f"{name}.log" for name in names]
    if not any(file.exists() for file in files):
        typer.echo(f"Nothing was captured of run {found}: it has not started, or it ran in a terminal.", err=True)
        return
    for file in files:
        if len(files) > 1:
            typer.echo(f"==> {file.stem} <==")
        _copy(file)


@run_commands.command()
def cancel(run_id: RunArgument, home: HomeOption = None) -> None:
    """Cancel a run: its step is interrupted, and nothing more of it starts. What it has made stays made."""
    from .cancelling import cancel_run

    found, was = cancel_run(home_folder(home), run_id)
    if was in (RunStatus.QUEUED, RunStatus.STARTED):
        typer.echo(f"Run {found} is cancelled.")
    else:
        typer.echo(f"Run {found} is over already: it {'was ' if was is RunStatus.CANCELLED else ''}{was.value}.")


def _copy(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                typer.echo(block, nl=False)
    except FileNotFoundError:
        return
