from __future__ import annotations

import gc
from datetime import timedelta
from typing import Any

from headwater import AssetSpec, AutomationCondition, StaticPartitionsDefinition, asset
from headwater.daemon.evaluation.moment import Moment
from headwater.daemon.evaluation.plain import Evaluation, evaluate
from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.snapshot import AssetSnapshot
from headwater.storage.state import State
from support.world import World, parts_of


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


def test_what_was_just_requested_is_still_meant_when_a_reload_numbers_partitions_anew() -> None:
    def project(*keys: str) -> list[Any]:
        parts = StaticPartitionsDefinition(keys)

        @asset(partitions_def=parts, deps=["raw"], automation_condition=AutomationCondition.any_deps_updated())
        def made() -> None: ...

        after = AutomationCondition.any_deps_match(AutomationCondition.newly_requested())

        @asset(partitions_def=parts, deps=[made], automation_condition=after)
        def follows() -> None: ...

        return [AssetSpec("raw", partitions_def=parts), made, follows]

    world = World()
    world.define(*project("x", "y"))
    world.settle()
    world.report("raw", "x")
    world.define(*project("w", "x"))
    runs = world.settle()
    assert parts_of(runs) == [("follows", "x"), ("made", "x")]
    for run in runs:
        world.run(run)
    world.settle()
    world.report("raw", "x")
    world.tick()
    world.define(*project("x", "y"))
    state = State.empty(world.log.definitions_bytes)
    for stored in world.log.read(0, 100):
        state.apply(stored)
    assert [state.space("made").key(ordinal) for ordinal in state.last_tick.requested["made"]] == ["x"]


def test_a_partition_that_waits_for_its_interval_is_asked_for_though_another_one_was_looked_at_since() -> None:
    """Of what stays true, one partition was asked for and made. Before it may be asked for again, another one changes,
    which is looked at alone."""
    parts = StaticPartitionsDefinition(["one", "two"])
    stays_true = AutomationCondition.all_deps_match(~AutomationCondition.missing())

    @asset(deps=["root"], partitions_def=parts, automation_condition=stays_true)
    def reader() -> None: ...

    world = World()
    world.define(AssetSpec("root", partitions_def=parts), reader)
    world.settle()
    world.report("root", "one")
    [first] = world.tick()
    world.run(first)
    assert world.tick() == []
    world.advance(timedelta(seconds=10))
    world.report("root", "two")
    [second] = world.tick()
    assert second.targets[0].partitions == (("two", "two"),)
    world.advance(timedelta(seconds=21))
    [again] = world.tick()
    assert again.targets[0].partitions == (("one", "one"),)
