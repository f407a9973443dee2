"""The value of a condition's node: for which partitions it is true, and because of which position in the log.

A pulse carries the position of its event; a level has none of its own (0). OR and any_deps take the largest position of
the true children, AND the largest of all. What is true only through `will_be_requested` is kept apart as `passing`: it
counts in this tick and is never latched (SEMANTICS 2i). A partition can be both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyroaring import BitMap

from ...storage.state import Causes

NO_BITS, NO_CAUSES = BitMap(), Causes()  # shared: a truth's parts are never changed, only combined to new ones
WHOLE = BitMap([0])  # what has no partitions; shared likewise


class Truth:
    """`lasting` with the positions that its pulses came from (a level has none), and `passing` with its own."""

    __slots__ = ("_bits", "_why", "causes", "lasting", "passing", "passing_causes")

    def __init__(
        self,
        lasting: BitMap,
        causes: Causes = NO_CAUSES,
        passing: BitMap = NO_BITS,
        passing_causes: Causes = NO_CAUSES,
    ) -> None:
        self.lasting: BitMap = lasting
        self.causes: Causes = causes
        self.passing: BitMap = passing
        self.passing_causes: Causes = passing_causes
        self._bits: BitMap | None = None
        self._why: Causes | None = None

    @classmethod
    def pulse(cls, causes: Causes) -> Truth:
        return cls(causes.bits, causes)

    @property
    def bits(self) -> BitMap:
        """Where it is true; not to be changed."""
        if self._bits is None:
            self._bits = _union(self.lasting, self.passing)
        return self._bits

    @property
    def why(self) -> Causes:
        """The position behind each partition that is true."""
        if self._why is None:
            self._why = self.causes | self.passing_causes
        return self._why

    @property
    def unnamed(self) -> BitMap:
        """Where it is lastingly true without a position of its own."""
        return NO_BITS if self.lasting is self.causes.bits else self.lasting - self.causes.bits

    def position(self, ordinal: int) -> float | None:
        """The newest position behind one partition, 0 for none; None where it is not true."""
        if ordinal not in self.lasting and ordinal not in self.passing:
            return None
        return max(self.causes.position(ordinal), self.passing_causes.position(ordinal))

    def within(self, bits: BitMap) -> Truth:
        lasting, causes = self.lasting & bits, self.causes.within(bits)
        if not self.passing:
            return Truth(lasting, causes)
        return Truth(lasting, causes, self.passing & bits, self.passing_causes.within(bits))

    def mapped(self, function: Callable[[BitMap], BitMap]) -> Truth:
        """The same truth seen from the other side of a partition mapping."""
        lasting, causes = function(self.lasting), self.causes.mapped(function)
        if not self.passing:
            return Truth(lasting, causes)
        return Truth(lasting, causes, function(self.passing), self.passing_causes.mapped(function))


def _union(lasting: BitMap, passing: BitMap) -> BitMap:
    if not passing:
        return lasting
    return lasting | passing if lasting else passing


def is_true(truth: Truth) -> bool:
    """Whether it is true anywhere."""
    return bool(truth.lasting) or bool(truth.passing)


def nothing() -> Truth:
    return Truth(BitMap())


def any_of(truths: Iterable[Truth]) -> Truth:
    truths = [truth for truth in truths if truth.lasting or truth.passing]
    if len(truths) <= 1:
        return truths[0] if truths else nothing()
    lasting = BitMap.union(*(truth.lasting for truth in truths))
    causes = Causes.union(truth.causes for truth in truths)
    if not any(truth.passing for truth in truths):
        return Truth(lasting, causes)
    passing = BitMap.union(*(truth.passing for truth in truths))
    return Truth(lasting, causes, passing, Causes.union(truth.passing_causes for truth in truths))


def all_of(truths: Iterable[Truth], candidates: BitMap) -> Truth:
    truths = list(truths)
    if not truths:
        return Truth(candidates.copy())
    lasting = BitMap.intersection(candidates, *(truth.lasting for truth in truths))
    causes = Causes.union(truth.causes.within(lasting) for truth in truths) if lasting else NO_CAUSES
    if not any(truth.passing for truth in truths):
        return Truth(lasting, causes)
    bits = BitMap.intersection(candidates, *(truth.bits for truth in truths))
    passing = BitMap.union(*(truth.passing for truth in truths)) & bits
    return Truth(lasting, causes, passing, Causes.union(truth.why for truth in truths).within(passing))
