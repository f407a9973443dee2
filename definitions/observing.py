"""Observable sources: assets that something else makes, with a function of ours that looks whether they have changed.

The function gives the data version of what it found. A run of such a source writes observations and makes nothing; a
version that differs from the one before is an update, to which everything downstream reacts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from .assets_definition import AssetsDefinition
from .collecting import report
from .errors import DefinitionError
from .keys import CoercibleToAssetKey
from .labels import own_key
from .source import SourceLine
from .spec import AssetSpec
from .unsupported import refuse

if TYPE_CHECKING:
    from .check_specs import AssetCheckSpec
    from .conditions.base import AutomationCondition
    from .partitions.base import PartitionsDefinition


@overload
def observable_source_asset(observe_fn: Callable[..., Any]) -> AssetsDefinition: ...


@overload
def observable_source_asset(
    *,
    key: CoercibleToAssetKey | None = None,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    io_manager_key: str | None = None,
    io_manager_def: Any = None,
    description: str | None = None,
    group_name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    auto_observe_interval_minutes: float | None = None,
    automation_condition: AutomationCondition | None = None,
    freshness_policy: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
) -> Callable[[Callable[..., Any]], AssetsDefinition]: ...


def observable_source_asset(
    observe_fn: Callable[..., Any] | None = None,
    *,
    key: CoercibleToAssetKey | None = None,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    io_manager_key: str | None = None,
    io_manager_def: Any = None,
    description: str | None = None,
    group_name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    auto_observe_interval_minutes: float | None = None,
    automation_condition: AutomationCondition | None = None,
    freshness_policy: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
) -> Any:
    """Make a source out of a function that looks at it and returns its DataVersion, or an ObserveResult.

    >>> @observable_source_asset(automation_condition=AutomationCondition.on_cron("*/5 * * * *"))
    ... def exchange_rates():
    ...     return DataVersion("v1")
    >>> exchange_rates()
    'v1'

    With a partitions_def it returns DataVersionsByPartition. `auto_observe_interval_minutes` is the older way to have
    it looked at every so often, where there is no automation_condition.
    """

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        source = SourceLine.of(fn)
        key_of_it = own_key(fn, name=name, key_prefix=key_prefix, key=key, source=source)
        owner = f"asset {str(key_of_it)!r}"
        refuse(owner, source=source, io_manager_def=io_manager_def)
        spec = AssetSpec(
            key_of_it,
            description=description or inspect.getdoc(fn),
            metadata=metadata,
            group_name=group_name,
            automation_condition=automation_condition
            or every_so_often(auto_observe_interval_minutes, owner=owner, source=source),
            freshness_policy=freshness_policy,
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=partitions_def,
            io_manager_key=io_manager_key,
            source=source,
        )
        return AssetsDefinition(
            fn,
            spec,
            required_resource_keys=required_resource_keys or (),
            resource_defs=resource_defs,
            op_tags=op_tags,
            check_specs=check_specs or (),
            observes=True,
        )

    return decorate if observe_fn is None else decorate(observe_fn)


def every_so_often(minutes: float | None, *, owner: str, source: SourceLine) -> AutomationCondition | None:
    """The condition that looks about every so many minutes: at round times of the clock, as a cron says it."""
    if minutes is None:
        return None
    from .conditions.base import AutomationCondition

    whole = max(1, round(minutes))
    if minutes <= 0:
        report(
            DefinitionError(
                f"{source}: {owner} has auto_observe_interval_minutes={minutes}. Give a number greater than 0, or an "
                "automation_condition such as AutomationCondition.on_cron('0 * * * *')."
            )
        )
    if whole < 60:
        return AutomationCondition.on_cron(f"*/{whole} * * * *")
    hours = max(1, round(whole / 60))
    return AutomationCondition.on_cron(f"0 */{hours} * * *" if hours < 24 else "0 0 * * *")
