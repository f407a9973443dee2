from __future__ import annotations

import gc

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.evaluation.moment import Moment
from headwater.daemon.evaluation.plain import Evaluation, evaluate
from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.snapshot import AssetSnapshot
from support.world import World


@asset(deps=["source"], automation_condition=AutomationCondition.eager())
def reader() -> None: ...


def test_a_tick_says_when_it_looked_at_everything() -> None:
    world = World()
    world.define(AssetSpec("source"), reader)
    world.settle()
    assert world.outcomes[0].everything
    world.report("source")
    world.tick()
    assert not world.outcomes[-1].everything
    world.define(AssetSpec("source"), AssetSpec("another"), reader)
    world.tick()
    assert world.outcomes[-1].everything


def test_the_collector_stays_away_while_a_tick_is_decided() -> None:
    seen: list[bool] = []

    def watched(moment: Moment, one: AssetSnapshot) -> Evaluation:
        seen.append(gc.isenabled())
        return evaluate(moment, one)

    world = World()
    world.define(AssetSpec("source"), reader)
    world.ticker = Ticker(world.state, run_id=world.ids.new_id, evaluator=lambda definitions: watched)
    world.settle()
    assert seen
    assert not any(seen)
    assert gc.isenabled()
