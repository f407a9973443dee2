"""SEMANTICS part 4 (ticks and replay): what a Tick holds, and which ticks are written at all."""

from __future__ import annotations

from typing import Any

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.evaluation.ticker import MAX_SILENT
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage.folding import folded
from support.world import World, keys_of

C = AutomationCondition
EAGER = C.eager()


def made(name: str, condition: AutomationCondition | None, *deps: str) -> Any:
    @asset(name=name, automation_condition=condition, deps=deps)
    def body() -> None: ...

    return body


def chain_world() -> World:
    """source -> first -> second, all made once; `idle` is read by nothing."""
    world = World()
    world.define(AssetSpec("idle"), AssetSpec("source"), made("first", EAGER, "source"), made("second", EAGER, "first"))
    world.report("source")
    world.run_all()
    return world


def ticks(world: World) -> list[e.Tick]:
    return [s.event for s in world.log.query(types=["tick"], limit=10_000) if isinstance(s.event, e.Tick)]


def silent_tick(world: World) -> tuple[int, Any]:
    world.advance(1)
    offset = world.report("idle")
    assert world.tick() == []
    return offset, world.clock.now()


def test_a_tick_holds_what_it_had_read_when_it_was_under_which_definitions_and_the_reasons_of_each_request() -> None:
    world = chain_world()
    offset = world.report("source")
    world.advance(5)
    world.tick()
    tick = ticks(world)[-1]
    assert (tick.through, tick.at, tick.definitions) == (offset, world.clock.now(), world.state.definitions_hash)
    first, second = tick.decisions
    assert [cause.position for cause in tick.causes_of(first)] == [offset]
    assert first.condition == EAGER.node_id
    assert {(leaf[0].rpartition("/")[2], leaf[1]) for leaf in first.leaves} >= {("newly_updated", offset)}
    assert {leaf[0].rpartition("/")[2] for leaf in second.leaves} >= {"will_be_requested"}
    assert [(delta.asset_key, [cause.position for cause in tick.added_by(delta)]) for delta in tick.memory] == [
        ("first", [offset])
    ]


def test_a_tick_that_decides_nothing_is_not_written_and_the_next_one_lists_where_it_stood() -> None:
    world = chain_world()
    written = len(ticks(world))
    boundaries = [silent_tick(world) for _ in range(3)]
    assert len(ticks(world)) == written
    world.report("source")
    world.tick()
    assert list(ticks(world)[-1].silent)[-3:] == boundaries
    assert verify(world.log, everything=True).differences == []


def test_silent_ticks_are_written_down_together_when_there_are_many() -> None:
    world = chain_world()
    written = len(ticks(world))
    for _ in range(MAX_SILENT + 1):
        world.advance(1)
        world.tick()
    assert len(ticks(world)) == written + 1
    assert len(ticks(world)[-1].silent) == MAX_SILENT


def test_silent_ticks_that_a_crash_has_lost_are_one_span_to_the_next_tick() -> None:
    world = chain_world()
    for _ in range(3):
        silent_tick(world)
    world.restart()
    world.report("source")
    world.tick()
    assert ticks(world)[-1].silent == ()
    assert verify(world.log, everything=True).differences == []


def test_no_tick_spans_a_change_of_definitions() -> None:
    world = chain_world()
    before = world.state.definitions_hash
    seen = world.report("source")
    world.define(AssetSpec("source"), made("first", EAGER & ~C.execution_failed(), "source"))
    world.report("source")
    runs = world.tick()
    old, new = ticks(world)[-2:]
    assert (old.through, old.definitions) == (seen, before)
    assert new.definitions == world.state.definitions_hash != before
    assert keys_of(runs)[0][0] == "first"


def test_what_conditions_remember_comes_from_ticks_and_from_nothing_else() -> None:
    world = chain_world()
    world.report("source")
    world.settle()
    assert folded(world.log).memory.nodes == world.state.memory.nodes
