"""Asset checks: what a check takes and what its function may return."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.definitions.asset import asset
from headwater.definitions.check_results import lone_result
from headwater.definitions.checks import AssetChecksDefinition, asset_check
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import (
    DefinitionErrors,
    ExecutionError,
    InvalidDefinitionError,
    UnknownCheckTarget,
)
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.definitions.results import AssetCheckResult, AssetCheckSeverity


@asset(key_prefix="sales")
def orders() -> list[int]:
    return [3, 4]


def check_returning(value: Any, **arguments: Any) -> AssetChecksDefinition:
    def not_empty():
        return value

    return asset_check(asset=orders, **arguments)(not_empty)


def test_a_parameter_named_like_the_asset_takes_its_value() -> None:
    @asset_check(asset=orders, blocking=True)
    def not_empty(orders):
        """Has orders."""
        return len(orders) > 0

    assert (not_empty.check_name, str(not_empty.asset_key), not_empty.blocking) == ("not_empty", "sales/orders", True)
    assert not_empty.loads_asset == "orders"
    assert not_empty.description == "Has orders."
    assert not_empty([1]) is True
    assert not_empty.invoke(None, {"orders": []}, {}) is False


def test_a_bool_becomes_a_result_of_the_checks_severity() -> None:
    check = check_returning(False, severity=AssetCheckSeverity.WARN)
    result = lone_result(check(), check.spec, check.source)
    assert (result.passed, result.severity) == (False, AssetCheckSeverity.WARN)
    assert (str(result.asset_key), result.check_name) == ("sales/orders", "not_empty")


def test_a_result_is_completed_with_the_names_of_its_check() -> None:
    check = check_returning(AssetCheckResult(passed=True, metadata={"rows": 2}))
    result = lone_result(check(), check.spec, check.source)
    assert (result.check_name, result.metadata["rows"].value) == ("not_empty", 2)


@pytest.mark.parametrize("garbage", [None, 5, "yes", [True], (True, {})])
def test_anything_else_is_an_error_that_says_what_to_return(garbage: Any) -> None:
    check = check_returning(garbage)
    with pytest.raises(
        ExecutionError, match=r"check 'not_empty' of asset 'sales/orders' returned .* Return AssetCheck"
    ):
        lone_result(check(), check.spec, check.source)


def test_the_result_of_another_check_is_an_error() -> None:
    check = check_returning(AssetCheckResult(passed=True, check_name="other"))
    with pytest.raises(ExecutionError, match="returned a result for the check 'other'"):
        lone_result(check(), check.spec, check.source)


def test_a_severity_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="has the severity 'BAD'"):
        check_returning(True, severity="BAD")


def test_checks_of_a_project_are_validated_together() -> None:
    @asset_check(asset="sales_orders")
    def lost() -> bool:
        return True

    @asset_check(asset=orders)
    def strange(nobody, knows) -> bool:
        return True

    @asset_check(asset=orders, name="strange")
    def again() -> bool:
        return True

    @asset_check(asset=orders, partitions_def=StaticPartitionsDefinition(["a"]))
    def elsewhere() -> bool:
        return True

    with pytest.raises(DefinitionErrors) as raised:
        Definitions([orders], [lost, strange, again, elsewhere]).validate()
    parameter, other, target, twice, partitions = raised.value.errors
    assert "has the parameter 'nobody'" in str(parameter)
    assert "has the parameter 'knows'" in str(other)
    assert isinstance(target, UnknownCheckTarget)
    assert "Did you mean 'sales/orders'?" in str(target)
    assert "is defined a second time" in str(twice)
    assert "has other partitions than its asset" in str(partitions)


def test_a_check_takes_resources_by_name() -> None:
    @asset_check(asset=orders)
    def counted(context, orders, db) -> bool:
        return len(orders) == db["expected"]

    check = Definitions([orders], [counted], {"db": {"expected": 2}}).check("sales/orders", "counted").definition
    assert check is not None
    assert check.resource_args == ("db",)
    assert check.takes_context
    assert check.invoke(None, {"orders": [3, 4]}, {"db": {"expected": 2}}) is True
