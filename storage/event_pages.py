"""Pages of the log's events, as an instance gives them: of an asset, of a type, of a span of time or of the log.

Time never goes back along the log, so that a walk by offset ends where the time that is wanted ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..definitions.keys import CoercibleToAssetKey
from .entries import EventLogEntry
from .log import EventLog, StoredEvent
from .records import AssetRecordsFilter, EventRecordsFilter, EventRecordsResult, EventType, Instant, micros

PAGE = 1_000

MATERIALIZED, OBSERVED, WIPED = "asset_materialized", "asset_observed", "asset_wiped"


class EventPages:
    """The part of `Instance` that gives events in pages."""

    log: EventLog

    def fetch_materializations(
        self,
        records_filter: CoercibleToAssetKey | AssetRecordsFilter,
        limit: int = PAGE,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of the materializations of an asset, newest first unless `ascending`; those that were wiped since are
        among them, for this is the history.

        >>> page = instance.fetch_materializations("orders", limit=100)
        >>> more = instance.fetch_materializations("orders", limit=100, cursor=page.cursor)
        """
        return self._fetch(MATERIALIZED, records_filter, limit, cursor, ascending)

    def fetch_observations(
        self,
        records_filter: CoercibleToAssetKey | AssetRecordsFilter,
        limit: int = PAGE,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """As `fetch_materializations`, of observations."""
        return self._fetch(OBSERVED, records_filter, limit, cursor, ascending)

    def get_event_records(
        self, event_records_filter: EventRecordsFilter | EventType, limit: int | None = None, ascending: bool = False
    ) -> list[EventLogEntry]:
        """The events of one type that a filter lets through, newest first unless `ascending`."""
        wanted = event_records_filter
        if not isinstance(wanted, EventRecordsFilter):
            wanted = EventRecordsFilter(wanted)
        found = self._events(
            wanted.event_type,
            None if wanted.asset_key is None else str(wanted.asset_key),
            wanted.asset_partitions,
            (wanted.after_cursor, wanted.before_cursor),
            (wanted.after_timestamp, wanted.before_timestamp),
            ascending=ascending,
            limit=limit,
        )
        return [EventLogEntry.of(stored) for stored in found]

    def _fetch(
        self,
        type: str,
        wanted: CoercibleToAssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None,
        ascending: bool,
    ) -> EventRecordsResult:
        if not isinstance(wanted, AssetRecordsFilter):
            wanted = AssetRecordsFilter(wanted)
        after, before = wanted.after_storage_id, wanted.before_storage_id
        if cursor is not None and ascending:
            after = max(after or 0, int(cursor))
        elif cursor is not None:
            before = int(cursor) if before is None else min(before, int(cursor))
        found = self._events(
            type,
            str(wanted.asset_key),
            wanted.asset_partitions,
            (after, before),
            (wanted.after_timestamp, wanted.before_timestamp),
            ascending=ascending,
            limit=limit + 1,
        )
        records = [EventLogEntry.of(stored) for stored in found]
        has_more, records = len(records) > limit, records[:limit]
        behind = (
            str(records[-1].storage_id)
            if records
            else cursor or ("0" if ascending else str(self.log.head().offset + 1))
        )
        return EventRecordsResult(records, behind, has_more)

    def _events(
        self,
        type: str,
        asset_key: str | None,
        partitions: tuple[str, ...] | None,
        offsets: tuple[int | None, int | None],
        instants: tuple[Instant | None, Instant | None],
        *,
        ascending: bool,
        limit: int | None,
    ) -> Iterator[StoredEvent]:
        """The events between two offsets and between two instants. Time never goes back along the log, so that a walk
        ends at the far instant; it begins at the near end of the offsets."""
        (after, before), left = offsets, limit
        earliest = None if instants[0] is None else micros(instants[0])
        latest = None if instants[1] is None else micros(instants[1])
        after = after or 0
        while left is None or left > 0:
            page = self.log.query(
                asset_key=asset_key,
                types=[type],
                partitions=partitions,
                after=after,
                before=before,
                limit=PAGE if left is None else min(left, PAGE),
                newest_first=not ascending,
            )
            for stored in page:
                too_early = earliest is not None and stored.timestamp <= earliest
                too_late = latest is not None and stored.timestamp >= latest
                if (too_late and ascending) or (too_early and not ascending):
                    return
                if not (too_early or too_late):
                    yield stored
                    left = None if left is None else left - 1
            if not page:
                return
            after, before = (page[-1].offset, before) if ascending else (after, page[-1].offset)
