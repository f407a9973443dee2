"""Schedules and sensors with a real daemon and a real code host: evaluated outside the daemon, whatever they do."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from typing import Any

import pytest

from headwater.storage import events as e
from support.commands import Commands

FLOW = """
import json, os, sys, time
from pathlib import Path
from headwater import (
    AssetSpec, Definitions, RunConfig, RunRequest, RunStatus, SensorResult, SkipReason, asset, asset_sensor,
    define_asset_job, run_failure_sensor, run_status_sensor, sensor,
)

HERE = Path(__file__).parent
inbox = AssetSpec("inbox")


@asset
def orders(context):
    print(json.dumps(context.run_tags))
    return 1


@asset
def fails():
    raise ValueError("no")


orders_job = define_asset_job("orders_job", "orders")
fails_job = define_asset_job("fails_job", "fails")
"""

ENDS = """
defs = Definitions(assets=[inbox, orders, fails], jobs=[orders_job, fails_job], sensors=SENSORS)
"""


@pytest.fixture
def commands(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_SENSOR_LIMIT", "1")
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    return Commands(tmp_path)


def write(commands: Commands, code: str, *, imports: str = "", assets: str = "") -> None:
    """The flow with `code`; what a sensor decorator stands above is one of its sensors."""
    lines = code.splitlines()
    sensors = [
        line.split("def ")[1].split("(")[0]
        for before, line in pairwise(lines)
        if line.startswith("def ") and "sensor" in before.split("(")[0]
    ]
    end = ENDS.replace("SENSORS", f"[{', '.join(sensors)}]").replace("fails]", f"fails, {assets}]", 1)
    commands.write(FLOW + imports + code + end)


def evaluated(commands: Commands, name: str) -> list[e.SensorEvaluated]:
    return [
        one for one in commands.events("sensor_evaluated") if isinstance(one, e.SensorEvaluated) and one.name == name
    ]


def test_a_materialization_wakes_its_sensor_which_has_a_run_requested(commands: Commands) -> None:
    write(
        commands,
        """
@asset_sensor("inbox", job=orders_job)
def on_inbox(context, asset_event):
    rows = asset_event.asset_materialization.metadata["rows"].value
    if not rows:
        return SkipReason("no rows")
    return RunRequest(run_key=context.cursor, tags={"rows": str(rows)})
""",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        for rows in (3, 0, 5):
            commands("asset", "report", "inbox", "--metadata", f"rows={rows}")
        daemon.wait_for("run_succeeded")
        daemon.wait_for("run_succeeded")
    first, skipped, last = evaluated(commands, "on_inbox")
    assert (first.status, skipped.status, last.status) == ("requested", "skipped", "requested")
    assert skipped.skip_reason == "no rows"
    requested = [one for one in commands.events("run_requested") if isinstance(one, e.RunRequested)]
    assert [one.tags["rows"] for one in requested] == ["3", "5"]
    assert [(one.job_name, one.origin) for one in requested] == [("orders_job", "sensor")] * 2
    assert requested[0].tags["headwater/sensor_name"] == "on_inbox"


def test_a_job_of_ops_is_run_for_a_sensor_and_what_it_gives_is_kept(commands: Commands) -> None:
    write(
        commands,
        """
@op
def number(config: Limit):
    return config.limit

@op
def shown(value):
    print("number", value)

@job
def shows():
    shown(number())

@asset_sensor("inbox", job=shows)
def on_inbox(context, asset_event):
    return RunRequest(run_config={"ops": {"number": {"config": {"limit": 7}}}})
""",
        imports="from headwater import Config, job, op\nclass Limit(Config):\n    limit: int = 2\n",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        commands("asset", "report", "inbox")
        ended: Any = daemon.wait_for("run_succeeded")
    (requested,) = commands.events("run_requested")
    assert isinstance(requested, e.RunRequested)
    assert (requested.job_name, requested.targets, requested.origin) == ("shows", (), "sensor")
    assert (commands.home / "runs" / ended.run_id / "stdout.log").read_text() == "number 7\n"


def test_hooks_and_retries_of_a_job_hold_for_the_runs_that_schedules_and_sensors_request(commands: Commands) -> None:
    write(
        commands,
        """
@failure_hook
def told(context):
    (HERE / "hook").write_text(context.job_name)

@asset
def stubborn(context):
    raise ValueError("never")

stubborn_job = define_asset_job(
    "stubborn_job", "stubborn", hooks={told}, op_retry_policy=RetryPolicy(max_retries=2)
)

@asset_sensor("inbox", job=stubborn_job)
def on_inbox(context, asset_event):
    return RunRequest()
""",
        imports="from headwater import RetryPolicy, failure_hook\n",
        assets="stubborn",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        commands("asset", "report", "inbox")
        daemon.wait_for("run_failed")
    assert [one.attempt for one in commands.events("step_up_for_retry") if isinstance(one, e.StepUpForRetry)] == [1, 2]
    assert (commands.folder / "hook").read_text() == "stubborn_job"


def test_sensors_that_hang_raise_exit_or_answer_rubbish_harm_nothing_else(commands: Commands) -> None:
    write(
        commands,
        """
@sensor(job=orders_job)
def hangs():
    (HERE / "pid").write_text(str(os.getpid()))
    time.sleep(1000)

@sensor(job=orders_job)
def raises():
    raise RuntimeError("not today")

@sensor(job=orders_job)
def exits():
    sys.exit(3)

@sensor(job=orders_job)
def leaves():
    os._exit(4)

@sensor(job=orders_job)
def answers_rubbish():
    return 42

@sensor(job=orders_job, minimum_interval_seconds=0.05)
def works(context):
    count = int(context.cursor or 0)
    context.update_cursor(str(count + 1))
    return RunRequest(run_key="only once") if count < 5 else SkipReason("enough")
""",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("sensor_evaluated", name="works", status="requested")
        daemon.wait_for("run_succeeded")
        daemon.wait_for("sensor_evaluated", name="hangs")
        assert daemon.process.poll() is None
    ends = {name: evaluated(commands, name)[0] for name in ("hangs", "raises", "exits", "leaves", "answers_rubbish")}
    assert {one.status for one in ends.values()} == {"failed"}
    errors = {name: one.error.message for name, one in ends.items() if one.error}
    assert "took longer than 1 s" in errors["hangs"]
    assert errors["raises"] == "not today"
    assert "SystemExit(3)" in errors["exits"]
    assert "ended with status 4" in errors["leaves"]
    assert "gave 42 (int)" in errors["answers_rubbish"]
    assert "not today" in (ends["raises"].error or e.ErrorInfo(cls="", message="")).traceback
    assert len(commands.events("run_requested")) == 1, "a run key runs once ever"
    pid = int((commands.folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_sensors_on_runs_see_each_end_once(commands: Commands) -> None:
    write(
        commands,
        """
@run_failure_sensor
def on_failure(context):
    (step,) = context.get_step_failure_events()
    with open(HERE / "told", "a") as file:
        print(context.run.run_id, context.run.job_name, step.event.error.message, file=file)

@run_status_sensor(RunStatus.SUCCESS, monitored_jobs=[orders_job], request_job=fails_job)
def on_success(context):
    return RunRequest(run_key=context.run.run_id)
""",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        commands("job", "launch", "orders_job")
        failed: Any = daemon.wait_for("run_failed")
        daemon.wait_for("sensor_evaluated", name="on_failure")
    assert (commands.folder / "told").read_text().splitlines() == [f"{failed.run_id} fails_job no"]
    assert [one.status for one in evaluated(commands, "on_success")] == ["requested"]


def test_a_daemon_killed_during_an_evaluation_evaluates_it_again_and_doubles_nothing(commands: Commands) -> None:
    write(
        commands,
        """
@asset_sensor("inbox", job=orders_job)
def on_inbox(context, asset_event):
    with open(HERE / "calls", "a") as file:
        print(asset_event.storage_id, file=file)
    if not (HERE / "go").exists():
        time.sleep(1000)
    return RunRequest()
""",
    )
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        commands("asset", "report", "inbox")
        until_there(commands, "calls")
        daemon.stop(signal.SIGKILL)
    (commands.folder / "go").touch()
    with commands.daemon() as daemon:
        daemon.wait_for("run_succeeded")
    calls = (commands.folder / "calls").read_text().split()
    assert len(calls) == 2
    assert len(set(calls)) == 1
    assert len(commands.events("run_requested")) == len(evaluated(commands, "on_inbox")) == 1


def until_there(commands: Commands, name: str) -> None:
    while not (commands.folder / name).exists():
        time.sleep(0.01)
