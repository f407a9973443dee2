"""Automation switched: whom a command means, the event that says so, and how every asset stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ...definitions.errors import InvalidInvocationError, did_you_mean
from ...definitions.selection import AssetSelection
from ...definitions.snapshot import DefinitionsSnapshot, check_node_key
from ...storage.events import AutomationMode, AutomationSwitched
from ...storage.log import EventLog
from ...storage.state import State
from ...storage.state.ordinals import Spaces
from ..evaluation.asked_places import Asked, places_of
from ..evaluation.switched import switched_off_by
from ..host.source import CodeSource
from .catalog import folded, known_definitions, log_for_reading
from .output import iso


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What a condition that the user wrote in Python says of an asset or a check that it is asked about."""

    condition: str
    about: str
    true: str
    """yes, no, the number of partitions; or unknown, as long as it has never answered."""
    at: datetime | None
    problem: str

    def to_json(self) -> dict[str, Any]:
        data = {"condition": self.condition, "about": self.about, "true": self.true}
        return {**data, "at": iso(self.at), "problem": self.problem or None}


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One asset. `said_of` tells whether the newest word was about everything, its group, or itself, or which
    automation sensor is off."""

    key: str
    group: str
    condition: str
    mode: AutomationMode
    said_of: str
    since: datetime | None
    answers: tuple[AnswerRow, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "group": self.group,
            "condition": self.condition,
            "mode": self.mode,
            "said_of": self.said_of or None,
            "since": iso(self.since),
            "answers": [answer.to_json() for answer in self.answers],
        }


def switch(
    mode: AutomationMode, select: str | None, groups: Sequence[str], home: Path, given: CodeSource | None
) -> AutomationSwitched:
    """Record that somebody switched automation; returns what was written.

    Raises:
        InvalidInvocationError: the selection has no asset, or there is no such group.
    """
    keys: list[str] = []
    if select is not None or groups:
        with log_for_reading(home) as log:
            definitions = known_definitions(log, home, given) or DefinitionsSnapshot({})
        known = {asset.group for asset in definitions.assets.values()}
        for group in groups:
            if group not in known:
                hint = did_you_mean(group, known, f"There are: {', '.join(sorted(known)) or 'none'}.")
                raise InvalidInvocationError(f"there is no group {group!r}. {hint}")
        keys = _selected(definitions, select)
    event = AutomationSwitched(mode=mode, groups=tuple(groups), assets=tuple(keys))
    with EventLog.open(home) as log:
        log.append([event])
    return event


def status_rows(home: Path, given: CodeSource | None, select: str | None) -> list[StatusRow]:
    """Each asset with a condition, of itself or of one of its checks, upstream first."""
    with log_for_reading(home) as log:
        definitions = known_definitions(log, home, given) or DefinitionsSnapshot({})
        state, asks = folded(log, definitions, lazily=True), places_of(definitions)
        wanted = None if select is None else set(_selected(definitions, select))
        rows = []
        for asset in definitions.assets.values():
            automated = asset.condition is not None or any(check.condition for check in asset.checks)
            if not automated or (wanted is not None and asset.key not in wanted):
                continue
            said = state.switches.of(asset.key, asset.group)
            off = switched_off_by(state, definitions, asset.key) if said is None or said.mode == "on" else None
            rows.append(
                StatusRow(
                    key=asset.key,
                    group=asset.group,
                    condition=str(asset.condition) if asset.condition else "(of its checks)",
                    mode="paused" if off else "on" if said is None else said.mode,
                    said_of=f"sensor {off}" if off else "" if said is None else said.place[0],
                    since=None if said is None or off else log.read(said.offset - 1, 1)[0].at,
                    answers=tuple(
                        _answer_row(state, asked)
                        for key in (asset.key, *(check_node_key(asset.key, check.name) for check in asset.checks))
                        for asked in asks.get(key, {}).values()
                    ),
                )
            )
        return rows


def _answer_row(state: State, asked: Asked) -> AnswerRow:
    answer = state.conditions.by_place.get(asked.place)
    true, error = "unknown", answer.last.error if answer is not None else None
    if answer is not None and answer.is_known:
        space, bits = state.space(asked.key), answer.true.bits
        is_whole = space.fingerprint == Spaces.WHOLE.fingerprint
        true = ("yes" if bits else "no") if is_whole else f"{len(bits)} partitions"
    return AnswerRow(
        condition=str(asked.node),
        about=asked.key,
        true=true,
        at=answer.last.at if answer is not None else None,
        problem=f"{error.cls}: {error.message}" if error is not None else "",
    )


def _selected(definitions: DefinitionsSnapshot, select: str | None) -> list[str]:
    if select is None:
        return []
    keys = [str(key) for key in AssetSelection.from_string(select).resolve(definitions)]
    if not keys:
        raise InvalidInvocationError(f"--select {select!r} selects no asset.")
    return sorted(keys)
