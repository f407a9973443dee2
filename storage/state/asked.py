"""What automation asked for of late: when, and because of which positions in the log.

It is looked at for as long as the same reason may not ask again (`min_request_interval`), and forgotten afterwards: it
follows the requests of the last minute and not the number of partitions.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyroaring import BitMap

from .causes import Causes

KEPT_US = 60_000_000
"""No `min_request_interval` may be longer than this, in microseconds."""

Request = tuple[int, Causes]
"""Microseconds UTC, and the reason of each partition (0: one without a position)."""


class Asked:
    """The requests of one asset, newest first; each partition stands in the newest one only."""

    __slots__ = ("requests",)

    def __init__(self, requests: tuple[Request, ...] = ()) -> None:
        self.requests: tuple[Request, ...] = requests

    def ask(self, at: int, because: Causes) -> None:
        """Take note of a request, and forget what is too old to matter."""
        older = [(then, left) for then, past in self.since(at - KEPT_US) if (left := past.without(because.bits))]
        self.requests = ((at, because), *older)

    def since(self, at: int) -> Iterator[Request]:
        """Those behind an instant, newest first."""
        for request in self.requests:
            if request[0] <= at:
                return
            yield request

    def find(self, ordinal: int) -> tuple[int, float] | None:
        """When one partition was asked for last, and because of which position."""
        for at, because in self.requests:
            if ordinal in because.bits:
                return at, because.position(ordinal)
        return None

    def copy_one(self, ordinal: int, target: Asked, there: int) -> None:
        """Take one partition over into the requests of another table."""
        for at, because in self.requests:
            if ordinal in because.bits:
                one = Causes([(because.position(ordinal), BitMap([there]))])
                same = [request for request in target.requests if request[0] == at]
                others = [request for request in target.requests if request[0] != at]
                joined = (at, Causes([group for _, because in same for group in because] + [*one]))
                target.requests = tuple(sorted([*others, joined], key=lambda request: -request[0]))

    @property
    def bits(self) -> BitMap:
        return BitMap.union(*(because.bits for _, because in self.requests)) if self.requests else BitMap()


def alike(one: Causes, other: Causes) -> BitMap:
    """The partitions that have the same reason in both."""
    if one is other:
        return one.bits
    if not (one and other) or one.groups[0][0] < other.groups[-1][0] or other.groups[0][0] < one.groups[-1][0]:
        return BitMap()  # all that the one has is newer: thousands of positions are not compared
    there = dict(other)
    same = [bits & there[position] for position, bits in one if position in there]
    return BitMap.union(*same) if same else BitMap()
