"""The sensor that has freshness checks evaluated when their last word may not hold any more.

A check of freshness says until when it would pass again without an update. It is due

    if it was never evaluated,
    if it passed, and that instant has come,
    if it failed, and its asset has been updated since.

One that failed says the same until then, so it is left alone; so is one that a run is about to evaluate. What was asked
for and has not spoken (its function raised, its run was lost) is asked for again after `ASKED_AGAIN_S`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .caller import caller
from .collecting import report
from .errors import DefinitionError
from .freshness_checks import FRESH_UNTIL, FRESHNESS
from .keys import AssetCheckKey
from .requests import RunRequest, SensorResult, SkipReason
from .selection.base import AssetSelection
from .sensors import DefaultSensorStatus, SensorDefinition

if TYPE_CHECKING:
    from .checks import AssetChecksDefinition
    from .source import SourceLine

ASKED_AGAIN_S = 600.0


def build_sensor_for_freshness_checks(
    *,
    freshness_checks: Sequence[AssetChecksDefinition],
    minimum_interval_seconds: float | None = None,
    name: str = "freshness_checks_sensor",
    default_status: DefaultSensorStatus = DefaultSensorStatus.RUNNING,
    tags: Mapping[str, str] | None = None,
) -> SensorDefinition:
    """A sensor that runs those of `freshness_checks` that are due, in one run, at least `minimum_interval_seconds` (30)
    after it looked last. Its runs have the `tags`.

    >>> checks = build_last_update_freshness_checks(assets=[orders], lower_bound_delta=timedelta(hours=8))
    >>> looks = build_sensor_for_freshness_checks(freshness_checks=checks, minimum_interval_seconds=60)
    >>> looks(build_sensor_context(instance=Instance.ephemeral())).run_requests[0].asset_check_keys
    [AssetCheckKey(asset_key=AssetKey(['orders']), name='freshness_check')]

    A check is due if it was never evaluated, if it passed and might be overdue by now, or if it failed and its asset
    was updated since. The checks belong into `Definitions(asset_checks=...)` as well. Like any sensor it runs unless
    `default_status` says STOPPED.
    """
    source = caller()
    keys = [key for check in freshness_checks for key in _keys_of(check, source)]

    def looks(context: Any) -> SensorResult | SkipReason:
        now = datetime.now(UTC).timestamp()
        asked: dict[str, float] = json.loads(context.cursor or "{}")
        kept = {name: at for name, at in asked.items() if now - at < ASKED_AGAIN_S}
        due = [key for key in checks_due(context.instance, keys, now=now) if str(key) not in kept]
        if not due:
            return SkipReason("No freshness check is due.")
        cursor = json.dumps({**kept, **{str(key): now for key in due}})
        return SensorResult([RunRequest(asset_check_keys=due, tags=tags)], cursor=cursor)

    return SensorDefinition(
        name,
        evaluation_fn=looks,
        asset_selection=AssetSelection.checks(*keys) if keys else None,
        minimum_interval_seconds=minimum_interval_seconds,
        description="Evaluates the freshness checks that are due.",
        default_status=default_status,
        tags=tags,
        source=source,
    )


def _keys_of(check: Any, source: SourceLine) -> list[AssetCheckKey]:
    """The keys of a check of freshness; anything else is reported."""
    specs = getattr(check, "specs", ())
    if not specs or any(FRESHNESS not in spec.metadata for spec in specs):
        report(
            DefinitionError(
                f"{source}: {check!r} among freshness_checks is no check of freshness. Give those that "
                "build_last_update_freshness_checks or build_time_partition_freshness_checks made."
            )
        )
        return []
    return [spec.key for spec in specs]


def checks_due(instance: Any, keys: Iterable[AssetCheckKey], *, now: float) -> list[AssetCheckKey]:
    """Those of the freshness checks `keys` that are due at the time `now`, by what the log of `instance` says."""
    under_way = instance.get_asset_checks_in_progress()
    return [key for key in keys if key not in under_way and _is_due(instance, key, now)]


def _is_due(instance: Any, key: AssetCheckKey, now: float) -> bool:
    last = instance.get_latest_asset_check_evaluation(key)
    if last is None:
        return True
    said = last.asset_check_evaluation
    if said.passed:
        until = said.metadata.get(FRESH_UNTIL)
        return until is not None and float(until.value) <= now
    updated = instance.get_latest_data_version_record(key.asset_key)
    return updated is not None and updated.storage_id > last.storage_id
