"""What a compiled condition is run with: what it looks at, at one partition, and what it writes to.

An asset without partitions has one, 0.
"""

from __future__ import annotations

from typing import NamedTuple

from ...definitions.snapshot import AssetSnapshot, DepSnapshot
from ...storage.state import AssetState, Causes
from ...storage.state.assets import PartitionTable
from ...storage.state.runs import RunNote, Tags
from .compiling import Compiled, LeafKind
from .moment import Moment
from .truth import NO_BITS, Truth

NOTHING = Truth(NO_BITS)  # never changed
TrueLeaf = tuple[LeafKind, str, float]
"""A leaf that was true: which, at which asset, its position."""


class Way(NamedTuple):
    """How assets can be evaluated at single partitions."""

    condition: Compiled
    deps: tuple[tuple[bool, bool], ...]
    """Per dependency: whether it has the same partitions as the asset (else it has none), and whether a run can make
    both."""


class Point(NamedTuple):
    """What was found at one partition."""

    ordinal: int
    value: tuple[bool, float, bool, float]
    kept: dict[str, float]
    leaves: list[TrueLeaf]


SeenDep = tuple[DepSnapshot, str, AssetState, PartitionTable, int, float]
"""A dependency as a condition looks at it: with its key, its state, the partition, and the position for which this tick
requests it in the same run (-1: it does not)."""


class Run:
    """What a compiled condition looks at and writes to, while one asset is evaluated."""

    __slots__ = (
        "asset",
        "deps",
        "first",
        "is_whole",
        "kept",
        "leaves",
        "memory",
        "moment",
        "ordinal",
        "root",
        "root_asset",
        "table",
        "way",
    )

    def __init__(self, moment: Moment, root: AssetSnapshot, way: Way) -> None:
        state = moment.state
        self.moment: Moment = moment
        self.root_asset: AssetSnapshot = root
        self.root: str = root.key
        self.way: Way = way
        self.asset: AssetState = state.assets.get(root.key) or state.asset(root.key)
        self.table: PartitionTable = self.asset.table
        self.is_whole: bool = root.partitions is None
        self.first: bool = root.key in moment.initial
        self.memory: dict[str, Causes] = state.memory.nodes.get(root.key) or {}

    def at(self, ordinal: int) -> Point:
        """What the condition says of a partition."""
        self.ordinal: int = ordinal
        self.kept: dict[str, float] = {}
        """The position that each node remembers there; 0: none."""
        self.leaves: list[TrueLeaf] = []
        self.deps: list[SeenDep] = self._seen_deps() if self.way.condition.reads_deps else []
        return Point(ordinal, self.way.condition.evaluate(self), self.kept, self.leaves)

    def _seen_deps(self) -> list[SeenDep]:
        ordinal, state, seen = self.ordinal, self.moment.state, []
        known, requested, along = state.assets, self.moment.requested, self.moment.along
        for dep, (is_like, in_same_run) in zip(self.root_asset.deps, self.way.deps, strict=True):
            key, n = dep.key, ordinal if is_like else 0
            there = known.get(key) or state.asset(key)
            is_requested = in_same_run and (key in requested or key in along)
            seen.append((dep, key, there, there.table, n, self._requested(key, n) if is_requested else -1))
        return seen

    def _requested(self, key: str, n: int) -> float:
        """The position for which this tick requests a partition; -1 if it does not."""
        truth = self.moment.will_be_made(key)
        position = None if truth is None else truth.position(n)
        return -1 if position is None else position

    # ---- memory ------------------------------------------------------------------------------------------------------

    def remembered(self, name: str) -> float:
        """The position that a node has latched; 0 where none."""
        causes = self.memory.get(name)
        return causes.position(self.ordinal) if causes is not None else 0

    def turned(self, name: str, lasting: object, position: float) -> float:
        """The position of the trigger of a latch; one that is a level takes that of the tick in which it turned true,
        which is remembered."""
        name = f"level:{name}"
        if lasting and not position:
            position = self.kept[name] = self.remembered(name) or self.moment.state.through
        elif name in self.memory:
            self.kept[name] = 0
        return position

    # ---- operands ----------------------------------------------------------------------------------------------------

    def news(self, key: str, n: int, dep: DepSnapshot | None) -> float:
        """The position of the newest update that is news to the root; 0 where there is none. Of a dependency, one that
        the root's own attempt made is none (SEMANTICS 2b)."""
        changes, state = self.moment.changes, self.moment.state
        updated = changes.updated.get(key)
        position: float = updated.get(n, 0) if updated else 0
        if changes.owed and (owed := changes.owed.get(self.root, {}).get(key)):
            position = max(position, *(at for _, at, _ in owed))
        if self.first and key != self.root:
            position = max(position, self._news_at_first(state.asset(key).table))
        if position and dep is not None:
            step = state.asset(key).table.made_from[n]
            if step and self.table.handled[self.ordinal] == step:
                return 0
        return position

    def _news_at_first(self, upstream: PartitionTable) -> float:
        """The updates of a dependency that a root sees that is evaluated for the first time: all that it has not
        read."""
        position: float = upstream.update[0]
        chosen, handled = self.table.chosen[0], self.table.handled[0]
        if chosen and upstream.updated_after(int(chosen), until=int(handled)):
            position = max(position, handled + 0.5)
        return position

    def is_same_data(self, key: str, n: int) -> bool:
        """Whether the update of this tick left the data as it was; to a root that is evaluated first all is new."""
        return not (self.first and key != self.root) and n in self.moment.changes.same_data.get(key, NO_BITS)

    def tags_of_news(self, key: str, n: int) -> list[Tags]:
        """The tags of each run that made the updates which are news."""
        changes, state = self.moment.changes, self.moment.state
        tags = changes.made_in.get(key, {}).get(n)
        if tags is not None:
            return tags
        updated = n in changes.updated.get(key, {})
        note = None if updated else state.asset(key).table.run_note(n)
        return [state.run_notes[note].tags if note else ()]

    def note_of(self, table: PartitionTable, n: int) -> RunNote | None:
        """The run that made the newest data."""
        name = table.run_note(n)
        return None if name is None else self.moment.state.run_notes[name]
