"""Decisions computed again from the log: they agree, and where somebody has changed one it is named."""

from __future__ import annotations

from collections.abc import Callable

from headwater.daemon.replay.verify import verify
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.multi_asset import multi_asset
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.storage import events as e
from support.world import World

EAGER = AutomationCondition.eager()
DAILY = DailyPartitionsDefinition(start_date="2026-02-26")


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(automation_condition=EAGER)
def total(orders): ...


@asset(automation_condition=AutomationCondition.on_cron("0 6 * * *"))
def digest(total): ...


@asset(automation_condition=AutomationCondition.newly_requested() | AutomationCondition.newly_updated())
def shadow(): ...


ALL = (AssetSpec("raw", partitions_def=DAILY), AssetSpec("orders"), clean, total, digest, shadow)


def some_days() -> World:
    world = World()
    world.report("shadow")  # before anything is defined
    world.define(*ALL)
    for day in ("2026-02-26", "2026-02-27", "2026-02-28"):
        world.report("raw", day)
    world.report("orders")
    world.run_all(fail=["total"])
    world.advance(86_400 / 4)
    world.settle()
    world.report("orders")
    world.run_all()
    world.restart()
    world.advance(86_400)
    world.run_all()
    return world


def tampered(world: World, change: Callable[[e.Tick], e.Tick], *, nth: int = 0) -> World:
    """The same history with a Tick that was written otherwise: the nth that decided something."""
    again = World()
    found = -1
    for stored in world.log.read(0, 100_000):
        event, blobs = stored.event, {}
        if isinstance(event, e.Tick) and event.decisions:
            found += 1
            if found == nth:
                event = change(event)
        if isinstance(event, e.DefinitionsLoaded):
            blobs = {event.hash: world.log.definitions_bytes(event.hash)}
        again.clock.advance((stored.at - again.clock.now()).total_seconds())
        again.append(event, blobs=blobs)
    return again


def test_what_was_decided_is_decided_again() -> None:
    result = verify(some_days().log)
    assert result.differences == []
    assert result.decisions >= 4
    assert result.silent > 0


def test_every_condition_may_be_looked_at_every_time() -> None:
    assert verify(some_days().log, everything=True).differences == []


def test_what_comes_along_with_others_is_decided_again() -> None:
    @multi_asset(specs=[AssetSpec("p", deps=["orders"], automation_condition=EAGER), AssetSpec("q", deps=["raw"])])
    def both() -> None: ...

    world = World()
    world.define(*ALL, both)
    world.report("orders")
    world.run_all()
    result = verify(world.log)
    assert result.differences == []
    ticks = [stored.event for stored in world.log.query(types=["tick"])]
    assert any(one.along_with for tick in ticks if isinstance(tick, e.Tick) for one in tick.decisions)

    def change(tick: e.Tick) -> e.Tick:
        kept = tuple(one for one in tick.decisions if not one.along_with)
        return tick.model_copy(update={"decisions": kept})

    found = verify(tampered(world, change).log).differences
    assert [(one.part.asset_key, one.part.what) for one in found] == [("q", "requested"), ("q", "runs")]


def test_it_can_begin_anywhere() -> None:
    world = some_days()
    ticks = [verify(world.log, since=offset) for offset in range(world.log.head().offset + 1)]
    assert all(one.agrees for one in ticks)
    assert ticks[0].ticks > ticks[-1].ticks == 0


def test_a_request_without_a_reason_is_found_with_its_leaves() -> None:
    def change(tick: e.Tick) -> e.Tick:
        extra = tick.decisions[0].model_copy(update={"asset_key": "digest", "partitions": None, "leaves": ()})
        return tick.model_copy(update={"decisions": (*tick.decisions, extra)})

    result = verify(tampered(some_days(), change).log)
    assert [(one.part.asset_key, one.part.what) for one in result.differences] == [
        ("digest", "requested"),
        ("digest", "runs"),
    ]
    first = result.differences[0]
    assert first.part.recorded is not None
    assert first.part.recomputed is None
    assert first.leaves
    assert all(leaf.recorded is None for leaf in first.leaves)


def test_a_missing_request_is_found() -> None:
    def change(tick: e.Tick) -> e.Tick:
        return tick.model_copy(update={"decisions": tick.decisions[1:]})

    world = some_days()
    result = verify(tampered(world, change).log)
    ticks = [one.event for one in world.log.query(types=["tick"])]
    lost = next(one.decisions[0] for one in ticks if isinstance(one, e.Tick) and one.decisions)
    assert {one.part.asset_key for one in result.differences} == {lost.asset_key}
    assert {one.part.what for one in result.differences} == {"requested", "runs"}
    assert any(leaf.recomputed is not None for leaf in result.differences[0].leaves)


def test_another_cause_is_found() -> None:
    def change(tick: e.Tick) -> e.Tick:
        wrong = tick.decisions[0].model_copy(update={"causes": (e.Cause(position=1),), "shared": None})
        return tick.model_copy(update={"decisions": (wrong, *tick.decisions[1:])})

    assert "causes" in {one.part.what for one in verify(tampered(some_days(), change).log).differences}


def test_memory_that_was_not_written_is_found() -> None:
    def change(tick: e.Tick) -> e.Tick:
        return tick.model_copy(update={"memory": tick.memory[:-1]})

    result = verify(tampered(some_days(), change).log)
    assert "memory" in {one.part.what for one in result.differences}
    assert result.to_json()["differences"][0]["what"]
