"""The first evaluation of an asset: what is missing is asked for up to a limit, or everything is taken as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater import (
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    Instance,
    StaticPartitionsDefinition,
    asset,
    evaluate_automation_conditions,
)
from headwater.daemon.evaluation.explain import explain_in
from headwater.daemon.replay.verify import verify
from headwater.definitions.conditions import condition_from_json
from headwater.definitions.errors import InvalidDefinitionError
from headwater.storage import events as e
from tests.support.world import World, keys_of, parts_of

C = AutomationCondition
EAGER = C.eager()
KEYS = StaticPartitionsDefinition(["a", "b", "c", "d", "e"])


def made(name: str, condition: AutomationCondition | None = EAGER, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def first_looks(world: World) -> list[e.FirstLook]:
    ticks = [stored.event for stored in world.log.query(types=["tick"], limit=1000)]
    return [look for tick in ticks if isinstance(tick, e.Tick) for look in tick.first]


def verified(world: World) -> bool:
    return verify(world.log).agrees


# ---- baseline --------------------------------------------------------------------------------------------------------


def test_an_asset_under_baseline_is_taken_as_it_is_and_follows_what_happens_next() -> None:
    world = World()
    world.report("raw")
    world.define(AssetSpec("raw"), made("daily", EAGER.on_first("baseline"), deps=["raw"]))
    assert world.settle() == []
    assert first_looks(world) == [e.FirstLook(asset_key="daily", on_first="baseline", left=None)]
    world.report("raw")
    assert keys_of(world.run_all()) == [["daily"]]
    assert verified(world)


def test_what_comes_to_exist_after_a_baseline_is_newly_missing() -> None:
    names = DynamicPartitionsDefinition(name="names")
    world = World()
    world.append(e.DynamicPartitionsAdded(name="names", keys=("old",)))
    world.define(made("of_name", EAGER.on_first("baseline"), partitions_def=names))
    assert world.settle() == []
    world.append(e.DynamicPartitionsAdded(name="names", keys=("new",)))
    assert parts_of(world.settle()) == [("of_name", "new")]


def test_a_new_day_after_a_baseline_is_asked_for() -> None:
    world = World(start=datetime(2024, 3, 5, 12, tzinfo=UTC))
    days = DailyPartitionsDefinition(start_date="2024-03-01")
    world.define(made("of_day", EAGER.on_first("baseline"), partitions_def=days))
    assert world.settle() == []
    world.advance(24 * 3600)
    assert parts_of(world.settle()) == [("of_day", "2024-03-05")]


def test_a_baseline_is_once_in_the_life_of_an_asset() -> None:
    """An edited condition, and an asset that was away, catch up."""
    world = World()
    source, condition = AssetSpec("raw"), EAGER.on_first("baseline")
    world.define(source, made("child", condition, deps=["raw"]))
    world.settle()
    world.define(source)
    world.settle()
    world.report("raw")
    world.settle()
    world.define(source, made("child", condition, deps=["raw"]))
    assert keys_of(world.run_all()) == [["child"]]
    world.define(source)
    world.report("raw")
    world.settle()
    world.define(source, made("child", condition | C.gated(), deps=["raw"]))
    assert keys_of(world.run_all()) == [["child"]]
    assert len(first_looks(world)) == 1


def test_a_baseline_holds_after_a_restart_from_a_snapshot() -> None:
    world = World()
    world.wants_snapshot = True
    world.define(AssetSpec("raw"), made("child", EAGER.on_first("baseline"), deps=["raw"]))
    world.settle()
    world.restart()
    assert world.settle() == []
    assert world.state.memory.first.keys() == {"child"}
    assert list(world.state.memory.left["child"]) == [0]


def test_the_definitions_say_it_for_all_conditions_that_say_nothing() -> None:
    world = World()
    mine, yours = made("mine"), made("yours", EAGER.on_first("request"))
    world.definitions = defs = Definitions([mine, yours], on_first="baseline")
    conditions = {key: asset.condition for key, asset in defs.snapshot().assets.items()}
    assert {key: c.first.how for key, c in conditions.items() if c and c.first} == {
        "mine": "baseline",
        "yours": "request",
    }
    with Instance.ephemeral() as instance:
        assert evaluate_automation_conditions(defs, instance).get_num_requested("yours") == 1
        assert evaluate_automation_conditions(defs, instance).total_requested == 1
        assert evaluate_automation_conditions(defs, instance, on_first="baseline").total_requested == 0
        assert evaluate_automation_conditions(defs, instance, on_first="request").total_requested == 2


def test_merged_definitions_agree_about_on_first() -> None:
    one, two = Definitions([made("a")], on_first="baseline"), Definitions([made("b")])
    assert Definitions.merge(one, two).on_first == "baseline"
    with pytest.raises(Exception, match="on_first"):
        Definitions.merge(one, Definitions([made("c")], on_first="request")).validate()
    with pytest.raises(Exception, match="'request' or 'baseline', not 'never'"):
        Definitions([made("a")], on_first="never").validate()  # type: ignore[arg-type]


# ---- request, capped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [C.eager(), C.on_missing()])
def test_no_more_than_the_limit_is_asked_for_because_it_is_missing(condition: AutomationCondition) -> None:
    world = World()
    world.define(made("parted", condition.on_first("request", limit=2), partitions_def=KEYS))
    assert parts_of(world.run_all()) == [("parted", "a"), ("parted", "b")]
    assert first_looks(world) == [
        e.FirstLook(asset_key="parted", on_first="request", left=(("c", "c"), ("d", "d"), ("e", "e")))
    ]
    assert verified(world)


def test_without_a_limit_all_is_asked_for() -> None:
    world = World()
    world.define(made("parted", EAGER.on_first("request", limit=None), partitions_def=KEYS))
    assert len(parts_of(world.run_all())) == 5
    assert first_looks(world) == []


def test_a_limit_is_there_where_nothing_is_said() -> None:
    many = StaticPartitionsDefinition([f"{n:04}" for n in range(1_200)])
    world = World()
    world.define(made("parted", partitions_def=many))
    world.settle()
    assert len(world.state.memory.left["parted"]) == 200


def test_an_update_is_a_trigger_whatever_the_limit() -> None:
    world = World()
    world.define(AssetSpec("raw", partitions_def=KEYS))
    for key in ("d", "e"):
        world.report("raw", key)
    condition = EAGER.on_first("request", limit=1).without("any_deps_missing")
    world.define(AssetSpec("raw", partitions_def=KEYS), made("child", condition, deps=["raw"], partitions_def=KEYS))
    assert parts_of(world.run_all()) == [("child", "a"), ("child", "d"), ("child", "e")]
    world.report("raw", "b")
    assert parts_of(world.run_all()) == [("child", "b")]


def test_the_limit_counts_what_is_missing_and_not_when_its_dependencies_come() -> None:
    world = World()
    child = made("child", EAGER.on_first("request", limit=2), deps=["raw"], partitions_def=KEYS)
    world.define(AssetSpec("raw"), child)
    assert world.settle() == []
    world.report("raw")
    assert len(parts_of(world.run_all())) == 5  # an update, which maps to all of them
    assert list(world.state.memory.left["child"]) == [2, 3, 4]


def test_keys_that_come_later_are_not_limited() -> None:
    names = DynamicPartitionsDefinition(name="names")
    world = World()
    world.define(made("of_name", EAGER.on_first("request", limit=1), partitions_def=names))
    world.settle()
    world.append(e.DynamicPartitionsAdded(name="names", keys=("a", "b", "c")))
    assert len(parts_of(world.settle())) == 3


# ---- told ------------------------------------------------------------------------------------------------------------


def test_explain_says_that_it_was_left_so() -> None:
    world = World()
    world.define(made("parted", EAGER.on_first("request", limit=2), partitions_def=KEYS))
    world.run_all()
    explanation = explain_in(world.log, "parted", partition="d")
    assert not explanation.would_be_requested
    assert any("on_first left it so" in blocker.needed for blocker in explanation.blockers)


# ---- as data ---------------------------------------------------------------------------------------------------------


def test_the_word_survives_json_and_is_no_part_of_what_a_condition_says() -> None:
    condition = EAGER.on_first("request", limit=7)
    assert condition_from_json(condition.to_json()) == condition
    assert condition.node_id == EAGER.node_id
    assert EAGER.on_first("baseline").to_json()["on_first"] == {"how": "baseline"}
    assert "on_first" not in EAGER.to_json()


def test_the_word_of_a_part_is_that_of_the_whole() -> None:
    base = EAGER.on_first("baseline")
    for whole in (base & C.gated(), C.gated() | base, ~base, base.newly_true(), base.without("any_deps_missing")):
        assert whole.first is not None
        assert whole.first.how == "baseline"
    assert (base & EAGER.on_first("request")).first == base.first


@pytest.mark.parametrize(
    ("how", "limit", "message"),
    [("never", 1, "'request' or 'baseline'"), ("baseline", 5, "no limit"), ("request", 0, "not 0")],
)
def test_a_word_that_makes_no_sense_is_refused(how: Any, limit: int, message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message):
        EAGER.on_first(how, limit=limit)
