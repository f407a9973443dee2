"""The space of partitions of several dimensions: combinations of keys, numbered as they are needed.

The ordinals of every dimension (an *axis*) that were ever asked for lie in one interval. When an interval has to grow,
it grows by as much again, and all combinations with the new ordinals are numbered at once, as one *block*: a box of
intervals, numbered row by row. So a space is a handful of blocks, whatever the number of its combinations; nothing is
kept for a single one, and no number changes when a customer or a day is added. Sets of combinations are bitmaps as
everywhere, and what goes from and to the axes is done on whole arrays.

Numbers end at 2**32, as those of all bitmaps do. Combinations for which there is no number left exist for nobody:
`MultiPartitionsDefinition` refuses beforehand what is half as large. A set of combinations that is neither a few runs
of days nor small costs what its members cost.

Which combination has which number depends on who asked first. Nothing but this process sees it: whatever is written is
in the order of the keys (`ranges`, `ordered`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap

from ...definitions.partitions.multi import BETWEEN, MultiPartitionsDefinition
from ...definitions.partitions.static import StaticPartitionsDefinition
from ..events import KeyRanges

if TYPE_CHECKING:
    from .ordinals import OrdinalSpace

END = 2**32
ROOM = 16
"""Ordinals of an axis that are taken in at a time, at least."""

LONG = 64
"""Numbers in a row from which on a stretch is worth a step of its own."""

AT_ONCE = 2**22
"""Numbers that are worked out together, at most."""

Box = Sequence[BitMap]
"""A set of ordinals of each axis: all their combinations."""


@dataclass(frozen=True, slots=True)
class _Block:
    """The combinations of the intervals `low` to `high` (without), numbered from `base` on."""

    base: int
    size: int
    low: tuple[int, ...]
    high: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, box: Box) -> list[BitMap]:
        """The part of a box that is numbered here."""
        return [_within(bits, low, high) for bits, low, high in zip(box, self.low, self.high, strict=True)]

    def find(self, place: Sequence[int]) -> int | None:
        if all(low <= n < high for n, low, high in zip(place, self.low, self.high, strict=True)):
            return self.base + sum(
                (n - low) * stride for n, low, stride in zip(place, self.low, self.strides, strict=True)
            )
        return None

    def place(self, ordinal: int) -> tuple[int, ...]:
        rest = ordinal - self.base
        return tuple(
            rest // stride % (high - low) + low
            for low, high, stride in zip(self.low, self.high, self.strides, strict=True)
        )


class TupleSpace:
    """The combinations of the keys of several axes."""

    grows = True

    def __init__(self, definition: MultiPartitionsDefinition, axes: Sequence[OrdinalSpace]) -> None:
        self.fingerprint: str = definition.space
        self.names: list[str] = definition.partition_dimension_names
        self.axes: tuple[OrdinalSpace, ...] = tuple(axes)
        windows = [name for name, d in definition.partitions_by_dimension.items() if d.time_windows]
        self.time: int | None = self.names.index(windows[0]) if windows else None
        """The first axis of windows of time: along it combinations stand in ranges."""
        self._blocks: list[_Block] = []
        self._fixed = [
            len(d.keys) if isinstance(d, StaticPartitionsDefinition) else None
            for d in definition.partitions_by_dimension.values()
        ]
        """How many keys a static axis has: it is taken in as a whole."""
        self._low = [0] * len(self.axes)
        self._high = [0] * len(self.axes)
        self._end = 0

    # ---- keys ----------------------------------------------------------------------------------------------------

    def find(self, key: str | None) -> int | None:
        return self._ordinal(key, [axis.find for axis in self.axes])

    def number(self, key: str | None) -> int | None:
        """As `find`, and a key that an axis may still take is taken."""
        return self._ordinal(key, [axis.number for axis in self.axes])

    def key(self, ordinal: int) -> str | None:
        block = next(b for b in self._blocks if b.base <= ordinal < b.base + b.size)
        return self._key(block.place(ordinal))

    def ranges(self, bits: BitMap) -> KeyRanges | None:
        """In the order of the keys: along the axis of time as ranges, else one by one."""
        if not bits:
            return ()
        columns = self._sorted(bits)
        if self.time is None:
            keys = [self._key(place) for place in zip(*(column.tolist() for column in columns), strict=True)]
            return tuple((key, key) for key in keys)
        return tuple(self._runs(columns, self.time))

    def bits(self, ranges: KeyRanges | None) -> BitMap:
        found: list[int] = []
        bits = BitMap()
        for first, last in ranges or ():
            if first == last:
                if (ordinal := self.find(first)) is not None:
                    found.append(ordinal)
            elif (box := self._between(first, last)) is not None:
                bits |= self.box(box)
        bits.update(found)
        return bits

    def ordered(self, bits: BitMap) -> Iterable[int]:
        """`bits` by time, then by the other keys."""
        import numpy as np

        numbers = np.concatenate([part for part, _ in self._parts(bits)]) if bits else np.array([], np.int64)
        columns = self._columns(bits)
        order = np.lexsort([columns[n] for n in reversed(self._axes_from(self.time))])
        return numbers[order].tolist()

    # ---- sets ----------------------------------------------------------------------------------------------------

    def box(self, sides: Box) -> BitMap:
        """All combinations of the ordinals of `sides`, numbered now where they have no number."""
        if not all(sides):
            return BitMap()
        for axis, side in enumerate(sides):
            self._reach(axis, side.min(), side.max() + 1)
        found = BitMap()
        for block in self._blocks:
            part = block.of(sides)
            if all(part):
                found |= _numbers(block, part)
        return found

    def along(self, bits: BitMap, axis: int) -> BitMap:
        """The ordinals of one axis that occur in `bits`."""
        found = BitMap()
        for block in self._blocks:
            count = bits.range_cardinality(block.base, block.base + block.size)
            if count == block.size:
                found.add_range(block.low[axis], block.high[axis])
            elif count:
                found |= _bitmap(_axis_of(block, _array(_within(bits, block.base, block.base + block.size)), axis))
        return found

    def boxes(self, bits: BitMap) -> Iterator[list[BitMap]]:
        """`bits` as few boxes: one, where they are all combinations of some keys, else one for each combination of all
        axes but the longest."""
        if not bits:
            return
        sides = [self.along(bits, axis) for axis in range(len(self.axes))]
        if prod(map(len, sides)) == len(bits):
            yield sides
            return
        longest = max(range(len(sides)), key=lambda axis: len(sides[axis]))
        columns = self._columns(bits)
        order, groups = _grouped([column for n, column in enumerate(columns) if n != longest])
        columns = [column[order] for column in columns]
        for start, end in groups:
            box = [BitMap([int(column[start])]) for column in columns]
            box[longest] = _bitmap(columns[longest][start:end])
            yield box

    # ---- growing -------------------------------------------------------------------------------------------------

    def _reach(self, axis: int, low: int, high: int) -> bool:
        """Take the ordinals from `low` to `high` (without) of an axis in; whether there was room for them."""
        if self._low[axis] == self._high[axis]:
            self._low[axis] = self._high[axis] = 0 if self._fixed[axis] is not None else low
        if low < self._low[axis]:
            self._grow(axis, max(0, min(low, self._low[axis] - self._room(axis))), self._low[axis], at_least=low)
        if high > self._high[axis]:
            self._grow(axis, self._high[axis], max(high, self._high[axis] + self._room(axis)), at_least=high)
        return self._low[axis] <= low and high <= self._high[axis]

    def _room(self, axis: int) -> int:
        return self._fixed[axis] or max(ROOM, self._high[axis] - self._low[axis])

    def _grow(self, axis: int, low: int, high: int, *, at_least: int) -> None:
        upwards = low == self._high[axis]
        others = prod(self._high[n] - self._low[n] for n in range(len(self.axes)) if n != axis)
        if self._end + (high - low) * others > END:  # as much as is needed, then, and no more
            low, high = (low, at_least) if upwards else (at_least, high)
        size = (high - low) * others
        if self._end + size > END:
            return
        if size:
            self._blocks.append(self._block(axis, low, high, size))
            self._end += size
        if upwards:
            self._high[axis] = high
        else:
            self._low[axis] = low

    def _block(self, axis: int, low: int, high: int, size: int) -> _Block:
        lows, highs = [*self._low], [*self._high]
        lows[axis], highs[axis] = low, high
        strides, stride = [0] * len(lows), 1
        for n in reversed(self._axes_from(axis)):  # the axis that grows moves slowest: a new day is one stretch
            strides[n], stride = stride, stride * (highs[n] - lows[n])
        return _Block(self._end, size, tuple(lows), tuple(highs), tuple(strides))

    def _axes_from(self, axis: int | None) -> list[int]:
        """All axes in order, but one of them in front."""
        rest = [n for n in range(len(self.axes)) if n != axis]
        return rest if axis is None else [axis, *rest]

    # ---- single combinations ---------------------------------------------------------------------------------------

    def _ordinal(self, key: str | None, find: Sequence[Any]) -> int | None:
        parts = [] if key is None else key.split(BETWEEN)
        if len(parts) != len(self.axes):
            return None
        place = [look(part) for look, part in zip(find, parts, strict=True)]
        if any(n is None for n in place) or not all(self._reach(axis, n, n + 1) for axis, n in enumerate(place)):
            return None
        return next((found for block in self._blocks if (found := block.find(place)) is not None), None)

    def _key(self, place: Sequence[int]) -> str:
        return BETWEEN.join(str(axis.key(n)) for axis, n in zip(self.axes, place, strict=True))

    def _between(self, first: str, last: str) -> list[BitMap] | None:
        """The range from one combination to another that differs in the axis of time, or in more."""
        lows, highs = first.split(BETWEEN), last.split(BETWEEN)
        if not len(lows) == len(highs) == len(self.axes):
            return None  # of other partitions, that the asset had before
        box = []
        for axis, low, high in zip(self.axes, lows, highs, strict=True):
            start, end = axis.find(low), axis.find(high)
            if start is None or end is None or start > end:
                return None
            box.append(BitMap(range(start, end + 1)))
        return box

    def _runs(self, columns: Sequence[Any], time: int) -> Iterator[tuple[str, str]]:
        import numpy as np

        others = [column for n, column in enumerate(columns) if n != time]
        gaps = np.flatnonzero(np.diff(columns[time]) != 1) + 1
        for start, end in _groups(others, also=gaps):
            first, last = ([int(column[n]) for column in columns] for n in (start, end - 1))
            yield self._key(first), self._key(last)

    # ---- arrays --------------------------------------------------------------------------------------------------

    def _parts(self, bits: BitMap) -> Iterator[tuple[Any, _Block]]:
        for block in self._blocks:
            if part := _within(bits, block.base, block.base + block.size):
                yield _array(part), block

    def _columns(self, bits: BitMap) -> list[Any]:
        """For each axis its ordinals, one for each of `bits`."""
        import numpy as np

        parts = list(self._parts(bits))
        empty = [np.array([], np.int64)]
        return [
            np.concatenate([_axis_of(block, part, axis) for part, block in parts] or empty)
            for axis in range(len(self.axes))
        ]

    def _sorted(self, bits: BitMap) -> list[Any]:
        """The columns of `bits`, sorted by all axes in order, with the axis of time moving fastest."""
        import numpy as np

        columns = self._columns(bits)
        slow = [n for n in range(len(columns)) if n != self.time]
        order = slow if self.time is None else [*slow, self.time]
        place = np.lexsort([columns[n] for n in reversed(order)])
        return [column[place] for column in columns]

    def existing(self, at: datetime) -> BitMap:
        """Every combination of what exists on the axes."""
        return self.box([axis.existing(at) for axis in self.axes])


def _numbers(block: _Block, part: Sequence[BitMap]) -> BitMap:
    """The numbers of a box inside a block.

    Axes that move fastest and are taken whole make stretches of numbers, and so do neighbours on the axis above them.
    Long stretches are put in one by one, whatever their length; short ones number by number, all at once.
    """
    from .ordinals import spans

    order = sorted(range(len(part)), key=lambda n: -block.strides[n])
    last = len(order) - 1
    while last and len(part[order[last]]) == block.high[order[last]] - block.low[order[last]]:
        last -= 1
    axis, stride = order[last], block.strides[order[last]]
    starts = len(part[axis] - part[axis].shift(1)) * prod(len(part[n]) for n in order[:last])
    if prod(map(len, part)) >= LONG * starts:
        found = BitMap()
        for base in _sums(block, part, order[:last]).tolist():
            for first, end in spans(part[axis]):
                found.add_range(base + (first - block.low[axis]) * stride, base + (end + 1 - block.low[axis]) * stride)
        return found
    if prod(map(len, part)) > AT_ONCE and len(part[order[0]]) > 1:
        slow = order[0]
        each = ([BitMap([n]) if other == slow else part[other] for other in range(len(part))] for n in part[slow])
        return BitMap.union(*(_numbers(block, one) for one in each))
    return _bitmap(_sums(block, part, order))


def _sums(block: _Block, part: Sequence[BitMap], axes: Sequence[int]) -> Any:
    """Where the numbers of a box begin, for each combination along `axes`, which stand from slow to fast."""
    import numpy as np

    total = np.array([block.base], np.int64)
    for n in axes:
        offsets = (_array(part[n]) - block.low[n]) * block.strides[n]
        total = (total[:, None] + offsets[None, :]).ravel()
    return total


def _axis_of(block: _Block, numbers: Any, axis: int) -> Any:
    """The ordinals of one axis, for numbers of a block."""
    import numpy as np

    stride, width = block.strides[axis], block.high[axis] - block.low[axis]
    places = (numbers - block.base).astype(np.uint32)  # twice as fast to divide as 64 bits
    if stride > 1:
        places //= np.uint32(stride)
    if stride * width < block.size:
        places %= np.uint32(width)
    return places.astype(np.int64) + block.low[axis]


def _groups(columns: Sequence[Any], also: Any = ()) -> Iterator[tuple[int, int]]:
    """Where sorted rows change in any of `columns`, as (start, end) of equal rows; and at the places `also`."""
    import numpy as np

    edges = [np.flatnonzero(np.diff(column)) + 1 for column in columns]
    starts = np.unique(np.concatenate([*edges, np.asarray(also, np.int64)]))
    places = [0, *starts.tolist(), len(columns[0])]
    yield from pairwise(places)


def _grouped(columns: Sequence[Any]) -> tuple[Any, Iterator[tuple[int, int]]]:
    """An order that puts equal rows of `columns` together, and where in it each group starts and ends."""
    import numpy as np

    codes = np.zeros_like(columns[0]) if columns else np.zeros(0, np.int64)
    for column in columns:
        low = column.min()
        codes = codes * (column.max() - low + 1) + (column - low)
    if codes.max(initial=0) < 2**16:
        codes = codes.astype(np.uint16)  # of so few values they are sorted by counting
    order = np.argsort(codes, kind="stable")
    return order, _groups([codes[order]])


def _within(bits: BitMap, low: int, high: int) -> BitMap:
    if not bits or (low <= bits.min() and bits.max() < high):
        return bits
    return bits & BitMap(range(low, high))


def _array(bits: BitMap) -> Any:
    import numpy as np

    return np.frombuffer(bits.to_array(), np.uint32).astype(np.int64)


def _bitmap(numbers: Any) -> BitMap:
    import numpy as np

    return BitMap(array("I", numbers.astype(np.uint32).tobytes()))
