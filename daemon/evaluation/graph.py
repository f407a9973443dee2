"""What ticks need of one set of definitions: the order of assets, their direct downstream, conditions and timers."""

from __future__ import annotations

from ...definitions.snapshot import DefinitionsSnapshot
from .pulses import needs_follow_up, reads_requests
from .timers import Timers
from .truth import Truth


class ConditionGraph:
    """Made once for each `DefinitionsLoaded`, of its assets and of the checks that have conditions of their own."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self.place = {key: n for n, key in enumerate(definitions.assets)}
        self.keys = list(definitions.assets)
        self.conditions = {k: a for k, a in definitions.assets.items() if a.condition is not None and a.has_function}
        self.children: dict[str, list[str]] = {}
        for key, asset in definitions.assets.items():
            for dep in asset.deps:
                self.children.setdefault(dep.key, []).append(key)
        self._parents = {key: [dep.key for dep in asset.deps] for key, asset in definitions.assets.items()}
        self._upstream: dict[str, set[str]] = {}
        self.timers = Timers(definitions)
        self.follow_up = {k for k, a in self.conditions.items() if a.condition and needs_follow_up(a.condition)}
        self._read_requests = {k for k, a in self.conditions.items() if a.condition and reads_requests(a.condition)}

    def upstream_of(self, key: str) -> set[str]:
        """All assets that `key` is made from, directly or not."""
        if key not in self._upstream:
            found: set[str] = set()
            waiting = [key]
            while waiting:
                fresh = [parent for parent in self._parents.get(waiting.pop(), ()) if parent not in found]
                found.update(fresh)
                waiting += fresh
            self._upstream[key] = found
        return self._upstream[key]

    def readers_of_requests(self, requested: dict[str, Truth]) -> set[str]:
        """Assets for which `newly_requested` will be true in the next tick, after these requests."""
        if not self._read_requests or not requested:
            return set()
        near = {child for key in requested for child in self.children.get(key, ())} | requested.keys()
        return near & self._read_requests
