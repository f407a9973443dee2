"""What many assets of one tick make of the very same sets, made once.

Thousands of updates of one asset reach hundreds of others unchanged: each takes the same positions, looks at the same
partitions, and comes to the same sets. A truth, a set and positions are never changed, only combined to new ones. So
what a function made of the same objects in this tick is what it would make of them again, and the next asset finds it
by their identities. What comes out is one object for all of them, and so is what they make of that.

Sets that State keeps for each asset (what was ever made of it) are equal and not the same; `same` gives one for all
that are equal. None of them changes while a tick is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from pyroaring import BitMap

from ...storage.state import Causes
from .truth import NO_BITS, NO_CAUSES

Made = TypeVar("Made")
Of = TypeVarTuple("Of")

FEW = 8
"""Positions that are compared to find out whether causes are equal."""


class Once:
    """What was made in one tick, by the function and the identities of what it was made of."""

    __slots__ = ("_equal", "_made", "_same", "alike", "views")

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = {}
        self._same: dict[int, tuple[Any, Any]] = {}
        """By identity, what equals it, and the thing itself: so no id is given again."""
        self._equal: dict[object, Any] = {}
        self.views: dict[Any, Any] = {}
        """What conditions say of a dependency, by all that this depends on."""
        self.alike: dict[Any, Any] = {}
        """What conditions came to, by what they read."""

    def __call__(self, make: Callable[[*Of], Made], *of: *Of) -> Made:
        """What `make` makes `of` these; it asks nothing else."""
        place = (make, *map(id, of))
        made = self._made.get(place)
        if made is None:  # with what it was made of, so that no id is given again
            made = self._made[place] = make(*of), of
        return made[0]

    def same(self, bits: BitMap) -> BitMap:
        """An equal set: one object for all that are equal. Its runs are handled in one go."""
        if not bits:
            return NO_BITS
        known = self._same.get(id(bits))
        if known is None:
            known = self._same[id(bits)] = self._first_set(bits), bits
        return known[0]

    def same_causes(self, causes: Causes) -> Causes:
        """Equal causes: one object for all that are equal. Those with many positions are left as they are."""
        if not causes.groups:
            return NO_CAUSES
        known = self._same.get(id(causes))
        if known is None:
            known = self._same[id(causes)] = self._first_causes(causes), causes
        return known[0]

    def _first_set(self, bits: BitMap) -> BitMap:
        data = hash(bits.serialize())
        first = self._equal.get(data)
        if first is None:
            first = self._equal[data] = bits.copy()
            first.run_optimize()
        return first if first == bits else bits

    def _first_causes(self, causes: Causes) -> Causes:
        if len(causes.groups) > FEW:
            return causes
        place = tuple([(position, id(self.same(bits))) for position, bits in causes.groups])
        return self._equal.setdefault(place, causes)
