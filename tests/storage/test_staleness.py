"""Staleness, rule by rule, on what real runs in this process leave in a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater import (
    AssetMaterialization,
    AssetObservation,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    Instance,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from headwater.storage.folding import folded
from headwater.storage.staleness import StaleCause, StaleCauseCategory, Staleness, StaleStatus

LETTERS = StaticPartitionsDefinition(["a", "b"])
DAILY = DailyPartitionsDefinition("2026-02-26", end_date="2026-03-01")
FRESH, STALE, MISSING = StaleStatus.FRESH, StaleStatus.STALE, StaleStatus.MISSING


class Shelf:
    """Assets on a log: make them, change them, and see which are stale."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.assets: list[Any] = []

    def define(self, *assets: Any) -> None:
        self.assets = list(assets)

    def make(self, *names: str, partition: str | None = None, **given: Any) -> None:
        selection = list(names) or None
        materialize(self.assets, instance=self.instance, selection=selection, partition_key=partition, **given)

    def report(self, key: str, version: str | None = None, partition: str | None = None) -> None:
        self.instance.report_runless_asset_event(AssetMaterialization(key, partition=partition, data_version=version))

    def observe(self, key: str, version: str) -> None:
        self.instance.report_runless_asset_event(AssetObservation(key, data_version=version))

    @property
    def now(self) -> Staleness:
        snapshot = Definitions(assets=self.assets).snapshot()
        return Staleness(folded(self.instance.log, snapshot), snapshot, at=datetime(2026, 3, 2, tzinfo=UTC))

    def status(self, key: str, partition: str | None = None) -> StaleStatus:
        return self.now.status(key, partition)

    def reasons(self, key: str, partition: str | None = None) -> list[str]:
        return [cause.reason for cause in self.now.causes(key, partition)]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Instance.ephemeral() as instance:
        yield Shelf(instance)


def plain(name: str, *deps: str, version: str | None = None, **given: Any) -> Any:
    """An asset; `version` is what its code says of its data."""

    @asset(name=name, deps=list(deps), **given)
    def made() -> MaterializeResult[Any]:
        return MaterializeResult(data_version=version)

    return made


def test_what_was_never_made_is_missing_and_what_was_made_is_fresh(shelf: Shelf) -> None:
    shelf.define(plain("one"), plain("two", "one"))
    assert [shelf.status(key) for key in ("one", "two")] == [MISSING, MISSING]
    shelf.make()
    assert [shelf.status(key) for key in ("one", "two")] == [FRESH, FRESH]


def test_an_external_asset_is_always_fresh(shelf: Shelf) -> None:
    shelf.define(AssetSpec("source"))
    assert shelf.status("source") is FRESH


def test_an_input_that_was_made_again_makes_what_read_it_stale(shelf: Shelf) -> None:
    shelf.define(plain("one"), plain("two", "one"), plain("three", "two"))
    shelf.make()
    shelf.make("one")
    assert [shelf.status(key) for key in ("one", "two", "three")] == [FRESH, STALE, FRESH]
    assert shelf.now.causes("two") == [
        StaleCause("two", None, StaleCauseCategory.DATA, "has a new materialization of one", "one", None)
    ]


def test_staleness_goes_one_level_deep_and_on_when_the_level_is_made(shelf: Shelf) -> None:
    shelf.define(plain("one"), plain("two", "one"), plain("three", "two"))
    shelf.make()
    shelf.make("one")
    shelf.make("two")
    assert [shelf.status(key) for key in ("one", "two", "three")] == [FRESH, FRESH, STALE]


def test_a_new_code_version_makes_stale_its_own_asset_only(shelf: Shelf) -> None:
    shelf.define(plain("one", code_version="1"), plain("two", "one"))
    shelf.make()
    shelf.define(plain("one", code_version="2"), plain("two", "one"))
    assert [shelf.status(key) for key in ("one", "two")] == [STALE, FRESH]
    assert shelf.reasons("one") == ["has a new code version"]
    shelf.make("one")
    assert [shelf.status(key) for key in ("one", "two")] == [FRESH, STALE]
    assert shelf.reasons("two") == ["has a new data version of one"]


def test_a_first_code_version_is_a_new_one_and_a_dropped_one_is_none(shelf: Shelf) -> None:
    shelf.define(plain("one"))
    shelf.make()
    shelf.define(plain("one", code_version="1"))
    assert shelf.status("one") is STALE
    shelf.make()
    shelf.define(plain("one"))
    assert shelf.status("one") is FRESH


def test_the_same_code_on_the_same_inputs_makes_the_same_data(shelf: Shelf) -> None:
    shelf.define(AssetSpec("source"), plain("one", "source", code_version="1"), plain("two", "one"))
    shelf.report("source", "v1")
    shelf.make()
    shelf.make("one")
    assert shelf.status("two") is FRESH
    shelf.report("source", "v1")
    assert shelf.status("one") is FRESH
    shelf.report("source", "v2")
    assert shelf.status("one") is STALE
    shelf.make("one")
    assert shelf.status("two") is STALE


def test_data_that_is_again_what_it_was_is_no_change(shelf: Shelf) -> None:
    shelf.define(AssetSpec("source"), plain("one", "source"))
    shelf.observe("source", "v1")
    shelf.make()
    shelf.observe("source", "v2")
    assert shelf.reasons("one") == ["has a new data version of source"]
    shelf.observe("source", "v1")
    assert shelf.status("one") is FRESH


def test_a_version_that_the_code_gives_itself_counts(shelf: Shelf) -> None:
    shelf.define(plain("one", version="same"), plain("two", "one"))
    shelf.make()
    shelf.make("one")
    assert shelf.status("two") is FRESH
    shelf.define(plain("one", version="other"), plain("two", "one"))
    shelf.make("one")
    assert shelf.status("two") is STALE


def test_dependencies_that_came_or_went_are_named(shelf: Shelf) -> None:
    shelf.define(AssetSpec("left"), AssetSpec("right"), plain("one", "left"))
    shelf.report("left")
    shelf.make()
    shelf.define(AssetSpec("left"), AssetSpec("right"), plain("one", "right"))
    assert shelf.reasons("one") == ["removed dependency on left", "has a new dependency on right"]
    assert {cause.category for cause in shelf.now.causes("one")} == {StaleCauseCategory.DEPENDENCIES}


def test_a_report_makes_an_asset_fresh_whatever_its_code(shelf: Shelf) -> None:
    shelf.define(plain("one", code_version="1"), plain("two", "one"))
    shelf.make()
    shelf.define(plain("one", code_version="2"), plain("two", "one"))
    shelf.report("one")
    assert [shelf.status(key) for key in ("one", "two")] == [FRESH, STALE]


def test_a_failed_attempt_changes_nothing(shelf: Shelf) -> None:
    works = True

    @asset(deps=["source"])
    def one() -> None:
        if not works:
            raise ValueError("no")

    shelf.define(AssetSpec("source"), one)
    shelf.report("source")
    shelf.make()
    works = False
    shelf.make("one", raise_on_error=False)
    assert shelf.status("one") is FRESH
    shelf.report("source")
    shelf.make("one", raise_on_error=False)
    assert shelf.status("one") is STALE


def test_each_partition_has_a_status_of_its_own_and_the_whole_has_none(shelf: Shelf) -> None:
    shelf.define(plain("raw", partitions_def=LETTERS), plain("clean", "raw", partitions_def=LETTERS))
    shelf.make(partition="a")
    assert [shelf.status("clean", key) for key in ("a", "b", None)] == [FRESH, MISSING, FRESH]
    shelf.make("raw", partition="a")
    assert shelf.status("clean", "a") is STALE
    assert shelf.now.causes("clean", "a")[0].dependency_partition == "a"
    assert len(shelf.now.stale("clean")) == len(shelf.now.missing("clean")) == 1
    with pytest.raises(KeyError, match="no partition 'c'"):
        shelf.status("clean", "c")


def test_what_reads_all_partitions_is_stale_when_any_of_them_changes(shelf: Shelf) -> None:
    """The field leaves this out where the partitions are windows of time."""
    shelf.define(plain("days", partitions_def=DAILY), plain("total", "days"))
    for day in ("2026-02-26", "2026-02-27"):
        shelf.report("days", partition=day)
    shelf.make("total")
    assert shelf.status("total") is FRESH
    shelf.report("days", partition="2026-02-26")
    assert [cause.dependency_partition for cause in shelf.now.causes("total")] == ["2026-02-26"]


def test_an_update_while_a_step_runs_was_not_read(shelf: Shelf) -> None:
    @asset(deps=["source"], code_version="1")
    def one(context: Any) -> None:
        context.instance.report_materialization("source", data_version="v2")

    shelf.define(AssetSpec("source"), one)
    shelf.report("source", "v1")
    shelf.make()
    first = shelf.instance.get_latest_data_version_record("one")
    assert shelf.status("one") is STALE
    shelf.make()
    second = shelf.instance.get_latest_data_version_record("one")
    assert first is not None
    assert second is not None
    assert first.data_version != second.data_version


def test_what_is_wiped_is_missing(shelf: Shelf) -> None:
    shelf.define(plain("one", code_version="1"))
    shelf.make()
    shelf.instance.wipe_assets(["one"])
    shelf.define(plain("one", code_version="2"))
    assert shelf.status("one") is MISSING
    assert shelf.reasons("one") == []
