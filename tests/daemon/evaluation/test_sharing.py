"""Reasons that several parts of a Tick have are written once, and read as if they stood in each of them."""

from __future__ import annotations

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.storage import events as e
from support.world import World

KEYS = [f"part-{n:03}" for n in range(200)]
READERS = [f"reader_{n}" for n in range(20)]
PARTS = StaticPartitionsDefinition(KEYS)


def swept() -> tuple[World, e.Tick]:
    """Each of many partitions was updated by an event of its own, and twenty assets read them."""

    def made() -> None: ...

    eager = AutomationCondition.eager()
    readers = [
        asset(name=name, deps=["root"], partitions_def=PARTS, automation_condition=eager)(made) for name in READERS
    ]
    world = World()
    world.define(AssetSpec("root", partitions_def=PARTS), *readers)
    world.tick()
    for key in KEYS:
        world.report("root", key)
    world.tick()
    [newest] = world.log.query(types=["tick"], newest_first=True, limit=1)
    assert isinstance(newest.event, e.Tick)
    return world, newest.event


def test_the_updates_that_reach_many_assets_stand_in_the_tick_once() -> None:
    _, tick = swept()
    assert len(tick.decisions) == len(READERS)
    assert len(tick.shared) == 1
    assert tick.model_dump_json().count('"position"') == len(KEYS)


def test_each_decision_has_all_of_its_reasons() -> None:
    world, tick = swept()
    reported = world.log.query(types=["asset_materialized"], limit=1_000)
    expected = {(float(s.offset), s.event.partition) for s in reported if isinstance(s.event, e.AssetMaterialized)}
    for decision in tick.decisions:
        told = {(cause.position, (cause.partitions or [("", "")])[0][0]) for cause in tick.causes_of(decision)}
        assert told == expected
    assert all({cause.position for cause in tick.added_by(one)} == {at for at, _ in expected} for one in tick.memory)


def test_what_a_shared_reason_asked_for_is_held_back_within_the_interval() -> None:
    world, _ = swept()
    world.settle()
    asked = world.state.asset(READERS[-1]).table.asked
    assert len(asked.bits) == len(KEYS)
    newest = world.log.query(types=["asset_materialized"], newest_first=True, limit=1)[0]
    ordinal = world.state.space("root").find(KEYS[-1])
    assert ordinal is not None
    assert (asked.find(ordinal) or (0, 0))[1] == newest.offset
