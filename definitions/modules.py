"""What modules define at their top level, by itself or in lists: assets, checks, and all of it as `Definitions`.

Each thing is taken once, however many modules name it. An `AssetSpec` is taken where none of the loaded assets makes
its key: next to an asset it is a part of that one's definition.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .assets_definition import AssetsDefinition
from .checks import AssetChecksDefinition
from .definitions import Definitions
from .jobs import JobDefinition
from .keys import AssetKey
from .packages import modules_of_package, package_of_name
from .schedules import ScheduleDefinition
from .sensors import SensorDefinition
from .spec import AssetSpec, SourceAsset

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .conditions.base import AutomationCondition

Prefix = str | Sequence[str]
LoadedAsset = AssetsDefinition | AssetSpec


def load_assets_from_modules(
    modules: Iterable[ModuleType],
    group_name: str | None = None,
    key_prefix: Prefix | None = None,
    *,
    automation_condition: AutomationCondition | None = None,
    backfill_policy: BackfillPolicy | None = None,
    source_key_prefix: Prefix | None = None,
    include_specs: bool = True,
) -> list[LoadedAsset]:
    """The assets at the top level of `modules`, each once.

    `group_name`, `automation_condition` and `backfill_policy` are for those assets that have none of their own.
    `key_prefix` goes before the key of each asset, `source_key_prefix` before that of each SourceAsset; dependencies on
    what is loaded follow.
    """
    found = _unique(asset for module in modules for asset in top_level(vars(module), AssetsDefinition, AssetSpec))
    made = {key for asset in found if isinstance(asset, AssetsDefinition) for key in asset.keys}
    loaded = [
        asset
        for asset in found
        if isinstance(asset, (AssetsDefinition, SourceAsset)) or (include_specs and asset.key not in made)
    ]
    renamed = _renamed(loaded, key_prefix, source_key_prefix)
    described = [_described(asset.with_keys(renamed), group_name, automation_condition) for asset in loaded]
    if backfill_policy is None:
        return described
    return [
        asset.with_backfill_policy(backfill_policy) if isinstance(asset, AssetsDefinition) else asset
        for asset in described
    ]


def load_assets_from_current_module(
    group_name: str | None = None, key_prefix: Prefix | None = None, **others: Any
) -> list[LoadedAsset]:
    """As `load_assets_from_modules`, for what stands above the call in its own module."""
    return load_assets_from_modules([_calling_module()], group_name, key_prefix, **others)


def load_assets_from_package_module(
    package_module: ModuleType, group_name: str | None = None, key_prefix: Prefix | None = None, **others: Any
) -> list[LoadedAsset]:
    """As `load_assets_from_modules`, for a package and all modules below it, which are imported."""
    return load_assets_from_modules(modules_of_package(package_module), group_name, key_prefix, **others)


def load_assets_from_package_name(
    package_name: str, group_name: str | None = None, key_prefix: Prefix | None = None, **others: Any
) -> list[LoadedAsset]:
    """As `load_assets_from_package_module`, for the package of this name."""
    return load_assets_from_package_module(package_of_name(package_name), group_name, key_prefix, **others)


def load_asset_checks_from_modules(
    modules: Iterable[ModuleType], asset_key_prefix: Prefix | None = None
) -> list[AssetChecksDefinition]:
    """The checks at the top level of `modules`, each once; `asset_key_prefix` goes before the keys of their assets."""
    checks = _unique(check for module in modules for check in top_level(vars(module), AssetChecksDefinition))
    if asset_key_prefix is None:
        return checks
    return [check.with_asset_key(check.asset_key.with_prefix(asset_key_prefix)) for check in checks]


def load_asset_checks_from_current_module(asset_key_prefix: Prefix | None = None) -> list[AssetChecksDefinition]:
    """As `load_asset_checks_from_modules`, for what stands above the call in its own module."""
    return load_asset_checks_from_modules([_calling_module()], asset_key_prefix)


def load_asset_checks_from_package_module(
    package_module: ModuleType, asset_key_prefix: Prefix | None = None
) -> list[AssetChecksDefinition]:
    """As `load_asset_checks_from_modules`, for a package and all modules below it."""
    return load_asset_checks_from_modules(modules_of_package(package_module), asset_key_prefix)


def load_asset_checks_from_package_name(
    package_name: str, asset_key_prefix: Prefix | None = None
) -> list[AssetChecksDefinition]:
    """As `load_asset_checks_from_package_module`, for the package of this name."""
    return load_asset_checks_from_package_module(package_of_name(package_name), asset_key_prefix)


def load_definitions_from_modules(
    modules: Iterable[ModuleType], resources: Mapping[str, Any] | None = None, **others: Any
) -> Definitions:
    """All that stands at the top level of `modules`, with `resources` and whatever else a Definitions takes."""
    modules = list(modules)
    sections: dict[str, Any] = {"asset_checks": load_asset_checks_from_modules(modules)}
    for section, kinds in SECTIONS.items():
        if things := _unique(thing for module in modules for thing in top_level(vars(module), *kinds)):
            sections[section] = things
    return Definitions(load_assets_from_modules(modules), resources=resources, **sections, **others)


def load_definitions_from_module(
    module: ModuleType, resources: Mapping[str, Any] | None = None, **others: Any
) -> Definitions:
    """As `load_definitions_from_modules`, for one."""
    return load_definitions_from_modules([module], resources, **others)


def load_definitions_from_current_module(resources: Mapping[str, Any] | None = None, **others: Any) -> Definitions:
    """As `load_definitions_from_modules`, for what stands above the call in its own module."""
    return load_definitions_from_modules([_calling_module()], resources, **others)


def load_definitions_from_package_module(
    package_module: ModuleType, resources: Mapping[str, Any] | None = None, **others: Any
) -> Definitions:
    """As `load_definitions_from_modules`, for a package and all modules below it."""
    return load_definitions_from_modules(modules_of_package(package_module), resources, **others)


def load_definitions_from_package_name(
    package_name: str, resources: Mapping[str, Any] | None = None, **others: Any
) -> Definitions:
    """As `load_definitions_from_package_module`, for the package of this name."""
    return load_definitions_from_package_module(package_of_name(package_name), resources, **others)


SECTIONS: dict[str, tuple[type, ...]] = {
    "jobs": (JobDefinition,),
    "schedules": (ScheduleDefinition,),
    "sensors": (SensorDefinition,),
}
"""What else a Definitions lists, by the argument that takes it."""


def top_level(names: Mapping[str, Any], *kinds: type) -> Iterator[Any]:
    """The objects of these kinds among the values of `names`, and in lists and tuples that hold nothing else."""
    for value in list(names.values()):
        if isinstance(value, kinds):
            yield value
        elif isinstance(value, (list, tuple)) and value and all(isinstance(item, kinds) for item in value):
            yield from value


def _calling_module() -> ModuleType:
    """The module of the nearest frame above that is not of this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__package__") == __package__:
        frame = frame.f_back
    return sys.modules[frame.f_globals["__name__"]]


def _unique(items: Iterable[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())


def _renamed(
    assets: Iterable[LoadedAsset], key_prefix: Prefix | None, source_key_prefix: Prefix | None
) -> dict[AssetKey, AssetKey]:
    """What the keys of the loaded assets are to be, where that is something else."""
    renamed: dict[AssetKey, AssetKey] = {}
    for asset in assets:
        prefix = source_key_prefix if isinstance(asset, SourceAsset) else key_prefix
        keys = asset.keys if isinstance(asset, AssetsDefinition) else (asset.key,)
        if prefix is not None:
            renamed.update((key, key.with_prefix(prefix)) for key in keys)
    return renamed


def _described(
    asset: LoadedAsset, group_name: str | None, automation_condition: AutomationCondition | None
) -> LoadedAsset:
    def changed(spec: AssetSpec) -> AssetSpec:
        changes: dict[str, Any] = {}
        if group_name is not None and spec.group_name is None:
            changes["group_name"] = group_name
        if automation_condition is not None and spec.automation_condition is None and not asset.is_external:
            changes["automation_condition"] = automation_condition
        return spec.replace_attributes(**changes) if changes else spec

    return asset.map_asset_specs(changed)
