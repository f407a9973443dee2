"""Backfills as the log tells of them: those under way from State, those that are over from their two events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...definitions.errors import InvalidInvocationError
from ...storage.clock import from_microseconds
from ...storage.events import BackfillEnded, BackfillRequested
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State
from .output import iso, print_table, shortened, shown_time

ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class AssetCount:
    """How far a backfill is with one asset, in partitions."""

    asset_key: str
    total: int
    done: int
    failed: int
    in_progress: int = 0

    @property
    def settled(self) -> int:
        return self.done + self.failed


@dataclass(frozen=True, slots=True)
class BackfillRecord:
    backfill_id: str
    title: str
    origin: str
    status: str
    """"active", or how it ended."""
    requested_at: datetime
    ended_at: datetime | None
    counts: tuple[AssetCount, ...]
    tags: dict[str, str]
    message: str = ""

    def total(self, name: str) -> int:
        return sum(getattr(count, name) for count in self.counts)


def newest_backfills(log: EventLog, state: State, *, limit: int) -> list[BackfillRecord]:
    """The newest first."""
    requests = log.query(types=["backfill_requested"], newest_first=True, limit=limit)
    ends = _ends(log, after=requests[-1].offset if requests else 0)
    return [_record(stored, ends, state) for stored in requests]


def record_of(log: EventLog, state: State, backfill_id: str) -> BackfillRecord:
    """The backfill whose id begins like this.

    Raises:
        InvalidInvocationError: there is none, or several.
    """
    requests = log.query(types=["backfill_requested"], newest_first=True, limit=100_000)
    found = [stored for stored in requests if _request(stored).backfill_id.startswith(backfill_id)]
    if len(found) != 1:
        raise InvalidInvocationError(
            f"{len(found) or 'no'} backfills have an id that begins with {backfill_id!r}. `headwater backfill list` "
            "shows them."
        )
    return _record(found[0], _ends(log, after=found[0].offset), state)


def counts_now(state: State, backfill_id: str) -> tuple[AssetCount, ...]:
    """How far an active backfill is."""
    return tuple(
        AssetCount(key, one.count, len(one.done) + len(one.made), one.failed_count, len(one.in_flight))
        for key, one in state.backfills.progress(backfill_id).items()
    )


def counts_of(end: BackfillEnded) -> tuple[AssetCount, ...]:
    return tuple(
        AssetCount(one.asset_key, one.done + one.failed + one.left, one.done, one.failed) for one in end.counts
    )


def print_backfills(records: list[BackfillRecord]) -> None:
    columns = ("backfill", "status", "partitions", "failed", "assets", "requested", "title")
    rows = [
        (
            record.backfill_id,
            record.status,
            f"{record.total('done')}/{record.total('total')}",
            str(record.total("failed") or ""),
            shortened([count.asset_key for count in record.counts]),
            shown_time(record.requested_at),
            record.title,
        )
        for record in records
    ]
    print_table(columns, rows, right=("partitions", "failed"))


def print_counts(counts: tuple[AssetCount, ...]) -> None:
    rows = [
        (one.asset_key, f"{one.done}/{one.total}", str(one.failed or ""), str(one.in_progress or "")) for one in counts
    ]
    print_table(("asset", "partitions", "failed", "in progress"), rows, right=("partitions", "failed", "in progress"))


def record_as_json(record: BackfillRecord) -> dict[str, Any]:
    return {
        "backfill_id": record.backfill_id,
        "title": record.title,
        "origin": record.origin,
        "status": record.status,
        "requested_at": iso(record.requested_at),
        "ended_at": iso(record.ended_at),
        "tags": record.tags,
        "message": record.message,
        "assets": {
            one.asset_key: {
                "total": one.total,
                "done": one.done,
                "failed": one.failed,
                "in_progress": one.in_progress,
            }
            for one in record.counts
        },
    }


def _record(stored: StoredEvent, ends: dict[str, StoredEvent], state: State) -> BackfillRecord:
    request = _request(stored)
    ended = ends.get(request.backfill_id)
    end = ended.event if ended else None
    if isinstance(end, BackfillEnded):
        status, counts, message = end.status, counts_of(end), end.message
    elif request.backfill_id in state.backfills.active:
        status, counts, message = ACTIVE, counts_now(state, request.backfill_id), ""
    else:
        status, counts, message = ACTIVE, (), ""
    return BackfillRecord(
        request.backfill_id,
        request.title,
        request.origin,
        status,
        from_microseconds(stored.timestamp),
        from_microseconds(ended.timestamp) if ended else None,
        counts,
        request.tags,
        message,
    )


def _request(stored: StoredEvent) -> BackfillRequested:
    assert isinstance(stored.event, BackfillRequested)
    return stored.event


def _ends(log: EventLog, *, after: int) -> dict[str, StoredEvent]:
    """The first end of each backfill that ended behind an offset."""
    found: dict[str, StoredEvent] = {}
    for stored in log.query(types=["backfill_ended"], after=after, limit=100_000):
        assert isinstance(stored.event, BackfillEnded)
        found.setdefault(stored.event.backfill_id, stored)
    return found
