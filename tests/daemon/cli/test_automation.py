"""`headwater sensor ...` and `headwater schedule ...`: what is shown, and what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headwater.storage import events as e
from support.commands import Commands

FLOW = """
from headwater import (
    AssetSpec, DefaultSensorStatus, Definitions, RunRequest, ScheduleDefinition, asset, asset_sensor,
    define_asset_job, run_failure_sensor, sensor,
)

inbox = AssetSpec("inbox")


@asset
def orders():
    return 1


job = define_asset_job("orders_job", "orders")


@sensor(job=job, minimum_interval_seconds=5, default_status=DefaultSensorStatus.STOPPED)
def looks(context):
    "Looks every now and then."


@asset_sensor("inbox", job=job)
def on_inbox(context, event): ...


@run_failure_sensor
def on_failure(context): ...


defs = Definitions(
    assets=[inbox, orders],
    sensors=[looks, on_inbox, on_failure],
    schedules=[ScheduleDefinition(job=job, cron_schedule="@daily", execution_timezone="Europe/Berlin")],
)
"""


def rows(commands: Commands, kind: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in commands.json(kind, "list", "-f", "flow.py")}


def test_sensors_are_listed_with_what_wakes_them(commands: Commands) -> None:
    commands.write(FLOW)
    found = rows(commands, "sensor")
    assert [(name, row["on"]) for name, row in found.items()] == [
        ("looks", False),
        ("on_failure", True),
        ("on_inbox", True),
    ]
    assert (found["looks"]["woken_by"], found["on_inbox"]["woken_by"]) == ("every 5 s", "inbox")
    assert found["on_failure"]["woken_by"] == "runs FAILURE"
    assert "not evaluated yet" in commands("sensor", "list", "-f", "flow.py").stdout


def test_switches_and_cursors_are_recorded_and_shown(commands: Commands) -> None:
    commands.write(FLOW)
    assert commands("sensor", "start", "looks", "-f", "flow.py").exit_code == 0
    assert commands("sensor", "reset", "looks", "--cursor", "17", "-f", "flow.py").exit_code == 0
    assert (rows(commands, "sensor")["looks"]["on"], rows(commands, "sensor")["looks"]["cursor"]) == (True, "17")
    commands("sensor", "reset", "looks", "-f", "flow.py")
    assert (rows(commands, "sensor")["looks"]["on"], rows(commands, "sensor")["looks"]["cursor"]) == (False, None)
    commands("schedule", "stop", "orders_job_schedule", "-f", "flow.py")
    assert not rows(commands, "schedule")["orders_job_schedule"]["on"]


def test_a_name_that_is_not_there_leaves_nothing_behind(commands: Commands) -> None:
    commands.write(FLOW)
    result = commands("sensor", "stop", "look", "-f", "flow.py")
    assert "there is no sensor 'look'. Did you mean 'looks'?" in result.stderr
    assert not commands.home.exists()


def test_the_last_evaluations_are_shown_with_the_error_in_full(commands: Commands) -> None:
    commands.write(FLOW)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    error = e.ErrorInfo(cls="ValueError", message="no inbox", traceback="Traceback: line 1\nValueError: no inbox")
    commands.append(
        e.SensorEvaluated(name="looks", status="skipped", at=at, skip_reason="nothing new"),
        e.SensorEvaluated(name="on_inbox", status="requested", at=at, run_ids=("r1",)),
        e.SensorEvaluated(name="looks", status="failed", at=at, error=error),
    )
    shown = commands("sensor", "show", "looks", "-f", "flow.py").stdout
    assert "Looks every now and then." in shown
    assert shown.index("failed: no inbox") < shown.index("skipped: nothing new")
    assert "Traceback: line 1" in shown
    assert len(commands.json("sensor", "show", "looks", "-f", "flow.py")["evaluations"]) == 2
    assert "requested 1 run" in commands("sensor", "list", "-f", "flow.py").stdout


def test_schedules_are_listed_with_their_next_instant(commands: Commands) -> None:
    commands.write(FLOW)
    (row,) = rows(commands, "schedule").values()
    assert (row["crons"], row["timezone"], row["jobs"]) == (["0 0 * * *"], "Europe/Berlin", ["orders_job"])
    assert datetime.fromisoformat(row["next"]) > datetime.now(UTC)
    assert "1 job, 1 schedule, 3 sensors" in commands("check", "-f", "flow.py").stdout
