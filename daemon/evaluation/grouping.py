"""From requested partitions to runs: one run per connected group of assets that shares a partition key.

Unrelated assets are not lumped together, and a parent and child that were requested together and can share a run do, in
topological order. Assets whose partitions are numbered differently never share a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from ...storage.events import KeyRanges
from .moment import Moment


@dataclass(frozen=True, slots=True)
class RunGroup:
    """What one run is to make: these assets, each for the same partition (None: unpartitioned)."""

    assets: tuple[str, ...]
    partitions: KeyRanges | None


def group_runs(moment: Moment, requested: Mapping[str, BitMap]) -> list[RunGroup]:
    """The runs for `requested`, which is in topological order; runs of upstream assets and early partitions first."""
    assets_of: dict[tuple[str, int], list[str]] = {}
    for key, bits in requested.items():
        space = moment.state.space(key)
        for ordinal in space.ordered(bits):
            assets_of.setdefault((space.fingerprint, ordinal), []).append(key)
    components: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    groups: list[RunGroup] = []
    for (_, ordinal), keys in assets_of.items():
        together = tuple(keys)
        if together not in components:
            components[together] = _connected(moment, together)
        for assets in components[together]:
            space = moment.state.space(assets[0])
            groups.append(RunGroup(assets, space.ranges(BitMap([ordinal]))))
    return groups


def _connected(moment: Moment, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Split assets into groups that are linked by dependencies which one run can serve."""
    leader = {key: key for key in keys}

    def find(key: str) -> str:
        while leader[key] != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for key in keys:
        asset = moment.definitions.assets[key]
        for dep in asset.deps:
            if dep.key in leader and moment.same_run(asset, dep):
                leader[find(key)] = find(dep.key)
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(find(key), []).append(key)
    return [tuple(group) for group in groups.values()]
