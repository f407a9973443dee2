"""An audit of a whole log: what must hold of any history, whoever wrote it and whatever was killed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from headwater.storage import events as e
from headwater.storage.log import StoredEvent
from headwater.storage.state import State

Part = tuple[str, str | None]


def needless_attempts(
    log: Iterable[StoredEvent], definitions_bytes: Callable[[str], bytes], reads: Mapping[str, Iterable[str]]
) -> list[str]:
    """Successful attempts that began without a reason newer than what the successful attempt before had read.

    `reads` names the dependencies of each asset to look at. A reason is a released update of a dependency (a gate that
    opens is one), a request by hand, other definitions, or an attempt lost to infrastructure.
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
            case e.DefinitionsLoaded() | e.RunFailed(infrastructure=True) | e.RunRequested(origin="manual"):
                newest["*"] = stored.offset
            case e.BackfillRequested(origin="manual"):
                by_hand.add(stored.event.backfill_id)
            case e.RunRequested(backfill_id=backfill_id) if backfill_id in by_hand:
                newest["*"] = stored.offset
            case e.StepStarted(targets=targets) as step if targets:
                step_id = step.run_id, step.step_key
                horizon[step_id] = stored.offset if step.read_through is None else step.read_through
                for target in targets:
                    part = target.asset_key, target.partitions[0][0] if target.partitions else None
                    reason = max(newest.get(dep, 0) for dep in [*reads.get(target.asset_key, ()), "*"])
                    before = read_through.get(part)
                    if target.asset_key in reads and before is not None and reason <= before:
                        needless[step_id] = f"{part} at {stored.offset}: the attempt before had read through {before}"
            case e.AssetMaterialized(origin="step") as made:
                step_id = made.run_id or "", made.step_key or ""
                read_through[made.asset_key, made.partition] = horizon[step_id]
                if step_id in needless:
                    found.append(needless.pop(step_id))
    return found
