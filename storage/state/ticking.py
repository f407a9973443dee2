"""How State takes what automation and backfills decided, who leads, and what somebody switched."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from .. import events as e
from .memory import SEEN, Told, whose
from .ordinals import Spaces
from .rare import noted

if TYPE_CHECKING:
    from .fold import State, Stored


def backfill_requested(state: State, event: e.BackfillRequested, stored: Stored) -> None:
    state.backfills.request(event, offset=stored.offset, at=stored.timestamp)
    state.changes.touched.update(target.asset_key for target in event.targets)


def backfill_skipped(state: State, event: e.BackfillSkipped, stored: Stored) -> None:
    state.backfills.skip(event)
    state.changes.touched.update(target.asset_key for target in event.targets)
    if event.reason in ("upstream_failed", "check_failed"):
        for key, ordinal, blockers in state.backfills.blockers(event, state.definitions, state.spaces):
            table = state.asset(key).table
            part = key, table.space.key(ordinal)
            table.blocked = noted(table.blocked, ordinal, table.blocked.get(ordinal, set()) | blockers)
            for blocker in blockers:
                state.block(part, blocker=blocker)


def backfill_ended(state: State, event: e.BackfillEnded, stored: Stored) -> None:
    state.changes.touched.update(state.backfills.end(event.backfill_id))


def automation_switched(state: State, event: e.AutomationSwitched, stored: Stored) -> None:
    state.switches.switched(event, offset=stored.offset)
    state.changes.switched = True


def sensor_switched(state: State, event: e.SensorSwitched, stored: Stored) -> None:
    state.automation.sensor_switched(event, offset=stored.offset)
    state.changes.switched = True  # it may be a switch for the automation of assets


def condition_evaluated(state: State, event: e.ConditionEvaluated, stored: Stored) -> None:
    key = event.asset_key if event.check_name is None else f"{event.asset_key}:{event.check_name}"
    if event.check_name is not None and key not in state.checks.parts:
        return
    state.conditions.evaluated(event, key, state.space(key), offset=stored.offset)
    state.changes.touched.add(key)


def tick(state: State, event: e.Tick, stored: Stored) -> None:
    state.last_tick.through, state.last_tick.at = event.through, event.at
    told = Told(event)
    for delta in event.memory:
        mark = delta.node.startswith(SEEN)
        if mark and delta.added and event.definitions != state.definitions_hash:
            continue  # evaluated under definitions that were replaced while the tick was written
        space = Spaces.WHOLE if mark else state.space(whose(delta.asset_key, delta.node))
        state.memory.apply(delta, told.added_by(delta, space), space)
    for look in event.first if event.definitions == state.definitions_hash else ():
        state.memory.left[look.asset_key] = state.space(look.asset_key).bits(look.left)
    state.last_tick.requested = {}
    at = int(event.at.astimezone(UTC).timestamp() * 1_000_000)
    for decision in event.decisions:
        if decision.along_with or decision.dry_run:
            continue
        table = state.asset(decision.asset_key).table
        bits = state.last_tick.requested[decision.asset_key] = table.space.bits(decision.partitions)
        table.asked.ask(at, told.causes_of(decision, table.space).within(bits))


def daemon_started(state: State, event: e.DaemonStarted, stored: Stored) -> None:
    state.term = event.term
