"""What an instance tells of the past, as users ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater import AssetKey, AssetMaterialization, EventLogEntry, Instance
from headwater.storage.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as opened:
        yield opened


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
    assert observed.asset_observation.tags == {"by": "me", "headwater/data_version": "1"}
    assert observed.run_id is None
    assert (evaluated.asset_check_evaluation.passed, evaluated.asset_check_evaluation.severity.value) == (False, "WARN")
    assert (made.run_id, made.step_key) == ("r1", "orders")
    assert made.asset_materialization is not None
    assert made.asset_materialization.code_version == "c"
