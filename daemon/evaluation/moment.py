"""The moment of a tick: everything that evaluation may look at, and nothing else.

State through an offset, the instant, what changed since the tick before, and what this tick has requested so far. The
evaluator is a function of a `Moment`, a condition and the memory in State, so a replay that rebuilds the moment comes
to the same decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pyroaring import BitMap

from ...definitions.partitions import AllPartitionMapping, TimeWindowPartitionsDefinition
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from ...storage.state import Causes, Changes, State, mappings
from ...storage.state.ordinals import clip
from .truth import Truth


@dataclass(slots=True)
class Moment:
    state: State
    definitions: DefinitionsSnapshot
    at: datetime
    previous_at: datetime | None
    """When the tick before was; None on the first tick of this log."""
    changes: Changes = field(default_factory=Changes)
    arrivals: Iterable[tuple[int, int]] = ()
    """(offset, timestamp in microseconds) of the events since the tick before, in order."""
    previously_requested: dict[str, BitMap] = field(default_factory=dict)
    requested: dict[str, Truth] = field(default_factory=dict)
    """What this tick requests so far, upstream first."""
    initial: set[str] = field(default_factory=set)
    """Assets that are evaluated for the first time under their condition and dependencies."""
    _existing: dict[str, BitMap] = field(default_factory=dict)

    def existing(self, key: str) -> BitMap:
        """The partitions of an asset that exist now; do not change the result."""
        bits = self._existing.get(key)
        if bits is None:
            snapshot = self.definitions.assets.get(key)
            if snapshot is None:
                bits = self.state.space(key).existing(self.at)
            else:
                bits = clip(snapshot.partitions, self.at)
            self._existing[key] = bits
        return bits

    def latest(self, key: str) -> BitMap:
        """The partitions of the latest time window; all, where there are no windows."""
        snapshot = self.definitions.assets.get(key)
        existing = self.existing(key)
        if snapshot is None or snapshot.partitions is None or not existing:
            return existing
        has_windows = isinstance(snapshot.partitions, TimeWindowPartitionsDefinition)
        return BitMap([existing.max()]) if has_windows else existing

    def downstream(self, asset: AssetSnapshot, dep: DepSnapshot, bits: BitMap) -> BitMap:
        """The partitions of `asset` that read any of the partitions `bits` of its dependency."""
        return mappings.downstream(
            dep.mapping,
            bits,
            up=self.state.space(dep.key),
            down=self.state.space(asset.key),
            down_existing=self.existing(asset.key),
        )

    def same_run(self, asset: AssetSnapshot, dep: DepSnapshot) -> bool:
        """Whether a partition of `asset` and the one it reads can be made in one run: they share their partition
        key."""
        up, down = self.state.space(dep.key), self.state.space(asset.key)
        whole = up.fingerprint == down.fingerprint == "whole"
        return whole or (up.fingerprint == down.fingerprint and not isinstance(dep.mapping, AllPartitionMapping))

    def reads_several(self, dep: DepSnapshot) -> bool:
        """Whether a downstream partition reads several partitions of this dependency."""
        partitioned = self.state.space(dep.key).fingerprint != "whole"
        return partitioned and isinstance(dep.mapping, AllPartitionMapping)

    def updates(self, root: str, key: str) -> Causes:
        """The released updates of `key` that are news to `root`: of this tick, or all, when `root` is evaluated first.

        One that landed between the choice of the keys that an attempt of `root` was handed and its start counts as
        landed just behind the start.
        """
        news = self.changes.updates_of(key)
        if (owed := self.changes.owed.get(root, {}).get(key)) is not None:
            news = news | Causes([(owed[1], BitMap([owed[0]]))])
        if root not in self.initial or root == key:
            return news
        upstream, table = self.state.asset(key).table, self.state.asset(root).table
        groups: list[tuple[float, BitMap]] = [(at, BitMap([ordinal])) for ordinal, at in upstream.update.items()]
        place, newest = upstream.newest
        for ordinal, chosen in table.chosen.items():
            if chosen < newest <= table.handled[ordinal]:
                groups.append((table.handled[ordinal] + 0.5, BitMap([place])))
        return news | Causes(groups)

    def position_of(self, instant: datetime) -> float:
        """Where an instant stands in the log: just before the first event with a timestamp at or after it."""
        micros = int(instant.timestamp() * 1_000_000)
        first = next((offset for offset, timestamp in self.arrivals if timestamp >= micros), self.state.through + 1)
        return first - 0.5
