"""Binding: what each parameter and each bare name of a definition means among all definitions.

A parameter is, in this order: (1) a resource, if it is annotated with ResourceParam; (2) the asset that `ins` names;
(3) an asset that its name finds; (4) a resource of its name; (5) its default, if it has one. Otherwise it is an error.

A bare name `orders` in asset `sales/revenue` finds, in this order: the asset `orders`; the one dependency of `deps`
that ends in `orders`; the asset `sales/orders`; the one asset of the same group that ends in `orders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .assets_definition import AssetsDefinition
from .checks import AssetChecksDefinition
from .collecting import report
from .dependencies import Dependency, merged
from .errors import DefinitionError, UnknownDependency, did_you_mean
from .keys import AssetKey
from .kinds import has_lifecycle, is_recipe, is_resource_class
from .source import SourceLine
from .spec import DEFAULT_IO_MANAGER, AssetSpec

AssetNode = AssetsDefinition | AssetSpec


class Names:
    """All assets and resources, by the names under which a definition may mention them."""

    def __init__(self, assets: Mapping[AssetKey, AssetNode], resources: Mapping[str, Any]) -> None:
        self._assets = assets
        self._resources = resources
        self._by_last_part: dict[str, list[AssetNode]] = {}
        for node in assets.values():
            self._by_last_part.setdefault(node.key.parts[-1], []).append(node)

    def bound(self, node: AssetNode) -> AssetNode:
        """A copy of `node` with all names resolved. What cannot be resolved is reported and left out."""
        owner = f"asset {str(node.key)!r}"
        deps = [self._resolved(dep, node, node.spec.deps) for dep in node.spec.deps]
        if not isinstance(node, AssetsDefinition):
            return node.with_deps(merged(deps, owner=owner, source=node.source))
        resource_args: list[str] = []
        parameters = {parameter.name: parameter for parameter in node.signature.parameters}
        for name in {**parameters, **node.arguments}:  # a **kwargs takes arguments that are no parameters
            parameter, argument = parameters.get(name), node.arguments.get(name)
            if argument is None:
                if parameter is not None and parameter.is_resource:
                    resource_args.append(name)
                continue
            found = self._resolved(argument, node, node.spec.deps)
            if found.key in self._assets or found.declared is not None or any(dep.key == found.key for dep in deps):
                deps.append(found)
            elif argument.by_name and name in self._resources:
                resource_args.append(name)
            elif parameter is None or not (argument.by_name and parameter.has_default):
                known = [*self._assets, *map(AssetKey, self._resources)]
                report(UnknownDependency(node.key, found.key, known=known, source=node.source))
        edges = _in_order_of_parameters(merged(deps, owner=owner, source=node.source), list(parameters))
        bound = node.bound(edges, tuple(name for name in parameters if name in resource_args))
        self._check_resources(owner, bound.resource_names, source=node.source)
        self._check_io_managers(bound, owner)
        return bound

    def check_resources(self, *, source: SourceLine) -> None:
        """Report resources that cannot be used as they were given, or that need others which are not there."""
        for name, value in self._resources.items():
            if is_resource_class(value):
                report(
                    DefinitionError(
                        f"{source}: the resource {name!r} is the class {value.__name__} itself. Give an instance: "
                        f"{value.__name__}(...), or {value.__name__}.configure_at_launch()."
                    )
                )
            needed = getattr(value, "required_resource_keys", ()) if has_lifecycle(value) else ()
            self._check_resources(f"resource {name!r}", needed, source=source)

    def bound_check(self, check: AssetChecksDefinition) -> AssetChecksDefinition:
        resource_args: list[str] = []
        for parameter in check.signature.parameters:
            if parameter.is_resource or (parameter.name in self._resources and parameter.name != check.loads_asset):
                resource_args.append(parameter.name)
            elif parameter.name != check.loads_asset and not parameter.has_default:
                value = check.asset_key.to_python_identifier()
                report(
                    DefinitionError(
                        f"{check.source}: {check} has the parameter {parameter.name!r}, which is neither a resource "
                        f"nor the asset. Name it {value!r} for the asset's value, or 'context', or remove it."
                    )
                )
        bound = check.bound(tuple(resource_args))
        self._check_resources(str(check), bound.resource_names, source=check.source)
        return bound

    def _resolved(self, dep: Dependency, node: AssetNode, explicit: Iterable[Dependency]) -> Dependency:
        if not dep.by_name or dep.key in self._assets:
            return dep
        name = dep.key.parts[-1]
        mentioned = [other.key for other in explicit if not other.by_name and other.key.parts[-1] == name]
        if dep.arg is not None and len(mentioned) == 1:
            return replace(dep, key=mentioned[0])
        beside = AssetKey([*node.key.parts[:-1], name])
        if beside in self._assets:
            return replace(dep, key=beside)
        group = node.spec.group
        namesakes = [other for other in self._by_last_part.get(name, ()) if other.spec.group == group]
        return replace(dep, key=namesakes[0].key) if len(namesakes) == 1 else dep

    def _check_resources(self, owner: str, names: Iterable[str], *, source: SourceLine) -> None:
        for name in sorted(set(names) - self._resources.keys()):
            known = ", ".join(sorted(self._resources)) or "none"
            hint = did_you_mean(name, self._resources, f"Add it to Definitions(resources={{{name!r}: ...}}).")
            report(
                DefinitionError(
                    f"{source}: {owner} takes the resource {name!r}, which is not defined. {hint} Resources: {known}."
                )
            )

    def _check_io_managers(self, node: AssetsDefinition, owner: str) -> None:
        names = {node.io_manager_key, *(dep.input_manager_key for dep in node.deps if dep.input_manager_key)}
        self._check_resources(owner, names - {DEFAULT_IO_MANAGER}, source=node.source)
        for name in sorted(names & self._resources.keys()):
            manager = self._resources[name]
            if is_recipe(manager):  # what it makes is known when it is opened
                continue
            if isinstance(manager, type) or not (hasattr(manager, "handle_output") and hasattr(manager, "load_input")):
                report(
                    DefinitionError(
                        f"{node.source}: {owner} has the IO manager {name!r}, but that resource is {manager!r}. "
                        "Give an object with the methods handle_output and load_input, such as FilesystemIOManager()."
                    )
                )


def _in_order_of_parameters(edges: tuple[Dependency, ...], parameters: list[str]) -> tuple[Dependency, ...]:
    """The edges that load nothing first, then the arguments as the function lists them: an order to rely on."""
    places = {name: place for place, name in enumerate(parameters)}
    return tuple(sorted(edges, key=lambda edge: -1 if edge.arg is None else places.get(edge.arg, len(places))))
