"""What the function of an asset may give back, and what is said where it fits nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import pytest

from headwater import (
    AssetCheckResult,
    ExecutionError,
    MaterializeResult,
    Output,
    asset,
    materialize,
)
from headwater.daemon.runs.result import ExecuteInProcessResult


def made(fn: Any) -> ExecuteInProcessResult:
    return materialize([asset(fn)])


def value_of(fn: Any) -> Any:
    return made(fn).output_for_node(fn.__name__)


def test_a_plain_value_is_the_value() -> None:
    def plain():
        return [1, 2]

    assert value_of(plain) == [1, 2]


def test_none_of_an_unannotated_function_is_a_value_like_any_other() -> None:
    def gives_none(): ...

    @asset
    def takes_none(gives_none: Any) -> str:
        return repr(gives_none)

    assert materialize([asset(gives_none), takes_none]).output_for_node("takes_none") == "None"


def test_an_output_carries_metadata_and_a_data_version() -> None:
    def with_output() -> Output[int]:
        return Output(5, metadata={"rows": 5}, data_version="v1", tags={"a": "b"})

    result = made(with_output)
    assert result.output_for_node("with_output") == 5
    [materialization] = result.asset_materializations_for_node("with_output")
    assert materialization.metadata["rows"].value == 5
    assert (materialization.data_version, materialization.tags) == ("v1", {"a": "b"})


def test_a_materialize_result_may_carry_a_value() -> None:
    def with_value() -> MaterializeResult[int]:
        return MaterializeResult(value=5)

    assert value_of(with_value) == 5


def test_a_materialize_result_without_a_value_stores_nothing() -> None:
    def stores_itself() -> MaterializeResult[Any]:
        return MaterializeResult()

    @asset
    def reader(stores_itself: Any) -> None: ...

    result = materialize([asset(stores_itself), reader], raise_on_error=False)
    assert result.output_for_node("stores_itself") is None
    assert "stores_itself" in str(result.errors["reader"])


def test_async_functions_are_awaited() -> None:
    async def eventually() -> int:
        await asyncio.sleep(0)
        return 5

    assert value_of(eventually) == 5


def test_async_functions_are_awaited_where_a_loop_is_running_already() -> None:
    async def eventually() -> int:
        await asyncio.sleep(0)
        return 5

    async def notebook() -> int:
        return value_of(eventually)

    assert asyncio.run(notebook()) == 5


def test_a_generator_may_yield_its_one_result() -> None:
    def yields() -> Iterator[Output[int]]:
        yield Output(5)

    async def yields_async() -> AsyncIterator[Output[int]]:
        yield Output(6)

    assert (value_of(yields), value_of(yields_async)) == (5, 6)


def test_what_follows_a_yield_belongs_to_the_step() -> None:
    def fails_late() -> Iterator[Output[int]]:
        yield Output(5)
        raise ValueError("after all")

    result = materialize([asset(fails_late)], raise_on_error=False)
    assert not result.success
    assert result.get_asset_materialization_events() == []


def test_a_list_that_a_function_returns_is_a_value() -> None:
    def listed() -> list[int]:
        return [1]

    assert value_of(listed) == [1]


class Sized(Protocol):
    size: int


def returns_str() -> int:
    return "5"  # type: ignore[return-value]


def returns_list() -> dict[str, int]:
    return []  # type: ignore[return-value]


def returns_none() -> int | str:
    return None  # type: ignore[return-value]


def output_of_str() -> int:
    return Output("5")  # type: ignore[return-value]


def nothing_but_a_value() -> None:
    return 5  # type: ignore[return-value]


def no_result() -> MaterializeResult[Any]:
    return 5  # type: ignore[return-value]


def other_asset():
    return MaterializeResult(asset_key="another")


def a_check():
    return AssetCheckResult(passed=True)


def several():
    return MaterializeResult(), MaterializeResult()


def other_output():
    return Output(1, output_name="another")


def yields_nothing():
    yield from ()


def yields_twice():
    yield Output(1)
    yield Output(2)


def yields_a_value():
    yield 5


def yields_a_check():
    yield AssetCheckResult(passed=True)


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (returns_str, r"annotated to return int, but returned '5' \(str\)"),
        (returns_list, r"annotated to return dict\[str, int\], but returned \[\] \(list\)"),
        (returns_none, r"annotated to return int \| str, but returned None"),
        (output_of_str, "annotated to return int, but returned '5'"),
        (nothing_but_a_value, "annotated to return None, but returned 5"),
        (no_result, r"annotated to return .*MaterializeResult\[.*, but returned 5 "),
        (other_asset, "a MaterializeResult for 'another'"),
        (a_check, "returned an AssetCheckResult.*check_results"),
        (several, "several results"),
        (other_output, "an Output named 'another'"),
        (yields_nothing, "yielded nothing"),
        (yields_twice, "yielded 2 results"),
        (yields_a_value, r"yielded 5 \(int\). Yield Output\(value\)"),
        (yields_a_check, "yielded nothing"),
    ],
)
def test_what_fits_nothing_is_an_error_that_says_what_to_do(fn: Any, message: str) -> None:
    with pytest.raises(ExecutionError, match=message) as raised:
        made(fn)
    assert str(raised.value).startswith(f"tests/daemon/runs/test_outputs.py:{fn.__code__.co_firstlineno}: asset ")


def float_of_int() -> float:
    return 1


def unknown() -> Unknown:  # type: ignore[name-defined]  # noqa: F821
    return 1


def protocol() -> Sized:
    return 1  # type: ignore[return-value]


def anything() -> Any:
    return 1


def optional() -> int | None:
    return 1


@pytest.mark.parametrize("fn", [float_of_int, unknown, protocol, anything, optional])
def test_annotations_that_fit_or_cannot_be_told_are_no_error(fn: Any) -> None:
    assert value_of(fn) == 1
