"""Selections: which assets `--select` means, and which partition of each a run of them makes.

    orders              an asset
    orders,revenue      several, with commas or spaces between them
    +revenue            with everything upstream of it
    orders+             with everything downstream of it
    *                   all

External assets have nothing to run: where they come in by a "+" or "*" they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from ...definitions.errors import InvalidInvocationError, UnknownPartition, did_you_mean
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.events import Target

_TERM = re.compile(r"(?P<up>\+?)(?P<key>[^+]+)(?P<down>\+?)")


def selected(definitions: DefinitionsSnapshot, text: str) -> list[AssetSnapshot]:
    """The assets that `text` selects, each after what it reads.

    Raises:
        InvalidInvocationError: it selects nothing, or names what is not defined or cannot be made.
    """
    terms = re.split(r"[,\s]+", text.strip(", \t\n"))
    if terms == [""]:
        raise InvalidInvocationError('the selection is empty: name assets, as in --select "orders,revenue".')
    keys = {key for term in terms for key in _keys(definitions, term)}
    return [asset for key, asset in definitions.assets.items() if key in keys]


def targets_of(assets: Iterable[AssetSnapshot], partition: str | None, *, at: datetime) -> list[Target]:
    """The one partition of each asset that a run makes; unpartitioned assets are made whole beside the others.

    Raises:
        InvalidInvocationError: a partition is needed and not given, or given and no asset has any.
        UnknownPartition: an asset has no such partition at the instant `at`.
    """
    chosen = list(assets)
    parted = [asset for asset in chosen if asset.partitions is not None]
    if partition is not None and not parted:
        keys = ", ".join(asset.key for asset in chosen)
        raise InvalidInvocationError(f"none of the selected assets has partitions ({keys}): leave --partition out.")
    for asset in parted:
        check_partition(asset, partition, at=at)
    return [
        Target(
            asset_key=asset.key,
            partitions=None if asset.partitions is None or partition is None else ((partition, partition),),
        )
        for asset in chosen
    ]


def check_partition(asset: AssetSnapshot, partition: str | None, *, at: datetime) -> None:
    """Make sure that `partition` is one of the asset's, or that both have none."""
    if asset.partitions is None:
        if partition is not None:
            raise InvalidInvocationError(f"asset {asset.key!r} has no partitions: leave --partition out.")
    elif partition is None:
        words = asset.partitions.describe()
        raise InvalidInvocationError(f"asset {asset.key!r} has {words}: say which one with --partition.")
    elif not asset.partitions.has_partition_key(partition, at):
        raise UnknownPartition(partition, known=asset.partitions.describe(), asset=asset.key)


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


def _keys(definitions: DefinitionsSnapshot, term: str) -> Iterable[str]:
    if term == "*":
        return _made(definitions, definitions.assets)
    found = _TERM.fullmatch(term)
    if found is None:
        raise InvalidInvocationError(f"{term!r} selects nothing: write an asset, +asset, asset+ or *.")
    asset = known_asset(definitions, found["key"])
    if not found["up"] and not found["down"]:
        if asset.external:
            raise InvalidInvocationError(
                f"asset {asset.key!r} is external: something else makes it. When it has, say so with "
                f"`headwater asset report {asset.key}`."
            )
        return [asset.key]
    reached = {asset.key}
    if found["up"]:
        reached |= _reached(asset.key, lambda key: [dep.key for dep in definitions.assets[key].deps])
    if found["down"]:
        readers: dict[str, list[str]] = {}
        for reader in definitions.assets.values():
            for dep in reader.deps:
                readers.setdefault(dep.key, []).append(reader.key)
        reached |= _reached(asset.key, lambda key: readers.get(key, []))
    return _made(definitions, reached)


def _made(definitions: DefinitionsSnapshot, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if not definitions.assets[key].external]


def _reached(key: str, neighbours: Callable[[str], list[str]]) -> set[str]:
    reached: set[str] = set()
    left = neighbours(key)
    while left:
        found = left.pop()
        if found not in reached:
            reached.add(found)
            left = [*left, *neighbours(found)]
    return reached
