"""Which assets of a run share a step, and in which order steps go.

Assets of one function are made in one step, unless
- they are to be made for different partitions, or
- something that the run makes stands between them. Then the function, which can make some of its assets without the
  others, is called more than once: the second step of `shop` is called `shop-2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from heapq import heappop, heappush

from ...definitions.errors import InvalidInvocationError, InvalidSubsetError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.events import KeyRanges
from .plan import StepPlan, gate_of


@dataclass(frozen=True, slots=True)
class Group:
    """The assets of one step, upstream first."""

    step_key: str
    keys: tuple[str, ...]


def step_groups(snapshot: DefinitionsSnapshot, wanted: Mapping[str, KeyRanges | None]) -> list[Group]:
    """The steps in which the assets `wanted` are made.

    Raises:
        InvalidSubsetError: some of the assets that can only be made together.
    """
    if not any(snapshot.assets[key].step for key in wanted):
        return [Group(key, (key,)) for key in wanted]
    check_whole(snapshot, wanted)
    return _Grouping(snapshot, wanted).groups()


def check_whole(snapshot: DefinitionsSnapshot, wanted: Mapping[str, KeyRanges | None] | Iterable[str]) -> None:
    """Make sure that of assets which can only be made together all are `wanted`, for the same partitions.

    Raises:
        InvalidSubsetError: some of them are not.
    """
    ranges = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted)
    for key in ranges:
        together = snapshot.made_together.get(key, ())
        if missing := [other for other in together if other not in ranges]:
            raise InvalidSubsetError(
                snapshot.assets[key].step, wanted=[one for one in together if one in ranges], missing=missing
            )
        if any(ranges[other] != ranges[key] for other in together):
            raise InvalidInvocationError(
                f"assets {', '.join(map(repr, together))} are made by one function in one step: name the same "
                "partitions for all of them."
            )


class _Grouping:
    """Takes assets whose upstream is taken, alone or with all others of their function that can go with them."""

    def __init__(self, snapshot: DefinitionsSnapshot, wanted: Mapping[str, KeyRanges | None]) -> None:
        self._snapshot = snapshot
        order = list(upstream_first(snapshot, list(wanted)))
        self._left = {key: {dep.key for dep in snapshot.assets[key].deps if dep.key in wanted} for key in order}
        self._children: dict[str, list[str]] = {key: [] for key in order}
        for key, above in self._left.items():
            for parent in above:
                self._children[parent].append(key)
        self._together: dict[tuple[str, KeyRanges | None], dict[str, None]] = {}
        for key in order:
            if step := snapshot.assets[key].step:
                self._together.setdefault((step, wanted[key]), {})[key] = None
        self._alone = [key for key in order if not snapshot.assets[key].step and not self._left[key]]
        self._names: dict[str, int] = {}

    def groups(self) -> list[Group]:
        groups: list[Group] = []
        while self._left:
            while self._alone:
                key = self._alone.pop()
                groups.append(Group(key, (key,)))
                self._take([key])
            if batch := self._next_batch():
                groups.append(Group(self._named(self._snapshot.assets[batch[0]].step), tuple(batch)))
                self._take(batch)
        return groups

    def _next_batch(self) -> list[str]:
        """The first function all of whose assets can be made now; else what can be made of one."""
        partial: list[str] = []
        for members in self._together.values():
            batch: dict[str, None] = {}
            for key in members:
                if self._left[key] <= batch.keys():
                    batch[key] = None
            if batch and len(batch) == len(members):
                return list(batch)
            if batch and not partial and self._snapshot.assets[next(iter(batch))].can_subset:
                partial = list(batch)
        return partial

    def _take(self, keys: Sequence[str]) -> None:
        for key in keys:
            del self._left[key]
            for members in self._together.values() if self._snapshot.assets[key].step else ():
                members.pop(key, None)
        self._together = {step: members for step, members in self._together.items() if members}
        for child in {child: None for key in keys for child in self._children[key]}:
            if child in self._left:
                self._left[child].difference_update(keys)
                if not self._left[child] and not self._snapshot.assets[child].step:
                    self._alone.append(child)

    def _named(self, step: str) -> str:
        count = self._names[step] = self._names.get(step, 0) + 1
        return step if count == 1 else f"{step}-{count}"


# ---- order -----------------------------------------------------------------------------------------------------------


def in_order(snapshot: DefinitionsSnapshot, steps: Sequence[StepPlan]) -> Iterable[StepPlan]:
    """The steps, each after all that it waits for; otherwise as the graph has them, a check right after its asset.

    Where a gate can only be known after a step that it would keep from starting (one function checks an asset and what
    is downstream of it), that step does not wait for it.
    """
    if len(steps) == 1:
        return steps
    step_of = {gate_of(check): step.step_key for step in steps for check in step.checks}
    by_key = {step.step_key: step for step in steps}
    waits = {step.step_key: set(step.upstream) for step in steps}
    before: dict[str, set[str]] = {}
    for step in steps:
        for guard in {step_of[gate] for gate in step.gates} - waits[step.step_key]:
            if len(waits[guard]) > 1 and guard not in before:
                before[guard] = _waited_for(guard, waits)
            if step.step_key not in before.get(guard, ()):
                waits[step.step_key].add(guard)
    keys = [key for step in steps for key in step.asset_keys]
    place = {key: n for n, key in enumerate(upstream_first(snapshot, keys))}
    rank = {step.step_key: (max(place[key] for key in step.asset_keys), step.only_checks) for step in steps}
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    ready: list[tuple[tuple[int, bool], int, str]] = []
    order: list[StepPlan] = []
    listed = {step.step_key: n for n, step in enumerate(steps)}
    while sorter.is_active():
        for key in sorter.get_ready():
            heappush(ready, (rank[key], listed[key], key))
        key = heappop(ready)[2]
        order.append(by_key[key])
        sorter.done(key)
    return order


def upstream_first(snapshot: DefinitionsSnapshot, keys: Sequence[str]) -> Iterable[str]:
    """`keys` in topological order. Looks at these assets only: one asset among 100,000 costs next to nothing."""
    wanted = set(keys)
    graph = {key: [dep.key for dep in snapshot.assets[key].deps if dep.key in wanted] for key in keys}
    return TopologicalSorter(graph).static_order()


def _waited_for(start: str, waits: Mapping[str, set[str]]) -> set[str]:
    """The steps that `start` waits for, directly or not."""
    reached: set[str] = set()
    left = [start]
    while left:
        fresh = waits[left.pop()] - reached
        reached |= fresh
        left.extend(fresh)
    return reached
