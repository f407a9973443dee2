"""Several observable sources that one function looks at: `@multi_observable_source_asset`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import InvalidDefinitionError
from .labels import checked_name
from .multi_asset import check_members, spec_produced
from .multi_assets import MultiAssetsDefinition
from .source import SourceLine
from .spec import AssetSpec

if TYPE_CHECKING:
    from .check_specs import AssetCheckSpec
    from .partitions.base import PartitionsDefinition


def multi_observable_source_asset(
    *,
    specs: Sequence[AssetSpec],
    name: str | None = None,
    description: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    can_subset: bool = False,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
) -> Callable[[Callable[..., Any]], MultiAssetsDefinition]:
    """Make several sources out of one function that looks at them, in one step, and yields an ObserveResult of each.

    >>> @multi_observable_source_asset(specs=[AssetSpec("rates"), AssetSpec("prices")])
    ... def market():
    ...     yield ObserveResult(asset_key="rates", data_version=DataVersion("v1"))
    ...     yield ObserveResult(asset_key="prices", data_version=DataVersion("v7"))
    >>> [str(seen.asset_key) for seen in observe([market]).get_asset_observation_events()]
    ['rates', 'prices']

    Each of them must be looked at, unless its spec is `skippable`. If it `can_subset`, a run may look at some of them:
    `context.selected_asset_keys`. An `automation_condition` on a spec has the daemon look; another data version than
    before is an update of that source. With `check_specs` the function yields AssetCheckResults as well.
    """

    def decorate(fn: Callable[..., Any]) -> MultiAssetsDefinition:
        source = SourceLine.of(fn)
        own = checked_name(name or getattr(fn, "__name__", "sources"), role="the name of a multi-asset", source=source)
        owner = f"multi-asset {own!r}"
        defaults = {"group_name": group_name, "partitions_def": partitions_def}
        produced = [spec_produced(spec, owner, source, defaults) for spec in specs]
        if not produced:
            raise InvalidDefinitionError(f"{source}: {owner} looks at no asset. List in specs what it looks at.")
        made = MultiAssetsDefinition(
            fn,
            produced,
            name=own,
            source=source,
            can_subset=can_subset,
            description=description or inspect.getdoc(fn),
            required_resource_keys=required_resource_keys or (),
            resource_defs=resource_defs,
            check_specs=check_specs or (),
            observes=True,
        )
        check_members(made, ())
        return made

    return decorate
