"""`headwater automation pause|dry-run|resume|status`."""

from __future__ import annotations

from support.commands import Commands


def status(commands: Commands) -> list[tuple[str, str, str | None]]:
    rows = commands.json("automation", "status", "-f", "flow.py")
    return [(row["key"], row["mode"], row["said_of"]) for row in rows]


def test_what_was_switched_shows_in_the_status(commands: Commands) -> None:
    assert status(commands) == [("orders", "on", None)]
    assert "Automation is paused." in commands("automation", "pause").stdout
    assert status(commands) == [("orders", "paused", "all")]
    told = commands("automation", "dry-run", "--select", "orders", "-f", "flow.py").stdout
    assert "Automation of orders is on a dry run." in told
    assert status(commands) == [("orders", "dry_run", "asset")]
    commands("automation", "resume")
    assert status(commands) == [("orders", "on", "all")]
    assert "orders" in commands("automation", "status", "-f", "flow.py").stdout


def test_a_group_or_selection_that_is_not_there_is_refused_and_nothing_is_written(commands: Commands) -> None:
    result = commands("automation", "pause", "--group", "defalt", "-f", "flow.py")
    assert result.exit_code == 1
    assert "there is no group 'defalt'. Did you mean 'default'?" in result.output
    assert commands("automation", "pause", "--select", "ordrs", "-f", "flow.py").exit_code == 1
    assert status(commands) == [("orders", "on", None)]
