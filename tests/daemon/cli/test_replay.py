"""`headwater replay`: back to any moment, what changed since, and whether each decision was right."""

from __future__ import annotations

import pytest

from headwater.daemon.replay.verify import ticks_of
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.log import EventLog
from support.commands import Commands, lines_of
from support.world import START, World

EAGER = """
from headwater import AssetSpec, AutomationCondition, Definitions, asset


@asset(deps=["orders"], automation_condition=AutomationCondition.eager())
def total(): ...


defs = Definitions(assets=[AssetSpec("orders"), total])
"""


def copied(world: World, commands: Commands, *, change: dict[int, e.Event] | None = None) -> None:
    """The log of a world as that of the home, with other events at some offsets."""
    clock = VirtualClock(START)
    with EventLog.open(commands.home, clock=clock) as log:
        for stored in world.log.read(0, 100_000):
            clock.advance((stored.at - clock.now()).total_seconds())
            event = (change or {}).get(stored.offset, stored.event)
            blobs = {}
            if isinstance(event, e.DefinitionsLoaded):
                blobs = {event.hash: world.log.definitions_bytes(event.hash)}
            log.append([event], blobs=blobs)


@pytest.fixture
def world() -> World:
    """One asset that is made an hour after its source was reported, and is reported again one hour later."""
    namespace: dict = {}
    exec(EAGER, namespace)
    world = World()
    world.define(*namespace["defs"].assets)
    world.advance(3600)
    world.report("orders")
    world.run_all()
    world.advance(3600)
    world.report("orders")
    world.settle()
    return world


def test_every_asset_is_shown_as_it_was(world: World, commands: Commands) -> None:
    copied(world, commands)
    then = commands.json("replay", "--until", "2026-03-01T00:30Z")
    assert {key: asset["materialized"] for key, asset in then["assets"].items()} == {"orders": 0, "total": 0}
    assert then["assets"]["total"]["missing"] == 1
    then = commands.json("replay", "--until", "2026-03-01T01:30Z")
    assert {key: asset["materialized"] for key, asset in then["assets"].items()} == {"orders": 1, "total": 1}
    assert then["runs"] == []
    now = commands.json("replay", "--until", "0s ago")
    assert [run["assets"] for run in now["runs"]] == [["total"]]
    assert now["offset"] == world.log.head().offset


def test_people_get_a_table_of_assets_and_one_of_runs(world: World, commands: Commands) -> None:
    copied(world, commands)
    shown = commands("replay", "--until", str(world.log.head().offset)).stdout
    assert "total" in shown
    assert "queued" in shown
    assert "1/1" in shown


def test_what_changed_between_two_moments(world: World, commands: Commands) -> None:
    copied(world, commands)
    diff = commands.json("replay", "--diff", "2026-03-01T00:30Z..2026-03-01T01:30Z")
    assert {one["key"]: one["materialized"] for one in diff["assets"]} == {
        "orders": [{"partition": None, "count": 1}],
        "total": [{"partition": None, "count": 1}],
    }
    assert [run["outcome"] for run in diff["runs"]] == ["succeeded"]
    assert "Definitions (none) ->" in commands("replay", "--diff", "0..").stdout
    assert "Nothing changed" in commands("replay", "--diff", "3..3").stdout


def test_what_agrees_is_verified(world: World, commands: Commands) -> None:
    copied(world, commands)
    result = commands("replay", "--verify")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "are what the recorded definitions say" in result.stdout
    assert commands.json("replay", "--verify", "--thorough", "--since", "3")["agrees"] is True


def test_what_differs_is_shown_with_the_leaves_of_both_and_ends_with_1(world: World, commands: Commands) -> None:
    offset, tick = next(
        (stored.offset, stored.event)
        for stored in ticks_of(world.log)
        if isinstance(stored.event, e.Tick) and stored.event.decisions
    )
    decision = tick.decisions[0].model_copy(update={"causes": (e.Cause(position=1),), "leaves": (("/gone", 1, None),)})
    copied(world, commands, change={offset: tick.model_copy(update={"decisions": (decision,)})})
    result = commands("replay", "--verify")
    assert result.exit_code == 1
    assert f"total: causes differs in event {offset}" in result.stdout
    assert "! /gone: recorded true because of 1, recomputed false" in result.stdout
    assert "any_deps" in result.stdout
    assert commands("replay", "--verify", "--since", str(offset)).exit_code == 0


def test_other_definitions_show_what_they_would_have_asked_for(world: World, commands: Commands) -> None:
    copied(world, commands)
    commands.write(EAGER.replace("eager()", "on_cron('0 2 * * *')"))
    result = commands.json("replay", "--with", "flow.py")
    assert result["assets"] == [{"key": "total", "recorded": 2, "supposed": 1}]
    shown = commands("replay", "-m", "flow", "--since", "2026-03-01T01:30Z")
    assert shown.exit_code == 0, shown.output
    assert "with these definitions" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "one of --until"),
        (("--until", "3", "--verify"), "one of --until"),
        (("--until", "yesterday"), "is no moment"),
        (("--diff", "3"), "Write A..B"),
    ],
)
def test_a_wrong_command_line_says_what_to_write(commands: Commands, arguments: tuple[str, ...], said: str) -> None:
    result = commands("replay", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_offset_that_is_not_there_is_an_error(world: World, commands: Commands) -> None:
    copied(world, commands)
    result = commands("replay", "--until", "99999")
    assert result.exit_code == 1
    assert "there is no offset 99999" in result.stderr


def test_the_log_of_a_real_daemon_is_verified(commands: Commands) -> None:
    commands.write(EAGER)
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        commands.append(e.AssetMaterialized(asset_key="orders", origin="report"))
        daemon.wait_for("run_succeeded")
    with commands.daemon() as daemon:
        daemon.wait_for("daemon_started")
        commands.append(e.AssetMaterialized(asset_key="orders", origin="report"))
        daemon.wait_for("run_succeeded")
        daemon.wait_for("run_succeeded")
    result = commands.json("replay", "--verify")
    assert result["agrees"] is True
    assert result["decisions"] >= 2
    with EventLog.open(commands.home) as log:
        assert result["ticks"] == len(list(ticks_of(log)))
    assert commands.json("replay", "--until", "0s ago")["assets"]["total"]["materialized"] == 1
    assert lines_of(commands("events", "tail", "--json", "--type", "run_failed").stdout) == []
