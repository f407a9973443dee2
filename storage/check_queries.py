"""What an instance tells of checks: what each said last, and which are about to be evaluated."""

from __future__ import annotations

from ..definitions.keys import AssetCheckKey, AssetKey
from . import events as e
from .entries import EventLogEntry
from .log import EventLog

PAGE = 100


class CheckQueries:
    """The part of `Instance` that is about checks."""

    log: EventLog

    def get_latest_asset_check_evaluation(self, check_key: AssetCheckKey) -> EventLogEntry | None:
        """The newest evaluation of a check, whatever its partition; None where it was never evaluated.

        >>> result = materialize([orders, orders_not_empty], instance=instance)
        >>> found = instance.get_latest_asset_check_evaluation(AssetCheckKey("orders", "orders_not_empty"))
        >>> found.asset_check_evaluation.passed
        True
        """
        before: int | None = None
        while page := self.log.query(
            asset_key=str(check_key.asset_key),
            types=["asset_check_evaluated"],
            before=before,
            limit=PAGE,
            newest_first=True,
        ):
            for stored in page:
                if isinstance(stored.event, e.AssetCheckEvaluated) and stored.event.check_name == check_key.name:
                    return EventLogEntry.of(stored)
            before = page[-1].offset
        return None

    def get_asset_checks_in_progress(self) -> set[AssetCheckKey]:
        """The checks that runs are to evaluate which have not ended yet."""
        found: set[AssetCheckKey] = set()
        for run_id in self.log.unfinished_runs():
            for stored in self.log.query(run_id=run_id, types=["run_requested"], limit=1):
                if isinstance(stored.event, e.RunRequested):
                    found.update(
                        AssetCheckKey(AssetKey.from_user_string(check.asset_key), check.name)
                        for check in stored.event.checks
                    )
        return found
