"""Assets that are alike in a tick: what their condition reads is the very same, and so is what it comes to.

A condition is compiled to functions, and to a `Plan` of what these read: leaves about the asset itself, what is said of
each of its dependencies (a `View`, which all assets have in common that read it alike), and what its nodes remember.
The first asset of a tick that reads something is evaluated; of each further one that reads the same objects the truth
and the memory are known. Its leaves are put together from the plan, since they stand at dependencies of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import restricting as look
from ...storage import events as e
from ...storage.state import Causes
from ...storage.state.ordinals import OrdinalSpace
from .moment import Moment
from .plain import Evaluation, Leaf
from .truth import Truth


class PartitionedEvaluation(Evaluation):
    """An evaluation of which the leaves are those that were true."""


ToldLeaves = list[list[e.LeafTruth]]


@dataclass(frozen=True, slots=True, eq=False)
class OwnLeaf:
    """A leaf about the asset itself: `operand` is the name of what evaluates it."""

    node: AutomationCondition
    operand: str
    path: str
    label: str
    pulse: bool


@dataclass(slots=True, eq=False)
class Plan:
    """What a compiled condition reads, in the order in which it does."""

    own: list[OwnLeaf] = field(default_factory=list)
    deps: list[tuple[look.DepsMatch, Callable[..., Truth]]] = field(default_factory=list)
    """The nodes that look at dependencies, each with what it says of one."""
    order: list[tuple[bool, int]] = field(default_factory=list)
    """Where leaves stand: of the asset itself (True) or of its dependencies, and the place in that list."""
    remembered: list[str] = field(default_factory=list)
    """The names under which nodes remember something."""
    can_be_alike: bool = True
    """Whether what it says of a dependency is the same for all assets that read it alike."""


class View:
    """What one condition says of a dependency: for each of its nodes that look there, the truth as seen by those that
    read it (None: the node leaves it out), and the leaves that were true."""

    __slots__ = ("_told", "leaves", "place", "pulsed", "reader", "truths")

    def __init__(self, reader: Hashable, truths: list[Truth | None], leaves: list[list[Leaf]]) -> None:
        self.reader: Hashable = reader
        self.truths: list[Truth | None] = truths
        self.leaves: list[list[Leaf]] = leaves
        self.place: tuple[int, ...] = tuple(map(id, truths))
        self.pulsed: bool = any(leaf.pulse for several in leaves for leaf in several)
        self._told: tuple[BitMap, str, ToldLeaves] | None = None

    def told(self, moment: Moment, own: OrdinalSpace, bits: BitMap) -> ToldLeaves:
        """The leaves as a Tick records them that requests `bits` of an asset that reads this."""
        told = self._told
        if told is None or told[0] is not bits or told[1] != own.fingerprint:
            leaves = [
                [told for leaf in several if (told := moment.told(leaf.path, leaf.truth, leaf.key, own, bits))]
                for several in self.leaves
            ]
            self._told = told = bits, own.fingerprint, leaves
        return told[2]


@dataclass(slots=True, eq=False)
class Known:
    """What a condition came to for the first asset that read something, and all others that read the same: as long as
    attempts have handled nothing of what was `latched`, which each asset says for itself."""

    truth: Truth
    remember: dict[str, Causes]
    latched: list[Causes]
    read: object
    """The objects that were read, so that no id is given again."""


class AlikeEvaluation(PartitionedEvaluation):
    """An evaluation of which the leaves that were true are put together when somebody looks at them."""

    def __init__(
        self, plan: Plan, key: str, own: list[Truth], views: list[View], truth: Truth, remember: dict[str, Causes]
    ) -> None:
        self.truth: Truth = truth
        self.remember: dict[str, Causes] = remember
        self._plan, self._key, self._own, self._views = plan, key, own, views

    @property
    def leaves(self) -> list[Leaf]:  # type: ignore[override]
        found: list[Leaf] = []
        for is_own, n in self._plan.order:
            if not is_own:
                for view in self._views:
                    found += view.leaves[n]
            elif (truth := self._own[n]).bits:
                leaf = self._plan.own[n]
                found.append(Leaf(leaf.path, leaf.label, self._key, truth, leaf.pulse))
        return found

    @property
    def pulsed(self) -> bool:
        own = any(leaf.pulse and truth.bits for leaf, truth in zip(self._plan.own, self._own, strict=True))
        return own or any(view.pulsed for view in self._views)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        own, found = moment.state.space(key), list[Any]()
        views = [view.told(moment, own, bits) for view in self._views]
        for is_own, n in self._plan.order:
            if not is_own:
                for view in views:
                    found += view[n]
            elif (truth := self._own[n]).bits and (told := moment.told(self._plan.own[n].path, truth, key, own, bits)):
                found.append(told)
        return tuple(found)
