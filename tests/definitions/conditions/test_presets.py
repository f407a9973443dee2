"""The expansions of the ready conditions, spelt out."""

from __future__ import annotations

from headwater.definitions.conditions import AutomationCondition, condition_from_json

C = AutomationCondition
UPDATED = {
    "op": "any_deps_match",
    "label": "any_deps_updated",
    "children": [{"op": "or", "children": [{"op": "newly_updated"}, {"op": "will_be_requested"}]}],
}
NOT_MISSING = {
    "op": "not",
    "children": [
        {
            "op": "any_deps_match",
            "label": "any_deps_missing",
            "children": [
                {
                    "op": "and",
                    "children": [{"op": "missing"}, {"op": "not", "children": [{"op": "will_be_requested"}]}],
                }
            ],
        }
    ],
}
NOT_BUSY = {
    "op": "not",
    "children": [{"op": "any_deps_match", "label": "any_deps_in_progress", "children": [{"op": "in_progress"}]}],
}
NOT_GATED = {
    "op": "not",
    "children": [{"op": "any_deps_match", "label": "any_deps_gated", "children": [{"op": "gated"}]}],
}
NEWLY_MISSING = {"op": "newly_true", "label": "newly_missing", "children": [{"op": "missing"}]}
LATEST = {"op": "in_latest_time_window"}
HANDLED = {"op": "handled"}
SIX = {"op": "cron_tick_passed", "cron_schedule": "0 6 * * *", "cron_timezone": "Europe/Berlin"}


def test_eager() -> None:
    trigger = {"op": "or", "children": [{"op": "and", "children": [NEWLY_MISSING, LATEST]}, UPDATED]}
    assert C.eager().to_json() == {
        "op": "and",
        "label": "eager",
        "children": [
            {"op": "since", "children": [trigger, HANDLED]},
            NOT_MISSING,
            NOT_BUSY,
            {"op": "not", "children": [{"op": "in_progress"}]},
            NOT_GATED,
        ],
    }


def test_on_missing() -> None:
    assert C.on_missing().to_json() == {
        "op": "and",
        "label": "on_missing",
        "children": [LATEST, {"op": "since", "children": [NEWLY_MISSING, HANDLED]}, NOT_MISSING, NOT_GATED],
    }


def test_on_cron() -> None:
    updated = {"op": "since", "children": [{"op": "newly_updated"}, SIX]}
    assert C.on_cron("0 6 * * *", "Europe/Berlin").to_json() == {
        "op": "and",
        "label": "on_cron",
        "children": [
            LATEST,
            {"op": "since", "children": [SIX, HANDLED]},
            {
                "op": "all_deps_match",
                "label": "all_deps_updated_since_cron",
                "children": [{"op": "or", "children": [updated, {"op": "will_be_requested"}]}],
            },
            NOT_GATED,
        ],
    }


def test_the_parts_are_offered_under_their_labels() -> None:
    assert C.any_deps_updated() == condition_from_json(UPDATED)
    assert ~C.any_deps_missing() == condition_from_json(NOT_MISSING)
    assert ~C.any_deps_in_progress() == condition_from_json(NOT_BUSY)
    assert ~C.any_deps_gated() == condition_from_json(NOT_GATED)
    assert C.newly_missing() == condition_from_json(NEWLY_MISSING)
