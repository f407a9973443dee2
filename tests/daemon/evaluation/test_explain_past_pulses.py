"""Explain, once a pulse is over: ticks that decided nothing are not written at once, and have happened all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.evaluation.explain import Explanation, explain_in
from headwater.storage import events as e
from tests.support.world import World

C = AutomationCondition


@pytest.fixture
def world() -> World:
    """`x` is to be made at the very moment at which `src` is updated while `x` is under way. That update has come in
    vain; `x` is under way since, by hand."""
    world = World(start=datetime.now(UTC) - timedelta(days=1))

    @asset(deps=["src"], automation_condition=C.any_deps_match(C.newly_updated()) & C.in_progress())
    def x() -> None: ...

    world.append(e.DaemonStarted(term=1))
    world.define(AssetSpec("src"), x)
    world.settle()
    world.advance(60)
    world.report("src")
    world.settle()
    world.advance(60)
    world.append(e.RunRequested(run_id="by-hand", targets=(e.Target(asset_key="x"),), origin="manual"))
    return world


def newly_updated(explanation: Explanation) -> bool:
    assert explanation.tree is not None
    return explanation.tree.children[0].is_true


def test_while_a_daemon_runs_an_update_that_it_ticked_about_is_no_news(world: World) -> None:
    explanation = explain_in(world.log, "x", is_daemon_running=True)
    assert not newly_updated(explanation)
    assert not explanation.would_be_requested


def test_without_a_daemon_all_that_landed_since_the_last_tick_is_news(world: World) -> None:
    assert newly_updated(explain_in(world.log, "x"))


def test_of_the_past_the_next_tick_tells_which_ticks_were_silent(world: World) -> None:
    landed = world.log.query(asset_key="src", limit=1)[0]
    world.settle()
    closing = world.ticker.closing()
    assert closing is not None
    world.append(closing)
    assert newly_updated(explain_in(world.log, "x", at=landed.offset))
    assert not newly_updated(explain_in(world.log, "x", at=landed.at + timedelta(seconds=30)))


def test_a_daemon_that_could_not_load_its_definitions_has_ticked_about_nothing(world: World) -> None:
    world.append(e.DaemonStarted(term=2))
    world.append(e.DefinitionsFailed(errors=("no",)))
    assert newly_updated(explain_in(world.log, "x", is_daemon_running=True))


def test_a_schedule_that_fired_before_the_last_tick_has_not_just_fired(world: World) -> None:
    @asset(automation_condition=C.cron_tick_passed("* * * * *") & C.execution_failed())
    def y() -> None: ...

    world.define(AssetSpec("src"), y)
    world.settle()
    world.advance(300)
    world.report("src")
    at = world.clock.now() + timedelta(seconds=10)
    assert newly_updated(explain_in(world.log, "y", at=at))
    assert not newly_updated(explain_in(world.log, "y", at=at, is_daemon_running=True))
