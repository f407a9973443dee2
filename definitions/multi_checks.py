"""The `@multi_asset_check` decorator: several checks, of one asset or of several, that one function evaluates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .check_specs import AssetCheckSpec
from .checks import AssetChecksDefinition, checked_specs
from .dependencies import AssetIn
from .retries import RetryPolicy, checked_policy
from .source import SourceLine


def multi_asset_check(
    *,
    specs: Iterable[AssetCheckSpec],
    name: str | None = None,
    description: str | None = None,
    can_subset: bool = False,
    ins: Mapping[str, AssetIn] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
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

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        source = SourceLine.of(fn)
        op_name = name or getattr(fn, "__name__", "checks")
        own = checked_specs(listed, owner=f"checks {op_name!r}", source=source, at_least_one=True)
        made = AssetChecksDefinition(
            fn,
            [spec if spec.description else spec.with_description(description) for spec in own],
            op_name=op_name,
            is_multi=True,
            can_subset=can_subset,
            ins=ins,
            required_resource_keys=required_resource_keys or (),
            resource_defs=resource_defs,
            config_schema=config_schema,
            op_tags=op_tags,
            pool=pool,
            source=source,
        )
        made.retry_policy = checked_policy(retry_policy, owner=str(made), source=source)
        return made

    return decorate
