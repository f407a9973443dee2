"""Cancelling with a real daemon: the step that is under way is interrupted, and the log tells one end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from headwater.daemon.runs.lease import Lease, is_held
from headwater.storage import events as e
from support.commands import DEADLINE_S, Commands

FLOW = """
import time
from pathlib import Path
from headwater import Definitions, StaticPartitionsDefinition, asset, define_asset_job, multiprocess_executor

HERE = Path(__file__).parent


def waits(name):
    (HERE / f"{name}.begun").touch()
    try:
        time.sleep(1000)
    finally:
        (HERE / f"{name}.left").touch()


@asset
def first():
    return 1


@asset(deps=[first], pool="one")
def slow():
    waits("slow")


@asset(deps=[slow])
def behind():
    return 2


@asset(pool="one")
def quick():
    return 3


@asset(partitions_def=StaticPartitionsDefinition(["a", "b", "c"]))
def parts(context):
    waits(context.partition_key)


defs = Definitions(
    assets=[first, slow, behind, quick, parts],
    jobs=[
        define_asset_job("chain", ["first", "slow", "behind"]),
        define_asset_job("forked", ["slow"], executor_def=multiprocess_executor.configured({"max_concurrent": 2})),
        define_asset_job("quickly", ["quick"]),
    ],
)
"""


@pytest.fixture
def commands(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    made = Commands(tmp_path)
    made.write(FLOW)
    return made


def until(holds: Callable[[], bool], what: str) -> None:
    ends_at = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < ends_at, f"{what} never came"
        time.sleep(0.02)


def is_worked_on(commands: Commands, run_id: str) -> bool:
    return is_held(Lease.of_run(commands.home, run_id).path)


def launched(commands: Commands, job: str) -> str:
    result = commands("job", "launch", job)
    assert result.exit_code == 0, result.output
    requested = [one for one in commands.events("run_requested") if isinstance(one, e.RunRequested)]
    return requested[-1].run_id


def types_of(commands: Commands, run_id: str) -> list[str]:
    return [event.type for event in commands.events() if getattr(event, "run_id", None) == run_id]


@pytest.mark.parametrize("job", ["chain", "forked"])
def test_the_step_of_a_cancelled_run_is_interrupted_and_what_was_made_before_stays(
    commands: Commands, job: str
) -> None:
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        run_id = launched(commands, job)
        until((commands.folder / "slow.begun").exists, "the step")
        assert "is cancelled" in commands("run", "cancel", run_id).stdout
        until(lambda: not is_worked_on(commands, run_id), "the end of the worker")
        assert (commands.folder / "slow.left").exists()
        waiting = launched(commands, "quickly")
        daemon.wait_for("run_succeeded", run_id=waiting)
    types = types_of(commands, run_id)
    assert types.count("run_cancelled") == 1
    assert not {"step_failed", "run_failed", "run_succeeded"} & set(types)
    made = [one.asset_key for one in commands.events("asset_materialized") if isinstance(one, e.AssetMaterialized)]
    assert made == (["first", "quick"] if job == "chain" else ["quick"])
    assert "over already: it was cancelled" in commands("run", "cancel", run_id).stdout


def test_a_cancelled_backfill_ends_the_steps_of_its_runs(commands: Commands) -> None:
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        asked = commands("asset", "backfill", "--select", "parts", "--all-partitions", "--detach")
        assert asked.exit_code == 0, asked.output
        begun: Any = daemon.wait_for("backfill_requested")
        until(lambda: len(list(commands.folder.glob("*.begun"))) == 3, "the steps")
        assert commands("backfill", "cancel", begun.backfill_id).exit_code == 0
        runs = [one.run_id for one in commands.events("run_requested") if isinstance(one, e.RunRequested)]
        until(lambda: not any(is_worked_on(commands, run_id) for run_id in runs), "the end of the workers")
        assert len(list(commands.folder.glob("*.left"))) == 3
    assert [types_of(commands, run_id).count("run_cancelled") for run_id in runs] == [1, 1, 1]


def test_a_run_that_its_daemon_has_left_behind_is_stopped_as_well(commands: Commands) -> None:
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        run_id = launched(commands, "chain")
        until((commands.folder / "slow.begun").exists, "the step")
        daemon.process.kill()
        daemon.process.wait()
    assert is_worked_on(commands, run_id)
    assert "is cancelled" in commands("run", "cancel", run_id).stdout
    assert not is_worked_on(commands, run_id)
    assert (commands.folder / "slow.left").exists()


def test_a_worker_that_the_daemon_before_had_no_time_to_stop_is_stopped_by_the_next(commands: Commands) -> None:
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        run_id = launched(commands, "chain")
        until((commands.folder / "slow.begun").exists, "the step")
        daemon.process.kill()
        daemon.process.wait()
    commands.append(e.RunCancelled(run_id=run_id))
    with commands.daemon():
        until(lambda: not is_worked_on(commands, run_id), "the end of the worker")
    assert types_of(commands, run_id).count("run_cancelled") == 1


def test_a_run_that_waits_for_its_turn_is_cancelled_without_having_started(commands: Commands) -> None:
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        first = launched(commands, "chain")
        until((commands.folder / "slow.begun").exists, "the step")
        second = launched(commands, "quickly")
        assert "is cancelled" in commands("run", "cancel", second).stdout
        assert "is cancelled" in commands("run", "cancel", first).stdout
        until(lambda: not is_worked_on(commands, first), "the end of the worker")
        third = launched(commands, "quickly")
        daemon.wait_for("run_succeeded", run_id=third)
    assert types_of(commands, second) == ["run_requested", "run_cancelled"]
