"""The tags of the runs and backfills that automation asks for: by them they are found, limited and told apart.

`headwater/from_automation_condition` is on each; a sensor that automates all of the assets adds its name, and every one
that automates some of them its `run_tags`.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...definitions.snapshot import DefinitionsSnapshot

FROM_CONDITION_TAG = "headwater/from_automation_condition"
SENSOR_TAG = "headwater/sensor_name"


def automation_tags(definitions: DefinitionsSnapshot, keys: Iterable[str]) -> dict[str, str]:
    """For what makes the assets `keys`."""
    tags = {FROM_CONDITION_TAG: "true"}
    if not definitions.automation_sensors:
        return tags
    covering = [definitions.automation_sensors.get(key) for key in keys]
    sensors = {sensor.name: sensor for sensor in covering if sensor is not None}
    if len(sensors) == 1 and None not in covering:
        tags[SENSOR_TAG] = next(iter(sensors))
    for _, sensor in sorted(sensors.items()):
        tags.update(sensor.run_tags)
    return tags
