"""Targets: the assets that `--select` means, and which partition of each a run of them makes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import datetime

import typer

from ...definitions.errors import InvalidInvocationError, UnknownPartition, did_you_mean
from ...definitions.keys import AssetCheckKey, AssetKey
from ...definitions.partitions import DynamicPartitionsStore, PartitionKeyRange
from ...definitions.selection import AssetSelection
from ...definitions.selection.making import to_make
from ...definitions.selection.names import EmptySelection
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.dynamic_partitions import known_keys
from ...storage.events import PlannedCheck, Target
from ..runs.partition_range import ranges_of


def selected(definitions: DefinitionsSnapshot, text: str) -> tuple[list[AssetSnapshot], list[PlannedCheck]]:
    """The assets that `text` selects to be made, each after what it reads, and the checks that run with them.

    What of it selects nothing is told on standard error.

    Raises:
        InvalidInvocationError: it selects nothing, or names what is not defined or cannot be made.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", EmptySelection)
        keys, selected_checks = to_make(AssetSelection.from_string(text), definitions)
    for warning in told:
        typer.echo(f"Warning: {warning.message}", err=True)
    checks = [
        PlannedCheck(asset_key=asset.key, name=check.name, blocking=check.blocking)
        for asset in definitions.assets.values()
        for check in asset.checks
        if AssetCheckKey(AssetKey.from_user_string(asset.key), check.name) in selected_checks
    ]
    return [definitions.assets[str(key)] for key in keys], checks


def targets_of(
    assets: Iterable[AssetSnapshot],
    partition: str | None,
    *,
    at: datetime,
    dynamic: DynamicPartitionsStore,
    looked_at: Iterable[AssetSnapshot] = (),
    span: PartitionKeyRange | None = None,
) -> list[Target]:
    """The one partition of each asset that a run makes, or the range of them; unpartitioned assets are made whole
    beside the others.

    An observable source is observed as a whole where no partition is named; so are the assets that the run only looks
    at, with its checks.

    Raises:
        InvalidInvocationError: a partition is needed and not given, or given and no asset has any.
        UnknownPartition: an asset has no such partition at the instant `at`.
    """
    if span is not None and partition is not None:
        raise InvalidInvocationError("--partition and --partition-range contradict each other: keep one of them.")
    chosen = list(assets)
    made = {asset.key for asset in chosen if not asset.observable}
    among = {asset.key: asset for asset in (*chosen, *looked_at)}
    parted = [asset for asset in among.values() if asset.partitions is not None]
    if (partition is not None or span is not None) and not parted:
        keys, option = ", ".join(among), "--partition" if span is None else "--partition-range"
        raise InvalidInvocationError(f"none of the selected assets has partitions ({keys}): leave {option} out.")
    if span is not None:
        return [
            Target(
                asset_key=one.key,
                partitions=one.partitions
                and ranges_of(one.key, one.partitions, one.backfill_policy, span, at=at, dynamic=dynamic),
            )
            for one in chosen
        ]
    for asset in parted:
        if partition is not None or asset.key in made:
            check_partition(asset, partition, at=at, dynamic=dynamic)
    return [
        Target(
            asset_key=asset.key,
            partitions=None if asset.partitions is None or partition is None else ((partition, partition),),
        )
        for asset in chosen
    ]


def at_partition(
    definitions: DefinitionsSnapshot, checks: Iterable[PlannedCheck], partition: str | None
) -> list[PlannedCheck]:
    """`checks`, those of partitioned assets with the partition that they look at."""
    return [
        check
        if partition is None or definitions.assets[check.asset_key].partitions is None
        else check.model_copy(update={"partition": partition})
        for check in checks
    ]


def check_partition(
    asset: AssetSnapshot, partition: str | None, *, at: datetime, dynamic: DynamicPartitionsStore
) -> None:
    """Make sure that `partition` is one of the asset's at `at`, or that both have none.

    `dynamic` knows the keys that were added at run time.
    """
    if asset.partitions is None:
        if partition is not None:
            raise InvalidInvocationError(f"asset {asset.key!r} has no partitions: leave --partition out.")
    elif partition is None:
        words = asset.partitions.describe()
        raise InvalidInvocationError(f"asset {asset.key!r} has {words}: say which one with --partition.")
    elif not asset.partitions.has_partition_key(partition, at, dynamic):
        raise UnknownPartition(partition, known=known_keys(asset.partitions, dynamic), asset=asset.key)


def known_asset(definitions: DefinitionsSnapshot, key: str) -> AssetSnapshot:
    """The asset of this key.

    Raises:
        InvalidInvocationError: there is none; it names one that was perhaps meant.
    """
    asset = definitions.assets.get(key)
    if asset is None:
        known = ", ".join(list(definitions.assets)[:10]) or "none"
        raise InvalidInvocationError(
            f"there is no asset {key!r}. {did_you_mean(key, definitions.assets, f'Defined are: {known}.')}"
        )
    return asset


def check_dynamic_name(definitions: DefinitionsSnapshot | None, name: str) -> None:
    """Make sure that an asset has dynamic partitions of this name.

    Raises:
        InvalidInvocationError: none has; it names one that was perhaps meant.
    """
    assets = definitions.assets.values() if definitions else ()
    names = frozenset().union(*(asset.partitions.dynamic_names for asset in assets if asset.partitions))
    if name not in names:
        known = ", ".join(sorted(names)) or "none"
        hint = did_you_mean(name, names, f"There are: {known}. Record it nevertheless with --force.")
        raise InvalidInvocationError(f"no asset has dynamic partitions of the name {name!r}. {hint}")
