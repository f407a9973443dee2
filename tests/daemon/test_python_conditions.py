"""Conditions written in Python with a real daemon: evaluated outside of it, stopped when they hang, shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.commands import DEADLINE_S, Commands, RunningDaemon

FLOW = """
import os, time
from pathlib import Path
from headwater import AssetSpec, AutomationCondition, AutomationResult, Definitions, asset

HERE = Path(__file__).parent


class IsOpen(AutomationCondition):
    minimum_interval_seconds = 0.2

    def evaluate(self, context):
        print("looking for the file")
        with open(HERE / "pids", "a") as pids:
            print(os.getpid(), file=pids)
        there = (HERE / "open").exists()
        return AutomationResult(context, context.candidate_subset if there else context.get_empty_subset())


class Hangs(AutomationCondition):
    def evaluate(self, context):
        (HERE / "hanging").touch()
        time.sleep(600)


class Raises(AutomationCondition):
    def evaluate(self, context):
        raise ValueError("no connection")


class Dies(AutomationCondition):
    def evaluate(self, context):
        os._exit(3)


raw = AssetSpec("raw")


@asset(deps=[raw], automation_condition=AutomationCondition.eager() & IsOpen())
def report():
    return 1


@asset(deps=[raw], automation_condition=AutomationCondition.eager() & ~Hangs())
def hangs():
    return 1


@asset(deps=[raw], automation_condition=AutomationCondition.eager() & ~Raises())
def raises():
    return 1


@asset(deps=[raw], automation_condition=AutomationCondition.eager() & ~Dies())
def dies():
    return 1


@asset(deps=[raw], automation_condition=AutomationCondition.eager())
def usual():
    return 1


defs = Definitions(assets=[raw, report, hangs, raises, dies, usual])
"""


@pytest.fixture
def commands(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_SENSOR_LIMIT", "1")
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    commands = Commands(tmp_path)
    commands.write(FLOW)
    return commands


def answers(commands: Commands) -> list[e.ConditionEvaluated]:
    return [one for one in commands.events("condition_evaluated") if isinstance(one, e.ConditionEvaluated)]


def problems(commands: Commands) -> dict[str, str]:
    """By asset, what went wrong when its condition was asked."""
    return {one.asset_key: one.error.message for one in answers(commands) if one.error is not None}


def made(commands: Commands) -> set[str]:
    return {one.asset_key for one in commands.events("asset_materialized") if isinstance(one, e.AssetMaterialized)}


def wait_until(holds: Callable[[], bool], daemon: RunningDaemon) -> None:
    ends_at = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < ends_at, daemon.output
        assert daemon.process.poll() is None, daemon.output
        time.sleep(0.05)


def test_one_opens_an_asset_while_others_hang_raise_and_die(commands: Commands) -> None:
    with commands.daemon() as daemon:
        commands.append(e.AssetMaterialized(asset_key="raw", origin="report"))
        wait_until(lambda: made(commands) == {"raw", "usual"}, daemon)  # which nobody keeps waiting
        wait_until(lambda: any(one.asset_key == "report" for one in answers(commands)), daemon)
        wait_until(lambda: problems(commands).keys() == {"hangs", "raises", "dies"}, daemon)
        assert made(commands) == {"raw", "usual"}
        wait_until(lambda: '"about": "asset raises", "error": "ValueError: no connection"' in daemon.output, daemon)
        (commands.folder / "open").touch()
        wait_until(lambda: "report" in made(commands), daemon)
        assert daemon.process.pid not in map(int, (commands.folder / "pids").read_text().split())
    [printed] = (commands.home / "conditions").glob("IsOpen-*.log")
    assert printed.read_text().startswith("looking for the file")
    said = problems(commands)
    assert "took longer than 1 s and was killed" in said["hangs"]
    assert said["raises"] == "no connection"
    assert "ended with status 3" in said["dies"]
    assert [one.partitions for one in answers(commands) if one.asset_key == "report"] == [(), None]
    assert made(commands) == {"raw", "usual", "report"}
    with EventLog.open(commands.home) as log:
        assert verify(log).differences == []


def test_the_status_says_what_they_answered_and_why_not(commands: Commands) -> None:
    with commands.daemon() as daemon:
        wait_until(lambda: {"raises", "report"} <= {one.asset_key for one in answers(commands)}, daemon)
        rows = {row["key"]: row["answers"] for row in commands.json("automation", "status", "-f", "flow.py")}
    [report], [raises] = rows["report"], rows["raises"]
    assert (report["condition"], report["about"], report["true"], report["problem"]) == ("IsOpen", "report", "no", None)
    assert (raises["true"], raises["problem"]) == ("unknown", "ValueError: no connection")
    assert rows["usual"] == []
    shown = commands("automation", "status", "-f", "flow.py").stdout
    assert "Python condition" in shown
    assert "ValueError: no connection" in shown
    told = commands.json("asset", "explain", "raises")
    assert [wait["kind"] for wait in told["waits"]] == ["unanswered"]
