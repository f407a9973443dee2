"""What a backfill is to make: partitions of each selected asset, from the options of the command line.

The partitions that are named with `--partition` or `--partition-range` are those of the selected assets that have such
keys. The other assets of the selection take part with what these read or are read for, through their mappings: a day
brings its hours along. Assets without partitions are made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap

from ...definitions.errors import InvalidInvocationError, UnknownPartition
from ...definitions.partitions import PartitionKeyRange
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.events import Target
from ...storage.state import State
from ..evaluation.moment import Moment

SAY_WHICH = "Say which with --all-partitions, --partition-range A...B, --partition K, --missing or --failed."


def read_range(text: str) -> PartitionKeyRange:
    """The range that `A...B` means, both ends included."""
    first, dots, last = text.partition("...")
    if not (first and dots and last):
        raise InvalidInvocationError(f"--partition-range takes FIRST...LAST with three dots, not {text!r}.")
    return PartitionKeyRange(first, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """Which partitions: those that are named, narrowed down to what is `missing` or `failed` where that is asked."""

    everything: bool = False
    span: PartitionKeyRange | None = None
    keys: tuple[str, ...] = ()
    missing: bool = False
    failed: bool = False

    @property
    def are_named(self) -> bool:
        return self.span is not None or bool(self.keys)

    def check(self, assets: Sequence[AssetSnapshot]) -> None:
        """Make sure that they say something about `assets`.

        Raises:
            InvalidInvocationError: it is not said which partitions, or they are named and no asset has any.
        """
        parted = [asset for asset in assets if asset.partitions is not None]
        if parted and not (self.everything or self.are_named or self.missing or self.failed):
            raise InvalidInvocationError(f"asset {parted[0].key!r} has {_words(parted[0])}. {SAY_WHICH}")
        if self.are_named and self.everything:
            raise InvalidInvocationError("--all-partitions and naming some of them contradict each other: keep one.")
        if self.are_named and not parted:
            listed = ", ".join(asset.key for asset in assets)
            raise InvalidInvocationError(f"none of the selected assets has partitions ({listed}): name none.")


def backfill_targets(
    state: State,
    definitions: DefinitionsSnapshot,
    assets: Sequence[AssetSnapshot],
    partitions: Partitions,
    *,
    at: datetime,
) -> list[Target]:
    """The partitions of each asset that are to be made; assets of which none is are left out.

    Raises:
        InvalidInvocationError: `partitions` and `assets` do not fit together.
        UnknownPartition: no asset has a partition of that key.
    """
    partitions.check(assets)
    moment = Moment(state, definitions, at, None)
    parted = [asset for asset in assets if asset.partitions is not None]
    chosen = {asset.key: moment.existing(asset.key) for asset in assets}
    if partitions.are_named:
        chosen |= _named(moment, parted, partitions.span, partitions.keys)
    targets = []
    for asset in assets:
        table = state.asset(asset.key).table
        bits = chosen[asset.key]
        if partitions.missing or partitions.failed:
            missing = moment.existing(asset.key) - table.materialized if partitions.missing else BitMap()
            failed = table.failed | BitMap(table.blocked) if partitions.failed else BitMap()
            bits = bits & (missing | failed)
        if bits:
            targets.append(Target(asset_key=asset.key, partitions=table.space.ranges(bits)))
    return targets


def _named(
    moment: Moment, parted: Sequence[AssetSnapshot], span: PartitionKeyRange | None, keys: Sequence[str]
) -> dict[str, BitMap]:
    """The partitions of the assets that have the named keys, and what the others have to do with them."""
    chosen: dict[str, BitMap] = {}
    wrong: UnknownPartition | None = None
    for asset in parted:
        try:
            chosen[asset.key] = _bits(moment, asset, span, keys)
        except UnknownPartition as error:
            wrong = wrong or error
    if not chosen:
        assert wrong is not None
        raise wrong
    others = {asset.key: asset for asset in parted if asset.key not in chosen}
    for asset in parted[::-1]:  # downstream first: what they read
        for dep in asset.deps:
            if dep.key in others and asset.key in chosen:
                read = moment.upstream(asset, dep, chosen[asset.key])
                chosen[dep.key] = chosen.get(dep.key, BitMap()) | read
    for asset in parted:  # upstream first: what reads them
        if asset.key in others:
            for dep in asset.deps:
                if dep.key in chosen:
                    read_for = moment.downstream(asset, dep, chosen[dep.key])
                    chosen[asset.key] = chosen.get(asset.key, BitMap()) | read_for
    if apart := [key for key in others if key not in chosen]:
        raise InvalidInvocationError(
            f"asset {apart[0]!r} has {_words(others[apart[0]])}: none is named, and nothing that is selected with it "
            "leads to some of them. Backfill it on its own."
        )
    return chosen


def _bits(moment: Moment, asset: AssetSnapshot, span: PartitionKeyRange | None, keys: Sequence[str]) -> BitMap:
    assert asset.partitions is not None
    wanted = list(keys)
    if span is not None:
        wanted += asset.partitions.get_partition_keys_in_range(span, current_time=moment.at)
    space, existing = moment.state.space(asset.key), moment.existing(asset.key)
    found = {key: space.find(key) for key in wanted}
    for key, ordinal in found.items():
        if ordinal is None or ordinal not in existing:
            raise UnknownPartition(key, known=asset.partitions.describe())
    return BitMap([ordinal for ordinal in found.values() if ordinal is not None])


def _words(asset: AssetSnapshot) -> str:
    return asset.partitions.describe() if asset.partitions is not None else "no partitions"
