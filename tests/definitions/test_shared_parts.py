"""Conditions, mappings and partitions that many assets have in common are stored once, and read as one object."""

from __future__ import annotations

import json

from headwater import (
    AllPartitionMapping,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    asset,
)
from headwater.definitions.snapshot import DefinitionsSnapshot


def _eager(name: str, *, start: str = "2026-01-01") -> object:
    @asset(
        name=name,
        deps=["root"],
        partitions_def=DailyPartitionsDefinition(start),
        automation_condition=AutomationCondition.eager().with_label("eager"),
    )
    def made() -> None: ...

    return made


def _snapshot(*assets: object) -> DefinitionsSnapshot:
    return DefinitionsSnapshot.of(Definitions(assets=[AssetSpec("root"), *assets]))  # type: ignore[list-item]


def test_what_many_assets_have_in_common_stands_in_the_bytes_once() -> None:
    data = json.loads(_snapshot(_eager("a"), _eager("b"), _eager("c", start="2026-02-01")).to_bytes())
    assert len(data["conditions"]) == 1
    assert len(data["mappings"]) == 1
    assert len(data["partitions"]) == 2
    assert [one["partitions"] for one in data["assets"] if one["key"] != "root"] == [0, 0, 1]


def test_what_was_equal_is_read_as_one_object_and_gives_the_same_bytes() -> None:
    written = _snapshot(_eager("a"), _eager("b"))
    read = DefinitionsSnapshot.from_bytes(written.to_bytes())
    assert read.assets == written.assets
    assert read.assets["a"].condition is read.assets["b"].condition
    assert read.assets["a"].partitions is read.assets["b"].partitions
    assert read.assets["a"].deps[0].mapping is read.assets["b"].deps[0].mapping
    assert read.to_bytes() == written.to_bytes()
    assert read.hash == written.hash


def test_conditions_that_differ_in_a_label_alone_stay_apart() -> None:
    @asset(deps=["root"], automation_condition=AutomationCondition.eager().with_label("mine"))
    def labelled() -> None: ...

    @asset(deps=["root"], automation_condition=AutomationCondition.eager())
    def plain() -> None: ...

    read = DefinitionsSnapshot.from_bytes(_snapshot(labelled, plain).to_bytes())
    assert [str(read.assets[key].condition) for key in ("labelled", "plain")] == ["mine", "eager"]


def test_bytes_of_the_first_format_in_which_each_part_stands_where_it_is_named_are_still_read() -> None:
    days, eager = DailyPartitionsDefinition("2026-01-01"), AutomationCondition.eager()
    report_data = {
        "key": "report",
        "deps": [{"key": "orders", "mapping": {"kind": "all"}}],
        "partitions": days.to_json(),
        "condition": eager.to_json(),
    }
    data = {"format": 1, "assets": [{"key": "orders", "external": True}, report_data]}
    report = DefinitionsSnapshot.from_bytes(json.dumps(data).encode()).assets["report"]
    assert (report.partitions, report.condition) == (days, eager)
    assert report.deps[0].mapping == AllPartitionMapping()
