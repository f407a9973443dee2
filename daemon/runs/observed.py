"""What the function of an observable source returned, as observations: one of the whole, or one of each partition.

A function returns a `DataVersion`, an `ObserveResult` or, of partitions, `DataVersionsByPartition`; it may also yield
ObserveResults. Whether an observation is an update is for the fold to find: its data version is another than before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.errors import ExecutionError
from ...definitions.metadata import MetadataValue
from ...definitions.results import AssetCheckResult, DataVersion, DataVersionsByPartition, ObserveResult
from .outputs import Yielded


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. `partition` of None is the whole, or the one partition that the step is of."""

    asset_key: str
    partition: str | None = None
    data_version: str | None = None
    metadata: dict[str, MetadataValue] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def observations_of(asset: AssetsDefinition, result: Any) -> tuple[list[Seen], list[AssetCheckResult]]:
    """What `result`, a finished return value of the observable's function, says; and the results of its checks.

    Raises:
        ExecutionError: it says nothing.
    """
    seen: list[Seen] = []
    checked: list[AssetCheckResult] = []
    for one in result if isinstance(result, Yielded) else [result]:
        if isinstance(one, AssetCheckResult) and isinstance(result, Yielded):
            checked.append(one)
        elif isinstance(one, ObserveResult):
            seen.append(_of_result(asset, one))
            checked += one.check_results
        elif isinstance(one, DataVersionsByPartition):
            seen += _of_partitions(asset, one)
        elif isinstance(one, DataVersion):
            seen.append(Seen(str(asset.key), data_version=str(one)))
        else:
            raise ExecutionError(f"{asset.source}: {asset} gave {one!r}. {_ADVICE}")
    if not seen:
        raise ExecutionError(f"{asset.source}: {asset} yielded no observation. {_ADVICE}")
    return seen, checked


_ADVICE = (
    "A function that observes returns DataVersion('...'), ObserveResult(...) or, of partitions, "
    "DataVersionsByPartition({...})."
)


def _of_result(asset: AssetsDefinition, result: ObserveResult) -> Seen:
    if result.asset_key is not None and result.asset_key != asset.key:
        raise ExecutionError(
            f"{asset.source}: {asset} gave an ObserveResult for {str(result.asset_key)!r}. Leave asset_key out."
        )
    return Seen(
        str(asset.key),
        result.partition,
        None if result.data_version is None else str(result.data_version),
        result.metadata,
        result.tags,
    )


def _of_partitions(asset: AssetsDefinition, versions: DataVersionsByPartition) -> Sequence[Seen]:
    if asset.partitions_def is None:
        raise ExecutionError(
            f"{asset.source}: {asset} returned DataVersionsByPartition, but it is not partitioned. Return a "
            "DataVersion, or give it a partitions_def."
        )
    return [Seen(str(asset.key), key, str(version)) for key, version in versions.data_versions_by_partition.items()]
