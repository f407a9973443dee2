"""Checks with a condition of their own: requested alone, or riding in the run of their asset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater import (
    AssetCheckSpec,
    AssetSpec,
    AutomationCondition,
    Definitions,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    multi_asset_check,
)
from headwater.storage import events as e
from tests.support.world import World, keys_of

eager = AutomationCondition.eager


def check_of(key: str, name: str = "looks", **arguments: Any) -> Any:
    @asset_check(asset=key, name=name, **arguments)
    def looks() -> bool:
        return True

    return looks


def checks_of(runs: list[e.RunRequested]) -> list[list[tuple[str, str, str | None]]]:
    return [[(check.asset_key, check.name, check.partition) for check in run.checks] for run in runs]


def play(world: World, run: e.RunRequested, *, passed: bool = True, raises: bool = False) -> None:
    """A run that only evaluates checks, to its end."""
    world.append(e.RunStarted(run_id=run.run_id))
    for check in run.checks:
        step = f"{check.asset_key}:{check.name}"
        about = {"asset_key": check.asset_key, "check_name": check.name, "partition": check.partition}
        world.append(e.StepStarted(run_id=run.run_id, step_key=step, **about))  # type: ignore[arg-type]
        if raises:
            error = e.ErrorInfo(cls="ValueError", message="no")
            world.append(e.StepFailed(run_id=run.run_id, step_key=step, asset_key=check.asset_key, error=error))
        else:
            found = e.AssetCheckEvaluated(run_id=run.run_id, passed=passed, **about)  # type: ignore[arg-type]
            world.append(found, e.StepSucceeded(run_id=run.run_id, step_key=step))
    world.end(run.run_id, "failed" if raises else "succeeded")


def test_a_check_runs_alone_when_its_asset_is_updated() -> None:
    world = World()
    world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=eager())])
    assert world.settle() == []
    world.report("orders")
    [run] = world.settle()
    assert (run.targets, checks_of([run])) == ((), [[("orders", "looks", None)]])
    play(world, run)
    assert world.settle() == []
    world.report("orders")
    assert len(world.settle()) == 1


def test_it_is_not_requested_again_while_it_is_planned_or_running() -> None:
    world = World()
    world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=eager())])
    world.report("orders")
    [run] = world.settle()
    world.report("orders")
    assert world.settle() == []
    play(world, run)  # it started after the second update, and has handled it
    assert world.settle() == []


def test_a_blocking_check_that_failed_looks_again_at_data_that_its_own_gate_holds_back() -> None:
    world = World()
    world.define(AssetSpec("orders"), checks=[check_of("orders", blocking=True, automation_condition=eager())])
    world.report("orders")
    [run] = world.settle()
    play(world, run)
    world.check("orders", "looks", passed=False)
    assert world.settle() == []
    world.report("orders")
    assert checks_of(world.settle()) == [[("orders", "looks", None)]]


def test_a_failed_or_raising_check_waits_for_the_next_update() -> None:
    for outcome in ({"passed": False}, {"raises": True}):
        world = World()
        world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=eager(), blocking=True)])
        world.report("orders")
        [run] = world.settle()
        play(world, run, **outcome)  # type: ignore[arg-type]
        assert world.settle() == []
        world.report("orders")  # its own shut gate does not keep it from looking again
        assert len(world.settle()) == 1


def test_a_check_that_is_requested_with_its_asset_rides_in_the_assets_run() -> None:
    @asset(deps=["raw"], automation_condition=eager())
    def orders() -> None: ...

    world = World()
    with_condition = check_of("orders", automation_condition=eager())
    world.define(AssetSpec("raw"), orders, checks=[with_condition, check_of("orders", "plain")])
    world.report("raw")
    [run] = world.settle()
    assert keys_of([run]) == [["orders"]]
    assert checks_of([run]) == [[("orders", "looks", None), ("orders", "plain", None)]]


def test_a_check_with_a_condition_does_not_run_just_because_its_asset_does() -> None:
    @asset(deps=["raw"], automation_condition=eager())
    def orders() -> None: ...

    world = World()
    hourly = AutomationCondition.cron_tick_passed("0 * * * *")
    world.define(
        AssetSpec("raw"), orders, checks=[check_of("orders", automation_condition=hourly), check_of("orders", "plain")]
    )
    world.report("raw")
    [run] = world.settle()
    assert checks_of([run]) == [[("orders", "plain", None)]]
    world.run(run)
    world.settle()
    world.advance(timedelta(hours=1))
    [run] = world.settle()
    assert (run.targets, checks_of([run])) == ((), [[("orders", "looks", None)]])


def test_missing_is_true_of_data_that_the_check_has_not_seen() -> None:
    world = World()
    condition = AutomationCondition.missing() & ~AutomationCondition.in_progress()
    world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=condition)])
    [run] = world.settle()
    play(world, run)
    assert world.settle() == []
    world.report("orders")
    world.advance(timedelta(minutes=1))
    assert len(world.settle()) == 1


def test_the_last_attempt_of_a_check_that_raised_has_failed() -> None:
    world = World()
    once = AutomationCondition.newly_updated()  # never of its own accord
    world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=once)])
    world.settle()
    requested = e.RunRequested(run_id="r1", checks=(e.PlannedCheck(asset_key="orders", name="looks"),))
    world.append(requested)
    world.settle()
    assert list(world.state.asset("orders:looks").in_progress) == [0]
    play(world, requested, raises=True)
    world.settle()
    state = world.state.asset("orders:looks")
    assert (list(state.table.failed), list(state.in_progress)) == ([0], [])
    world.check("orders", "looks", passed=True)
    world.tick()
    assert list(state.table.failed) == []


def test_a_check_of_a_partitioned_asset_is_requested_for_the_partitions_that_changed() -> None:
    colours = StaticPartitionsDefinition(["red", "blue"])
    world = World()
    world.define(AssetSpec("orders", partitions_def=colours), checks=[check_of("orders", automation_condition=eager())])
    world.settle()
    world.report("orders", "blue")
    [run] = world.settle()
    assert checks_of([run]) == [[("orders", "looks", "blue")]]


def test_a_restart_in_between_loses_nothing_and_asks_for_nothing_twice() -> None:
    world = World()
    world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=eager())])
    world.report("orders")
    [run] = world.settle()
    world.restart()
    assert world.settle() == []
    play(world, run)
    world.restart()
    assert world.settle() == []


def test_a_cancelled_check_waits_and_a_lost_one_is_requested_again() -> None:
    for end, again in (("cancelled", 0), ("orphaned", 1)):
        world = World()
        world.define(AssetSpec("orders"), checks=[check_of("orders", automation_condition=eager())])
        world.report("orders")
        [run] = world.settle()
        world.append(
            e.RunStarted(run_id=run.run_id),
            e.StepStarted(run_id=run.run_id, step_key="orders:looks", asset_key="orders", check_name="looks"),
        )
        world.end(run.run_id, end)
        world.advance(timedelta(minutes=2))
        assert len(world.settle()) == again, end


def test_checks_that_share_a_function_are_requested_together() -> None:
    @multi_asset_check(
        specs=[
            AssetCheckSpec("looks", asset="orders", automation_condition=eager()),
            AssetCheckSpec("looks", asset="customers"),
        ]
    )
    def both():
        yield

    world = World()
    world.define(AssetSpec("orders"), AssetSpec("customers"), checks=[both])
    world.settle()
    world.report("orders")
    [run] = world.settle()
    assert checks_of([run]) == [[("customers", "looks", None), ("orders", "looks", None)]]


def test_an_inline_check_cannot_have_a_condition() -> None:
    @asset(check_specs=[AssetCheckSpec("looks", asset="orders", automation_condition=eager())])
    def orders() -> None: ...

    [error] = Definitions([orders]).errors()
    assert "has an automation_condition, but the function that makes the asset evaluates it" in str(error)


@pytest.mark.parametrize("selection", ["orders", "group:default"])
def test_a_selection_in_the_condition_of_a_check_is_about_its_asset(selection: str) -> None:
    world = World()
    ignoring = check_of("orders", automation_condition=eager().ignore(selection))
    world.define(AssetSpec("orders"), checks=[ignoring])
    world.settle()
    runs = len(world.log.query(types=["run_requested"]))
    world.report("orders")
    world.settle()
    assert len(world.log.query(types=["run_requested"])) == runs
