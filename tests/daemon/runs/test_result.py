"""What the result of a run in this process tells of its steps and of itself."""

from __future__ import annotations

from headwater import (
    AssetKey,
    ExecuteInProcessResult,
    RunStatus,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    materialize,
)


@asset
def good() -> int:
    return 1


@asset
def bad(good: int) -> int:
    raise ValueError("no")


@asset
def below(bad: int) -> int:
    return bad


@asset_check(asset="good")
def raises() -> bool:
    raise ValueError("no")


def outcome() -> ExecuteInProcessResult:
    return materialize([good, bad, below], raise_on_error=False, tags={"team": "ops"})


def test_steps_are_told_apart_by_how_they_ended() -> None:
    result = outcome()
    assert [result.is_node_success(name) for name in ("good", "bad", "below")] == [True, False, False]
    assert [result.is_node_failed(name) for name in ("good", "bad", "below")] == [False, True, False]
    assert [result.is_node_skipped(name) for name in ("good", "bad", "below")] == [False, False, True]
    assert not any(result.is_node_untouched(name) for name in ("good", "bad", "below"))
    assert result.get_failed_step_keys() == {"bad"}
    assert [event.error.message for event in result.get_step_failure_events()] == ["no"]
    assert [event.step_key for event in result.get_step_success_events()] == ["good"]
    assert [event.step_key for event in result.get_step_skipped_events()] == ["below"]


def test_the_events_of_a_node_are_those_of_its_step() -> None:
    types = [event.type for event in outcome().events_for_node("good")]
    assert types == ["step_started", "asset_materialized", "step_succeeded"]


def test_a_check_that_raises_is_not_a_failure_of_its_asset() -> None:
    result = materialize([good, raises], raise_on_error=False)
    assert result.is_node_success("good")
    assert not result.is_node_failed("good")
    assert result.get_failed_step_keys() == {"good:raises"}


def test_an_asset_that_was_not_selected_is_untouched() -> None:
    assert materialize([good, bad], selection="good").is_node_untouched("bad")


def test_the_run_of_a_result_is_the_one_that_an_instance_tells_of() -> None:
    run = outcome().run
    assert run.status is RunStatus.FAILURE
    assert run.tags == {"team": "ops"}
    assert run.asset_selection == {AssetKey("good"), AssetKey("bad"), AssetKey("below")}
    assert run.failure_reason == "step_failed"


def test_the_run_of_a_partition_names_it() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def letters() -> None: ...

    assert materialize([letters], partition_key="b").run.partition_key == "b"
