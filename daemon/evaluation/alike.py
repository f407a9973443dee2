"""Assets that are alike in a tick: what their condition reads is the very same, and so is what it comes to.

A condition is compiled to functions, and to a `Plan` of what these read: leaves about the asset itself, what is said of
each of its dependencies (a `View`, which all assets have in common that read it alike), and what its nodes remember.
The first asset of a tick that reads something is evaluated; of each further one that reads the same objects the truth
and the memory are known. Its leaves are put together from the plan, since they stand at dependencies of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import restricting as look
from ...storage import events as e
from ...storage.events import KeyRanges
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


@dataclass(frozen=True, slots=True, eq=False)
class LeafRead:
    """A leaf of a compiled condition: its operand is the one at `read` in the plan."""

    read: int
    place: Place
    label: str
    pulse: bool


Line = tuple[LeafRead, Truth]
"""A leaf and its truth, as it was read."""
ToldLine = tuple[Place, float | None, KeyRanges | None]
"""A leaf as a Tick records it, but for the asset that it is about."""


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
    leaves_out: bool = False
    """Whether a node looks at some dependencies only."""
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
        self.leaves_out = self.leaves_out or not node.looks_at_all
        self._under_deps = []
        return len(self.deps) - 1


class Look:
    """What is said of all dependencies of which the same is true: `truths`, one for each node of a condition that looks
    there (None: the node leaves it out), because of what was `read`."""

    __slots__ = ("_told", "lines", "read", "truths")

    def __init__(self, plan: Plan, read: list[Truth], truths: list[Truth | None]) -> None:
        self.read: list[Truth] = read
        self.truths: list[Truth | None] = truths
        self.lines: list[list[Line]] = [
            [] if truth is None else _true(one.leaves, read) for one, truth in zip(plan.deps, truths, strict=True)
        ]
        """The leaves that were true, of each node."""
        self._told: dict[Hashable, tuple[list[list[ToldLine]], BitMap]] = {}

    def told(self, moment: Moment, space: OrdinalSpace, own: OrdinalSpace, bits: BitMap) -> list[list[ToldLine]]:
        place = id(bits), space.fingerprint, own.fingerprint
        if place not in self._told:
            self._told[place] = [_told(moment, line, space, own, bits) for line in self.lines], bits
        return self._told[place][0]


class View:
    """What one condition says of one dependency, to all that read it alike."""

    __slots__ = ("_told", "key", "look", "reader")

    def __init__(self, key: str, look: Look, reader: Hashable) -> None:
        self.key: str = key
        self.look: Look = look
        self.reader: Hashable = reader
        self._told: tuple[list[list[ToldLine]] | None, list[list[e.LeafTruth]]] = None, []

    @property
    def leaves(self) -> list[list[Leaf]]:
        """The leaves that were true, of each node that looks at dependencies."""
        return [[_leaf(self.key, *one) for one in line] for line in self.look.lines]

    @property
    def pulsed(self) -> bool:
        return any(leaf.pulse for line in self.look.lines for leaf, _ in line)

    def told(self, moment: Moment, own: OrdinalSpace, bits: BitMap) -> list[list[e.LeafTruth]]:
        """The leaves as a Tick records them that requests `bits` of an asset that reads this."""
        told = self.look.told(moment, moment.state.space(self.key), own, bits)
        if self._told[0] is not told:
            self._told = told, [[(at.path(self.key), why, where) for at, why, where in line] for line in told]
        return self._told[1]


def _true(leaves: Iterable[LeafRead], read: list[Truth]) -> list[Line]:
    return [(leaf, truth) for leaf in leaves if is_true(truth := read[leaf.read])]


def _leaf(key: str, leaf: LeafRead, truth: Truth) -> Leaf:
    return Leaf(leaf.place.path(key), leaf.label, key, truth, leaf.pulse)


def _told(moment: Moment, line: list[Line], space: OrdinalSpace, own: OrdinalSpace, bits: BitMap) -> list[ToldLine]:
    told = [(leaf.place, moment.told(truth, space, own, bits)) for leaf, truth in line]
    return [(place, what[0], what[1]) for place, what in told if what is not None]


class Known:
    """What a condition came to for the first asset that read something, and all others that read the same: as long as
    attempts have handled nothing of what was `latched`, which each asset says for itself."""

    def __init__(
        self,
        plan: Plan,
        own: list[Truth],
        truth: Truth,
        remember: dict[str, Causes],
        latched: list[Causes],
        read: object,
    ) -> None:
        """`own` are the truths about the asset itself; `read` are all objects that were read, so that no id is given
        again."""
        self.truth: Truth = truth
        self.remember: dict[str, Causes] = remember
        self.latched: list[Causes] = latched
        self.read: object = read
        self.parts: list[list[Line] | None] = [
            _true([part], own) if isinstance(part, LeafRead) else None for part in plan.parts
        ]
        """The leaves that were true about the asset itself; None where those about its dependencies stand."""
        self._told: dict[Hashable, tuple[list[list[e.LeafTruth] | None], BitMap]] = {}

    def told(self, moment: Moment, own: OrdinalSpace, bits: BitMap) -> list[list[e.LeafTruth] | None]:
        place = id(bits), own.fingerprint
        if place not in self._told:
            told = [None if part is None else _told(moment, part, own, own, bits) for part in self.parts]
            leaves = [None if part is None else [(at.before, why, where) for at, why, where in part] for part in told]
            self._told[place] = leaves, bits
        return self._told[place][0]


class AlikeEvaluation(PartitionedEvaluation):
    """An evaluation of which the leaves that were true are put together when somebody looks at them."""

    def __init__(self, key: str, known: Known, views: list[View]) -> None:
        self.truth: Truth = known.truth
        self.remember: dict[str, Causes] = dict(known.remember)
        self._key, self._known, self._views = key, known, views

    @property
    def leaves(self) -> list[Leaf]:  # type: ignore[override]
        own = [None if part is None else [_leaf(self._key, *one) for one in part] for part in self._known.parts]
        return self._joined(own, [view.leaves for view in self._views])

    @property
    def pulsed(self) -> bool:
        own = any(leaf.pulse for part in self._known.parts for leaf, _ in part or ())
        return own or any(view.pulsed for view in self._views)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        own = moment.state.space(key)
        seen = [view.told(moment, own, bits) for view in self._views]
        return tuple(self._joined(self._known.told(moment, own, bits), seen))

    def _joined(self, own: list[list[Any] | None], seen: list[list[list[Any]]]) -> list[Any]:
        """Leaves about the asset itself and about its dependencies, in the order of the tree."""
        found, n = list[Any](), 0
        for part in own:
            if part is not None:
                found += part
                continue
            for leaves in seen:
                found += leaves[n]
            n += 1
        return found
