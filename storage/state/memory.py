"""The memory of conditions: what their stateful nodes latched, as ticks recorded it.

The fold does not know what a node means: it adds and removes what each Tick's deltas say, so that start-up, the CLI and
the web never evaluate history again. A node's name is "<node id>" where it looks at the asset itself, and
"<node id>@<asset key>" where it looks at a dependency; the part behind the @ says whose partitions are meant.
"seen:<fingerprint>" marks that the asset was evaluated under a condition and dependencies of that fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from pyroaring import BitMap

from ..events import Cause, Decision, KeyRanges, MemoryDelta, Tick
from .causes import Causes
from .ordinals import OrdinalSpace, Spaces

SEEN = "seen:"
NOTHING = Causes()


class Memory:
    """Latched partitions with their positions, per asset and node."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Causes]] = {}
        self.first: dict[str, float] = {}
        """Per asset that was ever evaluated, the position at which it first was."""
        self.left: dict[str, BitMap] = {}
        """Per asset, what was missing at its first evaluation and left so."""

    def of(self, asset_key: str, node: str) -> Causes:
        nodes = self.nodes.get(asset_key)
        return NOTHING if nodes is None else nodes.get(node) or NOTHING

    def seen(self, asset_key: str, node: str) -> bool:
        """Whether the node has ever been evaluated and kept anything."""
        return node in self.nodes.get(asset_key, {})

    def apply(self, delta: MemoryDelta, added: Causes, space: OrdinalSpace) -> None:
        """`added` is what `delta` latches."""
        if added and delta.node.startswith(SEEN):
            self.first.setdefault(delta.asset_key, added.groups[0][0])
        nodes = self.nodes.setdefault(delta.asset_key, {})
        causes = nodes.get(delta.node) or Causes()
        for ranges in delta.removed:
            causes = causes.without(space.bits(ranges))
        if added:
            causes = added | causes.without(added.bits)
        if causes:
            nodes[delta.node] = causes
        else:
            nodes.pop(delta.node, None)

    def forget_seen(self, *, keep: Collection[str]) -> None:
        """Assets that are gone will be evaluated anew when they return; what their conditions latched stays."""
        for asset_key in self.nodes.keys() - keep:
            nodes = self.nodes[asset_key]
            for node in [node for node in nodes if node.startswith(SEEN)]:
                del nodes[node]

    def renumber(self, asset_key: str, old: OrdinalSpace, new: OrdinalSpace) -> None:
        """Move every memory about the partitions of `asset_key` to another space, by key."""

        def moved(bits: BitMap) -> BitMap:
            found = [new.find(old.key(ordinal)) for ordinal in bits]
            return BitMap([ordinal for ordinal in found if ordinal is not None])

        if asset_key in self.left:
            self.left[asset_key] = moved(self.left[asset_key])
        for root, nodes in self.nodes.items():
            for node in [n for n in nodes if not n.startswith(SEEN) and whose(root, n) == asset_key]:
                nodes[node] = nodes[node].mapped(moved)


def whose(asset_key: str, node: str) -> str:
    """The asset whose partitions the memory of a node is about."""
    return node.partition("@")[2] or asset_key


class Told:
    """The reasons in one Tick as positions by partition; those that several of its parts share are made once."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._shared: dict[tuple[int, str], Causes] = {}
        self._wholes: dict[float, Causes] = {}

    def added_by(self, delta: MemoryDelta, space: OrdinalSpace) -> Causes:
        return self._causes(delta.shared, self._tick.added_by(delta), space)

    def causes_of(self, decision: Decision, space: OrdinalSpace) -> Causes:
        return self._causes(decision.shared, self._tick.causes_of(decision), space)

    def _causes(self, shared: int | None, told: tuple[Cause, ...], space: OrdinalSpace) -> Causes:
        if shared is None:
            if space is Spaces.WHOLE and len(told) == 1 and told[0].partitions is None:
                return self._whole(told[0].position)
            return Causes((cause.position, space.bits(cause.partitions)) for cause in told)
        place = shared, space.fingerprint
        if place not in self._shared:
            self._shared[place] = Causes((cause.position, space.bits(cause.partitions)) for cause in told)
        return self._shared[place]

    def _whole(self, position: float) -> Causes:
        """Assets without partitions, of which there may be a hundred thousand, share what one event latched."""
        if position not in self._wholes:
            self._wholes[position] = Causes([(position, BitMap([0]))])
        return self._wholes[position]


def told(causes: Causes, space: OrdinalSpace) -> tuple[Cause, ...]:
    """Positions and their partitions, as events say them."""
    return tuple([Cause(position=position, partitions=space.ranges(bits)) for position, bits in causes])


Said = tuple[tuple[Cause, ...], int | None]
"""Reasons as a part of a Tick says them: its own, or (the place) those in `Tick.shared`."""

Difference = tuple[tuple[Cause, ...], int | None, tuple[KeyRanges | None, ...]]
"""What a MemoryDelta adds, of its own or shared, and what it removes."""


def difference(
    before: Causes, after: Causes, space: OrdinalSpace, *, say: Callable[[Causes, OrdinalSpace], Said]
) -> Difference | None:
    """What has to be added to and removed from `before` to make `after`; None where nothing."""
    if before == after:
        return None
    gone = before.bits - after.bits
    added = after.beyond(before)
    if not gone and not added:
        return None
    return *say(added, space), (space.ranges(gone),) if gone else ()
