"""Partition mappings at work: functions from bitmap to bitmap, between the spaces of two assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pyroaring import BitMap

from ...definitions.partitions import (
    AllPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
)
from .causes import Causes
from .ordinals import DynamicSpace, OrdinalSpace, Spaces, TimeSpace
from .time_mapping import moved, overlapping, reaches
from .tuples import TupleSpace

FEW = 16
"""Positions up to this number are mapped one by one."""
EACH = 16
"""So are those of more partitions each than this, on average."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a dependency: how its partitions are numbered, which exist now, and what defines them."""

    space: OrdinalSpace
    existing: BitMap
    partitions: PartitionsDefinition | None
    axes: Mapping[str, Side] = field(default_factory=dict)
    """The dimensions of partitions that have several, each as a side of its own."""

    @classmethod
    def of(cls, spaces: Spaces, partitions: PartitionsDefinition | None, at: datetime) -> Side:
        """All partitions that exist at `at`."""
        return cls.with_axes(spaces, partitions, spaces.existing(partitions, at), at)

    @classmethod
    def with_axes(cls, spaces: Spaces, partitions: PartitionsDefinition | None, existing: BitMap, at: datetime) -> Side:
        """The partitions `existing`; along the dimensions, what exists at `at`."""
        axes: dict[str, Side] = {}
        if isinstance(partitions, MultiPartitionsDefinition):
            axes = {name: cls.of(spaces, d, at) for name, d in partitions.partitions_by_dimension.items()}
        return cls(spaces.of(partitions), existing, partitions, axes)

    @classmethod
    def holding(cls, spaces: Spaces, partitions: PartitionsDefinition | None, existing: BitMap) -> Side:
        """The partitions `existing`, and along the dimensions the keys that occur in them."""
        space = spaces.of(partitions)
        axes: dict[str, Side] = {}
        if isinstance(partitions, MultiPartitionsDefinition) and isinstance(space, TupleSpace):
            dimensions = partitions.partitions_by_dimension
            axes = {n: cls(space.axes[i], space.along(existing, i), dimensions[n]) for i, n in enumerate(space.names)}
        return cls(space, existing, partitions, axes)


def downstream(mapping: PartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The existing downstream partitions that read any of the upstream partitions `bits`."""
    if not bits:
        return BitMap()
    match mapping:
        case AllPartitionMapping():
            return down.existing.copy()
        case LastPartitionMapping() | SpecificPartitionsPartitionMapping():
            return down.existing.copy() if bits & _named(mapping, up) else BitMap()
        case StaticPartitionMapping():
            keys = [key for ordinal in bits for key in mapping.table.get(up.space.key(ordinal) or "", ())]
            return _found(keys, down.space) & down.existing
        case TimeWindowPartitionMapping():
            return _reading(mapping, bits, up=up, down=down) & down.existing
        case MultiToSingleDimensionPartitionMapping() | MultiPartitionMapping():
            from .dimensions import readers

            return readers(mapping, bits, up=up, down=down) & down.existing
    return renumber(bits, up.space, down.space) & down.existing


def causes_downstream(mapping: PartitionMapping, causes: Causes, *, up: Side, down: Side) -> Causes:
    """The positions of upstream partitions as those of the downstream partitions that read them: of several the
    largest."""
    source, target = up.space, down.space
    if not (
        _are_many(causes)
        and isinstance(mapping, TimeWindowPartitionMapping)
        and isinstance(source, TimeSpace)
        and isinstance(target, TimeSpace)
    ):
        return causes.mapped(lambda bits: downstream(mapping, bits, up=up, down=down))
    first, last = -mapping.end_offset, -mapping.start_offset
    shared = reaches(causes.bits, source.calendar, target.calendar)
    return causes.spread({ordinal: (low + first, high + last) for ordinal, low, high in shared}, down.existing)


def _are_many(causes: Causes) -> bool:
    """Whether there are many positions, of few partitions each."""
    return len(causes.groups) > FEW and len(causes.bits) <= EACH * len(causes.groups)


def upstream(mapping: PartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The existing upstream partitions that the downstream partitions `bits` read."""
    return required(mapping, bits, up=up, down=down) & up.existing


def required(mapping: PartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The upstream partitions that the downstream partitions `bits` ask for, whether they exist or not.

    A key that the upstream has no place for has no ordinal there, and is left out. One that may still be added there
    has one: see `asked_keys.py`.
    """
    if not bits:
        return BitMap()
    match mapping:
        case AllPartitionMapping():
            return up.existing.copy()
        case LastPartitionMapping() | SpecificPartitionsPartitionMapping():
            return _named(mapping, up)
        case StaticPartitionMapping():
            asked = {down.space.key(ordinal) for ordinal in bits}
            return _found([key for key, downs in mapping.table.items() if not asked.isdisjoint(downs)], up.space)
        case TimeWindowPartitionMapping():
            return _windows(mapping, bits, up=up, down=down)
        case MultiToSingleDimensionPartitionMapping() | MultiPartitionMapping():
            from .dimensions import read

            return read(mapping, bits, up=up, down=down)
    return renumber(bits, down.space, up.space)


def renumber(bits: BitMap, source: OrdinalSpace, target: OrdinalSpace) -> BitMap:
    """The same keys in another space; free where both spaces have one fingerprint."""
    if source.fingerprint == target.fingerprint:
        return bits.copy()
    if isinstance(source, TupleSpace) and isinstance(target, TupleSpace) and source.names == target.names:
        found = BitMap()
        for box in source.boxes(bits):
            found |= target.box([renumber(*axis) for axis in zip(box, source.axes, target.axes, strict=True)])
        return found
    places = [target.find(source.key(ordinal)) for ordinal in bits]
    return BitMap([ordinal for ordinal in places if ordinal is not None])


def _windows(mapping: TimeWindowPartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The upstream windows that the downstream windows `bits` ask for; `_reading` is the way back."""
    asked = _sharing_time(moved(bits, mapping.start_offset, mapping.end_offset), down.space, up.space)
    if mapping.allow_nonexistent_upstream_partitions:
        return asked & up.existing
    if before := asked & _before_the_start(mapping, up):
        asked -= before
        if mapping.end_offset >= 0:
            asked |= before & _sharing_time(bits, down.space, up.space)
    return asked - _excluded(mapping, asked, up=up, down=down)


def _reading(mapping: TimeWindowPartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The downstream windows that ask for any of the upstream windows `bits`, which exist or not."""
    own = BitMap()
    if absent := bits - up.existing:
        if mapping.allow_nonexistent_upstream_partitions:
            bits = bits - absent
        else:
            bits = bits - _excluded(mapping, absent, up=up, down=down)
            before = bits & absent & _before_the_start(mapping, up)
            bits -= before
            own = _sharing_time(before, up.space, down.space) if mapping.end_offset >= 0 else own
    return own | moved(_sharing_time(bits, up.space, down.space), -mapping.end_offset, -mapping.start_offset)


def _before_the_start(mapping: TimeWindowPartitionMapping, up: Side) -> BitMap:
    """The upstream windows that only those ask for whose own time they are: no offset leads to before the start."""
    if mapping.start_offset >= 0 or not isinstance(up.partitions, TimeWindowPartitionsDefinition):
        return BitMap()
    return BitMap(range(up.partitions.first_ordinal))


def _excluded(mapping: TimeWindowPartitionMapping, asked: BitMap, *, up: Side, down: Side) -> BitMap:
    """Of several windows the excluded ones are not waited for. Where the only one is excluded, it is."""
    windows = up.partitions
    if not asked or not isinstance(windows, TimeWindowPartitionsDefinition) or windows.exclusions is None:
        return BitMap()
    if mapping.reads_one(windows, down.partitions):
        return BitMap()
    return asked & BitMap(windows.excluded(asked.min(), asked.max() + 1))


def _sharing_time(bits: BitMap, source: OrdinalSpace, target: OrdinalSpace) -> BitMap:
    if isinstance(source, TimeSpace) and isinstance(target, TimeSpace) and source.calendar != target.calendar:
        return overlapping(bits, source.calendar, target.calendar)
    if isinstance(source, TimeSpace) and isinstance(target, TimeSpace):
        return bits.copy()
    return renumber(bits, source, target)


def _named(mapping: LastPartitionMapping | SpecificPartitionsPartitionMapping, up: Side) -> BitMap:
    """The upstream partitions that every downstream partition reads."""
    if isinstance(mapping, SpecificPartitionsPartitionMapping):
        return _found(mapping.partition_keys, up.space)
    return last(up)


def last(side: Side) -> BitMap:
    """The last of the partitions that exist, in the order of their definition."""
    if not side.existing:
        return BitMap()
    if isinstance(side.space, TupleSpace):
        return side.space.box([last(axis) for axis in side.axes.values()])
    if isinstance(side.space, DynamicSpace):
        newest = side.space.last
        return BitMap([side.existing.max() if newest is None else newest])
    if isinstance(side.space, TimeSpace) or side.partitions is None:
        return BitMap([side.existing.max()])
    key = side.partitions.get_last_partition_key()  # the order of static keys is that of their definition
    return _found([key] if key is not None else [], side.space)


def _found(keys: list[str] | tuple[str, ...], space: OrdinalSpace) -> BitMap:
    return BitMap([ordinal for key in keys if (ordinal := space.find(key)) is not None])
