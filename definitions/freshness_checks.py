"""Ready-made checks of freshness: was an asset updated lately enough, or its newest due partition made at all?

Each looks at the log through `context.instance` at the moment when it runs; what it finds is judged by a pure function
of instants. An update is a materialization or an observation. An observation that knows better when the data changed
says so in its metadata under LAST_UPDATED.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .caller import caller
from .check_factories import assets_of, one_check
from .collecting import report
from .errors import DefinitionError, ExecutionError
from .metadata import MetadataValue
from .results import AssetCheckResult, AssetCheckSeverity

if TYPE_CHECKING:
    from .checks import AssetChecksDefinition
    from .partitions.time_windows import TimeWindowPartitionsDefinition
    from .source import SourceLine

NAME = "freshness_check"

LAST_UPDATED = "headwater/last_updated_timestamp"
"""The metadata under which an observation says when the data changed, and a result when it was updated last."""
FRESH_UNTIL = "headwater/fresh_until_timestamp"
"""The metadata under which a passed check says until when it would pass again without an update."""
LOWER_BOUND = "headwater/freshness_lower_bound_timestamp"
"""The metadata under which a result says since when an update had to be there."""

FRESHNESS = "headwater/freshness_params"
"""The metadata of a check of freshness: by what it judges."""


def build_last_update_freshness_checks(
    *,
    assets: Sequence[Any],
    lower_bound_delta: timedelta,
    deadline_cron: str | None = None,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check "freshness_check" of each asset: it passes if the asset was updated at most `lower_bound_delta` ago.

    With a `deadline_cron` it looks back from the newest deadline, not from now: updated by each morning at 9, with
    data of at most 8 hours before that, is

    >>> checks = build_last_update_freshness_checks(
    ...     assets=[orders], lower_bound_delta=timedelta(hours=8), deadline_cron="0 9 * * *"
    ... )

    An asset that was never updated fails. Where there are partitions, an update of any of them counts.
    """
    source = caller()
    cron = _checked_cron(deadline_cron, timezone, source)
    if not isinstance(lower_bound_delta, timedelta) or lower_bound_delta <= timedelta(0):
        report(
            DefinitionError(
                f"{source}: lower_bound_delta={lower_bound_delta!r} is no span of time. Write for example "
                "timedelta(hours=8)."
            )
        )

    def freshness(context: Any) -> AssetCheckResult:
        now = datetime.now(UTC)
        updated = _updated_at(context.instance.get_latest_data_version_record(context.asset_key))
        return judged(updated, now=now, delta=lower_bound_delta, cron=cron, severity=severity)

    words = f"Updated within {lower_bound_delta}{f' of the deadline {deadline_cron!r} ({timezone})' if cron else ''}."
    by = {FRESHNESS: {"lower_bound_delta_s": _seconds(lower_bound_delta), **_deadline(cron)}}
    shared: dict[str, Any] = {"name": NAME, "description": words, "blocking": blocking, "metadata": by}
    return [
        one_check(freshness, asset, whole_asset=True, source=source, **shared)
        for asset in assets_of(assets, source=source)
    ]


def build_time_partition_freshness_checks(
    *,
    assets: Sequence[Any],
    deadline_cron: str,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check "freshness_check" of each asset: it passes if the newest partition that was complete at the newest
    deadline has been made or observed.

    >>> checks = build_time_partition_freshness_checks(assets=[daily_orders], deadline_cron="0 9 * * *")

    The assets must be partitioned by windows of time.
    """
    source = caller()
    cron = _checked_cron(deadline_cron, timezone, source)
    assert cron is not None
    listed = assets_of(assets, source=source)
    for asset in listed:
        _check_windows(asset, source)

    def freshness(context: Any) -> AssetCheckResult:
        from .partitions.time_windows import TimeWindowPartitionsDefinition

        windows = context.partitions_def
        if not isinstance(windows, TimeWindowPartitionsDefinition):
            raise ExecutionError(
                f"asset {str(context.asset_key)!r} is not partitioned by windows of time, which "
                "build_time_partition_freshness_checks needs. Use build_last_update_freshness_checks."
            )
        deadline = _tick_before(cron, datetime.now(UTC))
        due = partition_due(windows, deadline)
        if due is None:
            until = {FRESH_UNTIL: MetadataValue.timestamp(_tick_after(cron, deadline))}
            return AssetCheckResult(
                passed=True, severity=severity, description="No partition is due yet.", metadata=until
            )
        found = context.instance.get_latest_data_version_record(context.asset_key, partition_key=due)
        words = f"Partition {due!r} was due at {deadline:%Y-%m-%d %H:%M} UTC"
        return AssetCheckResult(
            passed=found is not None,
            severity=severity,
            description=f"{words}." if found is not None else f"{words}, and is not there.",
            metadata={
                "partition": due,
                LOWER_BOUND: MetadataValue.timestamp(windows.window(due).end),
                FRESH_UNTIL: MetadataValue.timestamp(_tick_after(cron, deadline)),
            },
        )

    words = f"The newest partition is there by the deadline {deadline_cron!r} ({timezone})."
    by = {FRESHNESS: _deadline(cron)}
    shared: dict[str, Any] = {"name": NAME, "description": words, "blocking": blocking, "metadata": by}
    return [one_check(freshness, asset, whole_asset=True, source=source, **shared) for asset in listed]


def judged(
    updated: datetime | None,
    *,
    now: datetime,
    delta: timedelta,
    cron: tuple[str, str] | None,
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
) -> AssetCheckResult:
    """Whether an asset that was updated last at `updated` is fresh at `now`."""
    deadline = now if cron is None else _tick_before(cron, now)
    since = deadline - delta
    metadata: dict[str, Any] = {LOWER_BOUND: MetadataValue.timestamp(since)}
    if updated is None:
        return AssetCheckResult(
            passed=False, severity=severity, metadata=metadata, description="The asset was never updated."
        )
    metadata[LAST_UPDATED] = MetadataValue.timestamp(updated)
    words = f"Updated last at {updated:%Y-%m-%d %H:%M:%S} UTC"
    if updated < since:
        late = f"{words}, and an update was due since {since:%Y-%m-%d %H:%M:%S} UTC."
        return AssetCheckResult(passed=False, severity=severity, metadata=metadata, description=late)
    metadata[FRESH_UNTIL] = MetadataValue.timestamp(_fresh_until(updated, deadline, delta, cron))
    return AssetCheckResult(passed=True, severity=severity, metadata=metadata, description=f"{words}.")


def partition_due(windows: TimeWindowPartitionsDefinition, deadline: datetime) -> str | None:
    """The newest partition whose window had ended at `deadline`; None before the first."""
    last = windows.end_ordinal(deadline) - 1
    while last >= windows.first_ordinal and windows.window_at(last).end > deadline:  # an end_offset opens some early
        last -= 1
    return windows.key_of(last) if last >= windows.first_ordinal else None


def _seconds(delta: Any) -> float | None:
    return delta.total_seconds() if isinstance(delta, timedelta) else None


def _deadline(cron: tuple[str, str] | None) -> dict[str, str]:
    return {} if cron is None else {"deadline_cron": cron[0], "timezone": cron[1]}


def _fresh_until(updated: datetime, deadline: datetime, delta: timedelta, cron: tuple[str, str] | None) -> datetime:
    """The first instant at which `updated` is too old: without a cron when the span is over, else a deadline."""
    if cron is None:
        return updated + delta
    tick = _tick_after(cron, deadline)
    while tick - delta <= updated:
        tick = _tick_after(cron, tick)
    return tick


def _updated_at(entry: Any) -> datetime | None:
    if entry is None:
        return None
    said = getattr(entry.event, "metadata", {}).get(LAST_UPDATED)
    seconds = said["value"] if isinstance(said, dict) else entry.timestamp
    return datetime.fromtimestamp(float(seconds), UTC)


def _tick_before(cron: tuple[str, str], now: datetime) -> datetime:
    """The newest tick at or before `now`, found by going forward: the way back skips an hour that occurs twice."""
    for days in (2, 32, 366, 366 * 9):
        last = None
        tick = _tick_after(cron, now - timedelta(days=days))
        while tick <= now:
            last, tick = tick, _tick_after(cron, tick)
        if last is not None:
            return last
    raise ExecutionError(f"the cron schedule {cron[0]!r} has not ticked for years.")


def _tick_after(cron: tuple[str, str], instant: datetime) -> datetime:
    from cronsim import CronSim

    from .zones import zone

    return next(CronSim(cron[0], instant.astimezone(zone(cron[1])))).astimezone(UTC)


def _checked_cron(schedule: str | None, timezone: str, source: SourceLine) -> tuple[str, str] | None:
    """The schedule in five fields, and its zone."""
    if schedule is None:
        return None
    from .conditions.operands import CronTickPassed

    try:
        ticks = CronTickPassed(schedule, timezone)
    except DefinitionError as error:
        report(DefinitionError(f"{source}: deadline_cron: {error}"))
        return ("0 0 * * *", "UTC")
    return (ticks.cron_schedule, ticks.cron_timezone)


def _check_windows(asset: Any, source: SourceLine) -> None:
    """Report an asset, given as itself, that is not partitioned by windows of time; one by its key is seen later."""
    from .assets_definition import AssetsDefinition
    from .partitions.time_windows import TimeWindowPartitionsDefinition
    from .spec import AssetSpec

    if isinstance(asset, (AssetsDefinition, AssetSpec)) and not isinstance(
        asset.partitions_def, TimeWindowPartitionsDefinition
    ):
        report(
            DefinitionError(
                f"{source}: asset {str(asset.key)!r} is not partitioned by windows of time, which "
                "build_time_partition_freshness_checks needs. Use build_last_update_freshness_checks for it."
            )
        )
