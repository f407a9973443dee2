from __future__ import annotations

import json
import pickle

import pytest

from headwater.definitions.errors import InvalidDefinitionError, UnknownPartition
from headwater.definitions.partitions import PartitionKeyRange, StaticPartitionsDefinition, partitions_from_json

REGIONS = StaticPartitionsDefinition(["north", "south", "east", ""])


def test_keys_keep_their_order() -> None:
    assert REGIONS.get_partition_keys() == ["north", "south", "east", ""]
    assert REGIONS.has_partition_key("")
    assert not REGIONS.has_partition_key("west")


def test_a_range_goes_by_the_order_of_the_list() -> None:
    assert REGIONS.get_partition_keys_in_range(PartitionKeyRange("south", "")) == ["south", "east", ""]
    assert REGIONS.get_partition_keys_in_range(PartitionKeyRange("east", "north")) == []
    with pytest.raises(UnknownPartition, match="4 static partitions"):
        REGIONS.get_partition_keys_in_range(PartitionKeyRange("north", "west"))


def test_it_survives_json_and_pickle() -> None:
    assert partitions_from_json(json.loads(json.dumps(REGIONS.to_json()))) == REGIONS
    assert pickle.loads(pickle.dumps(REGIONS)) == REGIONS
    assert hash(partitions_from_json(REGIONS.to_json())) == hash(REGIONS)


def test_the_space_depends_on_the_set_of_keys_only() -> None:
    assert REGIONS.space == StaticPartitionsDefinition(["", "east", "south", "north"]).space
    assert REGIONS.space != StaticPartitionsDefinition(["north", "south", "east"]).space
    assert StaticPartitionsDefinition(["", "east", "south", "north"]) != REGIONS


def test_the_space_of_a_set_of_keys_never_changes() -> None:
    """It is stored with every bitmap."""
    assert StaticPartitionsDefinition(["b", "a"]).space == "static:7e18f737311b2dc3"


@pytest.mark.parametrize("keys", [["a", "a"], ["a...b"], ["a\nb"], ["a\x00"], [1], "north"])
def test_keys_that_cannot_be_used_are_refused(keys: list[str]) -> None:
    with pytest.raises(InvalidDefinitionError):
        StaticPartitionsDefinition(keys)


def test_partitions_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="'fortnightly'"):
        partitions_from_json({"kind": "fortnightly"})
