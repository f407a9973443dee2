"""Partitions: the parts of an asset that are made, checked and counted on their own, each with a key.

A definition says which keys exist at a given instant; it is pure data and reads no clock unless the caller leaves the
instant out. Keys that are added at run time stand in the log: a caller who asks for them hands in a
`DynamicPartitionsStore`, such as an Instance. Partition sets elsewhere are bitmaps over *ordinals*; `space` is the
fingerprint of a definition's ordinal space: two definitions of one space give a key the same ordinal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from ..errors import InvalidDefinitionError, InvalidInvocationError, UnknownPartition

if TYPE_CHECKING:
    from .time_windows import TimeWindowPartitionsDefinition

JsonData = dict[str, Any]


class TimeWindow(NamedTuple):
    """The span [start, end) of a partition, as aware datetimes in its own time zone.

    >>> window = DailyPartitionsDefinition("2026-03-01").time_window_for_partition_key("2026-03-02")
    >>> window.end.isoformat()
    '2026-03-03T00:00:00+00:00'
    """

    start: datetime
    end: datetime


class PartitionKeyRange(NamedTuple):
    """The partitions from `start` to `end`, both included, in the order of their definition.

    >>> week = PartitionKeyRange("2026-03-02", "2026-03-08")
    >>> week.start
    '2026-03-02'
    """

    start: str
    end: str


class DynamicPartitionsStore(Protocol):
    """Knows the keys that were added at run time: an Instance, or State."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a `DynamicPartitionsDefinition(name=...)`, in the order in which they were added."""
        ...


class PartitionsDefinition(ABC):
    """Which partitions an asset has. Definitions are values: equal if they say the same, and never changed."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[PartitionsDefinition]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        PartitionsDefinition.kinds[cls.kind] = cls

    @abstractmethod
    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        """The keys that exist at `current_time` (default: now), in order."""

    @abstractmethod
    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool: ...

    @property
    def dynamic_names(self) -> frozenset[str]:
        """The names of the sets of keys that are added at run time and that this definition is made of."""
        return frozenset()

    @property
    def time_windows(self) -> tuple[TimeWindowPartitionsDefinition, ...]:
        """The windows of time that this definition is made of: new keys come to exist when one of them is complete."""
        return ()

    def window(self, key: str) -> TimeWindow:
        """The span of the partition `key`, where it has one.

        Raises:
            InvalidInvocationError: these are no windows of time.
        """
        raise InvalidInvocationError(f"{self.describe()} are no windows of time: {key!r} has no span")

    def typed_key(self, key: str) -> str:
        """`key` with what can be asked of it: a `MultiPartitionKey` where there are several dimensions."""
        return key

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

    def get_first_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        return next(iter(self.get_partition_keys(current_time, dynamic_partitions_store)), None)

    def get_last_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        return next(reversed(self.get_partition_keys(current_time, dynamic_partitions_store)), None)

    def get_num_partitions(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> int:
        return len(self.get_partition_keys(current_time, dynamic_partitions_store))

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        *,
        current_time: datetime | None = None,
    ) -> list[str]:
        """The keys from the start to the end of the range, both included; none if they stand the other way round.

        Raises:
            UnknownPartition: an end of the range does not exist.
        """
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        positions = {key: position for position, key in enumerate(keys)}
        for key in partition_key_range:
            if key not in positions:
                raise UnknownPartition(key, known=self.describe())
        return keys[positions[partition_key_range.start] : positions[partition_key_range.end] + 1]

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
