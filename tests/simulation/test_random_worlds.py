"""Random histories through the ticker, with everything that can happen in any order.

At each tick a second ticker, which folds the same log and visits every condition, has to come to the same events: what
the first one left alone did not matter. At the end the faults stop, every run is played out, and everything has to be
fresh. In between, no partition is made twice without a reason that came after the first attempt had started reading.
And what was decided is what a replay of the whole log decides.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from headwater import AssetDep
from headwater.daemon.evaluation.moment import Moment
from headwater.daemon.evaluation.ticker import Ticker
from headwater.daemon.replay.verify import verify
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.multi_asset import multi_asset
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
)
from headwater.storage import events as e
from headwater.storage import snapshots
from headwater.storage.state import State
from support.audit import needless_attempts, stale_parts
from support.world import World

EAGER = AutomationCondition.eager()
DAILY = DailyPartitionsDefinition(start_date="2026-02-27")
DAYS = ("2026-02-27", "2026-02-28")
CUSTOMERS = DynamicPartitionsDefinition(name="customers")
NAMES = ("ann", "bob")
SALES = MultiPartitionsDefinition({"customer": CUSTOMERS, "date": DAILY})
SHARES = MultiPartitionsDefinition(
    {"customer": CUSTOMERS, "date": DAILY, "half": StaticPartitionsDefinition(["a", "b"])}
)


@asset(automation_condition=EAGER)
def one(source): ...


@asset(automation_condition=EAGER)
def two(one, source): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def raw(inbox): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
def total(clean): ...


@asset(automation_condition=AutomationCondition.on_cron("*/10 * * * *"))
def sometimes(one): ...


@asset(automation_condition=EAGER, partitions_def=CUSTOMERS)
def profile(account): ...


@asset(automation_condition=EAGER, partitions_def=SALES)
def sales(profile, inbox): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def day_sales(sales): ...


@asset(automation_condition=EAGER, partitions_def=CUSTOMERS)
def customer_sales(sales): ...


@asset(
    automation_condition=EAGER,
    partitions_def=SHARES,
    deps=[
        AssetDep(
            "sales",
            partition_mapping=MultiPartitionMapping(
                {
                    "customer": DimensionPartitionMapping("customer", IdentityPartitionMapping()),
                    "date": DimensionPartitionMapping("date", TimeWindowPartitionMapping(-1, 0)),
                }
            ),
        )
    ],
)
def shares(): ...


@multi_asset(
    specs=[
        AssetSpec("left", deps=["source"], automation_condition=EAGER),
        AssetSpec("right", deps=["one"], automation_condition=EAGER),
    ]
)
def sides(): ...


@asset(automation_condition=EAGER)
def beside(right): ...


@asset_check(asset="clean", blocking=True)
def sound(): ...


ASSETS = (
    AssetSpec("source"),
    AssetSpec("inbox", partitions_def=DAILY),
    AssetSpec("account", partitions_def=CUSTOMERS),
    *(one, two, raw, clean, total, sometimes, profile, sales, day_sales, customer_sales, shares, sides, beside),
)
READS = {
    "one": {"source"},
    "two": {"one", "source"},
    "raw": {"inbox"},
    "clean": {"raw"},
    "total": {"clean"},
    "sometimes": {"one"},
    "profile": {"account"},
    "sales": {"profile", "inbox"},
    "day_sales": {"sales"},
    "customer_sales": {"sales"},
    "shares": {"sales"},
    "left": {"source"},
    "right": {"one"},
    "beside": {"right"},
}
EAGERS = tuple(key for key in READS if key != "sometimes")
REASONS = {**{key: READS[key] for key in EAGERS}, **dict.fromkeys(("left", "right"), READS["left"] | READS["right"])}
"""What may be the reason of an attempt: of assets that are made together, what any of them reads."""
SIDES = ("left", "right")
SEVERAL = ("total", "sales", "day_sales", "customer_sales", "shares")
"""What reads several partitions, or others than its own: its steps are handed keys."""


class EverythingTicker(Ticker):
    """The oracle: it visits every condition at every tick, and looks at all of its partitions."""

    def _dirty(self, moment: Moment) -> set[str]:
        assert self._graph is not None
        return set(self._graph.conditions)


class ShadowedWorld(World):
    """A world in which every tick is decided twice."""

    def __init__(self, *, backfill_above: int) -> None:
        super().__init__(ticker=partial(Ticker, backfill_above=backfill_above))
        self.backfill_above = backfill_above
        self.shadow = self._shadow()

    def _shadow(self) -> EverythingTicker:
        state = State.empty(self.log.definitions_bytes)
        return EverythingTicker(state, run_id=lambda: "", backfill_above=self.backfill_above)

    def _decide(self) -> list[e.RunRequested]:
        shadow = self.shadow
        shadow.absorb(self.log.read(shadow.state.through, 100_000)[: self.state.through - shadow.state.through])
        expected = shadow.tick(self.clock.now())
        runs = super()._decide()
        assert [_nameless(event) for event in self.outcomes[-1].events] == expected.events
        return runs

    def restart(self) -> None:
        super().restart()
        self.shadow = self._shadow()
        for stored in self.log.read(0, 1_000_000)[: self.state.through]:
            self.shadow.state.apply(stored)
        self.shadow.state.take_changes()


def _nameless(event: e.Event) -> e.Event:
    if isinstance(event, e.RunRequested):
        return event.model_copy(update={"run_id": ""})
    return event.model_copy(update={"backfill_id": ""}) if isinstance(event, e.BackfillRequested) else event


PARTS = [("one", None), ("total", None), *((key, day) for key in ("raw", "clean") for day in DAYS)]

ACTIONS = st.one_of(
    st.tuples(
        st.just("report"),
        st.sampled_from([("source", None), *(("inbox", day) for day in DAYS), *(("account", name) for name in NAMES)]),
    ),
    st.tuples(
        st.just("hand"), st.sampled_from([("one", None), *((key, day) for key in ("raw", "clean") for day in DAYS)])
    ),
    st.tuples(st.just("tick"), st.none()),
    st.tuples(st.just("step"), st.tuples(st.integers(0, 9), st.sampled_from(["ok", "ok", "ok", "fail", "shut"]))),
    st.tuples(st.just("end"), st.tuples(st.integers(0, 9), st.sampled_from(["cancelled", "orphaned"]))),
    st.tuples(st.just("check"), st.tuples(st.sampled_from(DAYS), st.booleans())),
    st.tuples(st.just("advance"), st.sampled_from([1, 31, 600, 86_400])),
    st.tuples(st.just("backfill"), st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True)),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("customer"), st.tuples(st.sampled_from(NAMES), st.booleans())),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("snapshot"), st.none()),
    st.tuples(st.just("reload"), st.booleans()),
)


class Hand:
    """Plays workers step by step: which step of which run is next, and how it goes."""

    def __init__(self, world: World) -> None:
        self.world = world

    def step(self, choice: int, how: str) -> None:
        runs = list(self.world.state.runs.values())
        if not runs:
            return
        run = runs[choice % len(runs)]
        log = self.world.log.query(run_id=run.run_id, limit=1_000)
        if any(isinstance(s.event, e.RunSucceeded | e.RunFailed | e.RunCancelled) for s in log):
            return  # it has ended, and no tick has seen it yet
        started = {s.event.step_key for s in log if isinstance(s.event, e.StepStarted)}
        over = {s.event.step_key for s in log if isinstance(s.event, e.StepSucceeded | e.StepFailed | e.StepSkipped)}
        keys = [target.asset_key for target in run.targets]
        bad = {s.event.step_key for s in log if isinstance(s.event, e.StepFailed)}
        if open_steps := [key for key in keys if key in started - over]:
            key = open_steps[0]
            checks = {"sound": how != "shut"}
            self.world.finish(run.run_id, key, ok=how != "fail", checks=checks)
        elif waiting := [key for key in keys if key not in started | over]:
            self._begin(run.run_id, waiting[0], bad)
        else:
            self.world.end(run.run_id, "failed" if bad else "succeeded")

    def _begin(self, run_id: str, key: str, bad: set[str]) -> None:
        deps = READS[key]
        shut = {
            s.event.asset_key
            for s in self.world.log.query(run_id=run_id, types=["asset_check_evaluated"])
            if isinstance(s.event, e.AssetCheckEvaluated) and not s.event.passed
        }
        skipped = {
            s.event.step_key: s.event.blocked_by[0].asset_key
            for s in self.world.log.query(run_id=run_id, types=["step_skipped"])
            if isinstance(s.event, e.StepSkipped)
        }
        blocker = next(iter(sorted(deps & (bad | shut))), None) or next(
            (skipped[d] for d in deps if d in skipped), None
        )
        if blocker:
            self.world.skip(run_id, key, because_of=blocker)
            return
        for one in [key, *self._made_with(run_id, key)]:
            self.world.start(run_id, one, read_through=self.world.state.through if one in SEVERAL else None)

    def _made_with(self, run_id: str, key: str) -> list[str]:
        """What else of the run the same function makes: it has read nothing newer."""
        targets = [target.asset_key for target in self.world.state.runs[run_id].targets]
        return [other for other in SIDES if key in SIDES and other != key and other in targets]


def play(world: World, actions: list) -> None:
    hand = Hand(world)
    world.define(*ASSETS, checks=[sound])
    for action, what in actions:
        match action:
            case "report" | "hand":
                world.report(*what)
            case "tick":
                world.tick()
            case "step":
                hand.step(*what)
            case "end":
                runs = list(world.state.runs)
                if runs:
                    world.end(runs[what[0] % len(runs)], what[1])
            case "check":
                world.check("clean", "sound", partition=what[0], passed=what[1])
            case "advance":
                world.advance(what)
            case "backfill":
                targets = [e.Target(asset_key=k, partitions=None if p is None else ((p, p),)) for k, p in what]
                world.append(e.BackfillRequested(backfill_id=world.ids.new_id(), targets=tuple(targets)))
            case "stop":
                for backfill_id in list(world.state.backfills.active)[:1]:
                    world.append(e.BackfillEnded(backfill_id=backfill_id, status="cancelled"))
            case "customer":
                change = e.DynamicPartitionsAdded if what[1] else e.DynamicPartitionsDeleted
                world.append(change(name="customers", keys=(what[0],)))
            case "restart":
                world.restart()
            case "snapshot":
                world.wants_snapshot = True
            case "reload":
                world.define(*(ASSETS if what else [a for a in ASSETS if a is not two]), checks=[sound])


def come_to_rest(world: World) -> None:
    """The faults stop: what is under way ends well, gates open, and time passes until nothing is asked for any more."""
    world.define(*ASSETS, checks=[sound])
    hand = Hand(world)
    for day in DAYS:
        world.check("clean", "sound", partition=day, passed=True)
    for name in NAMES:
        world.append(e.DynamicPartitionsAdded(name="customers", keys=(name,)))
    for _ in range(6):
        world.advance(61)
        world.settle()
        rounds = 0
        while world.state.runs or world.state.backfills.active:
            world.advance(61)
            hand.step(0, "ok")
            world.settle()
            rounds += 1
            assert rounds < 500, "a run storm"


DAEMON_THAT_DIES_BETWEEN_LOADS = [
    ("report", ("inbox", DAYS[0])),
    ("reload", True),
    ("check", (DAYS[0], True)),
    ("reload", True),
    ("tick", None),
    ("restart", None),
]
"""The next one decides again only behind what the last Tick asked for, which stands behind both loads."""


MADE_TOGETHER_WHILE_ONE_IS_UPDATED = [
    ("report", ("source", None)),
    ("tick", None),
    ("hand", ("one", None)),
    ("tick", None),
    ("end", (8, "orphaned")),
    ("tick", None),
    ("step", (2, "ok")),
    ("report", ("source", None)),
]


@pytest.mark.timeout(600)  # half a minute alone; it is not to fail where others work beside it
@example(actions=DAEMON_THAT_DIES_BETWEEN_LOADS, backfill_above=100)
@example(actions=MADE_TOGETHER_WHILE_ONE_IS_UPDATED, backfill_above=1)
@given(actions=st.lists(ACTIONS, max_size=60), backfill_above=st.sampled_from([100, 1]))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_history_is_decided_alike_and_comes_to_rest_fresh(actions: list, backfill_above: int) -> None:
    check(actions, backfill_above=backfill_above)


def check(actions: list, *, backfill_above: int = 100) -> None:
    """Play a history, come to rest, and see that everything that was promised was kept."""
    world = ShadowedWorld(backfill_above=backfill_above)
    play(world, actions)
    come_to_rest(world)
    assert snapshots.check(world.log) == {}
    assert needless_attempts(world.log.read(0, 1_000_000), world.log.definitions_bytes, REASONS) == []
    assert world.state.runs == {}
    assert world.state.backfills.active == {}
    assert stale_parts(world.state, world.clock.now(), EAGERS) == []
    world.advance(timedelta(minutes=1))
    assert [run for run in world.settle() if run.targets[0].asset_key != "sometimes"] == []
    assert verify(world.log).differences == []
    assert verify(world.log, since=world.log.head().offset // 2).differences == []
