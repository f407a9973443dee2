"""Ready conditions and the labelled parts that they are made of.

The expansions are fixed here and shown by `explain` under these labels; a user edits them with `without`, `replace`,
`allow` and `ignore`, or builds another from the same parts. A condition is never changed, so that all assets that ask
for the same one get the same object.
"""

from __future__ import annotations

from functools import cache

from .base import AutomationCondition
from .operands import (
    CheckPassed,
    CronTickPassed,
    Gated,
    InLatestTimeWindow,
    InProgress,
    Missing,
    NewlyUpdated,
    WillBeRequested,
)
from .restricting import AllChecksMatch, AllDepsMatch, AnyDepsMatch


@cache
def any_deps_updated() -> AutomationCondition:
    return AnyDepsMatch((NewlyUpdated() | WillBeRequested(),)).with_label("any_deps_updated")


@cache
def any_deps_missing() -> AutomationCondition:
    return AnyDepsMatch((Missing() & ~WillBeRequested(),)).with_label("any_deps_missing")


@cache
def any_deps_in_progress() -> AutomationCondition:
    return AnyDepsMatch((InProgress(),)).with_label("any_deps_in_progress")


@cache
def any_deps_gated() -> AutomationCondition:
    return AnyDepsMatch((Gated(),)).with_label("any_deps_gated")


def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
    tick = CronTickPassed(cron_schedule, cron_timezone)
    return AllDepsMatch((NewlyUpdated().since(tick) | WillBeRequested(),)).with_label("all_deps_updated_since_cron")


@cache
def all_deps_blocking_checks_passed() -> AutomationCondition:
    passed = AllChecksMatch((CheckPassed() | WillBeRequested(),), blocking_only=True)
    return AllDepsMatch((passed,)).with_label("all_deps_blocking_checks_passed")


@cache
def eager() -> AutomationCondition:
    """An update upstream is a trigger for all it maps to; missing alone is one in the latest time window only."""
    missing_now = AutomationCondition.newly_missing() & InLatestTimeWindow()
    condition = (
        (missing_now | any_deps_updated()).since_last_handled()
        & ~any_deps_missing()
        & ~any_deps_in_progress()
        & ~InProgress()
        & ~any_deps_gated()
    )
    return condition.with_label("eager")


@cache
def on_missing() -> AutomationCondition:
    condition = (
        InLatestTimeWindow()
        & AutomationCondition.newly_missing().since_last_handled()
        & ~any_deps_missing()
        & ~any_deps_gated()
    )
    return condition.with_label("on_missing")


def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
    condition = (
        InLatestTimeWindow()
        & CronTickPassed(cron_schedule, cron_timezone).since_last_handled()
        & all_deps_updated_since_cron(cron_schedule, cron_timezone)
        & ~any_deps_gated()
    )
    return condition.with_label("on_cron")
