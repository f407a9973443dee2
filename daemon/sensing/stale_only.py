"""What of some assets is stale or missing: for requests of runs that are to make nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.staleness import Staleness, StaleStatus
from ...storage.state import State


def stale_of(
    state: State, definitions: DefinitionsSnapshot, assets: Iterable[str], partition: str | None, *, at: datetime
) -> list[str]:
    """Those of `assets` that are stale or missing at the instant `at`, of partitioned ones in this partition; with each
    those that can only be made together with it. One that is not defined, or has no such partition, is kept: whoever
    makes the request of it says what is wrong."""
    staleness, listed = Staleness(state, definitions, at=at), list(assets)
    wanted = {key for key in listed if _is_wanted(staleness, definitions, key, partition)}
    wanted |= {other for key in wanted for other in definitions.made_together.get(key, ()) if other in listed}
    return [key for key in listed if key in wanted]


def _is_wanted(staleness: Staleness, definitions: DefinitionsSnapshot, key: str, partition: str | None) -> bool:
    asset = definitions.assets.get(key)
    if asset is None or (asset.partitions is not None and partition is None):
        return True
    try:
        return staleness.status(key, partition if asset.partitions is not None else None) is not StaleStatus.FRESH
    except KeyError:
        return True
