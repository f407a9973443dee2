"""What explain says would be asked for is what the next tick asks for, whatever the condition and the history.

Of all else it names something that is in the way.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Literal

import pytest

from headwater import (
    AssetDep,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    PartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.evaluation.explain import explain_in
from headwater.storage import events as e
from support.random_conditions import random_condition
from support.world import World

DAILY = DailyPartitionsDefinition(start_date="2026-02-26")
KINDS: list[PartitionsDefinition | None] = [None, None, DAILY]
MODES: tuple[Literal["on", "paused", "dry_run"], ...] = ("on", "paused", "dry_run")
DAYS = ("2026-02-27", "2026-02-28", "2026-03-01")


@asset_check(asset="a0", blocking=True)
def looks() -> bool:
    return True


def random_world(rng: random.Random, seed: int) -> World:
    world = World(start=datetime.fromisoformat("2026-03-01T06:00:00+00:00"), seed=seed)
    made: list[object] = [AssetSpec("a0", partitions_def=DAILY), AssetSpec("a1")]
    for number in range(2, 6):
        read = sorted(rng.sample(range(number), k=min(number, rng.randrange(1, 3))))
        deps = [AssetDep(f"a{n}", gated=rng.random() < 0.7) for n in read]
        condition = random_condition(rng, rng.randrange(1, 4))
        if rng.random() < 0.3:
            eager = AutomationCondition.eager()
            condition = eager.on_first("baseline") if rng.random() < 0.5 else eager.on_first("request", limit=1)

        @asset(name=f"a{number}", deps=deps, partitions_def=rng.choice(KINDS), automation_condition=condition)
        def trivial() -> None: ...

        made.append(trivial)
    world.define(*made, checks=[looks])
    return world


def happen(rng: random.Random, world: World, open_runs: list[e.RunRequested]) -> None:
    match rng.randrange(7):
        case 0:
            world.report("a0", rng.choice(DAYS))
        case 1:
            world.report("a1")
        case 2:
            world.advance(timedelta(minutes=rng.choice([1, 5, 31, 1440])))
        case 3 | 4:
            if open_runs:
                run = open_runs.pop(rng.randrange(len(open_runs)))
                if rng.random() < 0.2:
                    world.end(run.run_id, rng.choice(["cancelled", "orphaned"]))
                else:
                    world.run(run, fail=[t.asset_key for t in run.targets if rng.random() < 0.2])
        case 5:
            world.check("a0", "looks", partition=rng.choice(DAYS), passed=rng.random() < 0.5)
        case _:
            world.append(e.AutomationSwitched(mode=rng.choice(MODES), assets=(rng.choice(["a2", "a3"]),)))


@pytest.mark.seeds(12, nightly=300)
def test_what_explain_says_would_be_asked_for_is_what_the_next_tick_asks_for(seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(rng, seed)
    open_runs: list[e.RunRequested] = []
    for step in range(25):
        happen(rng, world, open_runs)
        keys = [f"a{n}" for n in range(2, 6)]
        told = {key: explain_in(world.log, key, at=world.clock.now()) for key in keys}
        for key, explanation in told.items():
            is_told_why = explanation.would_be_requested or explanation.blockers or explanation.waits
            assert is_told_why, f"seed {seed}, step {step}: nothing is in the way of {key}"
        runs = world.tick()
        backfills = [s.event for s in world.log.query(types=["backfill_requested"], after=world.state.through)]
        asked = {target.asset_key for run in runs for target in run.targets}
        asked |= {t.asset_key for b in backfills if isinstance(b, e.BackfillRequested) for t in b.targets}
        assert {key for key in keys if told[key].would_be_requested} == asked & set(keys), f"seed {seed}, step {step}"
        open_runs += runs
        if (closing := world.ticker.closing()) is not None:
            world.append(closing)  # else nobody could know that there was a tick
