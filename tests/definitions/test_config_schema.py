"""Config in the older spelling: each kind of schema, what it takes, what it refuses and with which words."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from headwater import (
    Array,
    Bool,
    Config,
    Enum,
    Field,
    Int,
    IntSource,
    InvalidConfigError,
    InvalidDefinitionError,
    List,
    Map,
    Noneable,
    Permissive,
    Selector,
    Shape,
    String,
    StringSource,
    asset,
    build_init_resource_context,
    config_from_files,
    materialize,
    resource,
)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


def given(schema: Any, config: Any) -> Any:
    """What an asset with this schema gets for `config`."""

    @asset(config_schema=schema)
    def orders(context: Any) -> Any:
        return context.op_config

    run_config = None if config is None else {"ops": {"orders": {"config": config}}}
    return materialize([orders], run_config=run_config).output_for_node("orders")


@pytest.mark.parametrize(
    ("schema", "config", "value"),
    [
        ({"x": String}, {"x": "a"}, {"x": "a"}),
        ({"x": int, "y": Bool}, {"x": 1, "y": True}, {"x": 1, "y": True}),
        ({"x": Field(Int, default_value=10)}, None, {"x": 10}),
        ({"x": Field(str, is_required=False)}, {}, {}),
        ({"x": [int], "y": Array(str)}, {"x": [1], "y": ["a"]}, {"x": [1], "y": ["a"]}),
        ({"x": List[Int]}, {"x": []}, {"x": []}),
        ({"x": Noneable(int)}, {}, {"x": None}),
        ({"x": Noneable(int)}, {"x": 3}, {"x": 3}),
        ({"x": Map(str, int)}, {"x": {"a": 1}}, {"x": {"a": 1}}),
        ({"x": Permissive({"a": int})}, {"x": {"a": 1, "b": [2]}}, {"x": {"a": 1, "b": [2]}}),
        ({"x": Selector({"a": int, "b": {"c": str}})}, {"x": {"b": {"c": "d"}}}, {"x": {"b": {"c": "d"}}}),
        ({"x": Enum("E", ["a", "b"])}, {"x": "b"}, {"x": "b"}),
        ({"x": Shape({"deep": {"y": Field(int, default_value=1)}})}, {}, {"x": {"deep": {"y": 1}}}),
        ({"schema": str, "_private": int, "with-dash": int}, {"schema": "s", "_private": 1, "with-dash": 2},
         {"schema": "s", "_private": 1, "with-dash": 2}),
        (int, 5, 5),
        (Field(Int, default_value=7), None, 7),
        (Permissive(), {"any": 1}, {"any": 1}),
        (dict, {"any": 1}, {"any": 1}),
    ],
)  # fmt: skip
def test_a_schema_takes_what_fits_it(schema: Any, config: Any, value: Any) -> None:
    assert given(schema, config) == value


def test_an_enum_of_python_gives_its_members() -> None:
    @resource(config_schema={"colour": Enum.from_python_enum(Colour)})
    def paint(context: Any) -> Any:
        return context.resource_config["colour"]

    @asset(required_resource_keys={"paint"})
    def wall(context: Any) -> str:
        return context.resources.paint.name

    done = materialize([wall], resources={"paint": paint.configured({"colour": "BLUE"})})
    assert done.output_for_node("wall") == "BLUE"
    assert paint(build_init_resource_context(config={"colour": Colour.RED})) is Colour.RED


@pytest.mark.parametrize(
    ("schema", "config", "message"),
    [
        ({"x": int}, {"x": "many"}, r"ops\.orders\.config\.x: Input should be a valid integer.*'many'"),
        ({"x": int}, {}, r"ops\.orders\.config\.x: this field .* is required"),
        ({"x": int}, None, r"ops\.orders\.config\.x: this field .* is required"),
        ({"limit": int, "_p": int}, {"limit": 1, "_p": 1, "limits": 2}, r"no such field\. Did you mean 'limit'"),
        ({"x": [{"y": int}]}, {"x": [{"y": 1}, {"y": "a"}]}, r"ops\.orders\.config\.x\.1\.y: "),
        ({"x": Selector({"a": int, "b": int})}, {"x": {"a": 1, "b": 2}}, "give exactly one of a, b"),
        ({"x": Enum("E", ["a", "b"])}, {"x": "c"}, "should be 'a' or 'b'"),
        (int, None, r"ops\.orders\.config: asset 'orders' needs config, and none was given"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(schema: Any, config: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        given(schema, config)


def test_any_value_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT_OF_IT", "5432")
    schema = {"host": StringSource, "port": IntSource}
    assert given(schema, {"host": "db", "port": {"env": "PORT_OF_IT"}}) == {"host": "db", "port": 5432}
    with pytest.raises(InvalidConfigError, match="'NOT_SET_AT_ALL' is not set"):
        given(schema, {"host": {"env": "NOT_SET_AT_ALL"}, "port": 1})


def test_a_config_class_is_a_schema_too() -> None:
    class Orders(Config):
        limit: int = 3

    assert given(Orders, None).limit == 3


def test_what_is_no_schema_is_refused_where_it_stands() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"config_schema of asset 'orders' is 'text' at 'x\.y'"):

        @asset(config_schema={"x": {"y": "text"}})
        def orders() -> None: ...


def test_a_schema_and_a_config_parameter_do_not_go_together() -> None:
    class Orders(Config):
        limit: int = 3

    with pytest.raises(InvalidDefinitionError, match="has both config_schema and a parameter 'config'"):

        @asset(config_schema={"x": int})
        def orders(config: Orders) -> None: ...


def test_config_of_several_files_is_merged(tmp_path: Any) -> None:
    (tmp_path / "a.json").write_text('{"ops": {"orders": {"config": {"x": 1, "y": 2}}}}')
    (tmp_path / "b.toml").write_text("[ops.orders.config]\ny = 3\n")
    merged = config_from_files([tmp_path / "a.json", f"{tmp_path}/*.toml"])
    assert merged == {"ops": {"orders": {"config": {"x": 1, "y": 3}}}}
    with pytest.raises(InvalidConfigError, match="there is no file"):
        config_from_files([tmp_path / "c.json"])
