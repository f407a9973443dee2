from __future__ import annotations

import pickle

import numpy as np
import pytest

from headwater.definitions.errors import InvalidDefinitionError, InvalidInvocationError, InvalidMetadata
from headwater.definitions.keys import AssetKey
from headwater.definitions.metadata import MetadataValue
from headwater.definitions.results import (
    UNSET,
    AssetCheckResult,
    AssetCheckSeverity,
    DataVersion,
    MaterializeResult,
    Output,
)


def test_none_is_a_value_and_nothing_is_not() -> None:
    assert not MaterializeResult().has_value
    assert MaterializeResult(value=None).has_value


def test_the_unset_mark_is_one_even_after_a_trip_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
    assert not pickle.loads(pickle.dumps(MaterializeResult(metadata={"rows": 3}))).has_value


def test_a_result_holds_its_parts_in_one_form() -> None:
    result = MaterializeResult(
        asset_key="orders",
        metadata={"rows": 3},
        check_results=[AssetCheckResult(passed=True)],
        data_version="v1",
        tags={"a": "b"},
    )
    assert result.asset_key == AssetKey("orders")
    assert result.metadata == {"rows": MetadataValue.int(3)}
    assert result.check_results == (AssetCheckResult(passed=True),)
    assert result.data_version is not None
    assert result.data_version.value == "v1"


def test_an_output_carries_a_value_and_what_is_known_of_it() -> None:
    output: Output[int] = Output(3, metadata={"rows": 3}, data_version=DataVersion("v1"))
    assert (output.value, output.output_name, output.data_version) == (3, "result", "v1")
    assert output.metadata == {"rows": MetadataValue.int(3)}


def test_a_check_fails_with_an_error_unless_it_says_otherwise() -> None:
    assert AssetCheckResult(passed=False).severity is AssetCheckSeverity.ERROR
    assert AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN).severity is AssetCheckSeverity.WARN


def test_a_bool_of_an_array_library_passes_as_one() -> None:
    assert AssetCheckResult(passed=np.bool_(True)).passed is True  # type: ignore[arg-type]


@pytest.mark.parametrize("passed", [1, None, "yes", np.int64(1)])
def test_what_is_neither_true_nor_false_is_refused(passed: object) -> None:
    with pytest.raises(InvalidInvocationError, match="must be True or False"):
        AssetCheckResult(passed=passed)  # type: ignore[arg-type]


def test_a_bad_part_is_refused_where_the_result_is_made() -> None:
    with pytest.raises(InvalidMetadata, match="'m'"):
        MaterializeResult(metadata={"m": object()})
    with pytest.raises(InvalidDefinitionError):
        MaterializeResult(asset_key="a/b")
