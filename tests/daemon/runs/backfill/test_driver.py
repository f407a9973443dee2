"""Backfills under a virtual clock: order, policies, failures, the window, and what automation sees of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.backfill_policy import BackfillPolicy
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.dependencies import AssetDep
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
)
from headwater.storage import events as e
from support.world import World, keys_of, parts_of

DAYS = DailyPartitionsDefinition("2026-02-01", end_date="2026-02-11")
FIRST, LAST = "2026-02-01", "2026-02-10"
ALL = ((FIRST, LAST),)


@asset(partitions_def=DAYS)
def raw(): ...


@asset(partitions_def=DAYS)
def clean(raw): ...


@asset
def total(clean): ...


def backfill(world: World, *targets: tuple[str, e.KeyRanges | None], **fields: object) -> str:
    wanted = tuple(e.Target(asset_key=key, partitions=partitions) for key, partitions in targets)
    world.append(e.BackfillRequested(backfill_id="b", targets=wanted, **fields))  # type: ignore[arg-type]
    return "b"


def play(world: World, *, fail: tuple[tuple[str, str | None], ...] = ()) -> list[e.RunRequested]:
    """Play what is asked for to its end, in waves; what is in `fail` raises."""
    played = []
    while runs := world.settle():
        for run in runs:
            broken = {
                t.asset_key for t in run.targets if (t.asset_key, t.partitions[0][0] if t.partitions else None) in fail
            }
            world.run(run, fail=broken)
        played += runs
        assert len(played) < 1_000
    return played


def the_end(world: World) -> e.BackfillEnded:
    [stored] = world.log.query(types=["backfill_ended"])
    assert isinstance(stored.event, e.BackfillEnded)
    return stored.event


def counts(world: World) -> dict[str, tuple[int, int, int]]:
    return {count.asset_key: (count.done, count.failed, count.left) for count in the_end(world).counts}


def test_assets_that_share_a_partition_are_made_by_one_run_and_what_reads_all_of_them_comes_last() -> None:
    world = World()
    world.define(raw, clean, total)
    backfill(world, ("raw", ALL), ("clean", ALL), ("total", None))
    runs = play(world)
    assert keys_of(runs) == [["raw", "clean"]] * 10 + [["total"]]
    assert the_end(world).status == "succeeded"
    assert counts(world) == {"raw": (10, 0, 0), "clean": (10, 0, 0), "total": (1, 0, 0)}
    assert world.state.backfills.active == {}
    assert world.state.asset("raw").backfills == {}


def test_the_runs_know_their_backfill() -> None:
    world = World()
    world.define(raw)
    backfill(world, ("raw", ((FIRST, FIRST),)), tags={"team": "sales"}, priority=3, run_config={"ops": {}})
    [run] = world.settle()
    assert (run.origin, run.backfill_id, run.priority) == ("backfill", "b", 3)
    assert run.tags == {"team": "sales", "headwater/backfill": "b"}
    assert run.run_config == {"ops": {}}


def test_only_a_window_of_runs_is_asked_for_at_a_time() -> None:
    world = World()
    world.window = 3
    world.restart()
    world.define(raw)
    backfill(world, ("raw", ALL))
    first = world.settle()
    assert parts_of(first) == [("raw", f"2026-02-0{n}") for n in (1, 2, 3)]
    world.run(first[1])
    assert parts_of(world.settle()) == [("raw", "2026-02-04")]
    assert world.settle() == []


def test_what_reads_a_failed_partition_is_skipped_and_the_rest_goes_on() -> None:
    hours = HourlyPartitionsDefinition("2026-02-01-00:00", end_date="2026-02-03-00:00")
    two_days = DailyPartitionsDefinition("2026-02-01", end_date="2026-02-03")
    source = asset(name="source", partitions_def=hours)(lambda: None)
    daily = asset(name="daily", partitions_def=two_days, deps=[source])(lambda: None)
    below = asset(name="below", partitions_def=two_days, deps=[daily])(lambda: None)
    world = World()
    world.define(source, daily, below)
    span = (("2026-02-01", "2026-02-02"),)
    backfill(world, ("source", (("2026-02-01-00:00", "2026-02-02-23:00"),)), ("daily", span), ("below", span))
    runs = play(world, fail=(("source", "2026-02-01-07:00"),))
    assert len([run for run in runs if run.targets[0].asset_key == "source"]) == 48
    assert parts_of(runs[-1:]) == [("below", "2026-02-02"), ("daily", "2026-02-02")]
    assert counts(world) == {"source": (47, 1, 0), "daily": (1, 1, 0), "below": (1, 1, 0)}
    assert the_end(world).status == "failed"
    [skipped] = world.log.query(types=["backfill_skipped"])
    assert skipped.event.reason == "upstream_failed"  # type: ignore[attr-defined]


def test_what_a_failed_blocking_check_keeps_from_being_read_is_skipped() -> None:
    @asset_check(asset=clean, blocking=True)
    def sound(): ...

    world = World()
    world.define(raw, clean, total, checks=[sound])
    backfill(world, ("clean", ((FIRST, FIRST),)), ("total", None))
    [run] = world.settle()
    world.run(run, checks={"clean": {"sound": False}})
    assert world.settle() == []
    assert counts(world) == {"clean": (1, 0, 0), "total": (0, 1, 0)}
    [skipped] = world.log.query(types=["backfill_skipped"])
    assert skipped.event.reason == "check_failed"  # type: ignore[attr-defined]


def test_what_was_skipped_waits_for_what_failed_and_then_heals_by_itself() -> None:
    inbox, other = AssetSpec("inbox", partitions_def=DAYS), AssetSpec("other", partitions_def=DAYS)
    eager = AutomationCondition.eager()
    first = asset(name="first", partitions_def=DAYS, deps=[inbox], automation_condition=eager)(lambda: None)
    # Of another policy, so that the backfill makes it by runs of its own.
    policy = BackfillPolicy.multi_run(2)
    second = asset(
        name="second", partitions_def=DAYS, deps=[first, other], automation_condition=eager, backfill_policy=policy
    )(lambda: None)
    world = World()
    world.define(inbox, other, first, second)
    for key in ("inbox", "other"):
        world.report(key, FIRST)
    world.run_all()
    backfill(world, ("first", ((FIRST, FIRST),)), ("second", ((FIRST, FIRST),)))
    [run] = world.settle()
    world.report("other", FIRST)
    world.run(run, fail=["first"])
    assert world.settle() == []  # it is owed what is new, and not made of what failed to become so
    assert the_end(world).status == "failed"
    assert [world.state.space("second").key(n) for n in world.state.asset("second").table.blocked] == [FIRST]
    world.report("inbox", FIRST)
    assert keys_of(world.run_all()) == [["first"], ["second"]]
    assert world.state.asset("second").table.blocked == {}


def test_a_window_that_reads_the_day_before_waits_for_it() -> None:
    before = TimeWindowPartitionMapping(start_offset=-1, end_offset=0)
    rolling = asset(name="rolling", partitions_def=DAYS, deps=[AssetDep("raw", partition_mapping=before)])(lambda: None)
    world = World()
    world.define(raw, rolling)
    backfill(world, ("raw", ALL), ("rolling", ALL))
    first = world.settle()
    assert {run.targets[0].asset_key for run in first} == {"raw"}
    world.run(first[0])
    assert parts_of(world.settle()) == [("rolling", FIRST)]  # nothing exists before the first day
    world.run(first[2])
    assert world.settle() == []
    world.run(first[1])
    assert parts_of(world.settle()) == [("rolling", "2026-02-02"), ("rolling", "2026-02-03")]


def test_a_single_run_makes_all_partitions_at_once_after_all_that_it_reads() -> None:
    one = BackfillPolicy.single_run()
    whole = asset(name="whole", partitions_def=DAYS, deps=[raw], backfill_policy=one)(lambda: None)
    below = asset(name="below", partitions_def=DAYS, deps=[whole], backfill_policy=one)(lambda: None)
    world = World()
    world.define(raw, whole, below)
    backfill(world, ("raw", ALL), ("whole", ALL), ("below", ALL))
    runs = play(world)
    assert len(runs) == 11
    assert [(t.asset_key, t.partitions) for t in runs[-1].targets] == [("whole", ALL), ("below", ALL)]


def test_a_single_run_leaves_out_what_will_not_come() -> None:
    whole = asset(name="whole", partitions_def=DAYS, deps=[raw], backfill_policy=BackfillPolicy.single_run())(
        lambda: None
    )
    world = World()
    world.define(raw, whole)
    backfill(world, ("raw", ALL), ("whole", ALL))
    runs = play(world, fail=(("raw", "2026-02-04"),))
    assert runs[-1].targets[0].partitions == ((FIRST, "2026-02-03"), ("2026-02-05", LAST))


def test_several_partitions_a_run_fill_runs_and_the_last_one_is_smaller() -> None:
    policy = BackfillPolicy.multi_run(max_partitions_per_run=4)
    made = asset(name="made", partitions_def=DAYS, deps=[raw], backfill_policy=policy)(lambda: None)
    world = World()
    world.define(raw, made)
    backfill(world, ("raw", ALL), ("made", ALL))
    runs = [run for run in play(world) if run.targets[0].asset_key == "made"]
    assert [run.targets[0].partitions for run in runs] == [
        ((FIRST, "2026-02-04"),),
        (("2026-02-05", "2026-02-08"),),
        (("2026-02-09", LAST),),
    ]


def test_a_run_lost_to_infrastructure_is_tried_again_with_back_off_and_at_most_three_times() -> None:
    world = World()
    world.define(raw)
    backfill(world, ("raw", ((FIRST, FIRST),)))
    for wait_s in (1, 5, 25):
        [run] = world.settle()
        world.start(run.run_id, "raw")
        world.end(run.run_id, "orphaned")
        assert world.settle() == []
        assert world.next_due == world.clock.now() + timedelta(seconds=wait_s)
        world.advance(wait_s)
    [run] = world.settle()
    world.end(run.run_id, "orphaned")
    assert world.settle() == []
    assert the_end(world).status == "failed"


def test_a_partition_that_another_run_is_making_is_waited_for() -> None:
    world = World()
    world.define(raw)
    target = e.Target(asset_key="raw", partitions=((FIRST, FIRST),))
    world.append(e.RunRequested(run_id="by hand", targets=(target,)))
    backfill(world, ("raw", ((FIRST, "2026-02-02"),)))
    [other] = world.settle()
    assert parts_of([other]) == [("raw", "2026-02-02")]
    world.run(other)
    assert world.settle() == []
    world.start("by hand", "raw")
    world.finish("by hand", "raw")
    world.end("by hand")
    assert parts_of(world.settle()) == [("raw", FIRST)]


def test_two_backfills_do_not_make_the_same_partition_at_the_same_time() -> None:
    world = World()
    world.define(raw)
    target = e.Target(asset_key="raw", partitions=((FIRST, FIRST),))
    for name in ("b1", "b2"):
        world.append(e.BackfillRequested(backfill_id=name, targets=(target,)))
    [first] = world.settle()
    world.run(first)
    [second] = world.settle()
    assert (first.backfill_id, second.backfill_id) == ("b1", "b2")
    world.run(second)
    assert world.settle() == []
    assert world.state.backfills.active == {}


def test_a_cancelled_backfill_asks_for_nothing_more_and_its_runs_are_cancelled() -> None:
    world = World()
    world.window = 2
    world.restart()
    world.define(raw)
    backfill(world, ("raw", ALL))
    runs = world.settle()
    world.start(runs[0].run_id, "raw")
    world.append(e.BackfillEnded(backfill_id="b", status="cancelled"))
    assert world.settle() == []
    cancelled = [stored.event.run_id for stored in world.log.query(types=["run_cancelled"])]  # type: ignore[attr-defined]
    assert sorted(cancelled) == sorted(run.run_id for run in runs)
    assert world.state.runs == {}
    assert world.state.backfills.orphans == set()


def test_automation_leaves_what_a_backfill_is_to_make_to_it_and_reacts_to_what_it_made() -> None:
    eager = AutomationCondition.eager()
    inbox = AssetSpec("inbox", partitions_def=DAYS)
    made = asset(name="made", partitions_def=DAYS, deps=[inbox], automation_condition=eager)(lambda: None)
    below = asset(name="below", partitions_def=DAYS, deps=[made], automation_condition=eager)(lambda: None)
    world = World()
    world.window = 1
    world.restart()
    world.define(inbox, made, below)
    backfill(world, ("made", ALL))
    [first] = world.settle()
    world.report("inbox", "2026-02-05")
    assert world.settle() == []  # the backfill's own run will read it
    for _ in range(10):
        world.run(first)
        runs = world.settle()
        automatic = [run for run in runs if run.origin == "automation"]
        assert {t.asset_key for run in automatic for t in run.targets} <= {"below"}
        for run in automatic:
            world.run(run)
        first = next((run for run in runs if run.origin == "backfill"), first)
    assert world.requested("made") == 10
    assert world.requested("below") == 10


def test_the_operands_tell_runs_and_backfills_apart() -> None:
    world = World()
    world.window = 1
    world.restart()
    world.define(raw)
    backfill(world, ("raw", ((FIRST, "2026-02-03"),)))
    [run] = world.settle()
    world.tick()
    asset = world.state.asset("raw")
    space = world.state.space("raw")
    assert [space.key(n) for n in asset.run_in_progress] == [FIRST]
    assert [space.key(n) for n in asset.backfill_in_progress] == [FIRST, "2026-02-02", "2026-02-03"]
    world.start(run.run_id, "raw")
    world.finish(run.run_id, "raw")
    world.tick()
    assert [space.key(n) for n in asset.in_progress] == ["2026-02-02", "2026-02-03"]


def test_partitions_and_assets_that_are_not_defined_any_more_are_given_up() -> None:
    world = World()
    world.window = 1
    world.restart()
    last = asset(name="last", deps=[raw])(lambda: None)
    world.define(raw, last)
    backfill(world, ("raw", ALL), ("last", None))
    world.run(world.settle()[0])
    shorter = asset(name="raw", partitions_def=DailyPartitionsDefinition("2026-02-01", end_date="2026-02-04"))(
        lambda: None
    )
    world.define(shorter)
    runs = play(world)
    assert parts_of(runs) == [("raw", "2026-02-02"), ("raw", "2026-02-03")]
    assert counts(world) == {"raw": (3, 7, 0), "last": (0, 1, 0)}


def test_what_is_made_elsewhere_by_now_is_given_up_and_the_rest_goes_on() -> None:
    world = World()
    world.window = 1
    world.restart()
    world.define(raw, clean)
    backfill(world, ("raw", ((FIRST, "2026-02-02"),)), ("clean", (("2026-02-03", "2026-02-04"),)))
    world.run(world.settle()[0])
    world.define(AssetSpec("raw", partitions_def=DAYS), clean)
    runs = play(world)
    assert parts_of(runs) == [("clean", "2026-02-03"), ("clean", "2026-02-04")]
    assert counts(world) == {"raw": (1, 1, 0), "clean": (2, 0, 0)}


@pytest.mark.parametrize("gone", [True, False])
def test_a_backfill_of_a_process_that_is_gone_is_cancelled(gone: bool) -> None:
    world = World()
    world.backfills._lives = lambda backfill_id: not gone
    world.define(raw)
    backfill(world, ("raw", ALL), by_caller=True)
    assert world.settle() == []
    assert bool(world.log.query(types=["backfill_ended"])) is gone


def test_keys_of_a_fixed_set_are_made_one_by_one() -> None:
    letters = asset(name="letters", partitions_def=StaticPartitionsDefinition(["a", "b", "c"]))(lambda: None)
    world = World()
    world.define(letters)
    backfill(world, ("letters", (("c", "c"), ("a", "a"))))
    assert parts_of(world.settle()) == [("letters", "a"), ("letters", "c")]


def test_a_condition_can_look_at_the_backfills_and_the_runs_of_what_an_asset_reads() -> None:
    seen = {}
    for name, operand in (("runs", "run_in_progress"), ("backfills", "backfill_in_progress")):
        condition = AutomationCondition.any_deps_match(getattr(AutomationCondition, operand)())
        seen[name] = asset(name=name, deps=["source"], automation_condition=condition)(lambda: None)
    source = asset(name="source")(lambda: None)
    world = World()
    world.define(source, *seen.values())
    assert world.settle() == []
    world.append(e.RunRequested(run_id="by hand", targets=(e.Target(asset_key="source"),)))
    assert keys_of(world.settle()) == [["runs"]]
    world.run(e.RunRequested(run_id="by hand", targets=(e.Target(asset_key="source"),)))
    backfill(world, ("source", None))
    asked = [keys for keys in keys_of(world.settle()) if keys != ["source"]]
    assert ["backfills"] in asked
