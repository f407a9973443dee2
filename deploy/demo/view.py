"""The live view: what the log says about the demo's assets, folded and drawn a few times a second."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from headwater.storage import events as e
from headwater.storage.log import EventLog, StoredEvent
from headwater.storage.state import AssetState, State

PAGE = 5_000


class Watcher:
    """Follows the log with a State of its own, and counts what the summary tells."""

    def __init__(self, log: EventLog) -> None:
        self.log, self.state = log, State.empty(log.definitions_bytes)
        self.events: list[StoredEvent] = []
        self.recent: deque[Text] = deque(maxlen=6)
        self.news: deque[str] = deque()
        self.runs = self.failures = 0

    def follow(self) -> int:
        """Fold what has landed; returns how many events that were."""
        count = 0
        while page := self.log.read(self.state.through, PAGE):
            for stored in page:
                self.state.apply(stored)
                self._note(stored)
            self.events += page
            count += len(page)
        self.state.take_changes()
        return count

    def _note(self, stored: StoredEvent) -> None:
        event, at = stored.event, f"{stored.at:%H:%M:%S.%f}"[:-3]
        match event:
            case e.RunRequested():
                self.runs += 1
                what = ", ".join(target.asset_key for target in event.targets)
                ranges = event.targets[0].partitions if event.targets else None
                self.recent.append(Text(f"{at}  run {event.run_id[-6:]}  {ranges[0][0] if ranges else '':<10}  {what}"))
            case e.RunFailed():
                self.failures += 1
                if event.infrastructure:
                    self.news.append(f"[red]run {event.run_id[-6:]} was lost[/]: {event.message}")
            case e.StepFailed() if not event.error.cls.endswith("AssetCheckFailed"):
                self.news.append(f"[red]{event.step_key} {event.partition or ''} failed[/]: {event.error.message}")
            case e.AssetCheckEvaluated(passed=False):
                facts = ", ".join(f"{name} = {_plain(value)}" for name, value in event.metadata.items())
                where = f"{event.asset_key} {event.partition or ''}"
                if event.severity == "WARN":
                    self.news.append(f"[yellow]warning[/]: {where}: {event.check_name} ({facts})")
                else:
                    after = (
                        "what is downstream of that day alone stays as it was" if event.blocking else "nothing waits"
                    )
                    self.news.append(f"[red]check failed[/]: {where}: {event.check_name} ({facts}); {after}")

    @property
    def quiet(self) -> bool:
        """Nothing is queued or under way, and the two reports have read every released day."""
        if self.state.runs or self.state.definitions is None or not self.state.last_tick.through:
            return False
        silver = self.state.asset("silver_flights").table
        newest = max((int(position) for _, position in silver.update.items()), default=0)
        reports = [self.state.asset(key).table for key in ("daily_delays", "carrier_report")]
        return all(int(table.handled[0]) >= newest for table in reports)

    def done(self, key: str) -> int:
        return len(self.state.asset(key).table.materialized)

    def passed(self, key: str) -> int:
        """Partitions that were made and passed their checks."""
        return len(self.state.asset(key).table.readable())

    def _existing(self, key: str) -> int:
        assert self.state.definitions is not None
        return len(self.state.spaces.existing(self.state.definitions.assets[key].partitions, datetime.now(UTC)))

    def is_gated(self, day: str) -> bool:
        table, ordinal = self.state.asset("silver_flights").locate(day)
        return table.is_shut(ordinal)

    def draw(self, *, fed: int) -> Group:
        table = Table(title=f"headwater: flights of 2013, {fed} files fed", title_justify="left")
        for column in ("asset", "done", "failed", "missing", "gated", "waiting", "in progress"):
            table.add_column(column, justify="left" if column == "asset" else "right")
        for key in self.state.definitions.assets if self.state.definitions else ():
            table.add_row(key, *_counts(self.state.asset(key), exist=self._existing(key)))
        return Group(table, Text(f"runs {self.runs}, failed {self.failures}"), *self.recent)


def _counts(asset: AssetState, *, exist: int) -> list[str]:
    table = asset.table
    done, failed = len(table.materialized), len(table.failed)
    cells = [done, failed, exist - done, len(table.gated()), len(table.blocked), len(asset.in_progress)]
    return [str(cell) if cell else "-" for cell in cells]


def _plain(value: object) -> object:
    return value.get("value") if isinstance(value, dict) else value
