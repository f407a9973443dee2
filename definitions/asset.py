"""The `@asset` decorator: an asset out of a function, declared in one place.

Beside it, this module offers the other words in which assets are declared: `AssetSpec`, `SourceAsset`, `AssetDep`,
`AssetIn` and `ResourceParam`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from .assets_definition import AssetsDefinition
from .dependencies import AssetDep, AssetIn
from .hooks import HookDefinition, checked_hooks
from .keys import CoercibleToAssetKey
from .labels import own_key
from .retries import RetryPolicy, checked_policy
from .signature import ResourceParam
from .source import SourceLine
from .spec import AssetSpec, SourceAsset

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .check_specs import AssetCheckSpec
    from .conditions.base import AutomationCondition
    from .freshness import FreshnessPolicy
    from .partitions.base import PartitionsDefinition

__all__ = ["AssetDep", "AssetIn", "AssetSpec", "AssetsDefinition", "ResourceParam", "SourceAsset", "asset"]


@overload
def asset(compute_fn: Callable[..., Any]) -> AssetsDefinition: ...


@overload
def asset(
    *,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    key: CoercibleToAssetKey | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    op_tags: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    automation_condition: AutomationCondition | None = None,
    freshness_policy: FreshnessPolicy | None = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    pool: str | None = None,
    is_virtual: bool = False,
) -> Callable[[Callable[..., Any]], AssetsDefinition]: ...


def asset(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    key: CoercibleToAssetKey | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    deps: Iterable[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    io_manager_key: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    group_name: str | None = None,
    automation_condition: AutomationCondition | None = None,
    code_version: str | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    output_required: bool = True,
    config_schema: Any = None,
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    io_manager_def: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    freshness_policy: FreshnessPolicy | None = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
    pool: str | None = None,
    is_virtual: bool = False,
) -> Any:
    """Make an asset of a function: the function's name is the asset's, its parameters are upstream assets.

    >>> @asset
    ... def orders():
    ...     return [3, 4]
    >>> @asset(group_name="sales")
    ... def revenue(orders):
    ...     return sum(orders)
    >>> revenue(orders())
    7

    A first parameter `context` takes the AssetExecutionContext. A parameter named like a resource takes the resource.
    What the function returns is stored by the IO manager, unless it is annotated `-> None` or `-> MaterializeResult`.
    `retry_policy` says how often and when it is tried again after it raised; `hooks` run after its step.
    Without `output_required` a function that yields may yield nothing: then nothing is made, and what reads it is
    skipped. `check_specs` are checks that the function evaluates itself: it returns
    MaterializeResult(check_results=[...]), or yields an AssetCheckResult for each of them.
    """

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        source = SourceLine.of(fn)
        asset_key = own_key(fn, name=name, key_prefix=key_prefix, key=key, source=source)
        brought, own_io_manager = dict(resource_defs or {}), None
        if io_manager_def is not None:
            own_io_manager = f"{asset_key.to_python_identifier()}__io_manager"
            brought[own_io_manager] = io_manager_def
        spec = AssetSpec(
            asset_key,
            deps=deps,
            description=description or (inspect.getdoc(fn) if fn.__doc__ else None),
            metadata=metadata,
            group_name=group_name,
            code_version=code_version,
            automation_condition=automation_condition,
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=partitions_def,
            freshness_policy=freshness_policy,
            is_virtual=is_virtual,
            io_manager_key=own_io_manager or io_manager_key,
            source=source,
        )
        made = AssetsDefinition(
            fn,
            spec,
            ins=ins,
            required_resource_keys=required_resource_keys or (),
            resource_defs=brought,
            config_schema=config_schema,
            op_tags=op_tags,
            pool=pool,
            check_specs=check_specs or (),
            backfill_policy=backfill_policy,
        )
        made.retry_policy = checked_policy(retry_policy, owner=str(made), source=source)
        made.hooks = checked_hooks(hooks, owner=str(made), source=source)
        made.is_required = output_required
        return made

    return decorate if compute_fn is None else decorate(compute_fn)
