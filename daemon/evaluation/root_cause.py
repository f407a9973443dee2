"""Why an asset was asked for: the chain of decisions and events back to what started it, as the log has it.

A decision names the position in the log that it was made because of. At that position stands an update by a run, which
another decision asked for, and so on; until an event that automation has no part in: a report, a run by hand, a clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State

MOST_TICKS = 10_000  # written Ticks that are searched for a decision, newest first
MOST_LINKS = 100  # of a chain that are followed


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain; the first is the asset itself, the last is the root cause."""

    asset_key: str
    partition: str | None
    because: str
    offset: int | None
    at: datetime | None
    run_id: str | None = None


def chain(log: EventLog, state: State, key: str, *, partition: str | None = None, through: int) -> list[Link]:
    """The last decision to ask for the asset, and what led to it, newest first; empty where there was none."""
    found = _last_decision(log, state, key, partition, before=through + 1)
    links: list[Link] = []
    while found is not None and len(links) < MOST_LINKS:
        tick, decision = found
        if decision.along_with:
            because = f"it is made together with {decision.along_with}"
            links.append(Link(decision.asset_key, partition, because, tick.offset, tick.at))
            above = next((one for one in _decisions(tick) if one.asset_key == decision.along_with), None)
            found = (tick, above) if above else None
            continue
        cause, leaf = _why(tick.event, state, decision, partition)
        label = _label(leaf)
        links.append(_requested(log, state, tick, decision, label, partition))
        dep = leaf[0].rpartition("[")[2].partition("]")[0] if leaf is not None and "[" in leaf[0] else None
        if label == "will_be_requested" and dep is not None:
            above = next((one for one in _decisions(tick) if one.asset_key == dep), None)
            found, partition = (tick, above) if above else None, None
            continue
        link, run = _event(log, cause, label, dep or decision.asset_key)
        links.append(link)
        partition = link.partition
        found = None if run is None else _decision_behind(log, run, link.asset_key)
    return links


def _last_decision(
    log: EventLog, state: State, key: str, partition: str | None, *, before: int
) -> tuple[StoredEvent, e.Decision] | None:
    for stored in log.query(types=["tick"], newest_first=True, limit=MOST_TICKS, before=before):
        for decision in _decisions(stored):
            if decision.asset_key == key and _holds(state, key, decision.partitions, partition):
                return stored, decision
    return None


def _decisions(stored: StoredEvent) -> Iterator[e.Decision]:
    if isinstance(stored.event, e.Tick):
        yield from (decision for decision in stored.event.decisions if not decision.dry_run)


def _holds(state: State, key: str, ranges: e.KeyRanges | None, partition: str | None) -> bool:
    """Whether a partition is among those of an asset; without one it is about all of them."""
    if partition is None or ranges is None:
        return partition is None
    space = state.space(key)
    ordinal = space.find(partition)
    return ordinal is not None and ordinal in space.bits(ranges)


def _why(tick: e.Event, state: State, decision: e.Decision, partition: str | None) -> tuple[float, e.LeafTruth | None]:
    """The position that a decision of `tick` was made because of, and the leaf that it came from."""
    assert isinstance(tick, e.Tick)
    causes = [
        c
        for c in tick.causes_of(decision)
        if c.partitions is None or _holds(state, decision.asset_key, c.partitions, partition)
    ]
    position = max((cause.position for cause in causes), default=0)
    leaves = [leaf for leaf in decision.leaves if leaf[1] == position]
    leaves.sort(key=lambda leaf: _label(leaf) != "will_be_requested")
    return position, leaves[0] if leaves else None


def _label(leaf: e.LeafTruth | None) -> str:
    return "" if leaf is None else leaf[0].rpartition("/")[2].partition(".")[0]


def _requested(
    log: EventLog, state: State, tick: StoredEvent, decision: e.Decision, label: str, partition: str | None
) -> Link:
    """The decision itself, with the run that it led to, where it was one and no backfill."""
    run_id = None
    for stored in log.query(types=["run_requested"], after=tick.offset, limit=1_000):
        if not isinstance(stored.event, e.RunRequested) or stored.timestamp != tick.timestamp:
            break
        own = (target for target in stored.event.targets if target.asset_key == decision.asset_key)
        if any(
            target.partitions is None or _holds(state, target.asset_key, target.partitions, partition) for target in own
        ):
            run_id = stored.event.run_id
            break
    if partition is None and decision.partitions and len(decision.partitions) == 1:
        first, last = decision.partitions[0]
        partition = first if first == last else f"{first}..{last}"
    because = f"automation asked for it ({label})" if label else "automation asked for it"
    return Link(decision.asset_key, partition, because, tick.offset, tick.at, run_id)


def _event(log: EventLog, position: float, label: str, key: str) -> tuple[Link, e.RunRequested | None]:
    """The link for what stands at a position, and the run that did it."""
    if label == "cron_tick_passed":
        return Link(key, None, "its schedule ticked", None, None), None
    if position < 1:
        return Link(key, None, "it was missing", None, None), None
    offset = math.floor(position)
    stored = log.read(offset - 1, 1)[0]
    event = stored.event
    run_id = getattr(event, "run_id", None)
    asset_key, partition = getattr(event, "asset_key", None) or key, getattr(event, "partition", None)
    run = _run(log, run_id)
    if isinstance(event, e.AssetMaterialized) and event.origin != "step":
        because = "it was reported" if event.origin == "report" else "a file arrived"
    elif isinstance(event, e.AssetMaterialized):
        because = "it was made" + ("" if run is None or run.origin == "automation" else f" by a run ({run.origin})")
    elif isinstance(event, e.AssetObserved):
        because = "other data was observed"
    elif isinstance(event, e.AssetCheckEvaluated):
        because = f"the check {event.check_name} {'passed' if event.passed else 'failed'}"
    elif isinstance(event, e.ConditionEvaluated):
        because = f"{label} said so"
    else:
        because = f"{label or 'its condition'} became true, at {event.type.replace('_', ' ')}"
    return Link(asset_key, partition, because, offset, stored.at, run_id), run


def _run(log: EventLog, run_id: str | None) -> e.RunRequested | None:
    requested = log.query(run_id=run_id, types=["run_requested"], limit=1) if run_id else []
    event = requested[0].event if requested else None
    return event if isinstance(event, e.RunRequested) else None


def _decision_behind(log: EventLog, run: e.RunRequested, key: str) -> tuple[StoredEvent, e.Decision] | None:
    """The decision that asked for a run of automation."""
    if run.origin != "automation":
        return None
    stored = log.query(run_id=run.run_id, types=["run_requested"], limit=1)[0]
    ticks = log.query(types=["tick"], newest_first=True, limit=1, before=stored.offset)
    return next(((ticks[0], one) for one in _decisions(ticks[0]) if one.asset_key == key), None) if ticks else None
