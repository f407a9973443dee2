"""Explain: the condition as it stands, what is in its way, and why the asset was last asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater import (
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    InvalidInvocationError,
    StaticPartitionsDefinition,
    asset,
    multi_asset,
)
from headwater.daemon.evaluation.explain import ExplainedNode, Explanation, explain_in
from headwater.daemon.evaluation.past_moment import moment_at
from headwater.storage import events as e
from headwater.storage.folding import folded
from headwater.storage.snapshots import dump, save
from headwater.storage.state.unread import UnreadStates
from tests.support.world import World

C = AutomationCondition


def made(name: str, condition: AutomationCondition | None = None, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def chain_world() -> World:
    """raw -> first -> second, all made once."""
    world = World(start=datetime.now(UTC) - timedelta(days=1))
    first = made("first", C.eager(), deps=["raw"])
    world.define(AssetSpec("raw"), first, made("second", C.eager(), deps=[first]))
    world.report("raw")
    world.run_all()
    return world


def nodes(node: ExplainedNode | None) -> list[ExplainedNode]:
    return [] if node is None else [node, *(below for child in node.children for below in nodes(child))]


def by_name(explanation: Explanation, name: str, key: str) -> ExplainedNode:
    return next(node for node in nodes(explanation.tree) if (node.name, node.asset_key) == (name, key))


def test_an_asset_that_is_up_to_date_waits_for_an_update_upstream() -> None:
    explanation = explain_in(chain_world().log, "first")
    assert not explanation.would_be_requested
    assert ("any_deps_updated: newly_updated", "raw", "it has to be updated") in [
        (b.operand, b.asset_key, b.needed) for b in explanation.blockers
    ]


def test_each_node_says_whether_it_is_true_and_which_event_changed_it() -> None:
    world = chain_world()
    updated = world.report("raw")
    explanation = explain_in(world.log, "first")
    assert explanation.would_be_requested
    assert explanation.blockers == ()
    node = by_name(explanation, "newly_updated", "raw")
    assert (node.is_true, node.changed_offset, node.changed_by) == (True, updated, "asset_materialized")
    assert node.changed_at == world.log.read(updated - 1, 1)[0].at
    assert not by_name(explanation, "any_deps_missing", "first").is_true


def test_a_run_under_way_is_named_as_what_has_to_end() -> None:
    world = chain_world()
    world.report("raw")
    [run] = world.settle()
    world.start(run.run_id, "first")
    explanation = explain_in(world.log, "second")
    [wait] = explanation.waits
    assert (wait.kind, run.run_id in wait.needed) == ("pending", True)
    in_progress = next(b for b in explanation.blockers if b.operand == "any_deps_in_progress: in_progress")
    assert run.run_id in in_progress.needed


def test_an_asset_behind_a_failed_upstream_says_what_it_waits_for() -> None:
    world = chain_world()
    world.report("raw")
    [run] = world.settle()
    world.run(run, fail=["first"])
    world.settle()
    [wait] = explain_in(world.log, "second").waits
    assert (wait.kind, "first" in wait.needed) == ("blocked", True)


def test_the_same_event_is_no_reason_again_within_the_interval() -> None:
    world = World(start=datetime.now(UTC))
    world.define(made("again", C.missing()))
    [run] = world.settle()
    world.run(run, fail=["again"])
    explanation = explain_in(world.log, "again")
    assert [wait.kind for wait in explanation.waits] == ["interval"]
    assert explanation.waits[0].until is not None


def test_the_chain_goes_back_to_the_report_through_a_request_of_the_same_tick() -> None:
    world = chain_world()
    offset = world.report("raw")
    [run] = world.settle()
    world.run(run)
    links = explain_in(world.log, "second").last_request
    assert [(link.asset_key, link.because) for link in links] == [
        ("second", "automation asked for it (will_be_requested)"),
        ("first", "automation asked for it (newly_updated)"),
        ("raw", "it was reported"),
    ]
    assert [links[0].run_id, links[-1].offset] == [run.run_id, offset]


def test_the_chain_goes_on_through_runs_of_other_ticks() -> None:
    days = DailyPartitionsDefinition("2026-02-26")
    world = World()
    first = made("first", C.eager(), deps=["raw"], partitions_def=days)
    world.define(AssetSpec("raw", partitions_def=days), first, made("total", C.any_deps_updated(), deps=[first]))
    world.settle()
    world.report("raw", "2026-02-27")
    world.run_all()
    links = explain_in(world.log, "total").last_request
    assert [(link.asset_key, link.partition, link.because) for link in links][1:] == [
        ("first", "2026-02-27", "it was made"),
        ("first", "2026-02-27", "automation asked for it (newly_updated)"),
        ("raw", "2026-02-27", "it was reported"),
    ]


def test_of_several_runs_of_one_tick_the_chain_names_the_one_that_made_the_partition() -> None:
    """Under a format in which the order of the keys is not that of the days."""
    days = DailyPartitionsDefinition("26-02-2026", fmt="%d-%m-%Y")
    world = World(start=datetime(2026, 3, 4, tzinfo=UTC))
    daily = made("daily", C.eager(), deps=["raw"], partitions_def=days)
    world.define(AssetSpec("raw", partitions_def=days), daily)
    world.settle()
    keys = ["26-02-2026", "27-02-2026", "28-02-2026", "01-03-2026"]
    for key in keys:
        world.report("raw", key)
    runs = {run.targets[0].partitions[0][0]: run.run_id for run in world.run_all() if run.targets[0].partitions}
    for key in keys:
        first, cause = explain_in(world.log, "daily", partition=key).last_request
        assert (first.run_id, cause.partition) == (runs[key], key)


def test_a_schedule_and_a_missing_asset_are_root_causes() -> None:
    world = World()
    world.define(made("hourly", C.on_cron("@hourly")), made("once", C.on_missing()))
    world.run_all()
    assert explain_in(world.log, "once").last_request[-1].because == "it was missing"
    world.advance(timedelta(hours=1))
    world.run_all()
    assert explain_in(world.log, "hourly").last_request[-1].because == "its schedule ticked"


def test_at_an_offset_or_an_instant_of_the_past_it_is_explained_as_it_was_then() -> None:
    world = chain_world()
    before = world.log.head().offset
    instant = world.clock.now()
    world.advance(timedelta(hours=1))
    world.report("raw")
    for at in (before, instant):
        explanation = explain_in(world.log, "first", at=at)
        assert (explanation.through, explanation.would_be_requested) == (before, False)
    assert explain_in(world.log, "first").would_be_requested
    with pytest.raises(InvalidInvocationError, match="there is no offset 9999"):
        explain_in(world.log, "first", at=9999)


def test_one_partition_can_be_asked_about() -> None:
    days = DailyPartitionsDefinition("2026-02-26", end_date="2026-03-01")
    world = World()
    daily = made("daily", C.eager(), deps=["raw"], partitions_def=days)
    world.define(AssetSpec("raw", partitions_def=days), daily)
    world.settle()
    world.report("raw", "2026-02-27")
    assert explain_in(world.log, "daily", partition="2026-02-27").would_be_requested
    other = explain_in(world.log, "daily", partition="2026-02-26")
    assert not other.would_be_requested
    assert ("any_deps_missing: missing", "raw") in [(b.operand, b.asset_key) for b in other.blockers]
    whole = explain_in(world.log, "daily")
    assert whole.tree is not None
    assert whole.tree.partitions == ("2026-02-27",)


def test_an_asset_that_is_not_there_is_an_error_with_a_hint() -> None:
    with pytest.raises(InvalidInvocationError, match="Did you mean 'first'"):
        explain_in(chain_world().log, "frst")


def test_an_asset_without_a_condition_has_no_tree_and_nothing_is_written() -> None:
    world = chain_world()
    head = world.log.head().offset
    assert explain_in(world.log, "raw").tree is None
    assert explain_in(world.log, "first").to_json()["asset_key"] == "first"
    assert world.log.head().offset == head
    assert isinstance(world.log.read(head - 1, 1)[0].event, e.Event)


# ---- what is in the way ----------------------------------------------------------------------------------------------


def test_what_is_in_the_way_names_the_partitions_for_which_it_is() -> None:
    days = DailyPartitionsDefinition("2026-02-26", end_date="2026-03-01")
    world = World()
    world.define(AssetSpec("raw", partitions_def=days), made("total", C.eager(), deps=["raw"]))
    world.report("raw", "2026-02-27")
    world.settle()
    [missing] = [b for b in explain_in(world.log, "total").blockers if b.operand == "any_deps_missing: missing"]
    assert (missing.asset_key, missing.partitions) == ("raw", ("2026-02-26", "2026-02-28"))


def test_a_request_of_what_automation_never_makes_with_it_is_no_way_out() -> None:
    world = World()
    by_hand = made("by_hand", deps=["raw"])
    world.define(AssetSpec("raw"), by_hand, made("total", C.eager(), deps=["raw", by_hand]))
    world.settle()
    found = explain_in(world.log, "total").blockers
    assert [(b.operand, b.asset_key, b.alternatives) for b in found] == [
        ("any_deps_missing: missing", "by_hand", False),
        ("any_deps_missing: missing", "raw", False),
    ]


def test_a_schedule_that_is_waited_for_is_named_with_its_next_instant() -> None:
    world = World()
    world.define(made("report", C.on_cron("0 6 * * *", "Europe/Berlin")))
    world.settle()
    [blocker] = explain_in(world.log, "report", at=world.clock.now()).blockers
    assert blocker.needed == "'0 6 * * *' (Europe/Berlin) has to tick, next at 2026-03-01 05:00:00+00:00"


def test_a_partition_that_is_planned_already_holds_the_others_not_back() -> None:
    days = DailyPartitionsDefinition("2026-02-26")
    world = World()
    daily = made("daily", C.any_deps_updated().since_last_handled(), deps=["raw"], partitions_def=days)
    world.define(AssetSpec("raw", partitions_def=days), daily)
    world.settle()
    world.report("raw", "2026-02-26")
    world.settle()
    world.report("raw", "2026-02-27")
    explanation = explain_in(world.log, "daily")
    assert explanation.would_be_requested
    assert [wait.kind for wait in explanation.waits] == ["pending"]
    assert not explain_in(world.log, "daily", partition="2026-02-26").would_be_requested


def test_before_a_first_evaluation_it_says_what_that_will_do() -> None:
    world = World()
    world.define(made("kept", C.eager().on_first("baseline")))
    explanation = explain_in(world.log, "kept", at=world.clock.now())
    assert not explanation.would_be_requested
    assert [wait.kind for wait in explanation.waits] == ["baseline"]
    world.settle()
    assert world.requested("kept") == 0

    letters = StaticPartitionsDefinition(["a", "b", "c"])
    world = World()
    world.define(made("few", C.eager().on_first("request", limit=2), partitions_def=letters))
    tree = explain_in(world.log, "few", at=world.clock.now()).tree
    assert tree is not None
    assert tree.partitions == ("a", "b")


def test_what_is_only_made_together_with_another_says_with_which() -> None:
    @multi_asset(specs=[AssetSpec("left", automation_condition=C.eager()), AssetSpec("right")])
    def both() -> None: ...

    world = World()
    world.define(both)
    explanation = explain_in(world.log, "right", at=world.clock.now())
    assert (explanation.tree, explanation.made_with) == (None, ("left",))


def test_after_a_failure_it_says_so_and_what_would_start_it_again() -> None:
    world = chain_world()
    world.report("raw")
    [run] = world.settle()
    world.run(run, fail=["first"])
    world.settle()
    [wait] = explain_in(world.log, "first").waits
    assert (wait.kind, "ValueError: no" in wait.needed, run.run_id in wait.needed) == ("failed", True, True)
    world.report("raw")
    assert explain_in(world.log, "first").waits == ()
    world.run_all()
    assert explain_in(world.log, "first").waits == ()


def test_after_a_cancellation_it_says_so_until_it_is_made() -> None:
    world = chain_world()
    world.report("raw")
    [run] = world.settle()
    world.end(run.run_id, "cancelled")
    world.settle()
    assert [wait.kind for wait in explain_in(world.log, "first").waits] == ["cancelled"]
    world.report("raw")
    world.run_all()
    assert explain_in(world.log, "first").waits == ()


# ---- over a snapshot -------------------------------------------------------------------------------------------------


def many_world() -> World:
    """30 chains of raw -> made, all made once."""
    world = World(start=datetime.now(UTC) - timedelta(days=1))
    raws = [AssetSpec(f"raw_{n}") for n in range(30)]
    world.define(*raws, *(made(f"made_{n}", C.eager(), deps=[f"raw_{n}"]) for n in range(30)))
    for raw in raws:
        world.report(str(raw.key))
    world.run_all()
    return world


def test_an_explanation_starts_from_a_snapshot_and_reads_of_it_what_it_tells() -> None:
    world = many_world()
    state = folded(world.log)
    world.report("raw_3")
    world.run_all()  # a snapshot is of use once there is a tick behind it
    world.report("raw_7")
    from_zero = [explain_in(world.log, f"made_{n}").to_json() for n in (7, 8)]
    save(world.log, dump(state))

    found = moment_at(world.log, through=world.log.head().offset, at=datetime.now(UTC))
    assert found is not None
    assert isinstance(found.state.assets, UnreadStates)
    assert {*found.state.assets} - {*found.state.assets.unread} == {"raw_3", "made_3", "raw_7"}
    assert [_without_time(explain_in(world.log, f"made_{n}").to_json()) for n in (7, 8)] == [
        _without_time(one) for one in from_zero
    ]


def _without_time(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "at"}
