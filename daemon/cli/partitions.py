"""`headwater partition ...`: the keys of dynamic partitions, which are added and deleted while everything runs."""

from __future__ import annotations

from typing import Annotated

import typer

from .settings import FileOption, HomeOption, JsonOption, ModuleOption, given_source, home_folder

partition_commands: typer.Typer = typer.Typer(
    help="List, add and delete the keys of dynamic partitions.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="The name of the DynamicPartitionsDefinition.", metavar="NAME")]
KeysArgument = Annotated[list[str], typer.Argument(help="Partition keys.", metavar="KEY...")]


@partition_commands.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="Only the keys of this name, one a line.", metavar="NAME")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the keys of dynamic partitions, in the order in which they were added."""
    from ...storage.dynamic_partitions import dynamic_keys
    from .catalog import log_for_reading
    from .output import print_json, print_table

    with log_for_reading(home_folder(home)) as log:
        keys = dynamic_keys(log)
    names = keys.names() if name is None else [name]
    if as_json:
        print_json({name: list(keys.get_dynamic_partitions(name)) for name in names})
    elif name is not None:
        for key in keys.get_dynamic_partitions(name):
            typer.echo(key)
    elif names:
        rows = [[name, str(len(keys.get_dynamic_partitions(name)))] for name in names]
        print_table(["name", "keys"], rows, right=("keys",))
    else:
        typer.echo("No keys have been added yet.", err=True)


@partition_commands.command()
def add(
    name: NameArgument,
    keys: KeysArgument,
    file: FileOption = None,
    module: ModuleOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also where no asset has partitions of this name.")] = False,
    home: HomeOption = None,
) -> None:
    """Add keys; every asset that has these partitions has them from then on. Those that are there stay as they are."""
    from ...storage import dynamic_partitions
    from ...storage.log import EventLog
    from .catalog import known_definitions, log_for_reading
    from .targets import check_dynamic_name

    folder = home_folder(home)
    if not force:
        with log_for_reading(folder) as log:
            check_dynamic_name(known_definitions(log, folder, given_source(file, module)), name)
    with EventLog.open(folder) as log:
        added = dynamic_partitions.add(log, name, keys)
    typer.echo(f"Added {len(added)} of {len(set(keys))} keys to {name!r}.")


@partition_commands.command()
def delete(name: NameArgument, keys: KeysArgument, home: HomeOption = None) -> None:
    """Delete keys. What is known of them is there again if they are added again."""
    from ...storage import dynamic_partitions
    from .catalog import log_for_reading

    with log_for_reading(home_folder(home)) as log:
        gone = dynamic_partitions.delete(log, name, keys)
    typer.echo(f"Deleted {len(gone)} of {len(set(keys))} keys of {name!r}.")
