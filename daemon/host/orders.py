"""Orders for an evaluation, and what comes back of it: plain data between the daemon and a process of the code host.

An evaluation is one call of the function of a schedule or a sensor, or several where a sensor on events is shown a few
of them, or where a condition is asked about several assets. Each call that ends gives one *result*, written at once, so
that of an evaluation that is killed halfway what was done before is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ...storage.events import decode, encode
from ...storage.log import StoredEvent

Result = dict[str, Any]

ENOUGH_S = 10.0
"""Further calls are left to the next evaluation after this long, so that a slow function does not meet the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An asset, or one of its checks, that a condition is asked about, and what is known of its last answer."""

    asset_key: str
    check_name: str | None = None
    cursor: str | None = None
    previous_at: datetime | None = None

    @property
    def key(self) -> str:
        """The key of what is asked about: an asset, or the node of a check."""
        return self.asset_key if self.check_name is None else f"{self.asset_key}:{self.check_name}"

    def to_json(self) -> Sequence[Any]:
        return [self.asset_key, self.check_name, self.cursor, self.previous_at and self.previous_at.isoformat()]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Question:
        asset_key, check_name, cursor, at = data
        previous_at = at and datetime.fromisoformat(at)
        return cls(asset_key=asset_key, check_name=check_name, cursor=cursor, previous_at=previous_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be evaluated, and what its context says. `events` are those that a sensor on events is shown; of a
    condition `name` is the id of its node, and it is asked each of the `questions`."""

    evaluation_id: str
    kind: Literal["sensor", "schedule", "condition"]
    name: str
    at: datetime
    limit_s: float
    cursor: str | None = None
    last_run_key: str | None = None
    last_completed_s: float | None = None
    scheduled_at: datetime | None = None
    missed: int = 0
    events: tuple[StoredEvent, ...] = ()
    questions: tuple[Question, ...] = ()

    def to_bytes(self) -> bytes:
        data = {
            "evaluation_id": self.evaluation_id,
            "kind": self.kind,
            "name": self.name,
            "at": self.at.isoformat(),
            "limit_s": self.limit_s,
            "cursor": self.cursor,
            "last_run_key": self.last_run_key,
            "last_completed_s": self.last_completed_s,
            "scheduled_at": self.scheduled_at and self.scheduled_at.isoformat(),
            "missed": self.missed,
            "events": [_row(stored) for stored in self.events],
            "questions": [question.to_json() for question in self.questions],
        }
        return json.dumps(data).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Order:
        values: Mapping[str, Any] = json.loads(data)
        scheduled_at = values["scheduled_at"]
        return cls(
            **{
                **values,
                "at": datetime.fromisoformat(values["at"]),
                "scheduled_at": scheduled_at and datetime.fromisoformat(scheduled_at),
                "events": tuple(map(_stored, values["events"])),
                "questions": tuple(map(Question.from_json, values["questions"])),
            }
        )


def _row(stored: StoredEvent) -> Sequence[Any]:
    event = stored.event
    columns = {name: getattr(event, name, None) for name in ("asset_key", "partition", "run_id")}
    return [stored.offset, stored.id, stored.timestamp, event.type, event.schema_version, encode(event), columns]


def _stored(row: Sequence[Any]) -> StoredEvent:
    offset, id, timestamp, type, version, payload, _ = row
    return StoredEvent(offset, id, timestamp, decode(type, version, payload))
