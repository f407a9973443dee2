"""Single partitions are evaluated alone where nothing else can have changed, and all of them where it can.

What they come to is compared with the plain evaluator in every test that uses a World (`support/both_evaluators.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from headwater import (
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
)
from headwater.daemon.evaluation import sharing
from headwater.daemon.evaluation.compiling import compiled
from headwater.daemon.evaluation.moment import Moment
from headwater.daemon.evaluation.plain import Evaluation
from headwater.daemon.evaluation.quick import MOST_POINTS
from headwater.definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from headwater.storage import events as e
from support.both_evaluators import BothEvaluators
from support.world import World

C = AutomationCondition
DAYS = DailyPartitionsDefinition(start_date="2026-02-01")
RAW = AssetSpec("raw", partitions_def=DAYS)


class Recording:
    """What was looked at of each asset in the last tick: its partitions, or None for all of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[str, list[str | None] | None] = {}
        world.ticker._evaluator = self._evaluator

    def _evaluator(self, definitions: DefinitionsSnapshot) -> Callable[[Moment, AssetSnapshot], Evaluation]:
        both = BothEvaluators(definitions)

        def evaluate(moment: Moment, one: AssetSnapshot) -> Evaluation:
            evaluation = both(moment, one)
            space, bits = moment.state.space(one.key), evaluation.looked_at
            self._found[one.key] = None if bits is None else [space.key(ordinal) for ordinal in bits]
            return evaluation

        return evaluate

    def tick(self) -> dict[str, list[str | None] | None]:
        self._found = {}
        self._world.tick()
        return self._found


def eager(name: str, deps: list[str], partitions: PartitionsDefinition | None = DAYS) -> object:
    @asset(
        name=name,
        deps=deps,
        partitions_def=partitions,
        automation_condition=C.eager().without(C.in_latest_time_window()),
    )
    def made() -> None: ...

    return made


def recorded(*assets: object) -> tuple[World, Recording]:
    world = World()
    recording = Recording(world)
    world.define(*assets)
    world.settle()
    return world, recording


def test_only_the_partition_that_changed_is_looked_at_all_the_way_down() -> None:
    world, recording = recorded(
        AssetSpec("raw", partitions_def=DAYS), eager("clean", ["raw"]), eager("sums", ["clean"])
    )
    world.report("raw", "2026-02-03")
    assert recording.tick() == {"clean": ["2026-02-03"], "sums": ["2026-02-03"]}
    [run] = [event.event for event in world.log.query(types=["run_requested"])]
    assert isinstance(run, e.RunRequested)
    assert [target.asset_key for target in run.targets] == ["clean", "sums"]


def test_several_partitions_are_looked_at_one_by_one_and_many_as_a_set() -> None:
    world, recording = recorded(RAW, eager("clean", ["raw"]))
    few = [f"2026-02-{day:02}" for day in range(3, 3 + MOST_POINTS)]
    for day in few:
        world.report("raw", day)
    assert recording.tick() == {"clean": few}
    assert world.requested("clean") == MOST_POINTS
    for day in range(3, 4 + MOST_POINTS):
        world.report("raw", f"2026-02-{day:02}")
    assert recording.tick() == {"clean": None}


def test_a_life_of_a_run_looks_at_its_partition_alone() -> None:
    world, recording = recorded(
        AssetSpec("raw", partitions_def=DAYS), eager("clean", ["raw"]), eager("sums", ["clean"])
    )
    world.report("raw", "2026-02-03")
    [run] = world.tick()
    world.start(run.run_id, "clean")
    assert recording.tick() == {"clean": ["2026-02-03"], "sums": ["2026-02-03"]}
    world.finish(run.run_id, "clean")
    assert recording.tick() == {"clean": ["2026-02-03"], "sums": ["2026-02-03"]}


def test_when_a_window_opens_all_partitions_are_looked_at() -> None:
    world, recording = recorded(RAW, eager("clean", ["raw"]))
    world.advance(timedelta(days=1))
    world.report("raw", "2026-02-03")
    assert recording.tick() == {"clean": None}


def test_an_update_of_a_dependency_without_partitions_is_news_to_all_partitions() -> None:
    letters = StaticPartitionsDefinition(["a", "b"])
    world, recording = recorded(
        AssetSpec("raw", partitions_def=letters), AssetSpec("rates"), eager("clean", ["raw", "rates"], letters)
    )
    world.report("rates")
    for letter in "ab":
        world.report("raw", letter)
    assert recording.tick() == {"clean": None}
    assert world.requested("clean") == 2
    for stored in world.log.query(types=["run_requested"]):
        assert isinstance(stored.event, e.RunRequested)
        world.run(stored.event)
    world.settle()
    world.report("raw", "b")
    assert recording.tick() == {"clean": ["b"]}
    assert world.requested("clean") == 3


def test_new_keys_of_dynamic_partitions_are_looked_at_with_all_others() -> None:
    users = DynamicPartitionsDefinition(name="users")
    world, recording = recorded(AssetSpec("raw", partitions_def=users), eager("clean", ["raw"], users))
    world.append(e.DynamicPartitionsAdded(name="users", keys=("ann", "bob")))
    assert recording.tick() == {"clean": None}
    world.report("raw", "bob")
    assert recording.tick() == {"clean": ["bob"]}


def test_a_report_of_a_partition_that_does_not_exist_yet_looks_at_all_that_do() -> None:
    world, recording = recorded(RAW, eager("clean", ["raw"]))
    world.report("raw", "2026-03-05")
    assert recording.tick() == {"clean": None}
    assert world.requested("clean") == 0


def test_automation_that_is_paused_or_tried_looks_at_all_partitions() -> None:
    world, recording = recorded(RAW, eager("clean", ["raw"]))
    world.append(e.AutomationSwitched(mode="dry_run", assets=("clean",)))
    world.settle()
    world.report("raw", "2026-02-03")
    assert recording.tick() == {"clean": None}


def test_what_is_remembered_of_a_dependency_without_partitions_is_left_to_sets() -> None:
    condition = C.any_deps_match(C.missing().newly_true())
    letters = StaticPartitionsDefinition(["a", "b"])

    @asset(deps=["raw", "rates"], partitions_def=letters, automation_condition=condition)
    def clean() -> None: ...

    world, recording = recorded(AssetSpec("raw", partitions_def=letters), AssetSpec("rates"), clean)
    world.report("raw", "a")
    assert recording.tick() == {"clean": None}


def test_a_waiting_partition_is_looked_at_again_when_what_it_waits_for_is_requested() -> None:
    """It is told by what blocks it, and not by a dependency of its own."""
    world, recording = recorded(
        AssetSpec("raw", partitions_def=DAYS), eager("clean", ["raw"]), eager("sums", ["clean"]), eager("top", ["sums"])
    )
    world.report("raw", "2026-02-03")
    [run] = world.tick()
    world.run(run, fail=["clean"])
    world.settle()
    world.advance(60)
    world.report("raw", "2026-02-03")
    recording.tick()
    runs = [event.event for event in world.log.query(types=["run_requested"])]
    assert [[target.asset_key for target in one.targets] for one in runs if isinstance(one, e.RunRequested)] == [
        ["clean", "sums", "top"],
        ["clean", "sums", "top"],
    ]


@pytest.mark.parametrize("label", ["plain", 'it\'s "quoted"', "two\nlines", "{braces}", "\\", "é"])
def test_nothing_that_a_user_names_becomes_part_of_the_text_of_a_condition(label: str) -> None:
    condition = (C.newly_updated().with_label(label) | C.any_deps_match(C.missing().with_label(label))).with_label(
        label
    )

    @asset(name="reads", deps=["raw"], automation_condition=condition)
    def reads() -> None: ...

    world = World()
    world.define(AssetSpec("raw"), reads)
    before = BothEvaluators.compared
    assert len(world.settle()) == 1
    assert BothEvaluators.compared > before


def test_what_is_looked_at_one_by_one_has_no_more_reasons_than_each_decision_says_itself() -> None:
    """Otherwise a Tick would depend on how its assets were evaluated."""
    assert MOST_POINTS <= sharing.FEW


def test_a_look_beyond_the_direct_dependencies_is_not_compiled() -> None:
    assert compiled(C.any_deps_match(C.any_deps_match(C.missing()))) is None
    assert compiled(C.asset_matches("raw", C.missing())) is None


def test_what_one_partition_is_put_off_for_is_kept_while_another_is_evaluated_alone() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["x", "y"]), automation_condition=C.missing())
    def level() -> None: ...

    world = World()
    recording = Recording(world)
    world.define(level)
    for run in world.settle():
        world.run(run, fail=["level"])
    assert world.settle() == []  # both are missing still, and not to be asked for again so soon
    world.report("level", "x")
    assert recording.tick() == {"level": ["x"]}
    world.advance(31)
    [run] = world.settle()
    assert run.targets[0].partitions == (("y", "y"),)
