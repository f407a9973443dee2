"""Ordinal spaces: how State numbers partition keys so that sets of them are bitmaps.

Events hold keys; ordinals never leave State. A time-window space counts windows from a fixed epoch in its zone, so that
start and end dates only clip; a static space numbers keys by their place in the definition; a dynamic space, and one
for assets that no loaded definition describes, number them by first appearance; keys of several dimensions have a space
of their own (`tuples.py`). Two assets whose spaces have one fingerprint share ordinals, which makes the identity
mapping between them free. When the fingerprint of an asset's space changes, its columns are moved over by key
(`assets.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from pyroaring import BitMap

from ...definitions.errors import UnknownPartition
from ...definitions.partitions import (
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from ...definitions.partitions.calendars import Calendar
from ..events import DynamicPartitionsAdded, DynamicPartitionsDeleted, Event, KeyRanges
from .tuples import TupleSpace


class OrdinalSpace(Protocol):
    """A numbering of partition keys; None is the key of the whole of an unpartitioned asset."""

    fingerprint: str
    grows: bool
    """Whether events may bring keys that nobody has seen before."""

    def find(self, key: str | None) -> int | None:
        """The ordinal of `key`, or None where the space does not know it."""
        ...

    def number(self, key: str | None) -> int | None:
        """The ordinal of a key that an event names, given now where the space grows."""
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

    def ordered(self, bits: BitMap) -> Iterable[int]:
        """`bits` in the order of their keys, which is the same in every process."""
        ...


class _Fixed(ABC):
    """What the spaces share whose ordinals say all about order, and to which no event adds anything."""

    grows = False

    @abstractmethod
    def find(self, key: str | None) -> int | None: ...

    def number(self, key: str | None) -> int | None:
        return self.find(key)

    def ordered(self, bits: BitMap) -> Iterable[int]:
        return bits


class WholeSpace(_Fixed):
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

    grows = True

    def __init__(self, fingerprint: str, keys: Iterable[str | None] = ()) -> None:
        self.fingerprint = fingerprint
        self._keys: list[str | None] = []
        self._ordinals: dict[str | None, int] = {}
        for key in keys:
            self._numbered(key)

    def number(self, key: str | None) -> int | None:
        """The ordinal of `key`, given now if it is new."""
        return self._numbered(key)

    def ordered(self, bits: BitMap) -> Iterable[int]:
        return bits

    def _numbered(self, key: str | None) -> int:
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

    grows = False

    def __init__(self, definition: StaticPartitionsDefinition) -> None:
        super().__init__(definition.space, definition.get_partition_keys())

    def number(self, key: str | None) -> int | None:
        return self.find(key)


class DynamicSpace(KeyedSpace):
    """The keys of dynamic partitions by first appearance, and which of them exist.

    A key that an event names before it was added has its ordinal from then on, and exists once it is added.
    """

    def __init__(self, fingerprint: str, *, is_open: bool = False) -> None:
        """An open space takes every key that is looked for, where nobody tells which were added."""
        super().__init__(fingerprint)
        self._is_open = is_open
        self._present = BitMap()
        self._added: dict[int, None] = {}

    def find(self, key: str | None) -> int | None:
        return self.number(key) if self._is_open else super().find(key)

    def number(self, key: str | None) -> int | None:
        return None if key is None else self._numbered(key)

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        return BitMap([n for first, _ in ranges or () if (n := self.find(first)) is not None])

    def existing(self, at: datetime) -> BitMap:
        return self._present.copy()

    def keys(self) -> list[str]:
        """The keys that exist, in the order in which they were added."""
        return [key for ordinal in self._added if (key := self.key(ordinal)) is not None]

    @property
    def last(self) -> int | None:
        """The ordinal of the key that was added last, of those that exist."""
        return next(reversed(self._added), None)

    def add(self, keys: Iterable[str]) -> BitMap:
        """Keys exist from now on; returns those that did not before."""
        fresh = [ordinal for key in keys if (ordinal := self._numbered(key)) not in self._present]
        self._present |= BitMap(fresh)
        self._added.update(dict.fromkeys(fresh))
        return BitMap(fresh)

    def delete(self, keys: Iterable[str]) -> BitMap:
        """Keys exist no more; their ordinals stay theirs."""
        gone = BitMap([n for key in keys if (n := self._ordinals.get(key)) is not None]) & self._present
        self._present -= gone
        for ordinal in gone:
            del self._added[ordinal]
        return gone


class TimeSpace(_Fixed):
    """The windows of a time-window definition, counted from a fixed epoch in its zone."""

    def __init__(self, definition: TimeWindowPartitionsDefinition) -> None:
        self.fingerprint: str = definition.space
        self.calendar: Calendar = definition.calendar
        self._definition = definition
        self._found: dict[str, int] = {}
        self._keys: dict[int, str] = {}

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
            self._keep(ordinal, key)
        return ordinal if ordinal >= 0 else None

    def key(self, ordinal: int) -> str:
        key = self._keys.get(ordinal)
        if key is None:
            key = self._definition.key_of(ordinal)
            self._keep(ordinal, key)
        return key

    def _keep(self, ordinal: int, key: str) -> None:
        if len(self._keys) > 10_000:
            self._keys.clear()
        self._keys[ordinal] = key

    def existing(self, at: datetime) -> BitMap:
        return clip(self._definition, at)

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        key = self.key
        if len(bits) == 1:
            only = key(bits.min())
            return ((only, only),)
        return tuple((key(first), key(last)) for first, last in spans(bits))

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        bits = BitMap()
        for first, last in ranges or ():
            start, end = self.find(first), self.find(last)
            if start is not None and end is not None:
                bits.add_range(start, end + 1)
        return bits


def clip(windows: TimeWindowPartitionsDefinition, at: datetime) -> BitMap:
    """The windows that exist at `at`. Start and end dates and exclusions belong to one asset, its space to many."""
    first, end = max(windows.first_ordinal, 0), windows.end_ordinal(at)
    bits = BitMap(range(first, end)) if end > first else BitMap()
    return bits - BitMap(windows.excluded(first, end)) if windows.exclusions is not None else bits


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
    """The spaces of the loaded definitions, one per fingerprint, shared by all assets that have it; and the keys that
    were added at run time."""

    WHOLE = WholeSpace()

    def __init__(self, *, is_open: bool = False) -> None:
        """Open spaces take dynamic keys as they come: for keys that somebody chose who knew them."""
        self._is_open = is_open
        self._by_fingerprint: dict[str, OrdinalSpace] = {}
        self._dynamic: dict[str, DynamicSpace] = {}
        self._made: dict[int, tuple[TupleSpace, list[BitMap], BitMap]] = {}
        """The combinations that existed when last asked, by definition object, with what they were made of."""

    def of(self, definition: PartitionsDefinition | None) -> OrdinalSpace:
        if definition is None:
            return self.WHOLE
        if isinstance(definition, DynamicPartitionsDefinition):
            return self.dynamic(definition.name)
        space = self._by_fingerprint.get(definition.space)
        if space is None:
            space = self._by_fingerprint[definition.space] = self._space_of(definition)
        return space

    def dynamic(self, name: str) -> DynamicSpace:
        """The space of the dynamic partitions of a name, whether or not anything has them."""
        space = self._dynamic.get(name)
        if space is None:
            space = self._dynamic[name] = DynamicSpace(f"dynamic:{name}", is_open=self._is_open)
        return space

    def note(self, event: Event) -> BitMap:
        """Take an event into account that adds or deletes keys; returns those for which that changed something."""
        if isinstance(event, DynamicPartitionsAdded):
            return self.dynamic(event.name).add(event.keys)
        if isinstance(event, DynamicPartitionsDeleted):
            return self.dynamic(event.name).delete(event.keys)
        return BitMap()

    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        """The keys of a name, in the order in which they were added."""
        return self.dynamic(partitions_def_name).keys()

    def existing(
        self,
        definition: PartitionsDefinition | None,
        at: datetime,
        *,
        without: Mapping[str, BitMap] = MappingProxyType({}),
    ) -> BitMap:
        """The partitions of `definition` that exist at `at`; do not change the result. `without` leaves out some keys
        of dynamic partitions, by name."""
        if definition is None:
            return BitMap([0])
        if isinstance(definition, TimeWindowPartitionsDefinition):
            return clip(definition, at)
        if isinstance(definition, DynamicPartitionsDefinition):
            return self.dynamic(definition.name).existing(at) - without.get(definition.name, BitMap())
        if isinstance(definition, MultiPartitionsDefinition):
            return self._combinations(definition, at, without)
        return BitMap(range(definition.get_num_partitions()))

    def _combinations(
        self, definition: MultiPartitionsDefinition, at: datetime, without: Mapping[str, BitMap]
    ) -> BitMap:
        """What exists in several dimensions; made anew when something came or went in one of them."""
        space = self.of(definition)
        assert isinstance(space, TupleSpace)
        sides = [self.existing(d, at, without=without) for d in definition.partitions_by_dimension.values()]
        known = None if without else self._made.get(id(definition))
        if known is not None and known[0] is space and known[1] == sides:
            return known[2]
        bits = space.box(sides)
        if not without:
            if len(self._made) > 1_000:  # definition objects of loads long ago
                self._made.clear()
            self._made[id(definition)] = (space, sides, bits)
        return bits

    def _space_of(self, definition: PartitionsDefinition) -> OrdinalSpace:
        if isinstance(definition, TimeWindowPartitionsDefinition):
            return TimeSpace(definition)
        if isinstance(definition, StaticPartitionsDefinition):
            return StaticSpace(definition)
        if isinstance(definition, MultiPartitionsDefinition):
            return TupleSpace(definition, [self.of(d) for d in definition.partitions_by_dimension.values()])
        raise TypeError(f"no ordinal space for {type(definition).__name__}")
