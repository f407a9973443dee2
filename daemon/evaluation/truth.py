"""The value of a condition's node: for which partitions it is true, and because of which position in the log.

A pulse carries the position of its event; a level has none of its own (0). OR and any_deps take the largest position of
the true children, AND the largest of all. What is true only through `will_be_requested` is kept apart as `passing`: it
counts in this tick and is never latched (SEMANTICS 2i). A partition can be both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pyroaring import BitMap

from ...storage.state import Causes


@dataclass(frozen=True, slots=True)
class Truth:
    lasting: BitMap
    causes: Causes = field(default_factory=Causes)
    """Positions of what is lasting; a level has none."""
    passing: BitMap = field(default_factory=BitMap)
    passing_causes: Causes = field(default_factory=Causes)

    @classmethod
    def pulse(cls, causes: Causes) -> Truth:
        return cls(causes.bits, causes)

    @property
    def bits(self) -> BitMap:
        """Where it is true."""
        return self.lasting | self.passing

    @property
    def why(self) -> Causes:
        """The position behind each partition that is true."""
        return self.causes | self.passing_causes

    def within(self, bits: BitMap) -> Truth:
        return Truth(
            self.lasting & bits, self.causes.within(bits), self.passing & bits, self.passing_causes.within(bits)
        )

    def mapped(self, function: Callable[[BitMap], BitMap]) -> Truth:
        """The same truth seen from the other side of a partition mapping."""
        return Truth(
            function(self.lasting),
            self.causes.mapped(function),
            function(self.passing),
            self.passing_causes.mapped(function),
        )


def nothing() -> Truth:
    return Truth(BitMap())


def any_of(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    if not truths:
        return nothing()
    return Truth(
        BitMap.union(*(truth.lasting for truth in truths)),
        Causes(group for truth in truths for group in truth.causes),
        BitMap.union(*(truth.passing for truth in truths)),
        Causes(group for truth in truths for group in truth.passing_causes),
    )


def all_of(truths: Iterable[Truth], candidates: BitMap) -> Truth:
    truths = list(truths)
    if not truths:
        return Truth(candidates.copy())
    lasting = BitMap.intersection(*(truth.lasting for truth in truths)) & candidates
    bits = BitMap.intersection(*(truth.bits for truth in truths)) & candidates
    passing = BitMap.union(*(truth.passing for truth in truths)) & bits
    return Truth(
        lasting,
        Causes(group for truth in truths for group in truth.causes).within(lasting),
        passing,
        Causes(group for truth in truths for group in truth.why).within(passing),
    )
