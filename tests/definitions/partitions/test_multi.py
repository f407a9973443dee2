"""Dynamic partitions and those of several dimensions, as definitions."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.definitions.errors import HeadwaterError, InvalidInvocationError, UnknownPartition
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    default_mapping,
    mapping_from_json,
    partitions_from_json,
)
from headwater.definitions.partitions.multi_mappings import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
)

NOW = datetime(2024, 1, 4, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-01")
REGIONS = StaticPartitionsDefinition(["south", "north"])
USERS = DynamicPartitionsDefinition(name="users")
BOTH = MultiPartitionsDefinition({"region": REGIONS, "date": DAYS})
WITH_USERS = MultiPartitionsDefinition({"user": USERS, "date": DAYS})


class Store:
    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        return {"users": ["bob", "ann"]}.get(partitions_def_name, [])


def test_a_key_is_a_str_in_the_order_of_the_names_that_knows_its_parts() -> None:
    key = MultiPartitionKey({"region": "north", "date": "2024-01-01"})
    assert key == "2024-01-01|north"
    assert key.keys_by_dimension == {"date": "2024-01-01", "region": "north"}
    for other in (copy.deepcopy(key), pickle.loads(pickle.dumps(key))):
        assert (other, other.keys_by_dimension) == (key, key.keys_by_dimension)
    assert BOTH.typed_key("2024-01-01|north") == key
    with pytest.raises(UnknownPartition):
        BOTH.typed_key("2024-01-01")


def test_all_combinations_exist_in_the_order_of_the_dimensions() -> None:
    keys = BOTH.get_partition_keys(NOW)
    assert keys == [f"2024-01-0{day}|{region}" for day in (1, 2, 3) for region in ("south", "north")]
    assert all(isinstance(key, MultiPartitionKey) for key in keys)
    assert (BOTH.get_first_partition_key(NOW), BOTH.get_last_partition_key(NOW)) == (keys[0], keys[-1])
    assert BOTH.get_num_partitions(NOW) == 6
    assert BOTH.has_partition_key("2024-01-03|north", NOW)
    assert not BOTH.has_partition_key("2024-01-04|north", NOW)
    assert not BOTH.has_partition_key("2024-01-03|north|x", NOW)


def test_the_combinations_with_one_key() -> None:
    found = BOTH.get_multipartition_keys_with_dimension_value("region", "north", current_time=NOW)
    assert found == ["2024-01-01|north", "2024-01-02|north", "2024-01-03|north"]
    with pytest.raises(UnknownPartition, match="'west'"):
        BOTH.get_multipartition_keys_with_dimension_value("region", "west", current_time=NOW)
    with pytest.raises(InvalidInvocationError, match="no dimension 'zone'; there are 'date', 'region'"):
        BOTH.get_multipartition_keys_with_dimension_value("zone", "west")


def test_a_range_is_a_box() -> None:
    span = PartitionKeyRange("2024-01-01|south", "2024-01-02|south")
    assert BOTH.get_partition_keys_in_range(span, current_time=NOW) == ["2024-01-01|south", "2024-01-02|south"]
    wide = PartitionKeyRange("2024-01-01|south", "2024-01-02|north")
    assert len(BOTH.get_partition_keys_in_range(wide, current_time=NOW)) == 4


def test_the_window_is_that_of_the_dimension_of_time() -> None:
    assert BOTH.window("2024-01-02|north") == DAYS.window("2024-01-02")
    assert BOTH.has_time_window_dimension
    assert BOTH.time_window_dimension.name == "date"
    with pytest.raises(InvalidInvocationError, match="no dimension of windows of time"):
        MultiPartitionsDefinition({"a": REGIONS, "b": USERS}).window("south|bob")


def test_dynamic_keys_come_from_a_store() -> None:
    assert USERS.get_partition_keys(dynamic_partitions_store=Store()) == ["bob", "ann"]
    assert WITH_USERS.get_last_partition_key(NOW, Store()) == "2024-01-03|ann"
    assert WITH_USERS.has_partition_key("2024-01-03|ann", NOW, Store())
    assert not WITH_USERS.has_partition_key("2024-01-03|eve", NOW, Store())
    with pytest.raises(InvalidInvocationError, match="pass dynamic_partitions_store=instance"):
        WITH_USERS.get_partition_keys(NOW)
    assert WITH_USERS.dynamic_names == {"users"}


def test_sensors_ask_for_keys() -> None:
    assert USERS.build_add_request(["a", "b", "a"]) == ("users", ("a", "b"))
    assert USERS.build_delete_request(["a"]).partitions_def_name == "users"
    with pytest.raises(HeadwaterError, match=r"'\.\.\.' stands between"):
        USERS.build_add_request(["a...b"])


@pytest.mark.parametrize("definition", [USERS, BOTH, WITH_USERS, MultiPartitionsDefinition({"one": DAYS})])
def test_it_survives_json_and_pickle(definition: PartitionsDefinition) -> None:
    for other in (partitions_from_json(definition.to_json()), pickle.loads(pickle.dumps(definition))):
        assert other == definition
        assert other.space == definition.space


def test_mappings_survive_json() -> None:
    weeks = MultiPartitionsDefinition({"date": DailyPartitionsDefinition("2020-01-01"), "region": REGIONS})
    for mapping in (
        MultiToSingleDimensionPartitionMapping("date"),
        MultiToSingleDimensionPartitionMapping("date", default_mapping(DAYS, DAYS)),
        default_mapping(BOTH, weeks),
        default_mapping(BOTH, DAYS),
    ):
        assert mapping_from_json(mapping.to_json()) == mapping


def test_the_defaults() -> None:
    other_regions = StaticPartitionsDefinition(["north", "west"])
    partly = MultiPartitionsDefinition(
        {"date": DailyPartitionsDefinition("2023-01-01", hour_offset=3), "region": other_regions}
    )
    cases: list[tuple[PartitionsDefinition, PartitionsDefinition, str, bool]] = [
        (BOTH, BOTH, "identity", True),
        (BOTH, partly, "multi", True),
        (BOTH, DAYS, "multi_to_single", True),
        (REGIONS, BOTH, "multi_to_single", True),
        (BOTH, WITH_USERS, "identity", False),
        (REGIONS, USERS, "identity", True),
        (USERS, DynamicPartitionsDefinition(name="others"), "identity", True),
        (REGIONS, DAYS, "identity", False),
    ]
    for up, down, kind, fits in cases:
        mapping = default_mapping(up, down)
        assert (mapping.kind, mapping.mismatch(up, down) is None) == (kind, fits), (up, down)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DynamicPartitionsDefinition(lambda now: ["a"]), "takes no function"),
        (lambda: DynamicPartitionsDefinition(), "needs a name"),
        (lambda: MultiPartitionsDefinition({}), "takes its dimensions by name"),
        (lambda: MultiPartitionsDefinition({"a": BOTH}), "dimension 'a' has dimensions itself"),
        (lambda: MultiPartitionsDefinition({"a": ["x"]}), "dimension 'a' needs partitions"),  # type: ignore[dict-item]
        (lambda: MultiPartitionsDefinition({"a": StaticPartitionsDefinition(["x|y"])}), "key 'x|y' of dimension 'a'"),
        (lambda: MultiPartitionKey({"a": "x,y"}), "the key 'x,y' of dimension 'a'"),
        (lambda: MultiPartitionMapping({"a": "b"}), "Write DimensionPartitionMapping"),  # type: ignore[dict-item]
        (
            lambda: MultiPartitionsDefinition({n: StaticPartitionsDefinition([*map(str, range(2000))]) for n in "xyz"}),
            "are 8,000,000,000 combinations, more than can be numbered",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(HeadwaterError) as caught:
        make()
    assert words in str(caught.value)


def test_the_name_may_stand_first() -> None:
    assert DynamicPartitionsDefinition("users") == USERS
    assert DimensionPartitionMapping("date", default_mapping(DAYS, DAYS)).dimension_name == "date"
