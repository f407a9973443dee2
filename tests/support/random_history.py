"""A random history of a random project: partitions that come and go, definitions that change, daemons that die.

At every tick the compiled evaluators are held against the plain one (`both_evaluators.py`). At the end everything but
what is eager is taken away, what it reads is reported, and all of it has to become fresh.

`History.met` says what happened in it, so that one can count in how many histories each shape was really at work.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial

from headwater.daemon.evaluation.ticker import Ticker
from headwater.storage import events as e

from .hand import Hand
from .random_partitions import KINDS, NAMES, family
from .random_project import KEEN, RandomProject
from .world import World

START = datetime.fromisoformat("2026-02-28T22:00:00+00:00")
"""Two hours before a day, a week and a month end."""
LENGTH = 40
MOST_KEYS = 6  # that one report is about


class History:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        ticker = partial(Ticker, backfill_above=self.rng.choice([100, 100, 3]))
        self.world = World(start=START, seed=seed, ticker=ticker)
        self.hand = Hand(self.world)
        self.project = RandomProject(self.rng)
        self.met: set[str] = set()
        self._people: dict[str, list[str]] = {"people": [], "guests": []}

    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        """The keys that exist, for definitions that are asked for theirs."""
        return self._people[partitions_def_name]

    # ---- the wild part -----------------------------------------------------------------------------------------------

    def play(self) -> None:
        for name in self._people:
            self._add(name, self.rng.sample(NAMES, k=2))
        self._load()
        for key in ("a0", "a1"):
            for partition in self._keys(key) if self.rng.random() < 0.7 else ():
                self.world.report(key, partition)
        happenings = [
            *(self._report, self._report, self._report, self._report),
            *(self._step, self._step, self._step, self._step),
            *(self._people_change, self._people_change),
            *(self._time_passes, self._time_passes),
            *(self._edit, self._check, self._end, self._backfill, self._wipe, self._switch, self._die, self._tag),
        ]
        for _ in range(LENGTH):
            self.rng.choice(happenings)()
            if self.rng.random() < 0.1:
                self.world.wants_snapshot = True
            if self.rng.random() < 0.8:
                self._take(self.world.tick())

    def _take(self, runs: list[e.RunRequested]) -> None:
        self.hand.take(runs)
        if any(len(run.targets) > 1 for run in runs):
            self.met.add("several assets in a run")
        ticks = [event for outcome in self.world.outcomes for event in outcome.events]
        self.world.outcomes = self.world.outcomes[-1:]  # which the next call notes once more
        for decision in [decision for tick in ticks if isinstance(tick, e.Tick) for decision in tick.decisions]:
            one = self.project.planned.get(decision.asset_key)
            if one is None or decision.dry_run or (decision.partitions is None) != (KINDS[one.kind] is None):
                continue  # of the definitions before, perhaps
            kinds = family(one.kind), f"{family(one.kind)}, {'keen' if one.name in KEEN else 'random'}", one.kind
            self.met |= {f"asked for: {kind}" for kind in kinds}
            self.met |= {f"asked for over: {_named(edge.mapping)}" for edge in one.deps}
        if any(isinstance(event, e.BackfillRequested) for event in ticks):
            self.met.add("a backfill of automation")

    # ---- what happens ------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        self.world.define(*self.project.defined(), checks=self.project.checks)

    def _edit(self) -> None:
        self.met.add(f"reload: {self.project.edit()}")
        self._load()

    def _report(self) -> None:
        key = self.rng.choice([*self.project.planned, "a0", "a0", "a1"])
        keys = self._keys(key)
        for partition in self.rng.sample(keys, k=min(len(keys), self.rng.randrange(1, MOST_KEYS))):
            self.world.report(key, partition)
        if self.rng.random() < 0.15 and (early := self._early(key)) is not None:
            self.world.report(key, early)
            self.met.add("reported before it exists")

    def _tag(self) -> None:
        """Somebody runs a source by hand, with tags and a data version."""
        key, run_id = self.rng.choice(["a0", "a1"]), self.world.ids.new_id()
        if not (keys := self._keys(key)):
            return
        partition = self.rng.choice(keys)
        target = e.Target(asset_key=key, partitions=None if partition is None else ((partition, partition),))
        version = self.rng.choice([None, "v1", "v2"])
        self.world.append(
            e.RunRequested(run_id=run_id, targets=(target,), tags=self.rng.choice([{}, {"by": "hand"}])),
            e.AssetMaterialized(asset_key=key, partition=partition, run_id=run_id, data_version=version),
            e.RunSucceeded(run_id=run_id),
        )

    def _step(self) -> None:
        for _ in range(self.rng.randrange(1, 5)):
            self.hand.step(self.rng.randrange(10), self.rng.choice(["ok", "ok", "ok", "fail", "shut"]))

    def _end(self) -> None:
        self.hand.end(self.rng.randrange(10), self.rng.choice(["cancelled", "orphaned"]))

    def _people_change(self) -> None:
        name = self.rng.choice([*self._people])
        if self.rng.random() < 0.6:
            self._add(name, self.rng.sample(NAMES, k=self.rng.randrange(1, 3)))
        elif self._people[name]:
            gone = self.rng.choice(self._people[name])
            self._people[name].remove(gone)
            self.world.append(e.DynamicPartitionsDeleted(name=name, keys=(gone,)))
            self.met.add("a key deleted")

    def _add(self, name: str, keys: list[str] | tuple[str, ...]) -> None:
        self._people[name] += [key for key in keys if key not in self._people[name]]
        self.world.append(e.DynamicPartitionsAdded(name=name, keys=tuple(keys)))
        self.met.add("a key added")

    def _time_passes(self) -> None:
        before = self._existing_windows()
        self.world.advance(timedelta(minutes=self.rng.choice([1, 1, 5, 31, 31, 120, 1440])))
        for kind, keys in self._existing_windows().items():
            if len(keys) > len(before[kind]):
                self.met.add(f"a window opened: {kind}")

    def _existing_windows(self) -> dict[str, list[str | None]]:
        kinds = {one.kind for one in self.project.planned.values() if family(one.kind) == "time"}
        return {kind: self._keys_of(kind) for kind in sorted(kinds)}

    def _check(self) -> None:
        asset_key, name = self.rng.choice([("a0", "looks"), ("keen_several", "sound")])
        if keys := self._keys(asset_key):
            partition, passed = self.rng.choice(keys), self.rng.random() < 0.5
            self.world.check(asset_key, name, partition=partition, passed=passed, blocking=name == "sound")

    def _backfill(self) -> None:
        if active := [*self.world.state.backfills.active]:
            self.world.append(e.BackfillEnded(backfill_id=active[0], status="cancelled"))
            return
        made = [one for one in self.project.planned.values() if one.condition is not None]
        targets = []
        for one in self.rng.sample(made, k=2):
            if keys := self._keys(one.name)[-3:]:
                ranges = None if keys == [None] else tuple((key, key) for key in keys)
                targets.append(e.Target(asset_key=one.name, partitions=ranges))  # type: ignore[arg-type]
        if targets:
            self.world.append(e.BackfillRequested(backfill_id=self.world.ids.new_id(), targets=tuple(targets)))

    def _wipe(self) -> None:
        """What is wiped is missing, which an eager asset leaves so outside of its latest window."""
        key = self.rng.choice([key for key in self.project.planned if key not in KEEN])
        if keys := self._keys(key):
            partition = self.rng.choice(keys)
            ranges = None if partition is None else ((partition, partition),)
            self.world.append(e.AssetWiped(asset_key=key, partitions=ranges))

    def _switch(self) -> None:
        modes: list[e.AutomationMode] = ["on", "on", "paused", "dry_run"]
        assets = self.rng.choice([(), ("a3",), ("keen_several", "keen_dynamic")])
        self.world.append(e.AutomationSwitched(mode=self.rng.choice(modes), assets=assets))

    def _die(self) -> None:
        """The daemon is killed; in half of all cases behind a decision that it had no time to write down."""
        if self.rng.random() < 0.5:
            landed = self.world.log.read(self.world.state.through, 100_000)
            cut = next((n for n, s in enumerate(landed) if n and isinstance(s.event, e.DefinitionsLoaded)), len(landed))
            self.world.ticker.absorb(landed[:cut])
            if self.world.ticker.ready:
                self.world.ticker.tick(self.world.clock.now())
            self.met.add("killed with a decision in hand")
        has_snapshot = bool(self.world.log.snapshots())
        self.met.add("started from a snapshot" if has_snapshot else "started from the first event")
        self.world.restart()

    # ---- the end -----------------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """What is read is there, gates are open, runs go well, and time passes until nothing is asked for any more."""
        world = self.world
        world.append(e.AutomationSwitched(mode="on"))
        world.advance(timedelta(days=2))
        for name in self._people:
            self._add(name, NAMES)
        world.define(*self.project.quiet(), checks=self.project.checks)
        for one in self.project.planned.values():
            for partition in self._keys(one.name):
                if one.name == "keen_several":
                    world.check(one.name, "sound", partition=partition, passed=True)
                if one.name not in KEEN:
                    world.report(one.name, partition)
        for key in ("", "a0", "a0", "a1", ""):
            world.advance(61)
            if key:  # one partition alone, which may be evaluated alone
                world.report(key, self.rng.choice(self._keys(key)))
            self._take(world.settle())
            rounds = 0
            while self.hand or world.state.backfills.active:
                world.advance(61)
                self.hand.step(rounds)
                self._take(world.settle())
                rounds += 1
                assert rounds < 3_000, "a run storm"

    # ---- keys --------------------------------------------------------------------------------------------------------

    def _keys(self, asset_key: str) -> list[str | None]:
        return self._keys_of(self.project.planned[asset_key].kind)

    def _keys_of(self, kind: str) -> list[str | None]:
        """All that exist now."""
        partitions = KINDS[kind]
        if partitions is None:
            return [None]
        return [*partitions.get_partition_keys(self.world.clock.now(), dynamic_partitions_store=self)]

    def _early(self, asset_key: str) -> str | None:
        """A key that will exist, or may."""
        partitions = KINDS[self.project.planned[asset_key].kind]
        if partitions is None:
            return None
        later = self.world.clock.now() + timedelta(days=2)
        everybody = _Everybody()
        now = {*self._keys(asset_key)}
        keys = [k for k in partitions.get_partition_keys(later, dynamic_partitions_store=everybody) if k not in now]
        return self.rng.choice(keys) if keys else None


class _Everybody:
    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        return [*NAMES]


def _named(mapping: object) -> str:
    return "the mapping by default" if mapping is None else type(mapping).__name__
