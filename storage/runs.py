"""Runs as users of the field read them, and which of them somebody wants to see.

instance.get_runs(RunsFilter(job_name="nightly", statuses=[RunStatus.FAILURE]), limit=10)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..definitions.keys import AssetKey
from ..definitions.run_records import FINISHED_STATUSES as FINISHED_STATUSES
from ..definitions.run_records import Run as Run
from ..definitions.run_records import RunStatus as RunStatus
from . import events as e
from .clock import from_microseconds
from .records import Instant, micros

STATUS_OF = {
    "run_requested": RunStatus.QUEUED,
    "run_started": RunStatus.STARTED,
    "run_succeeded": RunStatus.SUCCESS,
    "run_failed": RunStatus.FAILURE,
    "run_cancelled": RunStatus.CANCELED,
}
"""The status that each event of a run's life brings it to."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with its times. `storage_id` is the offset of its request, and what a cursor of `get_run_records` is."""

    storage_id: int
    run: Run
    create_timestamp: datetime
    update_timestamp: datetime
    start_time: float | None = None
    """When a worker claimed it, in seconds since 1970."""
    end_time: float | None = None


@dataclass(kw_only=True)
class RunsFilter:
    """Which runs. A tag's value may be a list, of which the run has one; all that is given has to hold."""

    run_ids: Sequence[str] | None = None
    job_name: str | None = None
    statuses: Sequence[RunStatus] = ()
    tags: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None

    def lets_through(self, record: RunRecord) -> bool:
        run = record.run
        return (
            (self.run_ids is None or run.run_id in self.run_ids)
            and (self.job_name is None or run.job_name == self.job_name)
            and (not self.statuses or run.status in self.statuses)
            and all(_has(run.tags, key, value) for key, value in self.tags.items())
            and _is_between(record.create_timestamp, self.created_after, self.created_before)
            and _is_between(record.update_timestamp, self.updated_after, self.updated_before)
        )


class Life:
    """The events of one run's life, taken in any order, and the record that they make."""

    __slots__ = ("_ended", "_request", "_started", "_tags")

    def __init__(self) -> None:
        self._request: tuple[int, int, e.RunRequested] | None = None
        self._started: int | None = None
        self._ended: tuple[int, e.Event] | None = None
        self._tags: list[tuple[int, Mapping[str, str]]] = []

    def take(self, offset: int, timestamp: int, event: e.Event) -> None:
        match event:
            case e.RunRequested():
                if self._request is None or offset < self._request[0]:
                    self._request = offset, timestamp, event
            case e.RunStarted():
                self._started = timestamp
            case e.RunTagged():
                self._tags.append((offset, event.tags))
            case _:
                self._ended = timestamp, event

    def record(self) -> RunRecord | None:
        """None where the log has no request of the run."""
        if self._request is None:
            return None
        offset, created, request = self._request
        tags = dict(request.tags)
        for _, more in sorted(self._tags, key=lambda one: one[0]):
            tags |= more
        ended = self._ended[1] if self._ended else None
        last = ended.type if ended else "run_started" if self._started is not None else "run_requested"
        run = Run(
            run_id=request.run_id,
            status=STATUS_OF[last],
            job_name=request.job_name,
            tags=tags,
            run_config=request.run_config,
            asset_selection=frozenset(AssetKey.from_user_string(target.asset_key) for target in request.targets),
            partition_keys=_partition_keys(request.targets),
            origin=request.origin,
            failure_reason=getattr(ended, "reason", None),
            failure_message=getattr(ended, "message", ""),
        )
        newest = max(created, self._started or 0, self._ended[0] if self._ended else 0)
        return RunRecord(
            storage_id=offset,
            run=run,
            create_timestamp=from_microseconds(created),
            update_timestamp=from_microseconds(newest),
            start_time=None if self._started is None else self._started / 1_000_000,
            end_time=self._ended[0] / 1_000_000 if self._ended else None,
        )


def _partition_keys(targets: Sequence[e.Target]) -> tuple[str, ...]:
    ends = [key for target in targets for ends in target.partitions or () for key in ends]
    return tuple(dict.fromkeys(ends))


def _has(tags: Mapping[str, str], key: str, wanted: str | Sequence[str]) -> bool:
    return key in tags and tags[key] in ([wanted] if isinstance(wanted, str) else wanted)


def _is_between(at: datetime, after: Instant | None, before: Instant | None) -> bool:
    position = micros(at)
    return (after is None or position > micros(after)) and (before is None or position < micros(before))
