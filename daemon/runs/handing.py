"""The partition keys that a step is handed: of a dependency of which it may read several, those that it is mapped to,
that exist and that passed.

Chosen when the run is launched, from State through some offset, which the step's start records: what is updated in
between was not handed, and the fold sees to it that the step's asset is built again (SEMANTICS parts 1 and 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyroaring import BitMap

from ...definitions.partitions import PartitionMapping, PartitionsDefinition
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.events import KeyRanges, Target
from ...storage.state import State, mappings
from ...storage.state.ordinals import Spaces


def handed_inputs(
    state: State, definitions: DefinitionsSnapshot, targets: Sequence[Target], *, at: datetime
) -> dict[str, dict[str, KeyRanges]]:
    """For each target asset, the keys of each dependency of which it may read several partitions."""
    handed: dict[str, dict[str, KeyRanges]] = {}
    for target in targets:
        asset = definitions.assets.get(target.asset_key)
        for dep in asset.deps if asset else ():
            upstream = definitions.assets.get(dep.key)
            if asset is None or upstream is None or upstream.partitions is None:
                continue
            if dep.mapping.reads_one(upstream.partitions, asset.partitions):
                continue
            table = state.asset(dep.key).table
            readable = table.readable() if dep.gated else table.there()
            up = mappings.Side.of(state.spaces, upstream.partitions, at)
            down = _side(state.spaces, asset.partitions, target.partitions)
            read = mappings.upstream(dep.mapping, down.existing, up=up, down=down)
            handed.setdefault(target.asset_key, {})[dep.key] = table.space.ranges(readable & read) or ()
    return handed


def mapped_keys(
    mapping: PartitionMapping | None,
    keys: KeyRanges,
    *,
    up: PartitionsDefinition,
    down: PartitionsDefinition | None,
    partitions: KeyRanges | None,
) -> KeyRanges:
    """Those of the upstream partitions `keys` that the downstream ones read."""
    if mapping is None:
        return keys
    spaces = Spaces(is_open=True)
    space = spaces.of(up)
    bits = space.bits(keys)
    there = _side(spaces, down, partitions)
    read = mappings.required(mapping, there.existing, up=mappings.Side.holding(spaces, up, bits), down=there)
    return space.ranges(bits & read) or ()


def _side(spaces: Spaces, partitions: PartitionsDefinition | None, targets: KeyRanges | None) -> mappings.Side:
    """The partitions that are to be made, as a side of a mapping."""
    bits = spaces.of(partitions).bits(targets) if partitions is not None else BitMap([0])
    return mappings.Side.holding(spaces, partitions, bits)
