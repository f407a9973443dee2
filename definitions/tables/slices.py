"""Which rows of which table an asset, or some of its partitions, are: as SQL with parameters.

The table is the last part of the key. Its schema is, in this order, the asset's metadata `schema`, the one that the IO
manager is configured with, the part of the key before the last, or `public`. Of a partitioned asset, the metadata
`partition_expr` is the SQL expression (often just a column) that tells the partition of a row: of windows of time one
that gives a date or a timestamp, else one that gives the key. With several dimensions it is a dict of one each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import prod
from typing import Any

from ..errors import ExecutionError
from ..io import InputContext, OutputContext
from ..partitions.base import PartitionsDefinition
from ..partitions.dimensions import dimensions, keys_by_dimension
from ..partitions.time_windows import TimeWindowPartitionsDefinition

DEFAULT_SCHEMA = "public"
PARTITION_EXPR = "partition_expr"

TypeOf = Callable[[str], str]
"""The SQL type that an expression has over the rows in question."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean SQL expression with `?` for each of its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()

    @classmethod
    def joined(cls, word: str, conditions: Sequence[Condition]) -> Condition:
        if len(conditions) == 1:
            return conditions[0]
        sql = f" {word} ".join(f"({one.sql})" for one in conditions)
        return cls(sql, tuple(value for one in conditions for value in one.parameters))


@dataclass(frozen=True, slots=True)
class TableSlice:
    """A table, and those of its rows that belong to some partitions; `partition_keys` of None means all rows."""

    schema: str
    table: str
    asset: str
    columns: tuple[str, ...] | None = None
    partition_keys: tuple[str, ...] | None = None
    partitions_def: PartitionsDefinition | None = None
    partition_expr: Any = None
    catalog: str | None = None

    @classmethod
    def of(cls, context: InputContext | OutputContext, *, schema: str | None) -> TableSlice:
        """The slice that a context is about; `schema` is the one that the IO manager is configured with."""
        path = context.asset_key.path
        metadata = context.upstream_metadata if isinstance(context, InputContext) else context.metadata
        columns = context.metadata.get("columns") if isinstance(context, InputContext) else None
        own_schema = metadata.get("schema") or schema or (path[-2] if len(path) > 1 else DEFAULT_SCHEMA)
        return cls(
            schema=_text(own_schema),
            table=path[-1],
            asset=str(context.asset_key),
            columns=None if columns is None else tuple(columns),
            partition_keys=tuple(context.asset_partition_keys) if context.has_asset_partitions else None,
            partitions_def=context.asset_partitions_def,
            partition_expr=_plain(metadata.get(PARTITION_EXPR)),
        )

    def in_catalog(self, catalog: str) -> TableSlice:
        return replace(self, catalog=catalog)

    @property
    def schema_name(self) -> str:
        """The schema as SQL writes it."""
        return quoted(self.schema) if self.catalog is None else f"{quoted(self.catalog)}.{quoted(self.schema)}"

    @property
    def name(self) -> str:
        """The table as SQL writes it."""
        return f"{self.schema_name}.{quoted(self.table)}"

    @property
    def select_list(self) -> str:
        return "*" if self.columns is None else ", ".join(map(quoted, self.columns))

    def condition(self, type_of: TypeOf) -> Condition | None:
        """What holds for the rows of the partitions; None where all rows are meant.

        Raises:
            ExecutionError: the asset's metadata does not say how its rows tell their partition.
        """
        if self.partition_keys is None:
            return None
        if not self.partition_keys:
            return Condition("false")
        along = dimensions(self.partitions_def)
        keys = [keys_by_dimension(self.partitions_def, key) for key in self.partition_keys]
        expressions = {name: self._expression(name) for name in along}
        values = {name: list(dict.fromkeys(key[name] for key in keys)) for name in along}

        def of(chosen: Mapping[str, Sequence[str]]) -> Condition:
            return Condition.joined(
                "AND", [_along(expressions[name], along[name], chosen[name], type_of) for name in along]
            )

        if prod(map(len, values.values())) == len(keys):  # all combinations of them
            return of(values)
        return Condition.joined("OR", [of({name: [part] for name, part in key.items()}) for key in keys])

    def _expression(self, dimension: str) -> str:
        expression = self.partition_expr
        if dimension and isinstance(expression, Mapping):
            expression = expression.get(dimension)
        if isinstance(expression, str) and expression:
            return quoted(expression) if expression.isidentifier() else expression  # a column may be called `at`
        example = f"{{{dimension!r}: 'column', ...}}" if dimension else "'column'"
        raise ExecutionError(
            f"asset {self.asset!r} is partitioned, but its metadata does not say which column of its table tells the "
            f"partition of a row: add metadata={{{PARTITION_EXPR!r}: {example}}}."
        )


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _along(expression: str, definition: Any, keys: Sequence[str], type_of: TypeOf) -> Condition:
    kind = type_of(expression).upper()
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        text = expression if kind == "VARCHAR" else f"CAST(({expression}) AS VARCHAR)"
        return Condition(f"({text}) IN ({', '.join('?' * len(keys))})", tuple(keys))
    has_zone = "TIME ZONE" in kind or kind == "TIMESTAMPTZ"
    moment = f"({expression})" if has_zone or kind != "VARCHAR" else f"CAST(({expression}) AS TIMESTAMP)"
    spans = [
        Condition(f"{moment} >= ? AND {moment} < ?", (_sent(start, has_zone), _sent(end, has_zone)))
        for start, end in _spans(definition.window(key) for key in keys)
    ]
    return Condition.joined("OR", spans)


def _spans(windows: Iterator[Any]) -> list[tuple[datetime, datetime]]:
    """The windows, with those that touch each other joined."""
    spans: list[tuple[datetime, datetime]] = []
    for start, end in sorted((window.start, window.end) for window in windows):
        if spans and spans[-1][1] >= start:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _sent(moment: datetime, has_zone: bool) -> datetime:
    """A column without a time zone holds what the clocks of the partitions' own zone show."""
    return moment if has_zone else moment.replace(tzinfo=None)


def _plain(value: Any) -> Any:
    """Metadata as it was written, where it was wrapped into a MetadataValue."""
    return getattr(value, "value", value)


def _text(value: Any) -> str:
    return str(_plain(value))
