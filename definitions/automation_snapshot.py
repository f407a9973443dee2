"""Schedules and sensors as pure data: when they are due, and what their runs may make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluated import EvaluatedDefinition
    from .schedules import ScheduleDefinition
    from .sensors import SensorDefinition

AUTOMATION = "automation"
"""What a sensor watches that is a switch for the automation of assets, and is never evaluated."""

JsonData = dict[str, Any]
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _EvaluatedSnapshot:
    """`jobs` are names, `assets` the keys of a selection of assets without a job."""

    name: str
    jobs: Keys = ()
    assets: Keys = ()
    running: bool = True
    """Whether it is on before anybody has switched it."""
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    owners: Keys = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def to_json(self) -> JsonData:
        data: JsonData = {}
        for one in fields(self):
            value = getattr(self, one.name)
            default = one.default_factory() if callable(one.default_factory) else one.default
            if value != default:
                data[one.name] = list(value) if isinstance(value, tuple) else value
        return data

    @classmethod
    def from_json(cls, data: JsonData) -> Any:
        known = {one.name for one in fields(cls)}
        values: JsonData = {name: value for name, value in data.items() if name in known}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSnapshot(_EvaluatedSnapshot):
    """A schedule. After a downtime the last `max_catchup_runs` missed instants are made up for."""

    crons: Keys = ()
    timezone: str = "UTC"
    max_catchup_runs: int = 1

    @classmethod
    def of(cls, schedule: ScheduleDefinition, assets: Keys, partitions: Any) -> ScheduleSnapshot:
        crons, timezone = schedule.timing(partitions)
        return cls(
            crons=crons,
            timezone=timezone,
            max_catchup_runs=schedule.max_catchup_runs,
            **_shared(schedule, assets),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSnapshot(_EvaluatedSnapshot):
    """A sensor. `watches` is what wakes it: nothing but time (""), "asset", "assets" or "runs"; of "automation" it is a
    switch for the automation of what it monitors, and nothing wakes it.

    `monitored` are the keys of the assets that it watches; `statuses` and `monitored_jobs` say which runs (all jobs
    where it is empty).
    """

    watches: str = ""
    minimum_interval_s: float = 30
    monitored: Keys = ()
    statuses: Keys = ()
    monitored_jobs: Keys = ()
    run_tags: Mapping[str, str] = field(default_factory=dict)
    """Of the runs that the automation of its assets asks for."""

    @classmethod
    def of(cls, sensor: SensorDefinition, assets: Keys, monitored: Keys) -> SensorSnapshot:
        status = getattr(sensor, "run_status", None)
        return cls(
            watches=sensor.watches,
            minimum_interval_s=sensor.minimum_interval_seconds,
            monitored=monitored,
            statuses=() if status is None else (status.value,),
            monitored_jobs=getattr(sensor, "monitored_jobs", ()),
            run_tags=dict(getattr(sensor, "run_tags", {})),
            **_shared(sensor, assets),
        )


def _shared(one: EvaluatedDefinition, assets: Keys) -> dict[str, Any]:
    return {
        "name": one.name,
        "jobs": one.targets.job_names,
        "assets": assets,
        "running": one.running,
        "description": one.description,
        "tags": dict(one.tags),
        "owners": tuple(one.owners),
        "metadata": dict(one.metadata),
        "source": f"{one.source.file}:{one.source.line}",
    }
