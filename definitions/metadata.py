"""Metadata: small typed values that go with an event or a definition, for people to read and for checks to compare.

A plain Python value is taken as the kind that fits it (a str is text, a list or dict is JSON, ...); `MetadataValue.url`
and its siblings say it where that is not enough. Every kind goes to JSON as `{"type": kind, "value": ...}` and back.
"""

from __future__ import annotations

import builtins
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import InvalidMetadata
from .keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from .metadata_kinds import (
        AssetMetadataValue,
        BoolMetadataValue,
        FloatMetadataValue,
        IntMetadataValue,
        JobMetadataValue,
        JsonMetadataValue,
        MarkdownMetadataValue,
        NotebookMetadataValue,
        NullMetadataValue,
        PathMetadataValue,
        PythonArtifactMetadataValue,
        RunMetadataValue,
        TableColumnLineageMetadataValue,
        TableMetadataValue,
        TableSchemaMetadataValue,
        TextMetadataValue,
        TimestampMetadataValue,
        UrlMetadataValue,
    )
    from .table_schema import TableColumnLineage, TableRecord, TableSchema

JsonData = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class MetadataValue:
    """One value and its kind. `value` is plain data: str, int, float, bool, None, or JSON (list, dict).

    >>> MetadataValue.int(3).value
    3
    >>> result = MaterializeResult(metadata={"preview": MetadataValue.md("| id |"), "rows": 3})
    """

    kind: str
    value: Any

    @staticmethod
    def text(text: str) -> TextMetadataValue:
        return _of("text", str(text))

    @staticmethod
    def url(url: str) -> UrlMetadataValue:
        return _of("url", str(url))

    @staticmethod
    def path(path: str | os.PathLike[str]) -> PathMetadataValue:
        return _of("path", path_text(path))

    @staticmethod
    def notebook(path: str | os.PathLike[str]) -> NotebookMetadataValue:
        return _of("notebook", path_text(path))

    @staticmethod
    def json(data: Sequence[Any] | Mapping[str, Any]) -> JsonMetadataValue:
        """A list or dict, copied as JSON sees it (tuples become lists)."""
        return _of("json", json_copy("json", data))

    @staticmethod
    def md(data: str) -> MarkdownMetadataValue:
        return _of("md", str(data))

    @staticmethod
    def python_artifact(python_artifact: Callable[..., Any]) -> PythonArtifactMetadataValue:
        """A class or function, by its name."""
        return _of("python_artifact", {"module": python_artifact.__module__, "name": python_artifact.__name__})

    @staticmethod
    def int(value: builtins.int) -> IntMetadataValue:
        return _of("int", value)

    @staticmethod
    def float(value: builtins.float) -> FloatMetadataValue:
        return _of("float", value + 0.0)

    @staticmethod
    def bool(value: builtins.bool) -> BoolMetadataValue:
        return _of("bool", value)

    @staticmethod
    def timestamp(value: datetime | builtins.float) -> TimestampMetadataValue:
        """An instant: seconds since 1970-01-01 UTC, or a datetime with a time zone."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise InvalidMetadata("timestamp", f"{value!r} has no time zone; write e.g. datetime.now(timezone.utc)")
            return _of("timestamp", value.timestamp())
        return _of("timestamp", value + 0.0)

    @staticmethod
    def null() -> NullMetadataValue:
        return _of("null", None)

    @staticmethod
    def asset(asset_key: CoercibleToAssetKey) -> AssetMetadataValue:
        """A link to another asset; `value` is its key's user string."""
        return _of("asset", AssetKey.of(asset_key).to_user_string())

    @staticmethod
    def run(run_id: str) -> RunMetadataValue:
        return _of("run", run_id)

    @staticmethod
    def job(job_name: str) -> JobMetadataValue:
        return _of("job", job_name)

    @staticmethod
    def table(
        records: Iterable[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None
    ) -> TableMetadataValue:
        """A few rows to show, each a mapping from column name to value, and what is known of their columns."""
        from .metadata_kinds import TableMetadataValue

        return TableMetadataValue(list(records), schema)

    @staticmethod
    def table_schema(schema: TableSchema) -> TableSchemaMetadataValue:
        from .metadata_kinds import TableSchemaMetadataValue

        return TableSchemaMetadataValue(schema)

    @staticmethod
    def column_lineage(lineage: TableColumnLineage) -> TableColumnLineageMetadataValue:
        return _of("column_lineage", lineage.to_json())

    def to_json(self) -> JsonData:
        value = self.value
        if isinstance(value, builtins.float) and not math.isfinite(value):
            value = str(value)  # JSON has no nan and no inf
        return {"type": self.kind, "value": value}

    def __eq__(self, other: object) -> builtins.bool:
        if not isinstance(other, MetadataValue):
            return NotImplemented
        return (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> builtins.int:
        return hash((self.kind, repr(self.value)))


def _of(kind: str, value: Any) -> Any:
    from .metadata_kinds import of_kind

    return of_kind(kind, value)


def normalize_metadata(metadata: Mapping[str, Any] | None) -> dict[str, MetadataValue]:
    """Each value as a `MetadataValue`.

    Raises:
        InvalidMetadata: a key that is not a string, or a value that is of no known kind and has no JSON form.
    """
    return {_checked_key(key): metadata_value(key, raw) for key, raw in (metadata or {}).items()}


def metadata_value(key: str, raw: object) -> MetadataValue:
    """`raw` as the kind that fits it; `key` is for the message if none does."""
    match raw:
        case MetadataValue():
            return raw
        case None:
            return MetadataValue.null()
        case str():
            return MetadataValue.text(raw)
        case bool():  # before int: a bool is one
            return MetadataValue.bool(raw)
        case int():
            return MetadataValue.int(int(raw))
        case float():
            return MetadataValue.float(float(raw))
        case datetime():
            return MetadataValue.timestamp(raw)
        case AssetKey():
            return MetadataValue.asset(raw)
        case os.PathLike():
            return MetadataValue.path(raw)
        case list() | tuple() | Mapping():
            return _of("json", json_copy(key, raw))
    if (table := _of_table(raw)) is not None:
        return table
    if hasattr(raw, "joinpath"):  # a path of a remote file system
        return MetadataValue.path(raw)  # type: ignore[arg-type]
    scalar = _scalar(raw)
    if scalar is not None:
        return metadata_value(key, scalar)
    known = "a str, number, bool, list, dict, path, or one of MetadataValue's kinds"
    raise InvalidMetadata(key, f"a {type(raw).__name__} is no kind of metadata. Pass {known}.")


def metadata_from_json(data: Mapping[str, JsonData]) -> dict[str, MetadataValue]:
    """What `{key: value.to_json()}` came from. A kind that this version does not know is kept as JSON."""
    return {key: _from_json(value) for key, value in data.items()}


def metadata_to_json(metadata: Mapping[str, MetadataValue]) -> dict[str, JsonData]:
    return {key: value.to_json() for key, value in metadata.items()}


def _from_json(data: JsonData) -> MetadataValue:
    from .metadata_kinds import CLASSES, of_kind

    kind, value = data["type"], data["value"]
    if kind not in CLASSES:
        return of_kind("json", value)
    return of_kind(kind, float(value) if kind in ("float", "timestamp") and value is not None else value)


def _of_table(raw: object) -> MetadataValue | None:
    from .table_schema import TableColumnLineage, TableSchema

    if isinstance(raw, TableSchema):
        return MetadataValue.table_schema(raw)
    return MetadataValue.column_lineage(raw) if isinstance(raw, TableColumnLineage) else None


def path_text(path: object) -> str:
    return os.fspath(path) if isinstance(path, (str, os.PathLike)) else str(path)  # a path of a remote file system


def _checked_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise InvalidMetadata(str(key), f"a metadata key is a str, not a {type(key).__name__}")


def json_copy(key: str, data: object) -> Any:
    """`data` as JSON sees it; raises InvalidMetadata where it has no such form."""
    try:
        return json.loads(json.dumps(data, allow_nan=False, default=_json_default))
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidMetadata(key, f"it has no JSON form: {exc}") from exc


def _json_default(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _scalar(raw: object) -> str | int | float | bool | None:
    """The plain value of a number of an array library (`numpy.int64(3)` is not an int), else None."""
    try:
        plain = raw.item()  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        return None
    return plain if isinstance(plain, (str, int, float, bool)) else None
