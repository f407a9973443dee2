"""Schedules and sensors as a command shows them: what is defined, where each stands, and what it came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ...definitions.automation_snapshot import AUTOMATION
from ...definitions.crons import firings
from ...definitions.errors import InvalidInvocationError, did_you_mean
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.clock import SystemClock
from ...storage.events import Event, ScheduleEvaluated, SensorEvaluated
from ...storage.log import EventLog
from ...storage.state.automation import AutomationState
from ..host.source import CodeSource
from .catalog import folded, known_definitions, log_for_reading
from .output import first_line, iso, print_table, shortened, shown_span, shown_time

PAGE = 1_000  # evaluations looked at, at a time

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownAutomation:
    """What is defined, and where it stands."""

    home: Path
    definitions: DefinitionsSnapshot
    state: AutomationState

    def evaluations(self, type: str, name: str, *, limit: int) -> list[Row]:
        """The last evaluations of one schedule or sensor, the newest first."""
        found: list[Row] = []
        with log_for_reading(self.home) as log:
            for stored in log.query(types=[type], newest_first=True, limit=100 * PAGE):
                event = stored.event
                if isinstance(event, (SensorEvaluated, ScheduleEvaluated)) and event.name == name:
                    found.append(_evaluation(event))
                    if len(found) == limit:
                        break
        return found


def known_automation(home: Path, given: CodeSource | None) -> KnownAutomation:
    with log_for_reading(home) as log:
        definitions = known_definitions(log, home, given) or DefinitionsSnapshot({})
        return KnownAutomation(home, definitions, folded(log, definitions, lazily=True).automation)


def known_name(kind: str, name: str, defined: Collection[str]) -> None:
    """Make sure that there is such a schedule or sensor.

    Raises:
        InvalidInvocationError: there is none; it names one that was perhaps meant.
    """
    if name not in defined:
        known = ", ".join(sorted(defined)[:10]) or "none"
        raise InvalidInvocationError(
            f"there is no {kind} {name!r}. {did_you_mean(name, defined, f'Defined are: {known}.')}"
        )


def record(kind: str, name: str, fact: Event, home: Path, given: CodeSource | None) -> None:
    """Write what somebody says of a schedule or sensor, which has to be defined."""
    definitions = known_automation(home, given).definitions
    known_name(kind, name, definitions.sensors if kind == "sensor" else definitions.schedules)
    with EventLog.open(home) as log:
        log.append([fact])


def sensor_rows(known: KnownAutomation) -> list[Row]:
    rows: list[Row] = []
    for name, defined in known.definitions.sensors.items():
        state = known.state.sensors[name]
        woken_by = {
            "": f"every {defined.minimum_interval_s:g} s",
            "asset": shortened(defined.monitored),
            "assets": shortened(defined.monitored),
            "automation": f"conditions of {shortened(defined.monitored)}",
            "runs": f"runs {', '.join(defined.statuses)} {shortened(defined.monitored_jobs)}".strip(),
        }
        rows.append(
            {
                "name": name,
                "on": state.is_on(defined),
                "woken_by": woken_by[defined.watches],
                "jobs": list(defined.jobs),
                "assets": list(defined.monitored if defined.watches == AUTOMATION else defined.assets),
                "cursor": state.cursor,
                "description": defined.description,
                "last": state.last and _evaluation(state.last),
            }
        )
    return rows


def schedule_rows(known: KnownAutomation) -> list[Row]:
    now = SystemClock().now()
    rows: list[Row] = []
    for name, defined in known.definitions.schedules.items():
        state = known.state.schedules[name]
        on = state.is_on(defined)
        upcoming = next(firings(defined.crons, defined.timezone, after=now))
        rows.append(
            {
                "name": name,
                "on": on,
                "crons": list(defined.crons),
                "timezone": defined.timezone,
                "jobs": list(defined.jobs),
                "assets": list(defined.assets),
                "next": iso(upcoming) if on else None,
                "description": defined.description,
                "last": state.last and _evaluation(state.last),
            }
        )
    return rows


def print_sensors(rows: Sequence[Row]) -> None:
    print_table(
        ["sensor", "on", "woken by", "runs", "last evaluation", "outcome"],
        [[row["name"], _switch(row), row["woken_by"], _makes(row), *_last(row)] for row in rows],
    )


def print_schedules(rows: Sequence[Row]) -> None:
    from datetime import datetime

    print_table(
        ["schedule", "on", "cron", "time zone", "runs", "next", "last evaluation", "outcome"],
        [
            [
                row["name"],
                _switch(row),
                ", ".join(row["crons"]),
                row["timezone"],
                _makes(row),
                shown_time(datetime.fromisoformat(row["next"])) if row["next"] else "",
                *_last(row),
            ]
            for row in rows
        ],
    )


def print_evaluations(row: Row, evaluations: Sequence[Row], *, output: Path) -> None:
    """One schedule or sensor: itself, its evaluations as a table, and the whole error of the newest that failed."""
    if row["description"]:
        typer.echo(row["description"])
    typer.echo(f"{row['name']} is {_switch(row)}; it runs {_makes(row) or 'nothing'}.")
    if row.get("cursor") is not None:
        typer.echo(f"Cursor: {row['cursor']}")
    if not evaluations:
        typer.echo("It has not been evaluated yet.")
        return
    table = [[*_last({"last": one}), shown_span(one["took_s"]), ", ".join(one["run_ids"])] for one in evaluations]
    print_table(["at", "outcome", "took", "runs"], table, right=["took"])
    failed = next((one for one in evaluations if one["error"]), None)
    if failed is not None:
        typer.echo(f"\n{failed['error']['traceback'].rstrip() or failed['error']['message']}")
    if output.exists():
        typer.echo(f"\nWhat it printed is in {output}.")


def _evaluation(event: SensorEvaluated | ScheduleEvaluated) -> Row:
    data = event.model_dump(mode="json", exclude={"type", "schema_version", "happened_at", "name"})
    return {**data, "at": iso(event.at)}


def _switch(row: Row) -> str:
    return "on" if row["on"] else "off"


def _makes(row: Row) -> str:
    return shortened(row["jobs"] or row["assets"])


def _last(row: Row) -> tuple[str, str]:
    from datetime import datetime

    last = row["last"]
    if last is None:
        return "", "not evaluated yet"
    words = {
        "requested": f"requested {len(last['run_ids'])} run{'s' if len(last['run_ids']) > 1 else ''}",
        "skipped": f"skipped: {last['skip_reason']}" if last["skip_reason"] else "skipped",
        "failed": f"failed: {last['error']['message']}" if last["error"] else "failed",
    }
    return shown_time(datetime.fromisoformat(last["at"])), first_line(words[last["status"]])
