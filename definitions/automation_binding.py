"""Binding schedules and sensors: their jobs, assets and resources found among all definitions.

What they name and nobody defines is reported. What comes of them is their snapshots, which hold names and keys only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .asset_jobs import JobContents, selected_to_make
from .automation_snapshot import AUTOMATION, ScheduleSnapshot, SensorSnapshot
from .collecting import report
from .errors import DefinitionError, InvalidAssetSelection, InvalidInvocationError, did_you_mean
from .schedules import ScheduleDefinition
from .sensors import SensorDefinition

if TYPE_CHECKING:
    from .evaluated import EvaluatedDefinition
    from .jobs import JobDefinition
    from .selection.view import SelectableAssets
    from .source import SourceLine


class BoundAutomation(NamedTuple):
    """The schedules and sensors by name, as data."""

    schedules: dict[str, ScheduleSnapshot]
    sensors: dict[str, SensorSnapshot]


def bound_automation(
    schedules: Mapping[str, ScheduleDefinition],
    sensors: Mapping[str, SensorDefinition],
    *,
    jobs: Mapping[str, JobDefinition],
    contents: Mapping[str, JobContents],
    view: SelectableAssets,
    resources: Mapping[str, Any],
) -> BoundAutomation:
    """The snapshots of all, sorted by name. What is wrong is reported."""
    for one in [*schedules.values(), *sensors.values()]:
        _check_jobs(one, one.targets.names, jobs)
        _check_resources(one, resources)
    for sensor in sensors.values():
        _check_jobs(sensor, getattr(sensor, "monitored_jobs", ()), jobs)
    made: dict[str, ScheduleSnapshot] = {}
    for name, schedule in sorted(schedules.items()):
        job = schedule.targets.job_names[0] if schedule.targets.job_names else ""
        partitions = contents[job].partitions if job in contents else getattr(jobs.get(job), "partitions_def", None)
        made[name] = ScheduleSnapshot.of(schedule, _made(schedule, view), partitions)
    bound = {name: SensorSnapshot.of(s, _made(s, view), _monitored(s, view)) for name, s in sorted(sensors.items())}
    _check_covered_once(bound, sensors)
    return BoundAutomation(made, bound)


def of_kind(listed: Iterable[Any], kind: type, word: str, *, source: SourceLine) -> list[Any]:
    """Those of `listed` that are of this kind, each object once; anything else is reported."""
    distinct = list({id(item): item for item in listed}.values())
    for item in distinct:
        if not isinstance(item, kind):
            report(DefinitionError(f"{source}: {item!r} among the {word}s of the Definitions is no {word}."))
    return [item for item in distinct if isinstance(item, kind)]


def _made(one: EvaluatedDefinition, view: SelectableAssets) -> tuple[str, ...]:
    """The assets that it makes without a job."""
    if one.targets.selection is None:
        return ()
    try:
        return tuple(map(str, selected_to_make(one.targets.selection, view)[0]))
    except (InvalidAssetSelection, InvalidInvocationError) as error:
        _report(one, f"its target means nothing here: {error}")
        return ()


def _monitored(sensor: SensorDefinition, view: SelectableAssets) -> tuple[str, ...]:
    if sensor.watches == "asset":
        key = getattr(sensor, "asset_key")  # noqa: B009 - only sensors on an asset have one
        if key not in view.assets:
            known = [str(one) for one in view.assets]
            hint = did_you_mean(str(key), known, "Define it, or declare it with AssetSpec if it is made elsewhere.")
            _report(sensor, f"it watches asset {str(key)!r}, which is not defined. {hint}")
        return (str(key),)
    if sensor.watches in ("assets", AUTOMATION):
        try:
            return tuple(sorted(map(str, getattr(sensor, "monitored").assets_in(view))))  # noqa: B009
        except InvalidAssetSelection as error:
            _report(sensor, f"what it watches means nothing here: {error}")
    return ()


def _check_covered_once(bound: Mapping[str, SensorSnapshot], sensors: Mapping[str, SensorDefinition]) -> None:
    """The automation of an asset has one switch."""
    first: dict[str, str] = {}
    for name, snapshot in bound.items():
        if snapshot.watches != AUTOMATION:
            continue
        twice = [key for key in snapshot.monitored if first.setdefault(key, name) != name]
        if twice:
            _report(sensors[name], f"it covers asset {twice[0]!r}, which {first[twice[0]]!r} covers already. Keep one.")


def _check_jobs(one: EvaluatedDefinition, names: Iterable[str], jobs: Mapping[str, JobDefinition]) -> None:
    for name in names:
        if name not in jobs:
            hint = did_you_mean(name, jobs, "Is it among the jobs of the Definitions?")
            _report(one, f"it names the job {name!r}, which is not defined. {hint}")


def _check_resources(one: EvaluatedDefinition, resources: Mapping[str, Any]) -> None:
    for name in sorted(one.required_resource_keys - resources.keys()):
        hint = did_you_mean(name, resources, f"Add it to Definitions(resources={{{name!r}: ...}}).")
        _report(one, f"it takes the resource {name!r}, which is not defined. {hint}")


def _report(one: EvaluatedDefinition, problem: str) -> None:
    error = DefinitionError(f"{one.source}: {one}: {problem}")
    error.source = one.source
    report(error)
