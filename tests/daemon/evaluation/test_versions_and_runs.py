"""Operands about versions of code and data, and about the runs that made an update."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import AssetSpec, AutomationCondition, InvalidDefinitionError, asset
from headwater.storage import events as e
from tests.support.world import World, keys_of

C = AutomationCondition
BY_HAND = {"by": "hand"}


def made(name: str, condition: AutomationCondition | None = None, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def update(world: World, key: str, *, version: str | None = None, tags: dict[str, str] | None = None) -> None:
    """A run makes the asset."""
    if tags is None:
        world.append(e.AssetMaterialized(asset_key=key, origin="report", data_version=version))
        return
    run_id = world.ids.new_id()
    world.append(
        e.RunRequested(run_id=run_id, targets=(e.Target(asset_key=key),), tags=tags),
        e.RunStarted(run_id=run_id),
        e.StepStarted(run_id=run_id, step_key=key, targets=(e.Target(asset_key=key),)),
        e.AssetMaterialized(asset_key=key, run_id=run_id, step_key=key, data_version=version),
        e.StepSucceeded(run_id=run_id, step_key=key),
        e.RunSucceeded(run_id=run_id),
    )


def played(world: World) -> list[list[str]]:
    """What is asked for; each run is played to its end."""
    runs = world.settle()
    for run in runs:
        world.run(run)
    return keys_of(runs)


# ---- code_version_changed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "changed"), [("1", "2", True), ("1", "1", False), (None, "1", False), ("1", None, True)]
)
def test_a_code_version_changes_but_for_one_where_there_was_none(
    before: str | None, after: str | None, changed: bool
) -> None:
    world = World()
    world.define(made("a", C.code_version_changed(), code_version=before))
    assert world.settle() == []
    world.define(made("a", C.code_version_changed(), code_version=after))
    assert keys_of(world.settle()) == ([["a"]] if changed else [])
    assert world.settle() == []


def test_a_code_version_that_changed_while_no_daemon_ran_has_changed() -> None:
    world = World()
    world.define(made("a", C.code_version_changed(), code_version="1"))
    world.settle()
    world.define(made("a", C.code_version_changed(), code_version="2"))
    world.restart()
    assert keys_of(world.settle()) == [["a"]]


# ---- data_version_changed --------------------------------------------------------------------------------------------


def test_an_update_to_data_of_the_same_version_changes_nothing() -> None:
    world = World()
    world.define(AssetSpec("raw"), made("a", C.any_deps_match(C.data_version_changed()), deps=["raw"]))
    world.settle()
    for version, expected in [("v1", [["a"]]), ("v1", []), ("v2", [["a"]]), (None, [["a"]]), (None, [["a"]])]:
        update(world, "raw", version=version)
        assert played(world) == expected, version


def test_of_two_updates_in_one_tick_one_that_changes_the_data_is_enough() -> None:
    world = World()
    world.define(AssetSpec("raw"), made("a", C.any_deps_match(C.data_version_changed()), deps=["raw"]))
    update(world, "raw", version="v1")
    played(world)
    for versions, expected in [(("v2", "v2"), [["a"]]), (("v2", "v2"), []), (("v2", "v3"), [["a"]])]:
        for version in versions:
            update(world, "raw", version=version)
        assert played(world) == expected


# ---- executed_with_root_target ---------------------------------------------------------------------------------------


def test_a_run_of_both_in_which_the_reader_failed_was_executed_with_the_root_target() -> None:
    condition = C.any_deps_match(C.newly_updated() & ~C.executed_with_root_target())
    world = World()
    parent = made("parent")
    world.define(parent, made("child", condition, deps=[parent]))
    world.settle()
    both = e.RunRequested(run_id="both", targets=(e.Target(asset_key="parent"), e.Target(asset_key="child")))
    world.append(both)
    world.run(both, fail=["child"])
    assert world.settle() == []
    update(world, "parent", tags={})
    assert played(world) == [["child"]]


# ---- tags of runs ----------------------------------------------------------------------------------------------------


def test_executed_with_tags_is_about_the_run_that_made_it_last() -> None:
    condition = C.any_deps_match(C.newly_updated() & C.executed_with_tags(tag_values=BY_HAND))
    world = World()
    world.define(AssetSpec("raw"), made("a", condition, deps=["raw"]))
    world.settle()
    for tags, expected in [({"by": "hand", "x": "1"}, [["a"]]), ({"by": "clock"}, []), ({}, []), (None, [])]:
        update(world, "raw", tags=tags)
        assert played(world) == expected, tags


def test_any_new_update_asks_one_of_several_runs_and_all_new_updates_each() -> None:
    world = World()
    any_ = made("any", C.any_deps_match(C.any_new_update_has_run_tags(tag_values=BY_HAND)), deps=["raw"])
    all_ = made("all", C.any_deps_match(C.all_new_updates_have_run_tags(tag_keys=["by"])), deps=["raw"])
    world.define(AssetSpec("raw"), any_, all_)
    world.settle()
    update(world, "raw", tags=BY_HAND)
    update(world, "raw", tags={})
    assert played(world) == [["any"]]
    update(world, "raw", tags={"by": "clock"})
    update(world, "raw", tags=BY_HAND)
    assert sorted(played(world)) == [["all"], ["any"]]


def test_a_report_has_no_tags() -> None:
    world = World()
    any_ = made("any", C.any_deps_match(C.any_new_update_has_run_tags(tag_keys=["by"])), deps=["raw"])
    world.define(AssetSpec("raw"), any_)
    world.settle()
    update(world, "raw", tags=BY_HAND)
    assert played(world) == [["any"]]
    update(world, "raw")
    assert world.settle() == []


def test_tags_given_to_a_run_under_way_count() -> None:
    world = World()
    any_ = made("any", C.any_deps_match(C.executed_with_tags(tag_values=BY_HAND)), deps=["raw"])
    world.define(AssetSpec("raw"), any_)
    world.settle()
    target = (e.Target(asset_key="raw"),)
    world.append(
        e.RunRequested(run_id="r", targets=target),
        e.RunTagged(tagged_run="r", tags=BY_HAND),
        e.StepStarted(run_id="r", step_key="raw", targets=target),
        e.AssetMaterialized(asset_key="raw", run_id="r", step_key="raw"),
    )
    assert played(world) == [["any"]]


def test_an_operand_about_tags_asks_for_some() -> None:
    with pytest.raises(InvalidDefinitionError, match="asks for no tag"):
        C.executed_with_tags()
    with pytest.raises(InvalidDefinitionError, match="a set of keys"):
        C.any_new_update_has_run_tags(tag_keys="by")


def test_the_notes_of_runs_that_an_asset_keeps_are_bounded() -> None:
    world = World()
    world.define(AssetSpec("raw"))
    for number in range(5):
        update(world, "raw", tags={"n": str(number)})
    world.settle()
    names = world.state.asset("raw").table.made_in
    assert [dict(world.state.run_notes[name].tags) for name in names] == [{"n": "4"}]
