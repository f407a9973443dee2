"""Conditions that users write in Python, in tests of their own and as the daemon's loop has them asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headwater import (
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    AutomationCondition,
    AutomationContext,
    AutomationResult,
    Definitions,
    DynamicPartitionsDefinition,
    Instance,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    evaluate_automation_conditions,
)
from headwater.daemon.evaluation.explain import explain_in
from headwater.daemon.replay.suppose import suppose
from headwater.daemon.replay.verify import verify
from headwater.definitions.conditions import PythonCondition, condition_from_json
from headwater.definitions.errors import DefinitionErrors, InvalidDefinitionError
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from tests.support.sensing import SensingWorld
from tests.support.world import keys_of, parts_of

C = AutomationCondition
KEYS = StaticPartitionsDefinition(["a", "b", "c"])

OPEN: set[str] = set()
"""What `IsOpen` says yes to: names of assets, and partition keys."""
ASKED: list[str] = []


@pytest.fixture(autouse=True)
def nothing_is_open() -> None:
    OPEN.clear()
    ASKED.clear()


@dataclass(frozen=True)
class IsOpen(AutomationCondition):
    """True of the assets, or of the partitions, that are in OPEN."""

    hint: str = ""

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        ASKED.append(str(context.key))
        if str(context.key) in OPEN:
            return AutomationResult(context, context.candidate_subset)
        there = context.candidate_subset.expensively_compute_partition_keys()
        return AutomationResult(context, context.get_subset(key for key in sorted(there) if key in OPEN))


class Counts(AutomationCondition):
    """True every other time that it is asked, by its cursor."""

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        n = int(context.cursor or 0) + 1
        true = context.candidate_subset if n % 2 == 0 else context.get_empty_subset()
        return AutomationResult(context, true, cursor=str(n))


class Raises(AutomationCondition):
    def evaluate(self, context: AutomationContext) -> AutomationResult:
        raise ValueError("no connection")


class RaisesAbout(AutomationCondition):
    def __init__(self, name: str) -> None:
        self.whom = name
        self._client = object()

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        if str(context.key) == self.whom:
            raise ValueError(f"odd data in {self.whom}")
        return AutomationResult(context, context.candidate_subset)


def made(name: str, condition: AutomationCondition | None = None, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def check_of(key: str, **arguments: Any) -> Any:
    @asset_check(asset=key, name="looks", **arguments)
    def looks() -> bool:
        return True

    return looks


class AskingWorld(SensingWorld):
    """Asks until nothing more is due, as the daemon's loop does."""

    def ask(self) -> list[e.RunRequested]:
        before = self.log.head().offset
        self.sense()
        runs = [stored.event for stored in self.log.query(types=["run_requested"], after=before, limit=10_000)]
        return [run for run in runs if isinstance(run, e.RunRequested)]

    def answers(self, node: str | None = None) -> list[e.ConditionEvaluated]:
        events = [stored.event for stored in self.log.query(types=["condition_evaluated"], limit=10_000)]
        return [one for one in events if isinstance(one, e.ConditionEvaluated) and node in (None, one.node)]


def verified(world: AskingWorld) -> bool:
    found = verify(world.log, everything=True)
    assert found.differences == []
    return found.agrees


# ---- asked, and answered ---------------------------------------------------------------------------------------------


def test_an_answer_is_an_event_and_a_level() -> None:
    world = AskingWorld()
    world.define(made("report", IsOpen().newly_true()))
    assert world.ask() == []
    OPEN.add("report")
    world.advance(30)
    assert keys_of(world.ask()) == [["report"]]
    no, yes = world.answers()
    assert (no.partitions, yes.partitions, yes.cause) == ((), None, None)
    assert verified(world)


def test_an_answer_that_is_the_same_is_not_written() -> None:
    world = AskingWorld()
    world.define(made("report", IsOpen()))
    world.ask()
    head = world.log.head().offset
    for _ in range(10):
        world.advance(30)
        world.ask()
    assert len(ASKED) == 11
    assert world.log.head().offset == head


def test_it_is_asked_when_the_asset_or_what_it_reads_has_changed_and_else_at_its_interval() -> None:
    world = AskingWorld()
    world.define(AssetSpec("raw"), AssetSpec("other"), made("report", IsOpen(), deps=["raw"]))
    world.ask()
    world.report("other")
    world.ask()
    assert ASKED == ["report"]
    OPEN.add("report")
    offset = world.report("raw")
    assert keys_of(world.ask()) == [["report"]]
    assert world.answers()[-1].cause == offset
    ASKED.clear()
    world.advance(29)
    world.ask()
    assert ASKED == []
    assert world.sensing.next_due(world.clock.now()) == world.clock.now() + timedelta(seconds=1)
    world.advance(1)
    world.ask()
    assert ASKED == ["report"]


def test_the_class_says_how_long_an_interval_is() -> None:
    class Seldom(IsOpen):
        minimum_interval_seconds = 600

    world = AskingWorld()
    world.define(made("report", Seldom()))
    world.ask()
    world.advance(599)
    world.ask()
    assert len(ASKED) == 1
    world.advance(1)
    world.ask()
    assert len(ASKED) == 2


def test_nothing_is_decided_before_the_first_answer() -> None:
    """Else `~IsClosed()` would hold as long as nobody has asked."""
    world = AskingWorld()
    world.define(AssetSpec("raw"), made("report", C.newly_updated() | (C.eager() & ~IsOpen()), deps=["raw"]))
    world.report("raw")
    assert world.settle() == []
    assert keys_of(world.ask()) == [["report"]]
    assert verified(world)


def test_an_answer_for_some_partitions_is_for_these() -> None:
    world = AskingWorld()
    world.define(made("parted", IsOpen() & C.missing(), partitions_def=KEYS))
    OPEN.add("b")
    assert parts_of(world.ask()) == [("parted", "b")]
    OPEN.add("c")
    world.advance(30)
    assert ("parted", "c") in parts_of(world.ask())
    assert world.answers()[-1].partitions == (("b", "b"), ("c", "c"))
    causes = dict(world.state.conditions.true(world.answers()[-1].node, "parted"))
    assert sorted(map(list, causes.values())) == [[1], [2]]  # each since its own answer
    assert verified(world)


def test_keys_of_dynamic_partitions_that_come_are_asked_about_at_once() -> None:
    names = DynamicPartitionsDefinition(name="names")
    world = AskingWorld()
    world.define(made("of_name", IsOpen() & C.missing(), partitions_def=names))
    assert world.ask() == []
    OPEN.add("of_name")
    world.append(e.DynamicPartitionsAdded(name="names", keys=("x", "y")))
    assert parts_of(world.ask()) == [("of_name", "x"), ("of_name", "y")]


def test_upstream_it_is_asked_about_the_upstream_asset() -> None:
    world = AskingWorld()
    condition = C.eager() & ~C.any_deps_match(IsOpen())
    world.define(AssetSpec("a"), AssetSpec("b"), made("report", condition, deps=["a", "b"]))
    OPEN.add("b")
    world.report("a")
    world.report("b")
    assert world.ask() == []
    assert set(ASKED) == {"a", "b"}
    OPEN.clear()
    world.advance(30)
    assert keys_of(world.ask()) == [["report"]]
    assert verified(world)


def test_a_check_is_asked_about_as_a_check() -> None:
    world = AskingWorld()
    world.define(AssetSpec("raw"), checks=[check_of("raw", automation_condition=IsOpen().newly_true())])
    world.ask()
    key = AssetCheckKey("raw", "looks")
    assert [str(key)] == ASKED
    OPEN.add(str(key))
    world.report("raw")
    [run] = world.ask()
    assert [check.name for check in run.checks] == ["looks"]


def test_each_check_of_an_asset_may_be_asked_about() -> None:
    world = AskingWorld()
    condition = C.any_deps_match(C.any_checks_match(IsOpen())).newly_true()
    world.define(AssetSpec("raw"), made("report", condition, deps=["raw"]), checks=[check_of("raw")])
    assert world.ask() == []
    OPEN.add(str(AssetCheckKey("raw", "looks")))
    world.report("raw")
    assert keys_of(world.ask()) == [["report"]]
    assert verified(world)


def test_one_node_is_asked_once_about_an_asset_whoever_looks_there() -> None:
    world = AskingWorld()
    looks = C.any_deps_match(IsOpen())
    world.define(AssetSpec("raw"), made("a", looks, deps=["raw"]), made("b", looks & C.missing(), deps=["raw"]))
    world.ask()
    assert ASKED == ["raw"]
    assert len(world.orders) == 1


def test_its_cursor_comes_back_to_it() -> None:
    world = AskingWorld()
    world.define(made("report", Counts()))
    for _ in range(4):
        world.ask()
        world.advance(30)
    assert [one.cursor for one in world.answers()][:2] == ["1", "2"]


# ---- with the operators ----------------------------------------------------------------------------------------------


def test_as_a_trigger_it_is_handled_by_an_attempt() -> None:
    world = AskingWorld()
    world.define(made("report", IsOpen().since_last_handled()))
    OPEN.add("report")
    [run] = world.ask()
    world.run(run)
    for _ in range(3):
        world.advance(60)
        assert world.ask() == []
    OPEN.clear()
    world.advance(30)
    world.ask()
    OPEN.add("report")
    world.advance(30)
    assert keys_of(world.ask()) == [["report"]]
    assert verified(world)


def test_as_a_reset_it_clears_as_long_as_it_is_true() -> None:
    world = AskingWorld()
    condition = C.any_deps_match(C.newly_updated()).since(IsOpen()) & ~C.in_progress()
    world.define(AssetSpec("raw"), made("report", condition, deps=["raw"]))
    OPEN.add("report")
    world.ask()
    world.report("raw")
    assert world.ask() == []
    OPEN.clear()
    world.advance(30)
    assert world.ask() == []
    world.report("raw")
    assert keys_of(world.ask()) == [["report"]]
    assert verified(world)


def test_conditions_of_downstream_assets_are_asked_about_the_asset_that_asks() -> None:
    world = AskingWorld()
    source = made("source", C.any_downstream_conditions())
    world.define(source, made("below", IsOpen().newly_true(), deps=["source"]))
    world.ask()
    assert set(ASKED) == {"source", "below"}


# ---- failures --------------------------------------------------------------------------------------------------------


def test_one_that_raises_is_recorded_and_keeps_its_last_answer() -> None:
    class Fails(IsOpen):
        def evaluate(self, context: AutomationContext) -> AutomationResult:
            if "broken" in OPEN:
                raise ValueError("no connection")
            return super().evaluate(context)

    world = AskingWorld()
    OPEN.add("report")
    world.define(AssetSpec("raw"), made("report", C.eager() & Fails(), deps=["raw"]))
    world.ask()
    OPEN.add("broken")
    world.report("raw")
    assert keys_of(world.ask()) == [["report"]]  # what it said last still holds
    last = world.answers()[-1]
    assert (last.status, last.error and last.error.message) == ("failed", "no connection")
    assert "raise ValueError" in (last.error.traceback if last.error else "")
    assert verified(world)


def test_one_that_raises_about_an_asset_answers_about_the_others() -> None:
    world = AskingWorld()
    condition = RaisesAbout("a") & C.missing()
    world.define(made("a", condition), made("b", condition))
    assert keys_of(world.ask()) == [["b"]]
    assert [(one.asset_key, one.status) for one in world.answers()][:2] == [("a", "failed"), ("b", "evaluated")]
    assert world.state.conditions.by_place.keys() == {(one.node, one.asset_key) for one in world.answers()}


def test_one_that_is_stopped_is_recorded_and_the_rest_of_its_assets_are_asked_next() -> None:
    world = AskingWorld()
    world.define(made("a", IsOpen()), made("b", IsOpen()))
    OPEN.update(["a", "b"])
    world.settle()
    world.sensing.observe([])
    world.stop_next = "it took longer than 60 s and was killed"
    world.ask()
    assert [(one.asset_key, one.status) for one in world.answers()] == [("a", "failed"), ("b", "evaluated")]
    assert [error.cls for one in world.answers() if (error := one.error)] == ["EvaluationStopped"]
    world.advance(30)
    world.ask()
    assert world.answers()[-1].asset_key == "a"
    assert world.answers()[-1].status == "evaluated"


def test_a_failure_that_goes_on_is_asked_less_and_written_less() -> None:
    world = AskingWorld()
    world.define(made("report", Raises()))
    for _ in range(40):
        world.ask()
        world.advance(30)
    assert len(world.answers()) == 2  # at first, and after ten minutes
    assert 5 < len(world.orders) < 15


def test_an_answer_that_is_none_is_a_failure() -> None:
    class Odd(AutomationCondition):
        def evaluate(self, context: AutomationContext) -> AutomationResult:
            return True  # type: ignore[return-value]

    world = AskingWorld()
    world.define(made("report", Odd()))
    world.ask()
    [one] = world.answers()
    assert one.error is not None
    assert "Odd.evaluate returned True. Return AutomationResult" in one.error.message


def test_an_evaluation_that_is_lost_with_its_host_is_made_again() -> None:
    world = AskingWorld()
    world.define(made("report", IsOpen() & C.missing()))
    OPEN.add("report")
    world.lose_next = True
    assert keys_of(world.ask()) == [["report"]]


# ---- over the life of a log ------------------------------------------------------------------------------------------


def test_a_restart_keeps_the_answers_and_asks_anew() -> None:
    world = AskingWorld()
    OPEN.add("report")
    world.define(made("report", IsOpen().since_last_handled()))
    world.wants_snapshot = True
    [run] = world.ask()
    world.run(run)
    world.restart()
    assert len(world.state.conditions.by_place) == 1
    ASKED.clear()
    assert world.ask() == []
    assert ASKED == ["report"]


def test_new_definitions_are_asked_anew_and_what_is_gone_is_forgotten() -> None:
    world = AskingWorld()
    world.define(made("report", IsOpen()))
    world.ask()
    world.define(made("report", IsOpen(hint="other")))
    world.ask()
    assert len(ASKED) == 2
    assert len(world.state.conditions.by_place) == 1


def test_a_replay_under_other_definitions_goes_by_the_answers_in_the_log() -> None:
    world = AskingWorld()
    OPEN.add("report")
    world.define(made("report", IsOpen().since_last_handled()))
    [run] = world.ask()
    world.run(run)
    ASKED.clear()
    other = DefinitionsSnapshot.of(Definitions([made("report", IsOpen() & C.missing())]))
    comparison = suppose(world.log, other, since=0)
    assert [target.asset_key for run in comparison.supposed for target in run.targets] == ["report"]
    assert ASKED == []


# ---- explained -------------------------------------------------------------------------------------------------------


def test_explain_names_the_class_and_the_answer() -> None:
    world = AskingWorld()
    world.define(made("report", C.missing() & IsOpen()))
    before = explain_in(world.log, "report")
    assert [wait.kind for wait in before.waits] == ["unanswered"]
    world.ask()
    explanation = explain_in(world.log, "report")
    assert explanation.tree is not None
    leaf = explanation.tree.children[1]
    assert (leaf.name, leaf.changed_by, leaf.is_true) == ("IsOpen", "condition_evaluated", False)
    [blocker] = explanation.blockers
    assert blocker.operand == "IsOpen"
    assert "its Python code has to say so; its last answer" in blocker.needed
    OPEN.add("report")
    world.advance(30)
    [run] = world.ask()
    world.run(run)
    links = explain_in(world.log, "report").last_request
    assert any(link.because == "IsOpen said so" for link in links)


def test_explain_says_that_it_failed() -> None:
    world = AskingWorld()
    world.define(made("report", Raises()))
    world.ask()
    [wait] = explain_in(world.log, "report").waits
    assert "Raises has never answered about report: it failed at" in wait.needed
    assert "ValueError: no connection" in wait.needed


# ---- in a user's own test --------------------------------------------------------------------------------------------


def test_evaluate_automation_conditions_calls_it_in_the_test_itself() -> None:
    defs = Definitions([AssetSpec("raw"), made("report", C.eager() & IsOpen(), deps=["raw"])])
    with Instance.ephemeral() as instance:
        instance.report_runless_asset_event(AssetMaterialization("raw"))
        first = evaluate_automation_conditions(defs, instance)
        assert first.total_requested == 0
        OPEN.add("report")
        second = evaluate_automation_conditions(defs, instance, cursor=first.cursor)
        assert second.get_num_requested("report") == 1
        again = evaluate_automation_conditions(defs, instance, cursor=first.cursor)  # made anew from the cursor
        assert again.get_num_requested("report") == 1
        third = evaluate_automation_conditions(defs, instance, cursor=second.cursor)
        assert third.total_requested == 0


def test_what_it_raises_is_raised_in_the_test() -> None:
    with Instance.ephemeral() as instance, pytest.raises(ValueError, match="no connection"):
        evaluate_automation_conditions(Definitions([made("report", Raises())]), instance)


def test_the_context_tells_when_and_about_what() -> None:
    seen: list[AutomationContext] = []

    class Looks(AutomationCondition):
        def evaluate(self, context: AutomationContext) -> AutomationResult:
            seen.append(context)
            return AutomationResult(context=context, true_subset=context.candidate_subset - context.get_subset(["b"]))

    at = datetime(2026, 1, 2, tzinfo=UTC)
    with Instance.ephemeral() as instance:
        parted = made("parted", Looks(), partitions_def=KEYS)
        result = evaluate_automation_conditions(Definitions([parted]), instance, evaluation_time=at)
        assert result.get_requested_partitions("parted") == {"a", "c"}
        [context] = seen
        assert (context.key, context.evaluation_time, context.partitions_def) == (AssetKey("parted"), at, KEYS)
        assert context.instance is instance
        assert (context.cursor, context.previous_evaluation_time) == (None, None)
        assert context.candidate_subset.size == 3
        with pytest.raises(Exception, match="'nope'"):
            context.get_subset(["nope"])


# ---- as data ---------------------------------------------------------------------------------------------------------


def test_it_is_known_by_its_class_and_its_configuration() -> None:
    assert IsOpen("x").node_id == IsOpen("x").with_label("open").node_id
    assert IsOpen("x").node_id != IsOpen("y").node_id
    assert RaisesAbout("a").node_id == RaisesAbout("a").node_id != RaisesAbout("b").node_id
    assert RaisesAbout("a").with_label("x").whom == "a"
    data = IsOpen("x").to_json()
    assert data["type"].endswith(":IsOpen")
    node = condition_from_json(data)
    assert isinstance(node, PythonCondition)
    assert (node.node_id, node.label, str(node)) == (IsOpen("x").node_id, "IsOpen", "IsOpen")
    whole = C.eager() & ~IsOpen("x")
    assert condition_from_json(whole.to_json()).node_id == whole.node_id


def test_configurations_of_all_plain_kinds_are_data() -> None:
    def node_of(value: Any) -> str:
        return RaisesAbout(value).node_id

    values: list[Any] = [1, "1", 1.5, None, True, date(2026, 1, 1), Path("a"), AssetKey("a"), Decimal(1), UUID(int=1)]
    values += [{"a": [1]}, {1, 2}, (1, 2), verified]
    assert len({node_of(value) for value in values}) == len(values)


def test_a_configuration_that_is_no_data_is_reported_with_the_asset_and_the_line() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"RaisesAbout\.whom is <object"):
        _ = RaisesAbout(object()).node_id  # type: ignore[arg-type]
    with pytest.raises(DefinitionErrors, match=r"test_python_conditions.py:\d+: the automation_condition of 'report'"):
        Definitions([made("report", C.eager() & RaisesAbout(object()))]).validate()  # type: ignore[arg-type]


def test_an_interval_that_is_none_and_an_async_evaluate_are_reported() -> None:
    class Never(IsOpen):
        minimum_interval_seconds = 0

    class Later(AutomationCondition):
        async def evaluate(self, context: AutomationContext) -> AutomationResult:  # type: ignore[override]
            return AutomationResult(context, context.candidate_subset)

    for condition, message in ((Never(), "a number of seconds above 0"), (Later(), "make it a plain function")):
        [error] = Definitions([made("report", condition)]).errors()
        assert message in str(error)


def test_its_edits_go_by_the_name_of_the_class() -> None:
    assert (C.eager() & IsOpen()).without("IsOpen").node_id == C.eager().node_id
    assert (C.missing() & IsOpen()).replace("IsOpen", C.gated()) == C.missing() & C.gated()
