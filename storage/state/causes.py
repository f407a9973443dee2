"""Positions by partition: for a set of partitions, the position in the log that each of them is true because of.

Kept as bitmaps grouped by position, newest first and disjoint: the number of groups follows the number of distinct
events, not the number of partitions. A cron instant stands between two events, hence halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from pyroaring import BitMap

Group = tuple[float, BitMap]


class Causes:
    """Disjoint (position, partitions) groups, newest position first.

    Never changed. What comes out of an operation that takes nothing away is the same object, so that thousands of
    groups which go through many assets of one tick are handled once.
    """

    __slots__ = ("_bits", "groups")

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        """Where a partition stands in several groups, the largest position holds."""
        given = [group for group in groups if group[1]]
        if len(given) > 1:
            given = _disjoint(sorted(given, key=_newest_first))
        self.groups: list[Group] = given
        self._bits: BitMap | None = None

    @classmethod
    def union(cls, several: Iterable[Causes]) -> Causes:
        """All of them in one; the largest position holds."""
        left: list[Causes] = []
        for causes in several:
            if not any(other.covers(causes) for other in left):
                left = [other for other in left if not causes.covers(other)] + [causes]
        if len(left) == 1:
            return left[0]
        return cls([group for causes in left for group in causes.groups])

    def covers(self, other: Causes) -> bool:
        """Whether all partitions of `other` are in this one, and none of them with a larger position there."""
        if self is other or not other.groups:
            return True
        if not self.groups:
            return False
        return self.groups[-1][0] >= other.groups[0][0] and other.bits.issubset(self.bits)

    @classmethod
    def _of_disjoint(cls, groups: list[Group]) -> Causes:
        """From groups that are disjoint and in order already: what is left of a `Causes` is."""
        causes = cls.__new__(cls)
        causes.groups, causes._bits = groups, None
        return causes

    @property
    def bits(self) -> BitMap:
        """All partitions; not to be changed."""
        if len(self.groups) == 1:
            return self.groups[0][1]
        if self._bits is None:
            self._bits = BitMap.union(*(bits for _, bits in self.groups)) if self.groups else BitMap()
            self._bits.run_optimize()  # mostly whole stretches of time, of which the runs are handled in one go
        return self._bits

    def within(self, bits: BitMap) -> Causes:
        if not self.groups or self.bits.issubset(bits):
            return self
        return self._of_disjoint([(position, left) for position, group in self.groups if (left := group & bits)])

    def without(self, bits: BitMap) -> Causes:
        if not self.groups or not bits or self.bits.isdisjoint(bits):
            return self
        return self._of_disjoint([(position, left) for position, group in self.groups if (left := group - bits)])

    def beyond(self, other: Causes) -> Causes:
        """What does not stand at the same position in `other`."""
        if not self.groups or not other.groups:
            return self
        there = dict(other.groups)
        if not any(position in there for position, _ in self.groups):
            return self
        left = [(position, bits - there[position] if position in there else bits) for position, bits in self.groups]
        return self._of_disjoint([group for group in left if group[1]])

    def mapped(self, function: Callable[[BitMap], BitMap]) -> Causes:
        """The same positions at what `function` makes of each set of partitions; of more it makes no less."""
        if not self.groups:
            return self
        whole, seen = function(self.bits), BitMap()
        found: list[Group] = []
        for position, group in self.groups:
            if len(seen) == len(whole):  # older positions add nothing
                break
            if fresh := function(group) - seen:
                seen |= fresh
                found.append((position, fresh))
        return self._of_disjoint(found)

    def spread(self, spans: Mapping[int, tuple[int, int]], within: BitMap) -> Causes:
        """The same positions at the partitions from the first to the last that `spans` has for each, as far as they
        are `within`; of several the largest."""
        seen, known = BitMap(), set[tuple[int, int]]()
        found: list[Group] = []
        for position, group in self.groups:
            ordinals = (group.min(),) if len(group) == 1 else group
            there = [span for ordinal in ordinals if (span := spans.get(ordinal)) is not None and span not in known]
            if not there:
                continue
            known.update(there)
            bits = BitMap()
            for first, last in there:
                bits.add_range(max(first, 0), max(last + 1, 0))
            if fresh := (bits & within) - seen:
                seen |= fresh
                found.append((position, fresh))
        return self._of_disjoint(found)

    def position(self, ordinal: int) -> float:
        """The position of one partition; 0 where it has none."""
        for position, group in self.groups:
            if ordinal in group:
                return position
        return 0

    def __or__(self, other: Causes) -> Causes:
        if self.covers(other):
            return self
        if other.covers(self):
            return other
        return Causes([*self.groups, *other.groups])

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Causes) and self.groups == other.groups

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __repr__(self) -> str:
        return f"Causes({[(position, list(bits)) for position, bits in self.groups]})"


def _newest_first(group: Group) -> float:
    return -group[0]


def _disjoint(groups: list[Group]) -> list[Group]:
    """Sorted groups, each without what a newer one has; groups of one position become one."""
    seen = BitMap()
    left: list[Group] = []
    for position, bits in groups:
        fresh = bits - seen
        if not fresh:
            continue
        seen |= fresh
        if left and left[-1][0] == position:
            left[-1] = (position, left[-1][1] | fresh)
        else:
            left.append((position, fresh))
    return left
