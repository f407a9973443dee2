"""The graph of assets: what is upstream of what, in which order to build, and what is wrong with the whole.

The order is the same for equal graphs, however the definitions were listed: topological, and by key among those that
could stand in any order. Everything here is iterative, so that a chain of 100,000 assets is as good as any.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from heapq import heapify, heappop, heappush
from operator import attrgetter

from .assets_definition import AssetsDefinition
from .binding import AssetNode
from .check_specs import CheckNode
from .errors import CyclicDependencies, DefinitionError, PartitionsMismatch, UnknownCheckTarget
from .keys import AssetCheckKey, AssetKey
from .partitions.multi_mappings import default_mapping
from .shared_steps import shared_step_errors

_PARTS = attrgetter("parts")


class AssetGraph:
    """Assets and the edges between them. Every dependency of a node is itself a node."""

    def __init__(self, nodes: Mapping[AssetKey, AssetNode]) -> None:
        self.nodes: dict[AssetKey, AssetNode] = dict(nodes)
        self._children: dict[AssetKey, list[AssetKey]] = {key: [] for key in self.nodes}
        for key in self._by_key():
            for parent in self.parents(key):
                self._children[parent].append(key)

    def _by_key(self) -> list[AssetKey]:
        return sorted(self.nodes, key=_PARTS)  # as the keys compare themselves, in a tenth of the time

    def parents(self, key: AssetKey) -> list[AssetKey]:
        """The assets that `key` reads, in the order of its dependencies."""
        return [dep.key for dep in self.nodes[key].deps]

    def children(self, key: AssetKey) -> list[AssetKey]:
        """The assets that read `key`, by key."""
        return self._children[key]

    @cached_property
    def order(self) -> list[AssetKey]:
        """All keys, each after everything it reads. Assets on a cycle, and what is downstream of one, are left out."""
        waiting = {key: len(node.deps) for key, node in self.nodes.items()}
        ready = [(key.parts, key) for key, count in waiting.items() if count == 0]
        heapify(ready)
        order: list[AssetKey] = []
        while ready:
            _, key = heappop(ready)
            order.append(key)
            for child in self._children[key]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    heappush(ready, (child.parts, child))
        return order

    def ancestors(self, keys: Iterable[AssetKey]) -> set[AssetKey]:
        """Everything upstream of `keys`, without `keys` themselves unless one is upstream of another."""
        return self._reached(keys, self.parents)

    def descendants(self, keys: Iterable[AssetKey]) -> set[AssetKey]:
        """Everything downstream of `keys`."""
        return self._reached(keys, self.children)

    def validate(self, checks: Iterable[CheckNode] = ()) -> list[DefinitionError]:
        """What is wrong between the assets: cycles, partitions that do not fit, checks that miss their asset."""
        errors: list[DefinitionError] = list(self._cycles())
        errors.extend(shared_step_errors(self.nodes, self.order))
        for key in self._by_key():
            errors.extend(self._misfits(self.nodes[key]))
        seen: dict[AssetCheckKey, CheckNode] = {}
        for check in checks:
            errors.extend(self._check_errors(check, seen))
        return errors

    def _reached(self, keys: Iterable[AssetKey], neighbours: Callable[[AssetKey], list[AssetKey]]) -> set[AssetKey]:
        reached: set[AssetKey] = set()
        left = [neighbour for key in keys for neighbour in neighbours(key)]
        while left:
            key = left.pop()
            if key not in reached:
                reached.add(key)
                left.extend(neighbours(key))
        return reached

    def _cycles(self) -> Iterable[CyclicDependencies]:
        """One error for each cycle found; cycles that share assets may need several loads to be seen all."""
        left = set(self.nodes) - set(self.order)
        while left := self._without_ends(left):
            key = min(left)
            path: dict[AssetKey, None] = {}
            while key not in path:
                path[key] = None
                key = min(parent for parent in self.parents(key) if parent in left)
            walked = list(path)
            cycle = walked[walked.index(key) :]
            first = cycle.index(min(cycle))
            cycle = cycle[first:] + cycle[:first]
            yield CyclicDependencies(cycle, source=self.nodes[cycle[0]].source)
            left -= set(cycle)

    def _without_ends(self, keys: Collection[AssetKey]) -> set[AssetKey]:
        """Those of `keys` that still read one of them and are read by one of them, and so on until nothing changes."""
        left = set(keys)
        for neighbours, opposite in ((self.parents, self.children), (self.children, self.parents)):
            counts = {key: sum(other in left for other in neighbours(key)) for key in left}
            ends = [key for key, count in counts.items() if count == 0]
            while ends:
                key = ends.pop()
                left.discard(key)
                for other in opposite(key):
                    if other in left:
                        counts[other] -= 1
                        if counts[other] == 0:
                            ends.append(other)
        return left

    def _misfits(self, node: AssetNode) -> Iterable[DefinitionError]:
        for dep in node.deps:
            upstream = self.nodes[dep.key].partitions_def
            mapping = dep.mapping or default_mapping(upstream, node.partitions_def)
            if reason := mapping.mismatch(upstream, node.partitions_def):
                yield PartitionsMismatch(node.key, dep.key, reason=reason, source=node.source)
        if not isinstance(node, AssetsDefinition) and node.automation_condition is not None:
            yield DefinitionError(
                f"{node.source}: asset {str(node.key)!r} is external, yet it has an automation_condition. There is "
                "nothing to run for it: remove the condition, or make the asset with @asset."
            )

    def _check_errors(self, check: CheckNode, seen: dict[AssetCheckKey, CheckNode]) -> Iterable[DefinitionError]:
        node = self.nodes.get(check.asset_key)
        if node is None:
            yield UnknownCheckTarget(check.check_name, check.asset_key, known=self.nodes.keys(), source=check.source)
        elif check.spec.partitions_def is not None and check.spec.partitions_def != node.partitions_def:
            yield DefinitionError(
                f"{check.source}: {check} has other partitions than its asset. Leave partitions_def out: a check runs "
                "for each partition of its asset by itself."
            )
        if check.is_inline and check.spec.automation_condition is not None:
            yield DefinitionError(
                f"{check.source}: {check} has an automation_condition, but the function that makes the asset evaluates "
                "it. Give the condition to the asset, or write the check as a function with @asset_check."
            )
        first = seen.setdefault(check.key, check)
        if first is not check:
            yield DefinitionError(
                f"{check.source}: {check} is defined a second time; the first definition is at {first.source}. "
                "Rename one of them."
            )
