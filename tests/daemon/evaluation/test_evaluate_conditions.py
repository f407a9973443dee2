"""`evaluate_automation_conditions` as users' tests call it, and with it the situations that users of the field know.

Each is played twice: on the trial that is at hand, and on one made anew from its cursor before every evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetMaterialization,
    AssetObservation,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    EvaluateAutomationConditionsResult,
    FreshnessPolicy,
    Instance,
    InvalidInvocationError,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    evaluate_automation_conditions,
    materialize,
)
from headwater.daemon.evaluation import evaluate_conditions
from headwater.storage import events as e
from headwater.storage.log import StoredEvent

EAGER = AutomationCondition.eager()
CRON = AutomationCondition.on_cron("0 6 * * *")
DAILY = DailyPartitionsDefinition("2026-02-26")
LETTERS = StaticPartitionsDefinition(["a", "b"])
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Table:
    """Definitions on a log, evaluated again and again; each evaluation goes on from the one before."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.assets: list[Any] = []
        self.cursor: str | None = None
        self.before_each: Callable[[], None] = lambda: None
        self.on_first: Any = "request"

    def define(self, *assets: Any) -> None:
        self.assets = list(assets)

    def update(self, *keys: str, partition: str | None = None) -> None:
        for key in keys:
            self.instance.report_runless_asset_event(AssetMaterialization(key, partition=partition))

    def observe(self, key: str, version: str) -> None:
        self.instance.report_runless_asset_event(AssetObservation(key, data_version=version))

    def evaluate(self, at: datetime | None = None, **given: Any) -> EvaluateAutomationConditionsResult:
        self.before_each()
        result = evaluate_automation_conditions(
            self.assets, self.instance, cursor=self.cursor, evaluation_time=at, on_first=self.on_first, **given
        )
        self.cursor = result.cursor
        return result

    def count(self, at: datetime | None = None) -> int:
        return self.evaluate(at).total_requested

    def run_events(self, *events: e.Event) -> None:
        self.instance.log.append(events)


@pytest.fixture(params=["at hand", "made anew"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    with Instance.ephemeral() as instance:
        opened = Table(instance)
        if request.param == "made anew":
            opened.before_each = evaluate_conditions._trials.clear
        yield opened


def eager(name: str, *deps: str, condition: AutomationCondition | None = EAGER, **given: Any) -> Any:
    @asset(name=name, deps=list(deps), automation_condition=condition, **given)
    def made() -> None: ...

    return made


# ---- what users' tests do --------------------------------------------------------------------------------------------


def test_each_update_is_asked_for_once_though_nothing_is_run(table: Table) -> None:
    table.define(AssetSpec("source"), eager("child", "source"))
    assert table.count() == 0
    table.update("source")
    result = table.evaluate()
    assert result.total_requested == 1
    assert result.get_requested_partitions("child") == {None}
    assert result.get_num_requested("child") == 1
    assert result.get_requested_partitions("source") == frozenset()
    assert table.count() == 0
    table.update("source")
    assert table.count() == 1
    assert table.count() == 0


def test_nothing_is_written_to_the_log_and_the_cursor_is_a_plain_string(table: Table) -> None:
    table.define(eager("root"))
    result = table.evaluate()
    assert result.total_requested == 1
    assert table.instance.log.head().offset == 0
    assert isinstance(result.cursor, str)
    assert result.cursor.isascii()


def test_the_same_cursor_twice_gives_the_same_answer_twice(table: Table) -> None:
    table.define(AssetSpec("source"), eager("child", "source"))
    before = table.evaluate().cursor
    table.update("source")
    for _ in range(2):
        table.cursor = before
        assert table.count() == 1


def test_an_evaluation_folds_only_what_has_landed_since_the_one_before(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.before_each = lambda: None
    table.define(AssetSpec("source"), eager("child", "source"))
    for _ in range(100):
        table.update("source")
    table.evaluate()
    table.update("source")
    read: list[StoredEvent] = []
    stored_events = table.instance.log.read
    monkeypatch.setattr(table.instance.log, "read", lambda *given: read.extend(stored_events(*given)) or read[-1:])
    assert table.count() == 1
    assert [stored.offset for stored in read] == [101]


def test_a_whole_chain_is_asked_for_in_one_evaluation(table: Table) -> None:
    table.define(AssetSpec("source"), eager("one", "source"), eager("two", "one"), eager("three", "two", "one"))
    table.update("source")
    result = table.evaluate()
    assert [str(one.key) for one in result.results] == ["one", "two", "three"]
    assert result.total_requested == 3


def test_definitions_of_any_form_are_taken_and_a_selection_of_them(table: Table) -> None:
    table.define(eager("one"), eager("two"))
    result = evaluate_automation_conditions(Definitions(assets=table.assets), table.instance)
    assert result.total_requested == 2
    chosen = evaluate_automation_conditions(table.assets, table.instance, asset_selection=["two"])
    assert [str(one.key) for one in chosen.results] == ["two"]
    assert chosen.get_num_requested("one") == 0


def test_what_was_run_is_not_asked_for_again(table: Table) -> None:
    table.define(eager("parent"), eager("child", "parent"))
    assert table.count() == 2
    materialize(table.assets, instance=table.instance)
    assert table.count() == 0
    materialize(table.assets, instance=table.instance, selection="parent")
    result = table.evaluate()
    assert result.get_requested_partitions("child") == {None}
    assert result.total_requested == 1


def test_results_tell_where_a_condition_holds_and_by_which_leaves(table: Table) -> None:
    missing = AutomationCondition.missing()
    table.define(eager("letters", condition=missing, partitions_def=LETTERS))
    table.update("letters", partition="a")
    [result] = table.evaluate().results
    assert result.true_partitions == result.requested_partitions == {"b"}
    assert [leaf.label for leaf in result.evaluation.leaves] == ["missing"]


@pytest.mark.parametrize("cursor", ["nonsense", "", "e30=", "eJyrrgUAAXUA+Q=="])
def test_a_cursor_that_is_none_is_refused(table: Table, cursor: str) -> None:
    with pytest.raises(InvalidInvocationError, match=r"no cursor of an evaluation.*result\.cursor"):
        evaluate_automation_conditions([eager("root")], table.instance, cursor=cursor)


def test_a_cursor_over_another_instance_is_refused(table: Table) -> None:
    table.define(eager("root"))
    table.update("root")
    cursor = table.evaluate().cursor
    with Instance.ephemeral() as other, pytest.raises(InvalidInvocationError, match="another instance"):
        evaluate_automation_conditions(table.assets, other, cursor=cursor)


def test_a_daemon_that_wrote_to_the_log_is_no_business_of_a_trial(table: Table) -> None:
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source")
    table.run_events(
        e.DefinitionsLoaded(hash="unknown"),
        e.Tick(through=1, at=MIDNIGHT, definitions="unknown"),
        e.DefinitionsFailed(errors=("no",)),
    )
    assert table.count() == 1


# ---- the first evaluation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [EAGER, AutomationCondition.on_missing()])
def test_what_is_missing_at_first_is_asked_for_once(table: Table, condition: AutomationCondition) -> None:
    table.define(eager("root", condition=condition))
    assert [table.count(), table.count()] == [1, 0]


@pytest.mark.parametrize("condition", [EAGER, AutomationCondition.on_missing()])
def test_as_a_baseline_what_is_missing_at_first_is_never_asked_for(
    table: Table, condition: AutomationCondition
) -> None:
    table.on_first = "baseline"
    table.define(AssetSpec("source"), eager("root", "source", condition=condition))
    table.update("source")
    assert [table.count(), table.count()] == [0, 0]


def test_as_a_baseline_an_update_afterwards_is_asked_for(table: Table) -> None:
    table.on_first = "baseline"
    table.define(AssetSpec("source"), eager("one", "source"), eager("two", "one"))
    table.update("source")
    assert table.count() == 0
    table.update("source")
    assert [table.count(), table.count()] == [2, 0]


@pytest.mark.parametrize("on_first", ["request", "baseline"])
def test_missing_by_itself_is_asked_for_at_every_evaluation(table: Table, on_first: str) -> None:
    table.on_first = on_first
    table.define(eager("root", condition=AutomationCondition.missing()))
    assert [table.count(), table.count()] == [1, 1]
    table.update("root")
    assert table.count() == 0


def test_as_a_baseline_an_asset_that_comes_later_is_taken_as_it_is_too(table: Table) -> None:
    table.on_first = "baseline"
    table.define(AssetSpec("source"), eager("one", "source"))
    table.evaluate()
    table.update("source")
    table.define(*table.assets, eager("two", "source"))
    result = table.evaluate()
    assert [result.get_num_requested(key) for key in ("one", "two")] == [1, 0]


def test_how_first_evaluations_are_meant_is_one_of_two_words(table: Table) -> None:
    with pytest.raises(InvalidInvocationError, match="'request' or 'baseline'"):
        evaluate_automation_conditions([eager("root")], table.instance, on_first="never")  # type: ignore[arg-type]


# ---- partitions that come to exist -----------------------------------------------------------------------------------


@pytest.mark.parametrize("on_first", ["request", "baseline"])
def test_a_new_static_key_is_newly_missing(table: Table, on_first: str) -> None:
    table.on_first = on_first
    table.define(eager("letters", partitions_def=LETTERS))
    table.evaluate()
    table.define(eager("letters", partitions_def=StaticPartitionsDefinition(["a", "b", "c"])))
    assert table.evaluate().get_requested_partitions("letters") == {"c"}


@pytest.mark.parametrize("on_first", ["request", "baseline"])
def test_after_two_days_only_the_last_is_asked_for_as_missing(table: Table, on_first: str) -> None:
    table.on_first = on_first
    table.define(eager("days", partitions_def=DAILY))
    table.evaluate(MIDNIGHT)
    assert table.evaluate(MIDNIGHT + 2 * DAY).get_requested_partitions("days") == {"2026-03-02"}
    assert table.count(MIDNIGHT + 2 * DAY) == 0


def test_an_update_of_an_unpartitioned_parent_reaches_every_partition(table: Table) -> None:
    """The field asks for the last day alone: an update is a trigger for all that it maps to."""
    table.define(AssetSpec("source"), eager("days", "source", partitions_def=DAILY))
    table.update("source")
    assert table.evaluate(MIDNIGHT).get_num_requested("days") == 3


def test_an_unpartitioned_child_waits_while_any_partition_of_its_parent_is_missing(table: Table) -> None:
    table.define(AssetSpec("letters", partitions_def=LETTERS), eager("child", "letters"))
    table.update("letters", partition="a")
    assert table.count() == 0
    table.update("letters", partition="b")
    assert table.count() == 1


def test_one_partition_of_a_parent_asks_for_that_one_of_the_child(table: Table) -> None:
    table.define(AssetSpec("raw", partitions_def=DAILY), eager("clean", "raw", partitions_def=DAILY))
    table.evaluate(MIDNIGHT)
    table.update("raw", partition="2026-02-26")
    assert table.evaluate(MIDNIGHT).get_requested_partitions("clean") == {"2026-02-26"}


# ---- runs ------------------------------------------------------------------------------------------------------------


def test_a_run_that_fails_is_asked_for_again_only_after_a_new_trigger(table: Table) -> None:
    @asset(deps=["source"], automation_condition=EAGER)
    def child() -> None:
        raise ValueError("no")

    table.define(AssetSpec("source"), child)
    table.update("source")
    assert table.count() == 1
    materialize(table.assets, instance=table.instance, raise_on_error=False)
    assert table.count() == 0
    table.update("source")
    assert table.count() == 1


def under_way(key: str) -> list[e.Event]:
    targets = (e.Target(asset_key=key),)
    return [
        e.RunRequested(run_id="r", targets=targets),
        e.RunStarted(run_id="r"),
        e.StepStarted(run_id="r", step_key=key, targets=targets),
    ]


@pytest.mark.parametrize("succeeds", [True, False])
def test_an_update_while_the_child_is_built_is_not_lost_however_that_ends(table: Table, succeeds: bool) -> None:
    """The field loses it where the run succeeds."""
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source", "child")
    table.evaluate()
    table.run_events(*under_way("child"))
    table.update("source")
    assert table.count() == 0
    ends: list[e.Event] = [e.StepFailed(run_id="r", step_key="child", error=e.ErrorInfo(cls="E", message=""))]
    if succeeds:
        ends = [
            e.AssetMaterialized(asset_key="child", run_id="r", step_key="child"),
            e.StepSucceeded(run_id="r", step_key="child"),
        ]
    end = e.RunSucceeded(run_id="r") if succeeds else e.RunFailed(run_id="r", reason="step_failed")
    table.run_events(*ends, end)
    assert [table.count(), table.count()] == [1, 0]


def test_what_came_first_within_one_interval_counts(table: Table) -> None:
    """The field has no order within an interval, and loses the second case."""
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source", "child")
    assert table.count() == 0
    table.update("child", "source")
    assert table.count() == 1


def test_a_joint_run_whose_child_failed_has_handled_the_update_of_its_parent(table: Table) -> None:
    @asset(deps=["parent"], automation_condition=EAGER)
    def child() -> None:
        raise ValueError("no")

    table.define(eager("parent", condition=None), child)
    materialize(table.assets, instance=table.instance, raise_on_error=False)
    assert table.count() == 0


def test_what_a_run_is_about_to_make_is_not_asked_for(table: Table) -> None:
    table.define(AssetSpec("source"), eager("child", "source"))
    table.run_events(e.RunRequested(run_id="r", targets=(e.Target(asset_key="child"),)))
    table.update("source")
    assert table.count() == 0


def test_execution_failed_holds_after_a_failure_and_not_after_a_success(table: Table) -> None:
    outcomes = iter([False, True])

    @asset(automation_condition=AutomationCondition.execution_failed())
    def flaky() -> None:
        if not next(outcomes):
            raise ValueError("no")

    table.define(flaky)
    assert table.count() == 0
    materialize([flaky], instance=table.instance, raise_on_error=False)
    assert table.count() == 1
    materialize([flaky], instance=table.instance)
    assert table.count() == 0


# ---- cron ------------------------------------------------------------------------------------------------------------


def test_a_root_on_a_cron_is_asked_for_once_in_each_period(table: Table) -> None:
    table.define(eager("root", condition=CRON))
    hours = [table.count(MIDNIGHT + timedelta(hours=n)) for n in (1, 5, 7, 8, 29, 31, 32, 55)]
    assert hours == [0, 0, 1, 0, 0, 1, 0, 1]


def test_a_cron_is_met_in_every_period_however_far_apart_evaluations_are(table: Table) -> None:
    """The field fires in every second period where evaluations are as far apart as periods."""
    table.define(eager("root", condition=CRON))
    assert [table.count(MIDNIGHT + n * DAY) for n in range(5)] == [0, 1, 1, 1, 1]


def test_a_cron_that_passed_five_times_asks_once(table: Table) -> None:
    table.define(eager("root", condition=CRON))
    table.evaluate(MIDNIGHT)
    assert [table.count(MIDNIGHT + 5 * DAY), table.count(MIDNIGHT + 5 * DAY)] == [1, 0]


def test_on_a_cron_all_dependencies_are_waited_for(table: Table) -> None:
    table.define(AssetSpec("left"), AssetSpec("right"), eager("child", "left", "right", condition=CRON))
    table.update("left", "right")
    table.evaluate(MIDNIGHT)
    morning = MIDNIGHT + timedelta(hours=7)
    assert table.count(morning) == 0
    table.update("left")
    assert table.count(morning) == 0
    table.update("right")
    assert [table.count(morning), table.count(morning)] == [1, 0]


def test_on_a_cron_a_parent_that_is_asked_for_serves_its_child(table: Table) -> None:
    table.define(eager("parent", condition=CRON), eager("child", "parent", condition=CRON))
    table.evaluate(MIDNIGHT)
    assert table.count(MIDNIGHT + timedelta(hours=7)) == 2


def test_time_never_goes_back_between_evaluations(table: Table) -> None:
    table.define(eager("root", condition=CRON))
    table.evaluate(MIDNIGHT + timedelta(hours=7))
    assert table.count(MIDNIGHT) == 0
    assert table.count(MIDNIGHT + timedelta(hours=7)) == 0


def test_a_time_without_a_zone_is_in_utc(table: Table) -> None:
    table.define(eager("root", condition=CRON))
    table.evaluate(datetime(2026, 3, 1, 5, 59))  # noqa: DTZ001
    assert table.count(datetime(2026, 3, 1, 6, 1, tzinfo=UTC)) == 1


def test_a_promise_of_freshness_is_broken_at_its_time(table: Table) -> None:
    policy = FreshnessPolicy.time_window(fail_window=timedelta(hours=6))
    table.define(eager("root", condition=AutomationCondition.freshness_failed(), freshness_policy=policy))
    table.update("root")
    assert [table.count(MIDNIGHT + timedelta(hours=n)) for n in (0, 5, 7)] == [0, 0, 1]
    table.update("root")
    assert table.count(MIDNIGHT + timedelta(hours=8)) == 0


# ---- external assets -------------------------------------------------------------------------------------------------


def test_an_observation_counts_where_the_data_version_is_a_new_one(table: Table) -> None:
    table.define(AssetSpec("source"), eager("child", "source", condition=AutomationCondition.any_deps_updated()))
    counts = []
    for version in ("1", "1", "2"):
        table.observe("source", version)
        counts.append(table.count())
    assert counts == [1, 0, 1]


def test_a_dependency_that_nobody_declares_is_missing_until_its_first_report(table: Table) -> None:
    table.define(eager("child", "elsewhere"))
    assert table.count() == 0
    table.update("elsewhere")
    assert table.count() == 1


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_a_failed_blocking_check_of_a_parent_holds_its_child_back(table: Table) -> None:
    """The field runs the child all the same."""

    @asset_check(asset="source", blocking=True)
    def whole() -> bool:
        return True

    def spoke(*, passed: bool) -> None:
        said = AssetCheckEvaluation("source", "whole", passed, blocking=True)
        table.instance.report_runless_asset_event(said)

    table.define(AssetSpec("source"), eager("child", "source"), whole)
    spoke(passed=False)
    table.update("source")
    assert table.count() == 0
    spoke(passed=True)
    assert table.count() == 1


# ---- definitions that change -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_first", ["request", "baseline"])
def test_an_edited_condition_sees_the_update_of_the_interval(table: Table, on_first: str) -> None:
    table.on_first = on_first
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source", "child")
    table.evaluate()
    table.update("source")
    table.define(AssetSpec("source"), eager("child", "source", condition=EAGER & ~AutomationCondition.missing()))
    assert table.count() == 1


def test_a_condition_taken_out_and_put_back_catches_up(table: Table) -> None:
    """The field begins anew and ignores everything in between."""
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source", "child")
    table.evaluate()
    table.define(AssetSpec("source"), eager("child", "source", condition=None))
    table.update("source")
    assert table.count() == 0
    table.define(AssetSpec("source"), eager("child", "source"))
    assert table.count() == 1


@pytest.mark.parametrize("on_first", ["request", "baseline"])
def test_an_asset_that_is_away_for_a_while_sees_what_it_missed(table: Table, on_first: str) -> None:
    table.on_first = on_first
    table.define(AssetSpec("source"), eager("child", "source"))
    table.update("source", "child")
    table.evaluate()
    table.define(AssetSpec("source"))
    table.update("source")
    table.evaluate()
    table.define(AssetSpec("source"), eager("child", "source"))
    assert table.count() == 1


def test_a_new_dependency_alone_is_no_trigger(table: Table) -> None:
    table.define(AssetSpec("source"), AssetSpec("more"), eager("child", "source"))
    table.update("more", "source", "child")
    table.evaluate()
    table.define(AssetSpec("source"), AssetSpec("more"), eager("child", "source", "more"))
    assert table.count() == 0
    table.update("more")
    assert table.count() == 1


# ---- operators -------------------------------------------------------------------------------------------------------


def test_an_edge_is_consumed_while_another_operand_hides_it(table: Table) -> None:
    ready = AutomationCondition.newly_missing() & ~AutomationCondition.any_deps_missing()
    table.define(AssetSpec("source"), eager("child", "source", condition=ready))
    assert table.count() == 0
    table.update("source")
    assert table.count() == 0


def test_newly_requested_holds_in_the_next_evaluation_only(table: Table) -> None:
    again = AutomationCondition.newly_missing() | AutomationCondition.newly_requested()
    table.define(eager("root", condition=again & ~AutomationCondition.in_progress()))
    assert table.count() == 1
    assert table.count() == 1


def test_all_dependencies_match_where_there_are_none_or_all_are_ignored(table: Table) -> None:
    updated = AutomationCondition.all_deps_match(AutomationCondition.newly_updated())
    table.define(
        AssetSpec("source"),
        eager("lonely", condition=updated),
        eager("ignoring", "source", condition=updated.ignore(["source"])),
        eager("child", "source", condition=updated),
    )
    result = table.evaluate()
    assert [result.get_num_requested(key) for key in ("lonely", "ignoring", "child")] == [1, 1, 0]


def test_what_is_wiped_is_missing_anew(table: Table) -> None:
    table.define(eager("root"))
    table.update("root")
    assert table.count() == 0
    table.instance.wipe_assets(["root"])
    assert [table.count(), table.count()] == [1, 0]


def test_a_long_history_gives_the_same_whether_the_trial_was_kept_or_not(table: Table) -> None:

    table.define(AssetSpec("raw", partitions_def=DAILY), eager("clean", "raw", partitions_def=DAILY), eager("root"))
    counts = []
    for n in range(6):
        table.update("raw", partition=f"2026-02-{26 + n % 3}")
        counts.append(table.count(MIDNIGHT + n * timedelta(hours=9)))
    assert counts == [2, 1, 1, 1, 1, 1]


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_a_check_with_a_condition_is_among_what_is_evaluated_and_requested() -> None:
    @asset_check(asset="orders", automation_condition=AutomationCondition.eager())
    def looks() -> bool:
        return True

    defs, key = Definitions(assets=[AssetSpec("orders")], asset_checks=[looks]), AssetCheckKey("orders", "looks")
    with Instance.ephemeral() as instance:
        result = evaluate_automation_conditions(defs, instance)
        assert [one.key for one in result.results] == [key]
        for _ in range(2):
            instance.report_runless_asset_event(AssetMaterialization("orders"))
            result = evaluate_automation_conditions(defs, instance, cursor=result.cursor)
            assert (result.total_requested, result.get_num_requested(key)) == (1, 1)
            assert result.get_requested_partitions(key) == {None}
            result = evaluate_automation_conditions(defs, instance, cursor=result.cursor)
            assert result.total_requested == 0
        beside = Definitions(assets=[AssetSpec("orders"), AssetSpec("beside")], asset_checks=[looks])
        assert evaluate_automation_conditions(beside, instance, AssetSelection.keys("beside")).results == []
