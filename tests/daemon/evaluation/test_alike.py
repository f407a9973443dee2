"""Assets that read the same in a tick are evaluated once, and never said to differ from what the plain one says."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from headwater import (
    AssetsDefinition,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    WeeklyPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.evaluation import partitioned
from headwater.daemon.evaluation.alike import AlikeEvaluation, Known
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage.state import mappings
from support.both_evaluators import BothEvaluators
from support.random_conditions import random_condition
from support.world import World

C = AutomationCondition
DAILY = DailyPartitionsDefinition("2026-02-01", end_date="2026-03-01")
WEEKLY = WeeklyPartitionsDefinition("2026-02-01", end_date="2026-03-01")
DAYS = DAILY.get_partition_keys()


def layers(
    conditions: list[AutomationCondition], *, width: int, depth: int, kinds: list[DailyPartitionsDefinition]
) -> list[AssetSpec | AssetsDefinition]:
    """Layers of assets over one root, each of which reads all of the layer before."""
    made: list[AssetSpec | AssetsDefinition] = [AssetSpec("a0", partitions_def=DAILY)]
    above = ["a0"]
    for layer in range(depth):
        names = [f"layer_{layer}_{n}" for n in range(width)]
        for n, name in enumerate(names):

            @asset(
                name=name,
                deps=above,
                partitions_def=kinds[layer % len(kinds)],
                automation_condition=conditions[n % len(conditions)],
            )
            def trivial() -> None: ...

            made.append(trivial)
        above = names
    return made


@asset_check(asset="a0")
def looks() -> bool:
    return True


@pytest.mark.seeds(20, nightly=500)
def test_assets_that_are_alike_mean_the_same_to_both(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(mappings, "FEW", rng.choice([0, 16]))  # 0: positions are mapped at once, however few there are
    conditions = [C.eager(), random_condition(rng, rng.randrange(1, 4))]
    world = World(start=datetime.fromisoformat("2026-03-01T06:00:00+00:00"), seed=seed)
    kinds = [DAILY, rng.choice([DAILY, WEEKLY])]
    world.define(*layers(conditions, width=4, depth=3, kinds=kinds), checks=[looks])  # type: ignore[arg-type]
    before = BothEvaluators.compared
    open_runs: list[e.RunRequested] = []
    for _ in range(20):
        match rng.randrange(6):
            case 0 | 1:
                for day in rng.sample(DAYS, k=rng.randrange(1, 9)):
                    world.report("a0", day)
            case 2:
                world.report(f"layer_0_{rng.randrange(4)}", rng.choice(DAYS))
            case 3:
                world.advance(timedelta(minutes=rng.choice([1, 5, 31])))
            case 4:
                for run in open_runs[:3]:
                    world.run(run, fail=[t.asset_key for t in run.targets if rng.random() < 0.2])
                open_runs = open_runs[3:]
            case _:
                world.check("a0", "looks", partition=rng.choice(DAYS), passed=rng.random() < 0.5, blocking=True)
        if rng.random() < 0.1:
            world.restart()
        open_runs += world.tick()
    assert BothEvaluators.compared > before
    assert verify(world.log, everything=True).differences == []


def swept(monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[Known], list[AlikeEvaluation]]:
    """All partitions of the root are reported at once, with 60 eager assets in three layers below it."""
    world = World()
    world.define(*layers([C.eager()], width=20, depth=3, kinds=[DAILY]))
    world.settle()
    made: list[Known] = []
    found: list[AlikeEvaluation] = []

    class CountedKnown(Known):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            made.append(self)

    class Counted(AlikeEvaluation):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            found.append(self)

    monkeypatch.setattr(partitioned, "Known", CountedKnown)
    monkeypatch.setattr(partitioned, "AlikeEvaluation", Counted)
    for day in DAYS:
        world.report("a0", day)
    world.tick()
    return world, made, found


def test_of_assets_that_read_the_same_one_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    _, made, found = swept(monkeypatch)
    assert len(found) == 60
    assert len(made) == 3  # one a layer


def test_each_of_them_is_told_of_its_own_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _, _ = swept(monkeypatch)
    [stored] = world.log.query(types=["tick"], newest_first=True, limit=1)
    assert isinstance(stored.event, e.Tick)
    assert len(stored.event.decisions) == 60
    for decision in stored.event.decisions:
        layer = int(decision.asset_key.split("_")[1])
        read = {path.partition("[")[2].partition("]")[0] for path, _, _ in decision.leaves if "[" in path}
        assert read == ({f"layer_{layer - 1}_{n}" for n in range(20)} if layer else {"a0"})


def test_one_whose_attempt_handled_the_update_is_not_like_the_others() -> None:
    """Of two readers that latched the same, one has begun an attempt since."""
    world = World()
    world.define(*layers([C.eager()], width=2, depth=1, kinds=[DAILY]))
    world.settle()
    world.report("a0", DAYS[-1])
    first, second = world.tick()
    world.report("a0", DAYS[-2])
    world.run(first)
    asked = [target.asset_key for run in world.tick() for target in run.targets]
    assert sorted(asked) == ["layer_0_0", "layer_0_1"]
    world.run(second)
    assert world.tick() == []
