from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from headwater.definitions.errors import InvalidMetadata
from headwater.definitions.keys import AssetKey
from headwater.definitions.metadata import MetadataValue, metadata_from_json, metadata_to_json, normalize_metadata

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

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
