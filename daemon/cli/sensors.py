"""`headwater sensor ...`: which sensors there are, what they came to, and turning them on and off."""

from __future__ import annotations

from typing import Annotated

import typer

from .settings import FileOption, HomeOption, JsonOption, ModuleOption, given_source, home_folder

sensor_commands: typer.Typer = typer.Typer(
    help="List sensors, look at what they came to, turn them on and off.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="The sensor, as `sensor list` shows it.", metavar="NAME")]


@sensor_commands.command("list")
def list_(
    file: FileOption = None, module: ModuleOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show each sensor: what wakes it, whether it is on, and what its last evaluation came to."""
    from .automation_table import known_automation, print_sensors, sensor_rows
    from .output import print_json

    known = known_automation(home_folder(home), given_source(file, module))
    rows = sensor_rows(known)
    if as_json:
        print_json(rows)
    elif rows:
        print_sensors(rows)
    else:
        typer.echo("No sensors are defined. Make one with @sensor, @asset_sensor or @run_status_sensor.", err=True)


@sensor_commands.command()
def show(
    name: NameArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many evaluations, the newest first.")] = 10,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one sensor with its last evaluations: what each asked for, why it skipped, or its error."""
    from .automation_table import known_automation, known_name, print_evaluations, sensor_rows
    from .output import print_json

    folder = home_folder(home)
    known = known_automation(folder, given_source(file, module))
    known_name("sensor", name, known.definitions.sensors)
    row = next(row for row in sensor_rows(known) if row["name"] == name)
    evaluations = known.evaluations("sensor_evaluated", name, limit=limit)
    if as_json:
        print_json({**row, "evaluations": evaluations})
    else:
        print_evaluations(row, evaluations, output=folder / "sensors" / f"{name}.log")


@sensor_commands.command()
def start(name: NameArgument, file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Turn a sensor on. One on assets or runs begins with what lands from now on."""
    from ...storage.events import SensorSwitched
    from .automation_table import record

    record("sensor", name, SensorSwitched(name=name, on=True), home_folder(home), given_source(file, module))
    typer.echo(f"Sensor {name!r} is on.")


@sensor_commands.command()
def stop(name: NameArgument, file: FileOption = None, module: ModuleOption = None, home: HomeOption = None) -> None:
    """Turn a sensor off."""
    from ...storage.events import SensorSwitched
    from .automation_table import record

    record("sensor", name, SensorSwitched(name=name, on=False), home_folder(home), given_source(file, module))
    typer.echo(f"Sensor {name!r} is off.")


@sensor_commands.command()
def reset(
    name: NameArgument,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="The cursor to go on with. Nothing else is changed then.")
    ] = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
) -> None:
    """Forget the cursor, and whether somebody has turned the sensor on or off; or set the cursor. Run keys stay."""
    from ...storage.events import SensorCursorSet, SensorSwitched
    from .automation_table import record

    facts = [SensorCursorSet(name=name, cursor=cursor)] + ([] if cursor is not None else [SensorSwitched(name=name)])
    for fact in facts:
        record("sensor", name, fact, home_folder(home), given_source(file, module))
    said = "has no cursor and is as its definition says" if cursor is None else f"goes on with the cursor {cursor!r}"
    typer.echo(f"Sensor {name!r} {said}.")
