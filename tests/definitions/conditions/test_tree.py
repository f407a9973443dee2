"""The algebra: building, naming, describing, and the way to JSON and back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.definitions.conditions import And, AutomationCondition, CronTickPassed, Or, condition_from_json
from headwater.definitions.errors import InvalidDefinitionError, InvalidInvocationError, NotYetSupported

C = AutomationCondition

EVERY_CONDITION = [
    C.missing(),
    C.in_progress(),
    C.execution_failed(),
    C.newly_updated(),
    C.newly_requested(),
    C.newly_missing(),
    C.will_be_requested(),
    C.handled(),
    C.gated(),
    C.initial_evaluation(),
    C.in_latest_time_window(),
    C.in_latest_time_window(timedelta(days=3)),
    C.cron_tick_passed("0 6 * * *", "Europe/Berlin"),
    C.missing() & C.gated(),
    C.missing() | C.gated(),
    ~C.missing(),
    C.newly_updated().since(C.handled()),
    C.newly_updated().since_last_handled(),
    C.missing().newly_true(),
    C.any_deps_match(C.missing()),
    C.all_deps_match(C.missing()).allow(["a", ["p", "q"]]).ignore("b"),
    C.any_deps_updated(),
    C.any_deps_missing(),
    C.any_deps_in_progress(),
    C.any_deps_gated(),
    C.all_deps_updated_since_cron("0 6 * * *"),
    C.eager(),
    C.on_missing(),
    C.on_cron("@daily", "Asia/Tokyo"),
]

LEAVES = st.sampled_from([condition for condition in EVERY_CONDITION if not condition.children])
LABELS = st.none() | st.sampled_from(["one", "two"])
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.builds(lambda a, b: a & b, below, below),
        st.builds(lambda a, b: a | b, below, below),
        st.builds(lambda a: ~a, below),
        st.builds(lambda a, b: a.since(b), below, below),
        st.builds(lambda a: a.newly_true(), below),
        st.builds(lambda a: C.any_deps_match(a).ignore("x"), below),
        st.builds(lambda a, label: a.with_label(label), below, LABELS),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("condition", EVERY_CONDITION, ids=str)
def test_every_condition_survives_json_and_pickle(condition: AutomationCondition) -> None:
    back = condition_from_json(json.loads(json.dumps(condition.to_json())))
    assert back == condition
    assert back.node_id == condition.node_id
    assert hash(back) == hash(condition)
    assert pickle.loads(pickle.dumps(condition)) == condition


@given(tree=TREES)
def test_any_tree_survives_json(tree: AutomationCondition) -> None:
    back = condition_from_json(json.loads(json.dumps(tree.to_json())))
    assert back == tree
    assert back.node_id == tree.node_id


def test_every_condition_describes_itself() -> None:
    assert all(condition.description and str(condition) for condition in EVERY_CONDITION)
    assert str(C.newly_updated().since_last_handled()) == "(it was just updated) since (an attempt has read it)"
    assert str(C.any_deps_match(C.missing()).ignore(["a"])) == "for any upstream asset except a: it was never made"


def test_a_condition_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="'full_moon'"):
        condition_from_json({"op": "full_moon"})


# ---- shape -----------------------------------------------------------------------------------------------------------


def test_nested_ands_and_ors_without_a_label_are_one() -> None:
    a, b, c, d = C.missing(), C.gated(), C.handled(), C.in_progress()
    assert (a & b) & (c & d) == And((a, b, c, d))
    assert a | (b | c) | d == Or((a, b, c, d))
    assert (a & b | c).children == (And((a, b)), c)


def test_a_labelled_operand_stays_whole() -> None:
    ready = (C.missing() & C.gated()).with_label("ready")
    assert (ready & C.handled()).children == (ready, C.handled())


def test_a_label_changes_what_is_shown_and_not_what_is_said() -> None:
    plain, named = C.missing().newly_true(), C.newly_missing()
    assert named.label == "newly_missing"
    assert named != plain
    assert named.node_id == plain.node_id
    assert (named & C.gated()).node_id == (plain & C.gated()).node_id


def test_a_node_id_says_what_the_node_says() -> None:
    by_id = {condition.node_id: condition for condition in EVERY_CONDITION}
    spelt_out_twice = [C.newly_updated().since_last_handled(), C.newly_missing()]
    assert len(by_id) == len(EVERY_CONDITION) - len(spelt_out_twice)
    assert C.missing().since(C.gated()).node_id != C.gated().since(C.missing()).node_id
    assert C.any_deps_match(C.missing()).node_id != C.any_deps_match(C.missing()).ignore("a").node_id


def test_node_ids_never_change() -> None:
    """The memory of conditions is stored under them."""
    assert C.missing().node_id == "0ba2332415be"
    assert C.eager().node_id == "ae637f64d008"
    assert C.on_missing().node_id == "19c4a95f0df9"
    assert C.on_cron("0 6 * * *").node_id == "38c8242fce28"


@pytest.mark.parametrize("wrong", [5, "missing", None])
def test_only_conditions_combine(wrong: object) -> None:
    with pytest.raises(TypeError):
        C.missing() & wrong  # type: ignore[operator]
    with pytest.raises(TypeError):
        wrong | C.missing()  # type: ignore[operator]
    with pytest.raises(InvalidInvocationError, match="any_deps_match takes conditions"):
        C.any_deps_match(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInvocationError, match="since takes conditions"):
        C.missing().since(wrong)  # type: ignore[arg-type]


# ---- operands with arguments -----------------------------------------------------------------------------------------


def test_a_named_schedule_is_kept_as_five_fields() -> None:
    assert C.cron_tick_passed("@daily") == C.cron_tick_passed(" 0  0 * * * ") == CronTickPassed("0 0 * * *")


@pytest.mark.parametrize(
    ("schedule", "zone", "message"),
    [
        ("0 25 * * *", "UTC", "bad hour"),
        ("* * * *", "UTC", "has 4 fields"),
        ("* * * * * *", "UTC", "has 6 fields"),
        ("", "UTC", "has 0 fields"),
        ("@noon", "UTC", "Write five fields"),
        ("0 0 31 2 *", "UTC", "bad day-of-month"),
        ("0 6 * * *", "Mars/Olympus", "no time zone 'Mars/Olympus'"),
        ("0 6 * * *", "", "no time zone ''"),
    ],
)
def test_a_bad_schedule_or_zone_is_refused_where_it_is_written(schedule: str, zone: str, message: str) -> None:
    for build in (C.on_cron, C.cron_tick_passed, C.all_deps_updated_since_cron):
        with pytest.raises(InvalidDefinitionError) as caught:
            build(schedule, zone)
        assert message in str(caught.value)


def test_a_lookback_is_longer_than_zero() -> None:
    with pytest.raises(InvalidDefinitionError, match="longer than zero"):
        C.in_latest_time_window(timedelta(0))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: C.in_latest_time_window(3), "lookback_delta is a timedelta, not 3"),  # type: ignore[arg-type]
        (lambda: C.cron_tick_passed(6), "cron_schedule is a string such as .*, not 6"),  # type: ignore[arg-type]
        (lambda: C.on_cron("@daily", None), "cron_timezone is a string such as .*, not None"),  # type: ignore[arg-type]
        (lambda: C.eager().with_label(3), "the label of a condition is a string, not 3"),  # type: ignore[arg-type]
    ],
)
def test_an_argument_of_another_kind_is_refused_where_it_is_written(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message):
        build()


@pytest.mark.parametrize("build", [C.any_job_root_assets_match, C.all_job_root_assets_match])
def test_a_word_about_conditions_on_jobs_says_what_to_do_instead(build: Callable[..., Any]) -> None:
    with pytest.raises(NotYetSupported, match=r"not supported yet\. Give the condition to the assets of the job"):
        build(C.missing())
