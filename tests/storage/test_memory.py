"""The store in memory answers as the database does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.storage.batch import Expect
from headwater.storage.clock import VirtualClock
from headwater.storage.errors import ConflictError, UnknownDefinitions
from headwater.storage.events import AssetMaterialized, Event, RunStarted, RunSucceeded, StepStarted
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.memory import MemoryStore
from headwater.storage.wakeup import LocalWakeups

HISTORY: tuple[tuple[Event, ...], ...] = (
    (RunStarted(run_id="r1"), StepStarted(run_id="r1", step_key="a", asset_key="a")),
    (AssetMaterialized(asset_key="a", run_id="r1"), AssetMaterialized(asset_key="b", partition="p")),
    (RunStarted(run_id="r2"),),
    (AssetMaterialized(asset_key="a", run_id="r2", partition="p"), RunSucceeded(run_id="r1")),
)

QUERIES = (
    {},
    {"asset_key": "a"},
    {"run_id": "r1"},
    {"types": ["asset_materialized"]},
    {"types": []},
    {"asset_key": "a", "run_id": "r2"},
    {"run_id": "r1", "types": ["run_started", "run_succeeded"]},
    {"after": 3},
    {"asset_key": "a", "after": 3},
    {"limit": 2},
    {"limit": 2, "newest_first": True},
    {"asset_key": "a", "limit": 1, "newest_first": True},
    {"asset_key": "nothing"},
    {"after": 100},
)


@pytest.fixture
def log() -> Iterator[EventLog]:
    with EventLog(MemoryStore(), LocalWakeups(), clock=VirtualClock(), ids=SeededIds()) as log:
        yield log


@pytest.fixture
def database() -> Iterator[EventLog]:
    with EventLog.memory(clock=VirtualClock(), ids=SeededIds()) as log:
        yield log


def test_it_holds_the_rows_that_a_database_would_hold(log: EventLog, database: EventLog) -> None:
    for events in HISTORY:
        assert log.append(events) == database.append(events)
    assert log.head() == database.head()
    assert log.read(0) == database.read(0)
    assert log.read(2, limit=3) == database.read(2, limit=3)
    log.verify()


@pytest.mark.parametrize("query", QUERIES)
def test_it_answers_queries_as_a_database_does(log: EventLog, database: EventLog, query: dict[str, object]) -> None:
    for events in HISTORY:
        log.append(events)
        database.append(events)
    assert log.query(**query) == database.query(**query)  # type: ignore[arg-type]


def test_an_expectation_that_does_not_hold_writes_nothing(log: EventLog) -> None:
    [offset] = log.append([RunStarted(run_id="r1")], expect=Expect(run_id="r1", position=0))
    with pytest.raises(ConflictError):
        log.append([RunStarted(run_id="r1")], expect=Expect(run_id="r1", position=0))
    assert log.append([RunSucceeded(run_id="r1")], expect=Expect(run_id="r1", position=offset)) == range(2, 3)
    assert len(log.read(0)) == 2


def test_blobs_are_kept_under_their_hash(log: EventLog) -> None:
    log.append([], blobs={"h": b"bytes"})
    log.append([RunStarted(run_id="r1")], blobs={"h": b"bytes"})
    assert log.definitions_bytes("h") == b"bytes"
    with pytest.raises(UnknownDefinitions):
        log.definitions_bytes("other")


def test_terms_are_counted(log: EventLog) -> None:
    assert (log.take_lead("one"), log.take_lead("two")) == (1, 2)
    assert log.head().term == 2
