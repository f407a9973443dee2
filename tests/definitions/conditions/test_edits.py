from __future__ import annotations

from typing import Any

import pytest

from headwater.definitions.conditions import (
    And,
    AnyDepsMatch,
    AutomationCondition,
    ChecksMatch,
    DepsMatch,
    Or,
    condition_from_json,
)
from headwater.definitions.errors import InvalidAssetSelection, InvalidInvocationError
from headwater.definitions.keys import AssetCheckKey, AssetKey
from headwater.definitions.selection import AssetSelection

C = AutomationCondition


def names(condition: AutomationCondition) -> set[str]:
    return {node.label or node.name for node in condition.walk()}


# ---- without ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["any_deps_missing", C.any_deps_missing(), ~C.any_deps_missing()])
def test_a_clause_and_the_not_before_it_are_taken_out_together(wanted: AutomationCondition | str) -> None:
    edited = C.eager().without(wanted)
    assert len(edited.children) == len(C.eager().children) - 1
    assert "any_deps_missing" not in names(edited)
    assert edited.label == "eager"


def test_it_reaches_nested_ands_and_an_and_left_with_one_operand_becomes_it() -> None:
    edited = C.eager().without("in_latest_time_window")
    trigger = edited.children[0].children[0]
    assert trigger == Or((C.newly_missing(), C.any_deps_updated()))
    assert edited.children[1:] == C.eager().children[1:]


def test_it_takes_a_condition_out_of_every_and() -> None:
    condition = (C.missing() & C.gated()).newly_true() & C.gated() & C.handled()
    assert condition.without(C.gated()) == C.missing().newly_true() & C.handled()


def test_edits_can_follow_each_other() -> None:
    edited = C.eager().without("in_latest_time_window").without(C.any_deps_missing()).without("any_deps_gated")
    assert names(edited).isdisjoint({"in_latest_time_window", "any_deps_missing", "any_deps_gated"})


def test_it_looks_past_a_label_that_was_given_afterwards() -> None:
    mine = (C.eager().with_label("mine") & ~C.execution_failed()).with_label("ours")
    assert "any_deps_missing" not in names(mine.without("any_deps_missing"))


def test_what_is_not_there_cannot_be_taken_out_and_the_message_lists_what_is() -> None:
    with pytest.raises(InvalidInvocationError) as caught:
        C.eager().without("any_deps_mising")
    assert "'any_deps_mising' is no operand of an AND in 'eager'" in str(caught.value)
    assert "'any_deps_missing'" in str(caught.value)
    with pytest.raises(InvalidInvocationError, match="no AND in it"):
        C.missing().without("missing")
    with pytest.raises(InvalidInvocationError):
        C.on_cron("0 6 * * *").without(C.cron_tick_passed("0 7 * * *").since_last_handled())


def test_something_must_be_left() -> None:
    with pytest.raises(InvalidInvocationError, match="nothing would be left"):
        And((C.missing(), C.missing())).without("missing")


def test_what_an_edit_does_not_touch_is_the_same_object() -> None:
    eager = C.eager()
    edited = eager.without("any_deps_missing")
    assert edited.children[0] is eager.children[0]


# ---- replace ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", ["newly_missing", C.newly_missing(), C.missing().newly_true()])
def test_a_part_is_replaced_by_label_or_by_what_it_says(old: AutomationCondition | str) -> None:
    edited = C.on_missing().replace(old, C.missing())
    assert "newly_missing" not in names(edited)
    assert edited.children[1] == C.missing().since_last_handled()


def test_a_part_is_replaced_everywhere_by_name() -> None:
    edited = C.on_cron("0 6 * * *").replace("cron_tick_passed", C.cron_tick_passed("0 7 * * *"))
    assert edited == C.on_cron("0 7 * * *")


def test_the_whole_can_be_replaced_and_what_is_absent_changes_nothing() -> None:
    assert C.eager().replace("eager", C.missing()) == C.missing()
    eager = C.eager()
    assert eager.replace("no_such_label", C.missing()) is eager


def test_a_replacement_of_the_same_kind_is_merged() -> None:
    assert (C.missing() & C.gated()).replace("gated", C.handled() & C.in_progress()) == And(
        (C.missing(), C.handled(), C.in_progress())
    )


# ---- allow and ignore ------------------------------------------------------------------------------------------------


def test_ignored_and_allowed_upstreams_decide_what_is_looked_at() -> None:
    deps = C.any_deps_match(C.missing())
    assert isinstance(deps, DepsMatch)
    assert deps.looks_at("a")

    ignoring = deps.ignore(["a", AssetKey(["p", "q"])])
    assert isinstance(ignoring, DepsMatch)
    assert [ignoring.looks_at(key) for key in ("a", "p/q", "b")] == [False, False, True]

    allowing = deps.allow(["a", "b"]).ignore("b")
    assert isinstance(allowing, DepsMatch)
    assert [allowing.looks_at(key) for key in ("a", "b", "c")] == [True, False, False]


def test_repeated_calls_add_up_in_any_order() -> None:
    deps = C.any_deps_match(C.missing())
    assert deps.ignore("a").ignore("b") == deps.ignore(["b", "a"])
    assert deps.allow("a").allow(AssetKey("b")) == deps.allow(["a", "b"])
    assert deps.allow([]) == AnyDepsMatch((C.missing(),), allowed=())


def test_they_reach_every_clause_of_a_preset_that_looks_upstream() -> None:
    edited = C.eager().ignore("weather")
    looks = [node for node in edited.walk() if isinstance(node, DepsMatch)]
    assert len(looks) == 4
    assert not any(node.looks_at("weather") for node in looks)
    assert edited.label == "eager"
    assert {node.label for node in looks} == {
        "any_deps_updated",
        "any_deps_missing",
        "any_deps_in_progress",
        "any_deps_gated",
    }


def test_only_the_outermost_look_upstream_is_restricted() -> None:
    grandparents = C.any_deps_match(C.any_deps_match(C.missing()))
    edited = grandparents.ignore("a")
    assert edited.children[0] == grandparents.children[0]


def test_a_condition_that_looks_at_no_upstream_has_nothing_to_ignore() -> None:
    with pytest.raises(InvalidInvocationError, match="looks at no upstream assets and at no checks"):
        (C.missing() & C.gated()).ignore("a")


def looks_of(condition: AutomationCondition) -> list[DepsMatch]:
    return [node for node in condition.walk() if isinstance(node, DepsMatch)]


def test_a_selection_of_keys_is_kept_as_keys() -> None:
    (deps,) = looks_of(C.any_deps_missing().ignore("a, sales/b"))
    assert (deps.ignored, deps.ignore_selections) == (("a", "sales/b"), ())


@pytest.mark.parametrize("selection", ["a, group:seeds", ["a", AssetSelection.groups("seeds")]])
def test_a_selection_of_labels_is_kept_as_its_string_and_survives_json(selection: Any) -> None:
    edited = C.eager().ignore(selection)
    for deps in looks_of(edited):
        assert (deps.ignored, deps.ignore_selections) == (("a",), ("group:seeds",))
    assert condition_from_json(edited.to_json()) == edited
    assert "except a, group:seeds" in looks_of(edited)[0].description


def test_a_selection_that_cannot_be_read_is_refused_where_it_stands() -> None:
    with pytest.raises(InvalidAssetSelection, match="column 5"):
        C.eager().ignore("a or")


# ---- of checks -------------------------------------------------------------------------------------------------------


def test_allowed_and_ignored_checks_decide_what_is_looked_at() -> None:
    checks = C.all_checks_match(C.check_passed())
    ignoring = checks.ignore(AssetSelection.checks(AssetCheckKey("orders", "fresh")))
    assert isinstance(ignoring, ChecksMatch)
    assert [ignoring.looks_at("orders", name) for name in ("fresh", "complete")] == [False, True]
    allowing = checks.allow(AssetSelection.checks(AssetCheckKey("orders", "fresh")))
    assert isinstance(allowing, ChecksMatch)
    assert [allowing.looks_at("orders", name) for name in ("fresh", "complete")] == [True, False]


def test_an_asset_takes_its_checks_along() -> None:
    ignoring = C.any_checks_match(C.check_failed()).ignore("orders")
    assert isinstance(ignoring, ChecksMatch)
    assert [ignoring.looks_at(key, "fresh") for key in ("orders", "customers")] == [False, True]


def test_repeated_selections_of_checks_add_up_and_survive_json() -> None:
    fresh, complete = (AssetSelection.checks(AssetCheckKey("orders", name)) for name in ("fresh", "complete"))
    condition = C.any_checks_match(C.check_failed(), blocking_only=True)
    edited = condition.ignore(fresh).ignore(complete).allow("group:sales")
    assert edited == condition.ignore(fresh | complete).allow(AssetSelection.groups("sales"))
    assert condition_from_json(edited.to_json()) == edited
    assert str(edited) == (
        "for any blocking check among group:sales except orders:complete, orders:fresh: "
        "the check has failed on the newest data"
    )
    assert edited.node_id != condition.node_id


def test_a_selection_of_checks_alone_leaves_upstream_assets_alone_and_reaches_the_checks_there() -> None:
    passed = C.all_deps_blocking_checks_passed()
    edited = (C.any_deps_updated() & passed).allow(AssetSelection.checks_for_assets("orders"))
    (updated, both) = edited.children
    assert updated == C.any_deps_updated()
    assert isinstance(both, DepsMatch)
    assert both.looks_at("customers")
    assert isinstance(both.operand, ChecksMatch)
    assert both.operand.allow_selections == ("checks(orders)",)


def test_a_selection_of_assets_reaches_what_looks_upstream_and_not_the_checks_below_it() -> None:
    edited = (C.all_checks_match(C.check_passed()) & C.all_deps_blocking_checks_passed()).ignore("orders")
    own, upstream = edited.children
    assert isinstance(own, ChecksMatch)
    assert own.ignored == ("orders",)
    assert isinstance(upstream, DepsMatch)
    assert upstream.ignored == ("orders",)
    assert upstream.operand == C.all_deps_blocking_checks_passed().children[0]
