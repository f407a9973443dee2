"""What is to be said of a table in memory, whichever library it is of: its columns with their types, and its rows."""

from __future__ import annotations

from typing import Any

from ..table_schema import TableColumn, TableSchema


def frame_schema(frame: Any) -> TableSchema:
    """The columns of a pandas, Polars or pyarrow table, with the names that the library has for their types."""
    if hasattr(frame, "collect_schema"):  # Polars
        return TableSchema.from_name_type_dict({name: str(kind) for name, kind in frame.collect_schema().items()})
    if hasattr(frame, "schema"):  # pyarrow
        return TableSchema([TableColumn(field.name, str(field.type)) for field in frame.schema])
    return TableSchema([TableColumn(str(name), str(kind)) for name, kind in frame.dtypes.items()])


def frame_rows(frame: Any) -> int | None:
    """How many rows there are; None where counting them would mean computing them."""
    return None if hasattr(frame, "collect") else len(frame)
