"""How the parts that decide are put together: the loop, and what speaks to it from outside.

Nothing here starts anything. The daemon gives them the real hosts, leases and clock, and has the loop run; the
simulation (tests/simulation) gives them others, and takes the loop's turns itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio.lowlevel
from anyio.abc import TaskGroup

from ..definitions.snapshot import DefinitionsSnapshot
from ..storage import events as e
from ..storage.clock import Clock
from ..storage.ids import IdSource
from ..storage.log import EventLog, Expect
from ..storage.snapshots import newest_state
from ..storage.state import State
from .evaluation.quick import QuickEvaluator
from .evaluation.ticker import BACKFILL_ABOVE, Ticker
from .evaluation.visit import Evaluate
from .host.orders import Order
from .loop import Loop, last_tick
from .runs.backfill.driver import BackfillDriver
from .runs.queue import RunQueue
from .runs.supervisor import Hosts, Leases, RunSupervisor
from .sensing.sensing import LIMIT_S, Sensing
from .snapshotting import Snapshotting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a daemon can be told about how it works."""

    max_concurrent_runs: int = 10
    pools: Mapping[str, int] | None = None
    backfill_above: int = BACKFILL_ABOVE
    evaluation_limit_s: float = LIMIT_S


@dataclass(frozen=True, slots=True)
class Parts:
    """The loop, and those of its parts that hear what code hosts say."""

    loop: Loop
    runs: RunSupervisor
    sensing: Sensing


def assemble(
    state: State,
    events: EventLog,
    hosts: Hosts,
    leases: Leases,
    snapshots: Snapshotting,
    *,
    evaluate: Callable[[Order], Awaitable[None]],
    settings: Settings,
    clock: Clock,
    ids: IdSource,
    term: int,
    tasks: TaskGroup,
    evaluator: Callable[[DefinitionsSnapshot], Evaluate] = QuickEvaluator,
    may_decide: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
    looked_at_all: Callable[[], None] = lambda: None,
) -> Parts:
    """The parts of one daemon over `state`, as `state_before_last_tick` gives it. `evaluate` has a code host evaluate a
    schedule or a sensor; `evaluator` makes what evaluates conditions; `may_decide` and `looked_at_all` as in `Loop`."""

    async def append(facts: Sequence[e.Event]) -> range:
        return await events.append_async(facts, expect=Expect(term=term))

    queue = RunQueue(max_concurrent_runs=settings.max_concurrent_runs, pools=settings.pools)
    runs = RunSupervisor(state, queue, hosts, leases, clock=clock, append=append)
    sensing = Sensing(state, events, evaluate, new_id=ids.new_id, limit_s=settings.evaluation_limit_s)
    backfills = BackfillDriver(state, run_id=ids.new_id, window=2 * settings.max_concurrent_runs, lives=leases.is_held)
    ticker = Ticker(state, run_id=ids.new_id, evaluator=evaluator, backfill_above=settings.backfill_above)
    loop = Loop(
        events,
        ticker,
        runs,
        sensing,
        backfills,
        snapshots,
        clock=clock,
        term=term,
        tasks=tasks,
        may_decide=may_decide,
        looked_at_all=looked_at_all,
    )
    return Parts(loop, runs, sensing)


def state_before_last_tick(events: EventLog) -> State:
    """From the newest snapshot behind which the last Tick stands: what came after the Tick is still to be decided."""
    return newest_state(events, until=last_tick(events)[1])


async def record_loaded(events: EventLog, snapshot: DefinitionsSnapshot, *, term: int) -> None:
    """Write that these definitions are in force, unless the log says so already."""
    newest = events.query(types=["definitions_loaded", "definitions_failed"], newest_first=True, limit=1)
    last = newest[0].event if newest else None
    if isinstance(last, e.DefinitionsLoaded) and last.hash == snapshot.hash:
        return
    fact = e.DefinitionsLoaded(hash=snapshot.hash, asset_count=len(snapshot.assets))
    await events.append_async([fact], expect=Expect(term=term), blobs={snapshot.hash: snapshot.to_bytes()})
