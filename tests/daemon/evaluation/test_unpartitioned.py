"""Assets without partitions: evaluated at the one place that they have, and never other than by the plain evaluator.

That it answers as the plain one does is compared in every test that uses a World (`support/both_evaluators.py`); here,
random conditions go through both.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from headwater import (
    AssetSpec,
    AutomationCondition,
    Definitions,
    FreshnessPolicy,
    StaticPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.evaluation.partitioned import PartitionedEvaluation
from headwater.daemon.evaluation.plain import Evaluation
from headwater.daemon.evaluation.point_evaluation import PointEvaluation
from headwater.daemon.evaluation.quick import QuickEvaluator
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from support.both_evaluators import BothEvaluators
from support.random_conditions import random_condition
from support.world import World

C = AutomationCondition


def random_definitions(rng: random.Random) -> list[object]:
    policy = FreshnessPolicy.time_window(fail_window=timedelta(minutes=30))
    made: list[object] = [AssetSpec("a0", freshness_policy=policy), AssetSpec("a1")]
    for number in range(2, 7):
        deps = [f"a{n}" for n in sorted(rng.sample(range(number), k=min(number, rng.randrange(1, 4))))]
        condition = random_condition(rng, rng.randrange(1, 4))

        @asset(name=f"a{number}", deps=deps, automation_condition=condition)
        def trivial() -> None: ...

        made.append(trivial)

    @asset(deps=["a0"], automation_condition=C.eager())
    def plain() -> None: ...

    return [*made, plain]  # one at least that the quick evaluator takes


@asset_check(asset="a0")
def looks() -> bool:
    return True


@pytest.mark.seeds(60, nightly=1_600)
def test_random_conditions_mean_the_same_to_both(seed: int) -> None:
    rng = random.Random(seed)
    world = World(seed=seed)
    world.define(*random_definitions(rng), checks=[looks])
    before = BothEvaluators.compared
    open_runs: list[e.RunRequested] = []
    for _ in range(40):
        match rng.randrange(7):
            case 6:
                key, run_id = rng.choice(["a0", "a1", "a3"]), world.ids.new_id()
                tags = rng.choice([{}, {"by": "hand"}, {"by": "clock"}])
                version = rng.choice([None, "v1", "v2"])
                world.append(
                    e.RunRequested(run_id=run_id, targets=(e.Target(asset_key=key),), tags=tags),
                    e.AssetMaterialized(asset_key=key, run_id=run_id, data_version=version),
                    e.RunSucceeded(run_id=run_id),
                )
                if rng.random() < 0.5:
                    world.check("a0", "looks", passed=rng.random() < 0.5, blocking=False)
            case 0 | 1:
                world.report(rng.choice(["a0", "a1", "a3"]))
            case 2:
                world.advance(timedelta(minutes=rng.choice([1, 5, 31])))
            case 3 | 4:
                if open_runs:
                    fail = [t.asset_key for t in open_runs[0].targets if rng.random() < 0.2]
                    world.run(open_runs.pop(0), fail=fail)
            case _:
                world.append(e.FreshnessChanged(asset_key="a0", state="FAIL", previous="PASS", at=world.clock.now()))
        if rng.random() < 0.1:
            world.wants_snapshot = True
        if rng.random() < 0.1:
            world.restart()
        open_runs += world.tick()
    assert BothEvaluators.compared > before
    assert (
        verify(world.log, everything=True).differences == []
    )  # nothing was left alone that should have been looked at


def kind_of_evaluation(*assets: object, key: str) -> type[Evaluation]:
    world = World()
    snapshot = world.define(*assets)
    kinds: list[type[Evaluation]] = []

    def evaluator(definitions):  # type: ignore[no-untyped-def]
        quick = QuickEvaluator(definitions)

        def evaluate(moment, one):  # type: ignore[no-untyped-def]
            evaluation = quick(moment, one)
            if one.key == key:
                kinds.append(type(evaluation))
            return evaluation

        return evaluate

    world.ticker._evaluator = evaluator
    world.tick()
    assert key in snapshot.assets
    return kinds[0]


def test_partitions_and_far_looks_are_left_to_the_other_evaluators() -> None:
    parts = StaticPartitionsDefinition(["x", "y"])

    @asset(automation_condition=C.eager())
    def plain() -> None: ...

    @asset(partitions_def=parts, automation_condition=C.eager())
    def parted() -> None: ...

    @asset(deps=[parted], automation_condition=C.eager())
    def reads_parted() -> None: ...

    @asset(deps=[plain], automation_condition=C.any_deps_match(C.any_deps_match(C.missing())))
    def nested() -> None: ...

    everything = (plain, parted, reads_parted, nested)
    assert kind_of_evaluation(*everything, key="plain") is PointEvaluation
    for key in ("parted", "reads_parted"):
        assert kind_of_evaluation(*everything, key=key) is PartitionedEvaluation
    assert kind_of_evaluation(*everything, key="nested") is Evaluation


def test_equal_conditions_are_compiled_once_and_labels_are_kept_apart() -> None:
    labelled = C.eager().with_label("mine")

    def assets() -> list[object]:
        made = []
        for number, condition in enumerate([C.eager(), C.eager(), labelled]):

            @asset(name=f"a{number}", automation_condition=condition)
            def trivial() -> None: ...

            made.append(trivial)
        return made

    snapshot = Definitions(assets=assets()).snapshot()  # type: ignore[arg-type]
    evaluator = QuickEvaluator(snapshot)
    ways = [evaluator._way_of(one) for one in snapshot.assets.values()]
    conditions = [way.condition for way in ways if way is not None]
    assert conditions[0] is conditions[1]
    assert conditions[0] is not conditions[2]
