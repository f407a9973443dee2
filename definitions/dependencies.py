"""How an asset says what it reads, and the edge that comes of it.

`AssetDep` (in `deps=`) and `AssetIn` (in `ins=`) are what users write; a `Dependency` is one edge of the graph. An
asset that names the same upstream twice, as a dependency and as a parameter, has one edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .collecting import report
from .errors import DefinitionError
from .keys import AssetKey, CoercibleToAssetKey
from .labels import NAMES_KEPT, key_from_user
from .source import SourceLine

if TYPE_CHECKING:
    from .partitions.mappings import PartitionMapping
    from .spec import AssetSpec


@dataclass(frozen=True)
class AssetDep:
    """An upstream asset that the function does not take as an argument.

    `gated=False` lets updates of that upstream through even where a blocking check of it failed.

    >>> yesterday = TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    >>> @asset(partitions_def=DailyPartitionsDefinition("2026-03-01"))
    ... def change(context: AssetExecutionContext) -> None: ...
    >>> before = [AssetDep(change, partition_mapping=yesterday)]
    >>> @asset(partitions_def=DailyPartitionsDefinition("2026-03-01"), deps=before)
    ... def trend(context: AssetExecutionContext) -> None: ...
    """

    asset: CoercibleToAssetKey
    _: KW_ONLY
    partition_mapping: PartitionMapping | None = None
    metadata: Mapping[str, Any] | None = None
    gated: bool = True


@dataclass(frozen=True)
class AssetIn:
    """What a parameter loads, where its name alone does not say it.

    >>> @asset(ins={"amounts": AssetIn(key="orders")})
    ... def largest(amounts):
    ...     return max(amounts)
    >>> materialize([orders, largest]).output_for_node("largest")
    4
    """

    key: CoercibleToAssetKey | None = None
    _: KW_ONLY
    key_prefix: str | Sequence[str] | None = None
    metadata: Mapping[str, Any] | None = None
    input_manager_key: str | None = None
    partition_mapping: PartitionMapping | None = None
    gated: bool = True


@dataclass(frozen=True, slots=True)
class Dependency:
    """An edge to the upstream `key`.

    `arg` is the parameter that takes the upstream's value, None where nothing is loaded. `mapping` is None until the
    partitions of both sides are known. A `by_name` edge is the user's bare name and may still turn out to mean an
    asset with a prefix; `declared` is the object that the user gave, for an upstream that nobody lists.
    """

    key: AssetKey
    mapping: PartitionMapping | None = None
    arg: str | None = None
    gated: bool = True
    value_optional: bool = False
    by_name: bool = False
    metadata: Mapping[str, Any] | None = None
    input_manager_key: str | None = None
    declared: AssetSpec | None = None

    def with_keys(self, renamed: Mapping[AssetKey, AssetKey]) -> Dependency:
        """The edge to what its upstream is called in `renamed`."""
        if self.key not in renamed:
            return self
        declared = None if self.declared is None else self.declared.with_keys(renamed)
        return replace(self, key=renamed[self.key], by_name=False, declared=declared)

    def with_mapping(self, mapping: PartitionMapping) -> Dependency:
        """The same edge with this mapping."""
        return Dependency(
            self.key,
            mapping,
            self.arg,
            self.gated,
            self.value_optional,
            self.by_name,
            self.metadata,
            self.input_manager_key,
            self.declared,
        )

    @property
    def asset_key(self) -> AssetKey:
        return self.key

    @property
    def partition_mapping(self) -> PartitionMapping | None:
        return self.mapping


def dependency_of(dep: Any, *, owner: str, source: SourceLine) -> Dependency:
    """The edge of one entry of `deps=`."""
    if isinstance(dep, Dependency):
        return dep
    asset = dep.asset if isinstance(dep, AssetDep) else dep
    key = key_from_user(asset, role=f"a dependency of {owner}", source=source)
    if isinstance(dep, str):
        return _to_name(key)
    if not isinstance(dep, AssetDep):
        dep = AssetDep(dep)
    return Dependency(
        key=key,
        mapping=dep.partition_mapping,
        gated=dep.gated,
        value_optional=True,
        by_name=isinstance(dep.asset, str),
        metadata=dep.metadata,
        declared=_declared(dep.asset),
    )


@lru_cache(maxsize=NAMES_KEPT)
def _to_name(key: AssetKey) -> Dependency:
    """The edge to a bare name, the same object for all assets that read it."""
    return Dependency(key=key, value_optional=True, by_name=True)


def dependencies_of(deps: Any, *, owner: str, source: SourceLine) -> list[Dependency]:
    """The edges of `deps=` as a user may write it: nothing, several, or just one. An entry that is several assets, made
    by one function, is an edge to each of them."""
    if deps is None:
        return []
    listed = deps if isinstance(deps, Iterable) and not isinstance(deps, (str, AssetKey)) else (deps,)
    entries = [one for entry in listed for one in _each_of(entry)]
    return [dependency_of(entry, owner=owner, source=source) for entry in entries]


def _each_of(entry: Any) -> Iterable[Any]:
    members = getattr(entry, "members", ())
    return members if len(members) > 1 else (entry,)


def argument_of(name: str, asset_in: Any, *, owner: str, source: SourceLine) -> Dependency:
    """The edge of the parameter `name`; `asset_in` is its entry in `ins=` or None."""
    if asset_in is None:
        return Dependency(key=AssetKey([name]), arg=name, by_name=True)
    if not isinstance(asset_in, AssetIn):
        asset_in = AssetIn(asset_in)
    if asset_in.key is not None:
        key = key_from_user(asset_in.key, role=f"the asset behind the argument {name!r} of {owner}", source=source)
    elif asset_in.key_prefix is not None:
        prefix = asset_in.key_prefix
        key = AssetKey([*([prefix] if isinstance(prefix, str) else prefix), name])
    else:
        key = AssetKey([name])
    return Dependency(
        key=key,
        mapping=asset_in.partition_mapping,
        arg=name,
        gated=asset_in.gated,
        by_name=asset_in.key is None and asset_in.key_prefix is None,
        metadata=asset_in.metadata,
        input_manager_key=asset_in.input_manager_key,
        declared=_declared(asset_in.key),
    )


def merged(dependencies: Iterable[Dependency], *, owner: str, source: SourceLine) -> tuple[Dependency, ...]:
    """One edge a key, in the order of first mention. Two arguments for one upstream are refused."""
    edges: dict[AssetKey, Dependency] = {}
    for new in dependencies:
        old = edges.get(new.key)
        if old is None:
            edges[new.key] = new
            continue
        if old.arg and new.arg and old.arg != new.arg:
            report(
                DefinitionError(
                    f"{source}: {owner} takes {new.key.to_user_string()!r} twice, as {old.arg!r} and as {new.arg!r}. "
                    "Keep one of the two arguments."
                )
            )
            continue
        edges[new.key] = replace(
            old,
            mapping=old.mapping if old.mapping is not None else new.mapping,
            arg=old.arg or new.arg,
            gated=old.gated and new.gated,
            value_optional=old.value_optional or new.value_optional,
            by_name=old.by_name and new.by_name,
            metadata=old.metadata if old.metadata is not None else new.metadata,
            input_manager_key=old.input_manager_key or new.input_manager_key,
            declared=old.declared or new.declared,
        )
    return tuple(edges.values())


def _declared(asset: Any) -> AssetSpec | None:
    """The spec that stands for an upstream which was given as an object."""
    if asset is None or isinstance(asset, (str, AssetKey)):
        return None
    from .assets_definition import AssetsDefinition
    from .spec import AssetSpec

    if isinstance(asset, AssetsDefinition):
        return asset.spec.as_external()
    return asset if isinstance(asset, AssetSpec) else None
