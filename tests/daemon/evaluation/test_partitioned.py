"""The evaluator of partitioned assets never says other than the plain one.

It is compared in every test that uses a World (`support/both_evaluators.py`); here, random conditions go through both.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from headwater import (
    AssetDep,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    PartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from support.both_evaluators import BothEvaluators
from support.random_conditions import random_condition
from support.world import World

DAILY = DailyPartitionsDefinition(start_date="2026-02-26")
KINDS: list[PartitionsDefinition | None] = [
    DAILY,
    DAILY,
    DailyPartitionsDefinition(start_date="2026-02-28"),
    WeeklyPartitionsDefinition(start_date="2026-02-15"),
    None,
]
DAYS = ("2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01")


def random_definitions(rng: random.Random) -> list[object]:
    made: list[object] = [AssetSpec("a0", partitions_def=DAILY), AssetSpec("a1")]
    kinds: list[PartitionsDefinition | None] = [DAILY, None]
    for number in range(2, 7):
        kind = rng.choice(KINDS)
        deps = [
            AssetDep(
                f"a{n}",
                partition_mapping=TimeWindowPartitionMapping(start_offset=-1)
                if kind is DAILY and kinds[n] is DAILY and rng.random() < 0.4
                else None,
            )
            for n in sorted(rng.sample(range(number), k=min(number, rng.randrange(1, 4))))
        ]
        condition = random_condition(rng, rng.randrange(1, 4))

        @asset(name=f"a{number}", deps=deps, partitions_def=kind, automation_condition=condition)
        def trivial() -> None: ...

        made.append(trivial)
        kinds.append(kind)

    @asset(deps=["a0"], partitions_def=DAILY, automation_condition=AutomationCondition.eager())
    def always() -> None: ...

    return [*made, always]


@asset_check(asset="a0")
def looks() -> bool:
    return True


@pytest.mark.seeds(60, nightly=1_600)
def test_random_conditions_mean_the_same_to_both(seed: int) -> None:
    rng = random.Random(seed)
    world = World(start=datetime.fromisoformat("2026-03-01T06:00:00+00:00"), seed=seed)
    world.define(*random_definitions(rng), checks=[looks])
    before = BothEvaluators.compared
    open_runs: list[e.RunRequested] = []
    for _ in range(30):
        match rng.randrange(6):
            case 0 | 1:
                for day in rng.sample(DAYS, k=rng.randrange(1, 4)):
                    world.report("a0", day)
            case 2:
                world.report("a1")
            case 3:
                world.advance(timedelta(minutes=rng.choice([1, 5, 31, 1440])))
            case 4:
                if open_runs:
                    fail = [t.asset_key for t in open_runs[0].targets if rng.random() < 0.2]
                    world.run(open_runs.pop(0), fail=fail)
            case _:
                world.check("a0", "looks", partition=rng.choice(DAYS), passed=rng.random() < 0.5, blocking=False)
        if rng.random() < 0.1:
            world.wants_snapshot = True
        if rng.random() < 0.1:
            world.restart()
        open_runs += world.tick()
    assert BothEvaluators.compared > before
    assert verify(world.log, everything=True).differences == []
