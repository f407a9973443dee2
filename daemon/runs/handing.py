"""The partition keys that a step is handed: of a dependency of which it reads several, those that exist and passed.

Chosen when the run is launched, from State through some offset, which the step's start records: what is updated in
between was not handed, and the fold sees to it that the step's asset is built again (SEMANTICS parts 1 and 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...definitions.partitions import AllPartitionMapping
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.events import KeyRanges, Target
from ...storage.state import State
from ...storage.state.ordinals import clip


def handed_inputs(
    state: State, definitions: DefinitionsSnapshot, targets: Sequence[Target], *, at: datetime
) -> dict[str, dict[str, KeyRanges]]:
    """For each target asset, the keys of each dependency of which it reads several partitions."""
    handed: dict[str, dict[str, KeyRanges]] = {}
    for target in targets:
        asset = definitions.assets.get(target.asset_key)
        for dep in asset.deps if asset else ():
            upstream = definitions.assets.get(dep.key)
            if upstream is None or upstream.partitions is None or not isinstance(dep.mapping, AllPartitionMapping):
                continue
            table = state.asset(dep.key).table
            readable = table.readable() if dep.gated else table.materialized
            ranges = table.space.ranges(readable & clip(upstream.partitions, at))
            handed.setdefault(target.asset_key, {})[dep.key] = ranges or ()
    return handed
