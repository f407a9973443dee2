from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from headwater.definitions.code_references import LocalFileCodeReference, UrlCodeReference
from headwater.definitions.errors import InvalidMetadata
from headwater.definitions.keys import AssetKey
from headwater.definitions.metadata import MetadataValue, metadata_from_json, metadata_to_json, normalize_metadata
from headwater.definitions.metadata_kinds import (
    CLASSES,
    CodeReferencesMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JsonMetadataValue,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchemaMetadataValue,
    TextMetadataValue,
)
from headwater.definitions.table_schema import (
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableRecord,
    TableSchema,
)

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

SCHEMA = TableSchema(
    [TableColumn("a", "int", "the first", TableColumnConstraints(nullable=False, other=["> 0"]), {"pii": "no"})],
    TableConstraints(["at least one row"]),
)
LINEAGE = TableColumnLineage({"a": [TableColumnDep(["raw", "orders"], "x"), TableColumnDep("other", "y")]})

EVERY_KIND = {
    "text": MetadataValue.text("x"),
    "url": MetadataValue.url("https://example.org"),
    "path": MetadataValue.path(Path("/data/x")),
    "notebook": MetadataValue.notebook("x.ipynb"),
    "json": MetadataValue.json({"a": [1, None]}),
    "md": MetadataValue.md("# x"),
    "int": MetadataValue.int(3),
    "float": MetadataValue.float(3),
    "bool": MetadataValue.bool(True),
    "timestamp": MetadataValue.timestamp(NOON),
    "null": MetadataValue.null(),
    "asset": MetadataValue.asset(["sales", "orders"]),
    "run": MetadataValue.run("0190"),
    "table": MetadataValue.table([{"a": 1}, {"a": 2}]),
    "python_artifact": MetadataValue.python_artifact(Path),
    "job": MetadataValue.job("nightly"),
    "table_schema": MetadataValue.table_schema(SCHEMA),
    "column_lineage": MetadataValue.column_lineage(LINEAGE),
    "code_references": CodeReferencesMetadataValue(
        [LocalFileCodeReference("/flow.py", 3), UrlCodeReference("https://x")]
    ),
}


def test_every_kind_survives_json() -> None:
    stored = json.loads(json.dumps(metadata_to_json(EVERY_KIND), allow_nan=False))
    assert metadata_from_json(stored) == EVERY_KIND
    assert {key: value["type"] for key, value in stored.items()} == {kind: kind for kind in EVERY_KIND}


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("x", "text", "x"),
        (True, "bool", True),
        (3, "int", 3),
        (2.5, "float", 2.5),
        (None, "null", None),
        ([1, (2, 3)], "json", [1, [2, 3]]),
        ({"a": np.int64(1)}, "json", {"a": 1}),
        (MappingProxyType({"a": 1}), "json", {"a": 1}),
        (Path("/data/x"), "path", "/data/x"),
        (AssetKey(["a", "b"]), "asset", "a/b"),
        (NOON, "timestamp", NOON.timestamp()),
        (np.int64(3), "int", 3),
        (np.float64(2.5), "float", 2.5),
        (np.float32(2.5), "float", 2.5),
        (np.bool_(False), "bool", False),
    ],
)
def test_a_plain_value_is_taken_as_the_kind_that_fits(raw: Any, kind: str, value: Any) -> None:
    taken = normalize_metadata({"m": raw})["m"]
    assert (taken.kind, taken.value, type(taken.value)) == (kind, value, type(value))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_survive_it(number: float) -> None:
    stored = json.dumps(MetadataValue.float(number).to_json(), allow_nan=False)
    assert repr(metadata_from_json({"m": json.loads(stored)})["m"].value) == repr(number)


@pytest.mark.parametrize("raw", [object(), {1, 2}, {"a": object()}, [math.nan], np.array([1, 2])])
def test_what_is_no_metadata_is_refused_by_its_key(raw: Any) -> None:
    with pytest.raises(InvalidMetadata, match="'rows'") as caught:
        normalize_metadata({"rows": raw})
    assert caught.value.key == "rows"


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidMetadata, match="no JSON form"):
        normalize_metadata({"m": loop})


def test_a_timestamp_needs_a_zone() -> None:
    with pytest.raises(InvalidMetadata, match="no time zone"):
        normalize_metadata({"m": datetime(2024, 1, 1)})  # noqa: DTZ001 - that is the point


def test_keys_are_strings() -> None:
    with pytest.raises(InvalidMetadata, match="not a int"):
        normalize_metadata({3: "x"})  # type: ignore[dict-item]


def test_a_kind_from_a_newer_version_is_kept_as_json() -> None:
    assert metadata_from_json({"m": {"type": "hologram", "value": [1]}})["m"] == MetadataValue.json([1])


# ---- a class for each kind -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_value_is_of_the_class_of_its_kind_also_when_it_was_stored(kind: str) -> None:
    value = EVERY_KIND[kind]
    stored = metadata_from_json(metadata_to_json({"x": value}))["x"]
    assert type(value) is type(stored) is CLASSES[kind]


def test_classes_make_values_that_equal_those_of_the_methods() -> None:
    assert IntMetadataValue(3) == MetadataValue.int(3) == MetadataValue("int", 3)
    assert FloatMetadataValue(3) == MetadataValue.float(3)
    assert FloatMetadataValue(3) != IntMetadataValue(3)
    assert (TextMetadataValue("x").text, JsonMetadataValue({"a": (1,)}).data) == ("x", {"a": [1]})
    assert len({IntMetadataValue(3), MetadataValue.int(3)}) == 1


def test_tables_come_back_as_what_they_are() -> None:
    stored = metadata_from_json(
        metadata_to_json(
            normalize_metadata({"s": SCHEMA, "l": LINEAGE, "t": MetadataValue.table([TableRecord(a=1)], SCHEMA)})
        )
    )
    schema, lineage, table = stored["s"], stored["l"], stored["t"]
    assert isinstance(schema, TableSchemaMetadataValue)
    assert schema.schema.columns[0].constraints == TableColumnConstraints(False, False, ("> 0",))
    assert schema.schema.constraints.other == ("at least one row",)
    assert isinstance(lineage, TableColumnLineageMetadataValue)
    assert lineage.column_lineage == LINEAGE
    assert isinstance(table, TableMetadataValue)
    assert (table.records, table.schema) == ([TableRecord({"a": 1})], schema.schema)
    assert TableMetadataValue([{"a": 1}]).schema is None


def test_a_null_is_a_value_of_every_optional_kind() -> None:
    assert metadata_from_json(metadata_to_json({"x": FloatMetadataValue(None)}))["x"].value is None
