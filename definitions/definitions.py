"""Definitions: all assets, checks and resources of a project, bound to each other.

Making a `Definitions` is cheap and checks little; what needs the whole picture (names, cycles, partitions) is looked at
once, when somebody first asks. `validate()` raises everything that is wrong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .assets_definition import AssetsDefinition
from .binding import AssetNode, Names
from .caller import caller
from .checks import AssetChecksDefinition
from .collecting import collecting, report
from .errors import (
    DefinitionError,
    DefinitionErrors,
    DuplicateAsset,
    InvalidAssetSelection,
    InvalidInvocationError,
    did_you_mean,
)
from .graph import AssetGraph
from .keys import AssetKey
from .partitions.multi_mappings import default_mapping
from .source import SourceLine
from .spec import DEFAULT_IO_MANAGER, AssetSpec
from .unsupported import refuse

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition
    from .snapshot import DefinitionsSnapshot


class _Bound(NamedTuple):
    graph: AssetGraph
    checks: list[AssetChecksDefinition]
    conditions: dict[AssetKey, AutomationCondition]
    errors: list[DefinitionError]


class Definitions:
    """Everything a module defines. One at the top level of the module is what headwater loads.

    >>> defs = Definitions(assets=[orders, revenue], asset_checks=[orders_not_empty], resources={"db": connection})
    """

    def __init__(
        self,
        assets: Iterable[AssetsDefinition | AssetSpec | AssetChecksDefinition] | None = None,
        asset_checks: Iterable[AssetChecksDefinition] | None = None,
        resources: Mapping[str, Any] | None = None,
        *,
        jobs: Iterable[Any] | None = None,
        schedules: Iterable[Any] | None = None,
        sensors: Iterable[Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.source = caller()
        listed = _by_kind([*(assets or ()), *(asset_checks or ())], source=self.source)
        self._assets, self._checks = listed
        self.resources: dict[str, Any] = dict(resources or {})
        self.metadata = dict(metadata or {})
        self._default_io_managers: dict[Path, Any] = {}
        refuse(
            "Definitions",
            source=self.source,
            jobs=list(jobs or ()),
            schedules=list(schedules or ()),
            sensors=list(sensors or ()),
            executor=executor,
            loggers=dict(loggers or {}),
        )

    @classmethod
    def merge(cls, *definitions: Definitions) -> Definitions:
        """All of them as one. A resource that two of them name must be the same object."""
        resources: dict[str, Any] = {}
        for one in definitions:
            for name, value in one.resources.items():
                if resources.setdefault(name, value) is not value:
                    report(
                        DefinitionError(
                            f"{one.source}: the resource {name!r} is not the same in two of the merged Definitions. "
                            "Rename one of them, or define it once."
                        )
                    )
        return cls(
            assets=[asset for one in definitions for asset in one._assets],
            asset_checks=[check for one in definitions for check in one._checks],
            resources=resources,
            metadata={name: value for one in definitions for name, value in one.metadata.items()},
        )

    @property
    def graph(self) -> AssetGraph:
        """The assets, bound to each other; upstream assets that nobody defines stand in it as external ones."""
        return self._bound.graph

    @property
    def assets(self) -> list[AssetNode]:
        """All assets in topological order, external ones included."""
        return [self.graph.nodes[key] for key in self.graph.order]

    @property
    def asset_checks(self) -> list[AssetChecksDefinition]:
        return self._bound.checks

    def get(self, key: Any) -> AssetNode:
        """The asset of this key (an AssetKey, a string such as "sales/orders", or an asset).

        Raises:
            InvalidInvocationError: there is none.
        """
        wanted = AssetKey.from_user_string(key) if isinstance(key, str) else AssetKey.of(key)
        node = self.graph.nodes.get(wanted)
        if node is None:
            hint = did_you_mean(str(wanted), map(str, self.graph.nodes), "Is it among the assets of the Definitions?")
            raise InvalidInvocationError(f"there is no asset {str(wanted)!r}. {hint}")
        return node

    def checks_of(self, key: Any) -> list[AssetChecksDefinition]:
        """The checks of one asset, in the order in which they were listed."""
        wanted = self.get(key).key
        return self._checks_by_asset.get(wanted, [])

    def check(self, key: Any, name: str) -> AssetChecksDefinition:
        """The check of this name.

        Raises:
            InvalidInvocationError: the asset has none of this name.
        """
        checks = {check.check_name: check for check in self.checks_of(key)}
        if name not in checks:
            hint = did_you_mean(name, checks, "Is it among the asset_checks of the Definitions?")
            raise InvalidInvocationError(f"asset {str(key)!r} has no check {name!r}. {hint}")
        return checks[name]

    def condition_of(self, key: AssetKey) -> AutomationCondition | None:
        """The asset's automation condition, with the keys that its selections mean in place of these."""
        return self._bound.conditions.get(key)

    def io_manager(self, name: str, *, home: Path) -> Any:
        """The IO manager of this name; by default one that stores files in `home`/storage."""
        if name in self.resources:
            return self.resources[name]
        if name != DEFAULT_IO_MANAGER:
            raise InvalidInvocationError(f"there is no IO manager {name!r} among the resources of the Definitions")
        if home not in self._default_io_managers:
            from .filesystem_io import FilesystemIOManager

            self._default_io_managers[home] = FilesystemIOManager(home / "storage")
        return self._default_io_managers[home]

    def errors(self) -> list[DefinitionError]:
        """Everything that is wrong, in a stable order."""
        return list(self._bound.errors)

    def validate(self) -> None:
        """Check that everything fits together.

        Raises:
            DefinitionErrors: it does not; all errors are in it.
        """
        if errors := self.errors():
            raise DefinitionErrors(errors)

    @staticmethod
    def validate_loadable(definitions: Definitions) -> None:
        definitions.validate()

    def snapshot(self) -> DefinitionsSnapshot:
        """The definitions as pure data."""
        from .snapshot import DefinitionsSnapshot

        return DefinitionsSnapshot.of(self)

    @cached_property
    def _bound(self) -> _Bound:
        with collecting() as errors:
            defined = _unique(self._assets)
            names = Names(defined, self.resources)
            names.check_resources(source=self.source)
            bound = {key: names.bound(node) for key, node in defined.items()}
            checks = [names.bound_check(check) for check in self._checks]
            graph = AssetGraph(_with_mappings(_with_externals(bound)))
            conditions = _conditions(graph)
        return _Bound(graph, checks, conditions, errors + graph.validate(checks))

    @cached_property
    def _checks_by_asset(self) -> dict[AssetKey, list[AssetChecksDefinition]]:
        by_asset: dict[AssetKey, list[AssetChecksDefinition]] = {}
        for check in self.asset_checks:
            by_asset.setdefault(check.asset_key, []).append(check)
        return by_asset


def _by_kind(listed: list[Any], *, source: SourceLine) -> tuple[list[AssetNode], list[AssetChecksDefinition]]:
    """Assets and checks apart, each object once; anything else is reported."""
    assets: list[AssetNode] = []
    checks: list[AssetChecksDefinition] = []
    for item in {id(item): item for item in listed}.values():
        if isinstance(item, AssetChecksDefinition):
            checks.append(item)
        elif isinstance(item, (AssetsDefinition, AssetSpec)):
            assets.append(item)
        else:
            if isinstance(item, (list, tuple)):
                advice = "Unpack it with a '*' before it."
            elif callable(item):
                advice = "Decorate it with @asset."
            else:
                advice = "List what @asset and @asset_check made, and AssetSpec objects."
            report(DefinitionError(f"{source}: {item!r} in Definitions is neither an asset nor a check. {advice}"))
    return assets, checks


def _unique(assets: Iterable[AssetNode]) -> dict[AssetKey, AssetNode]:
    unique: dict[AssetKey, AssetNode] = {}
    for node in assets:
        first = unique.setdefault(node.key, node)
        if first is not node:
            report(DuplicateAsset(node.key, source=node.source, first=first.source))
    return unique


def _with_externals(nodes: dict[AssetKey, AssetNode]) -> dict[AssetKey, AssetNode]:
    """Add what is depended on and defined nowhere, as external assets."""
    complete = dict(nodes)
    left = list(nodes.values())
    while left:
        node = left.pop()
        for dep in node.deps:
            if dep.key not in complete:
                external = dep.declared or AssetSpec(dep.key, source=node.source)
                complete[dep.key] = external
                left.append(external)
    return complete


def _with_mappings(nodes: dict[AssetKey, AssetNode]) -> dict[AssetKey, AssetNode]:
    """Fill in the mapping of each edge that names none: the partitions of both sides are known now."""
    for key, node in nodes.items():
        if any(dep.mapping is None for dep in node.deps):
            deps = tuple(
                replace(dep, mapping=dep.mapping or default_mapping(nodes[dep.key].partitions_def, node.partitions_def))
                for dep in node.deps
            )
            nodes[key] = (
                node.bound(deps, node.resource_args) if isinstance(node, AssetsDefinition) else node.with_deps(deps)
            )
    return nodes


def _conditions(graph: AssetGraph) -> dict[AssetKey, AutomationCondition]:
    """The condition of each asset that has one, its selections resolved."""
    conditions = {key: node.spec.automation_condition for key, node in graph.nodes.items()}
    given = {key: condition for key, condition in conditions.items() if condition is not None}
    if not given:
        return {}
    from .conditions.resolving import has_selections, resolved
    from .selection.view import SelectableAssets

    unresolved = {key: condition for key, condition in given.items() if has_selections(condition)}
    view = SelectableAssets.of(graph) if unresolved else None
    for key, condition in unresolved.items():
        assert view is not None
        try:
            given[key] = resolved(condition, {key}, view)
        except InvalidAssetSelection as error:
            report(
                DefinitionError(
                    f"{graph.nodes[key].source}: the automation_condition of asset {str(key)!r} has a selection that "
                    f"cannot be resolved: {error}"
                )
            )
    return given
