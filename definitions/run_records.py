"""Runs as user code reads them: a run's name, state, tags and config, as sensors and queries hand them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .keys import AssetKey


class RunStatus(Enum):
    """Where a run stands. A run is QUEUED from its request until a worker has claimed it; states in between are the
    field's, and no run here stands in one."""

    NOT_STARTED = "NOT_STARTED"
    QUEUED = "QUEUED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"

    @property
    def is_finished(self) -> bool:
        return self in FINISHED_STATUSES


FINISHED_STATUSES = frozenset({RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED})


@dataclass(frozen=True, slots=True)
class Run:
    """A run. `asset_selection` holds what it was to make; `job_name` is None where assets were made without a job."""

    run_id: str
    status: RunStatus
    job_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    run_config: Mapping[str, Any] = field(default_factory=dict)
    asset_selection: frozenset[AssetKey] = frozenset()
    partition_keys: tuple[str, ...] = ()
    """The partitions that it was to make; a range stands for its ends."""
    origin: str = "manual"
    """Who asked for it: automation, manual, schedule, sensor, backfill or retry."""
    failure_reason: str | None = None
    failure_message: str = ""

    @property
    def partition_key(self) -> str | None:
        """The one partition of the run; None where it has none or several."""
        return self.partition_keys[0] if len(self.partition_keys) == 1 else None

    @property
    def is_finished(self) -> bool:
        return self.status.is_finished

    @property
    def is_success(self) -> bool:
        return self.status is RunStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        return self.status is RunStatus.FAILURE

    @property
    def is_canceled(self) -> bool:
        return self.status is RunStatus.CANCELED
