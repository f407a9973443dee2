"""Ops: what their signature says, calling one as a function, and what cannot be an op."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    Config,
    DynamicOut,
    DynamicOutput,
    In,
    InvalidConfigError,
    InvalidDefinitionError,
    InvalidInvocationError,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    ResourceParam,
    TypeCheckDidNotPass,
    build_op_context,
    op,
)


class Limit(Config):
    limit: int = 2


@op
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def test_an_op_is_named_and_described_by_its_function() -> None:
    assert (add.name, add.description, list(add.ins), list(add.outs)) == (
        "add",
        "Add two numbers.",
        ["a", "b"],
        ["result"],
    )


def test_an_op_called_directly_runs_its_function() -> None:
    assert add(1, 2) == 3
    assert add(a=1) == 2


def test_values_are_held_against_their_types_in_both_directions() -> None:
    with pytest.raises(TypeCheckDidNotPass, match=r"the input 'a' of op 'add' is to be int, but it is 'x' \(str\)"):
        add("x")

    @op(out=Out(str))
    def wrong() -> Any:
        return 1

    with pytest.raises(TypeCheckDidNotPass, match="the result of op 'wrong' is to be str"):
        wrong()


def test_in_says_the_type_where_the_function_does_not() -> None:
    @op(ins={"rows": In(list)})
    def count(rows):  # type: ignore[no-untyped-def]
        return len(rows)

    assert count([1]) == 1
    with pytest.raises(TypeCheckDidNotPass):
        count("abc")


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(InvalidInvocationError, match="missing a required argument: 'a'"):
        add()


def test_a_context_brings_resources_config_and_the_partition() -> None:
    @op
    def load(context: OpExecutionContext, config: Limit, db: ResourceParam[str]) -> str:
        context.add_output_metadata({"rows": 1})
        return f"{db} {config.limit} {context.partition_key} {context.retry_number} {context.get_mapping_key()}"

    context = build_op_context(
        resources={"db": "duck"}, op_config={"limit": 3}, partition_key="p1", retry_number=2, mapping_key="a"
    )
    assert load(context) == "duck 3 p1 2 a"
    assert context.metadata_of("result")["rows"].value == 1
    assert load(context, Limit(limit=9), "other") == "other 9 p1 2 a"


def test_a_context_cannot_be_left_out() -> None:
    @op
    def load(context: OpExecutionContext) -> None: ...

    with pytest.raises(InvalidInvocationError, match=r"load\(build_op_context\(\), ...\)"):
        load()


def test_config_of_a_direct_call_is_validated() -> None:
    @op
    def load(config: Limit) -> int:
        return config.limit

    with pytest.raises(InvalidConfigError, match=r"ops\.load\.config\.limit"):
        load(build_op_context(op_config={"limit": "many"}))
    assert load(build_op_context()) == 2


def test_what_is_yielded_comes_back_one_by_one() -> None:
    @op(out={"a": Out(int), "b": Out(str)})
    def both():  # type: ignore[no-untyped-def]
        yield Output(1, "a")
        yield Output(2, "b")

    results = both()
    assert next(results).value == 1
    with pytest.raises(TypeCheckDidNotPass, match="the output 'b'"):
        next(results)


def test_an_input_of_nothing_has_no_parameter() -> None:
    @op(ins={"start": In(Nothing)})
    def later() -> int:
        return 1

    assert list(later.ins) == ["start"]
    assert later() == 1
    with pytest.raises(InvalidDefinitionError, match="Remove the parameter"):

        @op(ins={"start": In(Nothing)})
        def wrong(start): ...  # type: ignore[no-untyped-def]


def test_ins_that_the_function_does_not_take_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"has no parameter for its input 'row'. Did you mean 'rows'"):

        @op(ins={"row": In(int)})
        def wrong(rows): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize("name", ["a-b", "a.b", "context", ""])
def test_names_that_cannot_stand_in_a_step_key_are_refused(name: str) -> None:
    with pytest.raises(InvalidDefinitionError, match="cannot be the name of"):
        op(name=name or " ")(lambda: None)


def test_the_key_of_a_dynamic_output_is_made_of_letters_digits_and_underscores() -> None:
    with pytest.raises(InvalidInvocationError, match="Give 'a_b_csv' instead"):
        DynamicOutput(1, mapping_key="a-b.csv")


def test_dynamic_out_says_that_it_is() -> None:
    assert DynamicOut().is_dynamic
    assert not Out().is_dynamic


def test_a_schema_of_config_must_be_one_and_the_only_word_on_config() -> None:
    with pytest.raises(InvalidDefinitionError, match="config_schema of op 'load' is 'x', which is no schema"):

        @op(config_schema="x")
        def load() -> None: ...

    with pytest.raises(InvalidDefinitionError, match="both config_schema and a parameter 'config'"):

        @op(config_schema={"limit": int})
        def both(config: dict[str, int]) -> None: ...


def test_an_op_with_a_schema_of_config_is_called_with_what_fits_it() -> None:
    @op(config_schema={"limit": int}, pool="warehouse")
    def load(context: Any) -> int:
        return context.op_config["limit"]

    assert load.pool == "warehouse"
    assert load(build_op_context(op_config={"limit": 3})) == 3
    with pytest.raises(InvalidConfigError, match=r"ops\.load\.config\.limit"):
        load(build_op_context(op_config={"limit": "x"}))


def test_a_step_without_an_asset_says_so_when_asked_for_its_key() -> None:
    with pytest.raises(InvalidInvocationError, match="makes no asset"):
        build_op_context().asset_key  # noqa: B018
