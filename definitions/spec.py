"""Asset specs: what an asset is, without how it is made.

A bare `AssetSpec` among the definitions is an external asset: something else makes it, and headwater hears of it by a
report or by files that arrive. `SourceAsset` is the older spelling of the same. Every `AssetsDefinition` carries a spec
for all that is not its function.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arrival import FileArrival
from .caller import caller
from .collecting import report
from .dependencies import Dependency, dependency_of, merged
from .errors import DefinitionError, InvalidInvocationError, InvalidMetadata
from .keys import AssetKey, CoercibleToAssetKey
from .labels import checked_group, checked_kinds, checked_owners, checked_tags, key_from_user
from .metadata import normalize_metadata
from .source import SourceLine
from .unsupported import refuse

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition
    from .freshness import FreshnessPolicy
    from .partitions.base import PartitionsDefinition

DEFAULT_GROUP = "default"
DEFAULT_IO_MANAGER = "io_manager"


class AssetSpec:
    """An asset by its key: what it depends on, what is said about it, and for an external one how news of it arrive.

    Never changed after it was made; `replace_attributes` gives a changed copy.
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
        self.source = source = source or caller()
        self.key = key_from_user(key, role="the key of an asset", source=source)
        owner = f"asset {str(self.key)!r}"
        refuse(owner, source=source, skippable=skippable, is_virtual=is_virtual)
        edges = [dependency_of(dep, owner=owner, source=source) for dep in _several(deps)]
        self.deps: tuple[Dependency, ...] = merged(edges, owner=owner, source=source)
        self.description = description
        self.metadata: dict[str, Any] = checked_metadata(metadata, owner=owner, source=source)
        self.group_name = checked_group(group_name, owner=owner, source=source)
        self.code_version = None if code_version is None else str(code_version)
        self.automation_condition = checked_condition(automation_condition, owner=owner, source=source)
        self.owners = checked_owners(owners, owner=owner, source=source)
        self.tags = checked_tags(tags, owner=owner, source=source)
        self.kinds = checked_kinds(kinds, owner=owner, source=source)
        self.partitions_def = checked_partitions(partitions_def, owner=owner, source=source)
        self.freshness_policy = checked_freshness(freshness_policy, owner=owner, source=source)
        self.arrival = arrival and arrival.resolved(Path(source.file).parent)
        self.io_manager_key = io_manager_key or DEFAULT_IO_MANAGER
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
            deps=[*self.deps, *_several(deps)],
            metadata={**self.metadata, **(metadata or {})},
            owners=[*self.owners, *(owners or ())],
            tags={**self.tags, **(tags or {})},
            kinds={*self.kinds, *(kinds or ())},
        )

    def with_io_manager_key(self, io_manager_key: str) -> AssetSpec:
        return self.replace_attributes(io_manager_key=io_manager_key)

    @property
    def spec(self) -> AssetSpec:
        """Itself: so that whoever asks a node of the graph for its spec need not ask which of the two it is."""
        return self

    @property
    def is_external(self) -> bool:
        return True

    def as_external(self) -> AssetSpec:
        """What stands for this asset where its definition is not among those loaded."""
        made = copy.copy(self)
        made.deps, made.automation_condition = (), None
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
    """An external asset, in its older spelling. Its value can be an argument: it is loaded by `io_manager_key`."""

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
        observe_fn: Any = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        source = caller()
        refuse(f"asset {key!r}", source=source, io_manager_def=io_manager_def, observe_fn=observe_fn)
        super().__init__(
            key,
            metadata=metadata,
            io_manager_key=io_manager_key,
            description=description,
            partitions_def=partitions_def,
            group_name=group_name,
            tags=tags,
            source=source,
        )


def checked_metadata(value: Mapping[str, Any] | None, *, owner: str, source: SourceLine) -> dict[str, Any]:
    """The metadata as the user wrote it, once it is known to be storable."""
    try:
        normalize_metadata(value)
    except InvalidMetadata as error:
        report(DefinitionError(f"{source}: {owner}: {error}"))
        return {}
    return dict(value or {})


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


def _several(deps: Any) -> Iterable[Any]:
    """`deps` as a user may write it: nothing, several, or just one."""
    if deps is None:
        return ()
    return deps if isinstance(deps, Iterable) and not isinstance(deps, (str, AssetKey)) else (deps,)
