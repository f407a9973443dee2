"""Watchers: the sensors that events wake, and which events each has still to be shown.

What a sensor has seen is in State (`through`); what it has not is asked of the log when it is its turn. Nothing is kept
here but who has to be asked again, so that nothing is lost with the process.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...definitions.automation_snapshot import AUTOMATION, SensorSnapshot
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State
from ...storage.state.automation import SensorState
from ..evaluation.run_tags import SENSOR_TAG

BATCH = 20  # events that one evaluation is shown
PAGE = 200  # events looked at to find them

TELLS = {
    "QUEUED": "run_requested",
    "STARTED": "run_started",
    "SUCCESS": "run_succeeded",
    "FAILURE": "run_failed",
    "CANCELED": "run_cancelled",
}
"""The type of event that tells that a run came into a state."""


class Watchers:
    """Which sensors may have something to be shown."""

    def __init__(self, state: State, log: EventLog) -> None:
        self._state, self._log = state, log
        self.woken: set[str] = set()
        self._by_asset: dict[str, list[str]] = {}
        self._by_type: dict[str, list[str]] = {}
        self._passed: dict[str, int] = {}
        """Per sensor on runs: up to where nothing concerns it."""

    def load(self, definitions: DefinitionsSnapshot) -> None:
        """Other sensors hold: all of them are asked."""
        self._by_asset, self._by_type, self._passed = {}, {}, {}
        for name, sensor in definitions.sensors.items():
            if sensor.watches == AUTOMATION:
                continue
            for key in sensor.monitored:
                self._by_asset.setdefault(key, []).append(name)
            for status in sensor.statuses:
                self._by_type.setdefault(TELLS[status], []).append(name)
            if sensor.watches:
                self.woken.add(name)

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Wake whoever watches what has just been folded."""
        for stored in events:
            event = stored.event
            if isinstance(event, e.AssetMaterialized):
                self.woken.update(self._by_asset.get(event.asset_key, ()))
            elif event.type in self._by_type:
                self.woken.update(self._by_type[event.type])
            elif isinstance(event, e.SensorSwitched):
                self.woken.add(event.name)

    def pending(self, sensor: SensorState, defined: SensorSnapshot) -> tuple[StoredEvent, ...]:
        """The next events that the sensor has to be shown, oldest first, as far as the fold has come."""
        if defined.watches == "asset":
            found = self._made(defined.monitored[0], sensor.through, BATCH)
        elif defined.watches == "assets":
            newest = [one for key in defined.monitored for one in self._newest(key, sensor.through)]
            found = sorted(newest, key=lambda stored: stored.offset)[-1:]
        else:
            found = self._of_runs(sensor, defined)
        return tuple(stored for stored in found if stored.offset <= self._state.through)

    def _made(self, key: str, after: int, limit: int) -> list[StoredEvent]:
        return self._log.query(asset_key=key, types=["asset_materialized"], after=after, limit=limit)

    def _newest(self, key: str, after: int) -> list[StoredEvent]:
        types = ["asset_materialized"]
        return self._log.query(asset_key=key, types=types, after=after, limit=1, newest_first=True)

    def _of_runs(self, sensor: SensorState, defined: SensorSnapshot) -> list[StoredEvent]:
        types = [TELLS[status] for status in defined.statuses]
        found: list[StoredEvent] = []
        after = max(sensor.through, self._passed.get(sensor.name, 0))
        while len(found) < BATCH and (page := self._log.query(types=types, after=after, limit=PAGE)):
            for stored in page:
                if self._concerns(stored, defined):
                    found.append(stored)
                elif not found:
                    self._passed[sensor.name] = stored.offset
            after = page[-1].offset
        return found[:BATCH]

    def _concerns(self, stored: StoredEvent, defined: SensorSnapshot) -> bool:
        """Whether the run is one that the sensor watches, and not one that it has asked for itself."""
        event = stored.event
        run_id: str = getattr(event, "run_id", "")
        if not isinstance(event, e.RunRequested):
            requested = self._log.query(run_id=run_id, types=["run_requested"], limit=1)
            event = requested[0].event if requested else None
        if not isinstance(event, e.RunRequested):
            return not defined.monitored_jobs
        if event.tags.get(SENSOR_TAG) == defined.name:
            return False
        return not defined.monitored_jobs or event.job_name in defined.monitored_jobs
