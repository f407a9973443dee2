"""From requested partitions to runs: one run per connected group of assets that shares a partition key.

Unrelated assets are not lumped together, and a parent and child that were requested together and can share a run do, in
topological order. Assets whose partitions are numbered differently never share a run. A BackfillPolicy puts several
partitions into one run.

Where connected assets would take more runs than a limit, they become one backfill: it asks for a few runs at a time and
keeps their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.events import KeyRanges, PlannedCheck
from .moment import Moment, max_per_run


@dataclass(frozen=True, slots=True)
class RunGroup:
    """What one run is to make: these assets, each for the same partition (None: unpartitioned)."""

    assets: tuple[str, ...]
    partitions: KeyRanges | None


@dataclass(frozen=True, slots=True)
class BackfillGroup:
    """What one backfill is to make: these partitions of each asset, upstream first."""

    partitions: Mapping[str, BitMap]


def group_requests(
    moment: Moment, requested: Mapping[str, BitMap], *, backfill_above: int
) -> tuple[list[RunGroup], list[BackfillGroup]]:
    """The runs for `requested`, which is in topological order, and the backfills for what would be too many of them."""
    definitions = moment.definitions.assets
    if all(_run_count(definitions[key], bits) <= backfill_above for key, bits in requested.items()):
        return group_runs(moment, requested), []
    left, backfills = dict(requested), []
    edges = [(key, dep.key) for key in requested for dep in definitions[key].deps]
    for together in linked(tuple(requested), [*edges, *same_step(moment.definitions, requested)]):
        if any(_run_count(definitions[key], requested[key]) > backfill_above for key in together):
            backfills.append(BackfillGroup({key: left.pop(key) for key in together}))
    return group_runs(moment, left), backfills


def _run_count(asset: AssetSnapshot, bits: BitMap) -> int:
    """How many runs it takes to make these partitions of one asset."""
    size = max_per_run(asset)
    return 1 if size is None else -(-len(bits) // size)


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
    ordinals: dict[tuple[str, ...], list[int]] = {}
    for (_, ordinal), keys in assets_of.items():
        together = tuple(keys)
        if together not in components:
            components[together] = _connected(moment, together)
        for assets in components[together]:
            ordinals.setdefault(assets, []).append(ordinal)
    groups += [
        RunGroup(assets, moment.state.space(assets[0]).ranges(chunk))
        for assets, found in ordinals.items()
        for chunk in _chunks(moment, assets, found)
    ]
    return groups


def _chunks(moment: Moment, assets: tuple[str, ...], ordinals: list[int]) -> Iterator[BitMap]:
    """`ordinals` as the policy of `assets` puts them into runs; they have one policy, or no partitions."""
    size = max_per_run(moment.definitions.assets[assets[0]]) or len(ordinals)
    if size == 1:
        yield from (BitMap([ordinal]) for ordinal in ordinals)
        return
    bits = BitMap(ordinals)
    for start in range(0, len(bits), size):
        yield bits[start : start + size]


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
    edges, wanted = [], set(keys)
    for key in keys:
        asset = moment.definitions.assets[key]
        edges += [(key, dep.key) for dep in asset.deps if dep.key in wanted and moment.same_run(asset, dep)]
    return linked(keys, [*edges, *same_step(moment.definitions, keys)])


def same_step(definitions: DefinitionsSnapshot, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What one function makes of `keys`, as pairs that link it."""
    first: dict[str, str] = {}
    for key in keys:
        asset = definitions.assets[key]
        if asset.step:
            yield key, first.setdefault(asset.step, key)


def linked(keys: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """`keys` in groups that are linked by those `edges` that are among them, all in the order of `keys`."""
    leader = {key: key for key in keys}

    def find(key: str) -> str:
        while leader[key] != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for key, other in edges:
        if key in leader and other in leader:
            leader[find(key)] = find(other)
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(find(key), []).append(key)
    return [tuple(group) for group in groups.values()]
