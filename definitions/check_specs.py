"""Check specs: which asset a check looks at, what it is called, and what is said of it; everything but its function.

A check is evaluated by a function of its own (`@asset_check`), together with others by one function
(`@multi_asset_check(specs=[...])`), or *inline* by the function that makes its asset (`@asset(check_specs=[...])`).
Whoever evaluates it, among the definitions each check is one `CheckNode`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .caller import caller
from .collecting import report
from .dependencies import Dependency, dependency_of, merged
from .errors import DefinitionError
from .keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from .labels import NAME, key_from_user
from .results import AssetCheckSeverity
from .source import SourceLine
from .spec import checked_condition, checked_metadata, checked_partitions

if TYPE_CHECKING:
    from .checks import AssetChecksDefinition
    from .conditions.base import AutomationCondition
    from .partitions.base import PartitionsDefinition


class AssetCheckSpec:
    """A check by the asset it looks at and its name, which is unique among the checks of that asset.

    >>> AssetCheckSpec("no_nulls", asset="orders", blocking=True).key
    AssetCheckKey(asset_key=AssetKey(['orders']), name='no_nulls')

    In a run the check comes after its asset and after `additional_deps`. A `blocking` one that fails with severity
    ERROR stops what is downstream of the asset. `automation_condition` says when the check runs by itself; without one
    it runs whenever its asset is made. `severity` is that of a failure where the function returns a bool.
    Of a partitioned asset a check looks at each partition that is made; with `whole_asset` at all of them together.
    """

    def __init__(
        self,
        name: str,
        *,
        asset: CoercibleToAssetKey,
        description: str | None = None,
        additional_deps: Iterable[Any] | None = None,
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        automation_condition: AutomationCondition | None = None,
        partitions_def: PartitionsDefinition | None = None,
        severity: AssetCheckSeverity | str = AssetCheckSeverity.ERROR,
        whole_asset: bool = False,
        source: SourceLine | None = None,
    ) -> None:
        source = source or caller()
        self.source: SourceLine = source
        self.name = name
        owner = f"check {name!r}"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            report(
                DefinitionError(
                    f"{source}: {name!r} cannot be the name of a check. Letters, digits, '_', '-' and '.' are allowed."
                )
            )
        self.asset_key: AssetKey = key_from_user(asset, role=f"the asset of {owner}", source=source)
        edges = [dependency_of(dep, owner=owner, source=source) for dep in additional_deps or ()]
        self.additional_deps: tuple[Dependency, ...] = merged(edges, owner=owner, source=source)
        self._check_deps(owner)
        self.description = description
        self.blocking: bool = bool(blocking)
        self.metadata: dict[str, Any] = checked_metadata(metadata, owner=owner, source=source)
        self.automation_condition: AutomationCondition | None = checked_condition(
            automation_condition, owner=owner, source=source
        )
        self.partitions_def: PartitionsDefinition | None = checked_partitions(
            partitions_def, owner=owner, source=source
        )
        self.whole_asset = whole_asset
        self.severity: AssetCheckSeverity = _checked_severity(severity, owner=owner, source=source)

    @property
    def key(self) -> AssetCheckKey:
        return AssetCheckKey(self.asset_key, self.name)

    def get_python_identifier(self) -> str:
        """Asset and name as one word: the name of its step, under which its config stands in the run config."""
        return f"{self.asset_key.to_python_identifier()}_{self.name}"

    def replace_key(self, key: AssetCheckKey) -> AssetCheckSpec:
        """A copy for another asset, or under another name."""
        made = copy.copy(self)
        made.name, made.asset_key = key.name, key.asset_key
        return made

    def with_keys(self, renamed: Mapping[AssetKey, AssetKey]) -> AssetCheckSpec:
        """A copy in which every key that is in `renamed`, of its asset and its dependencies, is another one."""
        made = copy.copy(self)
        made.asset_key = renamed.get(self.asset_key, self.asset_key)
        made.additional_deps = tuple(dep.with_keys(renamed) for dep in self.additional_deps)
        return made

    def with_metadata(self, metadata: Mapping[str, Any]) -> AssetCheckSpec:
        """A copy with this metadata in place of its own."""
        made = copy.copy(self)
        made.metadata = checked_metadata(metadata, owner=str(self), source=self.source)
        return made

    def with_description(self, description: str | None) -> AssetCheckSpec:
        """A copy that is described by `description`."""
        made = copy.copy(self)
        made.description = description
        return made

    def with_deps(self, deps: tuple[Dependency, ...]) -> AssetCheckSpec:
        """A copy with these additional dependencies, which are taken as they are."""
        made = copy.copy(self)
        made.additional_deps = deps
        return made

    def __str__(self) -> str:
        return f"check {self.name!r} of asset {str(self.asset_key)!r}"

    def __repr__(self) -> str:
        return f"AssetCheckSpec({self.name!r}, asset={str(self.asset_key)!r})"

    def _check_deps(self, owner: str) -> None:
        if any(dep.key == self.asset_key for dep in self.additional_deps):
            report(
                DefinitionError(
                    f"{self.source}: {owner} names {str(self.asset_key)!r} as its asset and in additional_deps. "
                    "Leave it out of additional_deps: a check comes after its asset anyway."
                )
            )
            self.additional_deps = tuple(dep for dep in self.additional_deps if dep.key != self.asset_key)


@dataclass(frozen=True, slots=True)
class CheckNode:
    """A check among the definitions. `definition` evaluates it; None where the step that makes its asset does."""

    spec: AssetCheckSpec
    definition: AssetChecksDefinition | None = None

    @property
    def key(self) -> AssetCheckKey:
        return self.spec.key

    @property
    def asset_key(self) -> AssetKey:
        return self.spec.asset_key

    @property
    def check_name(self) -> str:
        return self.spec.name

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def blocking(self) -> bool:
        return self.spec.blocking

    @property
    def source(self) -> SourceLine:
        return self.spec.source

    @property
    def is_inline(self) -> bool:
        return self.definition is None

    @property
    def dep_keys(self) -> set[AssetKey]:
        """The assets beside its own that it comes after."""
        deps = [*self.spec.additional_deps, *(self.definition.arguments.values() if self.definition else ())]
        return {dep.key for dep in deps} - {self.asset_key}

    @property
    def can_subset(self) -> bool:
        """Whether it can be evaluated without the others of its step."""
        return self.definition is not None and self.definition.can_subset

    @property
    def step(self) -> str:
        """The name of the step that it shares with other checks; "" for a check that has one of its own, or none."""
        return self.definition.op_name if self.definition is not None and self.definition.is_multi else ""

    def __str__(self) -> str:
        return str(self.spec)


def _checked_severity(value: Any, *, owner: str, source: SourceLine) -> AssetCheckSeverity:
    try:
        return AssetCheckSeverity(value)
    except ValueError:
        report(DefinitionError(f"{source}: {owner} has the severity {value!r}. Use AssetCheckSeverity.WARN or ERROR."))
        return AssetCheckSeverity.ERROR
