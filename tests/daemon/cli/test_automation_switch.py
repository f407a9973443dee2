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


COVERED = """
from headwater import (
    AutomationCondition, AutomationConditionSensorDefinition, DefaultSensorStatus, Definitions, asset,
)


@asset(automation_condition=AutomationCondition.eager())
def orders(): ...


nightly = AutomationConditionSensorDefinition("nightly", target="*", default_status=DefaultSensorStatus.STOPPED)
defs = Definitions([orders], sensors=[nightly])
"""


def test_an_automation_sensor_is_listed_and_is_the_switch_of_its_assets(commands: Commands) -> None:
    commands.write(COVERED)
    assert status(commands) == [("orders", "paused", "sensor nightly")]
    (row,) = commands.json("sensor", "list", "-f", "flow.py")
    assert (row["name"], row["on"], row["woken_by"], row["assets"]) == (
        "nightly",
        False,
        "conditions of orders",
        ["orders"],
    )
    assert "is on" in commands("sensor", "start", "nightly", "-f", "flow.py").stdout
    assert status(commands) == [("orders", "on", None)]
    commands("automation", "pause")
    assert status(commands) == [("orders", "paused", "all")]
