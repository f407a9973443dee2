"""Ordinal spaces: how State numbers partition keys so that sets of them are bitmaps.

Events hold keys; ordinals never leave State. A time-window space counts windows from a fixed epoch in its zone, so that
start and end dates only clip; a static space numbers keys by their place in the definition; a keyed space, for assets
that no loaded definition describes, numbers them by first appearance. Two assets whose spaces have one fingerprint
share ordinals, which makes the identity mapping between them free. When the fingerprint of an asset's space changes,
its columns are moved over by key (`assets.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from pyroaring import BitMap

from ...definitions.errors import UnknownPartition
from ...definitions.partitions import (
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from ..events import KeyRanges


class OrdinalSpace(Protocol):
    """A numbering of partition keys; None is the key of the whole of an unpartitioned asset."""

    fingerprint: str

    def find(self, key: str | None) -> int | None:
        """The ordinal of `key`, or None where the space does not know it."""
        ...

    def key(self, ordinal: int) -> str | None: ...

    def existing(self, at: datetime) -> BitMap:
        """The partitions that exist at the instant `at`."""
        ...

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        """`bits` as keys, as events hold them."""
        ...

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        """The ordinals of `ranges`; keys that the space does not know are left out."""
        ...


class WholeSpace:
    """The space of unpartitioned assets: the one ordinal 0, whose key is None."""

    fingerprint = "whole"

    def find(self, key: str | None) -> int | None:
        return 0 if key is None else None

    def key(self, ordinal: int) -> str | None:
        return None

    def existing(self, at: datetime) -> BitMap:
        return BitMap([0])

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        return None

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        return BitMap([0]) if ranges is None else BitMap()


class KeyedSpace:
    """Keys numbered by first appearance, never re-used. The None key is one of them."""

    def __init__(self, fingerprint: str, keys: Iterable[str | None] = ()) -> None:
        self.fingerprint = fingerprint
        self._keys: list[str | None] = []
        self._ordinals: dict[str | None, int] = {}
        for key in keys:
            self.number(key)

    def number(self, key: str | None) -> int:
        """The ordinal of `key`, given now if it is new."""
        ordinal = self._ordinals.get(key)
        if ordinal is None:
            ordinal = self._ordinals[key] = len(self._keys)
            self._keys.append(key)
        return ordinal

    def find(self, key: str | None) -> int | None:
        return self._ordinals.get(key)

    def key(self, ordinal: int) -> str | None:
        return self._keys[ordinal]

    def existing(self, at: datetime) -> BitMap:
        return BitMap(range(len(self._keys)))

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        keys = [self._keys[ordinal] for ordinal in bits]
        return tuple((key, key) for key in keys if key is not None)

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        keys = (None,) if ranges is None else (first for first, _ in ranges)
        return BitMap([n for key in keys if (n := self._ordinals.get(key)) is not None])


class StaticSpace(KeyedSpace):
    """The keys of a static definition, in its order: fixed, so an unknown key has no ordinal here."""

    def __init__(self, definition: StaticPartitionsDefinition) -> None:
        super().__init__(definition.space, definition.get_partition_keys())


class TimeSpace:
    """The windows of a time-window definition, counted from a fixed epoch in its zone."""

    def __init__(self, definition: TimeWindowPartitionsDefinition) -> None:
        self.fingerprint = definition.space
        self.calendar = definition.calendar
        self._definition = definition
        self._found: dict[str, int] = {}

    def find(self, key: str | None) -> int | None:
        if key is None:
            return None
        ordinal = self._found.get(key)
        if ordinal is None:
            try:
                ordinal = self._definition.ordinal_of(key)
            except UnknownPartition:
                return None
            if len(self._found) > 10_000:  # parsing is the slow part of folding; the memory for it stays bounded
                self._found.clear()
            self._found[key] = ordinal
        return ordinal if ordinal >= 0 else None

    def key(self, ordinal: int) -> str | None:
        return self._definition.key_of(ordinal)

    def existing(self, at: datetime) -> BitMap:
        return clip(self._definition, at)

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        key = self._definition.key_of
        return tuple((key(first), key(last)) for first, last in spans(bits))

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        bits = BitMap()
        for first, last in ranges or ():
            start, end = self.find(first), self.find(last)
            if start is not None and end is not None:
                bits.add_range(start, end + 1)
        return bits


def clip(definition: PartitionsDefinition | None, at: datetime) -> BitMap:
    """The partitions of `definition` that exist at `at`. Start and end dates belong to one asset, its space to many."""
    if definition is None:
        return BitMap([0])
    if isinstance(definition, TimeWindowPartitionsDefinition):
        first, end = max(definition.first_ordinal, 0), definition.end_ordinal(at)
        return BitMap(range(first, end)) if end > first else BitMap()
    return BitMap(range(len(definition.get_partition_keys(at))))


def spans(bits: BitMap) -> Iterator[tuple[int, int]]:
    """The runs of consecutive ordinals in `bits` as (first, last): work goes with their number, not with that of bits.

    Where bits end is found by moving all of them at once, not by looking at each.
    """
    if not bits:
        return iter(())
    last = bits - bits.shift(-1)
    first = bits - bits.shift(1)
    return zip(first, last, strict=True)


class Spaces:
    """The spaces of the loaded definitions, one per fingerprint, shared by all assets that have it."""

    WHOLE = WholeSpace()

    def __init__(self) -> None:
        self._by_fingerprint: dict[str, OrdinalSpace] = {}

    def of(self, definition: PartitionsDefinition | None) -> OrdinalSpace:
        if definition is None:
            return self.WHOLE
        space = self._by_fingerprint.get(definition.space)
        if space is None:
            space = self._by_fingerprint[definition.space] = _space_of(definition)
        return space


def _space_of(definition: PartitionsDefinition) -> OrdinalSpace:
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return TimeSpace(definition)
    if isinstance(definition, StaticPartitionsDefinition):
        return StaticSpace(definition)
    raise TypeError(f"no ordinal space for {type(definition).__name__}")
