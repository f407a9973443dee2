"""The fold: the same events give the same State however they are cut, and keys survive a change of their space."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from pyroaring import BitMap

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.storage import events as e
from headwater.storage.state import Causes, State
from headwater.storage.state.ordinals import Spaces, spans
from headwater.storage.state.positions import Column
from support.world import World

DAILY = DailyPartitionsDefinition(start_date="2026-02-26")


@asset(automation_condition=AutomationCondition.eager(), partitions_def=DAILY)
def clean(inbox): ...


@asset_check(asset="clean", blocking=True)
def sound(): ...


INBOX = AssetSpec("inbox", partitions_def=DAILY)


def picture(state: State) -> dict[str, Any]:
    """Everything that State says, by key."""
    assets = {}
    for key, asset_state in state.assets.items():
        for table in asset_state.tables:
            for ordinal in table.known():
                assets[key, table.space.key(ordinal)] = (
                    table.update[ordinal],
                    table.made_from[ordinal],
                    table.handled[ordinal],
                    ordinal in table.materialized,
                    ordinal in table.failed,
                    table.is_shut(ordinal),
                    repr(table.held.get(ordinal)),
                    repr(table.setbacks.get(ordinal)),
                    table.versions.get(ordinal),
                    table.provenance.made_at[ordinal],
                    table.provenance.read_at[ordinal],
                    [how for how, bits in table.provenance.made_with.items() if ordinal in bits],
                    table.provenance.changes.get(ordinal),
                    sorted(map(str, table.blocked.get(ordinal, ()))),
                    ordinal in asset_state.pending and table is asset_state.table,
                    ordinal in asset_state.in_progress and table is asset_state.table,
                )
    memory = {(key, node): repr(causes) for key, nodes in state.memory.nodes.items() for node, causes in nodes.items()}
    return {"assets": assets, "runs": {k: repr(run) for k, run in state.runs.items()}, "memory": memory}


def fold(world: World, upto: int) -> State:
    state = State.empty(world.log.definitions_bytes)
    for stored in world.log.read(0, 100_000)[:upto]:
        state.apply(stored)
    return state


def busy_world() -> World:
    """A log with an example of nearly everything."""
    world = World()
    world.define(INBOX, clean, checks=[sound])
    for day in ("2026-02-26", "2026-02-27", "2026-02-28"):
        world.report("inbox", day)
    first, second, third = world.settle()
    world.run(first)
    world.run(second, checks={"clean": {"sound": False}})
    world.start(third.run_id, "clean")
    world.end(third.run_id, "orphaned")
    world.settle()
    world.advance(2)
    [again] = world.settle()
    world.run(again, fail=["clean"])
    world.settle()
    world.report("inbox", "2026-02-27")
    world.settle()
    return world


@given(cut=st.integers(1, 60))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_taking_changes_in_between_does_not_alter_the_fold(cut: int) -> None:
    world = busy_world()
    whole = fold(world, 100_000)
    pieces = State.empty(world.log.definitions_bytes)
    for stored in world.log.read(0, 100_000):
        pieces.apply(stored)
        if stored.offset % cut == 0:
            pieces.take_changes()
    assert picture(pieces) == picture(whole)


def test_a_fold_from_the_log_equals_the_one_the_daemon_kept() -> None:
    world = busy_world()
    world.tick()
    assert picture(fold(world, world.state.through)) == picture(world.state)


def test_definitions_that_go_and_come_back_find_their_history() -> None:
    world = busy_world()
    before = picture(fold(world, 100_000))["assets"]
    world.define(AssetSpec("something_else"))
    world.define(INBOX, clean, checks=[sound])
    assert picture(fold(world, 100_000))["assets"] == before


def test_other_partitions_keep_the_keys_that_both_have() -> None:
    world = World()
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["red", "green"])))
    world.report("colours", "green")
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["blue", "green", "yellow"])))
    state = fold(world, 100_000)
    table, ordinal = state.assets["colours"].locate("green")
    assert table is state.assets["colours"].table
    assert ordinal in table.materialized
    assert table.update[ordinal] == 2


def test_an_observation_is_an_update_only_when_its_data_version_changed() -> None:
    world = World()
    world.define(AssetSpec("source"))
    world.append(e.AssetObserved(asset_key="source", data_version="1"))
    world.append(e.AssetObserved(asset_key="source", data_version="1"))
    assert fold(world, 100_000).assets["source"].table.update[0] == 2
    world.append(e.AssetObserved(asset_key="source", data_version="2"))
    assert fold(world, 100_000).assets["source"].table.update[0] == 4


def test_the_step_that_makes_several_assets_is_remembered_with_their_updates() -> None:
    world = World()
    world.define(INBOX, clean)
    world.report("inbox", "2026-02-27")
    [run] = world.settle()
    started = world.start(run.run_id, "clean")
    made = world.finish(run.run_id, "clean")
    table, ordinal = fold(world, 100_000).assets["clean"].locate("2026-02-27")
    assert (table.handled[ordinal], table.made_from[ordinal]) == (started, started)
    assert table.update[ordinal] == made - 1  # the materialisation stands before the step's success


def test_an_event_that_nothing_defines_is_kept() -> None:
    world = World()
    world.report("unheard_of", "anything")
    table, ordinal = fold(world, 100_000).assets["unheard_of"].locate("anything")
    assert table.update[ordinal] == 1


def test_days_are_counted_from_a_fixed_epoch_whatever_the_start_date() -> None:
    early, late = (DailyPartitionsDefinition(start_date=day) for day in ("2001-01-01", "2026-01-01"))
    spaces = Spaces()
    assert spaces.of(early) is spaces.of(late)
    assert spaces.of(early).find("2026-02-27") == spaces.of(late).find("2026-02-27")


def test_ranges_and_bits_are_each_others_inverse() -> None:
    space = Spaces().of(DAILY)
    bits = BitMap([20000, 20001, 20002, 20010])
    ranges = space.ranges(bits)
    assert ranges is not None
    assert len(ranges) == 2
    assert space.bits(ranges) == bits


@given(st.sets(st.integers(0, 200)))
def test_spans_cover_exactly_the_ordinals(ordinals: set[int]) -> None:
    covered = [n for first, last in spans(BitMap(ordinals)) for n in range(first, last + 1)]
    assert covered == sorted(ordinals)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 10**12)), max_size=40))
def test_a_column_is_a_dict_whose_default_is_zero(writes: list[tuple[int, int]]) -> None:
    column, model = Column(), {}
    for ordinal, value in writes:
        column[ordinal] = model[ordinal] = value
    assert dict(column.items()) == model
    assert all(column[n] == model.get(n, 0) for n in range(502))


@given(st.lists(st.tuples(st.integers(1, 9), st.sets(st.integers(0, 9))), max_size=8))
def test_causes_keep_the_newest_position_of_each_partition(groups: list[tuple[int, set[int]]]) -> None:
    causes = Causes((position, BitMap(bits)) for position, bits in groups)
    newest = {n: max(p for p, bits in groups if n in bits) for n in set().union(*(bits for _, bits in groups))}
    assert {n: causes.position(n) for n in causes.bits} == newest


# ---- wiping and tagging ----------------------------------------------------------------------------------------------


def test_what_is_wiped_is_as_if_it_had_never_been_made() -> None:
    world = World()
    world.define(INBOX, clean, checks=[sound])
    for day in ("2026-02-26", "2026-02-27"):
        world.report("clean", day)
        world.check("clean", "sound", passed=False, partition=day)
    world.append(e.AssetWiped(asset_key="clean", partitions=(("2026-02-26", "2026-02-26"),)))
    table = fold(world, world.log.head().offset).asset("clean").table
    left = table.space.find("2026-02-27")
    assert list(table.materialized) == [left]
    assert list(table.shut()) == [left]
    assert list(table.known()) == [left]
    assert table.updated_after(0, until=world.log.head().offset) == [left]
    world.append(e.AssetWiped(asset_key="clean"))
    assert list(fold(world, world.log.head().offset).asset("clean").table.known()) == []


def test_a_wipe_during_an_attempt_leaves_its_horizon() -> None:
    world = World()
    world.define(INBOX, clean)
    world.report("inbox", "2026-02-28")
    [run] = world.settle()
    started = world.start(run.run_id, "clean")
    world.append(e.AssetWiped(asset_key="clean"))
    world.finish(run.run_id, "clean")
    table = fold(world, world.log.head().offset).asset("clean").table
    place = table.space.find("2026-02-28")
    assert place is not None
    assert table.handled[place] == started
    assert place in table.materialized


def test_tags_reach_a_run_that_has_not_ended_and_no_other() -> None:
    world = World()
    world.append(
        e.RunRequested(run_id="r1", tags={"team": "ops", "env": "dev"}),
        e.RunTagged(tagged_run="r1", tags={"env": "prod"}),
        e.RunTagged(tagged_run="gone", tags={"env": "prod"}),
    )
    state = fold(world, 3)
    assert state.runs["r1"].tags == {"team": "ops", "env": "prod"}
    assert list(state.runs) == ["r1"]
