"""What a tick is told of how much of an asset has changed."""

from __future__ import annotations

from headwater import AssetSpec, DailyPartitionsDefinition, asset
from headwater.storage import events as e
from headwater.storage.state import Changes
from support.world import World

DAYS = DailyPartitionsDefinition(start_date="2026-02-20")


@asset(deps=["raw"], partitions_def=DAYS)
def clean() -> None: ...


def world() -> World:
    made = World()
    made.define(AssetSpec("raw", partitions_def=DAYS), clean)
    made.settle()
    return made


def changes_after(made: World, *events: e.Event) -> Changes:
    if events:
        made.append(*events)
    made.ticker.absorb(made.log.read(made.state.through, 1_000))
    return made.state.take_changes()


def days(made: World, changes: Changes, key: str) -> list[str | None]:
    return [made.state.space(key).key(ordinal) for ordinal in changes.parts.get(key, ())]


def test_an_update_changes_its_partition_and_no_other() -> None:
    made = world()
    changes = changes_after(made, e.AssetMaterialized(asset_key="raw", partition="2026-02-21", origin="report"))
    assert days(made, changes, "raw") == ["2026-02-21"]
    assert changes.touched == set()


def test_a_run_changes_the_partitions_that_it_is_about_from_its_request_to_its_end() -> None:
    made = world()
    target = e.Target(asset_key="clean", partitions=(("2026-02-21", "2026-02-22"),))
    life: tuple[e.Event, ...] = (
        e.RunRequested(run_id="r", targets=(target,)),
        e.StepStarted(run_id="r", step_key="clean", targets=(target,)),
        e.StepFailed(run_id="r", step_key="clean", error=e.ErrorInfo(cls="ValueError", message="no")),
        e.RunFailed(run_id="r", reason="step_failed"),
    )
    for event in life:
        changes = changes_after(made, event)
        assert days(made, changes, "clean") == ["2026-02-21", "2026-02-22"], event
        assert changes.touched == set()


def test_a_check_of_a_partition_changes_that_one_and_of_the_whole_asset_all_that_is_there() -> None:
    made = world()
    for day in ("2026-02-21", "2026-02-22"):
        made.report("raw", day)
    made.settle()
    result = e.AssetCheckEvaluated(asset_key="raw", check_name="looks", passed=True, partition="2026-02-22")
    assert days(made, changes_after(made, result), "raw") == ["2026-02-22"]
    result = e.AssetCheckEvaluated(asset_key="raw", check_name="looks", passed=True)
    assert days(made, changes_after(made, result), "raw") == ["2026-02-21", "2026-02-22"]


def test_what_concerns_an_asset_as_a_whole_or_keys_that_it_does_not_have_is_said_of_no_partition() -> None:
    made = world()
    wiped = changes_after(made, e.AssetWiped(asset_key="raw"))
    assert wiped.touched == {"raw"}
    stray = changes_after(made, e.AssetMaterialized(asset_key="raw", partition="nonsense", origin="report"))
    assert stray.touched == {"raw"}
    assert stray.parts == {}


def test_what_was_changed_in_partitions_that_are_numbered_otherwise_now_is_a_change_of_the_whole() -> None:
    made = world()
    made.report("raw", "2026-02-21")
    made.ticker.absorb(made.log.read(made.state.through, 1_000))
    made.define(
        AssetSpec("raw", partitions_def=DailyPartitionsDefinition(start_date="2026-01-01", timezone="Asia/Tokyo")),
        clean,
    )
    changes = changes_after(made)
    assert "raw" not in changes.parts
    assert "raw" in changes.touched
