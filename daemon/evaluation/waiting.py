"""What keeps a request back although the condition holds: the gates of a tick outside of conditions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot
from .asked_places import standing
from .graph import ConditionGraph
from .moment import Moment
from .plain import requires_all
from .switched import mode_of, switched_off_by
from .truth import Truth
from .visit import Visit, no_evaluation

MOST_KEYS = 10  # partitions that are named

BASELINE = (
    'it was never evaluated, and on_first="baseline" takes everything as it is now: '
    "what happens from its first evaluation on counts"
)


@dataclass(frozen=True, slots=True)
class Wait:
    """One such gate. `until` is known where only time has to pass."""

    kind: str
    """baseline, unanswered, paused, dry_run, pending, blocked, interval or back_off; failed or cancelled, of the last
    attempt; left_out, of partitions upstream"""
    needed: str
    until: datetime | None = None


def waits(moment: Moment, graph: ConditionGraph, asset: AssetSnapshot, concerned: BitMap, truth: Truth) -> list[Wait]:
    """The gates that are shut for any of the partitions `concerned`."""
    state = moment.state.asset(asset.key)
    found: list[Wait] = []
    if asset.key in moment.baseline:
        found.append(Wait("baseline", BASELINE))
    for asked in graph.unanswered(asset.key, moment.state):
        said = standing(moment.state, asked.place)
        found.append(Wait("unanswered", f"{asked.node} has never answered about {asked.key}: {said}"))
    mode = mode_of(moment, asset)
    if mode != "on":
        words = "paused" if mode == "paused" else "on a dry run"
        needed = f"automation of it is {words}: it has to be resumed"
        said = moment.state.switches.mode_of(asset.key, asset.group)
        if said == "on" and (name := switched_off_by(moment.state, moment.definitions, asset.key)):
            needed = f"its automation sensor is off: it has to be turned on with `headwater sensor start {name}`"
        found.append(Wait(mode, needed))
    planned = [run_id for run_id, bits in state.unstarted.items() if bits & concerned]
    planned += [f"backfill {name}" for name, progress in state.backfills.items() if progress.waiting & concerned]
    if planned:
        found.append(Wait("pending", f"it is planned already and has not started: {', '.join(planned)}"))
    visit = Visit(moment, graph, no_evaluation)
    blocked = [n for n in concerned & BitMap(state.table.blocked) if visit.is_blocked(asset, n)]
    keys = sorted({blocker for n in blocked for blocker, _ in state.table.blocked[n]})
    if keys:
        found.append(Wait("blocked", f"{', '.join(keys)} failed or was stopped by a check: it has to be made first"))
    put_off: dict[str, Wait] = {}
    for ordinal in truth.bits & concerned:
        due = visit.put_off_until(asset.key, ordinal, truth)
        if due is not None and due > moment.at:
            if ordinal in state.table.setbacks:
                put_off["back_off"] = Wait("back_off", "its run was lost; it is asked for again after a while", due)
            else:
                put_off["interval"] = Wait("interval", "it was asked for because of the same event just now", due)
    return [*found, *put_off.values()]


def left_out(moment: Moment, asset: AssetSnapshot, concerned: BitMap) -> list[Wait]:
    """The gated partitions upstream that the asset does without, where it takes those that there are."""
    found = []
    for dep in asset.deps:
        if not dep.gated or not moment.reads_several(asset, dep) or requires_all(asset.condition):
            continue
        state = moment.state.asset(dep.key)
        gated = state.table.gated() & moment.upstream(asset, dep, concerned)
        if gated:
            keys = [str(state.table.space.key(ordinal)) for ordinal in list(gated)[:MOST_KEYS]]
            failed = [name for name, bits in state.table.check_failed.items() if bits & gated]
            why = f"{', '.join(failed)} failed" if failed else "its blocking checks have not spoken yet"
            shown = ", ".join(keys) + (f", and {len(gated) - len(keys)} more" if len(gated) > len(keys) else "")
            found.append(Wait("left_out", f"{dep.key} [{shown}] is left out, and its updates with it, since {why}"))
    return found
