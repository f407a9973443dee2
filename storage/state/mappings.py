"""Partition mappings at work: functions from bitmap to bitmap, between the spaces of two assets."""

from __future__ import annotations

from pyroaring import BitMap

from ...definitions.partitions import AllPartitionMapping, PartitionMapping
from .ordinals import OrdinalSpace


def downstream(
    mapping: PartitionMapping, bits: BitMap, *, up: OrdinalSpace, down: OrdinalSpace, down_existing: BitMap
) -> BitMap:
    """The existing downstream partitions that read any of the upstream partitions `bits`."""
    if isinstance(mapping, AllPartitionMapping):
        return down_existing.copy() if bits else BitMap()
    return renumber(bits, up, down) & down_existing


def upstream(
    mapping: PartitionMapping, bits: BitMap, *, up: OrdinalSpace, down: OrdinalSpace, up_existing: BitMap
) -> BitMap:
    """The existing upstream partitions that the downstream partitions `bits` read."""
    if isinstance(mapping, AllPartitionMapping):
        return up_existing.copy() if bits else BitMap()
    return renumber(bits, down, up) & up_existing


def renumber(bits: BitMap, source: OrdinalSpace, target: OrdinalSpace) -> BitMap:
    """The same keys in another space; free where both spaces have one fingerprint."""
    if source.fingerprint == target.fingerprint:
        return bits.copy()
    found = [target.find(source.key(ordinal)) for ordinal in bits]
    return BitMap([ordinal for ordinal in found if ordinal is not None])
