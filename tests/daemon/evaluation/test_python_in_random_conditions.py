"""Conditions written in Python among random others: all evaluators agree, and a replay agrees without any user code.

Their answers are put into the log by hand, at random; `evaluate` itself would fail.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pyroaring import BitMap

from headwater import (
    AssetSpec,
    AutomationCondition,
    AutomationContext,
    AutomationResult,
    DailyPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.evaluation.asked_places import Asked, places_of
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage.state.ordinals import Spaces
from support import random_conditions
from support.both_evaluators import BothEvaluators
from support.world import World

DAILY = DailyPartitionsDefinition(start_date="2026-02-26")


@dataclass(frozen=True)
class Answered(AutomationCondition):
    number: int

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        raise AssertionError("nobody is to call the user's code")


LEAVES = [*random_conditions.LEAVES, *[lambda n=n: Answered(n) for n in range(3)] * 6]


@asset_check(asset="a0")
def looks() -> bool:
    return True


def random_definitions(rng: random.Random) -> list[object]:
    made: list[object] = [AssetSpec("a0", partitions_def=DAILY), AssetSpec("a1")]
    for number in range(2, 7):
        partitions = rng.choice([DAILY, None])
        deps = [f"a{n}" for n in sorted(rng.sample(range(number), k=min(number, rng.randrange(1, 4))))]
        condition = random_conditions.random_condition(rng, rng.randrange(1, 4))

        @asset(name=f"a{number}", deps=deps, partitions_def=partitions, automation_condition=condition)
        def trivial() -> None: ...

        made.append(trivial)
    return made


def random_answer(rng: random.Random, world: World, asked: Asked) -> e.ConditionEvaluated:
    about = {"node": asked.node.node_id, "asset_key": asked.asset_key, "check_name": asked.check_name}
    if rng.random() < 0.1:
        error = e.ErrorInfo(cls="ValueError", message="no")
        return e.ConditionEvaluated(status="failed", at=world.clock.now(), error=error, **about)  # type: ignore[arg-type]
    space = world.state.space(asked.key)
    whole = space.fingerprint == Spaces.WHOLE.fingerprint
    existing = BitMap([0]) if whole else world.state.spaces.existing(DAILY, world.clock.now())
    bits = BitMap([ordinal for ordinal in existing if rng.random() < 0.5])
    ranges = space.ranges(bits) if bits else ()
    return e.ConditionEvaluated(status="evaluated", at=world.clock.now(), partitions=ranges, **about)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(60))
def test_all_evaluators_and_a_replay_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_conditions, "LEAVES", LEAVES)
    rng = random.Random(seed)
    world = World(start=datetime.fromisoformat("2026-03-01T06:00:00+00:00"), seed=seed)
    snapshot = world.define(*random_definitions(rng), checks=[looks])
    asked = [one for asks in places_of(snapshot).values() for one in asks.values()]
    world.tick()
    open_runs: list[e.RunRequested] = []
    before = BothEvaluators.compared
    for turn in range(30):
        match rng.randrange(6):
            case 0:
                world.report("a0", rng.choice(["2026-02-26", "2026-02-28"]))
            case 1:
                world.report("a1")
            case 2:
                world.advance(timedelta(minutes=rng.choice([1, 5, 31, 1440])))
            case 3:
                if open_runs:
                    world.run(open_runs.pop(0), fail=[t.asset_key for t in open_runs[:1] for t in t.targets])
            case 4:
                world.check("a0", "looks", partition="2026-02-26", passed=rng.random() < 0.5, blocking=False)
            case _:
                if turn > 10:
                    world.wants_snapshot = True
                    world.settle()
                    world.restart()
        for one in asked:
            if rng.random() < 0.3:
                world.append(random_answer(rng, world, one))
        open_runs += world.tick()
    assert BothEvaluators.compared > before
    assert verify(world.log, everything=True).differences == []
