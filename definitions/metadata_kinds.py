"""A class for each kind of metadata, so that code can ask what a value is: `isinstance(value, IntMetadataValue)`.

Each is made of what it is for, `IntMetadataValue(3)`, and is what the method of `MetadataValue` of its kind returns.
Its `value` is plain data, as it is stored; the kinds that stand for more (a key, a schema, a lineage) give that as a
property of their own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .code_references import CodeReference, reference_from_json
from .keys import AssetKey, CoercibleToAssetKey
from .metadata import MetadataValue, json_copy, path_text
from .table_schema import TableColumnLineage, TableRecord, TableSchema


class TextMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, text: str | None) -> None:
        super().__init__("text", "" if text is None else str(text))

    @property
    def text(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.value


class UrlMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, url: str | None) -> None:
        super().__init__("url", "" if url is None else str(url))

    @property
    def url(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.value


class PathMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        super().__init__("path", "" if path is None else path_text(path))

    @property
    def path(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.value


class NotebookMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        super().__init__("notebook", "" if path is None else path_text(path))

    @property
    def path(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.value


class JsonMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, data: Sequence[Any] | Mapping[str, Any] | None) -> None:
        super().__init__("json", json_copy("json", data))

    @property
    def data(self) -> Any:
        return self.value


class MarkdownMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, md_str: str | None) -> None:
        super().__init__("md", "" if md_str is None else str(md_str))

    @property
    def md_str(self) -> str:
        return self.value


class PythonArtifactMetadataValue(MetadataValue):
    """A class or function, by the name of its module and its own."""

    __slots__ = ()

    def __init__(self, module: str, name: str) -> None:
        super().__init__("python_artifact", {"module": module, "name": name})

    @property
    def module(self) -> str:
        return self.value["module"]

    @property
    def name(self) -> str:
        return self.value["name"]


class IntMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, value: int | None) -> None:
        super().__init__("int", value)


class FloatMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, value: float | None) -> None:
        super().__init__("float", None if value is None else value + 0.0)


class BoolMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, value: bool | None) -> None:
        super().__init__("bool", value)


class TimestampMetadataValue(MetadataValue):
    """An instant, in seconds since 1970-01-01 UTC."""

    __slots__ = ()

    def __init__(self, value: float) -> None:
        super().__init__("timestamp", value + 0.0)


class NullMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("null", None)


class AssetMetadataValue(MetadataValue):
    """A link to an asset; `value` is its key's user string."""

    __slots__ = ()

    def __init__(self, asset_key: CoercibleToAssetKey) -> None:
        super().__init__("asset", AssetKey.of(asset_key).to_user_string())

    @property
    def asset_key(self) -> AssetKey:
        return AssetKey.from_user_string(self.value)


class RunMetadataValue(MetadataValue):
    """A link to a run."""

    __slots__ = ()

    def __init__(self, run_id: str) -> None:
        super().__init__("run", run_id)

    @property
    def run_id(self) -> str:
        return self.value


class JobMetadataValue(MetadataValue):
    """A link to a job."""

    __slots__ = ()

    def __init__(self, job_name: str) -> None:
        super().__init__("job", job_name)

    @property
    def job_name(self) -> str:
        return self.value


class TableMetadataValue(MetadataValue):
    """A few rows to show. `value` is a list of rows, or `{"records": [...], "schema": {...}}` with a schema."""

    __slots__ = ()

    def __init__(self, records: Sequence[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None) -> None:
        rows = [dict(record.data if isinstance(record, TableRecord) else record) for record in records]
        data = rows if schema is None else {"records": rows, "schema": schema.to_json()}
        super().__init__("table", json_copy("table", data))

    @property
    def records(self) -> list[TableRecord]:
        rows = self.value["records"] if isinstance(self.value, Mapping) else self.value
        return [TableRecord(row) for row in rows]

    @property
    def schema(self) -> TableSchema | None:
        return TableSchema.from_json(self.value["schema"]) if isinstance(self.value, Mapping) else None


class TableSchemaMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, schema: TableSchema) -> None:
        super().__init__("table_schema", json_copy("table_schema", schema.to_json()))

    @property
    def schema(self) -> TableSchema:
        return TableSchema.from_json(self.value)


class TableColumnLineageMetadataValue(MetadataValue):
    __slots__ = ()

    def __init__(self, column_lineage: TableColumnLineage) -> None:
        super().__init__("column_lineage", column_lineage.to_json())

    @property
    def column_lineage(self) -> TableColumnLineage:  # pyright: ignore[reportIncompatibleMethodOverride]
        return TableColumnLineage.from_json(self.value)


class CodeReferencesMetadataValue(MetadataValue):
    """Where the code of a definition is: files of this machine, or addresses."""

    __slots__ = ()

    def __init__(self, code_references: Sequence[CodeReference]) -> None:
        super().__init__("code_references", [reference.to_json() for reference in code_references])

    @property
    def code_references(self) -> list[CodeReference]:
        return [reference_from_json(data) for data in self.value]


CLASSES: dict[str, type[MetadataValue]] = {
    "text": TextMetadataValue,
    "url": UrlMetadataValue,
    "path": PathMetadataValue,
    "notebook": NotebookMetadataValue,
    "json": JsonMetadataValue,
    "md": MarkdownMetadataValue,
    "python_artifact": PythonArtifactMetadataValue,
    "int": IntMetadataValue,
    "float": FloatMetadataValue,
    "bool": BoolMetadataValue,
    "timestamp": TimestampMetadataValue,
    "null": NullMetadataValue,
    "asset": AssetMetadataValue,
    "run": RunMetadataValue,
    "job": JobMetadataValue,
    "table": TableMetadataValue,
    "table_schema": TableSchemaMetadataValue,
    "column_lineage": TableColumnLineageMetadataValue,
    "code_references": CodeReferencesMetadataValue,
}


def of_kind(kind: str, value: Any) -> MetadataValue:
    """A value of this kind around stored data, which is taken as it is."""
    made = object.__new__(CLASSES[kind])
    MetadataValue.__init__(made, kind, value)
    return made
