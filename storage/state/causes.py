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
        seen = BitMap()
        self.groups: list[Group] = []
        for position, bits in sorted(groups, key=lambda group: -group[0]):
            fresh = bits - seen
            if not fresh:
                continue
            seen |= fresh
            if self.groups and self.groups[-1][0] == position:
                self.groups[-1] = (position, self.groups[-1][1] | fresh)
            else:
                self.groups.append((position, fresh))

    @property
    def bits(self) -> BitMap:
        return BitMap.union(*(bits for _, bits in self.groups)) if self.groups else BitMap()

    def within(self, bits: BitMap) -> Causes:
        return Causes((position, group & bits) for position, group in self.groups)

    def without(self, bits: BitMap) -> Causes:
        return Causes((position, group - bits) for position, group in self.groups)

    def mapped(self, function: Callable[[BitMap], BitMap]) -> Causes:
        return Causes((position, function(group)) for position, group in self.groups)

    def position(self, ordinal: int) -> float:
        """The position of one partition; 0 where it has none."""
        return next((position for position, group in self.groups if ordinal in group), 0)

    def __or__(self, other: Causes) -> Causes:
        return Causes([*self.groups, *other.groups])

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Causes) and self.groups == other.groups

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __repr__(self) -> str:
        return f"Causes({[(position, list(bits)) for position, bits in self.groups]})"
