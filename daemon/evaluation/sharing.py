"""Reasons that several parts of one Tick have stand in it once, where they are many.

Thousands of updates that reach hundreds of assets unchanged are the reasons of each of them: said each time they would
make a Tick of hundreds of megabytes. A `Cause` is made for one list of reasons only (`told`), so that two lists which
begin with the same object are one; they become one entry of `Tick.shared`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...storage import events as e

FEW = 8  # reasons that are said in each place: fewer bytes than most decisions have otherwise

Reasons = tuple[e.Cause, ...]
Shared = tuple[tuple[e.MemoryDelta, ...], tuple[e.Decision, ...], tuple[Reasons, ...]]


def sharing(memory: Sequence[e.MemoryDelta], decisions: Sequence[e.Decision]) -> Shared:
    """The same memory and decisions, and the reasons that they share."""
    everything = [delta.added for delta in memory] + [decision.causes for decision in decisions]
    counts = Counter(id(reasons[0]) for reasons in everything if len(reasons) > FEW)
    place: dict[int, int] = {}
    shared: list[Reasons] = []

    def place_of(reasons: Reasons) -> int | None:
        if len(reasons) <= FEW or counts[first := id(reasons[0])] < 2:
            return None
        if first not in place:
            place[first] = len(shared)
            shared.append(reasons)
        return place[first]

    told_memory = [
        delta if (at := place_of(delta.added)) is None else delta.model_copy(update={"added": (), "shared": at})
        for delta in memory
    ]
    told_decisions = [
        one if (at := place_of(one.causes)) is None else one.model_copy(update={"causes": (), "shared": at})
        for one in decisions
    ]
    return tuple(told_memory), tuple(told_decisions), tuple(shared)
