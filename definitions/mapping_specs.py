"""Changing many assets at once: their specs, and the resources that they bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .assets_definition import AssetsDefinition
from .spec import AssetSpec

A = TypeVar("A", bound="AssetsDefinition | AssetSpec")


def map_asset_specs(func: Callable[[AssetSpec], AssetSpec], iterable: Iterable[A]) -> list[A]:
    """Each asset as `func` describes it: it gets the spec of one and returns a changed one.

    >>> owned = map_asset_specs(lambda spec: spec.replace_attributes(owners=["team:sales"]), [orders, revenue])
    """
    return [asset.map_asset_specs(func) for asset in iterable]  # pyright: ignore[reportReturnType]


def with_resources(definitions: Iterable[Any], resource_defs: Mapping[str, Any]) -> list[Any]:
    """Assets that bring the resources along which they need. What is no asset of headwater's stays as it is."""
    return [
        one.with_resource_defs({name: value for name, value in resource_defs.items() if _needs(one, name)})
        if isinstance(one, AssetsDefinition)
        else one
        for one in definitions
    ]


def _needs(asset: AssetsDefinition, name: str) -> bool:
    """Whether the asset may mean this resource: parameters are names of assets or of resources until they are bound."""
    return name in asset.resource_names or name in asset.arguments or name in asset.io_manager_keys
