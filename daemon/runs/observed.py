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
from .outcomes import of_asset


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. `partition` of None is the whole, or the one partition that the step is of."""

    asset_key: str
    partition: str | None = None
    data_version: str | None = None
    metadata: dict[str, MetadataValue] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class Observations:
    """What the function that looks at `assets` says of them, result by result as it comes.

    `seen` are the observations, `check_results` the results of the checks that it evaluates itself.
    """

    def __init__(self, assets: Sequence[AssetsDefinition]) -> None:
        self._assets = {asset.key: asset for asset in assets}
        self._first = assets[0]
        self.seen: list[Seen] = []
        self.check_results: list[AssetCheckResult] = []

    def one(self, result: Any) -> None:
        """Take what a generator has yielded, or a function returned.

        Raises:
            ExecutionError: it says nothing, or is about an asset that the step does not look at.
        """
        if isinstance(result, AssetCheckResult):
            self.check_results.append(result)
        elif isinstance(result, ObserveResult):
            asset = self._asset_of(result)
            self.seen.append(_of_result(asset, result))
            self.check_results += (of_asset(one, asset.key) for one in result.check_results)
        elif isinstance(result, (DataVersion, DataVersionsByPartition)) and len(self._assets) > 1:
            raise _error(
                self._first, f"gave {result!r}, which says not which asset it is of. Yield ObserveResult(asset_key=...)"
            )
        elif isinstance(result, DataVersionsByPartition):
            self.seen += _of_partitions(self._first, result)
        elif isinstance(result, DataVersion):
            self.seen.append(Seen(str(self._first.key), data_version=str(result)))
        else:
            raise _error(self._first, f"gave {result!r}", advice=_ADVICE)

    def returned(self, value: Any) -> None:
        """Take what a function returned: one result, or where it looks at several assets a tuple of them."""
        if isinstance(value, AssetCheckResult):
            raise _error(self._first, f"gave {value!r}", advice=_ADVICE)
        several = isinstance(value, (tuple, list)) and hasattr(self._first, "whole")
        for one in value if several else [value]:
            self.one(one)

    def end(self) -> None:
        """Make sure that nothing is missing.

        Raises:
            ExecutionError: an asset was not looked at, and is not `skippable`.
        """
        told = {one.asset_key for one in self.seen}
        for asset in self._assets.values():
            if asset.is_required and str(asset.key) not in told:
                of_it = f" of {str(asset.key)!r}" if len(self._assets) > 1 else ""
                raise _error(self._first, f"yielded no observation{of_it}", advice=_ADVICE)

    def _asset_of(self, result: ObserveResult) -> AssetsDefinition:
        if result.asset_key is None:
            if len(self._assets) == 1:
                return self._first
            raise _error(self._first, "gave an ObserveResult without asset_key. Say which of its assets it is of")
        if result.asset_key not in self._assets:
            advice = "Leave asset_key out" if len(self._assets) == 1 else "This step looks at other assets"
            raise _error(self._first, f"gave an ObserveResult for {str(result.asset_key)!r}. {advice}")
        return self._assets[result.asset_key]


_ADVICE = (
    "A function that observes returns DataVersion('...'), ObserveResult(...) or, of partitions, "
    "DataVersionsByPartition({...}); one that looks at several assets yields ObserveResult(asset_key=...) for each."
)


def _error(asset: AssetsDefinition, what: str, *, advice: str = "") -> ExecutionError:
    whole = getattr(asset, "whole", asset)
    return ExecutionError(f"{whole.source}: {whole} {what}. {advice}".rstrip())


def _of_result(asset: AssetsDefinition, result: ObserveResult) -> Seen:
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
