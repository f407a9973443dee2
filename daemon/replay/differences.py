"""In what a recorded Tick and the one that was computed again can differ, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ...storage import events as e

Where = e.KeyRanges | None
"""Partitions; None: everywhere, of an asset without partitions."""

LeafTold = tuple[float | None, Where]
"""Because of which position a leaf is true (None: a level), and where."""


@dataclass(frozen=True, slots=True)
class LeafCompared:
    """A leaf of a condition as the Tick has it and as it is found again; None where it is not true, or, for recorded
    ones, where nothing was requested and so no leaves were written."""

    path: str
    recorded: LeafTold | None
    recomputed: LeafTold | None


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that differs: of which asset, what, and both sides as plain data (None: there is nothing)."""

    asset_key: str
    what: str
    """requested, causes, leaves, condition, along_with, memory, runs or definitions."""
    recorded: Any
    recomputed: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a Tick has otherwise than the rules do. `tick` is its offset; `through` and `at` are the moment,
    which for one that `was_silent` is that of a tick before it which decided nothing."""

    tick: int
    through: int
    at: datetime
    part: Part
    was_silent: bool = False
    condition: str = ""
    leaves: tuple[LeafCompared, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        return {**data.pop("part"), **data, "at": self.at.isoformat(timespec="microseconds")}


@dataclass(slots=True)
class Verification:
    """How much was looked at, and what differs."""

    ticks: int = 0
    silent: int = 0
    decisions: int = 0
    memory: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("ticks", "silent", "decisions", "memory")}
        return {"agrees": self.agrees, **counts, "differences": [one.to_json() for one in self.differences]}


def differing(recorded: e.Tick, again: e.Tick) -> Iterator[Part]:
    """What is different in two Ticks of one moment. Of each decision the first thing that is counts."""
    was, now = _decisions(recorded), _decisions(again)
    for place in {**was, **now}:
        left, right = was.get(place), now.get(place)
        parts = (
            Part(place[0], name, _told(name, recorded, left), _told(name, again, right)) for name in _OF_A_DECISION
        )
        if (first := next((part for part in parts if part.recorded != part.recomputed), None)) is not None:
            yield first
    kept, made = _memory(recorded), _memory(again)
    for place in {**kept, **made}:
        if kept.get(place) != made.get(place):
            key, node = place
            yield Part(key, "memory", {node: kept.get(place)}, {node: made.get(place)})


_OF_A_DECISION = ("requested", "causes", "leaves", "condition", "along_with")


def _decisions(tick: e.Tick) -> dict[tuple[str, bool], e.Decision]:
    """An asset may be decided on twice: some of it for its own reasons, the rest along with others."""
    return {(one.asset_key, bool(one.along_with)): one for one in tick.decisions}


def _told(name: str, tick: e.Tick, decision: e.Decision | None) -> Any:
    if decision is None:
        return None
    match name:
        case "requested":
            return {"partitions": _sorted(decision.partitions)}
        case "causes":
            return _causes(tick.causes_of(decision))
        case "leaves":
            return [[path, position, _sorted(where)] for path, position, where in decision.leaves]
        case "condition":
            return decision.condition
        case _:
            return decision.along_with


def _memory(tick: e.Tick) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (delta.asset_key, delta.node): {
            "added": _causes(tick.added_by(delta)),
            "removed": [_sorted(ranges) for ranges in delta.removed],
        }
        for delta in tick.memory
    }


def _causes(causes: tuple[e.Cause, ...]) -> list[Any]:
    return [[cause.position, _sorted(cause.partitions)] for cause in causes]


def _sorted(ranges: Where) -> list[list[str]] | None:
    """Keys without an order of their own are numbered by first appearance, which is of no meaning here."""
    return None if ranges is None else sorted([first, last] for first, last in ranges)
