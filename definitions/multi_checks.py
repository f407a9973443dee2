"""The `@multi_asset_check` decorator: several checks, of one asset or of several, that one function evaluates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .check_specs import AssetCheckSpec
from .checks import AssetChecksDefinition, checked_specs
from .dependencies import AssetIn
from .source import SourceLine
from .unsupported import refuse


def multi_asset_check(
    *,
    specs: Iterable[AssetCheckSpec],
    name: str | None = None,
    description: str | None = None,
    can_subset: bool = False,
    ins: Mapping[str, AssetIn] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Any = None,
    config_schema: Any = None,
    op_tags: Any = None,
    retry_policy: Any = None,
    pool: str | None = None,
) -> Callable[[Callable[..., Any]], AssetChecksDefinition]:
    """Make several checks of one function, which yields or returns an AssetCheckResult for each of them.

    >>> @multi_asset_check(
    ...     specs=[AssetCheckSpec("not_empty", asset="orders"), AssetCheckSpec("not_empty", asset="customers")]
    ... )
    ... def nothing_is_empty():
    ...     yield AssetCheckResult(passed=True, asset_key="orders")
    ...     yield AssetCheckResult(passed=True, asset_key="customers")

    They are evaluated in one step, after all of their assets. With `can_subset` the function evaluates only those of
    `context.selected_asset_check_keys`, where a run does not want all. `ins` are assets to load, by parameter;
    `description` is that of checks that have none.
    """
    listed = list(specs)
    refused = {
        "resource_defs": resource_defs,
        "config_schema": config_schema,
        "op_tags": op_tags,
        "retry_policy": retry_policy,
        "pool": pool,
    }

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        source = SourceLine.of(fn)
        op_name = name or getattr(fn, "__name__", "checks")
        refuse(f"checks {op_name!r}", source=source, **refused)
        own = checked_specs(listed, owner=f"checks {op_name!r}", source=source, at_least_one=True)
        return AssetChecksDefinition(
            fn,
            [spec if spec.description else spec.with_description(description) for spec in own],
            op_name=op_name,
            is_multi=True,
            can_subset=can_subset,
            ins=ins,
            required_resource_keys=required_resource_keys or (),
            source=source,
        )

    return decorate
