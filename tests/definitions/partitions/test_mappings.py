from __future__ import annotations

import pytest

from headwater.definitions.errors import InvalidDefinitionError
from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    default_mapping,
    mapping_from_json,
)

DAILY = DailyPartitionsDefinition("2024-01-01")
HOURLY = HourlyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
LATER = DailyPartitionsDefinition("2024-06-01", end_offset=1)
BERLIN = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
XY = StaticPartitionsDefinition(["x", "y"])
YZ = StaticPartitionsDefinition(["y", "z"])
W = StaticPartitionsDefinition(["w"])


@pytest.mark.parametrize(
    "mapping",
    [
        IdentityPartitionMapping(),
        AllPartitionMapping(),
        LastPartitionMapping(),
        SpecificPartitionsPartitionMapping(["x", "y"]),
        StaticPartitionMapping({"x": ["y", "z"], "y": "z"}),
        TimeWindowPartitionMapping(-1, 2, allow_nonexistent_upstream_partitions=True),
    ],
)
def test_a_mapping_survives_json(mapping: PartitionMapping) -> None:
    assert mapping_from_json(mapping.to_json()) == mapping
    assert hash(mapping_from_json(mapping.to_json())) == hash(mapping)


def test_mappings_of_two_kinds_differ() -> None:
    assert IdentityPartitionMapping() != AllPartitionMapping()


def test_a_mapping_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="'first'"):
        mapping_from_json({"kind": "first"})


def test_the_default_is_by_overlap_between_windows_and_by_key_between_others() -> None:
    assert default_mapping(DAILY, HOURLY) == TimeWindowPartitionMapping()
    assert default_mapping(DAILY, DAILY) == TimeWindowPartitionMapping()
    assert default_mapping(XY, YZ) == IdentityPartitionMapping()
    assert default_mapping(XY, DAILY) == IdentityPartitionMapping()
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


def test_only_equal_windows_are_read_one_by_one() -> None:
    assert TimeWindowPartitionMapping().reads_one(DAILY, LATER)
    assert not TimeWindowPartitionMapping().reads_one(HOURLY, DAILY)
    assert not TimeWindowPartitionMapping(-1, 0).reads_one(DAILY, DAILY)
    assert IdentityPartitionMapping().reads_one(XY, YZ)
    assert not LastPartitionMapping().reads_one(XY, XY)


@pytest.mark.parametrize(
    ("mapping", "upstream", "downstream", "reason"),
    [
        (TimeWindowPartitionMapping(), XY, DAILY, "between windows of time"),
        (TimeWindowPartitionMapping(), None, DAILY, "no partitions"),
        (LastPartitionMapping(), None, DAILY, "that has none"),
        (SpecificPartitionsPartitionMapping(["x", "q"]), XY, None, "names 'q'"),
        (StaticPartitionMapping({"x": "y", "q": "z"}), XY, YZ, "names 'q'"),
        (StaticPartitionMapping({"x": ["y", "w"]}), XY, YZ, "names 'w'"),
        (StaticPartitionMapping({"x": "y"}), XY, DAILY, "from static partitions"),
    ],
)
def test_a_mapping_that_does_not_fit_says_why(
    mapping: PartitionMapping,
    upstream: PartitionsDefinition | None,
    downstream: PartitionsDefinition | None,
    reason: str,
) -> None:
    assert reason in (mapping.mismatch(upstream, downstream) or "")


def test_offsets_that_leave_no_window_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="no window lies between"):
        TimeWindowPartitionMapping(start_offset=1, end_offset=0)
