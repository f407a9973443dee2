"""An audit of a whole log: what must hold of any history, whoever wrote it and whatever was killed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pyroaring import BitMap

from headwater.daemon.evaluation.moment import Moment
from headwater.definitions.snapshot import AssetSnapshot
from headwater.storage import events as e
from headwater.storage.log import StoredEvent
from headwater.storage.state import State
from headwater.storage.state.mappings import Side, required

Part = tuple[str, str | None]

ASKED = ("manual", "schedule", "sensor")
"""The origins of runs that need no reason."""


def needless_attempts(
    log: Iterable[StoredEvent], definitions_bytes: Callable[[str], bytes], reads: Mapping[str, Iterable[str]]
) -> list[str]:
    """Successful attempts that began without a reason newer than what the successful attempt before had read.

    `reads` names the dependencies of each asset to look at. A reason is a released update of a dependency (a gate that
    opens is one), other definitions, an attempt lost to infrastructure or something wiped. What is asked for by hand, a
    schedule or a sensor needs none.
    """
    state = State.empty(definitions_bytes)
    newest: dict[str, int] = {}
    horizon: dict[tuple[str, str], int] = {}
    needless: dict[tuple[str, str], str] = {}
    read_through: dict[Part, int] = {}
    by_hand: set[str] = set()
    found: list[str] = []
    for stored in log:
        state.apply(stored)
        for key in state.take_changes().updated:
            newest[key] = stored.offset
        match stored.event:
            case e.DefinitionsLoaded() | e.RunFailed(infrastructure=True) | e.AssetWiped():
                newest["*"] = stored.offset
            case e.BackfillRequested(origin="manual"):
                by_hand.add(stored.event.backfill_id)
            case e.RunRequested(origin=origin, backfill_id=of) as run if of in by_hand or (
                of is None and origin in ASKED
            ):
                by_hand.add(run.run_id)
            case e.StepStarted(targets=targets) as step if targets:
                step_id = step.run_id, step.step_key
                horizon[step_id] = stored.offset if step.read_through is None else step.read_through
                for target in targets:
                    part = target.asset_key, target.partitions[0][0] if target.partitions else None
                    reason = max(newest.get(dep, 0) for dep in [*reads.get(target.asset_key, ()), "*"])
                    before = read_through.get(part)
                    is_asked_for = step.run_id in by_hand or target.asset_key not in reads
                    if not is_asked_for and before is not None and reason <= before:
                        needless[step_id] = f"{part} at {stored.offset}: the attempt before had read through {before}"
            case e.AssetMaterialized(origin="step") as made:
                step_id = made.run_id or "", made.step_key or ""
                read_through[made.asset_key, made.partition] = horizon[step_id]
                if step_id in needless:
                    found.append(needless.pop(step_id))
    return found


def stale_parts(state: State, at: datetime, keys: Iterable[str], *, missing_old: bool = True) -> list[str]:
    """What is staler than an eager condition leaves it: an update that it has not handled, with nothing in the way.

    Without `missing_old` what was never tried counts in the latest window only: others may have opened after an update.
    """
    assert state.definitions is not None
    moment = Moment(state, state.definitions, at, None)
    found: list[str] = []
    for key in keys:
        table, asset = state.assets[key].table, state.definitions.assets[key]
        for dep in asset.deps:
            existing = moment.existing(dep.key)
            for ordinal, position in state.asset(dep.key).table.update.items():
                for n in moment.downstream(asset, dep, BitMap([ordinal])) if ordinal in existing else ():
                    stale = position > table.handled[n]
                    owed = n in table.failed or n in table.blocked or _needs_more(moment, asset, n)
                    owed |= not missing_old and not table.handled[n] and n not in moment.latest(key)
                    if stale and not owed:
                        found.append(f"{key} is stale after {dep.key} at {position}")
    return found


def _needs_more(moment: Moment, asset: AssetSnapshot, ordinal: int) -> bool:
    """A partition may stay stale only while something that it reads was never made, or does not exist yet."""
    assets, state = moment.definitions.assets, moment.state
    down = Side.of(state.spaces, asset.partitions, moment.at)
    for dep in asset.deps:
        up = Side.of(state.spaces, assets[dep.key].partitions, moment.at)
        if required(dep.mapping, BitMap([ordinal]), up=up, down=down) - state.asset(dep.key).table.materialized:
            return True
    return False
