from __future__ import annotations

import pytest

from headwater.definitions import errors
from headwater.definitions.errors import (
    CyclicDependencies,
    DefinitionError,
    DefinitionErrors,
    DuplicateAsset,
    Failure,
    HeadwaterError,
    InvalidDefinitionError,
    NotYetSupported,
    PartitionsMismatch,
    UnknownCheckTarget,
    UnknownDependency,
    UnknownPartition,
)
from headwater.definitions.keys import AssetKey
from headwater.definitions.source import SourceLine

HERE = SourceLine("pipelines/sales.py", 42)
ORDERS, REVENUE = AssetKey("orders_cleaned"), AssetKey("revenue")


def test_an_unknown_dependency_names_the_line_and_the_near_miss() -> None:
    error = UnknownDependency(REVENUE, AssetKey("orders_clean"), known=[ORDERS, REVENUE], source=HERE)
    assert str(error) == (
        "pipelines/sales.py:42: asset 'revenue' depends on 'orders_clean', which is not defined. "
        "Did you mean 'orders_cleaned'?"
    )


def test_without_a_near_miss_it_says_what_to_do() -> None:
    error = UnknownDependency(REVENUE, AssetKey("weather"), known=[ORDERS], source=HERE)
    assert "declare it with AssetSpec" in str(error)


def test_a_cycle_is_shown_closed() -> None:
    error = CyclicDependencies([ORDERS, REVENUE], source=HERE)
    assert "'orders_cleaned' -> 'revenue' -> 'orders_cleaned'" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        DuplicateAsset(ORDERS, source=HERE, first=SourceLine("a.py", 1)),
        PartitionsMismatch(REVENUE, ORDERS, reason="they differ", source=HERE),
        UnknownCheckTarget("no_nulls", ORDERS, known=[], source=HERE),
        NotYetSupported("retry_policy", instead="retry inside the function", source=HERE),
    ],
)
def test_every_definition_error_begins_with_its_line_and_ends_with_a_sentence(error: DefinitionError) -> None:
    assert str(error).startswith("pipelines/sales.py:42: ")
    assert str(error).endswith(".")
    assert error.source == HERE


def test_all_errors_of_a_load_stand_in_one() -> None:
    found = [NotYetSupported("hooks"), NotYetSupported("pool")]
    error = DefinitionErrors(found)
    assert error.errors == found
    assert str(error).splitlines()[0] == "2 errors in the definitions:"
    assert all(f"  {one}" in str(error).splitlines() for one in found)


def test_all_errors_have_one_base_and_the_known_name_catches_definition_errors() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(cls, HeadwaterError) for cls in classes)
    assert issubclass(UnknownDependency, InvalidDefinitionError)


def test_an_unknown_partition_says_which_there_are() -> None:
    error = UnknownPartition("2012-01-01", known="daily partitions from 2013-01-01 (UTC)", asset="flights")
    assert str(error) == (
        "there is no partition '2012-01-01' of asset 'flights'. There are daily partitions from 2013-01-01 (UTC)."
    )


def test_a_failure_keeps_what_the_user_said() -> None:
    failure = Failure("no rows", metadata={"rows": 0})
    assert (str(failure), failure.metadata, failure.allow_retries) == ("no rows", {"rows": 0}, True)
