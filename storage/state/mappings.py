"""Partition mappings at work: functions from bitmap to bitmap, between the spaces of two assets."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from ...definitions.partitions import (
    AllPartitionMapping,
    LastPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
)
from .ordinals import OrdinalSpace, TimeSpace
from .time_mapping import moved, overlapping


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a dependency: how its partitions are numbered, which exist now, and what defines them."""

    space: OrdinalSpace
    existing: BitMap
    partitions: PartitionsDefinition | None


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
            shared = _sharing_time(bits, up.space, down.space)
            return moved(shared, -mapping.end_offset, -mapping.start_offset) & down.existing
    return renumber(bits, up.space, down.space) & down.existing


def upstream(mapping: PartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The existing upstream partitions that the downstream partitions `bits` read."""
    return required(mapping, bits, up=up, down=down) & up.existing


def required(mapping: PartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The upstream partitions that the downstream partitions `bits` ask for, whether they exist or not.

    A key that the upstream has no place for has no ordinal there, and is left out.
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
    return renumber(bits, down.space, up.space)


def renumber(bits: BitMap, source: OrdinalSpace, target: OrdinalSpace) -> BitMap:
    """The same keys in another space; free where both spaces have one fingerprint."""
    if source.fingerprint == target.fingerprint:
        return bits.copy()
    found = [target.find(source.key(ordinal)) for ordinal in bits]
    return BitMap([ordinal for ordinal in found if ordinal is not None])


def _windows(mapping: TimeWindowPartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    asked = _sharing_time(moved(bits, mapping.start_offset, mapping.end_offset), down.space, up.space)
    if mapping.allow_nonexistent_upstream_partitions:
        return asked & up.existing
    if mapping.start_offset < 0 and isinstance(up.partitions, TimeWindowPartitionsDefinition):
        before = asked & BitMap(range(up.partitions.first_ordinal))
        asked -= before - _sharing_time(bits, down.space, up.space)
    return asked


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
    if not up.existing:
        return BitMap()
    if isinstance(up.space, TimeSpace) or up.partitions is None:
        return BitMap([up.existing.max()])
    last = up.partitions.get_last_partition_key()  # the order of static keys is that of their definition
    return _found([last] if last is not None else [], up.space)


def _found(keys: list[str] | tuple[str, ...], space: OrdinalSpace) -> BitMap:
    return BitMap([ordinal for key in keys if (ordinal := space.find(key)) is not None])
