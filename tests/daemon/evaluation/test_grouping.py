"""What automation makes of many partitions at once: runs of several, or a backfill."""

from __future__ import annotations

from functools import partial
from typing import Any

from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.backfill_policy import BackfillPolicy
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.storage import events as e
from support.world import World, keys_of, parts_of

LETTERS = StaticPartitionsDefinition(list("abcdefgh"))
ALL = tuple((letter, letter) for letter in "abcdefgh")
EAGER = AutomationCondition.eager()


def eager(name: str, *deps: Any, policy: BackfillPolicy | None = None, partitions: Any = LETTERS) -> Any:
    made = asset(name=name, deps=deps, partitions_def=partitions, automation_condition=EAGER, backfill_policy=policy)
    return made(lambda: None)


def small_world(limit: int = 5) -> World:
    return World(ticker=partial(Ticker, backfill_above=limit))


def backfills(world: World) -> list[e.BackfillRequested]:
    return [stored.event for stored in world.log.query(types=["backfill_requested"])]  # type: ignore[misc]


def test_a_single_run_policy_puts_all_partitions_into_one_run_with_what_reads_them() -> None:
    one = BackfillPolicy.single_run()
    top = eager("top", policy=one)
    below = eager("below", top, policy=one)
    world = small_world()
    world.define(top, below)
    [run] = world.settle()
    assert [(target.asset_key, target.partitions) for target in run.targets] == [("top", ALL), ("below", ALL)]
    world.run(run)
    assert world.settle() == []


def test_what_reads_assets_of_another_policy_waits_until_they_are_made() -> None:
    top = eager("top", policy=BackfillPolicy.multi_run(4))
    below = eager("below", top)
    world = small_world(limit=8)
    world.define(top, below)
    runs = world.settle()
    assert keys_of(runs) == [["top"], ["top"]]
    for run in runs:
        world.run(run)
    assert keys_of(world.settle()) == [["below"]] * 8


def test_more_runs_than_the_limit_of_assets_that_hang_together_become_one_backfill() -> None:
    top = eager("top")
    below = eager("below", top)
    total = asset(name="total", deps=[below], automation_condition=EAGER)(lambda: None)
    alone = asset(name="alone", automation_condition=EAGER)(lambda: None)
    world = small_world()
    world.define(top, below, total, alone)
    runs = world.settle()
    [backfill] = backfills(world)
    assert (backfill.origin, [target.asset_key for target in backfill.targets]) == ("automation", ["top", "below"])
    assert sorted(keys_of(runs)) == sorted([["alone"], *[["top", "below"]] * 8])
    assert {run.origin for run in runs if run.targets[0].asset_key == "top"} == {"backfill"}
    played = [*runs, *_played(world, runs)]
    assert len(played) == 10
    assert keys_of(played[-1:]) == [["total"]]
    assert world.state.backfills.active == {}
    assert len(backfills(world)) == 1


def _played(world: World, runs: list[e.RunRequested]) -> list[e.RunRequested]:
    for run in runs:
        world.run(run)
    return world.run_all()


def test_as_many_runs_as_the_limit_stay_runs() -> None:
    world = small_world(limit=8)
    world.define(eager("top"))
    assert len(world.settle()) == 8
    assert backfills(world) == []


def test_what_failed_in_such_a_backfill_heals_when_it_is_updated() -> None:
    inbox = AssetSpec("inbox", partitions_def=LETTERS)
    top = eager("top", inbox)
    below = eager("below", top)
    world = small_world(limit=2)
    world.define(inbox, top, below)
    for letter in "abc":
        world.report("inbox", letter)
    runs = world.settle()
    assert len(backfills(world)) == 1
    world.run(runs[0], fail=["top"])
    _played(world, runs[1:])
    world.report("inbox", "a")
    assert parts_of(world.run_all()) == [("below", "a"), ("top", "a")]
