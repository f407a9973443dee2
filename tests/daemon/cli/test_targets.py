"""Selections and partitions: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater import AssetSpec, DailyPartitionsDefinition, Definitions, asset
from headwater.daemon.cli.targets import selected, targets_of
from headwater.definitions.errors import InvalidInvocationError, UnknownPartition
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.dynamic_partitions import DynamicKeys

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2026-01-01")


def snapshot() -> DefinitionsSnapshot:
    """inbox (external) -> raw -> clean -> top and side; clean has daily partitions."""

    @asset(deps=["inbox"])
    def raw() -> None: ...

    @asset(deps=[raw], partitions_def=DAYS)
    def clean() -> None: ...

    @asset(deps=[clean])
    def top() -> None: ...

    @asset(deps=[clean])
    def side() -> None: ...

    return Definitions(assets=[AssetSpec("inbox"), raw, clean, top, side]).snapshot()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("top", "top"),
        ("top,raw", "raw top"),
        ("top raw", "raw top"),
        (" top,  raw ,", "raw top"),
        ("+clean", "raw clean"),
        ("clean+", "clean side top"),
        ("+clean+", "raw clean side top"),
        ("inbox+", "raw clean side top"),
        ("1+clean and not clean", "raw"),
        ('key:"*l*" or sinks(*)', "clean side top"),
        ("partitions:daily", "clean"),
        ("*", "raw clean side top"),
    ],
)
def test_a_selection_means_these_assets_upstream_first(text: str, keys: str) -> None:
    assert " ".join(found.key for found in selected(snapshot(), text)[0]) == keys


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (",", "empty"),
        ("claen", "Did you mean 'clean'"),
        ("+", "column 1"),
        ("top and side", "nothing to make"),
        ("is:external", "all that it selects is external"),
        ("inbox", "external"),
    ],
)
def test_a_selection_that_means_nothing_says_why(text: str, words: str) -> None:
    with pytest.raises(InvalidInvocationError, match=words):
        selected(snapshot(), text)


def test_a_partition_is_for_the_assets_that_have_some() -> None:
    targets = targets_of(selected(snapshot(), "clean,top")[0], "2026-02-01", at=NOW, dynamic=DynamicKeys())
    assert {target.asset_key: target.partitions for target in targets} == {
        "clean": (("2026-02-01", "2026-02-01"),),
        "top": None,
    }


def test_a_partition_is_needed_where_there_are_some() -> None:
    with pytest.raises(InvalidInvocationError, match=r"'clean' has daily partitions .* --partition"):
        targets_of(selected(snapshot(), "clean")[0], None, at=NOW, dynamic=DynamicKeys())


def test_a_partition_is_refused_where_there_are_none() -> None:
    with pytest.raises(InvalidInvocationError, match="none of the selected assets has partitions"):
        targets_of(selected(snapshot(), "raw,top")[0], "2026-02-01", at=NOW, dynamic=DynamicKeys())


def test_a_partition_that_does_not_exist_yet_is_refused() -> None:
    with pytest.raises(UnknownPartition, match="'2026-03-01' of asset 'clean'"):
        targets_of(selected(snapshot(), "clean")[0], "2026-03-01", at=NOW, dynamic=DynamicKeys())
