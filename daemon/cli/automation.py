"""`headwater automation ...`: pausing what conditions ask for, trying it without runs, and letting it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .settings import FileOption, HomeOption, JsonOption, ModuleOption, given_source, home_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ...storage.events import AutomationMode
    from ..host.source import CodeSource

automation_commands: typer.Typer = typer.Typer(
    help="Pause automation, try it without runs, let it go on: of everything, of groups or of assets.",
    no_args_is_help=True,
)

SelectOption = Annotated[
    str | None, typer.Option("--select", help='Only of these assets, as in "group:sales", "+revenue", "a,b".')
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", help="Only of this group, whatever joins it later. Any number of times."),
]


@automation_commands.command()
def pause(
    select: SelectOption = None,
    group: GroupOption = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
) -> None:
    """Let automation ask for nothing. What it would have asked for is asked for when it goes on."""
    _switch("paused", "is paused", select, group, home_folder(home), given_source(file, module))


@automation_commands.command()
def resume(
    select: SelectOption = None,
    group: GroupOption = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
) -> None:
    """Let automation go on after a pause or a dry run."""
    _switch("on", "is on", select, group, home_folder(home), given_source(file, module))


@automation_commands.command("dry-run")
def dry_run(
    select: SelectOption = None,
    group: GroupOption = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
) -> None:
    """Let automation decide and record its decisions, without runs."""
    _switch("dry_run", "is on a dry run", select, group, home_folder(home), given_source(file, module))


@automation_commands.command()
def status(
    select: SelectOption = None,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each asset with a condition, and whether its automation is on, paused or on a dry run; and what conditions
    that are written in Python last answered, or why they could not."""
    from .output import print_json, print_table, shown_time
    from .switching import status_rows

    rows = status_rows(home_folder(home), given_source(file, module), select)
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    print_table(
        ["asset", "group", "condition", "automation", "said of", "since"],
        [[row.key, row.group, row.condition, row.mode, row.said_of, shown_time(row.since)] for row in rows],
    )
    answers = {(one.condition, one.about, one.at): one for row in rows for one in row.answers}
    if answers:
        typer.echo()
        print_table(
            ["Python condition", "asked about", "is true", "evaluated", "problem"],
            [[one.condition, one.about, one.true, shown_time(one.at), one.problem] for one in answers.values()],
        )


def _switch(
    mode: AutomationMode,
    words: str,
    select: str | None,
    groups: list[str] | None,
    home: Path,
    given: CodeSource | None,
) -> None:
    from .output import shortened
    from .switching import switch

    event = switch(mode, select, groups or [], home, given)
    named = [*(f"group {name}" for name in event.groups), *event.assets]
    typer.echo(f"Automation {f'of {shortened(named)} ' if named else ''}{words}.")
