"""Which events of the log somebody wants to see, and a page of them: the arguments and answers of an instance.

    instance.get_event_records(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key="orders"), limit=10)

Timestamps may be datetimes or seconds since 1970; a cursor is a `storage_id`. "After" and "before" leave the instant or
the event itself out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from ..definitions.errors import InvalidInvocationError
from ..definitions.keys import AssetKey, CoercibleToAssetKey
from .clock import to_microseconds
from .entries import EventLogEntry

Instant = datetime | float
"""An aware datetime, a naive one in UTC, or seconds since 1970."""


class EventType(Enum):
    """Types of events by the field's names; the value is the log's own name, as `events tail --type` takes it."""

    ASSET_MATERIALIZATION = "asset_materialized"
    ASSET_OBSERVATION = "asset_observed"
    ASSET_CHECK_EVALUATION = "asset_check_evaluated"
    ASSET_WIPED = "asset_wiped"
    RUN_ENQUEUED = "run_requested"
    RUN_START = "run_started"
    RUN_SUCCESS = "run_succeeded"
    RUN_FAILURE = "run_failed"
    RUN_CANCELED = "run_cancelled"
    STEP_START = "step_started"
    STEP_SUCCESS = "step_succeeded"
    STEP_FAILURE = "step_failed"
    STEP_SKIPPED = "step_skipped"

    @classmethod
    def named(cls, given: EventType | str) -> str:
        """The log's name of a type that is given as a member, by the field's name or by the log's own."""
        if isinstance(given, EventType):
            return given.value
        if given in cls.__members__:
            return cls[given].value
        from .events import Event

        if given in Event.registry:
            return given
        raise InvalidInvocationError(
            f"there are no events of type {given!r}. Use EventType, such as EventType.RUN_START."
        )


@dataclass(init=False)
class EventRecordsFilter:
    """Events of one type, of an asset, of partitions of it, of a span of time or of the log."""

    event_type: str
    asset_key: AssetKey | None
    asset_partitions: tuple[str, ...] | None
    after_cursor: int | None
    before_cursor: int | None
    after_timestamp: Instant | None
    before_timestamp: Instant | None

    def __init__(
        self,
        event_type: EventType | str,
        asset_key: CoercibleToAssetKey | None = None,
        asset_partitions: Sequence[str] | None = None,
        after_cursor: int | None = None,
        before_cursor: int | None = None,
        after_timestamp: Instant | None = None,
        before_timestamp: Instant | None = None,
    ) -> None:
        self.event_type = EventType.named(event_type)
        self.asset_key = None if asset_key is None else AssetKey.of(asset_key)
        self.asset_partitions = _keys(asset_partitions)
        self.after_cursor, self.before_cursor = after_cursor, before_cursor
        self.after_timestamp, self.before_timestamp = after_timestamp, before_timestamp


@dataclass(init=False)
class AssetRecordsFilter:
    """Materializations or observations of one asset: of some partitions, of a span of time or of the log."""

    asset_key: AssetKey
    asset_partitions: tuple[str, ...] | None
    after_timestamp: Instant | None
    before_timestamp: Instant | None
    after_storage_id: int | None
    before_storage_id: int | None

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        asset_partitions: Sequence[str] | None = None,
        after_timestamp: Instant | None = None,
        before_timestamp: Instant | None = None,
        after_storage_id: int | None = None,
        before_storage_id: int | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key)
        self.asset_partitions = _keys(asset_partitions)
        self.after_timestamp, self.before_timestamp = after_timestamp, before_timestamp
        self.after_storage_id, self.before_storage_id = after_storage_id, before_storage_id


@dataclass(frozen=True, slots=True)
class EventRecordsResult:
    """A page of entries. `cursor` given to the same call again continues behind it."""

    records: list[EventLogEntry]
    cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """What is known of one asset: its newest materialization and observation, None where there was none."""

    asset_key: AssetKey
    last_materialization_record: EventLogEntry | None
    last_observation_record: EventLogEntry | None

    @property
    def asset_entry(self) -> AssetRecord:
        """Itself: where users of the field expect an entry within the record."""
        return self

    @property
    def storage_id(self) -> int:
        """The newest of its two events."""
        entries = (self.last_materialization_record, self.last_observation_record)
        return max(entry.storage_id for entry in entries if entry is not None)

    @property
    def last_materialization(self) -> EventLogEntry | None:
        return self.last_materialization_record

    @property
    def last_observation(self) -> EventLogEntry | None:
        return self.last_observation_record

    @property
    def last_run_id(self) -> str | None:
        return self.last_materialization_record.run_id if self.last_materialization_record else None


class AssetPartitionStatus(Enum):
    """Where a partition stands; one of which nothing is known has none of these."""

    MATERIALIZED = "MATERIALIZED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"


def micros(instant: Instant) -> int:
    """An instant as the log keeps it."""
    if isinstance(instant, datetime):
        return to_microseconds(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    return round(instant * 1_000_000)


def _keys(partitions: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if partitions is None else tuple(partitions)
