"""What the fold changed since the last tick took it: the pulses that a tick evaluates, and the assets it has to visit.

`updated` holds released updates: per asset, the position of the newest one of each partition (of several in one tick
the last one counts: it holds what the others held). `touched` names every asset of which anything changed (progress,
gates, failures); an asset that neither changed nor has a changed dependency need not be visited.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyroaring import BitMap

from .causes import Causes


@dataclass(slots=True)
class Changes:
    updated: dict[str, dict[int, int]] = field(default_factory=dict)
    owed: dict[str, dict[str, list[tuple[int, float, int]]]] = field(default_factory=dict)
    """Per asset and dependency: a step began, and partitions of the dependency were updated after the keys that the
    step was handed had been chosen. Each such partition, the position just behind the step's start, and the partition
    that the step makes."""
    touched: set[str] = field(default_factory=set)
    definitions: bool = False
    """The definitions changed: every asset is visited."""

    def update(self, asset_key: str, ordinal: int, position: int) -> None:
        """A released update of one partition."""
        self.updated.setdefault(asset_key, {})[ordinal] = position
        self.touched.add(asset_key)

    def updates_of(self, asset_key: str) -> Causes:
        """The updates of one asset, grouped by position."""
        groups: dict[int, BitMap] = {}
        for ordinal, position in self.updated.get(asset_key, {}).items():
            groups.setdefault(position, BitMap()).add(ordinal)
        return Causes(groups.items())

    def __bool__(self) -> bool:
        return bool(self.touched or self.definitions)
