"""Partitions of several dimensions: one for each combination of a key of every dimension, such as a day and a region.

There may be any number of dimensions, of any kind but this one. A key is the keys of the dimensions, in the order of
their names, with "|" between them: "2024-01-01|north" of the dimensions date and region.

The keys of a million days and customers are never listed to decide anything; `get_partition_keys` does list them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, NamedTuple

from ..errors import InvalidDefinitionError, InvalidInvocationError, UnknownPartition
from .base import (
    DynamicPartitionsStore,
    JsonData,
    PartitionKeyRange,
    PartitionsDefinition,
    TimeWindow,
    partitions_from_json,
    utc_now,
)
from .static import StaticPartitionsDefinition
from .time_windows import TimeWindowPartitionsDefinition

BETWEEN = "|"
FORBIDDEN = "|[],"
MAX_KEYS = 2**31
"""So many combinations can be numbered, and as many more that come to exist with time."""


class MultiPartitionKey(str):
    """The key of a partition of several dimensions: a str that knows the key of each of them.

    >>> key = MultiPartitionKey({"region": "north", "date": "2024-01-01"})
    >>> key, key.keys_by_dimension["region"]
    ('2024-01-01|north', 'north')
    """

    __slots__ = ("keys_by_dimension",)

    keys_by_dimension: dict[str, str]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        ordered = {name: keys_by_dimension[name] for name in sorted(keys_by_dimension)}
        for name, key in ordered.items():
            if not isinstance(key, str) or any(sign in key for sign in FORBIDDEN):
                raise InvalidInvocationError(
                    f"the key {key!r} of dimension {name!r} cannot be used: it is a str without any of {FORBIDDEN!r}."
                )
        made = super().__new__(cls, BETWEEN.join(ordered.values()))
        made.keys_by_dimension = ordered
        return made

    def __reduce__(self) -> tuple[type[MultiPartitionKey], tuple[dict[str, str]]]:
        return MultiPartitionKey, (self.keys_by_dimension,)


class PartitionDimensionDefinition(NamedTuple):
    """One dimension: its name, and the partitions along it."""

    name: str
    partitions_def: PartitionsDefinition


class MultiPartitionsDefinition(PartitionsDefinition):
    """The combinations of the partitions of several dimensions.

    >>> from headwater import StaticPartitionsDefinition
    >>> sizes = MultiPartitionsDefinition({
    ...     "size": StaticPartitionsDefinition(["s", "m"]), "colour": StaticPartitionsDefinition(["red", "blue"])
    ... })
    >>> sizes.get_partition_keys()
    ['red|s', 'red|m', 'blue|s', 'blue|m']
    """

    kind = "multi"

    def __init__(self, partitions_defs: Mapping[str, PartitionsDefinition]) -> None:
        if not isinstance(partitions_defs, Mapping) or not partitions_defs:
            raise InvalidDefinitionError(
                "MultiPartitionsDefinition takes its dimensions by name, as in "
                f"{{'date': DailyPartitionsDefinition(...), 'region': StaticPartitionsDefinition([...])}}, "
                f"not {partitions_defs!r}"
            )
        for name, definition in partitions_defs.items():
            _check_dimension(name, definition)
        self.partitions_by_dimension: dict[str, PartitionsDefinition] = {
            name: partitions_defs[name] for name in sorted(partitions_defs)
        }
        self._check_size()

    # ---- dimensions ----------------------------------------------------------------------------------------------

    @property
    def partitions_defs(self) -> list[PartitionDimensionDefinition]:
        """The dimensions in the order of their names."""
        return [PartitionDimensionDefinition(*item) for item in self.partitions_by_dimension.items()]

    @property
    def partition_dimension_names(self) -> list[str]:
        return list(self.partitions_by_dimension)

    def get_partitions_def_for_dimension(self, dimension_name: str) -> PartitionsDefinition:
        self._check_name(dimension_name)
        return self.partitions_by_dimension[dimension_name]

    @property
    def has_time_window_dimension(self) -> bool:
        return bool(self.time_windows)

    @property
    def time_window_dimension(self) -> PartitionDimensionDefinition:
        """The dimension of windows of time; the first by name, where there are several."""
        for dimension in self.partitions_defs:
            if isinstance(dimension.partitions_def, TimeWindowPartitionsDefinition):
                return dimension
        raise InvalidInvocationError(f"{self.describe()} have no dimension of windows of time")

    @property
    def time_window_partitions_def(self) -> TimeWindowPartitionsDefinition:
        windows = self.time_window_dimension.partitions_def
        assert isinstance(windows, TimeWindowPartitionsDefinition)
        return windows

    @property
    def time_windows(self) -> tuple[TimeWindowPartitionsDefinition, ...]:
        return tuple(window for d in self.partitions_by_dimension.values() for window in d.time_windows)

    @property
    def dynamic_names(self) -> frozenset[str]:
        return frozenset().union(*(d.dynamic_names for d in self.partitions_by_dimension.values()))

    # ---- keys ----------------------------------------------------------------------------------------------------

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        """Every combination, the dimension that is last by name moving fastest."""
        current_time = current_time or utc_now()
        dimensions = self.partitions_by_dimension.values()
        keys = [d.get_partition_keys(current_time, dynamic_partitions_store) for d in dimensions]
        return [self._key(chosen) for chosen in product(*keys)]

    def get_multipartition_keys_with_dimension_value(
        self,
        dimension_name: str,
        dimension_partition_key: str,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        current_time: datetime | None = None,
    ) -> list[MultiPartitionKey]:
        """The combinations in which one dimension has this key."""
        self._check_name(dimension_name)
        current_time = current_time or utc_now()
        if not self.partitions_by_dimension[dimension_name].has_partition_key(
            dimension_partition_key, current_time, dynamic_partitions_store
        ):
            raise UnknownPartition(
                dimension_partition_key, known=self.partitions_by_dimension[dimension_name].describe()
            )
        keys = [
            [dimension_partition_key]
            if name == dimension_name
            else definition.get_partition_keys(current_time, dynamic_partitions_store)
            for name, definition in self.partitions_by_dimension.items()
        ]
        return [self._key(chosen) for chosen in product(*keys)]

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        parts = partition_key.split(BETWEEN)
        current_time = current_time or utc_now()
        return len(parts) == len(self.partitions_by_dimension) and all(
            definition.has_partition_key(part, current_time, dynamic_partitions_store)
            for part, definition in zip(parts, self.partitions_by_dimension.values(), strict=True)
        )

    def get_first_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        dimensions = self.partitions_by_dimension.values()
        return self._end([d.get_first_partition_key(current_time, dynamic_partitions_store) for d in dimensions])

    def get_last_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        dimensions = self.partitions_by_dimension.values()
        return self._end([d.get_last_partition_key(current_time, dynamic_partitions_store) for d in dimensions])

    def get_num_partitions(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> int:
        dimensions = self.partitions_by_dimension.values()
        return prod(d.get_num_partitions(current_time, dynamic_partitions_store) for d in dimensions)

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        *,
        current_time: datetime | None = None,
    ) -> list[str]:
        """The combinations whose key lies, in every dimension, in the range from that of the start to that of the end.

        Raises:
            UnknownPartition: an end of the range does not exist.
        """
        start, end = (self.typed_key(key).keys_by_dimension for key in partition_key_range)
        keys = [
            definition.get_partition_keys_in_range(
                PartitionKeyRange(start[name], end[name]), dynamic_partitions_store, current_time=current_time
            )
            for name, definition in self.partitions_by_dimension.items()
        ]
        return [self._key(chosen) for chosen in product(*keys)]

    def typed_key(self, key: str) -> MultiPartitionKey:
        """`key` with its parts.

        Raises:
            UnknownPartition: it has not one part for each dimension.
        """
        if isinstance(key, MultiPartitionKey):
            return key
        parts = key.split(BETWEEN)
        if len(parts) != len(self.partitions_by_dimension):
            raise UnknownPartition(key, known=self.describe())
        return self._key(parts)

    def get_partition_key_from_str(self, partition_key_str: str) -> MultiPartitionKey:
        return self.typed_key(partition_key_str)

    def window(self, key: str) -> TimeWindow:
        """The span of the dimension of windows of time."""
        name, definition = self.time_window_dimension
        assert isinstance(definition, TimeWindowPartitionsDefinition)
        return definition.window(self.typed_key(key).keys_by_dimension[name])

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        return self.window(partition_key)

    def _key(self, parts: Sequence[str]) -> MultiPartitionKey:
        return MultiPartitionKey(dict(zip(self.partitions_by_dimension, parts, strict=True)))

    def _end(self, parts: Sequence[str | None]) -> str | None:
        found = [part for part in parts if part is not None]
        return self._key(found) if len(found) == len(parts) else None

    def _check_name(self, dimension_name: str) -> None:
        if dimension_name not in self.partitions_by_dimension:
            names = ", ".join(map(repr, self.partitions_by_dimension))
            raise InvalidInvocationError(f"there is no dimension {dimension_name!r}; there are {names}.")

    # ---- JSON and words ------------------------------------------------------------------------------------------

    @property
    def space(self) -> str:
        return self._space

    @cached_property
    def _space(self) -> str:
        return "multi:" + ";".join(f"{name}={d.space}" for name, d in self.partitions_by_dimension.items())

    def to_json(self) -> JsonData:
        return {"kind": self.kind, "dimensions": {n: d.to_json() for n, d in self.partitions_by_dimension.items()}}

    @classmethod
    def from_json(cls, data: JsonData) -> MultiPartitionsDefinition:
        made = cls.__new__(cls)  # was checked when it was declared: what is in the log is read whatever the time is
        made.partitions_by_dimension = {name: partitions_from_json(d) for name, d in data["dimensions"].items()}
        return made

    def describe(self) -> str:
        dimensions = ", ".join(f"{name}: {d.describe()}" for name, d in self.partitions_by_dimension.items())
        return f"partitions of {len(self.partitions_by_dimension)} dimensions ({dimensions})"

    def _check_size(self) -> None:
        dimensions = self.partitions_by_dimension.values()
        count = prod(len(d.keys) for d in dimensions if isinstance(d, StaticPartitionsDefinition))
        count *= prod(window.end_ordinal(utc_now()) - window.first_ordinal for window in self.time_windows)
        if count > MAX_KEYS:
            raise InvalidDefinitionError(
                f"{self.describe()} are {count:,} combinations, more than can be numbered ({MAX_KEYS:,}). Use coarser "
                "keys in one of the dimensions, or make it an asset of its own."
            )


def _check_dimension(name: Any, definition: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InvalidDefinitionError(f"a dimension has a name, which is a str; {name!r} is none")
    if isinstance(definition, MultiPartitionsDefinition):
        raise InvalidDefinitionError(
            f"dimension {name!r} has dimensions itself: write {definition.partition_dimension_names} beside the others"
        )
    if not isinstance(definition, PartitionsDefinition):
        raise InvalidDefinitionError(f"dimension {name!r} needs partitions, such as a StaticPartitionsDefinition")
    keys: Sequence[str] = definition.keys if isinstance(definition, StaticPartitionsDefinition) else ()
    if bad := next((key for key in keys if any(sign in key for sign in FORBIDDEN)), None):
        raise InvalidDefinitionError(
            f"key {bad!r} of dimension {name!r} cannot be used beside other dimensions: it holds one of {FORBIDDEN!r}"
        )
    if isinstance(definition, TimeWindowPartitionsDefinition) and any(sign in definition.fmt for sign in FORBIDDEN):
        raise InvalidDefinitionError(
            f"fmt {definition.fmt!r} of dimension {name!r} cannot be used beside other dimensions: it holds one of "
            f"{FORBIDDEN!r}"
        )
