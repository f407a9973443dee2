"""Assets that are alike in a tick: what their condition reads is the very same, and so is what it comes to.

A condition is compiled to functions, and to a `Plan` of what these read: leaves about the asset itself, what is said of
each of its dependencies (a `View`, which all assets have in common that read it alike), and what its nodes remember.
The first asset of a tick that reads something is evaluated; of each further one that reads the same objects the truth
and the memory are known. Its leaves are put together from the plan, since they stand at dependencies of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import restricting as look
from ...storage import events as e
from ...storage.state import Causes
from ...storage.state.ordinals import OrdinalSpace
from .moment import Moment
from .place import Place
from .plain import Evaluation, Leaf
from .truth import Truth, is_true


class PartitionedEvaluation(Evaluation):
    """An evaluation of which the leaves are those that were true."""


Operand = tuple[AutomationCondition, str]
"""A leaf's condition and the name of what evaluates it."""
ToldLeaves = list[list[e.LeafTruth]]


@dataclass(frozen=True, slots=True, eq=False)
class LeafRead:
    """A leaf of a compiled condition: its operand is the one at `read` in the plan."""

    read: int
    place: Place
    label: str
    pulse: bool


@dataclass(frozen=True, slots=True, eq=False)
class DepsRead:
    """A node that looks at dependencies: what it says of one, and its leaves."""

    node: look.DepsMatch
    child: Callable[..., Truth]
    leaves: list[LeafRead]


@dataclass(slots=True, eq=False)
class Plan:
    """What a compiled condition reads, in the order in which it does."""

    own: list[Operand] = field(default_factory=list)
    """Operands that are asked of the asset itself, each once."""
    far: list[Operand] = field(default_factory=list)
    """Operands that are asked of each dependency."""
    parts: list[LeafRead | DepsRead] = field(default_factory=list)
    """The leaves at the asset itself, and the nodes that look at dependencies."""
    deps: list[DepsRead] = field(default_factory=list)
    remembered: list[str] = field(default_factory=list)
    """The names under which nodes remember something."""
    can_be_alike: bool = True
    """Whether what it says of a dependency is the same for all assets that read it alike."""
    _under_deps: list[LeafRead] = field(default_factory=list)

    def reads(self, node: AutomationCondition, name: str, place: Place) -> None:
        """There is a leaf at `place`, which `name` evaluates."""
        operands = self.own if place.after is None else self.far
        known = [n for n, (other, _) in enumerate(operands) if other.node_id == node.node_id]
        if not known:
            operands.append((node, name))
        read = known[0] if known else len(operands) - 1
        leaf = LeafRead(read, place, node.label or node.name, bool(getattr(node, "pulse", False)))
        (self.parts if place.after is None else self._under_deps).append(leaf)

    def looks_at_deps(self, node: look.DepsMatch, child: Callable[..., Truth]) -> int:
        """There is a node that looks at dependencies, under which stand the leaves read since the one before."""
        read = DepsRead(node, child, self._under_deps)
        self.parts.append(read)
        self.deps.append(read)
        self._under_deps = []
        return len(self.deps) - 1

    @property
    def leaves_out(self) -> bool:
        """Whether a node looks at some dependencies only."""
        return not all(read.node.looks_at_all for read in self.deps)


class View:
    """What one condition says of a dependency to those that read it alike: `truths`, one for each of its nodes that
    look there (None: the node leaves it out), and `read`, the truths of its operands."""

    __slots__ = ("_told", "key", "plan", "read", "reader", "truths")

    def __init__(
        self, plan: Plan, key: str, reader: Hashable, read: list[Truth], truths: tuple[Truth | None, ...]
    ) -> None:
        self.plan, self.key, self.reader = plan, key, reader
        self.read: list[Truth] = read
        self.truths: tuple[Truth | None, ...] = truths
        self._told: tuple[BitMap, str, ToldLeaves] | None = None

    @property
    def leaves(self) -> list[list[Leaf]]:
        """The leaves that were true, of each node that looks at dependencies."""
        return [[leaf_at(self.key, *one) for one in self._true(n)] for n in range(len(self.truths))]

    @property
    def pulsed(self) -> bool:
        return any(leaf.pulse for n in range(len(self.truths)) for leaf, _ in self._true(n))

    def told(self, moment: Moment, own: OrdinalSpace, bits: BitMap) -> ToldLeaves:
        """The leaves as a Tick records them that requests `bits` of an asset that reads this."""
        told = self._told
        if told is None or told[0] is not bits or told[1] != own.fingerprint:
            leaves = [
                [
                    told
                    for leaf, truth in self._true(n)
                    if (told := moment.told(leaf.place.path(self.key), truth, self.key, own, bits))
                ]
                for n in range(len(self.truths))
            ]
            self._told = told = bits, own.fingerprint, leaves
        return told[2]

    def _true(self, n: int) -> list[tuple[LeafRead, Truth]]:
        if self.truths[n] is None:
            return []
        return [(leaf, truth) for leaf in self.plan.deps[n].leaves if is_true(truth := self.read[leaf.read])]


def leaf_at(key: str, leaf: LeafRead, truth: Truth) -> Leaf:
    return Leaf(leaf.place.path(key), leaf.label, key, truth, leaf.pulse)


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
        found, seen, n = list[Leaf](), [view.leaves for view in self._views], 0
        for part in self._plan.parts:
            if isinstance(part, LeafRead):
                truth = self._own[part.read]
                found += [leaf_at(self._key, part, truth)] if is_true(truth) else []
            else:
                found += [leaf for leaves in seen for leaf in leaves[n]]
                n += 1
        return found

    @property
    def pulsed(self) -> bool:
        own = [part for part in self._plan.parts if isinstance(part, LeafRead)]
        return any(leaf.pulse and is_true(self._own[leaf.read]) for leaf in own) or any(v.pulsed for v in self._views)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        own, found, n = moment.state.space(key), list[e.LeafTruth](), 0
        seen = [view.told(moment, own, bits) for view in self._views]
        for part in self._plan.parts:
            if not isinstance(part, LeafRead):
                for leaves in seen:
                    found += leaves[n]
                n += 1
            elif is_true(truth := self._own[part.read]):
                told = moment.told(part.place.before, truth, key, own, bits)
                found += [told] if told else []
        return tuple(found)
