"""Reasons that several parts of one Tick have stand in it once, where they are many.

Thousands of updates that reach hundreds of assets unchanged are the reasons of each of them: said each time they would
make a Tick of hundreds of megabytes, and each part would be checked over and over while it is made. So a part that has
many reasons is made with the place of its list among those of the Tick. What turns out to be the list of one part
alone is put back into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...storage import events as e
from ...storage.state import Causes
from ...storage.state.memory import Said, told
from ...storage.state.ordinals import OrdinalSpace

FEW = 8  # reasons that are said in each place: fewer bytes than most decisions have otherwise

Reasons = tuple[e.Cause, ...]
Shared = tuple[tuple[e.MemoryDelta, ...], tuple[e.Decision, ...], tuple[Reasons, ...]]


class SharedReasons:
    """The lists of reasons of one Tick, while it is made."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, str], tuple[Causes, Said]] = {}
        self._lists: list[Reasons] = []

    def say(self, causes: Causes, space: OrdinalSpace) -> Said:
        """`causes` as a part of the Tick says them, and every part that has the very same."""
        place = id(causes), space.fingerprint
        if place not in self._said:  # with the causes themselves, so that their id is not given again
            self._said[place] = causes, self._new(told(causes, space))
        return self._said[place][1]

    def _new(self, reasons: Reasons) -> Said:
        if len(reasons) <= FEW:
            return reasons, None
        self._lists.append(reasons)
        return (), len(self._lists) - 1

    def settled(self, memory: Sequence[e.MemoryDelta], decisions: Sequence[e.Decision]) -> Shared:
        """The parts as they stand in the Tick, and the lists that several of them have."""
        counts = Counter(part.shared for part in (*memory, *decisions) if part.shared is not None)
        places = {place: n for n, place in enumerate(sorted(place for place in counts if counts[place] > 1))}

        def settle(name: str, part: e.MemoryDelta | e.Decision) -> dict[str, object] | None:
            if part.shared is None or places.get(part.shared) == part.shared:
                return None
            if part.shared in places:
                return {"shared": places[part.shared]}
            return {name: self._lists[part.shared], "shared": None}

        return (
            tuple([part if (new := settle("added", part)) is None else part.model_copy(update=new) for part in memory]),
            tuple(
                [part if (new := settle("causes", part)) is None else part.model_copy(update=new) for part in decisions]
            ),
            tuple([self._lists[place] for place in places]),
        )
