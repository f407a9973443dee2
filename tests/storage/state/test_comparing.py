"""Telling States apart: each attribute of each object counts, and what two processes may do differently does not."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyroaring import BitMap

from headwater import (
    AssetCheckSpec,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    asset,
)
from headwater.storage import events as e
from headwater.storage.state import State
from headwater.storage.state.assets import AssetState, Held, PartitionTable, Setback
from headwater.storage.state.automation import ScheduleState, SensorState
from headwater.storage.state.backfills import BackfillProgress, BackfillState
from headwater.storage.state.causes import Causes
from headwater.storage.state.comparing import LEFT_OUT, _attributes, told_apart
from headwater.storage.state.dumping import dump, load
from headwater.storage.state.positions import Column
from headwater.storage.state.provenance import Provenance
from headwater.storage.state.recent import Recent
from headwater.storage.state.runs import RunState, StepState
from headwater.storage.state.switches import Switch
from support.world import World

DAYS = DailyPartitionsDefinition("2026-01-01")
ALL = (
    State,
    AssetState,
    PartitionTable,
    Provenance,
    Held,
    Setback,
    RunState,
    StepState,
    BackfillState,
    BackfillProgress,
    SensorState,
    ScheduleState,
    Switch,
)


def rich_world() -> World:
    """A history after which State has an object of each kind."""

    @asset(
        deps=["raw"],
        partitions_def=DAYS,
        automation_condition=AutomationCondition.eager(),
        check_specs=[AssetCheckSpec("sound", asset="daily", blocking=True)],
        code_version="1",
    )
    def daily() -> None: ...

    @asset(partitions_def=DynamicPartitionsDefinition(name="customers"))
    def customers() -> None: ...

    world = World()
    world.define(AssetSpec("raw"), daily, customers)
    world.report("raw")
    world.report("daily", "2026-01-01")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    target = e.Target(asset_key="daily", partitions=(("2026-01-02", "2026-01-03"),))
    one = e.Target(asset_key="daily", partitions=(("2026-01-02", "2026-01-02"),))
    other = e.Target(asset_key="daily", partitions=(("2026-01-03", "2026-01-03"),))
    sound = e.PlannedCheck(asset_key="daily", name="sound", partition=None, blocking=True)
    world.log.append(
        [
            e.DynamicPartitionsAdded(name="customers", keys=("ann", "bob")),
            e.AssetMaterialized(asset_key="stray", partition="nowhere", origin="report", data_version="1"),
            e.BackfillRequested(backfill_id="b", origin="manual", targets=(target,)),
            e.RunRequested(run_id="lost", targets=(other,), origin="manual"),
            e.RunFailed(run_id="lost", reason="orphaned", infrastructure=True),
            e.RunRequested(run_id="r", targets=(one,), checks=(sound,), origin="manual", tags={"a": "b"}),
            e.RunStarted(run_id="r"),
            e.StepStarted(run_id="r", step_key="daily", targets=(one,)),
            e.AssetMaterialized(
                asset_key="daily", partition="2026-01-02", run_id="r", step_key="daily", code_version="1"
            ),
            e.AutomationSwitched(mode="paused", groups=("default",)),
            e.SensorEvaluated(name="on_orders", status="skipped", at=at, cursor="3", run_keys=("k",)),
            e.ScheduleEvaluated(name="nightly", at=at, scheduled_at=at, status="skipped", run_keys=("k",)),
            e.SensorSwitched(name="on_orders", on=True),
            e.Tick(
                through=1,
                at=at,
                definitions="",
                memory=(
                    e.MemoryDelta(
                        asset_key="daily",
                        node="n",
                        added=(e.Cause(position=1.0, partitions=(("2026-01-02", "2026-01-02"),)),),
                    ),
                ),
            ),
        ]
    )
    return world


def folded(world: World) -> State:
    state = State.empty(world.log.definitions_bytes)
    for stored in world.log.read(0, 10_000):
        state.apply(stored)
    return state


def objects_in(value: Any, seen: set[int]) -> Iterator[Any]:
    """All objects of State that hang on `value`."""
    if id(value) in seen or isinstance(value, str | int | BitMap | Column | Recent | Causes):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for one in value.values():
            yield from objects_in(one, seen)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from objects_in(one, seen)
    elif not callable(value) and _attributes(value) and type(value).__module__.startswith("headwater.storage.state"):
        yield value
        for name in _attributes(value):
            yield from objects_in(getattr(value, name), seen)


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case datetime():
            return value + timedelta(days=1)
        case BitMap():
            return value ^ BitMap([0])
        case Column():
            other = deepcopy(value)
            other[0] = other[0] + 1
            return other
        case Causes():
            return Causes([*value.groups, (99.0, BitMap([0]))]) if not value.groups else Causes()
        case dict():
            return {**value, "another": "one"} if not value else {}
        case set():
            return {*value, "another"}
        case Recent():
            return Recent([*value, (9, 0)])
        case list() | tuple():
            return type(value)([*value, "another"])
        case None:
            return "something"
    return None


def places() -> Iterator[Any]:
    """Each attribute of each class of State that has one, with the object that it is changed in."""
    state, found = folded(rich_world()), set()
    for number, one in enumerate(objects_in(state, set())):
        for name in _attributes(one):
            if (type(one), name) not in found:
                found.add((type(one), name))
                yield pytest.param(number, name, id=f"{type(one).__name__}.{name}")


@pytest.fixture(scope="module")
def world() -> World:
    return rich_world()


@pytest.mark.parametrize(("number", "name"), [*places()])
def test_a_difference_in_any_attribute_of_any_object_is_seen(world: World, number: int, name: str) -> None:
    state, other = folded(world), folded(world)
    one = [*objects_in(state, set())][number]
    before = getattr(one, name)
    if callable(before) or name in ("table", "stray", "provenance", "key"):
        return  # an object of its own, whose attributes are changed one by one
    value = changed(before)
    if value is None:
        assert type(before).__module__.startswith("headwater"), f"{name}: no other value of {before!r}"
        return
    object.__setattr__(one, name, value)
    assert told_apart(state, other) != []
    assert told_apart(other, state) != []


def test_the_history_has_an_object_of_each_class(world: World) -> None:
    there = {type(one) for one in objects_in(folded(world), set())}
    assert {*ALL} <= there
    for cls, names in LEFT_OUT.items():
        have = [one for one in objects_in(folded(world), set()) if type(one) is cls]
        assert all(hasattr(one, name) for one in have for name in names), f"{cls.__name__} has no longer all of {names}"


def test_an_attribute_that_somebody_adds_tomorrow_counts(world: World) -> None:
    state, other = folded(world), folded(world)
    state.whatever = {"orders": BitMap([1])}  # type: ignore[attr-defined]
    assert told_apart(state, other) == ["the whatever"]


def test_what_two_processes_may_do_differently_is_no_difference(world: World) -> None:
    state, other = folded(world), folded(world)
    state.take_changes()
    state.asset("looked at")
    state.backfills.take_touched()
    state.assets["daily"].pending.add(0)
    assert told_apart(state, other) == []


def test_keys_that_were_numbered_in_another_order_are_the_same(world: World) -> None:
    world.log.append([e.AssetMaterialized(asset_key="customers", partition="bob", origin="report")])
    state = folded(world)
    other = State.empty(world.log.definitions_bytes)
    other.spaces.dynamic("customers").number("bob")
    for stored in world.log.read(0, 10_000):
        other.apply(stored)
    assert [*state.assets["customers"].table.materialized] != [*other.assets["customers"].table.materialized]
    assert told_apart(state, other) == []


def test_a_state_over_a_dump_says_the_same(world: World) -> None:
    state = folded(world)
    assert told_apart(load(dump(state), world.log.definitions_bytes), state) == []
