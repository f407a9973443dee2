"""Backfills under way: for each asset of one, where its partitions stand. A finished backfill leaves State; its history
is the log.

Each partition that was asked for is in exactly one of five sets, and moves only forward, except by an attempt that
did not count:

    waiting ──run requested──> in_flight ──materialized──> made ──the run ends──> done
       │  ^                        │
       │  └── lost to infrastructure (SEMANTICS 2g), at most 3 times in a row
       └──────── skipped ───────> failed <── the run ended without having made it

What is waiting counts as pending for automation, though no run plans it yet (SEMANTICS 2c). A partition is done only
with the end of its run, since the checks that may keep it from being read have spoken by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue
from pyroaring import BitMap

from ...definitions.snapshot import DefinitionsSnapshot
from .. import events as e
from .assets import AssetState
from .mappings import Side, upstream
from .ordinals import Spaces
from .rare import dropped, noted
from .runs import Part, RunState

AssetOf = Callable[[str], AssetState]


@dataclass(slots=True)
class BackfillProgress:
    """One asset of a backfill, as bitmaps over the asset's ordinals; see the module for the five sets."""

    waiting: BitMap = field(default_factory=BitMap)
    in_flight: BitMap = field(default_factory=BitMap)
    made: BitMap = field(default_factory=BitMap)
    done: BitMap = field(default_factory=BitMap)
    failed: BitMap = field(default_factory=BitMap)
    lost: int = 0
    """Partitions whose keys the definitions of today have no place for."""

    @property
    def unmade(self) -> BitMap:
        """Asked for, and neither made nor given up."""
        return self.waiting | self.in_flight

    @property
    def count(self) -> int:
        return sum(map(len, (self.waiting, self.in_flight, self.made, self.done, self.failed))) + self.lost

    @property
    def failed_count(self) -> int:
        return len(self.failed) + self.lost

    def unsettled(self, bits: BitMap) -> BitMap:
        """Those of `bits` that the backfill is still to make."""
        return (bits & self.waiting) | (bits & self.in_flight) | (bits & self.made)

    def moved(self, move: Callable[[BitMap], BitMap]) -> BackfillProgress:
        """The same progress in another ordinal space."""
        before = (self.waiting, self.in_flight, self.made, self.done, self.failed)
        after = [move(bits) for bits in before]
        return BackfillProgress(*after, lost=self.lost + sum(map(len, before)) - sum(map(len, after)))


@dataclass(slots=True)
class BackfillState:
    backfill_id: str
    offset: int
    requested_at: int
    """Microseconds UTC."""
    origin: str
    title: str = ""
    priority: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    run_config: dict[str, JsonValue] = field(default_factory=dict)
    by_caller: bool = False
    keys: tuple[str, ...] = ()
    runs: set[str] = field(default_factory=set)
    """Its unfinished runs."""
    touched: set[str] = field(default_factory=set)
    """The assets of which something changed since `take_touched`."""


class Backfills:
    """The active ones. Progress is kept with each asset (`AssetState.backfills`), whose numbering it follows."""

    def __init__(self, asset: AssetOf) -> None:
        self._asset = asset
        self.active: dict[str, BackfillState] = {}
        self.orphans: set[str] = set()
        """Unfinished runs whose backfill is over."""
        self._touched: set[str] = set()

    def progress(self, backfill_id: str) -> dict[str, BackfillProgress]:
        """By asset, in the order in which they were asked for."""
        return {key: self._asset(key).backfills[backfill_id] for key in self.active[backfill_id].keys}

    def take_touched(self) -> dict[str, set[str]]:
        """Per backfill, the assets of which something changed since the last call. New ones have all of theirs."""
        taken = {}
        for backfill_id in self._touched:
            if (backfill := self.active.get(backfill_id)) is not None:
                taken[backfill_id], backfill.touched = backfill.touched, set()
        self._touched = set()
        return taken

    def touch_all(self) -> None:
        """Whoever asks next is new and knows of none: all of them count as touched, with all of their assets."""
        for backfill_id, backfill in self.active.items():
            backfill.touched.update(backfill.keys)
            self._touched.add(backfill_id)

    def _touch(self, backfill_id: str, key: str) -> None:
        self.active[backfill_id].touched.add(key)
        self._touched.add(backfill_id)

    # ---- what the fold tells -----------------------------------------------------------------------------------------

    def request(self, event: e.BackfillRequested, *, offset: int, at: int) -> None:
        if event.backfill_id in self.active:
            return
        self.active[event.backfill_id] = BackfillState(
            backfill_id=event.backfill_id,
            offset=offset,
            requested_at=at,
            origin=event.origin,
            title=event.title,
            priority=event.priority,
            tags=event.tags,
            run_config=event.run_config,
            by_caller=event.by_caller,
            keys=tuple(dict.fromkeys(target.asset_key for target in event.targets)),
        )
        self._touched.add(event.backfill_id)
        for target in event.targets:
            asset = self._asset(target.asset_key)
            progress = asset.backfills.get(event.backfill_id) or BackfillProgress()
            asset.backfills = noted(asset.backfills, event.backfill_id, progress)
            progress.waiting |= asset.ordinals(target.partitions)
            asset.forget_unions()
            self._touch(event.backfill_id, asset.key)

    def plan(self, backfill_id: str, run_id: str, targets: Iterable[e.Target]) -> None:
        """A run of the backfill was requested."""
        backfill = self.active.get(backfill_id)
        if backfill is None:
            self.orphans.add(run_id)
            return
        backfill.runs.add(run_id)
        for asset, progress, bits in self._places(backfill_id, targets):
            progress.in_flight |= bits & (progress.waiting | progress.failed)
            progress.waiting -= bits
            progress.failed -= bits
            asset.forget_unions()

    def make(self, backfill_id: str, asset: AssetState, ordinal: int) -> None:
        """A run of the backfill has made a partition."""
        progress = asset.backfills.get(backfill_id)
        if progress is not None and ordinal in progress.in_flight:
            progress.in_flight.discard(ordinal)
            progress.made.add(ordinal)
            asset.forget_unions()

    def end_run(self, run: RunState, *, infrastructure: bool) -> None:
        """A run ended. Whoever waited for what it had under way is looked at again."""
        self.orphans.discard(run.run_id)
        for key in {target.asset_key for target in run.targets}:
            for backfill_id in self._asset(key).backfills:
                self._touch(backfill_id, key)
        backfill = self.active.get(run.backfill_id or "")
        if backfill is None:
            return
        backfill.runs.discard(run.run_id)
        self._touched.add(backfill.backfill_id)
        for asset, progress, bits in self._places(backfill.backfill_id, run.targets):
            made, left = bits & progress.made, bits & progress.in_flight
            again = left & BitMap(asset.table.setbacks) if infrastructure else BitMap()
            progress.made -= made
            progress.done |= made
            progress.in_flight -= left
            progress.waiting |= again
            progress.failed |= left - again
            asset.forget_unions()

    def skip(self, event: e.BackfillSkipped) -> None:
        if event.backfill_id not in self.active:
            return
        for asset, progress, bits in self._places(event.backfill_id, event.targets):
            progress.failed |= bits & progress.waiting
            progress.waiting -= bits
            asset.forget_unions()
            self._touch(event.backfill_id, asset.key)

    def blockers(
        self, event: e.BackfillSkipped, definitions: DefinitionsSnapshot | None, spaces: Spaces
    ) -> Iterator[tuple[str, int, set[Part]]]:
        """What each skipped partition waits for from now on, as after a run (SEMANTICS 2e): that of what it reads which
        the backfill failed to make, or which a check keeps from being read."""
        known = definitions.assets if definitions is not None and event.backfill_id in self.active else {}
        for asset, _, bits in self._places(event.backfill_id, event.targets):
            snapshot = known.get(asset.key)
            for dep in snapshot.deps if snapshot is not None else ():
                above = self._asset(dep.key)
                if dep.key not in known or (progress := above.backfills.get(event.backfill_id)) is None:
                    continue
                bad = progress.failed | (progress.done & above.table.shut() if dep.gated else BitMap())
                up = Side.holding(spaces, known[dep.key].partitions, bad)
                for ordinal in bits if bad else ():
                    here = BitMap([ordinal])
                    down = Side.holding(spaces, snapshot.partitions if snapshot else None, here)
                    if read := upstream(dep.mapping, here, up=up, down=down):
                        yield asset.key, ordinal, {(dep.key, above.table.space.key(n)) for n in read}

    def end(self, backfill_id: str) -> tuple[str, ...]:
        """The backfill is over; returns its assets."""
        backfill = self.active.pop(backfill_id, None)
        if backfill is None:
            return ()
        self.orphans |= backfill.runs
        for key in backfill.keys:
            asset = self._asset(key)
            asset.backfills = dropped(asset.backfills, backfill_id)
            asset.forget_unions()
        return backfill.keys

    def _places(
        self, backfill_id: str, targets: Iterable[e.Target]
    ) -> Iterator[tuple[AssetState, BackfillProgress, BitMap]]:
        for target in targets:
            asset = self._asset(target.asset_key)
            if (progress := asset.backfills.get(backfill_id)) is not None:
                yield asset, progress, asset.ordinals(target.partitions)
