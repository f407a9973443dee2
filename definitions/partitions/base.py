"""Partitions: the parts of an asset that are made, checked and counted on their own, each with a key.

A definition says which keys exist at a given instant; it is pure data and reads no clock unless the caller leaves the
instant out. Partition sets elsewhere are bitmaps over *ordinals*; `space` is the fingerprint of a definition's ordinal
space: two definitions of one space give a key the same ordinal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from ..errors import InvalidDefinitionError, UnknownPartition

JsonData = dict[str, Any]


class TimeWindow(NamedTuple):
    """The span [start, end) of a partition, as aware datetimes in its own time zone."""

    start: datetime
    end: datetime


class PartitionKeyRange(NamedTuple):
    """The partitions from `start` to `end`, both included, in the order of their definition."""

    start: str
    end: str


class PartitionsDefinition(ABC):
    """Which partitions an asset has. Definitions are values: equal if they say the same, and never changed."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[PartitionsDefinition]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        PartitionsDefinition.kinds[cls.kind] = cls

    @abstractmethod
    def get_partition_keys(self, current_time: datetime | None = None) -> list[str]:
        """The keys that exist at `current_time` (default: now), in order."""

    @abstractmethod
    def has_partition_key(self, key: str, current_time: datetime | None = None) -> bool: ...

    @property
    @abstractmethod
    def space(self) -> str:
        """The fingerprint of the ordinal space."""

    @abstractmethod
    def to_json(self) -> JsonData: ...

    @classmethod
    @abstractmethod
    def from_json(cls, data: JsonData) -> PartitionsDefinition: ...

    @abstractmethod
    def describe(self) -> str:
        """The definition in a few words, as they stand in a message: "daily partitions from 2013-01-01 (UTC)"."""

    def get_first_partition_key(self, current_time: datetime | None = None) -> str | None:
        return next(iter(self.get_partition_keys(current_time)), None)

    def get_last_partition_key(self, current_time: datetime | None = None) -> str | None:
        return next(reversed(self.get_partition_keys(current_time)), None)

    def get_partition_keys_in_range(self, span: PartitionKeyRange, current_time: datetime | None = None) -> list[str]:
        """The keys from `span.start` to `span.end`, both included; none if they stand the other way round.

        Raises:
            UnknownPartition: an end of the range does not exist.
        """
        keys = self.get_partition_keys(current_time)
        positions = {key: position for position, key in enumerate(keys)}
        for key in (span.start, span.end):
            if key not in positions:
                raise UnknownPartition(key, known=self.describe())
        return keys[positions[span.start] : positions[span.end] + 1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionsDefinition) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.space)

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


def partitions_from_json(data: JsonData) -> PartitionsDefinition:
    """The definition that `to_json()` was called on."""
    cls = PartitionsDefinition.kinds.get(data["kind"])
    if cls is None:
        raise InvalidDefinitionError(f"partitions of kind {data['kind']!r} are not known to this version of headwater")
    return cls.from_json(data)


def utc_now() -> datetime:
    return datetime.now(UTC)
