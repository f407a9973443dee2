"""The operands of conditions at one partition, as lines of the function that a condition becomes (`compiling.py`).

A *site* is where a node looks: at the asset whose condition it is, or at one of its dependencies. What is asked often
stands in the text itself, what is rare is a function that the text calls. What each means stands in `plain.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from ...definitions.conditions import AutomationCondition, PythonCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import run_operands as runs
from .plain import SINCE_EVER
from .said import Said
from .source import Source

if TYPE_CHECKING:
    from .points import Run


class Site(NamedTuple):
    """The names of what is looked at: its key, state, table and the partition; of a dependency (not of the root) also
    the dependency, and the position for which this tick requests the partition (-1: it does not)."""

    key: str
    asset: str
    table: str
    n: str
    dep: str | None = None
    requested: str | None = None


AT_ROOT = Site("key", "asset", "table", "n")
AT_DEP = Site("key_", "asset_", "table_", "n_", "dep_", "requested_")

Write = Callable[[Source, AutomationCondition, Site, bool], Said]
"""Writes an operand; the last parameter says whether it stands in the reset of a latch."""


def _level(text: str) -> Write:
    """True or not, without a position."""
    return lambda source, node, site, in_reset: Said(source.let(text.format(**site._asdict())))


def _named(source: Source, position: str) -> Said:
    """True where it has a position."""
    at = source.let(position)
    return Said(source.let(f"{at} > 0"), at, is_named=True)


def _missing(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    n, table = site.n, site.table
    lasting = source.let(f"not ({n} in {table}.materialized or {table}.observable and {n} in {table}.observed)")
    return Said(lasting, source.let(f"{SINCE_EVER} if {lasting} else 0"), is_named=True)


def _newly_updated(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    return _named(source, _news(site))


def _news(site: Site) -> str:
    return f"run.news({site.key}, {site.n}, {site.dep}) if has_more_news or {site.key} in updated else 0"


def _data_version_changed(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    at = source.new(_news(site))
    with source.block(f"if {at} and run.is_same_data({site.key}, {site.n}):"):
        source.line(f"{at} = 0")
    return _named(source, at)


def _new_updates(quantifier: Callable[[Iterable[bool]], bool]) -> Write:
    def write(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
        assert isinstance(node, runs.RunTagsOperand)

        def is_met(run: Run, key: str, ordinal: int) -> bool:
            return quantifier(node.is_met_by(dict(tags)) for tags in run.tags_of_news(key, ordinal))

        at = source.new(_news(site))
        with source.block(f"if {at} and not {source.name(is_met)}(run, {site.key}, {site.n}):"):
            source.line(f"{at} = 0")
        return _named(source, at)

    return write


def _will_be_requested(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    if site.requested is None:
        return Said()  # of an asset itself it says nothing
    passing = source.let(f"{site.requested} >= 0")
    return Said(passing=passing, passing_position=source.let(f"{site.requested} if {passing} else 0"))


def _newly_requested(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    lasting = source.let(f"{site.n} in moment.previously_requested.get({site.key}, ())")
    return Said(lasting, source.let(f"state.last_tick.through if {lasting} else 0"))


def _in_latest_time_window(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    assert isinstance(node, op.InLatestTimeWindow)
    lookback = source.name(node.lookback_delta)
    return Said(source.let(f"run.is_whole or {site.n} in moment.latest({site.key}, {lookback})"))


def _cron_tick_passed(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    assert isinstance(node, op.CronTickPassed)
    schedule, zone = source.name(node.cron_schedule), source.name(node.cron_timezone)
    return _named(source, f"moment.cron_position({schedule}, {zone}) or 0")


def _code_version_changed(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    return _named(source, f"moment.changes.code_changed.get({site.key}, 0)")


def _initial_evaluation(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    return Said(source.let("first"), source.let("through if first else 0"))


def _check_result(source: Source, site: Site, *, passed: bool) -> Said:
    known = f"{site.key} in state.checks.parts"
    return Said(source.let(f"{known} and {site.n} in state.checks.results({site.key}, passed={passed})"))


def _executed_with_tags(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    assert isinstance(node, runs.RunTagsOperand)
    note = source.let(f"run.note_of({site.table}, {site.n})")
    return Said(source.let(f"{note} is not None and {source.name(node.is_met_by)}(dict({note}.tags))"))


def _executed_with_root_target(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    note = source.let(f"run.note_of({site.table}, {site.n})")
    return Said(source.let(f"{note} is not None and key in {note}.keys"))


def _gated(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    shut = f"{site.n} in {site.table}.held or {site.table}.is_shut({site.n})"
    some = f"({site.table}.held or {site.table}.check_failed) and ({shut})"
    return Said(source.let(some if site.dep is None else f"{site.dep}.gated and {some}"))


def _python(source: Source, node: AutomationCondition, site: Site, in_reset: bool) -> Said:
    """What the user's code said last: in a reset a level, else with the offset of the answer that made it true."""
    at = source.let(f"state.conditions.true({source.name(node.node_id)}, {site.key}).position({site.n})")
    lasting = source.let(f"{at} > 0")
    return Said(lasting) if in_reset else Said(lasting, at, is_named=True)


OPERANDS: dict[type, Write] = {
    op.Missing: _missing,
    op.InProgress: _level("({asset}.unmade or {asset}.backfills) and {n} in {asset}.in_progress"),
    op.RunInProgress: _level("{asset}.unmade and {n} in {asset}.run_in_progress"),
    op.BackfillInProgress: _level("{asset}.backfills and {n} in {asset}.backfill_in_progress"),
    op.ExecutionFailed: _level("{n} in {table}.failed or {n} in {table}.blocked"),
    op.NewlyUpdated: _newly_updated,
    op.CodeVersionChanged: _code_version_changed,
    op.DataVersionChanged: _data_version_changed,
    op.CheckPassed: lambda source, node, site, in_reset: _check_result(source, site, passed=True),
    op.CheckFailed: lambda source, node, site, in_reset: _check_result(source, site, passed=False),
    runs.ExecutedWithRootTarget: _executed_with_root_target,
    runs.ExecutedWithTags: _executed_with_tags,
    runs.AnyNewUpdateHasRunTags: _new_updates(any),
    runs.AllNewUpdatesHaveRunTags: _new_updates(all),
    op.NewlyRequested: _newly_requested,
    op.WillBeRequested: _will_be_requested,
    op.InLatestTimeWindow: _in_latest_time_window,
    op.CronTickPassed: _cron_tick_passed,
    op.InitialEvaluation: _initial_evaluation,
    op.Handled: _level("{n} in {table}.attempted"),
    op.Gated: _gated,
    op.FreshnessPassed: _level("{asset}.freshness == 'PASS'"),
    op.FreshnessWarned: _level("{asset}.freshness == 'WARN'"),
    op.FreshnessFailed: _level("{asset}.freshness == 'FAIL'"),
    PythonCondition: _python,
}
"""What writes each kind of operand."""
