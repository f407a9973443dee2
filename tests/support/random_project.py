"""A random project whose assets have partitions of every kind, and what a user makes of it from one load to the next.

`a0` and `a1` are made elsewhere; `a2` to `a5` have random conditions; the `keen` ones are eager, each of another family
of partitions, so that something is always asked for. `keen_alike` has those of `a0`, which it reads one by one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headwater import (
    AssetDep,
    AssetSpec,
    AutomationCondition,
    BackfillPolicy,
    asset,
    asset_check,
)
from headwater.definitions.partitions import PartitionMapping, default_mapping

from .random_conditions import random_condition
from .random_partitions import DYNAMIC, KINDS, MULTI, TIME, are_close, random_kind, random_mapping

C = AutomationCondition
KEEN = {"keen_dynamic": DYNAMIC, "keen_several": MULTI, "keen_time": TIME, "keen_alike": KINDS}
EAGER = [
    C.eager,
    lambda: C.eager().without(C.any_deps_missing()),
    lambda: C.eager().without(C.in_latest_time_window()),
]


@asset_check(asset="a0")
def looks() -> bool:
    return True


@asset_check(asset="keen_several", blocking=True)
def sound() -> bool:
    return True


@dataclass(frozen=True)
class Edge:
    upstream: str
    mapping: PartitionMapping | None
    gated: bool = True


@dataclass(frozen=True)
class Planned:
    """One asset. One that has no condition is made elsewhere."""

    name: str
    kind: str
    deps: tuple[Edge, ...] = ()
    condition: AutomationCondition | None = None
    policy: BackfillPolicy | None = None

    def defined(self) -> Any:
        partitions = KINDS[self.kind]
        if self.condition is None:
            return AssetSpec(self.name, partitions_def=partitions)

        @asset(
            name=self.name,
            partitions_def=partitions,
            deps=[AssetDep(edge.upstream, partition_mapping=edge.mapping, gated=edge.gated) for edge in self.deps],
            automation_condition=self.condition,
            backfill_policy=self.policy if partitions is not None else None,
        )
        def trivial() -> None: ...

        return trivial


class RandomProject:
    """What a user has written so far."""

    checks = (looks, sound)

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.planned: dict[str, Planned] = {}
        for number in range(2):
            self._add(Planned(f"a{number}", random_kind(rng)))
        for number in range(2, 6):
            kind, condition = self._kind(KINDS), random_condition(rng, rng.randrange(1, 4))
            self._add(self._alike(f"a{number}", condition) or self._random(f"a{number}", kind, condition))
        for name, kinds in KEEN.items():
            self._add(self._random(name, self._kind(kinds), rng.choice(EAGER)()))
        self._make_alike()

    def defined(self) -> list[Any]:
        return [one.defined() for one in self.planned.values()]

    def quiet(self) -> list[Any]:
        """The keen assets alone, with all others made elsewhere: nothing else asks for anything."""
        return [
            one.defined() if name in KEEN else replace(one, deps=(), condition=None).defined()
            for name, one in self.planned.items()
        ]

    def edit(self) -> str:
        """Change one thing, and say what it was."""
        match self._rng.randrange(4):
            case 0 | 1:
                return self._repartition(self._rng.choice([*self.planned.values()]))
            case 2:
                one = self._rng.choice([one for one in self.planned.values() if one.deps])
                self._add(replace(one, deps=tuple(self._edge(edge.upstream, one.kind) for edge in one.deps)))
                return "mappings changed"
            case _:
                one = self.planned[f"a{self._rng.randrange(2, 6)}"]
                self._add(replace(one, condition=random_condition(self._rng, self._rng.randrange(1, 4))))
                return "a condition changed"

    def _repartition(self, one: Planned) -> str:
        self._add(replace(one, kind=self._kind(KEEN.get(one.name, KINDS))))
        for reader in [*self.planned.values()]:
            if reader.name == one.name or any(edge.upstream == one.name for edge in reader.deps):
                deps = [self._still_fitting(edge, reader.kind) for edge in reader.deps]
                self._add(replace(reader, deps=tuple(deps)))
        if one.name in ("a0", "keen_alike"):
            self._make_alike()
        return "partitions changed"

    def _make_alike(self) -> None:
        one = self.planned["keen_alike"]
        self._add(replace(one, kind=self.planned["a0"].kind, deps=(Edge("a0", None),), policy=None))

    def _alike(self, name: str, condition: AutomationCondition) -> Planned | None:
        """In one of three cases: an asset with the partitions of others, of which each reads those of its own key."""
        kind = self.planned["a0"].kind
        same = [one.name for one in self.planned.values() if one.kind == kind]
        read = sorted(self._rng.sample(same, k=min(len(same), self._rng.randrange(1, 3))))
        return (
            Planned(name, kind, tuple(Edge(one, None) for one in read), condition) if self._rng.random() < 0.3 else None
        )

    def _still_fitting(self, edge: Edge, kind: str) -> Edge:
        up, down = KINDS[self.planned[edge.upstream].kind], KINDS[kind]
        mapping = edge.mapping or default_mapping(up, down)
        return edge if mapping.mismatch(up, down) is None else self._edge(edge.upstream, kind)

    def _add(self, one: Planned) -> None:
        self.planned[one.name] = one

    def _kind(self, kinds: Mapping[str, object]) -> str:
        """One of `kinds`; often that of an asset that is there already, so that one run can make both."""
        same = [one.kind for one in self.planned.values() if one.kind in kinds]
        if same and self._rng.random() < 0.4:
            return self._rng.choice(same)
        return random_kind(self._rng) if kinds is KINDS else self._rng.choice([*kinds])

    def _random(self, name: str, kind: str, condition: AutomationCondition) -> Planned:
        earlier = [other for other in self.planned if other != "keen_alike"]
        close = [other for other in earlier if are_close(self.planned[other].kind, kind)]
        pool = close if close and self._rng.random() < 0.8 else earlier
        read = sorted(self._rng.sample(pool, k=min(len(pool), self._rng.randrange(1, 4))))
        policy = self._rng.choice([*[None] * 6, BackfillPolicy.single_run(), BackfillPolicy.multi_run(2)])
        return Planned(name, kind, tuple(self._edge(upstream, kind) for upstream in read), condition, policy)

    def _edge(self, upstream: str, kind: str) -> Edge:
        mapping = random_mapping(self._rng, self.planned[upstream].kind, kind)
        return Edge(upstream, mapping, gated=self._rng.random() < 0.9)
