"""What a module defines at its top level: its assets and checks, by themselves or in lists."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .assets_definition import AssetsDefinition
from .caller import caller
from .checks import AssetChecksDefinition
from .spec import AssetSpec
from .unsupported import refuse

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition


def load_assets_from_modules(
    modules: Iterable[ModuleType],
    group_name: str | None = None,
    *,
    key_prefix: Any = None,
    automation_condition: AutomationCondition | None = None,
) -> list[AssetsDefinition | AssetSpec]:
    """The assets at the top level of `modules`, each once.

    `group_name` and `automation_condition` are for those assets that have none of their own.
    """
    refuse("load_assets_from_modules", source=caller(), key_prefix=key_prefix)
    found = _unique(asset for module in modules for asset in top_level(vars(module), AssetsDefinition, AssetSpec))
    return [_described(asset, group_name, automation_condition) for asset in found]


def load_assets_from_current_module(
    group_name: str | None = None,
    *,
    key_prefix: Any = None,
    automation_condition: AutomationCondition | None = None,
) -> list[AssetsDefinition | AssetSpec]:
    """As `load_assets_from_modules`, for what stands above the call in its own module."""
    module = sys.modules[sys._getframe(1).f_globals["__name__"]]
    return load_assets_from_modules(
        [module], group_name, key_prefix=key_prefix, automation_condition=automation_condition
    )


def load_asset_checks_from_modules(modules: Iterable[ModuleType]) -> list[AssetChecksDefinition]:
    """The checks at the top level of `modules`, each once."""
    return _unique(check for module in modules for check in top_level(vars(module), AssetChecksDefinition))


def load_asset_checks_from_current_module() -> list[AssetChecksDefinition]:
    return load_asset_checks_from_modules([importlib.import_module(sys._getframe(1).f_globals["__name__"])])


def top_level(names: dict[str, Any], *kinds: type) -> Iterator[Any]:
    """The objects of these kinds among the values of `names`, and in lists and tuples that hold nothing else."""
    for value in names.values():
        if isinstance(value, kinds):
            yield value
        elif isinstance(value, (list, tuple)) and value and all(isinstance(item, kinds) for item in value):
            yield from value


def top_level_automation(names: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The schedules and the sensors among the values of `names`, each once."""
    from .schedules import ScheduleDefinition
    from .sensors import SensorDefinition

    return _unique(top_level(names, ScheduleDefinition)), _unique(top_level(names, SensorDefinition))


def _unique(items: Iterable[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())


def _described(
    asset: AssetsDefinition | AssetSpec, group_name: str | None, automation_condition: AutomationCondition | None
) -> AssetsDefinition | AssetSpec:
    spec = asset.spec
    changes: dict[str, Any] = {}
    if group_name is not None and spec.group_name is None:
        changes["group_name"] = group_name
    if automation_condition is not None and spec.automation_condition is None and not asset.is_external:
        changes["automation_condition"] = automation_condition
    if not changes:
        return asset
    spec = spec.replace_attributes(**changes)
    return asset.with_spec(spec) if isinstance(asset, AssetsDefinition) else spec
