"""Random backfills of random graphs, with failures, lost runs and daemons that die at any moment.

What has to hold is said once more here, key by key and without bitmaps: what reads what, and in which order it may be
made. After each decision the frontier that was kept up has to be the one that is worked out anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from headwater.daemon.evaluation.moment import Moment, max_per_run
from headwater.daemon.runs.backfill.frontier import Frontier
from headwater.definitions.asset import asset
from headwater.definitions.backfill_policy import BackfillPolicy
from headwater.definitions.dependencies import AssetDep
from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    PartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
)
from headwater.storage import events as e
from support.world import World

DAYS = [f"2026-02-0{n}" for n in range(1, 6)]
HALVES = [f"{day}-{hour}" for day, hour in product(DAYS, ("00:00", "12:00"))]
LETTERS = ["a", "b", "c"]
KINDS = {
    "days": DailyPartitionsDefinition(DAYS[0], end_date="2026-02-06"),
    "halves": TimeWindowPartitionsDefinition(
        start=HALVES[0], end="2026-02-06-00:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="0 0,12 * * *"
    ),
    "letters": StaticPartitionsDefinition(LETTERS),
    "whole": None,
}
KEYS: dict[str, list[str | None]] = {"days": [*DAYS], "halves": [*HALVES], "letters": [*LETTERS], "whole": [None]}
POLICIES = [None, BackfillPolicy.multi_run(1), BackfillPolicy.multi_run(2), BackfillPolicy.single_run()]
MAX_PLAYED = 400

Part = tuple[str, str | None]


@dataclass
class Planned:
    """One asset of a case. `deps` are earlier assets; `rolling` ones are read with the day before."""

    name: str
    kind: str
    policy: BackfillPolicy | None
    deps: list[Planned] = field(default_factory=list)
    rolling: bool = False
    targets: list[str | None] = field(default_factory=list)

    def reads(self, dep: Planned, key: str | None) -> list[str | None]:
        if self.rolling and self.kind == dep.kind == "days":
            here = DAYS.index(key or "")
            return [*DAYS[max(0, here - 1) : here + 1]]
        if self.kind == dep.kind:
            return [key]
        if self.kind == "days" and dep.kind == "halves":
            return [half for half in HALVES if half.startswith(key or "")]
        if self.kind == "halves" and dep.kind == "days":
            return [(key or "")[:10]]
        return KEYS[dep.kind]


@st.composite
def graphs(draw: st.DrawFn) -> list[Planned]:
    planned: list[Planned] = []
    for n in range(draw(st.integers(2, 5))):
        kind = draw(st.sampled_from(list(KINDS)))
        one = Planned(f"a{n}", kind, draw(st.sampled_from(POLICIES)), rolling=draw(st.booleans()))
        one.deps = [dep for dep in planned if draw(st.booleans())]
        keys = KEYS[kind]
        one.targets = draw(st.one_of(st.just(keys), st.lists(st.sampled_from(keys), unique=True)))
        planned.append(one)
    return planned


def defined(planned: Planned) -> object:
    deps = [AssetDep(dep.name, partition_mapping=mapping(planned, dep)) for dep in planned.deps]
    return asset(name=planned.name, partitions_def=KINDS[planned.kind], deps=deps, backfill_policy=planned.policy)(
        lambda: None
    )


def mapping(planned: Planned, dep: Planned) -> PartitionMapping | None:
    if planned.rolling and planned.kind == dep.kind == "days":
        return TimeWindowPartitionMapping(start_offset=-1)
    kinds = {planned.kind, dep.kind}
    return AllPartitionMapping() if "letters" in kinds and len(kinds) > 1 else None


class Case:
    def __init__(self, planned: list[Planned], broken: set[Part]) -> None:
        self.planned = {one.name: one for one in planned}
        self.broken = broken
        self.wanted = {(one.name, key) for one in planned for key in one.targets}
        self.world = World()
        self.world.window = 4
        self.world.restart()
        self.world.define(*map(defined, planned))
        targets = []
        for one in planned:
            ranges = None if one.kind == "whole" else tuple((key, key) for key in one.targets if key)
            if one.targets:
                targets.append(e.Target(asset_key=one.name, partitions=ranges))
        self.world.append(e.BackfillRequested(backfill_id="b", targets=tuple(targets)))
        self.open: dict[str, e.RunRequested] = {}
        self.over: set[Part] = set()
        """Made, by a run that has ended."""
        self.lost: list[Part] = []

    def parts(self, targets: Iterable[e.Target]) -> list[Part]:
        found: list[Part] = []
        for target in targets:
            space = self.world.state.space(target.asset_key)
            found += [(target.asset_key, space.key(n)) for n in space.bits(target.partitions)]
        return found

    def above(self, part: Part) -> set[Part]:
        """What a partition reads and the backfill makes."""
        one = self.planned[part[0]]
        return {(dep.name, key) for dep in one.deps for key in one.reads(dep, part[1])} & self.wanted

    def go_on(self) -> None:
        for run in self.world.settle():
            self.open[run.run_id] = run
            parts = self.parts(run.targets)
            assert set(parts) <= self.wanted
            for part in parts:
                assert self.above(part) <= self.over | set(parts), f"{part} was asked for too early"
            for target in run.targets:
                most = max_per_run(self.world.state.definitions.assets[target.asset_key])  # type: ignore[union-attr]
                assert most is None or len(self.parts([target])) <= most
        assert len(self.open) <= self.world.window
        self.check_frontier()

    def check_frontier(self) -> None:
        state, driver = self.world.state, self.world.backfills
        driven = driver._driven.get("b")
        if driven is None or "b" not in state.backfills.active or state.definitions is None:
            return
        moment = Moment(state, state.definitions, self.world.clock.now(), None)
        fresh = Frontier(moment, state.backfills.active["b"].keys)
        assert fresh.advance(moment, state.backfills.progress("b"), set()) == {}
        assert fresh.ready == driven.frontier.ready

    def play(self, which: int, how: str) -> None:
        if not self.open:
            return
        run = self.open.pop(sorted(self.open)[which % len(self.open)])
        if how == "lost" and not set(self.parts(run.targets)) & set(self.lost):
            self.lost += self.parts(run.targets)
            self.world.start(run.run_id, run.targets[0].asset_key)
            self.world.end(run.run_id, "orphaned")
            return
        failing = {t.asset_key for t in run.targets if set(self.parts([t])) & self.broken}
        self.world.run(run, fail=failing)
        made = {
            (stored.event.asset_key, stored.event.partition)  # type: ignore[attr-defined]
            for stored in self.world.log.query(run_id=run.run_id, types=["asset_materialized"])
        }
        self.over |= made

    def check_end(self) -> None:
        [stored] = self.world.log.query(types=["backfill_ended"])
        end = stored.event
        assert isinstance(end, e.BackfillEnded)
        assert end.status == ("succeeded" if self.over == self.wanted else "failed")
        assert sum(count.done for count in end.counts) == len(self.over)
        assert sum(count.failed for count in end.counts) == len(self.wanted - self.over)
        skipped = [s.event for s in self.world.log.query(types=["backfill_skipped"])]
        for part in (part for event in skipped for part in self.parts(event.targets)):  # type: ignore[attr-defined]
            assert self.above(part) - self.over, f"{part} was skipped without a reason"
        attempted: dict[Part, int] = {}
        failed: set[Part] = set()
        for stored in self.world.log.query(types=["run_requested"], limit=10_000):
            assert isinstance(stored.event, e.RunRequested)
            parts = self.parts(stored.event.targets)
            for part in parts:
                attempted[part] = attempted.get(part, 0) + 1
            for target in stored.event.targets:
                together = self.parts([target])
                if set(together) & self.broken:
                    failed |= set(together)
        assert all(count == 1 + (part in self.lost) for part, count in attempted.items())
        for part in self.wanted - self.over:
            assert part in failed or self.above(part) - self.over, f"{part} was left out without a reason"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    graphs(),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=3),
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["ok", "ok", "ok", "lost"]), st.sampled_from(["", "", "kill"])),
        max_size=25,
    ),
)
def test_every_partition_is_made_once_in_order_or_left_out_for_a_reason(
    planned: list[Planned], faults: list[tuple[int, int]], moves: list[tuple[int, str, str]]
) -> None:
    broken = set()
    for which, key in faults:
        one = planned[which % len(planned)]
        broken.add((one.name, KEYS[one.kind][key % len(KEYS[one.kind])]))
    case = Case(planned, broken)
    if not case.wanted:
        return
    for which, how, fault in moves:
        case.go_on()
        if fault:
            case.world.restart()
            case.go_on()
        case.play(which, how)
    for _ in range(MAX_PLAYED):
        case.go_on()
        if "b" not in case.world.state.backfills.active:
            break
        case.world.advance(30)
        case.play(0, "ok")
    case.check_end()
