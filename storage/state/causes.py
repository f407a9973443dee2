"""Positions by partition: for a set of partitions, the position in the log that each of them is true because of.

Kept as bitmaps grouped by position, newest first and disjoint: the number of groups follows the number of distinct
events, not the number of partitions. A cron instant stands between two events, hence halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pyroaring import BitMap

Group = tuple[float, BitMap]


class Causes:
    """Disjoint (position, partitions) groups, newest position first."""

    __slots__ = ("groups",)

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        """Where a partition stands in several groups, the largest position holds."""
        given = [group for group in groups if group[1]]
        if len(given) > 1:
            given = _disjoint(sorted(given, key=_newest_first))
        self.groups: list[Group] = given

    @classmethod
    def _of_disjoint(cls, groups: list[Group]) -> Causes:
        """From groups that are disjoint and in order already: what is left of a `Causes` is."""
        causes = cls.__new__(cls)
        causes.groups = groups
        return causes

    @property
    def bits(self) -> BitMap:
        if len(self.groups) == 1:
            return self.groups[0][1]
        return BitMap.union(*(bits for _, bits in self.groups)) if self.groups else BitMap()

    def within(self, bits: BitMap) -> Causes:
        if not self.groups:
            return self
        return self._of_disjoint([(position, left) for position, group in self.groups if (left := group & bits)])

    def without(self, bits: BitMap) -> Causes:
        if not self.groups or not bits:
            return self
        return self._of_disjoint([(position, left) for position, group in self.groups if (left := group - bits)])

    def mapped(self, function: Callable[[BitMap], BitMap]) -> Causes:
        if not self.groups:
            return self
        return Causes([(position, function(group)) for position, group in self.groups])

    def position(self, ordinal: int) -> float:
        """The position of one partition; 0 where it has none."""
        return next((position for position, group in self.groups if ordinal in group), 0)

    def __or__(self, other: Causes) -> Causes:
        if not other.groups:
            return self
        if not self.groups:
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
