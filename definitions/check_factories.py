"""Ready-made checks of what materializations say in their metadata: bounds of a number, and changes of columns.

They load nothing: they compare the metadata of the newest materializations, which they ask `context.instance` for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .caller import caller
from .check_specs import AssetCheckSpec
from .checks import AssetChecksDefinition
from .collecting import report
from .errors import DefinitionError
from .keys import AssetKey
from .labels import key_from_user
from .results import AssetCheckResult, AssetCheckSeverity

if TYPE_CHECKING:
    from .metadata import MetadataValue
    from .source import SourceLine

_SCHEMA = "column_schema"  # how the metadata is called that holds a table's columns, whatever comes before a "/"


def build_metadata_bounds_checks(
    *,
    assets: Sequence[Any],
    metadata_key: str,
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    min_value: float | None = None,
    max_value: float | None = None,
    exclusive_min: bool = False,
    exclusive_max: bool = False,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check of each asset that a number in the metadata of its newest materialization lies within bounds.

    >>> checks = build_metadata_bounds_checks(assets=[orders], metadata_key="rows", min_value=1)
    >>> checks[0].check_name
    'rows_bounds'

    Of a partitioned asset it looks at the partition that was made. It fails where the number is missing.
    """
    source = caller()
    if min_value is None and max_value is None:
        report(DefinitionError(f"{source}: {metadata_key!r} has no bounds: give min_value, max_value or both."))
    elif min_value is not None and max_value is not None and min_value > max_value:
        report(DefinitionError(f"{source}: min_value={min_value} is greater than max_value={max_value}."))
    words = _interval(min_value, max_value, exclusive_min=exclusive_min, exclusive_max=exclusive_max)

    def bounds(context: Any) -> AssetCheckResult:
        made = newest(context, 1)
        value = made[0].get(metadata_key) if made else None
        if not made or value is None:
            missing = f"has no metadata {metadata_key!r}" if made else "was never made"
            return AssetCheckResult(passed=False, severity=severity, description=f"The asset {missing}.")
        number = value.value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return AssetCheckResult(
                passed=False,
                severity=severity,
                description=f"The metadata {metadata_key!r} is {number!r}, which is no number.",
            )
        low = min_value is None or (number > min_value if exclusive_min else number >= min_value)
        high = max_value is None or (number < max_value if exclusive_max else number <= max_value)
        passed = low and high
        return AssetCheckResult(
            passed=passed,
            severity=severity,
            metadata={metadata_key: number},
            description=f"{metadata_key} is {number}, {'within' if passed else 'outside'} {words}.",
        )

    return [
        one_check(
            bounds,
            asset,
            name=re.sub(r"\W", "_", f"{metadata_key}_bounds"),
            description=f"{metadata_key} is within {words}.",
            blocking=blocking,
            source=source,
        )
        for asset in assets_of(assets, source=source)
    ]


def build_column_schema_change_checks(
    *,
    assets: Sequence[Any],
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check "column_schema_change" of each asset: it fails if columns were added, removed or have another type than
    in the materialization before.

    The columns are read from the metadata "column_schema" (or ".../column_schema").
    """
    source = caller()

    def unchanged(context: Any) -> AssetCheckResult:
        schemas = [columns_of(metadata) for metadata in newest(context, 2)]
        if not schemas or schemas[0] is None:
            return AssetCheckResult(
                passed=False, severity=severity, description="The newest materialization tells no columns."
            )
        if len(schemas) == 1 or schemas[1] is None:
            return AssetCheckResult(passed=True, severity=severity, description="There is none before to compare with.")
        changes = changed_columns(schemas[1], schemas[0])
        return AssetCheckResult(
            passed=not changes, severity=severity, description="; ".join(changes) or "The columns are the same."
        )

    return [
        one_check(
            unchanged,
            asset,
            name="column_schema_change",
            description="The columns are the same as before.",
            blocking=blocking,
            source=source,
        )
        for asset in assets_of(assets, source=source)
    ]


def newest(context: Any, count: int) -> list[Mapping[str, MetadataValue]]:
    """The metadata of the newest materializations, newest first: of the partition that the check looks at, if any."""
    found: list[Mapping[str, MetadataValue]] = []
    cursor = None
    wanted = context.partition_key if context.has_partition_key else None
    while len(found) < count:
        page = context.instance.fetch_materializations(context.asset_key, limit=100, cursor=cursor)
        entries = [entry for entry in page.records if wanted is None or entry.partition == wanted]
        found += [entry.asset_materialization.metadata for entry in entries]
        if not page.has_more:
            break
        cursor = page.cursor
    return found[:count]


def columns_of(metadata: Mapping[str, MetadataValue]) -> dict[str, str] | None:
    """The type of each column that the metadata tell of; None where they tell of none."""
    for name, value in metadata.items():
        if name.rpartition("/")[2] == _SCHEMA:
            data = value.value
            columns = data.get("columns", ()) if isinstance(data, Mapping) else data
            return {str(column["name"]): str(column.get("type", "string")) for column in columns}
    return None


def changed_columns(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What is different, in words."""
    added = [f"{name} ({after[name]})" for name in after if name not in before]
    removed = [f"{name} ({before[name]})" for name in before if name not in after]
    changed = [f"{n} ({before[n]} -> {after[n]})" for n in after if n in before and before[n] != after[n]]
    named = (("Added", added), ("Removed", removed), ("Changed", changed))
    return [f"{what} columns: {', '.join(columns)}" for what, columns in named if columns]


def one_check(
    fn: Callable[[Any], AssetCheckResult],
    asset: Any,
    *,
    name: str,
    description: str,
    blocking: bool,
    source: SourceLine,
    whole_asset: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> AssetChecksDefinition:
    """The check of one asset that is evaluated by `fn`, which takes the context."""

    def check(context: Any) -> AssetCheckResult:
        return fn(context)

    check.__name__ = name
    spec = AssetCheckSpec(
        name,
        asset=key_from_user(asset, role=f"the asset of check {name!r}", source=source),
        description=description,
        blocking=blocking,
        whole_asset=whole_asset,
        metadata=metadata,
        source=source,
    )
    return AssetChecksDefinition(check, [spec], op_name=spec.get_python_identifier(), source=source)


def assets_of(assets: Any, *, source: SourceLine) -> list[Any]:
    """The assets that a factory was given, each once; what is no sequence of assets is reported."""
    if isinstance(assets, (str, AssetKey)) or not isinstance(assets, Sequence):
        report(DefinitionError(f"{source}: assets={assets!r} is no list of assets. Write assets=[...]."))
        return []
    keys = [key_from_user(asset, role="an asset to check", source=source) for asset in assets]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        report(DefinitionError(f"{source}: asset {str(key)!r} is listed twice. Keep one of them."))
    return list(dict(zip(keys, assets, strict=True)).values())


def _interval(low: float | None, high: float | None, *, exclusive_min: bool, exclusive_max: bool) -> str:
    left = "(" if exclusive_min or low is None else "["
    right = ")" if exclusive_max or high is None else "]"
    return f"{left}{'-inf' if low is None else low}, {'inf' if high is None else high}{right}"
