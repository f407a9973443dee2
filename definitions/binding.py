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
from .check_specs import AssetCheckSpec
from .checks import AssetChecksDefinition
from .collecting import report
from .dependencies import Dependency, merged
from .errors import DefinitionError, UnknownDependency, did_you_mean
from .keys import AssetKey
from .kinds import has_lifecycle, is_recipe, is_resource_class
from .signature import Parameter
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
        """A copy of `check` with all names resolved: a parameter is an input, a resource, or the value of the asset."""
        arguments = {name: self._input_of(edge, check) for name, edge in check.arguments.items()}
        specs = [
            spec.with_deps(tuple(self._found(dep, spec.asset_key) for dep in spec.additional_deps))
            for spec in check.specs
        ]
        resource_args: list[str] = []
        left: list[Parameter] = []
        for parameter in check.signature.parameters:
            if parameter.name in arguments or parameter.name == check.loads_asset:
                continue
            if parameter.is_resource or parameter.name in self._resources:
                resource_args.append(parameter.name)
            elif not parameter.has_default:
                left.append(parameter)
        loads_asset = check.loads_asset
        if not check.is_multi and loads_asset is None and len(left) == 1:
            loads_asset = left.pop().name
        for parameter in left:
            advice = "in ins" if check.is_multi else "in additional_ins"
            report(
                DefinitionError(
                    f"{check.source}: {check} has the parameter {parameter.name!r}, which is neither a resource nor an "
                    f"input. Say {advice} which asset it takes, name the context 'context', or remove it."
                )
            )
        bound = check.bound(arguments, tuple(resource_args), loads_asset, specs)
        self._check_resources(str(check), bound.resource_names, source=check.source)
        return bound

    def bound_spec(self, spec: AssetCheckSpec) -> AssetCheckSpec:
        """A copy of the spec of an inline check with all names resolved."""
        return spec.with_deps(tuple(self._found(dep, spec.asset_key) for dep in spec.additional_deps))

    def _input_of(self, edge: Dependency, check: AssetChecksDefinition) -> Dependency:
        found = self._found(edge, check.asset_key)
        if found.key not in self._assets and found.declared is None:
            report(
                DefinitionError(
                    f"{check.source}: {check} takes {str(found.key)!r}, which is not defined. "
                    + did_you_mean(str(found.key), map(str, self._assets), "Define it, or declare it with AssetSpec.")
                )
            )
        return found

    def _found(self, dep: Dependency, reader: AssetKey) -> Dependency:
        """`dep` of a check, read as a dependency of the asset that the check looks at would be."""
        node = self._assets.get(reader)
        return dep if node is None else self._resolved(dep, node, ())

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
    if not parameters:
        return edges
    places = {name: place for place, name in enumerate(parameters)}
    return tuple(sorted(edges, key=lambda edge: -1 if edge.arg is None else places.get(edge.arg, len(places))))
