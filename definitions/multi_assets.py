"""Several assets that one function makes: the whole as a user defines it, and its members as nodes of the graph.

Each member is an asset of its own in the graph, with its own spec and its own dependencies. What they share is the
function and with it the step: a run makes all of them in one step, or some of them where the definition `can_subset`.

Which of the function's arguments a member reads: those that its spec names among its deps; and, unless it lists all
that it reads, those that no spec of the whole names.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .assets_definition import AssetsDefinition
from .check_specs import AssetCheckSpec
from .dependencies import Dependency
from .errors import InvalidInvocationError
from .keys import AssetKey
from .source import SourceLine
from .spec import AssetSpec


@dataclass(frozen=True, slots=True)
class Produced:
    """One of the assets, and the output of the function that it is. Where it is not required the function may leave it
    out; where it `lists_all` its spec's deps are all that it reads."""

    spec: AssetSpec
    output_name: str
    is_required: bool = True
    lists_all: bool = False


class MultiAssetsDefinition(AssetsDefinition):
    """Several assets and the function that makes them.

    It has no `key` and no `spec` of its own, unless there is only one asset: see `keys` and `specs_by_key`.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        produced: Sequence[Produced],
        *,
        name: str,
        source: SourceLine,
        can_subset: bool = False,
        implicit: bool = False,
        description: str | None = None,
        **others: Any,
    ) -> None:
        """`implicit` assets count as made when the function has ended without a word about them; `others` are as in
        AssetsDefinition."""
        self.name: str = name
        self.produced: tuple[Produced, ...] = tuple(produced)
        self.can_subset: bool = can_subset
        self.implicit: bool = implicit
        self._source, self._description = source, description
        super().__init__(fn, produced[0].spec, **others)
        self.deps: tuple[Dependency, ...] = self.merged_deps(
            (dep for one in produced for dep in one.spec.deps), self.arguments.values()
        )

    @property
    def key(self) -> AssetKey:
        if len(self.produced) != 1:
            raise InvalidInvocationError(
                f"{self} makes {len(self.produced)} assets and has no one key: see .keys, or name one of them."
            )
        return self.spec.key

    @property
    def specs(self) -> list[AssetSpec]:
        return [one.spec for one in self.produced]

    @property
    def keys_by_output_name(self) -> dict[str, AssetKey]:
        return {one.output_name: one.spec.key for one in self.produced}

    @property
    def members(self) -> list[AssetsDefinition]:
        return [Member(self, one) for one in self.produced]

    @property
    def source(self) -> SourceLine:
        return self._source

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def op_name(self) -> str:
        return self.name

    @property
    def step(self) -> str:
        return self.name

    @property
    def io_manager_keys(self) -> frozenset[str]:
        return super().io_manager_keys | {one.spec.io_manager_key for one in self.produced}

    def map_asset_specs(self, func: Callable[[AssetSpec], AssetSpec]) -> MultiAssetsDefinition:
        mapped = [func(one.spec) for one in self.produced]
        renamed = {one.spec.key: new.key for one, new in zip(self.produced, mapped, strict=True)}
        renamed = {old: new for old, new in renamed.items() if old != new}
        made = copy.copy(self)
        made.check_specs = tuple(spec.with_keys(renamed) for spec in self.check_specs)
        return made._with_specs([spec.with_deps(_renamed(spec.deps, renamed)) for spec in mapped])

    def with_keys(self, renamed: Mapping[AssetKey, AssetKey]) -> MultiAssetsDefinition:
        made = copy.copy(self)
        made.arguments = {name: dep.with_keys(renamed) for name, dep in self.arguments.items()}
        made.check_specs = tuple(spec.with_keys(renamed) for spec in self.check_specs)
        return made._with_specs([spec.with_keys(renamed) for spec in self.specs])

    def with_spec(self, spec: AssetSpec) -> MultiAssetsDefinition:
        """A copy in which `spec` describes the asset of its key."""
        return self._with_specs([spec if one.key == spec.key else one for one in self.specs])

    def arguments_of(self, produced: Produced) -> dict[str, Dependency]:
        """The arguments of the function that one of its assets reads."""
        return {
            name: edge
            for name, edge in self.arguments.items()
            if names(produced.spec, edge)
            or not (produced.lists_all or any(names(one.spec, edge) for one in self.produced if not one.lists_all))
        }

    def _with_specs(self, specs: Sequence[AssetSpec]) -> MultiAssetsDefinition:
        made = copy.copy(self)
        made.produced = tuple(replace(one, spec=spec) for one, spec in zip(self.produced, specs, strict=True))
        made.spec = made.produced[0].spec
        made.deps = made.merged_deps((dep for spec in specs for dep in spec.deps), made.arguments.values())
        return made

    def __str__(self) -> str:
        return f"multi-asset {self.name!r}"


class Member(AssetsDefinition):
    """One of the assets of a `whole`: what stands in the graph."""

    def __init__(self, whole: MultiAssetsDefinition, produced: Produced) -> None:
        self.__dict__.update(whole.__dict__)  # the function and all that is said of it is the same
        self.whole = whole
        self.spec: AssetSpec = produced.spec
        self.output_name: str = produced.output_name
        self.is_required: bool = produced.is_required
        self.arguments: dict[str, Dependency] = whole.arguments_of(produced)
        self.check_specs: tuple[AssetCheckSpec, ...] = tuple(
            spec for spec in whole.check_specs if spec.asset_key == self.key
        )
        self.deps: tuple[Dependency, ...] = self.merged_deps(produced.spec.deps, self.arguments.values())

    @property
    def op_name(self) -> str:
        return self.whole.op_name

    @property
    def step(self) -> str:
        return self.whole.step


def names(spec: AssetSpec, argument: Dependency) -> bool:
    """Whether the spec names what the argument takes among its deps."""
    return any(
        dep.key == argument.key or (argument.by_name and dep.key.parts[-1] == argument.key.parts[-1])
        for dep in spec.deps
    )


def _renamed(deps: Iterable[Dependency], renamed: Mapping[AssetKey, AssetKey]) -> tuple[Dependency, ...]:
    return tuple(dep.with_keys(renamed) for dep in deps)
