"""Asset specs: what an asset is, without how it is made.

A bare `AssetSpec` among the definitions is an external asset: something else makes it, and headwater hears of it by a
report or by files that arrive. `SourceAsset` is the older spelling of the same. Every `AssetsDefinition` carries a spec
for all that is not its function.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arrival import FileArrival
from .caller import caller
from .collecting import report
from .dependencies import Dependency, dependencies_of, merged
from .errors import DefinitionError, InvalidInvocationError, InvalidMetadata
from .keys import AssetKey, CoercibleToAssetKey
from .labels import checked_group, checked_kinds, checked_owners, checked_tags, key_from_user
from .metadata import normalize_metadata
from .source import SourceLine
from .unsupported import refuse

if TYPE_CHECKING:
    from .assets_definition import AssetsDefinition
    from .conditions.base import AutomationCondition
    from .freshness import FreshnessPolicy
    from .partitions.base import PartitionsDefinition

DEFAULT_GROUP = "default"
DEFAULT_IO_MANAGER = "io_manager"


class AssetSpec:
    """An asset by its key: what it depends on, what is said about it, and for an external one how news of it arrive.

    Never changed after it was made; `replace_attributes` gives a changed copy.

    >>> clicks = AssetSpec("clicks", group_name="web", tags={"layer": "bronze"})
    >>> defs = Definitions(assets=[clicks, orders])
    """

    def __init__(
        self,
        key: CoercibleToAssetKey,
        *,
        deps: Iterable[Any] | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        skippable: bool = False,
        group_name: str | None = None,
        code_version: str | None = None,
        automation_condition: AutomationCondition | None = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        freshness_policy: FreshnessPolicy | None = None,
        is_virtual: bool = False,
        arrival: FileArrival | None = None,
        io_manager_key: str | None = None,
        source: SourceLine | None = None,
    ) -> None:
        source = source or caller()
        self.source: SourceLine = source
        self.key: AssetKey = key_from_user(key, role="the key of an asset", source=source)
        owner = f"asset {str(self.key)!r}"
        refuse(owner, source=source, is_virtual=is_virtual)
        edges = dependencies_of(deps, owner=owner, source=source)
        self.deps: tuple[Dependency, ...] = merged(edges, owner=owner, source=source)
        self.skippable = skippable
        """Where several assets are made by one function, that may leave this one out."""
        self.description = description
        self.metadata: dict[str, Any] = checked_metadata(metadata, owner=owner, source=source)
        self.group_name: str | None = checked_group(group_name, owner=owner, source=source)
        self.code_version: str | None = None if code_version is None else str(code_version)
        self.automation_condition: AutomationCondition | None = checked_condition(
            automation_condition, owner=owner, source=source
        )
        self.owners: tuple[str, ...] = checked_owners(owners, owner=owner, source=source)
        self.tags: dict[str, str] = checked_tags(tags, owner=owner, source=source)
        self.kinds: tuple[str, ...] = checked_kinds(kinds, owner=owner, source=source)
        self.partitions_def: PartitionsDefinition | None = checked_partitions(
            partitions_def, owner=owner, source=source
        )
        self.freshness_policy: FreshnessPolicy | None = checked_freshness(freshness_policy, owner=owner, source=source)
        self.arrival: FileArrival | None = arrival and arrival.resolved(Path(source.file).parent)
        self.io_manager_key: str = io_manager_key or DEFAULT_IO_MANAGER
        self._check_arrival(owner)

    @property
    def group(self) -> str:
        return self.group_name or DEFAULT_GROUP

    def replace_attributes(self, **changes: Any) -> AssetSpec:
        """A copy in which the given arguments of the constructor have other values."""
        arguments = {name: getattr(self, name) for name in _ARGUMENTS}
        if unknown := set(changes) - set(arguments):
            raise InvalidInvocationError(f"AssetSpec has no {sorted(unknown)[0]!r}; it has {', '.join(_ARGUMENTS)}.")
        made = AssetSpec(**{**arguments, **changes}, source=self.source)
        made.__class__ = self.__class__
        vars(made).update({name: value for name, value in vars(self).items() if name not in vars(made)})
        return made

    def merge_attributes(
        self,
        *,
        deps: Iterable[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] | None = None,
    ) -> AssetSpec:
        """A copy to which the given values are added."""
        return self.replace_attributes(
            deps=[*self.deps, *dependencies_of(deps, owner=repr(self), source=self.source)],
            metadata={**self.metadata, **(metadata or {})},
            owners=[*self.owners, *(owners or ())],
            tags={**self.tags, **(tags or {})},
            kinds={*self.kinds, *(kinds or ())},
        )

    def map_asset_specs(self, func: Callable[[AssetSpec], AssetSpec]) -> AssetSpec:
        """What `func` makes of it; the same method of an asset maps the specs of that."""
        return func(self)

    def with_io_manager_key(self, io_manager_key: str) -> AssetSpec:
        return self.replace_attributes(io_manager_key=io_manager_key)

    @property
    def spec(self) -> AssetSpec:
        """Itself: so that whoever asks a node of the graph for its spec need not ask which of the two it is."""
        return self

    @property
    def is_external(self) -> bool:
        return True

    @property
    def is_observable(self) -> bool:
        """Whether there is a function that looks at it."""
        return False

    def as_external(self) -> AssetSpec:
        """What stands for this asset where its definition is not among those loaded."""
        made = copy.copy(self)
        made.deps, made.automation_condition = (), None
        return made

    def with_keys(self, renamed: Mapping[AssetKey, AssetKey]) -> AssetSpec:
        """A copy in which every key that is in `renamed`, its own and those of its dependencies, is another one."""
        made = copy.copy(self)
        made.key = renamed.get(self.key, self.key)
        made.deps = tuple(dep.with_keys(renamed) for dep in self.deps)
        return made

    def with_deps(self, deps: tuple[Dependency, ...]) -> AssetSpec:
        """A copy with these edges, which are taken as they are."""
        made = copy.copy(self)
        made.deps = deps
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.key)!r})"

    def _check_arrival(self, owner: str) -> None:
        if self.arrival is None or self.arrival.has_partition == (self.partitions_def is not None):
            return
        if self.partitions_def is None:
            advice = "give it a partitions_def, or a pattern without {partition}"
        else:
            advice = "put {partition} where a file's name tells its partition"
        report(
            DefinitionError(
                f"{self.source}: {owner} is {'not ' if self.partitions_def is None else ''}partitioned, "
                f"which does not fit the arrival pattern {self.arrival.pattern!r}: {advice}."
            )
        )


_ARGUMENTS = (
    "key",
    "deps",
    "description",
    "metadata",
    "skippable",
    "group_name",
    "code_version",
    "automation_condition",
    "owners",
    "tags",
    "kinds",
    "partitions_def",
    "freshness_policy",
    "arrival",
    "io_manager_key",
)


class SourceAsset(AssetSpec):
    """An external asset, in its older spelling. Its value can be an argument: it is loaded by `io_manager_key`.

    With an `observe_fn` it is an observable source, as `@observable_source_asset` makes one of the function.

    >>> raw_users = SourceAsset("raw_users")
    >>> @asset(deps=[raw_users])
    ... def clean_users(): ...
    """

    def __init__(
        self,
        key: CoercibleToAssetKey,
        metadata: Mapping[str, Any] | None = None,
        io_manager_key: str | None = None,
        io_manager_def: Any = None,
        description: str | None = None,
        partitions_def: PartitionsDefinition | None = None,
        group_name: str | None = None,
        *,
        observe_fn: Callable[..., Any] | None = None,
        automation_condition: AutomationCondition | None = None,
        auto_observe_interval_minutes: float | None = None,
        required_resource_keys: Iterable[str] | None = None,
        op_tags: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from .observing import every_so_often

        source = caller()
        owner = f"asset {key!r}"
        refuse(owner, source=source, io_manager_def=io_manager_def, op_tags=op_tags)
        self.observe_fn = observe_fn
        self.required_resource_keys: frozenset[str] = frozenset(required_resource_keys or ())
        super().__init__(
            key,
            metadata=metadata,
            io_manager_key=io_manager_key,
            description=description,
            partitions_def=partitions_def,
            group_name=group_name,
            automation_condition=automation_condition
            or every_so_often(auto_observe_interval_minutes, owner=owner, source=source),
            tags=tags,
            source=source,
        )

    def as_node(self) -> AssetsDefinition | SourceAsset:
        """What stands for it among the definitions: with an `observe_fn`, an asset that is observed."""
        if self.observe_fn is None:
            return self
        from .assets_definition import AssetsDefinition

        return AssetsDefinition(
            self.observe_fn, self, required_resource_keys=self.required_resource_keys, observes=True
        )


def checked_metadata(value: Mapping[str, Any] | None, *, owner: str, source: SourceLine) -> dict[str, Any]:
    """The metadata as the user wrote it, once it is known to be storable."""
    try:
        normalize_metadata(value)
    except InvalidMetadata as error:
        report(DefinitionError(f"{source}: {owner}: {error}"))
        return {}
    return dict(value or {})


def plain_tags(tags: Mapping[str, Any] | None, *, owner: str, source: SourceLine) -> dict[str, Any]:
    """The tags of an op as plain data, once they are known to be storable."""
    if not tags:
        return {}
    normal = normalize_metadata(checked_metadata(tags, owner=owner, source=source))
    return {name: value.value for name, value in normal.items()}


def checked_condition(value: Any, *, owner: str, source: SourceLine) -> AutomationCondition | None:
    if value is None:
        return None
    from .conditions.base import AutomationCondition

    if isinstance(value, AutomationCondition):
        return value
    advice = (
        "Call it: AutomationCondition.eager()." if callable(value) else "Write for example AutomationCondition.eager()."
    )
    report(DefinitionError(f"{source}: {owner} has the automation_condition {value!r}. {advice}"))
    return None


def checked_partitions(value: Any, *, owner: str, source: SourceLine) -> PartitionsDefinition | None:
    if value is None:
        return None
    from .partitions.base import PartitionsDefinition

    if isinstance(value, PartitionsDefinition):
        return value
    report(
        DefinitionError(
            f"{source}: {owner} has the partitions_def {value!r}. "
            "Write for example StaticPartitionsDefinition(['a', 'b'])."
        )
    )
    return None


def checked_freshness(value: Any, *, owner: str, source: SourceLine) -> FreshnessPolicy | None:
    if value is None:
        return None
    from .freshness import FreshnessPolicy

    if isinstance(value, FreshnessPolicy) and type(value) is not FreshnessPolicy:
        return value
    report(
        DefinitionError(
            f"{source}: {owner} has the freshness_policy {value!r}. Write for example "
            "FreshnessPolicy.time_window(fail_window=timedelta(days=1))."
        )
    )
    return None
