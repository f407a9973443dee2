"""What conditions that users wrote in Python came to, as a fold over their evaluations.

An answer is a level: for each partition for which it is true, with the offset of the evaluation in which it turned so.
A failed evaluation changes nothing of that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from pyroaring import BitMap

from .. import events as e
from .causes import Causes
from .ordinals import OrdinalSpace

Place = tuple[str, str]
"""The id of a condition's node, and the key of the asset, or of the node of the check, that it is asked about."""


@dataclass(slots=True)
class ConditionAnswer:
    """The answer that holds. `last` is the newest evaluation, which may have failed."""

    last: e.ConditionEvaluated
    is_known: bool = False
    """Whether there ever was an answer."""
    true: Causes = field(default_factory=Causes)
    cursor: str | None = None


class ConditionAnswers:
    """The answers of all such conditions, by place."""

    def __init__(self) -> None:
        self.by_place: dict[Place, ConditionAnswer] = {}

    def true(self, node: str, key: str) -> Causes:
        """Where the condition of this node is true of an asset or a check; nowhere, if it was never asked."""
        answer = self.by_place.get((node, key))
        return answer.true if answer is not None else Causes()

    def is_known(self, place: Place) -> bool:
        """Whether there is an answer; until then nothing is decided that depends on it."""
        answer = self.by_place.get(place)
        return answer is not None and answer.is_known

    def evaluated(self, event: e.ConditionEvaluated, key: str, space: OrdinalSpace, *, offset: int) -> None:
        answer = self.by_place.setdefault((event.node, key), ConditionAnswer(event))
        answer.last = event
        if event.status == "failed":
            return
        answer.is_known = True
        bits = space.bits(event.partitions)
        before = answer.true.within(bits)
        answer.true = before | Causes([(offset, bits - before.bits)])
        if event.cursor is not None:
            answer.cursor = event.cursor

    def keep(self, nodes: Collection[str]) -> None:
        """Forget what is no part of any condition any more."""
        self.by_place = {place: answer for place, answer in self.by_place.items() if place[0] in nodes}

    def renumber(self, key: str, old: OrdinalSpace, new: OrdinalSpace) -> None:
        """Move the answers about one asset to another space, by key."""

        def moved(bits: BitMap) -> BitMap:
            found = [new.find(old.key(ordinal)) for ordinal in bits]
            return BitMap([ordinal for ordinal in found if ordinal is not None])

        for (_, of), answer in self.by_place.items():
            if of == key:
                answer.true = answer.true.mapped(moved)
