"""What an instance tells of the past, as users ask it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetPartitionStatus,
    AssetRecordsFilter,
    EventLogEntry,
    EventRecordsFilter,
    EventType,
    Instance,
    InvalidInvocationError,
    Run,
    RunsFilter,
    RunStatus,
    asset,
    materialize,
)
from headwater.definitions.io import InMemoryIOManager
from headwater.storage.clock import VirtualClock
from headwater.storage.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    AssetObserved,
    Event,
    RunCancelled,
    RunFailed,
    RunRequested,
    RunStarted,
    RunSucceeded,
    StepStarted,
    Target,
)
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.memory import MemoryStore
from headwater.storage.store import Row, RowFilter
from headwater.storage.wakeup import LocalWakeups

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as opened:
        yield opened


class CountingStore(MemoryStore):
    """Counts the rows that queries gave."""

    read = 0

    def rows(self, wanted: RowFilter) -> list[Row]:
        found = super().rows(wanted)
        self.read += len(found)
        return found


class Kept(Instance):
    """An instance under a virtual clock, on a store that counts."""

    def __init__(self) -> None:
        self.clock, self.store = VirtualClock(NOON), CountingStore()
        log = EventLog(self.store, LocalWakeups(), clock=self.clock, ids=SeededIds(1))
        super().__init__(log, Path(), io_manager=InMemoryIOManager())

    def hour(self, *events: Event) -> int:
        """An hour later these events land; the offset of the last one."""
        self.clock.advance(3600)
        return self.log.append(events)[-1]


@pytest.fixture
def kept() -> Iterator[Kept]:
    opened = Kept()
    yield opened
    opened.close()


def made(key: str = "orders", partition: str | None = None, **fields: object) -> AssetMaterialized:
    return AssetMaterialized.model_validate({"asset_key": key, "partition": partition, **fields})


# ---- the newest materialization --------------------------------------------------------------------------------------


def test_the_latest_materialization_is_the_newest_of_any_partition(instance: Instance) -> None:
    instance.report_materialization("orders", "2026-01-02", metadata={"rows": 3})
    last = instance.report_materialization("orders", "2026-01-01", metadata={"rows": 4}, data_version="v4")
    instance.report_materialization("other")
    entry = instance.get_latest_materialization_event("orders")
    assert entry is not None
    assert (entry.storage_id, entry.partition, entry.asset_key) == (last, "2026-01-01", AssetKey("orders"))
    assert entry.event_type == "asset_materialized"
    assert entry.timestamp == entry.at.timestamp() > 1_700_000_000
    made = entry.asset_materialization
    assert isinstance(made, AssetMaterialization)
    assert made.metadata["rows"].value == 4
    assert made.data_version == entry.data_version == "v4"
    assert entry.asset_observation is None
    assert entry.asset_check_evaluation is None


def test_an_asset_that_was_only_observed_has_no_latest_materialization(instance: Instance) -> None:
    instance.log.append([AssetObserved(asset_key="orders", data_version="1")])
    assert instance.get_latest_materialization_event(AssetKey("orders")) is None


def test_an_entry_reads_observations_and_evaluations_back_as_users_report_them(instance: Instance) -> None:
    instance.log.append(
        [
            AssetObserved(asset_key="orders", partition="a", data_version="1", tags={"by": "me"}),
            AssetCheckEvaluated(asset_key="orders", check_name="whole", passed=False, severity="WARN"),
            AssetMaterialized(asset_key="orders", run_id="r1", step_key="orders", code_version="c"),
        ]
    )
    observed, evaluated, made = map(EventLogEntry.of, instance.log.read(0))
    assert observed.asset_observation is not None
    assert evaluated.asset_check_evaluation is not None
    assert observed.asset_observation.tags == {"by": "me"}
    assert observed.asset_observation.data_version == "1"
    assert observed.run_id is None
    assert (evaluated.asset_check_evaluation.passed, evaluated.asset_check_evaluation.severity.value) == (False, "WARN")
    assert (made.run_id, made.step_key) == ("r1", "orders")
    assert made.asset_materialization is not None
    assert made.asset_materialization.tags == {"headwater/code_version": "c"}


def test_the_newest_events_of_an_asset_are_read_without_reading_the_rest(kept: Kept) -> None:
    for _ in range(50):
        kept.log.append([made(), *(AssetObserved(asset_key="other", data_version=str(n)) for n in range(10))])
    kept.store.read = 0
    assert kept.get_latest_materialization_event("orders") is not None
    assert kept.store.read == 1
    assert len(kept.fetch_materializations("orders", limit=5).records) == 5
    assert kept.store.read <= 1 + 6


def test_the_latest_of_one_partition_is_found_by_its_key(kept: Kept) -> None:
    first = kept.hour(made(partition="a"))
    kept.hour(made(partition="b"))
    entry = kept.get_latest_materialization_event("orders", partition_key="a")
    assert entry is not None
    assert entry.storage_id == first
    assert kept.get_latest_materialization_event("orders", partition_key="c") is None


def test_code_and_data_versions_are_those_of_the_newest_events(kept: Kept) -> None:
    kept.hour(made(code_version="1", data_version="x"))
    kept.hour(made(code_version="2", data_version="y"), AssetObserved(asset_key="source", data_version="7"))
    versions = kept.get_latest_materialization_code_versions(["orders", "source"])
    assert versions == {AssetKey("orders"): "2", AssetKey("source"): None}
    for key, version in (("orders", "y"), ("source", "7")):
        record = kept.get_latest_data_version_record(key)
        assert record is not None
        assert record.data_version == version
    assert kept.get_latest_data_version_record("source", is_source=False) is None
    assert kept.get_latest_data_version_record("orders", is_source=True) is None


def test_asset_keys_and_records_are_of_all_that_the_log_tells_of(kept: Kept) -> None:
    kept.hour(made("b"), made("sales/orders"), made("a"), AssetObserved(asset_key="seen", data_version="1"))
    assert [str(key) for key in kept.get_asset_keys()] == ["a", "b", "sales/orders", "seen"]
    assert kept.get_asset_keys(prefix=["sales"]) == [AssetKey(["sales", "orders"])]
    assert [str(key) for key in kept.get_asset_keys(limit=2, cursor="a")] == ["b", "sales/orders"]
    assert kept.has_asset_key("a")
    assert not kept.has_asset_key("c")
    records = {str(record.asset_key): record for record in kept.get_asset_records()}
    assert list(records) == ["a", "b", "sales/orders", "seen"]
    assert records["a"].asset_entry.last_materialization is not None
    assert records["seen"].last_materialization is None
    assert records["seen"].storage_id == 4
    assert kept.get_asset_records([AssetKey("nothing")]) == []


# ---- pages of events -------------------------------------------------------------------------------------------------


def test_pages_of_materializations_follow_one_another_in_either_order(kept: Kept) -> None:
    for number in range(7):
        kept.hour(made(partition=str(number)), made("other"))
    for ascending, wanted in ((False, "6543210"), (True, "0123456")):
        seen: list[str | None] = []
        cursor, more = None, True
        while more:
            page = kept.fetch_materializations("orders", limit=3, cursor=cursor, ascending=ascending)
            seen += [record.partition for record in page.records]
            cursor, more = page.cursor, page.has_more
        assert "".join(map(str, seen)) == wanted
        assert kept.fetch_materializations("orders", cursor=cursor, ascending=ascending).records == []


def test_records_are_chosen_by_partition_time_and_place(kept: Kept) -> None:
    offsets = [kept.hour(made(partition=key)) for key in "abab"]

    def found(**chosen: object) -> list[int]:
        wanted = AssetRecordsFilter("orders", **chosen)  # type: ignore[arg-type]
        return [record.storage_id for record in kept.fetch_materializations(wanted, limit=10, ascending=True).records]

    assert found() == offsets
    assert found(asset_partitions=["b"]) == [offsets[1], offsets[3]]
    assert found(asset_partitions=[]) == []
    assert found(after_timestamp=NOON + timedelta(hours=1), before_timestamp=NOON + timedelta(hours=4)) == offsets[1:3]
    assert found(after_timestamp=(NOON + timedelta(hours=3)).timestamp()) == offsets[3:]
    assert found(after_storage_id=offsets[0], before_storage_id=offsets[2]) == [offsets[1]]


def test_event_records_of_any_type_are_read_by_the_names_of_the_field(kept: Kept) -> None:
    kept.hour(AssetObserved(asset_key="source", data_version="1"), RunRequested(run_id="r1"))
    kept.hour(AssetObserved(asset_key="other", data_version="1"))
    seen = kept.get_event_records(EventRecordsFilter(EventType.ASSET_OBSERVATION, asset_key="source"))
    assert [entry.storage_id for entry in seen] == [1]
    assert [entry.storage_id for entry in kept.get_event_records(EventRecordsFilter("ASSET_OBSERVATION"))] == [3, 1]
    assert [entry.run_id for entry in kept.get_event_records(EventType.RUN_ENQUEUED, limit=1)] == ["r1"]
    with pytest.raises(InvalidInvocationError, match="no events of type 'NONSENSE'"):
        EventRecordsFilter("NONSENSE")


def test_observations_are_fetched_apart_from_materializations(kept: Kept) -> None:
    kept.hour(made(), AssetObserved(asset_key="orders", data_version="1"))
    assert [record.storage_id for record in kept.fetch_observations("orders").records] == [2]


# ---- reports ---------------------------------------------------------------------------------------------------------


def test_what_is_reported_is_read_back_as_it_was_said(kept: Kept) -> None:
    said = AssetMaterialization(
        "orders",
        description="by hand",
        metadata={"rows": 3},
        partition="a",
        tags={"team": "ops", "headwater/data_version": "v1"},
    )
    seen = AssetObservation("source", description="looked", metadata={"rows": 4}, tags={"headwater/data_version": "9"})
    spoke = AssetCheckEvaluation("orders", "whole", False, description="no", blocking=True, partition="a")
    for event in (said, seen, spoke):
        kept.report_runless_asset_event(event)
    entries = [EventLogEntry.of(stored) for stored in kept.log.read(0)]
    assert entries[0].asset_materialization == said
    assert entries[1].asset_observation == seen
    assert entries[2].asset_check_evaluation == spoke
    assert entries[0].data_version == "v1"
    assert kept.state.asset("orders").table.shut()
    with pytest.raises(InvalidInvocationError, match="cannot be reported: use AssetMaterialization"):
        kept.report_runless_asset_event("orders")  # type: ignore[arg-type]


# ---- wiping ----------------------------------------------------------------------------------------------------------


def test_a_wiped_asset_is_missing_again_and_its_history_stays(kept: Kept) -> None:
    kept.hour(made(partition="a"), made(partition="b"))
    kept.wipe_asset_partitions("orders", ["b"])
    latest = kept.get_latest_materialization_event("orders")
    assert latest is not None
    assert latest.partition == "a"
    assert kept.get_latest_materialization_event("orders", partition_key="b") is None
    assert kept.get_materialized_partitions("orders") == {"a"}
    kept.wipe_assets(["orders"])
    assert kept.get_latest_materialization_event("orders") is None
    assert kept.get_latest_materialization_event("orders", partition_key="a") is None
    assert kept.get_materialized_partitions("orders") == set()
    assert len(kept.fetch_materializations("orders").records) == 2
    kept.hour(made(partition="b"))
    assert kept.get_materialized_partitions("orders") == {"b"}
    assert kept.get_status_by_partition("orders", ["a", "b"]) == {"a": None, "b": AssetPartitionStatus.MATERIALIZED}


def test_one_key_instead_of_a_list_of_keys_is_refused(kept: Kept) -> None:
    with pytest.raises(InvalidInvocationError, match="write \\['orders'\\]"):
        kept.wipe_assets("orders")


def test_the_status_of_a_partition_follows_its_run(kept: Kept) -> None:
    target = Target(asset_key="orders", partitions=(("a", "a"),))
    kept.hour(RunRequested(run_id="r1", targets=(target,)))
    assert kept.get_status_by_partition("orders", ["a", "b"]) == {"a": AssetPartitionStatus.IN_PROGRESS, "b": None}
    kept.hour(RunStarted(run_id="r1"), StepStarted(run_id="r1", step_key="orders", targets=(target,)))
    kept.hour(made(partition="a", run_id="r1", step_key="orders"), RunSucceeded(run_id="r1"))
    assert kept.get_status_by_partition("orders", ["a"]) == {"a": AssetPartitionStatus.MATERIALIZED}


# ---- runs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def runs(kept: Kept) -> Kept:
    """Five runs, an hour between them: two that succeeded, one that failed, one under way, one that waits."""
    kept.hour(RunRequested(run_id="first", targets=(Target(asset_key="orders"),), job_name="nightly"))
    kept.hour(RunStarted(run_id="first"))
    kept.hour(RunSucceeded(run_id="first"))
    kept.hour(RunRequested(run_id="broken", tags={"team": "ops", "env": "dev"}), RunStarted(run_id="broken"))
    kept.hour(RunFailed(run_id="broken", reason="step_failed", message="no"))
    kept.hour(RunRequested(run_id="second", job_name="nightly", tags={"team": "bi"}), RunStarted(run_id="second"))
    kept.hour(RunSucceeded(run_id="second"))
    kept.hour(RunRequested(run_id="running"), RunStarted(run_id="running"))
    kept.hour(RunRequested(run_id="waiting"))
    return kept


def ids(runs: list[Run]) -> list[str]:
    return [run.run_id for run in runs]


def test_runs_come_newest_first_and_in_pages(runs: Kept) -> None:
    assert ids(runs.get_runs()) == ["waiting", "running", "second", "broken", "first"]
    assert ids(runs.get_runs(limit=2)) == ["waiting", "running"]
    assert ids(runs.get_runs(limit=2, cursor="running")) == ["second", "broken"]
    assert ids(runs.get_runs(ascending=True, limit=2)) == ["first", "broken"]
    records = runs.get_run_records(limit=2)
    assert ids([r.run for r in runs.get_run_records(cursor=records[-1].storage_id)]) == ["second", "broken", "first"]
    assert runs.get_runs_count() == 5


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunsFilter(run_ids=["first", "waiting", "nobody"]), ["waiting", "first"]),
        (RunsFilter(job_name="nightly"), ["second", "first"]),
        (RunsFilter(statuses=[RunStatus.SUCCESS]), ["second", "first"]),
        (RunsFilter(statuses=[RunStatus.STARTED, RunStatus.QUEUED]), ["waiting", "running"]),
        (RunsFilter(statuses=[RunStatus.FAILURE], job_name="nightly"), []),
        (RunsFilter(tags={"team": "ops"}), ["broken"]),
        (RunsFilter(tags={"team": ["ops", "bi"]}), ["second", "broken"]),
        (RunsFilter(tags={"team": "ops", "env": "prod"}), []),
        (RunsFilter(created_after=NOON + timedelta(hours=6)), ["waiting", "running"]),
        (RunsFilter(created_before=NOON + timedelta(hours=4)), ["first"]),
        (RunsFilter(updated_after=NOON + timedelta(hours=6), updated_before=NOON + timedelta(hours=8)), ["second"]),
    ],
)
def test_runs_are_chosen_by_all_that_a_filter_names(runs: Kept, wanted: RunsFilter, found: list[str]) -> None:
    assert ids(runs.get_runs(wanted)) == found
    assert runs.get_runs_count(wanted) == len(found)


def test_a_run_tells_what_it_was_to_make_how_it_ended_and_when(runs: Kept) -> None:
    first, broken = runs.get_run_by_id("first"), runs.get_run_by_id("broken")
    assert first is not None
    assert broken is not None
    assert first.is_success
    assert first.is_finished
    assert first.asset_selection == {AssetKey("orders")}
    assert broken.is_failure
    assert (broken.failure_reason, broken.failure_message) == ("step_failed", "no")
    record = runs.get_run_record_by_id("first")
    assert record is not None
    assert record.create_timestamp == NOON + timedelta(hours=1)
    assert record.update_timestamp == NOON + timedelta(hours=3)
    assert record.start_time == (NOON + timedelta(hours=2)).timestamp()
    assert record.end_time == (NOON + timedelta(hours=3)).timestamp()
    assert runs.get_run_by_id("nobody") is None
    assert [entry.event_type for entry in runs.all_logs("first")] == ["run_requested", "run_started", "run_succeeded"]


def test_the_newest_run_is_found_without_reading_all(kept: Kept) -> None:
    for number in range(500):
        run_id = f"r{number}"
        kept.log.append([RunRequested(run_id=run_id), RunStarted(run_id=run_id), RunCancelled(run_id=run_id)])
    kept.store.read = 0
    assert ids(kept.get_runs(limit=1)) == ["r499"]
    assert kept.store.read <= 100
    run = kept.get_runs(limit=1)[0]
    assert run.is_canceled


def test_tags_that_are_added_are_found_and_do_not_disturb_the_worker_of_the_run(kept: Kept) -> None:
    @asset
    def orders(context: Any) -> None:
        context.instance.add_run_tags(context.run_id, {"rows": "3"})

    result = materialize([orders], instance=kept, tags={"team": "ops"})
    assert result.success
    run = kept.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags == {"team": "ops", "rows": "3"}
    assert ids(kept.get_runs(RunsFilter(tags={"rows": "3"}))) == [result.run_id]
    with pytest.raises(InvalidInvocationError, match="no run 'nobody'"):
        kept.add_run_tags("nobody", {})


def test_a_run_cannot_be_deleted_and_the_message_says_what_to_do(kept: Kept) -> None:
    with pytest.raises(InvalidInvocationError, match=r"append-only.*wipe_assets"):
        kept.delete_run("r1")


# ---- which instance --------------------------------------------------------------------------------------------------


def test_the_instance_of_the_environment_is_that_of_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "home"))
    with Instance.get() as instance:
        assert instance.home == tmp_path / "home"
    monkeypatch.delenv("HEADWATER_HOME")
    with pytest.raises(InvalidInvocationError, match="HEADWATER_HOME"):
        Instance.get()


def test_a_temporary_instance_is_of_files_and_gone_when_it_is_closed() -> None:
    with Instance.local_temp() as instance:
        instance.report_materialization("orders")
        home = instance.home
        assert (home / "events.db").exists()
        assert not instance.is_ephemeral
    assert not home.exists()
