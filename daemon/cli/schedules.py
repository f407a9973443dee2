"""`headwater schedule ...`: which schedules there are, when they run next, and turning them on and off."""

from __future__ import annotations

from typing import Annotated

import typer

from .settings import FileOption, HomeOption, JsonOption, ModuleOption, given_source, home_folder

schedule_commands: typer.Typer = typer.Typer(
    help="List schedules, look at what they came to, turn them on and off.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="The schedule, as `schedule list` shows it.", metavar="NAME")]


@schedule_commands.command("list")
def list_(
    file: FileOption = None, module: ModuleOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show each schedule: its cron, whether it is on, when it runs next, and what came of the last instant."""
    from .automation_table import known_automation, print_schedules, schedule_rows
    from .output import print_json

    rows = schedule_rows(known_automation(home_folder(home), given_source(file, module)))
    if as_json:
        print_json(rows)
    elif rows:
        print_schedules(rows)
    else:
        typer.echo("No schedules are defined. Make one with ScheduleDefinition(...) or @schedule.", err=True)


@schedule_commands.command()
def show(
    name: NameArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many instants, the newest first.")] = 10,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one schedule with its last instants: what each asked for, why it skipped, or its error."""
    from .automation_table import known_automation, known_name, print_evaluations, schedule_rows
    from .output import print_json

    folder = home_folder(home)
    known = known_automation(folder, given_source(file, module))
    known_name("schedule", name, known.definitions.schedules)
    row = next(row for row in schedule_rows(known) if row["name"] == name)
    evaluations = known.evaluations("schedule_evaluated", name, limit=limit)
    if as_json:
        print_json({**row, "evaluations": evaluations})
    else:
        print_evaluations(row, evaluations, output=folder / "schedules" / f"{name}.log")


@schedule_commands.command()
def start(name: NameArgument, file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Turn a schedule on, from the next instant on."""
    from ...storage.events import ScheduleSwitched
    from .automation_table import record

    record("schedule", name, ScheduleSwitched(name=name, on=True), home_folder(home), given_source(file, module))
    typer.echo(f"Schedule {name!r} is on.")


@schedule_commands.command()
def stop(name: NameArgument, file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Turn a schedule off."""
    from ...storage.events import ScheduleSwitched
    from .automation_table import record

    record("schedule", name, ScheduleSwitched(name=name, on=False), home_folder(home), given_source(file, module))
    typer.echo(f"Schedule {name!r} is off.")


@schedule_commands.command()
def reset(name: NameArgument, file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Forget whether somebody has turned the schedule on or off: it is as its definition says."""
    from ...storage.events import ScheduleSwitched
    from .automation_table import record

    record("schedule", name, ScheduleSwitched(name=name), home_folder(home), given_source(file, module))
    typer.echo(f"Schedule {name!r} is as its definition says.")
