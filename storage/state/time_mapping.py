"""Windows of time mapped onto windows of time: from the partitions of one rhythm to those of another that overlap them.

The windows of a calendar meet end to start, so a run of consecutive windows overlaps one run of the other side: from
the window that its start is in to the one that its end is in. A set of few runs is mapped run by run, which costs the
same for an hour and for fifty years.

A set of many runs (every other hour of fifty years) is mapped all at once. Of the two sides one has the longer windows,
and each of them overlaps a stretch of short ones. A long window is hit if any bit lies in its stretch: the bits are
moved back by 1, 2, 4... and joined, which answers that for all stretches of one length together, at their first bit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from pyroaring import BitMap

from ...definitions.partitions.calendars import Calendar
from .ordinals import spans

FEW = 64
"""Runs up to this number are mapped one by one."""

PAGE = 256
"""Windows whose starts are kept together."""
SPARSE = 8
"""Of more windows than this for each bit the starts are not looked up together."""


def overlapping(bits: BitMap, source: Calendar, target: Calendar) -> BitMap:
    """The windows of `target` that share time with any of the windows `bits` of `source`."""
    if not bits:
        return BitMap()
    ends = bits - bits.shift(-1)
    if len(ends) <= FEW:
        return _by_runs(bits, source, target)
    if _longer(source, target):
        return _stretches(source, target, bits.max()).all_of(bits)
    reach = target.at(source.start(bits.max() + 1))
    return _stretches(target, source, reach).hit_by(bits)


def reaches(bits: BitMap, source: Calendar, target: Calendar) -> Iterator[tuple[int, int, int]]:
    """Each window of `bits` with the first and the last window of `target` that it shares time with; an empty one
    shares none."""
    if source == target:
        yield from ((ordinal, ordinal, ordinal) for ordinal in bits)
    elif not bits or _longer(source, target) or bits.max() - bits.min() > SPARSE * len(bits):
        for ordinal in bits:
            start, end = source.start(ordinal), source.start(ordinal + 1)
            if start < end:  # a day that a country skipped is empty
                yield ordinal, max(target.at(start), 0), target.at(end - 1)
    else:
        first = bits.min()
        starts = _starts(source, first, bits.max() + 2)
        low = target.at(starts[0])
        edges = _starts(target, low, target.at(starts[-1]) + 2)
        for ordinal in bits:
            start, end = starts[ordinal - first], starts[ordinal - first + 1]
            if start < end:
                yield ordinal, max(low + bisect_right(edges, start) - 1, 0), low + bisect_right(edges, end - 1) - 1


def moved(bits: BitMap, first: int, last: int) -> BitMap:
    """Each of `bits` spread over the ordinals from `first` to `last` places on."""
    if first > last or not bits:
        return BitMap()
    return _wider(bits.shift(last), 1, last - first + 1)


def _wider(bits: BitMap, width: int, wanted: int) -> BitMap:
    """`bits`, which hold `width` ordinals down from each of some bits, so that they hold `wanted`; none below 0."""
    while width < wanted:
        step = min(width, wanted - width)
        bits, width = bits | bits.shift(-step), width + step
    return bits


def _by_runs(bits: BitMap, source: Calendar, target: Calendar) -> BitMap:
    found = BitMap()
    for first, last in spans(bits):
        start, end = source.start(first), source.start(last + 1)
        if start < end:  # a day that a country skipped is empty
            low, high = max(target.at(start), 0), target.at(end - 1) + 1
            if low < high:
                found.add_range(low, high)
    return found


def _starts(calendar: Calendar, first: int, behind: int) -> list[int]:
    """When the windows from `first` up to `behind` start, in seconds."""
    found: list[int] = []
    for page in range(first // PAGE, (behind - 1) // PAGE + 1):
        starts = _page_of_starts(calendar, page)
        found += starts[max(first - page * PAGE, 0) : behind - page * PAGE]
    return found


@lru_cache(maxsize=1024)
def _page_of_starts(calendar: Calendar, page: int) -> list[int]:
    return [calendar.start(ordinal) for ordinal in range(page * PAGE, (page + 1) * PAGE)]


def _longer(one: Calendar, other: Calendar) -> bool:
    """Whether the windows of `one` are longer than those of `other`, over fifty years."""
    span = 50 * 365 * 86_400
    return one.at(span) - one.at(0) < other.at(span) - other.at(0)


class _Stretches:
    """For each long window from 1970 on, up to some count, the short windows that it overlaps."""

    def __init__(self, long: Calendar, short: Calendar, count: int) -> None:
        self._first, self._behind = _edges(long, short, count)
        self._starts: dict[int, BitMap] = {}
        """By the length of their stretch, where the stretches of long windows start:"""
        self._long: dict[int, dict[int, int]] = {}
        """and whose they are, as {start: long window}."""
        self._apart: list[int] = []
        """Long windows that are looked at one by one: they begin before 1970, or share their stretch."""
        if isinstance(self._first, range):
            length = self._behind[0] - self._first[0]
            self._starts[length] = BitMap(range(max(self._first[0], 0), self._first.stop, self._first.step))
            if self._first[0] < 0:
                after = next((first for first in self._first if first >= 0), self._first.stop)
                self._apart = list(range(self._first.index(after)))
                self._starts[length] = BitMap(range(after, self._first.stop, self._first.step))
            return
        for ordinal, (first, behind) in enumerate(zip(self._first, self._behind, strict=True)):
            owners = self._long.setdefault(behind - first, {})
            if first < 0 or first in owners:
                self._apart.append(ordinal)
            elif behind > first:
                owners[first] = ordinal
        self._starts = {length: BitMap(owners) for length, owners in sorted(self._long.items())}

    def all_of(self, long_bits: BitMap) -> BitMap:
        """The short windows that the long windows `long_bits` overlap."""
        found, first, behind = BitMap(), self._first, self._behind
        if isinstance(first, range):
            zero, step = first.start, first.step
            starts = BitMap([start for ordinal in long_bits if (start := zero + ordinal * step) >= 0])
            found, long_bits = moved(starts, 0, behind[0] - zero - 1), long_bits & BitMap(self._apart)
        for low, high in spans(long_bits):
            if behind[high] > max(first[low], 0):
                found.add_range(max(first[low], 0), behind[high])
        return found

    def hit_by(self, short_bits: BitMap) -> BitMap:
        """The long windows that any of the short windows `short_bits` overlaps."""
        hit = BitMap(
            [n for n in self._apart if short_bits.range_cardinality(max(self._first[n], 0), max(self._behind[n], 0))]
        )
        spread, width = short_bits, 1
        for length, starts in self._starts.items():
            spread, width = _wider(spread, width, length), max(length, width)
            hit.update(self._owners(spread & starts, length))
        return hit

    def _owners(self, starts: BitMap, length: int) -> Iterable[int]:
        if isinstance(self._first, range):
            zero, step = self._first.start, self._first.step
            return BitMap([(start - zero) // step for start in starts])
        return BitMap([*map(self._long[length].__getitem__, starts)])


def _edges(long: Calendar, short: Calendar, count: int) -> tuple[Sequence[int], Sequence[int]]:
    """For each long window the first short one that it overlaps, and the one behind the last."""
    first, behind = _stretch(long, short, 0)
    if long.period and short.period and long.period % short.period == 0:
        step = long.period // short.period
        return range(first, first + count * step, step), range(behind, behind + count * step, step)
    edges = [long.start(ordinal) for ordinal in range(count + 1)]
    places = [short.at(edge) for edge in edges]
    ends = [place + (short.start(place) < edge) for place, edge in zip(places[1:], edges[1:], strict=True)]
    return places[:-1], ends


def _stretch(long: Calendar, short: Calendar, ordinal: int) -> tuple[int, int]:
    return short.at(long.start(ordinal)), short.at(long.start(ordinal + 1) - 1) + 1


@lru_cache(maxsize=64)
def _grown(long: Calendar, short: Calendar, count: int) -> _Stretches:
    return _Stretches(long, short, count)


def _stretches(long: Calendar, short: Calendar, last: int) -> _Stretches:
    """The table up to the long window `last` at least; it grows by large steps, so that it is seldom made anew."""
    return _grown(long, short, (last // 4096 + 1) * 4096)
