"""Dumps: folding from any snapshot and the tail behind it is folding from zero, down to the last attribute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from simulation.test_random_worlds import ACTIONS, ASSETS, play, sound

from headwater.definitions.asset import AssetSpec
from headwater.definitions.definitions import Definitions
from headwater.storage import events as e
from headwater.storage.log import EventLog
from headwater.storage.snapshots import newest_state, save
from headwater.storage.state import State
from headwater.storage.state.dumping import Dump, DumpDoesNotFit, dump, load
from headwater.storage.state.fold import HANDLERS
from support.deep_equal import differences
from support.world import World

AT = datetime(2026, 3, 1, tzinfo=UTC)


def fold(log: EventLog, *, until: int | None = None, state: State | None = None) -> State:
    """State through `until`, on from `state` where one is given."""
    state = State.empty(log.definitions_bytes) if state is None else state
    for stored in log.read(state.through, 1_000_000):
        if until is not None and stored.offset > until:
            break
        state.apply(stored)
    return state


def over_a_snapshot(log: EventLog, cut: int) -> State:
    """State of the whole log, by way of a snapshot that was taken at `cut`."""
    before = fold(log, until=cut)
    save(log, dump(before))
    state = newest_state(log, until=before.through)  # the history itself may have taken a newer one
    assert state.through == before.through
    return fold(log, state=state)


@given(actions=st.lists(ACTIONS, max_size=40), cuts=st.lists(st.integers(0, 200), min_size=1, max_size=3, unique=True))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_history_folds_alike_from_zero_and_from_any_snapshot(actions: list[Any], cuts: list[int]) -> None:
    world = World()
    play(world, actions)
    whole = fold(world.log)
    for cut in sorted(cuts):
        assert differences(over_a_snapshot(world.log, cut), whole) == []


KEYS = st.sampled_from(["source", "one", "raw", "clean", "sales", "unheard_of"])
PARTITIONS = st.sampled_from([None, "2026-02-27", "2026-02-28", "ann", "bob|2026-02-27", "nonsense"])
RANGES = st.one_of(st.none(), PARTITIONS.filter(bool).map(lambda key: ((key, key),)))
TARGETS = st.lists(st.builds(e.Target, asset_key=KEYS, partitions=RANGES), max_size=2).map(tuple)
RUNS = st.sampled_from(["r1", "r2"])
STEPS = st.sampled_from(["s1", "s2"])
BACKFILLS = st.sampled_from(["b1", "b2"])
CHECKS = st.lists(
    st.builds(e.PlannedCheck, asset_key=KEYS, name=st.just("sound"), partition=PARTITIONS, blocking=st.booleans()),
    max_size=2,
).map(tuple)
NAMES = st.sampled_from(["nightly", "on_orders"])
VERSIONS = st.sampled_from([None, "1", "2"])
CAUSES = st.lists(st.builds(e.Cause, position=st.sampled_from([1.0, 2.5]), partitions=RANGES), max_size=2).map(tuple)
HASH = Definitions(ASSETS, asset_checks=[sound]).snapshot().hash
FAILURE = e.ErrorInfo(cls="ValueError", message="no")

BUILT: set[type[e.Event]] = set()


def made(cls: type[e.Event], **fields: Any) -> st.SearchStrategy[e.Event]:
    BUILT.add(cls)
    return st.builds(cls, **fields)


EVENTS = st.one_of(
    made(
        e.AssetMaterialized,
        asset_key=KEYS,
        partition=PARTITIONS,
        run_id=st.one_of(st.none(), RUNS),
        step_key=STEPS,
        origin=st.sampled_from(["step", "report", "file"]),
        data_version=VERSIONS,
        code_version=VERSIONS,
    ),
    made(e.AssetObserved, asset_key=KEYS, partition=PARTITIONS, data_version=VERSIONS),
    made(
        e.AssetCheckEvaluated,
        asset_key=KEYS,
        check_name=st.just("sound"),
        partition=PARTITIONS,
        run_id=st.one_of(st.none(), RUNS),
        passed=st.booleans(),
        severity=st.sampled_from(["WARN", "ERROR"]),
        blocking=st.booleans(),
        raised=st.booleans(),
    ),
    made(e.AssetWiped, asset_key=KEYS, partitions=RANGES),
    made(e.DynamicPartitionsAdded, name=st.just("customers"), keys=st.sampled_from([("ann",), ("cy", "bob")])),
    made(e.DynamicPartitionsDeleted, name=st.just("customers"), keys=st.sampled_from([("ann",), ("cy",)])),
    made(e.FreshnessChanged, asset_key=KEYS, state=st.just("WARN"), previous=st.just("UNKNOWN"), at=st.just(AT)),
    made(
        e.RunRequested,
        run_id=RUNS,
        targets=TARGETS,
        checks=CHECKS,
        tags=st.just({"team": "ops"}),
        run_config=st.just({"ops": {"one": [1, None]}}),
        backfill_id=st.one_of(st.none(), BACKFILLS),
    ),
    made(e.RunStarted, run_id=RUNS),
    made(e.RunTagged, tagged_run=RUNS, tags=st.just({"seen": "yes"})),
    made(e.RunSucceeded, run_id=RUNS),
    made(e.RunFailed, run_id=RUNS, reason=st.just("orphaned"), infrastructure=st.booleans()),
    made(e.RunCancelled, run_id=RUNS),
    made(
        e.StepStarted,
        run_id=RUNS,
        step_key=STEPS,
        targets=TARGETS,
        checks=CHECKS,
        inputs=st.just({"source": ()}),
        read_through=st.sampled_from([None, 0, 1]),
    ),
    made(e.StepSucceeded, run_id=RUNS, step_key=STEPS),
    made(e.StepFailed, run_id=RUNS, step_key=STEPS, error=st.just(FAILURE)),
    made(e.StepSkipped, run_id=RUNS, step_key=STEPS, targets=TARGETS, blocked_by=TARGETS),
    made(e.BackfillRequested, backfill_id=BACKFILLS, targets=TARGETS, title=st.just("all of it")),
    made(e.BackfillSkipped, backfill_id=BACKFILLS, targets=TARGETS),
    made(e.BackfillEnded, backfill_id=BACKFILLS, status=st.just("cancelled")),
    made(
        e.Tick,
        through=st.integers(0, 9),
        at=st.just(AT),
        memory=st.lists(
            st.builds(e.MemoryDelta, asset_key=KEYS, node=st.sampled_from(["n", "n@source"]), added=CAUSES), max_size=2
        ).map(tuple),
        decisions=st.lists(st.builds(e.Decision, asset_key=KEYS, partitions=RANGES, causes=CAUSES), max_size=2).map(
            tuple
        ),
        definitions=st.sampled_from(["", HASH]),
        first=st.lists(
            st.builds(e.FirstLook, asset_key=KEYS, on_first=st.just("request"), left=RANGES), max_size=2
        ).map(tuple),
    ),
    made(
        e.ConditionEvaluated,
        node=st.sampled_from(["n", "m"]),
        asset_key=KEYS,
        check_name=st.sampled_from([None, "sound"]),
        status=st.sampled_from(["evaluated", "failed"]),
        at=st.just(AT),
        partitions=RANGES,
        cursor=VERSIONS,
        error=st.sampled_from([None, FAILURE]),
    ),
    made(
        e.SensorEvaluated,
        name=NAMES,
        status=st.sampled_from(["requested", "failed"]),
        at=st.just(AT),
        cursor=VERSIONS,
        run_keys=st.sampled_from([(), ("k1",), ("k2", "k3")]),
        event_offset=st.sampled_from([None, 3]),
    ),
    made(
        e.ScheduleEvaluated,
        name=NAMES,
        status=st.just("requested"),
        at=st.just(AT),
        scheduled_at=st.just(AT),
        run_keys=st.sampled_from([(), ("k1",)]),
    ),
    made(e.SensorSwitched, name=NAMES, on=st.one_of(st.none(), st.booleans())),
    made(e.ScheduleSwitched, name=NAMES, on=st.one_of(st.none(), st.booleans())),
    made(e.SensorCursorSet, name=NAMES, cursor=VERSIONS),
    made(
        e.AutomationSwitched,
        mode=st.sampled_from(["on", "paused", "dry_run"]),
        groups=st.sampled_from([(), ("g",)]),
        assets=st.sampled_from([(), ("orders",)]),
    ),
    made(e.DefinitionsFailed, errors=st.just(("orders.py:3: no",))),
    made(e.DaemonStarted, term=st.integers(1, 3)),
    st.sampled_from(["all", "fewer", "other partitions"]),
)


def wild_world(events: Iterable[e.Event | str]) -> World:
    """A log of events that make no sense together; a text stands for definitions that are loaded."""
    world = World()
    world.define(*ASSETS, checks=[sound])
    for event in events:
        match event:
            case "all":
                world.define(*ASSETS, checks=[sound])
            case "fewer":
                world.define(*ASSETS[:4])
            case "other partitions":
                world.define(AssetSpec("source", partitions_def=ASSETS[1].partitions_def), *ASSETS[1:], checks=[sound])
            case e.Event():
                world.append(event)
    return world


@given(events=st.lists(EVENTS, max_size=40), cut=st.integers(0, 45))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_events_of_every_type_in_any_order_fold_alike_from_a_snapshot(events: list[Any], cut: int) -> None:
    log = wild_world(events).log
    assert differences(over_a_snapshot(log, cut), fold(log)) == []


@given(events=st.lists(EVENTS, max_size=40), page=st.integers(1, 45))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_events_of_every_type_in_any_order_fold_alike_in_pages_and_one_by_one(events: list[Any], page: int) -> None:
    log = wild_world(events).log
    in_pages = State.empty(log.definitions_bytes)
    while found := log.read(in_pages.through, page):
        in_pages.apply_all(found)
    assert differences(in_pages, fold(log)) == []


def test_the_events_of_these_histories_are_of_every_type_that_the_fold_knows() -> None:
    handled = set(HANDLERS)
    assert handled - BUILT == {e.DefinitionsLoaded}  # which stands there as a text


def test_an_attribute_that_no_dump_has_is_found() -> None:
    world = World()
    world.define(*ASSETS, checks=[sound])
    state, other = fold(world.log), fold(world.log)
    assert differences(state, other) == []
    state.memory.forgotten = 1  # type: ignore[attr-defined]
    other.memory.forgotten = 2  # type: ignore[attr-defined]
    assert differences(state, other) == ["state.memory.forgotten: 1 against 2"]
    other.assets["source"].files = {"a": "1"}
    assert len(differences(state, other)) == 2


def test_what_is_dumped_does_not_change_when_state_goes_on() -> None:
    world = World()
    play(
        world,
        [("report", ("source", None)), ("tick", None), ("customer", ("ann", True)), ("report", ("account", "ann"))],
    )
    state = fold(world.log, until=3)
    taken = dump(state)
    again = dump(fold(world.log, until=3))
    fold(world.log, state=state)
    assert taken == again


def test_a_dump_of_other_partitions_is_refused() -> None:
    world = World()
    world.define(*ASSETS)
    taken = dump(fold(world.log))
    other = {**taken.assets, "raw": {**taken.assets["raw"], "space": "daily of another epoch"}}
    with pytest.raises(DumpDoesNotFit, match="'raw' has partitions that the definitions do not know"):
        load(Dump(taken.through, taken.timestamp, other, taken.checks, taken.rest), world.log.definitions_bytes)
