"""eager, rule by rule of SEMANTICS parts 1 to 3, played by hand in a small world."""

from __future__ import annotations

from datetime import timedelta

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.storage import events as e
from support.world import START, World, keys_of, parts_of

EAGER = AutomationCondition.eager()
DAILY = DailyPartitionsDefinition(start_date="2026-02-26")  # at START: 26th, 27th and 28th of February exist


@asset(automation_condition=EAGER)
def one(source): ...


@asset(automation_condition=EAGER)
def two(one): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def raw(inbox): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
def total(clean): ...


@asset_check(asset="clean", blocking=True)
def no_nulls(): ...


SOURCE = AssetSpec("source")
INBOX = AssetSpec("inbox", partitions_def=DAILY)


def chain() -> World:
    world = World()
    world.define(SOURCE, one, two)
    return world


def days() -> World:
    world = World()
    world.define(INBOX, raw, clean, total, checks=[no_nulls])
    return world


def test_nothing_is_requested_while_a_dependency_is_missing() -> None:
    world = chain()
    assert world.settle() == []


def test_an_update_requests_the_whole_chain_in_one_run() -> None:
    world = chain()
    world.report("source")
    assert keys_of(world.settle()) == [["one", "two"]]


def test_nothing_more_is_requested_when_the_chain_was_built() -> None:
    world = chain()
    world.report("source")
    assert len(world.run_all()) == 1
    assert world.settle() == []


def test_an_update_before_the_step_starts_is_read_by_the_queued_run() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.report("source")
    assert world.settle() == []
    world.run(run)
    assert world.run_all() == []


def test_an_update_that_lands_while_the_downstream_is_built_is_built_again() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.report("source")
    assert world.settle() == []
    world.finish(run.run_id, "one")
    world.start(run.run_id, "two")
    world.finish(run.run_id, "two")
    world.end(run.run_id)
    assert keys_of(world.settle()) == [["one", "two"]]


def test_an_update_between_two_ticks_is_ordered_by_offset_not_by_tick() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.report("source")
    world.finish(run.run_id, "one")
    world.start(run.run_id, "two")
    world.finish(run.run_id, "two")
    world.end(run.run_id)  # all of it within one tick
    assert keys_of(world.settle()) == [["one", "two"]]


def test_a_failed_attempt_has_handled_what_it_read() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.run(run, fail=["one"])
    assert world.settle() == []
    world.report("source")
    assert keys_of(world.settle()) == [["one", "two"]]


def test_what_was_not_started_heals_when_its_upstream_is_mended() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.run(run, fail=["one"])
    world.settle()
    world.report("one")  # mended by hand
    assert keys_of(world.settle()) == [["two"]]


def test_a_cancelled_attempt_waits_for_a_new_trigger() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.end(run.run_id, "cancelled")
    assert world.settle() == []
    world.advance(3600)
    assert world.settle() == []
    world.report("source")
    assert keys_of(world.settle()) == [["one", "two"]]


def test_a_run_lost_to_infrastructure_is_requested_again_with_back_off() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.end(run.run_id, "orphaned")
    assert world.settle() == []
    assert world.next_due == START + timedelta(seconds=1)
    world.advance(1)
    assert keys_of(world.settle()) == [["one", "two"]]


def test_infrastructure_gets_three_more_chances_and_then_counts_as_a_failure() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    for _ in range(3):
        world.start(run.run_id, "one")
        world.end(run.run_id, "orphaned")
        world.settle()
        world.advance(60)
        [run] = world.settle()
    world.start(run.run_id, "one")
    world.end(run.run_id, "orphaned")
    world.settle()
    world.advance(3600)
    assert world.settle() == []
    assert 0 in world.state.assets["one"].table.failed


def test_a_report_of_the_asset_itself_handles_it() -> None:
    world = chain()
    world.report("source")
    world.run_all()
    world.report("source")
    world.report("one")
    assert keys_of(world.settle()) == [["two"]]


def test_a_restart_between_update_and_request_loses_nothing() -> None:
    world = chain()
    world.settle()
    world.report("source")
    world.restart()
    assert keys_of(world.settle()) == [["one", "two"]]


def test_a_restart_after_the_request_does_not_request_again() -> None:
    world = chain()
    world.report("source")
    world.settle()
    world.restart()
    assert world.settle() == []


def test_a_latch_survives_a_restart() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.report("source")
    world.settle()
    world.restart()
    world.finish(run.run_id, "one")
    world.start(run.run_id, "two")
    world.finish(run.run_id, "two")
    world.end(run.run_id)
    assert keys_of(world.settle()) == [["one", "two"]]


def test_one_day_in_the_inbox_builds_that_day_only() -> None:
    world = days()
    world.settle()
    world.report("inbox", "2026-02-27")
    assert parts_of(world.settle()) == [("clean", "2026-02-27"), ("raw", "2026-02-27")]


def test_an_update_of_an_old_partition_propagates() -> None:
    world = days()
    for day in ("2026-02-26", "2026-02-27", "2026-02-28"):
        world.report("inbox", day)
    world.run_all()
    world.report("inbox", "2026-02-26")
    assert parts_of(world.settle()) == [("clean", "2026-02-26"), ("raw", "2026-02-26")]


def test_an_unpartitioned_asset_takes_the_days_that_exist_so_far() -> None:
    world = days()
    world.report("inbox", "2026-02-27")
    runs = world.run_all()
    assert keys_of(runs) == [["raw", "clean"], ["total"]]


def test_an_eager_asset_that_needs_all_days_waits_for_them() -> None:
    @asset(automation_condition=EAGER)
    def whole(raw): ...

    world = World()
    world.define(INBOX, raw, whole)
    world.report("inbox", "2026-02-26")
    world.report("inbox", "2026-02-27")
    world.run_all()
    assert world.requested("whole") == 0
    world.report("inbox", "2026-02-28")
    world.run_all()
    assert world.requested("whole") == 1


def test_an_update_is_released_only_when_its_blocking_checks_have_passed() -> None:
    world = days()
    world.report("inbox", "2026-02-27")
    [run] = world.settle()
    world.start(run.run_id, "raw")
    world.finish(run.run_id, "raw")
    world.start(run.run_id, "clean")
    world.append(
        e.AssetMaterialized(asset_key="clean", partition="2026-02-27", run_id=run.run_id, step_key="clean"),
        e.StepSucceeded(run_id=run.run_id, step_key="clean"),
    )
    assert world.settle() == []
    world.append(
        e.AssetCheckEvaluated(
            asset_key="clean",
            check_name="no_nulls",
            partition="2026-02-27",
            run_id=run.run_id,
            passed=True,
            blocking=True,
        )
    )
    assert keys_of(world.settle()) == [["total"]]


def test_a_failed_blocking_check_gates_across_runs_until_a_corrected_update_passes() -> None:
    world = days()
    world.report("inbox", "2026-02-26")
    world.run_all()
    world.report("inbox", "2026-02-27")
    [run] = world.settle()
    world.run(run, checks={"clean": {"no_nulls": False}})
    assert world.settle() == []
    assert world.requested("total") == 1
    world.report("inbox", "2026-02-27")
    runs = world.run_all()
    assert keys_of(runs) == [["raw", "clean"], ["total"]]


def test_a_gate_that_opens_is_an_update_for_those_who_left_the_partition_out() -> None:
    world = days()
    world.report("inbox", "2026-02-26")
    world.report("inbox", "2026-02-27")
    world.run_all()
    world.check("clean", "no_nulls", passed=False, partition="2026-02-27")
    assert world.run_all() == []
    world.report("inbox", "2026-02-26")
    world.run_all()
    world.check("clean", "no_nulls", passed=True, partition="2026-02-27")
    assert keys_of(world.run_all()) == [["total"]]


def test_a_new_day_is_requested_when_its_window_opens_if_the_upstream_is_there() -> None:
    @asset(automation_condition=EAGER, partitions_def=DAILY)
    def daily(source): ...

    world = World()
    world.define(SOURCE, daily)
    world.report("source")
    assert parts_of(world.run_all()) == [("daily", "2026-02-26"), ("daily", "2026-02-27"), ("daily", "2026-02-28")]
    assert world.next_due == START + timedelta(days=1)
    world.advance(timedelta(days=1))
    assert parts_of(world.run_all()) == [("daily", "2026-03-01")]


def test_unrelated_assets_get_runs_of_their_own() -> None:
    @asset(automation_condition=EAGER)
    def left(source): ...

    @asset(automation_condition=EAGER)
    def right(source): ...

    world = World()
    world.define(SOURCE, left, right)
    world.report("source")
    assert keys_of(world.settle()) == [["left"], ["right"]]


def test_static_partitions_are_all_requested_when_first_seen() -> None:
    @asset(automation_condition=EAGER, partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def colours(source): ...

    world = World()
    world.define(SOURCE, colours)
    world.report("source")
    assert parts_of(world.settle()) == [("colours", "a"), ("colours", "b")]


def test_a_reload_that_changes_nothing_requests_nothing() -> None:
    world = chain()
    world.report("source")
    world.run_all()
    world.define(SOURCE, one, two, AssetSpec("other"))
    assert world.settle() == []


def test_an_asset_that_vanishes_for_a_while_catches_up_when_it_returns() -> None:
    world = chain()
    world.report("source")
    world.run_all()
    world.define(SOURCE, one)
    world.settle()
    world.report("one")
    world.settle()
    world.define(SOURCE, one, two)
    assert keys_of(world.settle()) == [["two"]]


def test_a_tick_visits_only_what_changed_and_what_is_below() -> None:
    world = days()
    world.report("inbox", "2026-02-26")
    world.run_all()
    world.report("total")
    world.settle()
    world.outcomes.clear()
    world.report("total")
    world.settle()
    assert {key for outcome in world.outcomes for key in outcome.visited} == {"total"}


def test_definitions_that_change_while_a_request_is_written_do_not_double_it() -> None:
    world = World()
    world.define(SOURCE, one, two)
    world.report("source")
    world.define(SOURCE, one)
    world.define(SOURCE, one, two)
    world.settle()
    assert (world.requested("one"), world.requested("two")) == (1, 1)


def test_an_update_between_the_choice_of_the_keys_and_the_start_is_built_again() -> None:
    world = days()
    world.report("inbox", "2026-02-26")
    [run] = world.settle()
    world.run(run)
    [totals] = world.settle()
    chosen = world.state.through
    world.report("clean", "2026-02-27")  # the launched step was not handed this day
    world.start(totals.run_id, "total", read_through=chosen)
    world.settle()
    world.finish(totals.run_id, "total")
    world.end(totals.run_id)
    assert keys_of(world.settle()) == [["total"]]


def test_what_its_own_run_made_upstream_is_no_reason_to_build_again() -> None:
    @asset(automation_condition=EAGER)
    def rates(source): ...

    @asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
    def priced(clean, rates): ...

    world = World()
    world.define(SOURCE, INBOX, raw, clean, rates, priced)
    world.report("inbox", "2026-02-26")
    world.run_all()
    world.report("source")
    [run] = world.settle()
    chosen = world.state.through
    assert keys_of([run]) == [["rates", "priced"]]
    world.start(run.run_id, "rates")
    world.finish(run.run_id, "rates")
    world.start(run.run_id, "priced", read_through=chosen)
    world.finish(run.run_id, "priced")
    world.end(run.run_id)
    assert world.settle() == []


def test_a_condition_taken_out_and_put_back_catches_up() -> None:
    @asset(name="two")
    def plain_two(one): ...

    world = chain()
    world.report("source")
    world.run_all()
    world.define(SOURCE, one, plain_two)
    world.settle()
    world.report("one")
    world.settle()
    world.define(SOURCE, one, two)
    assert keys_of(world.settle()) == [["two"]]


def test_a_partition_that_landed_before_it_existed_is_an_update_once_it_exists() -> None:
    @asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
    def overview(inbox): ...

    world = World()
    world.define(INBOX, overview)
    world.report("inbox", "2026-02-28")
    world.run_all()
    world.report("inbox", "2026-03-01")  # today's: not complete, so not a partition yet
    assert world.run_all() == []
    world.advance(timedelta(days=1))
    assert keys_of(world.run_all()) == [["overview"]]


def test_a_static_dependency_that_grows_by_a_key_that_had_arrived_is_an_update() -> None:
    @asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
    def overview(colours): ...

    world = World()
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["red"])), overview)
    world.report("colours", "red")
    world.run_all()
    world.report("colours", "blue")
    assert world.run_all() == []
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["red", "blue"])), overview)
    assert keys_of(world.run_all()) == [["overview"]]


def test_an_update_noted_just_before_a_change_of_its_partitions_is_not_lost() -> None:
    @asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
    def overview(colours): ...

    world = World()
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["red", "green"])), overview)
    world.report("colours", "green")
    world.run_all()
    world.report("colours", "green")
    world.ticker.written(world.log.head().offset + 1)  # the last tick's own events are not folded yet: no tick between
    world.append(e.DaemonStarted(term=1))
    world.define(AssetSpec("colours", partitions_def=StaticPartitionsDefinition(["blue", "green"])), overview)
    assert keys_of(world.run_all()) == [["overview"]]


def test_a_blocking_check_that_is_deleted_holds_no_gate() -> None:
    world = days()
    world.report("inbox", "2026-02-27")
    [run] = world.settle()
    world.run(run, checks={"clean": {"no_nulls": False}})
    assert world.settle() == []
    world.define(INBOX, raw, clean, total)
    assert keys_of(world.run_all()) == [["total"]]


def test_a_blocker_that_is_no_longer_upstream_blocks_nothing() -> None:
    @asset(name="two", automation_condition=EAGER)
    def other_two(source): ...

    world = chain()
    world.report("source")
    [run] = world.settle()
    world.run(run, fail=["one"])
    world.settle()
    world.define(SOURCE, one, other_two)
    world.settle()
    world.advance(30)  # it was asked for because of the same update a moment ago
    assert keys_of(world.settle()) == [["two"]]


def test_a_report_during_an_attempt_that_is_lost_still_counts() -> None:
    world = chain()
    world.report("source")
    [run] = world.settle()
    world.start(run.run_id, "one")
    world.report("one")
    world.end(run.run_id, "orphaned")
    world.settle()
    world.advance(60)
    assert "one" not in {key for keys in keys_of(world.settle()) for key in keys}


def test_setbacks_that_are_not_in_a_row_do_not_add_up() -> None:
    world = chain()
    for how in ("orphaned", "orphaned", "failed", "orphaned", "orphaned"):
        world.report("source")
        world.settle()
        world.advance(3600)
        world.settle()
        [run] = world.state.runs.values()
        world.start(run.run_id, "one")
        if how == "failed":
            world.finish(run.run_id, "one", ok=False)
        world.end(run.run_id, how)
        world.settle()
    assert 0 not in world.state.assets["one"].table.failed


def test_after_too_many_setbacks_a_fresh_update_is_an_ordinary_trigger() -> None:
    world = chain()
    for _ in range(4):
        world.report("source")
        world.settle()
        world.advance(3600)
        world.settle()
        [run] = world.state.runs.values()
        world.start(run.run_id, "one")
        world.end(run.run_id, "orphaned")
        world.settle()
    world.report("source")
    assert keys_of(world.settle()) == [["one", "two"]]


def test_an_upstream_that_a_selection_ignores_requests_nothing() -> None:
    @asset(automation_condition=EAGER.ignore("group:seeds"))
    def joined(source, rates): ...

    world = World()
    world.define(SOURCE, AssetSpec("rates", group_name="seeds"), joined)
    world.report("source")
    assert [keys_of(world.run_all())] == [[["joined"]]]
    world.report("rates")
    assert world.settle() == []
    world.report("source")
    assert keys_of(world.settle()) == [["joined"]]
