"""File arrivals: which partition a file's name tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.definitions.arrival import FileArrival, arrival_from_json
from headwater.definitions.asset import AssetSpec
from headwater.definitions.errors import InvalidDefinitionError
from headwater.definitions.partitions import StaticPartitionsDefinition


@pytest.mark.parametrize(
    ("pattern", "name", "partition"),
    [
        ("{partition}.csv", "2013-01-01.csv", "2013-01-01"),
        ("flights_{partition}_*.csv", "flights_2013-01-01_v2.csv", "2013-01-01"),
        ("{partition}.csv", "2013-01-01.csv.tmp", None),
        ("{partition}.csv", ".2013-01-01.csv", None),
        ("{partition}.csv", "2013-01-01_csv", None),
        ("{partition}.csv", ".csv", None),
    ],
)
def test_a_name_tells_its_partition(pattern: str, name: str, partition: str | None) -> None:
    assert FileArrival("inbox", pattern).partition_of(name) == partition


def test_a_pattern_without_partition_matches_and_tells_none() -> None:
    arrival = FileArrival("inbox", "rates*.json")
    assert arrival.matches("rates-new.json")
    assert not arrival.matches("old-rates.json")
    assert arrival.partition_of("rates-new.json") is None


def test_a_relative_directory_is_beside_the_file_that_defines_the_asset() -> None:
    keys = StaticPartitionsDefinition(["a"])
    spec = AssetSpec("inbox", partitions_def=keys, arrival=FileArrival("inbox", "{partition}.csv"))
    assert spec.arrival is not None
    assert spec.arrival.directory == str(Path(__file__).parent / "inbox")
    assert arrival_from_json(spec.arrival.to_json()) == spec.arrival


@pytest.mark.parametrize("pattern", ["a/{partition}", "{partition}{partition}", "{day}.csv", ""])
def test_a_pattern_that_cannot_work_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=r"test_arrival.py:\d+: FileArrival"):
        FileArrival("inbox", pattern)


def test_a_pattern_that_does_not_fit_the_partitions_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="asset 'inbox' is not partitioned"):
        AssetSpec("inbox", arrival=FileArrival("inbox", "{partition}.csv"))
    with pytest.raises(InvalidDefinitionError, match="asset 'inbox' is partitioned"):
        AssetSpec("inbox", partitions_def=StaticPartitionsDefinition(["a"]), arrival=FileArrival("inbox", "x.csv"))
