"""The frontier of a backfill: the waiting partitions that can be made now.

A partition is *ready* once all that it reads and that this backfill makes is done, or is ready itself and made by the
same run before it. What it reads beyond the backfill is not waited for. It is *skipped* when something that it reads
failed here, or was kept from being read by a blocking check.

The frontier is worked out once and then kept up: what lands in one asset is mapped to those that read it, and only the
partitions found there are looked at again. All of it are operations on bitmaps, whatever the size of the backfill.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Literal

from pyroaring import BitMap

from ....definitions.snapshot import AssetSnapshot, DepSnapshot
from ....storage.state import BackfillProgress
from ...evaluation.grouping import same_step
from ...evaluation.moment import Moment

SkipReason = Literal["upstream_failed", "check_failed", "not_defined"]
Skips = dict[SkipReason, dict[str, BitMap]]
"""What will not be made, by reason and asset."""


class Frontier:
    """What one backfill can make next, under one set of definitions."""

    def __init__(self, moment: Moment, keys: tuple[str, ...]) -> None:
        wanted, assets = set(keys), moment.definitions.assets
        defined = [key for key in assets if key in wanted and not assets[key].external]
        self.keys: list[str] = [*(key for key in keys if key not in set(defined)), *defined]
        """What is not defined any more, then the others upstream first."""
        self._place = {key: n for n, key in enumerate(self.keys)}
        self.upstream: dict[str, list[DepSnapshot]] = {key: [] for key in self.keys}
        self._readers: dict[str, list[tuple[AssetSnapshot, DepSnapshot]]] = {key: [] for key in self.keys}
        self.joined: set[tuple[str, str]] = set()
        """(asset, dependency) of the edges that one run can serve."""
        for key in defined:
            for dep in assets[key].deps:
                if dep.key in wanted and dep.key in assets and not assets[dep.key].external:
                    self.upstream[key].append(dep)
                    self._readers[dep.key].append((assets[key], dep))
                    if moment.same_run(assets[key], dep):
                        self.joined.add((key, dep.key))
        self.defined: set[str] = set(defined)
        """What can be made here: under the definitions of today neither gone nor made elsewhere."""
        self._together = {
            key: tuple(other for other in moment.definitions.made_together.get(key, ()) if other in self._place)
            for key in defined
        }
        self.joined.update(same_step(moment.definitions, defined))
        self.ready: dict[str, BitMap] = {key: BitMap() for key in self.keys}
        self._settled = {key: BitMap() for key in self.keys}
        self._requested = {key: BitMap() for key in self.keys}
        self._is_new = True

    def makeable(self, key: str, progress: Mapping[str, BackfillProgress]) -> BitMap:
        """What is ready of `key`, and of all that can only be made together with it."""
        ready = self.ready[key]
        for other in self._together[key]:
            if waits := progress[other].waiting - self.ready[other]:
                ready = ready - waits
        return ready

    def request(self, key: str, bits: BitMap) -> None:
        """A run makes these from now on."""
        self.ready[key] -= bits
        self._requested[key] |= bits

    def advance(self, moment: Moment, progress: Mapping[str, BackfillProgress], touched: set[str]) -> Skips:
        """Take note of what changed in the assets `touched`; returns what is to be skipped because of it."""
        walk = _Walk(self._place)
        for key in self.keys if self._is_new else touched:
            walk.look_at(key, self._to_look_at(progress[key], key))
        self._is_new = False
        skips: Skips = {}
        skipped_of: dict[str, BitMap] = {}
        while (key := walk.next()) is not None:
            skipped = self._skipped(moment, key, progress[key], walk)
            for reason, bits in skipped.items():
                by_asset = skips.setdefault(reason, {})
                by_asset[key] = by_asset[key] | bits if key in by_asset else bits
            for reason, bits in skipped.items():
                before = skipped_of.get(key, BitMap())
                skipped_of[key] = before | bits
                for other in self._together.get(key, ()) if bits - before else ():
                    walk.give_up(other, reason, bits - before)
            gone = BitMap.union(*skipped.values()) if skipped else BitMap()
            found = self._possible(moment, key, progress, walk.candidates.pop(key, BitMap()) - gone)
            fresh = found - self.ready[key]
            self.ready[key] = (self.ready[key] - gone) | found
            self._tell_readers(moment, key, progress[key], walk, gone=gone, fresh=fresh)
        return skips

    def _to_look_at(self, progress: BackfillProgress, key: str) -> BitMap:
        """All that waits, at first; later what comes back because its run was lost."""
        if self._is_new:
            self._requested[key] = progress.in_flight.copy()  # by a driver before this one
            return progress.waiting.copy()
        back = progress.waiting & self._requested[key]
        self._requested[key] -= back
        return back

    def _skipped(self, moment: Moment, key: str, progress: BackfillProgress, walk: _Walk) -> dict[SkipReason, BitMap]:
        given_up: dict[SkipReason, BitMap] = walk.given_up.pop(key, {})
        if key not in self.defined:
            given_up["not_defined"] = progress.waiting
        elif nowhere := walk.candidates.get(key, BitMap()) - moment.existing(key):
            given_up["not_defined"] = nowhere
        skipped: dict[SkipReason, BitMap] = {}
        left = progress.waiting.copy()
        for reason, bits in given_up.items():
            if here := bits & left:
                skipped[reason] = here
                left -= here
        return skipped

    def _possible(
        self, moment: Moment, key: str, progress: Mapping[str, BackfillProgress], candidates: BitMap
    ) -> BitMap:
        """Those candidates that wait for nothing any more."""
        found = candidates & progress[key].waiting
        for dep in self.upstream[key]:
            if not found:
                break
            asset = moment.definitions.assets[key]
            missing = progress[dep.key].unsettled(moment.upstream(asset, dep, found))
            if (key, dep.key) in self.joined:
                missing -= self.ready[dep.key]
            if missing:
                found -= moment.downstream(asset, dep, missing)
        return found

    def _tell_readers(
        self, moment: Moment, key: str, progress: BackfillProgress, walk: _Walk, *, gone: BitMap, fresh: BitMap
    ) -> None:
        """Hand on to what reads `key`: what is done or failed since the last look, what is skipped, what is ready."""
        done, failed = progress.done - self._settled[key], progress.failed - self._settled[key]
        self._settled[key] |= done | failed
        if not (done or failed or gone or fresh):
            return
        shut = done & moment.state.asset(key).table.shut() if done else BitMap()
        for asset, dep in self._readers[key]:
            kept = shut if dep.gated else BitMap()
            walk.give_up(asset.key, "upstream_failed", moment.downstream(asset, dep, failed | gone))
            walk.give_up(asset.key, "check_failed", moment.downstream(asset, dep, kept))
            walk.look_at(asset.key, moment.downstream(asset, dep, done - kept))
            if (asset.key, key) in self.joined:
                walk.look_at(asset.key, moment.downstream(asset, dep, fresh))


class _Walk:
    """What is left to look at, upstream first."""

    def __init__(self, place: Mapping[str, int]) -> None:
        self._place = place
        self._waiting: list[tuple[int, str]] = []
        self._queued: set[str] = set()
        self.candidates: dict[str, BitMap] = {}
        self.given_up: dict[str, dict[SkipReason, BitMap]] = {}

    def look_at(self, key: str, bits: BitMap) -> None:
        self.candidates[key] = self.candidates[key] | bits if key in self.candidates else bits
        self._queue(key)

    def give_up(self, key: str, reason: SkipReason, bits: BitMap) -> None:
        if bits:
            reasons = self.given_up.setdefault(key, {})
            reasons[reason] = reasons[reason] | bits if reason in reasons else bits
            self._queue(key)

    def next(self) -> str | None:
        if not self._waiting:
            return None
        key = heapq.heappop(self._waiting)[1]
        self._queued.discard(key)
        return key

    def _queue(self, key: str) -> None:
        if key not in self._queued:
            self._queued.add(key)
            heapq.heappush(self._waiting, (self._place[key], key))
