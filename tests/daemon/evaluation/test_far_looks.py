"""Conditions that look at checks, at assets by their key, and at conditions downstream."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater import (
    AssetCheckKey,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.storage import events as e
from tests.support.world import World, keys_of

C = AutomationCondition


def made(name: str, condition: AutomationCondition | None = None, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def check_of(key: str, name: str = "looks", **arguments: Any) -> Any:
    @asset_check(asset=key, name=name, **arguments)
    def looks() -> bool:
        return True

    return looks


def world_with(*assets: Any, checks: Any = ()) -> World:
    world = World()
    world.define(*assets, checks=checks)
    world.settle()
    return world


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_any_checks_match_asks_for_one_check_and_all_checks_match_for_each() -> None:
    any_failed = made("any", C.any_deps_match(C.any_checks_match(C.check_failed())), deps=["raw"])
    all_failed = made("all", C.any_deps_match(C.all_checks_match(C.check_failed())), deps=["raw"])
    checks = [check_of("raw", "one"), check_of("raw", "two")]
    world = world_with(AssetSpec("raw"), any_failed, all_failed, checks=checks)
    world.report("raw")
    assert world.settle() == []
    world.check("raw", "one", passed=False, blocking=False)
    assert keys_of(world.settle()) == [["any"]]
    world.check("raw", "two", passed=False, blocking=False)
    assert keys_of(world.settle()) == [["all"]]


def test_without_checks_any_is_false_and_all_is_true() -> None:
    world = World()
    any_ = made("any", C.any_checks_match(~C.check_failed()))
    all_ = made("all", C.all_checks_match(C.check_failed()))
    world.define(any_, all_)
    assert keys_of(world.tick()) == [["all"]]


def test_blocking_only_leaves_the_other_checks_out() -> None:
    reader = made("reader", C.any_deps_match(C.any_checks_match(C.check_failed(), blocking_only=True)), deps=["raw"])
    world = world_with(
        AssetSpec("raw"), reader, checks=[check_of("raw", "soft"), check_of("raw", "hard", blocking=True)]
    )
    world.report("raw")
    world.check("raw", "soft", passed=False, blocking=False)
    assert world.settle() == []
    world.check("raw", "hard", passed=False)
    assert keys_of(world.settle()) == [["reader"]]


@pytest.mark.parametrize("condition", [
    C.any_checks_match(C.check_failed()).ignore(AssetSelection.checks(AssetCheckKey("raw", "noisy"))),
    C.any_checks_match(C.check_failed()).allow(AssetSelection.checks(AssetCheckKey("raw", "telling"))),
    C.any_checks_match(C.check_failed()).allow('check:raw=telling'),
    C.any_checks_match(C.check_failed()).ignore(~AssetSelection.checks(AssetCheckKey("raw", "telling"))),
])  # fmt: skip
def test_checks_that_are_ignored_or_not_allowed_are_not_looked_at(condition: AutomationCondition) -> None:
    checks = [check_of("raw", "noisy"), check_of("raw", "telling")]
    world = world_with(AssetSpec("raw"), made("reader", C.asset_matches("raw", condition), deps=["raw"]), checks=checks)
    world.report("raw")
    world.check("raw", "noisy", passed=False, blocking=False)
    assert world.settle() == []
    world.check("raw", "telling", passed=False, blocking=False)
    assert keys_of(world.settle()) == [["reader"]]


def test_all_checks_match_is_true_where_every_check_is_ignored() -> None:
    world = World()
    condition = C.all_checks_match(C.check_failed())
    world.define(
        made("some", condition),
        made("none", condition.ignore("none")),
        checks=[check_of("some"), check_of("none")],
    )
    assert keys_of(world.tick()) == [["none"]]


def test_an_ignored_blocking_check_upstream_is_not_waited_for() -> None:
    slow = AssetSelection.checks(AssetCheckKey("raw", "slow"))
    condition = C.eager() & C.all_deps_blocking_checks_passed().ignore(slow)
    world = world_with(
        AssetSpec("raw"),
        made("reader", condition, deps=["raw"]),
        checks=[check_of("raw", "slow", blocking=True), check_of("raw", "quick", blocking=True)],
    )
    world.report("raw")
    assert world.settle() == []
    world.check("raw", "quick", passed=True)
    assert keys_of(world.settle()) == [["reader"]]


def test_a_selection_of_checks_by_a_group_means_those_of_what_is_looked_at() -> None:
    condition = C.any_deps_match(C.any_checks_match(C.check_failed())).ignore(
        AssetSelection.checks_for_assets("a") | AssetSelection.from_string("checks(group:noisy)")
    )
    reader = made("reader", condition, deps=["a", "b", "c"])
    sources = [AssetSpec("a"), AssetSpec("b", group_name="noisy"), AssetSpec("c"), AssetSpec("d", group_name="noisy")]
    defs = Definitions([*sources, reader], asset_checks=[check_of(key) for key in "abcd"])
    [deps] = [asset.condition for asset in defs.snapshot().assets.values() if asset.key == "reader"]
    assert deps is not None
    assert deps.children[0].fields() == {"ignore": ["a:looks", "b:looks"]}
    world = world_with(*sources, reader, checks=[check_of(key) for key in "abcd"])
    for key in "ab":
        world.report(key)
        world.check(key, "looks", passed=False, blocking=False)
    assert world.settle() == []
    world.report("c")
    world.check("c", "looks", passed=False, blocking=False)
    assert keys_of(world.settle()) == [["reader"]]


def test_a_check_has_neither_passed_nor_failed_on_data_that_it_has_not_seen() -> None:
    passed = C.any_checks_match(C.check_passed()).newly_true()
    failed = C.any_checks_match(C.check_failed()).newly_true()
    world = world_with(
        AssetSpec("raw"), made("reader", C.any_deps_match(passed | failed), deps=["raw"]), checks=[check_of("raw")]
    )
    for result in (True, False):
        world.report("raw")
        assert world.settle() == []
        world.check("raw", "looks", passed=result, blocking=False)
        for run in (runs := world.settle()):
            world.run(run)
        assert keys_of(runs) == [["reader"]]


def test_a_warning_is_a_failure_of_the_check() -> None:
    world = world_with(
        AssetSpec("raw"), made("reader", C.any_deps_match(C.any_checks_match(C.check_failed())), deps=["raw"]),
        checks=[check_of("raw")],
    )  # fmt: skip
    world.report("raw")
    world.append(e.AssetCheckEvaluated(asset_key="raw", check_name="looks", passed=False, severity="WARN"))
    assert keys_of(world.settle()) == [["reader"]]


def test_a_check_of_a_partition_speaks_for_that_partition() -> None:
    days = StaticPartitionsDefinition(["x", "y"])
    condition = C.any_checks_match(C.check_failed())
    world = world_with(made("parted", condition, partitions_def=days), checks=[check_of("parted")])
    world.report("parted", "x")
    world.report("parted", "y")
    world.check("parted", "looks", passed=False, partition="y", blocking=False)
    [run] = world.settle()
    assert run.targets[0].partitions == (("y", "y"),)


def test_all_deps_blocking_checks_passed_waits_for_the_check_and_then_fires() -> None:
    condition = C.eager() & C.all_deps_blocking_checks_passed()
    world = world_with(
        AssetSpec("raw"), made("reader", condition, deps=["raw"]), checks=[check_of("raw", blocking=True)]
    )
    world.report("raw")
    assert world.settle() == []
    world.check("raw", "looks", passed=True)
    assert keys_of(world.settle()) == [["reader"]]


def test_a_check_that_will_run_with_its_asset_counts_as_passed_within_the_tick() -> None:
    condition = C.eager() & C.all_deps_blocking_checks_passed()
    first = made("first", C.eager(), deps=["raw"])
    world = world_with(
        AssetSpec("raw"), first, made("second", condition, deps=[first]), checks=[check_of("first", blocking=True)]
    )
    world.report("raw")
    assert keys_of(world.settle()) == [["first", "second"]]


# ---- assets by their key ---------------------------------------------------------------------------------------------


def test_asset_matches_sees_an_asset_that_is_no_dependency() -> None:
    reader = made("reader", C.asset_matches("far", C.newly_updated()))
    world = world_with(AssetSpec("far"), reader)
    world.report("far")
    assert keys_of(world.settle()) == [["reader"]]


def test_asset_matches_of_what_is_downstream_maps_the_other_way() -> None:
    days = DailyPartitionsDefinition("2026-02-26")
    source = made("source", C.asset_matches("report", C.newly_updated()), partitions_def=days)
    report = made("report", deps=[source], partitions_def=days)
    world = world_with(source, report)
    world.report("report", "2026-02-27")
    [run] = world.settle()
    assert (keys_of([run]), run.targets[0].partitions) == ([["source"]], (("2026-02-27", "2026-02-27"),))


def test_asset_matches_sees_that_what_it_names_will_be_requested() -> None:
    far = made("far", C.eager(), deps=["raw"])
    reader = made("reader", C.asset_matches("far", C.will_be_requested()))
    world = world_with(AssetSpec("raw"), far, reader)
    world.report("raw")
    assert keys_of(world.tick()) == [["far"], ["reader"]]


def test_asset_matches_looks_at_the_dependencies_of_what_it_names() -> None:
    far = made("far", deps=["raw"])
    reader = made("reader", C.asset_matches("far", C.any_deps_match(C.newly_updated())))
    world = world_with(AssetSpec("raw"), far, reader)
    world.report("raw")
    assert keys_of(world.settle()) == [["reader"]]


def test_a_condition_about_dependencies_of_dependencies_sees_a_change_there() -> None:
    middle = made("middle", deps=["raw"])
    reader = made("reader", C.any_deps_match(C.any_deps_match(C.newly_updated())), deps=[middle])
    world = world_with(AssetSpec("raw"), middle, reader)
    world.report("raw")
    assert keys_of(world.settle()) == [["reader"]]


def test_asset_matches_looks_at_all_partitions_where_they_do_not_fit_those_of_the_asset() -> None:
    people, guests = (DynamicPartitionsDefinition(name=name) for name in ("people", "guests"))
    pairs = MultiPartitionsDefinition({"person": people, "guest": guests})
    far = AssetSpec("far", partitions_def=DynamicPartitionsDefinition(name="events"))  # which might be either dimension
    reader = made("reader", C.asset_matches("far", C.newly_updated()), partitions_def=pairs)
    world = world_with(far, reader)
    for name in ("people", "guests", "events"):
        world.append(e.DynamicPartitionsAdded(name=name, keys=("ann",)))
    assert world.settle() == []
    world.report("far", "ann")
    [run] = world.settle()
    assert run.targets[0].partitions == (("ann|ann", "ann|ann"),)


def test_asset_matches_of_what_is_not_defined_is_an_error_with_a_hint() -> None:
    reader = made("reader", C.asset_matches("farr", C.missing()))
    [error] = Definitions([AssetSpec("far"), reader]).errors()
    assert "looks at the asset 'farr', which is not defined. Did you mean 'far'?" in str(error)


# ---- conditions downstream -------------------------------------------------------------------------------------------


def test_any_downstream_conditions_pulls_an_asset_when_a_condition_below_it_holds() -> None:
    source = made("source", C.any_downstream_conditions())
    between = made("between", deps=[source])
    hourly = made("hourly", C.cron_tick_passed("0 * * * *"), deps=[between])
    world = world_with(source, between, hourly)
    world.advance(timedelta(hours=1))
    assert sorted(key for keys in keys_of(world.settle()) for key in keys) == ["hourly", "source"]


def test_any_downstream_conditions_stops_at_the_nearest_and_takes_equal_ones_once() -> None:
    hourly, daily = C.cron_tick_passed("@hourly"), C.cron_tick_passed("@daily")
    source = made("source", C.any_downstream_conditions())
    passing = made("passing", C.any_downstream_conditions() & C.missing(), deps=[source])
    left = made("left", hourly, deps=[passing])
    right = made("right", hourly.with_label("mine"), deps=[source])
    below = made("below", daily, deps=[left])
    snapshot = Definitions([source, passing, left, right, below]).snapshot()
    condition = snapshot.assets["source"].condition
    assert condition is not None
    assert condition.label == "any_downstream_conditions"
    assert sum(node.node_id == hourly.node_id for node in condition.walk()) == 1
    assert daily.node_id not in {node.node_id for node in condition.walk()}


def test_any_downstream_conditions_is_false_where_there_are_none() -> None:
    world = world_with(made("alone", C.any_downstream_conditions()), made("other", C.missing(), deps=["raw"]))
    world.report("raw")
    assert world.settle() == []


def test_the_condition_of_an_asset_downstream_is_evaluated_as_if_on_the_asset_that_asks() -> None:
    source = made("source", C.any_downstream_conditions(), deps=["raw"])
    below = made("below", C.eager(), deps=[source])
    world = world_with(AssetSpec("raw"), source, below)
    world.report("raw")
    assert keys_of(world.settle()) == [["source", "below"]]


@pytest.mark.parametrize("condition", [
    C.any_checks_match(C.check_passed(), blocking_only=True), C.asset_matches(["a", "b"], C.missing()),
    C.executed_with_tags(tag_keys={"b", "a"}, tag_values={"x": "1"}), C.any_downstream_conditions(),
])  # fmt: skip
def test_they_are_the_same_after_a_way_through_json(condition: AutomationCondition) -> None:
    from headwater.definitions.conditions import condition_from_json

    assert condition_from_json(condition.to_json()) == condition
    assert str(condition)
