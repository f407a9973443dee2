"""Mappings of partitions of several dimensions at work.

A set of combinations is taken apart into boxes, a set of keys for each dimension; a box is mapped dimension by
dimension, and what comes out is put together again. The set that matters most, everything that exists, is one box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pyroaring import BitMap

from ...definitions.partitions import MultiPartitionMapping, MultiToSingleDimensionPartitionMapping
from . import mappings
from .mappings import Side
from .tuples import TupleSpace

Mapping = MultiToSingleDimensionPartitionMapping | MultiPartitionMapping


def read(mapping: Mapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The upstream partitions that the downstream partitions `bits` ask for, whether they exist or not."""
    if isinstance(mapping, MultiPartitionMapping):
        return _each_box(mapping, bits, up=up, down=down)
    assert up.partitions is not None
    assert down.partitions is not None
    name = mapping.dimension(up.partitions, down.partitions)
    if isinstance(up.space, TupleSpace):
        inner = mapping.inner(_axis(up, name).partitions, down.partitions)  # type: ignore[arg-type]
        return _across(up, name, mappings.required(inner, bits, up=_axis(up, name), down=down))
    inner = mapping.inner(up.partitions, _axis(down, name).partitions)  # type: ignore[arg-type]
    return mappings.required(inner, _along(down, name, bits), up=up, down=_axis(down, name))


def readers(mapping: Mapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    """The downstream partitions that read any of the upstream partitions `bits`."""
    if isinstance(mapping, MultiPartitionMapping):
        return _each_box_back(mapping, bits, up=up, down=down)
    assert up.partitions is not None
    assert down.partitions is not None
    name = mapping.dimension(up.partitions, down.partitions)
    if isinstance(up.space, TupleSpace):
        inner = mapping.inner(_axis(up, name).partitions, down.partitions)  # type: ignore[arg-type]
        return mappings.downstream(inner, _along(up, name, bits), up=_axis(up, name), down=down)
    inner = mapping.inner(up.partitions, _axis(down, name).partitions)  # type: ignore[arg-type]
    return _across(down, name, mappings.downstream(inner, bits, up=up, down=_axis(down, name)))


def _each_box(mapping: MultiPartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    assert isinstance(up.space, TupleSpace)
    assert isinstance(down.space, TupleSpace)
    found = BitMap()
    several = {to for to, count in Counter(to for to, _ in mapping.by_upstream.values()).items() if count > 1}
    for keys in _apart((dict(zip(down.space.names, box, strict=True)) for box in down.space.boxes(bits)), several):
        sides = []
        for name in up.space.names:
            if name in mapping.by_upstream:
                of, inner = mapping.by_upstream[name]
                sides.append(mappings.required(inner, keys[of], up=_axis(up, name), down=_axis(down, of)))
            else:
                sides.append(_axis(up, name).existing)
        found |= up.space.box(sides)
    return found


def _apart(boxes: Iterable[dict[str, BitMap]], names: Iterable[str]) -> Iterator[dict[str, BitMap]]:
    """The boxes, key by key along dimensions that several of the upstream are mapped from: these go together."""
    for name in names:
        boxes = [{**box, name: BitMap([ordinal])} for box in boxes for ordinal in box[name]]
    yield from boxes


def _each_box_back(mapping: MultiPartitionMapping, bits: BitMap, *, up: Side, down: Side) -> BitMap:
    assert isinstance(up.space, TupleSpace)
    assert isinstance(down.space, TupleSpace)
    found = BitMap()
    for box in up.space.boxes(bits):
        sides = {name: _axis(down, name).existing for name in down.space.names}
        for name, keys in zip(up.space.names, box, strict=True):
            if name in mapping.by_upstream:
                to, inner = mapping.by_upstream[name]
                reached = mappings.downstream(inner, keys, up=_axis(up, name), down=_axis(down, to))
                sides[to] = sides[to] & reached
        found |= down.space.box([*sides.values()])
    return found


def _axis(side: Side, name: str) -> Side:
    return side.axes[name]


def _along(side: Side, name: str, bits: BitMap) -> BitMap:
    """The keys of one dimension that occur in combinations."""
    assert isinstance(side.space, TupleSpace)
    return side.space.along(bits, side.space.names.index(name))


def _across(side: Side, name: str, keys: BitMap) -> BitMap:
    """All combinations with these keys in one dimension, and what exists in the others."""
    assert isinstance(side.space, TupleSpace)
    return side.space.box([keys if other == name else side.axes[other].existing for other in side.space.names])
