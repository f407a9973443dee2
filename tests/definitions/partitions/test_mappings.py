from __future__ import annotations

import pytest

from headwater.definitions.errors import InvalidDefinitionError
from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    IdentityPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    default_mapping,
    mapping_from_json,
)

DAILY = DailyPartitionsDefinition("2024-01-01")
LATER = DailyPartitionsDefinition("2024-06-01", end_offset=1)
BERLIN = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
XY = StaticPartitionsDefinition(["x", "y"])
YZ = StaticPartitionsDefinition(["y", "z"])
W = StaticPartitionsDefinition(["w"])


@pytest.mark.parametrize("mapping", [IdentityPartitionMapping(), AllPartitionMapping()])
def test_a_mapping_survives_json(mapping: PartitionMapping) -> None:
    assert mapping_from_json(mapping.to_json()) == mapping
    assert hash(mapping_from_json(mapping.to_json())) == hash(mapping)


def test_mappings_of_two_kinds_differ() -> None:
    assert IdentityPartitionMapping() != AllPartitionMapping()


def test_a_mapping_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="'last'"):
        mapping_from_json({"kind": "last"})


def test_the_default_is_by_key_where_both_sides_have_partitions() -> None:
    assert default_mapping(DAILY, DAILY) == IdentityPartitionMapping()
    assert default_mapping(DAILY, None) == AllPartitionMapping()
    assert default_mapping(None, DAILY) == AllPartitionMapping()
    assert default_mapping(None, None) == AllPartitionMapping()


@pytest.mark.parametrize(("upstream", "downstream"), [(DAILY, DAILY), (DAILY, LATER), (XY, YZ), (None, None)])
def test_equal_keys_can_be_asked_of_sides_that_share_some(
    upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None
) -> None:
    assert IdentityPartitionMapping().mismatch(upstream, downstream) is None


@pytest.mark.parametrize(("upstream", "downstream"), [(DAILY, XY), (DAILY, BERLIN), (XY, W), (DAILY, None)])
def test_equal_keys_cannot_be_asked_of_sides_that_share_none(
    upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None
) -> None:
    assert IdentityPartitionMapping().mismatch(upstream, downstream)
    assert AllPartitionMapping().mismatch(upstream, downstream) is None
