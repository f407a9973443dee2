"""What a log promises, on every store: order, time, expectations, queries, blobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.storage.clock import VirtualClock
from headwater.storage.errors import ConflictError, LogClosed, NotStorable, UnknownDefinitions
from headwater.storage.events import (
    AssetMaterialized,
    AssetObserved,
    DaemonStarted,
    DefinitionsLoaded,
    Event,
    RunCancelled,
    RunRequested,
    RunStarted,
    StepStarted,
)
from headwater.storage.log import EventLog, Expect


def observed(asset_key: str = "orders", *, version: str | None = None, run_id: str | None = None) -> AssetObserved:
    return AssetObserved(asset_key=asset_key, data_version=version, run_id=run_id)


# ---- order and time --------------------------------------------------------------------------------------------------


def test_events_come_back_as_they_were_written_in_the_order_of_their_offsets(log: EventLog) -> None:
    written: list[Event] = [
        RunRequested(run_id="r1", tags={"team": "flüge"}),
        StepStarted(run_id="r1", step_key="orders", inputs={"raw": (("2013-01-01", "2013-01-31"),)}),
        AssetMaterialized(
            asset_key="orders", partition="2013-01-01", run_id="r1", metadata={"rows": {"value": [1, None]}}
        ),
    ]

    assert log.append(written[:2]) == range(1, 3)
    assert log.append(written[2:]) == range(3, 4)

    assert [stored.event for stored in log.read(after=0)] == written
    assert [stored.offset for stored in log.read(after=0)] == [1, 2, 3]
    assert log.head().offset == 3


def test_reading_starts_behind_an_offset_and_ends_at_a_limit(log: EventLog) -> None:
    log.append([observed(version=str(n)) for n in range(10)])

    assert [stored.offset for stored in log.read(after=4, limit=3)] == [5, 6, 7]
    assert log.read(after=10) == []


def test_a_new_log_is_empty(log: EventLog) -> None:
    assert log.read(after=0) == []
    assert log.head()[:2] == (0, 0)
    log.verify()


def test_an_append_of_nothing_writes_nothing(log: EventLog) -> None:
    log.append([observed()])

    assert log.append([]) == range(2, 2)
    assert log.head().offset == 1


def test_time_is_that_of_the_commit_and_never_goes_back(log: EventLog, clock: VirtualClock) -> None:
    clock.set(datetime(2026, 3, 1, 6, 0, 0, 123_456, tzinfo=UTC))
    log.append([observed()])
    clock.advance(timedelta(hours=-1))
    log.append([observed()])
    clock.advance(timedelta(hours=2))
    log.append([observed()])

    first, second, third = log.read(after=0)
    assert first.at == second.at == datetime(2026, 3, 1, 6, 0, 0, 123_456, tzinfo=UTC)
    assert third.at == datetime(2026, 3, 1, 7, 0, 0, 123_456, tzinfo=UTC)


def test_every_event_has_an_id_of_its_own(log: EventLog) -> None:
    log.append([observed(), observed()])
    log.append([observed()])

    assert len({stored.id for stored in log.read(after=0)}) == 3


# ---- expectations ----------------------------------------------------------------------------------------------------


def test_of_two_claims_of_a_run_one_wins(log: EventLog) -> None:
    requested = log.append([RunRequested(run_id="r1")])[0]
    unclaimed = Expect(run_id="r1", position=requested)

    log.append([RunStarted(run_id="r1", worker="a")], expect=unclaimed)
    with pytest.raises(ConflictError, match="newest offset of run 'r1' is 2, not 1") as conflict:
        log.append([RunStarted(run_id="r1", worker="b")], expect=unclaimed)

    assert (conflict.value.expected, conflict.value.actual) == (1, 2)
    assert log.head().offset == 2


def test_a_run_without_events_stands_at_position_zero(log: EventLog) -> None:
    nothing_yet = Expect(run_id="r1", position=0)

    log.append([RunRequested(run_id="r1")], expect=nothing_yet)
    with pytest.raises(ConflictError):
        log.append([RunRequested(run_id="r1")], expect=nothing_yet)


def test_events_of_other_runs_are_no_conflict(log: EventLog) -> None:
    position = log.append([RunRequested(run_id="r1")])[0]
    log.append([RunRequested(run_id="r2"), RunCancelled(run_id="r2")])

    assert log.append([RunStarted(run_id="r1")], expect=Expect(run_id="r1", position=position)) == range(4, 5)


def test_nothing_of_a_batch_that_conflicts_is_written(log: EventLog) -> None:
    with pytest.raises(ConflictError):
        log.append([observed(), observed()], expect=Expect(term=7), blobs={"abc": b"definitions"})

    assert log.read(after=0) == []
    with pytest.raises(UnknownDefinitions, match="'abc'"):
        log.definitions_bytes("abc")


def test_a_leader_of_an_older_term_can_commit_nothing(log: EventLog) -> None:
    first = log.take_lead("daemon a")
    log.append([observed()], expect=Expect(term=first))
    second = log.take_lead("daemon b")

    with pytest.raises(ConflictError, match=r"leader's term is 2, not 1"):
        log.append([observed()], expect=Expect(term=first))

    log.append([observed()], expect=Expect(term=second))
    assert [stored.event for stored in log.query(types=["daemon_started"])] == [
        DaemonStarted(term=1, holder="daemon a"),
        DaemonStarted(term=2, holder="daemon b"),
    ]
    assert log.head().term == second == 2


def test_a_position_without_a_run_is_refused() -> None:
    with pytest.raises(ValueError, match="both run_id and position"):
        Expect(position=3)


# ---- queries and blobs -----------------------------------------------------------------------------------------------


def test_a_query_finds_by_asset_run_and_type(log: EventLog) -> None:
    log.append([RunRequested(run_id="r1"), observed("orders", run_id="r1"), observed("users", run_id="r1")])
    log.append([AssetMaterialized(asset_key="orders"), RunRequested(run_id="r2")])

    def offsets(**wanted: Any) -> list[int]:
        return [stored.offset for stored in log.query(**wanted)]

    assert offsets(asset_key="orders") == [2, 4]
    assert offsets(run_id="r1") == [1, 2, 3]
    assert offsets(run_id="r1", asset_key="orders") == [2]
    assert offsets(types=["run_requested", "asset_materialized"]) == [1, 4, 5]
    assert offsets(asset_key="orders", types=["asset_observed"]) == [2]
    assert offsets(types=[]) == []
    assert offsets() == [1, 2, 3, 4, 5]


def test_a_query_gives_the_newest_first_and_pages_by_offset(log: EventLog) -> None:
    log.append([observed("orders" if n % 2 else "users") for n in range(1, 11)])

    newest = [stored.offset for stored in log.query(asset_key="orders", newest_first=True, limit=2)]
    page = [stored.offset for stored in log.query(asset_key="orders", after=3, limit=2)]
    rest = [stored.offset for stored in log.query(after=8, newest_first=True)]

    assert (newest, page, rest) == ([9, 7], [5, 7], [10, 9])


def test_a_blob_is_stored_once_with_the_events_that_name_it(log: EventLog) -> None:
    for _ in range(2):
        log.append([DefinitionsLoaded(hash="abc")], blobs={"abc": b"\x00definitions"})
    log.append([DefinitionsLoaded(hash="abc")], blobs={"abc": b"the first is kept"})

    assert log.definitions_bytes("abc") == b"\x00definitions"
    assert len(log.read(after=0)) == 3


def test_a_blob_can_be_stored_without_an_event(log: EventLog) -> None:
    log.append([], blobs={"abc": b"definitions"})

    assert log.definitions_bytes("abc") == b"definitions"
    assert log.head().offset == 0


# ---- async, closing, opening -----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_an_async_append_is_durable_when_it_returns(log: EventLog) -> None:
    assert await log.append_async([observed()], blobs={"abc": b"definitions"}) == range(1, 2)
    assert len(log.read(after=0)) == 1
    with pytest.raises(ConflictError):
        await log.append_async([observed()], expect=Expect(term=7))


@pytest.mark.parametrize("event", [AssetObserved(asset_key="a\0b"), AssetObserved(asset_key="a", partition="\0")])
def test_a_text_that_no_database_can_store_is_refused_before_anything_is_written(
    log: EventLog, event: AssetObserved
) -> None:
    with pytest.raises(NotStorable, match="NUL character"):
        log.append([event])
    assert log.append([AssetObserved(asset_key="a", metadata={"text": "\0"})]) == range(1, 2)


def test_a_closed_log_refuses_and_closing_twice_does_nothing(log: EventLog) -> None:
    log.close()
    log.close()

    with pytest.raises(LogClosed, match="open it again"):
        log.append([observed()])
    with pytest.raises(LogClosed):
        log.read(after=0)


def test_a_log_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with EventLog.open(tmp_path / "new" / "home") as log:
        log.append([observed(version="1")])
    with EventLog.open(tmp_path / "new" / "home") as log:
        assert log.append([observed(version="2")]) == range(2, 3)
        assert [stored.event for stored in log.read(after=0)] == [observed(version="1"), observed(version="2")]
        log.verify()
