"""Entries of the log as users of the field read them: an event with its place, and what it says of an asset.

    entry = instance.get_latest_materialization_event("orders")
    entry.timestamp, entry.asset_materialization.metadata["rows"].value

`storage_id` is the offset in the log. The event itself, with all its fields, is `entry.event`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..definitions.asset_events import AssetCheckEvaluation, AssetMaterialization, AssetObservation
from ..definitions.keys import AssetKey
from ..definitions.metadata import metadata_from_json
from ..definitions.results import AssetCheckSeverity
from . import events as e
from .clock import from_microseconds
from .log import StoredEvent

CODE_VERSION_TAG = "headwater/code_version"
"""The tag under which a materialization shows the version of the code that made it."""


@dataclass(frozen=True, slots=True)
class EventLogEntry:
    """One event of the log. What it does not have (a run, an asset) is None."""

    storage_id: int
    timestamp: float
    """When it was committed, in seconds since 1970 (UTC)."""
    event: e.Event

    @classmethod
    def of(cls, stored: StoredEvent) -> EventLogEntry:
        return cls(stored.offset, stored.timestamp / 1_000_000, stored.event)

    @property
    def at(self) -> datetime:
        """`timestamp` as a datetime in UTC."""
        return from_microseconds(round(self.timestamp * 1_000_000))

    @property
    def event_log_entry(self) -> EventLogEntry:
        """Itself: where users of the field expect a record around it."""
        return self

    @property
    def event_type(self) -> str:
        """The event's type by name, as in "asset_materialized"."""
        return str(self.event.type)

    @property
    def run_id(self) -> str | None:
        return getattr(self.event, "run_id", None)

    @property
    def message(self) -> str:
        """What the event says in words: why a run failed, the error of a step."""
        error = getattr(self.event, "error", None)
        return str(getattr(self.event, "message", "") or (f"{error.cls}: {error.message}" if error else ""))

    @property
    def step_key(self) -> str | None:
        return getattr(self.event, "step_key", None)

    @property
    def asset_key(self) -> AssetKey | None:
        key = getattr(self.event, "asset_key", None)
        return None if key is None else AssetKey.from_user_string(key)

    @property
    def partition(self) -> str | None:
        return getattr(self.event, "partition", None)

    @property
    def partition_key(self) -> str | None:
        return self.partition

    @property
    def tags(self) -> dict[str, str]:
        return dict(getattr(self.event, "tags", {}))

    @property
    def data_version(self) -> str | None:
        """The version of the data by its content, where the event tells one."""
        return getattr(self.event, "data_version", None)

    @property
    def asset_materialization(self) -> AssetMaterialization | None:
        event = self.event
        if not isinstance(event, e.AssetMaterialized):
            return None
        code = {} if event.code_version is None else {CODE_VERSION_TAG: event.code_version}
        return AssetMaterialization(
            AssetKey.from_user_string(event.asset_key),
            description=event.description,
            metadata=_metadata(event),
            partition=event.partition,
            tags={**event.tags, **code},
            data_version=event.data_version,
        )

    @property
    def asset_observation(self) -> AssetObservation | None:
        event = self.event
        if not isinstance(event, e.AssetObserved):
            return None
        return AssetObservation(
            AssetKey.from_user_string(event.asset_key),
            description=event.description,
            metadata=_metadata(event),
            partition=event.partition,
            tags=event.tags,
            data_version=event.data_version,
        )

    @property
    def asset_check_evaluation(self) -> AssetCheckEvaluation | None:
        event = self.event
        if not isinstance(event, e.AssetCheckEvaluated):
            return None
        return AssetCheckEvaluation(
            AssetKey.from_user_string(event.asset_key),
            event.check_name,
            event.passed,
            metadata=_metadata(event),
            severity=AssetCheckSeverity(event.severity),
            description=event.description,
            blocking=event.blocking,
            partition=event.partition,
        )


def _metadata(event: Any) -> dict[str, Any]:
    return metadata_from_json(event.metadata)  # type: ignore[return-value]
