"""Mappings of partitions of several dimensions: onto one dimension, and dimension by dimension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import InvalidDefinitionError
from .base import JsonData, PartitionsDefinition
from .mappings import AllPartitionMapping, IdentityPartitionMapping, PartitionMapping, mapping_from_json
from .multi import MultiPartitionsDefinition
from .time_windows import TimeWindowPartitionsDefinition
from .window_mapping import TimeWindowPartitionMapping


class MultiToSingleDimensionPartitionMapping(PartitionMapping):
    """Between partitions of several dimensions and those of one of them, in either direction.

    A partition of one dimension reads all combinations with its key; a combination reads the key that it has in that
    dimension. Windows of time may differ: a week reads all combinations of its days. The dimension need not be named
    where only one fits. `partition_mapping` says how the two sides are mapped along it, where that is not by overlap or
    by key: with `TimeWindowPartitionMapping(-1, -1)` each combination reads the day before its own.
    """

    kind = "multi_to_single"

    def __init__(
        self, partition_dimension_name: str | None = None, partition_mapping: PartitionMapping | None = None
    ) -> None:
        self.partition_dimension_name: str | None = partition_dimension_name
        self.partition_mapping: PartitionMapping | None = partition_mapping

    def dimension(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str:
        """The dimension that the mapping goes along; the definitions fit it."""
        found = self._dimension(upstream, downstream)
        assert found in _dimensions(upstream, downstream), found
        return found

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        multi, single = _sides(upstream, downstream)
        if multi is None or single is None:
            return (
                "MultiToSingleDimensionPartitionMapping is between partitions of several dimensions and those of one, "
                f"not between {_words(upstream)} and {_words(downstream)}"
            )
        found = self._dimension(upstream, downstream)
        dimension = multi.partitions_by_dimension.get(found)
        if dimension is None:
            return found
        if self.partition_mapping is not None:
            up, down = (dimension, single) if upstream is multi else (single, dimension)
            return self.partition_mapping.mismatch(up, down)
        if _fits(dimension, single):
            return None
        return f"dimension {found!r} has {dimension.describe()}, and the other side {single.describe()}"

    def inner(self, upstream: PartitionsDefinition, downstream: PartitionsDefinition) -> PartitionMapping:
        """The mapping between the two sides along the dimension."""
        return self.partition_mapping or _along(upstream, downstream)

    def to_json(self) -> JsonData:
        inner = {} if self.partition_mapping is None else {"partition_mapping": self.partition_mapping.to_json()}
        return {"kind": self.kind, "partition_dimension_name": self.partition_dimension_name, **inner}

    @classmethod
    def from_json(cls, data: JsonData) -> MultiToSingleDimensionPartitionMapping:
        inner = data.get("partition_mapping")
        return cls(data["partition_dimension_name"], None if inner is None else mapping_from_json(inner))

    def __repr__(self) -> str:
        inner = "" if self.partition_mapping is None else f", {self.partition_mapping}"
        return f"{type(self).__name__}({self.partition_dimension_name!r}{inner})"

    def _dimension(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str:
        """The name of the dimension, or why there is none."""
        multi, single = _sides(upstream, downstream)
        assert multi is not None
        assert single is not None
        names = ", ".join(map(repr, multi.partitions_by_dimension))
        if self.partition_dimension_name is not None:
            if self.partition_dimension_name in multi.partitions_by_dimension:
                return self.partition_dimension_name
            return f"there is no dimension {self.partition_dimension_name!r}; there are {names}"
        same = [name for name, d in multi.partitions_by_dimension.items() if d == single]
        fits = [name for name, d in multi.partitions_by_dimension.items() if _fits(d, single)]
        for found in (same, fits):
            if len(found) == 1:
                return found[0]
        if not fits:
            return f"none of the dimensions {names} has {single.describe()}"
        return (
            f"several dimensions ({', '.join(map(repr, fits))}) fit {single.describe()}: name one with "
            f"MultiToSingleDimensionPartitionMapping(partition_dimension_name={fits[0]!r})"
        )


class DimensionPartitionMapping(NamedTuple):
    """From which dimension of the downstream a dimension of the upstream is mapped, and how."""

    dimension_name: str
    partition_mapping: PartitionMapping


class MultiPartitionMapping(PartitionMapping):
    """Between partitions of several dimensions, dimension by dimension: each dimension of the upstream is mapped from
    one of the downstream. Of a dimension that is left out, a partition reads all keys.

    >>> MultiPartitionMapping({"date": DimensionPartitionMapping("date", TimeWindowPartitionMapping(-1, 0))})
    MultiPartitionMapping({'date': ('date', TimeWindowPartitionMapping(-1, 0))})
    """

    kind = "multi"

    def __init__(self, downstream_mappings_by_upstream_dimension: Mapping[str, DimensionPartitionMapping]) -> None:
        for name, value in downstream_mappings_by_upstream_dimension.items():
            if not isinstance(value, DimensionPartitionMapping):
                raise InvalidDefinitionError(
                    f"dimension {name!r} is mapped by {value!r}. Write DimensionPartitionMapping(dimension_name=..., "
                    "partition_mapping=IdentityPartitionMapping())."
                )
        self.by_upstream: dict[str, DimensionPartitionMapping] = dict(downstream_mappings_by_upstream_dimension)

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        if not isinstance(upstream, MultiPartitionsDefinition) or not isinstance(downstream, MultiPartitionsDefinition):
            return (
                "MultiPartitionMapping is between partitions of several dimensions on both sides, not between "
                f"{_words(upstream)} and {_words(downstream)}"
            )
        for up_name, (down_name, mapping) in self.by_upstream.items():
            for name, side, definition in ((up_name, "upstream", upstream), (down_name, "downstream", downstream)):
                if name not in definition.partitions_by_dimension:
                    names = ", ".join(map(repr, definition.partitions_by_dimension))
                    return f"there is no dimension {name!r} in the {side}; there are {names}"
            up, down = upstream.partitions_by_dimension[up_name], downstream.partitions_by_dimension[down_name]
            if reason := mapping.mismatch(up, down):
                return f"dimension {up_name!r}: {reason}"
        return None

    def to_json(self) -> JsonData:
        return {
            "kind": self.kind,
            "by_upstream": {name: [down, mapping.to_json()] for name, (down, mapping) in self.by_upstream.items()},
        }

    @classmethod
    def from_json(cls, data: JsonData) -> MultiPartitionMapping:
        return cls(
            {
                name: DimensionPartitionMapping(down, mapping_from_json(mapping))
                for name, (down, mapping) in data["by_upstream"].items()
            }
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({ {name: tuple(value) for name, value in self.by_upstream.items()} })"


def default_mapping(upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> PartitionMapping:
    """The mapping of a dependency that names none.

    All where a side has no partitions; by overlap between windows of time; along the dimension between combinations
    and one of their dimensions; dimension by dimension where both sides have dimensions of the same names; by key else.
    """
    if upstream is None or downstream is None:
        return AllPartitionMapping()
    up_multi = isinstance(upstream, MultiPartitionsDefinition)
    down_multi = isinstance(downstream, MultiPartitionsDefinition)
    if up_multi and down_multi:
        if upstream.space == downstream.space or (
            upstream.partition_dimension_names != downstream.partition_dimension_names
        ):
            return IdentityPartitionMapping()
        dims = downstream.partitions_by_dimension
        return MultiPartitionMapping(
            {
                name: DimensionPartitionMapping(name, _along(up, dims[name]))
                for name, up in upstream.partitions_by_dimension.items()
            }
        )
    if up_multi or down_multi:
        return MultiToSingleDimensionPartitionMapping()
    return _along(upstream, downstream)


def _along(upstream: PartitionsDefinition, downstream: PartitionsDefinition) -> PartitionMapping:
    windows = TimeWindowPartitionMapping()
    return IdentityPartitionMapping() if windows.mismatch(upstream, downstream) else windows


def _sides(
    upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None
) -> tuple[MultiPartitionsDefinition | None, PartitionsDefinition | None]:
    """The side of several dimensions and the other one, where there is exactly one such side."""
    if isinstance(upstream, MultiPartitionsDefinition) and not isinstance(downstream, MultiPartitionsDefinition):
        return upstream, downstream
    if isinstance(downstream, MultiPartitionsDefinition) and not isinstance(upstream, MultiPartitionsDefinition):
        return downstream, upstream
    return None, None


def _dimensions(upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> list[str]:
    multi, _ = _sides(upstream, downstream)
    return [] if multi is None else multi.partition_dimension_names


def _fits(dimension: PartitionsDefinition, single: PartitionsDefinition) -> bool:
    if isinstance(dimension, TimeWindowPartitionsDefinition) and isinstance(single, TimeWindowPartitionsDefinition):
        return True
    return IdentityPartitionMapping().mismatch(dimension, single) is None


def _words(partitions: PartitionsDefinition | None) -> str:
    return "no partitions" if partitions is None else partitions.describe()
