"""Metadata: small typed values that go with an event or a definition, for people to read and for checks to compare.

A plain Python value is taken as the kind that fits it (a str is text, a list or dict is JSON, ...); `MetadataValue.url`
and its siblings say it where that is not enough. Every kind goes to JSON as `{"type": kind, "value": ...}` and back.
"""

from __future__ import annotations

import builtins
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import InvalidMetadata
from .keys import AssetKey, CoercibleToAssetKey

JsonData = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """One value and its kind. `value` is plain data: str, int, float, bool, None, or JSON (list, dict)."""

    kind: str
    value: Any

    @staticmethod
    def text(text: str) -> MetadataValue:
        return MetadataValue("text", str(text))

    @staticmethod
    def url(url: str) -> MetadataValue:
        return MetadataValue("url", str(url))

    @staticmethod
    def path(path: str | os.PathLike[str]) -> MetadataValue:
        return MetadataValue("path", os.fspath(path))

    @staticmethod
    def notebook(path: str | os.PathLike[str]) -> MetadataValue:
        return MetadataValue("notebook", os.fspath(path))

    @staticmethod
    def json(data: Sequence[Any] | Mapping[str, Any]) -> MetadataValue:
        """A list or dict, copied as JSON sees it (tuples become lists)."""
        return MetadataValue("json", _as_json("json", data))

    @staticmethod
    def md(text: str) -> MetadataValue:
        return MetadataValue("md", str(text))

    @staticmethod
    def int(value: builtins.int) -> MetadataValue:
        return MetadataValue("int", value)

    @staticmethod
    def float(value: builtins.float) -> MetadataValue:
        return MetadataValue("float", value + 0.0)

    @staticmethod
    def bool(value: builtins.bool) -> MetadataValue:
        return MetadataValue("bool", value)

    @staticmethod
    def timestamp(at: datetime | builtins.float) -> MetadataValue:
        """An instant: seconds since 1970-01-01 UTC, or a datetime with a time zone."""
        if isinstance(at, datetime):
            if at.tzinfo is None:
                raise InvalidMetadata("timestamp", f"{at!r} has no time zone; write e.g. datetime.now(timezone.utc)")
            return MetadataValue("timestamp", at.timestamp())
        return MetadataValue("timestamp", at + 0.0)

    @staticmethod
    def null() -> MetadataValue:
        return MetadataValue("null", None)

    @staticmethod
    def asset(key: CoercibleToAssetKey) -> MetadataValue:
        """A link to another asset; `value` is its key's user string."""
        return MetadataValue("asset", AssetKey.of(key).to_user_string())

    @staticmethod
    def run(run_id: str) -> MetadataValue:
        return MetadataValue("run", run_id)

    @staticmethod
    def table(records: Iterable[Mapping[str, Any]]) -> MetadataValue:
        """A few rows to show, each a mapping from column name to value."""
        return MetadataValue("table", _as_json("table", [dict(record) for record in records]))

    def to_json(self) -> JsonData:
        value = self.value
        if isinstance(value, builtins.float) and not math.isfinite(value):
            value = str(value)  # JSON has no nan and no inf
        return {"type": self.kind, "value": value}


_KINDS = frozenset(
    (
        "text",
        "url",
        "path",
        "notebook",
        "json",
        "md",
        "int",
        "float",
        "bool",
        "timestamp",
        "null",
        "asset",
        "run",
        "table",
    )
)


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
            return MetadataValue("json", _as_json(key, raw))
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
    kind, value = data["type"], data["value"]
    if kind not in _KINDS:
        return MetadataValue("json", value)
    return MetadataValue(kind, float(value) if kind in ("float", "timestamp") else value)


def _checked_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise InvalidMetadata(str(key), f"a metadata key is a str, not a {type(key).__name__}")


def _as_json(key: str, data: object) -> Any:
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
