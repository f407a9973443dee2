"""SEMANTICS parts 1 and 2 (released updates and gates, handled): the rules that test_eager.py does not play already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater import (
    AssetDep,
    AssetSpec,
    AutomationCondition,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    multi_asset,
)
from headwater.daemon.evaluation.explain import explain_in
from headwater.daemon.runs.handing import handed_inputs
from headwater.storage import events as e
from support.world import World, keys_of, parts_of

C = AutomationCondition
EAGER = C.eager()
LETTERS = StaticPartitionsDefinition(["a", "b"])
BOTH = (("a", "a"), ("b", "b"))


def made(name: str, condition: AutomationCondition | None = EAGER, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def check_of(key: str, name: str = "is_right") -> Any:
    @asset_check(asset=key, name=name, blocking=True)
    def body() -> None: ...

    return body


def checked_world() -> World:
    """source -> table (with a blocking check) -> report, all made once and passed."""
    world = World()
    world.define(
        AssetSpec("source"), made("table", deps=["source"]), made("report", deps=["table"]), checks=[check_of("table")]
    )
    world.report("source")
    world.run_all()
    return world


def letters_world(total: AutomationCondition) -> World:
    """`total` is made from both letters of `table`, which has a blocking check. All is made and `b` is gated."""
    world = World()
    source, table = AssetSpec("source", partitions_def=LETTERS), made("table", deps=["source"], partitions_def=LETTERS)
    world.define(source, table, made("total", total, deps=["table"]), checks=[check_of("table")])
    for letter in "ab":
        world.report("source", letter)
    world.run_all()
    world.check("table", "is_right", passed=False, partition="b")
    assert world.run_all() == []
    return world


# ---- part 1: gates ---------------------------------------------------------------------------------------------------


def test_a_gate_that_no_check_has_ever_spoken_about_is_open() -> None:
    world = World()
    world.define(AssetSpec("table"), made("report", deps=["table"]), checks=[check_of("table")])
    world.report("table")
    assert keys_of(world.run_all()) == [["report"]]


def test_a_shut_gate_stays_shut_after_a_newer_materialisation_that_no_check_has_seen() -> None:
    world = checked_world()
    world.check("table", "is_right", passed=False)
    world.report("table")
    assert world.run_all() == []
    world.check("table", "is_right", passed=True)
    assert keys_of(world.run_all()) == [["report"]]


def test_a_blocking_check_that_fails_with_a_warning_shuts_no_gate() -> None:
    world = checked_world()
    warned = e.AssetCheckEvaluated(
        asset_key="table", check_name="is_right", passed=False, severity="WARN", blocking=True
    )
    world.append(warned)
    world.report("table")
    assert keys_of(world.run_all()) == [["report"]]


def test_an_update_is_released_when_its_run_has_ended_without_evaluating_its_checks() -> None:
    world = checked_world()
    planned = e.PlannedCheck(asset_key="table", name="is_right", blocking=True)
    target = e.Target(asset_key="table")
    world.append(e.RunRequested(run_id="by-hand", targets=(target,), checks=(planned,), origin="manual"))
    world.append(e.RunStarted(run_id="by-hand"), e.StepStarted(run_id="by-hand", step_key="table", targets=(target,)))
    world.append(e.AssetMaterialized(asset_key="table", run_id="by-hand", step_key="table"))
    assert world.settle() == []
    world.end("by-hand", "orphaned")
    assert keys_of(world.settle()) == [["report"]]


def test_a_downstream_that_requires_all_partitions_waits_for_a_gated_one() -> None:
    world = letters_world(EAGER)
    world.report("source", "a")
    assert keys_of(world.run_all()) == [["table"]]
    gated = next(b for b in explain_in(world.log, "total").blockers if "gated" in b.operand)
    assert (gated.asset_key, gated.partitions) == ("table", ("b",))


def test_without_the_clause_about_missing_ones_a_gated_partition_counts_as_absent() -> None:
    world = letters_world(EAGER.without(C.any_deps_missing()))
    before = world.requested("total")
    world.report("table", "b")  # not released: its gate is shut
    assert world.run_all() == []
    [wait] = explain_in(world.log, "total").waits
    assert (wait.kind, wait.needed) == (
        "left_out",
        "table [b] is left out, and its updates with it, since is_right failed",
    )
    world.report("source", "a")
    assert keys_of(world.run_all()) == [["table"], ["total"]]
    assert world.requested("total") == before + 1
    assert world.state.definitions is not None
    targets = [e.Target(asset_key="total")]
    handed = handed_inputs(world.state, world.state.definitions, targets, at=world.clock.now())
    assert handed == {"total": {"table": (("a", "a"),)}}


@pytest.mark.parametrize(
    ("condition", "rough"),
    [
        (EAGER, AssetDep("rough", gated=False)),
        (EAGER.replace("any_deps_gated", C.any_deps_gated().ignore("rough")), "rough"),
    ],
)
def test_gating_can_be_switched_off_per_dependency(condition: AutomationCondition, rough: Any) -> None:
    world = World()
    world.define(
        AssetSpec("rough"),
        AssetSpec("exact"),
        made("report", condition, deps=[rough, "exact"]),
        checks=[check_of("rough", "r"), check_of("exact", "x")],
    )
    for key in ("rough", "exact"):
        world.report(key)
    world.run_all()
    world.check("rough", "r", passed=False)
    world.report("exact")
    assert keys_of(world.run_all()) == [["report"]]
    world.check("exact", "x", passed=False)
    world.report("rough")
    assert world.run_all() == []


@pytest.mark.parametrize("partitions", [None, LETTERS])
def test_where_a_dependency_is_not_gated_its_updates_come_through_a_shut_gate(partitions: Any) -> None:
    world = World()
    part = "a" if partitions else None
    everything = EAGER.without(C.any_deps_missing())
    world.define(
        AssetSpec("rough", partitions_def=partitions),
        made("open", everything, deps=[AssetDep("rough", gated=False)], partitions_def=partitions),
        made("gated", everything, deps=["rough"], partitions_def=partitions),
        checks=[check_of("rough")],
    )
    world.report("rough", part)
    world.run_all()
    world.check("rough", "is_right", passed=False, partition=part)
    assert world.run_all() == []
    world.report("rough", part)
    assert parts_of(world.run_all()) == [("open", part)]
    world.restart()
    world.check("rough", "is_right", passed=True, partition=part)
    assert parts_of(world.run_all()) == [("gated", part)]
    world.report("rough", part)
    assert parts_of(world.run_all()) == [("gated", part), ("open", part)]


def test_what_is_not_gated_sees_an_update_before_the_check_of_its_run_has_spoken() -> None:
    world = World()
    open_one = made("open", deps=[AssetDep("table", gated=False)])
    world.define(made("table", None), open_one, checks=[check_of("table")])
    world.settle()
    planned = e.PlannedCheck(asset_key="table", name="is_right", blocking=True)
    target = e.Target(asset_key="table")
    world.append(e.RunRequested(run_id="by-hand", targets=(target,), checks=(planned,), origin="manual"))
    world.append(e.RunStarted(run_id="by-hand"), e.StepStarted(run_id="by-hand", step_key="table", targets=(target,)))
    world.append(e.AssetMaterialized(asset_key="table", run_id="by-hand", step_key="table"))
    assert keys_of(world.run_all()) == [["open"]]
    spoken = e.AssetCheckEvaluated(
        asset_key="table", check_name="is_right", passed=True, blocking=True, run_id="by-hand"
    )
    world.append(spoken, e.RunSucceeded(run_id="by-hand"))
    assert world.run_all() == []


def test_one_that_is_not_gated_and_is_first_seen_later_takes_what_had_landed_behind_the_gate() -> None:
    world = World()
    world.define(AssetSpec("rough"), checks=[check_of("rough")])
    world.report("rough")
    world.check("rough", "is_right", passed=False)
    world.report("rough")
    world.settle()
    world.define(AssetSpec("rough"), made("open", deps=[AssetDep("rough", gated=False)]), checks=[check_of("rough")])
    assert keys_of(world.run_all()) == [["open"]]


# ---- part 2: handled -------------------------------------------------------------------------------------------------


def test_a_step_that_starts_handles_all_that_it_plans_be_it_several_assets() -> None:
    @multi_asset(
        specs=[AssetSpec(key, deps=["source"], automation_condition=EAGER) for key in ("left", "right")],
    )
    def both() -> None: ...

    world = World()
    world.define(AssetSpec("source"), both)
    world.report("source")
    [run] = world.settle()
    world.append(
        e.RunStarted(run_id=run.run_id), e.StepStarted(run_id=run.run_id, step_key="both", targets=run.targets)
    )
    world.append(e.StepFailed(run_id=run.run_id, step_key="both", error=e.ErrorInfo(cls="ValueError", message="no")))
    world.end(run.run_id, "failed")
    assert world.settle() == []
    handled = {key: world.state.assets[key].table.handled[0] for key in ("left", "right")}
    assert len(set(handled.values())) == 1
    assert all(handled.values())


def test_a_step_that_starts_handles_a_whole_range_of_partitions() -> None:
    world = World()
    source, table = AssetSpec("source", partitions_def=LETTERS), made("table", deps=["source"], partitions_def=LETTERS)
    world.define(source, table)
    world.settle()
    for letter in "ab":
        world.report("source", letter)
    target = e.Target(asset_key="table", partitions=BOTH)
    world.append(e.RunRequested(run_id="by-hand", targets=(target,), origin="manual"))
    world.append(e.RunStarted(run_id="by-hand"), e.StepStarted(run_id="by-hand", step_key="table", targets=(target,)))
    world.append(e.StepFailed(run_id="by-hand", step_key="table", error=e.ErrorInfo(cls="ValueError", message="no")))
    world.end("by-hand", "failed")
    assert world.settle() == []


def test_what_is_planned_in_a_run_that_has_not_started_is_never_requested_again() -> None:
    world = checked_world()
    world.append(e.RunRequested(run_id="by-hand", targets=(e.Target(asset_key="report"),), origin="manual"))
    world.report("table")
    world.advance(timedelta(hours=1))
    assert world.settle() == []
    wait = explain_in(world.log, "report", at=world.clock.now()).waits[0]
    assert (wait.kind, "by-hand" in wait.needed) == ("pending", True)


def test_an_attempt_lost_to_infrastructure_handles_nothing_and_one_that_failed_what_it_had_read() -> None:
    for how, again in (("orphaned", 1), ("failed", 0)):
        world = World()
        world.define(AssetSpec("source"), made("table", deps=["source"]))
        world.report("source")
        [run] = world.settle()
        world.start(run.run_id, "table")
        if how == "failed":
            world.finish(run.run_id, "table", ok=False)
        world.end(run.run_id, how)
        world.settle()
        world.advance(timedelta(minutes=10))
        assert len(world.settle()) == again, how


def test_a_parent_that_is_requested_and_fails_owes_its_child_nothing_but_its_later_update() -> None:
    world = checked_world()
    requested = world.requested("report")
    world.report("source")
    [run] = world.settle()
    world.run(run, fail=["table"])
    world.advance(timedelta(hours=1))
    assert world.settle() == []
    world.report("table")
    assert keys_of(world.run_all()) == [["report"]]
    assert world.requested("report") == requested + 1 + ("report" in {t.asset_key for t in run.targets})


@pytest.mark.parametrize("vanishes", [False, True])
def test_an_update_while_definitions_are_edited_or_gone_is_not_lost(vanishes: bool) -> None:
    world = World()
    source, table = AssetSpec("source"), made("table", deps=["source"])
    world.define(source, table)
    world.report("source")
    world.run_all()
    world.define(*([source] if vanishes else [source, made("table", EAGER & ~C.execution_failed(), deps=["source"])]))
    world.report("source")
    if vanishes:
        assert world.run_all() == []
        world.define(source, table)
    assert parts_of(world.run_all()) == [("table", None)]
