"""What ticks need of one set of definitions: the order of assets, their direct downstream, conditions and timers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ...definitions.conditions import AutomationCondition
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.state import State
from ...storage.state.conditions import Place
from ...storage.state.memory import SEEN
from .asked_places import Asked, places_of
from .far_reads import any_far_reads, far_reads
from .pulses import needs_follow_up, reads_open_pulses, reads_requests
from .timers import Timers
from .truth import Truth


class ConditionGraph:
    """Made once for each `DefinitionsLoaded`, of its assets and of the checks that have conditions of their own."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self.place: dict[str, int] = {key: n for n, key in enumerate(definitions.assets)}
        self.keys: list[str] = list(definitions.assets)
        self.conditions: dict[str, AssetSnapshot] = {
            k: a for k, a in definitions.assets.items() if a.condition is not None and a.has_function
        }
        self._definitions = definitions
        self.children: dict[str, list[str]] = {}
        """Per asset, those after it that have to be looked at in the tick that requests it."""
        for key, asset in definitions.assets.items():
            for dep in asset.deps:
                self.children.setdefault(dep.key, []).append(key)
        self.readers: dict[str, list[str]] = self._with_far_readers()
        self._upstream: dict[str, set[str]] = {}
        self._seen: dict[str, str] = {}
        self.timers: Timers = Timers(definitions)
        self.follow_up: set[str] = self._whose(needs_follow_up)
        self.open_pulses: set[str] = self._whose(reads_open_pulses)
        self._read_requests = self._whose(reads_requests)
        self.asks: dict[str, dict[Place, Asked]] = places_of(definitions)
        """Per asset with a condition that asks users' code, what it asks."""

    def _whose(self, holds: Callable[[AutomationCondition], bool]) -> set[str]:
        """The assets with such a condition; one that many have is looked at once."""
        known: dict[int, bool] = {}
        found = set()
        for key, asset in self.conditions.items():
            condition = asset.condition
            assert condition is not None
            if id(condition) not in known:
                known[id(condition)] = holds(condition)
            if known[id(condition)]:
                found.add(key)
        return found

    def _with_far_readers(self) -> dict[str, list[str]]:
        """Per asset or check, who has to be looked at when it changes: its direct downstream, and whose conditions look
        further."""
        readers = dict(self.children)  # the same lists, but where somebody looks further
        looks_far: dict[str, bool] = {}
        for key, asset in self.conditions.items():
            assert asset.condition is not None
            node_id = asset.condition.node_id
            if node_id not in looks_far:
                looks_far[node_id] = any_far_reads(asset.condition)
            if looks_far[node_id]:
                for read in far_reads(asset, self._definitions):
                    if key not in readers.get(read, ()):
                        readers[read] = [*readers.get(read, ()), key]
                    below = self.children.get(read, [])
                    if self.place.get(read, len(self.place)) < self.place[key] and key not in below:
                        self.children[read] = [*below, key]
        return readers

    def seen(self, asset: AssetSnapshot) -> str:
        """The mark under which memory says that `asset` was evaluated as it is defined now."""
        mark = self._seen.get(asset.key)
        if mark is None:
            mark = self._seen[asset.key] = SEEN + fingerprint(asset, self._definitions)
        return mark

    def upstream_of(self, key: str) -> set[str]:
        """All assets that `key` is made from, directly or not."""
        if key not in self._upstream:
            found: set[str] = set()
            waiting = [key]
            while waiting:
                asset = self._definitions.assets.get(waiting.pop())
                fresh = [dep.key for dep in asset.deps if dep.key not in found] if asset else []
                found.update(fresh)
                waiting += fresh
            self._upstream[key] = found
        return self._upstream[key]

    def unanswered(self, key: str, state: State) -> list[Asked]:
        """What the condition of an asset asks of users' code that has never given an answer."""
        return [asked for place, asked in self.asks.get(key, {}).items() if not state.conditions.is_known(place)]

    def readers_of_requests(self, requested: dict[str, Truth]) -> set[str]:
        """Assets for which `newly_requested` will be true in the next tick, after these requests."""
        if not self._read_requests or not requested:
            return set()
        near = {child for key in requested for child in self.readers.get(key, ())} | requested.keys()
        return near & self._read_requests


def fingerprint(asset: AssetSnapshot, definitions: DefinitionsSnapshot) -> str:
    """What an asset's memory was made under: its condition, its dependencies with their mappings, all their
    partitions."""
    condition = asset.condition.node_id if asset.condition else ""
    deps = [
        (dep.key, dep.mapping.to_json(), dep.gated, _partitions(definitions.assets.get(dep.key))) for dep in asset.deps
    ]
    return hashlib.sha256(repr((condition, deps, _partitions(asset))).encode()).hexdigest()[:12]


def _partitions(asset: AssetSnapshot | None) -> object:
    return asset.partitions.to_json() if asset and asset.partitions else None
