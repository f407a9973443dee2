"""From requested partitions to runs: one run per connected group of assets that shares a partition key.

Unrelated assets are not lumped together, and a parent and child that were requested together and can share a run do, in
topological order. Assets whose partitions are numbered differently never share a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.events import KeyRanges, PlannedCheck
from .moment import Moment


@dataclass(frozen=True, slots=True)
class RunGroup:
    """What one run is to make: these assets, each for the same partition (None: unpartitioned)."""

    assets: tuple[str, ...]
    partitions: KeyRanges | None


def group_runs(moment: Moment, requested: Mapping[str, BitMap]) -> list[RunGroup]:
    """The runs for `requested`, which is in topological order; runs of upstream assets and early partitions first."""
    assets_of: dict[tuple[str, int], list[str]] = {}
    groups: list[RunGroup] = []
    for key, bits in requested.items():
        space = moment.state.space(key)
        if moment.definitions.assets[key].observable:  # one look, however many partitions it tells of
            groups.append(RunGroup((key,), space.ranges(bits)))
            continue
        for ordinal in space.ordered(bits):
            assets_of.setdefault((space.fingerprint, ordinal), []).append(key)
    components: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for (_, ordinal), keys in assets_of.items():
        together = tuple(keys)
        if together not in components:
            components[together] = _connected(moment, together)
        for assets in components[together]:
            space = moment.state.space(assets[0])
            groups.append(RunGroup(assets, space.ranges(BitMap([ordinal]))))
    return groups


def planned_checks(
    definitions: DefinitionsSnapshot, nodes: Sequence[AssetSnapshot], partitions: KeyRanges | None
) -> tuple[PlannedCheck, ...]:
    """The checks of a run: those of its assets that have no condition of their own, and those that were requested. What
    shares a step with one of them, and cannot be evaluated without, comes along."""
    made = {node.key for node in nodes if node.checked is None}
    wanted = {node.checked for node in nodes if node.checked is not None}
    wanted |= {(key, check.name) for key in made for check in definitions.assets[key].checks if check.condition is None}
    by_key = {
        (key, check.name): check for key in {key for key, _ in wanted} for check in definitions.assets[key].checks
    }
    steps = {check.step for key in wanted if (check := by_key[key]).step and not check.can_subset}
    if steps:
        by_key = {(key, c.name): c for key, asset in definitions.assets.items() for c in asset.checks}
        wanted |= {key for key, check in by_key.items() if check.step in steps}
    partition = None if partitions is None else partitions[0][0]
    return tuple(
        PlannedCheck(
            asset_key=key,
            name=name,
            blocking=by_key[key, name].blocking,
            partition=None if key in made or definitions.assets[key].partitions is None else partition,
        )
        for key, name in sorted(wanted)
    )


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
