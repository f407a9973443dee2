"""The moment of a tick: everything that evaluation may look at, and nothing else.

State through an offset, the instant, what changed since the tick before, and what this tick has requested so far. The
evaluator is a function of a `Moment`, a condition and the memory in State, so a replay that rebuilds the moment comes
to the same decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf

from pyroaring import BitMap

from ...definitions.conditions.operands import InLatestTimeWindow
from ...definitions.partitions import (
    AllPartitionMapping,
    MultiPartitionsDefinition,
    PartitionMapping,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from ...definitions.partitions.multi_mappings import default_mapping
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from ...storage.events import KeyRanges
from ...storage.state import Causes, Changes, State, mappings
from ...storage.state.ordinals import OrdinalSpace, Spaces
from ...storage.state.positions import Column
from ...storage.state.tuples import TupleSpace
from .firing import last_firing
from .once import Once
from .truth import NO_CAUSES, WHOLE, Truth, any_of

Way = Callable[[BitMap], BitMap]
Told = tuple[float | None, KeyRanges | None]


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
    along: dict[str, Truth] = field(default_factory=dict)
    """What comes along, since it can only be made together with something that is requested."""
    initial: set[str] = field(default_factory=set)
    """Assets that are evaluated for the first time under their condition and dependencies."""
    baseline: set[str] = field(default_factory=set)
    """Those that were never evaluated before and take everything as it is."""
    first_limits: dict[str, int] = field(default_factory=dict)
    """Of those that were never evaluated before, how many partitions may be asked for because they are missing."""
    left: dict[str, BitMap] = field(default_factory=dict)
    """What is missing and was left so by a first evaluation."""
    whole: set[str] | None = None
    """Assets for which anything can have changed in any partition; None: all assets."""
    partly: dict[str, BitMap] = field(default_factory=dict)
    """Of other assets that changed, the partitions in which they did."""
    _news: dict[tuple[str, bool], Causes] = field(default_factory=dict)
    _arrived: dict[str, Causes] = field(default_factory=dict)
    once: Once = field(default_factory=Once)
    """What assets have in common is made once."""
    _first_steps: dict[str, float] = field(default_factory=dict)
    _whole_at: dict[float, Causes] = field(default_factory=dict)
    _crons: dict[tuple[str, str], float | None] = field(default_factory=dict)
    _existing: dict[str, BitMap] = field(default_factory=dict)
    _sides: dict[str, mappings.Side] = field(default_factory=dict)

    def will_be_made(self, key: str) -> Truth | None:
        """What this tick requests of an asset so far, by itself or along with others."""
        if key not in self.along:
            return self.requested.get(key)
        truths = [truths[key] for truths in (self.requested, self.along) if key in truths]
        return any_of(truths)

    def whole_at(self, position: float) -> Causes:
        """An asset without partitions that is true because of a position: the same object for all of them."""
        found = self._whole_at.get(position)
        if found is None:
            found = self._whole_at[position] = Causes([(position, WHOLE)])
        return found

    def existing(self, key: str) -> BitMap:
        """The partitions of an asset that exist now; do not change the result."""
        bits = self._existing.get(key)
        if bits is None:
            snapshot = self.definitions.assets.get(key)
            if snapshot is None and (part := self.state.checks.parts.get(key)) is not None:
                bits = self.existing(part[0])
            elif snapshot is None:
                bits = self.state.space(key).existing(self.at)
            else:
                bits = self.once(self._existing_of, snapshot.partitions)
            self._existing[key] = bits
        return bits

    def _existing_of(self, partitions: PartitionsDefinition | None) -> BitMap:
        """Those of assets that have the same partitions are the same object: ask `once`."""
        return self.state.spaces.existing(partitions, self.at)

    def latest(self, key: str, lookback: timedelta | None = None) -> BitMap:
        """The partitions of the latest time window, and of those that end less than `lookback` before its end; all,
        where there are no windows. Combinations with windows: those with the latest one of each of their dimensions."""
        snapshot = self.definitions.assets.get(key)
        if snapshot is None:
            return self.existing(key)
        return self._latest_of(snapshot.partitions, lookback)

    def _latest_of(self, partitions: PartitionsDefinition | None, lookback: timedelta | None) -> BitMap:
        existing = self.once(self._existing_of, partitions)
        if isinstance(partitions, MultiPartitionsDefinition) and existing:
            return self._latest_combinations(partitions, lookback)
        if isinstance(partitions, TimeWindowPartitionsDefinition):
            return _latest(partitions, existing, lookback)
        return existing

    def in_latest(self, partitions: PartitionsDefinition | None, node: InLatestTimeWindow) -> Truth:
        """The truth of that operand for every asset of these partitions."""
        return Truth(self._latest_of(partitions, node.lookback_delta))

    def _latest_combinations(self, partitions: MultiPartitionsDefinition, lookback: timedelta | None) -> BitMap:
        space = self.state.spaces.of(partitions)
        assert isinstance(space, TupleSpace)
        sides = []
        for dimension in partitions.partitions_by_dimension.values():
            bits = self.state.spaces.existing(dimension, self.at)
            is_time = isinstance(dimension, TimeWindowPartitionsDefinition)
            sides.append(_latest(dimension, bits, lookback) if is_time else bits)
        return space.box(sides)

    def way_to(self, root: AssetSnapshot, key: str) -> tuple[DepSnapshot | None, Way]:
        """How `root` sees an asset anywhere in the graph: its dependency on it, declared or supposed, and what makes
        partitions of `root` of that asset's. Of an asset that reads `root` itself there is the way back only."""
        for dep in root.deps:
            if dep.key == key:
                return dep, partial(self.downstream, root, dep)
        other = self.definitions.assets[key]
        for back in other.deps:
            if back.key == root.key:
                return None, partial(self.upstream, other, back)
        mapping = default_mapping(other.partitions, root.partitions)
        if mapping.mismatch(other.partitions, root.partitions) is not None:
            mapping = AllPartitionMapping()
        supposed = DepSnapshot(key, mapping)
        return supposed, partial(self.downstream, root, supposed)

    def downstream(self, asset: AssetSnapshot, dep: DepSnapshot, bits: BitMap) -> BitMap:
        """The partitions of `asset` that read any of the partitions `bits` of its dependency."""
        return mappings.downstream(dep.mapping, bits, up=self._side(dep.key), down=self._side(asset.key))

    def upstream(self, asset: AssetSnapshot, dep: DepSnapshot, bits: BitMap) -> BitMap:
        """The partitions of its dependency that exist and that the partitions `bits` of `asset` read."""
        return mappings.upstream(dep.mapping, bits, up=self._side(dep.key), down=self._side(asset.key))

    def looked_at(self, asset: AssetSnapshot, dep: DepSnapshot) -> BitMap:
        """The partitions of a dependency that exist, and those that `asset` requires though they do not."""
        return self.once(_looked_at, dep.mapping, self._side(dep.key), self._side(asset.key))

    def seen_downstream(self, asset: AssetSnapshot, dep: DepSnapshot, truth: Truth) -> Truth:
        """The truth about a dependency, as one about the partitions of `asset` that read it."""
        return self.once(self._seen_through, dep.mapping, truth, self._side(dep.key), self._side(asset.key))

    def way_along(self, asset: AssetSnapshot, dep: DepSnapshot) -> tuple[int, int, int]:
        """What it depends on how `asset` sees a dependency, in this moment: equal where it is the same."""
        return id(dep.mapping), id(self._side(dep.key)), id(self._side(asset.key))

    def _seen_through(self, mapping: PartitionMapping, truth: Truth, up: mappings.Side, down: mappings.Side) -> Truth:
        if self.once(_shares_ordinals, mapping, up, down):
            return truth if up.existing == down.existing else truth.within(down.existing)
        return Truth(
            self.once(_sets_through, mapping, truth.lasting, up, down),
            self.once(_causes_through, mapping, truth.causes, up, down),
            self.once(_sets_through, mapping, truth.passing, up, down),
            self.once(_causes_through, mapping, truth.passing_causes, up, down),
        )

    def _side(self, key: str) -> mappings.Side:
        side = self._sides.get(key)
        if side is None:
            snapshot = self.definitions.assets.get(key)
            if snapshot is None:
                side = mappings.Side(self.state.space(key), self.existing(key), None)
            else:
                side = self.once(self._side_of, snapshot.partitions)
            self._sides[key] = side
        return side

    def _side_of(self, partitions: PartitionsDefinition | None) -> mappings.Side:
        existing = self.once(self._existing_of, partitions)
        return mappings.Side.with_axes(self.state.spaces, partitions, existing, self.at)

    def same_run(self, asset: AssetSnapshot, dep: DepSnapshot) -> bool:
        """Whether a partition of `asset` and the one it reads can be made in one run: they share their partition
        key, the dependency is made here, and the same number of partitions goes into a run of each."""
        if (upstream := self.definitions.assets.get(dep.key)) is not None:
            if upstream.external:
                return False
            if upstream.partitions is None and asset.partitions is None:
                return True
        up, down = self._side(dep.key), self._side(asset.key)
        if up.space.fingerprint != down.space.fingerprint:
            return False
        if up.partitions is None:
            return True
        same = max_per_run(asset) == max_per_run(self.definitions.assets[dep.key])
        return same and self.once(_shares_ordinals, dep.mapping, up, down)

    def reads_several(self, asset: AssetSnapshot, dep: DepSnapshot) -> bool:
        """Whether a partition of `asset` reads several partitions of this dependency, or may."""
        up = self._side(dep.key).partitions
        return up is not None and not dep.mapping.reads_one(up, asset.partitions)

    def ranges(self, bits: BitMap, space: OrdinalSpace) -> KeyRanges | None:
        """Partitions as events say them."""
        return None if space is Spaces.WHOLE else self.once(_ranges, bits, space)

    def told(self, truth: Truth, space: OrdinalSpace, own: OrdinalSpace, bits: BitMap) -> Told | None:
        """The position and the partitions of a leaf, as a Tick records them that requests `bits` of an asset whose
        space is `own`: of a leaf about partitions of the same kind, those that are requested. None: true for none."""
        return self.once(self._told, truth, space, bits if space.fingerprint == own.fingerprint else None)

    def _told(self, truth: Truth, space: OrdinalSpace, within: BitMap | None) -> Told | None:
        if within is not None:
            truth = truth.within(within)
        if not truth.bits:
            return None
        return truth.why.groups[0][0] if truth.why else None, self.ranges(truth.bits, space)

    def updates(self, root: str, key: str, *, gated: bool = True) -> Causes:
        """The released updates of `key` that are news to `root`: of this tick, or all, when `root` is evaluated first.
        To one who is not `gated` by its checks an update is news as soon as it has landed.

        One that landed between the choice of the keys that an attempt of `root` was handed and its start counts as
        landed just behind the start.
        """
        news = self._news_of(key, gated=gated)
        if owed := self.changes.owed.get(root, {}).get(key):
            news = news | Causes((position, self._read_by(root, key, place, of)) for place, position, of in owed)
        if root not in self.initial or root == key:
            return news | self._come_to_exist(key)
        upstream, table = self.state.asset(key).table, self.state.asset(root).table
        updates = upstream.update if gated else upstream.provenance.made_at
        groups: list[tuple[float, BitMap]] = [(at, BitMap([ordinal])) for ordinal, at in updates.items()]
        for ordinal, chosen in table.chosen.items():
            handled = table.handled[ordinal]
            for place in upstream.updated_after(int(chosen), until=int(handled)) if chosen else ():
                groups.append((handled + 0.5, self._read_by(root, key, place, ordinal)))
        return news | Causes(groups)

    def _news_of(self, key: str, *, gated: bool = True) -> Causes:
        news = self._news.get((key, gated))
        if news is None:
            news = self.changes.updates_of(key) if gated else self.changes.landed_of(key)
            self._news[key, gated] = news
        return news

    def first_step(self, key: str) -> float:
        """The first of the steps that made what is news of `key`; infinity where no step did."""
        first = self._first_steps.get(key)
        if first is None:
            first = inf
            if key in self.changes.updated or self._come_to_exist(key):
                news, made_from = self._news_of(key) | self._come_to_exist(key), self.state.asset(key).table.made_from
                first = self.once(made_by_steps, made_from, news.bits)[0]
            self._first_steps[key] = first
        return first

    def _come_to_exist(self, key: str) -> Causes:
        """Updates of partitions that exist since the tick before: they landed early, when nobody could read them."""
        if key not in self._arrived:
            self._arrived[key] = self._arrivals_of(key)
        return self._arrived[key]

    def _arrivals_of(self, key: str) -> Causes:
        snapshot = self.definitions.assets.get(key)
        partitions = snapshot.partitions if snapshot else None
        if self.previous_at is None or partitions is None:
            return NO_CAUSES
        opened, added = self.once(_opened, partitions, self.at, self.previous_at), dict[str, BitMap]()
        if self.changes.added:
            added = {name: bits for name in partitions.dynamic_names if (bits := self.changes.added.get(name))}
        if not opened and not added:
            return NO_CAUSES
        fresh = self.existing(key) - self.state.spaces.existing(partitions, self.previous_at, without=added)
        update = self.state.asset(key).table.update
        fresh &= self.state.asset(key).table.materialized | BitMap([ordinal for ordinal, _ in update.items()])
        return Causes((update[ordinal], BitMap([ordinal])) for ordinal in fresh if update[ordinal])

    def _read_by(self, root: str, key: str, place: int, ordinal: int) -> BitMap:
        """One partition of a dependency, if that partition of `root` reads it."""
        bits, asset = BitMap([place]), self.definitions.assets[root]
        read = any(ordinal in self.downstream(asset, dep, bits) for dep in asset.deps if dep.key == key)
        return bits if read else BitMap()

    def cron_position(self, schedule: str, zone: str) -> float | None:
        """Where in the log the last firing of a cron since the tick before stands; None if it has not fired."""
        cron = schedule, zone
        if cron not in self._crons:
            instant = None
            if self.previous_at is not None:
                instant = last_firing(schedule, zone, after=self.previous_at, until=self.at)
            self._crons[cron] = None if instant is None else self.position_of(instant)
        return self._crons[cron]

    def position_of(self, instant: datetime) -> float:
        """Where an instant stands in the log: just before the first event with a timestamp at or after it."""
        micros = int(instant.timestamp() * 1_000_000)
        first = next((offset for offset, timestamp in self.arrivals if timestamp >= micros), self.state.through + 1)
        return first - 0.5


def max_per_run(asset: AssetSnapshot) -> int | None:
    """How many partitions a run makes of an asset at most; None: all of them."""
    if asset.partitions is None or asset.backfill_policy is None:
        return 1
    return asset.backfill_policy.max_partitions_per_run


def _opened(partitions: PartitionsDefinition, at: datetime, previous_at: datetime) -> bool:
    """Whether new windows have opened in between."""
    return any(windows.end_ordinal(at) > windows.end_ordinal(previous_at) for windows in partitions.time_windows)


def _ranges(bits: BitMap, space: OrdinalSpace) -> KeyRanges | None:
    return space.ranges(bits)


def made_by_steps(made_from: Column, bits: BitMap) -> tuple[float, list[tuple[int, int]]]:
    """The partitions among `bits` that steps made, each with its step; and the first of the steps."""
    found = [(ordinal, step) for ordinal in bits if (step := made_from[ordinal])] if made_from.largest() else []
    return min([step for _, step in found], default=inf), found


def _shares_ordinals(mapping: PartitionMapping, up: mappings.Side, down: mappings.Side) -> bool:
    """Whether each partition downstream reads the one of its own key, and both are numbered alike: a set of partitions
    of the one is that of the other, as far as these exist."""
    return up.space.fingerprint == down.space.fingerprint and mapping.reads_one(up.partitions, down.partitions)


def _looked_at(mapping: PartitionMapping, up: mappings.Side, down: mappings.Side) -> BitMap:
    required = mappings.required(mapping, down.existing, up=up, down=down)
    return up.existing if required.issubset(up.existing) else up.existing | required


def _sets_through(mapping: PartitionMapping, bits: BitMap, up: mappings.Side, down: mappings.Side) -> BitMap:
    return mappings.downstream(mapping, bits, up=up, down=down)


def _causes_through(mapping: PartitionMapping, causes: Causes, up: mappings.Side, down: mappings.Side) -> Causes:
    return mappings.causes_downstream(mapping, causes, up=up, down=down)


def _latest(windows: TimeWindowPartitionsDefinition, existing: BitMap, lookback: timedelta | None) -> BitMap:
    """Of the windows `existing`, the latest, and those that end less than `lookback` before its end."""
    if not existing:
        return existing
    newest = existing.max()
    if lookback is None:
        return BitMap([newest])
    since = windows.window_at(newest).end - lookback
    earliest = windows.calendar.first_starting(int(since.timestamp()))
    return existing & BitMap(range(min(earliest, newest), newest + 1))
