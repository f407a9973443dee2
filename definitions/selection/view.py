"""What a selection is resolved against: assets with their labels and edges, from definitions or from their snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..keys import AssetCheckKey, AssetKey
from ..spec import DEFAULT_GROUP

if TYPE_CHECKING:
    from ..check_specs import CheckNode
    from ..definitions import Definitions
    from ..graph import AssetGraph
    from ..snapshot import DefinitionsSnapshot


@dataclass(frozen=True, slots=True)
class SelectableCheck:
    """A check of an asset. An `inline` one is evaluated by the step that makes the asset; those of the same `step` (not
    "") are evaluated together."""

    name: str
    inline: bool = False
    step: str = ""


@dataclass(frozen=True, slots=True)
class SelectableAsset:
    """What a selection may ask of an asset. No `group` is the default one; `partitions` is their kind."""

    key: AssetKey
    external: bool
    parents: tuple[AssetKey, ...]
    group: str | None
    tags: Mapping[str, str]
    kinds: tuple[str, ...]
    owners: tuple[str, ...]
    partitions: str | None
    checks: tuple[SelectableCheck, ...]
    observable: bool = False
    step: str = ""
    """The step that it shares with what else its function makes; "" where it has one of its own."""
    can_subset: bool = False

    @property
    def made_together(self) -> str:
        """The step in which it can only be made together with others; "" where it can be made alone."""
        return "" if self.can_subset else self.step


class SelectableAssets:
    """The assets by key, each after everything it reads, and the ways between them."""

    def __init__(self, assets: Iterable[SelectableAsset]) -> None:
        self.assets: dict[AssetKey, SelectableAsset] = {asset.key: asset for asset in assets}
        self._selected: dict[str, set[AssetKey]] = {}

    @classmethod
    def of(cls, source: Selectable, defined_checks: Iterable[CheckNode] = ()) -> SelectableAssets:
        """The assets of definitions or of their snapshot; those of a bare graph come with `defined_checks`."""
        from ..assets_definition import AssetsDefinition
        from ..definitions import Definitions
        from ..graph import AssetGraph
        from ..snapshot import DefinitionsSnapshot

        if isinstance(source, SelectableAssets):
            return source
        if isinstance(source, DefinitionsSnapshot):
            return cls(
                SelectableAsset(
                    key=AssetKey.from_user_string(asset.key),
                    external=asset.external,
                    parents=tuple(AssetKey.from_user_string(dep.key) for dep in asset.deps),
                    step=asset.step,
                    can_subset=asset.can_subset,
                    checks=tuple(
                        SelectableCheck(check.name, check.inline, "" if check.can_subset else check.step)
                        for check in asset.checks
                    ),
                    observable=asset.observable,
                    **_labels(asset, asset.partitions),
                )
                for asset in source.assets.values()
            )
        if isinstance(source, (Definitions, AssetGraph)):
            graph = source.graph if isinstance(source, Definitions) else source
            checks: dict[AssetKey, list[SelectableCheck]] = {}
            for check in source.asset_checks if isinstance(source, Definitions) else defined_checks:
                together = "" if check.can_subset else check.step
                found = SelectableCheck(check.check_name, check.is_inline, together)
                checks.setdefault(check.asset_key, []).append(found)
            in_order = [graph.nodes[key] for key in dict.fromkeys([*graph.order, *graph.nodes])]
            return cls(
                SelectableAsset(
                    key=node.key,
                    external=node.is_external,
                    parents=tuple(graph.parents(node.key)),
                    checks=tuple(checks.get(node.key, ())),
                    step=node.step if isinstance(node, AssetsDefinition) else "",
                    can_subset=node.can_subset if isinstance(node, AssetsDefinition) else False,
                    observable=node.is_observable,
                    **_labels(node.spec, node.spec.partitions_def),
                )
                for node in in_order
            )
        raise TypeError(f"a selection is resolved against Definitions, their snapshot or their graph, not {source!r}")

    @property
    def keys(self) -> set[AssetKey]:
        return set(self.assets)

    @cached_property
    def checks(self) -> set[AssetCheckKey]:
        return self.checks_of(self.assets)

    def checks_of(self, keys: Iterable[AssetKey]) -> set[AssetCheckKey]:
        return {AssetCheckKey(key, check.name) for key in keys for check in self.assets[key].checks}

    def evaluated_together(self, checks: Iterable[AssetCheckKey]) -> set[AssetCheckKey]:
        """The checks that share a step with one of `checks`."""
        wanted = set(checks)
        steps = {c.step for key in wanted for c in self.assets[key.asset_key].checks if c.name == key.name and c.step}
        if not steps:
            return wanted
        of_step = (AssetCheckKey(a.key, c.name) for a in self.assets.values() for c in a.checks if c.step in steps)
        return wanted | set(of_step)

    def parents(self, key: AssetKey) -> Iterable[AssetKey]:
        return self.assets[key].parents

    def children(self, key: AssetKey) -> Iterable[AssetKey]:
        return self._children[key]

    def within(self, keys: set[AssetKey], *, up: int | None, down: int | None) -> set[AssetKey]:
        """`keys`, and what stands at most so many layers above or below them; None is all layers."""
        return keys | _walk(keys, self.parents, up) | _walk(keys, self.children, down)

    @cached_property
    def steps(self) -> Mapping[str, set[AssetKey]]:
        """What each function makes that makes several assets, by its name."""
        steps: dict[str, set[AssetKey]] = {}
        for key, asset in self.assets.items():
            if asset.step:
                steps.setdefault(asset.step, set()).add(key)
        return steps

    def made_with(self, keys: set[AssetKey]) -> set[AssetKey]:
        """`keys`, and what can only be made together with one of them."""
        steps = {step for key in keys if (step := self.assets[key].made_together)}
        return keys.union(*(self.steps[step] for step in steps))

    def selected(self, text: str) -> set[AssetKey]:
        """What the selection string `text` means here, looked up once however often it is asked for."""
        if text not in self._selected:
            from .parser import parse

            self._selected[text] = parse(text).assets_in(self)
        return self._selected[text]

    def selected_checks(self, text: str) -> set[AssetCheckKey]:
        """The checks that the selection string `text` means here."""
        from .parser import parse

        return parse(text).checks_in(self)

    @cached_property
    def _children(self) -> Mapping[AssetKey, list[AssetKey]]:
        children: dict[AssetKey, list[AssetKey]] = {key: [] for key in self.assets}
        for key, asset in self.assets.items():
            for parent in asset.parents:
                children[parent].append(key)
        return children


if TYPE_CHECKING:
    Selectable = Definitions | DefinitionsSnapshot | AssetGraph | SelectableAssets


def _labels(source: Any, partitions: Any) -> dict[str, Any]:
    return {
        "group": None if source.group == DEFAULT_GROUP else source.group,
        "tags": source.tags,
        "kinds": source.kinds,
        "owners": source.owners,
        "partitions": None if partitions is None else partitions.kind,
    }


def _walk(
    keys: set[AssetKey], neighbours: Callable[[AssetKey], Iterable[AssetKey]], layers: int | None
) -> set[AssetKey]:
    seen, edge = set(keys), set(keys)
    while edge and layers != 0:
        edge = {other for key in edge for other in neighbours(key)} - seen
        seen |= edge
        layers = None if layers is None else layers - 1
    return seen
