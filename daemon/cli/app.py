"""All commands in one place, and the border at which their errors become one line and an exit code.

0  done        1  failed, with the reason on stderr        2  the command line is wrong        130  ctrl-C
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..._version import __version__  # pyright: ignore[reportMissingImports] - it is beside the links
from ...definitions.errors import HeadwaterError
from .assets import asset_commands
from .automation import automation_commands
from .backfills import backfill_commands
from .dev import check, dev
from .events import event_commands
from .jobs import job_commands
from .partitions import partition_commands
from .replay import replay
from .runs import run_commands
from .schedules import schedule_commands
from .sensors import sensor_commands
from .store import store_commands


class CommandLine(TyperGroup):
    """The outermost group. What headwater raises on purpose is shown without a traceback; a bug keeps its own."""

    def invoke(self, ctx: Any) -> Any:
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
        except HeadwaterError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from error
        except BrokenPipeError:  # `| head` has seen enough
            _let_go_of_stdout()
            raise typer.Exit(0) from None
        return value


def _let_go_of_stdout() -> None:
    """What is still in the buffer goes nowhere, so that the interpreter does not complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


app: typer.Typer = typer.Typer(
    name="headwater",
    cls=CommandLine,
    help="Keeps data assets fresh: runs what is stale when something that it reads has changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command("dev")(dev)
app.command("check")(check)
app.command("replay")(replay)
app.add_typer(asset_commands, name="asset")
app.add_typer(automation_commands, name="automation")
app.add_typer(job_commands, name="job")
app.add_typer(partition_commands, name="partition")
app.add_typer(run_commands, name="run")
app.add_typer(schedule_commands, name="schedule")
app.add_typer(sensor_commands, name="sensor")
app.add_typer(backfill_commands, name="backfill")
app.add_typer(event_commands, name="events")
app.add_typer(store_commands, name="store")
