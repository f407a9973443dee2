"""Config and run config: typed fields, and errors that name the path."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from headwater import (
    Config,
    EnvVar,
    InvalidConfigError,
    InvalidDefinitionError,
    PermissiveConfig,
    RunConfig,
    asset,
    asset_check,
    build_asset_context,
)
from headwater.definitions.fitting import fit
from headwater.definitions.run_config import run_config_data

PATH = ("ops", "orders", "config")
SECRET = "s3cr3t-hunter2"


class Layer(Enum):
    RAW = "raw"


class Inner(Config):
    name: str
    token: str = ""


class Orders(Config):
    limit: int
    since: date | None = None
    layer: Layer = Layer.RAW
    labels: dict[str, str] = Field(default_factory=dict)
    inner: Inner | None = None
    names: list[str] = Field(default_factory=list)


def fitted(data: Any, cls: type[Any] = Orders) -> Any:
    return fit(cls, data, PATH, owner="asset 'orders'")


def test_data_becomes_an_instance() -> None:
    made = fitted({"limit": 5, "since": "2026-01-01", "layer": "raw", "inner": {"name": "x"}})
    assert (made.limit, made.since, made.layer, made.inner.name) == (5, date(2026, 1, 1), Layer.RAW, "x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"limit": "many"}, r"ops\.orders\.config\.limit: Input should be a valid integer.*, but it is 'many'"),
        ({}, r"ops\.orders\.config\.limit: this field of Orders is required"),
        ({"limit": 1, "limt": 2}, r"ops\.orders\.config\.limt: Orders has no such field\. Did you mean 'limit'"),
        ({"limit": 1, "inner": {"name": 5}}, r"ops\.orders\.config\.inner\.name: Input should be a valid string"),
        (5, r"ops\.orders\.config: a mapping of fields is needed, not 5"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(data: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        fitted(data)


def test_all_errors_come_together_with_an_example() -> None:
    with pytest.raises(InvalidConfigError) as raised:
        fitted({"limit": "many", "names": 5})
    assert len(raised.value.errors) == 2
    assert str(raised.value).endswith('For example: {"ops": {"orders": {"config": {"limit": 1}}}}')


def test_permissive_config_keeps_what_it_does_not_declare() -> None:
    class Loose(PermissiveConfig):
        a: int = 1

    assert fitted({"b": 2}, Loose).b == 2


def test_references_are_looked_up_wherever_a_scalar_may_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "12")
    monkeypatch.setenv("TOKEN", SECRET)
    made = fitted(
        {"limit": {"env": "LIMIT"}, "inner": {"name": "x", "token": {"env": "TOKEN"}}, "names": [{"env": "TOKEN"}]}
    )
    assert (made.limit, made.inner.token, made.names) == (12, SECRET, [SECRET])
    assert SECRET not in repr(made) + str(made) + f"{made}"
    assert "EnvVar('LIMIT')" in repr(made)


def test_a_mapping_of_the_users_own_may_have_the_key_env() -> None:
    assert fitted({"limit": 1, "labels": {"env": "prod"}}).labels == {"env": "prod"}


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(
        InvalidConfigError, match=r"ops\.orders\.config\.limit: the environment variable 'NOT_THERE' is"
    ):
        fitted({"limit": {"env": "NOT_THERE"}})


def test_an_error_about_a_value_of_the_environment_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", SECRET)
    with pytest.raises(InvalidConfigError) as raised:
        fitted({"limit": {"env": "LIMIT"}})
    assert "it comes from the environment variable 'LIMIT'" in str(raised.value)
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in str(error) + repr(error)
        error = error.__cause__ or error.__context__


def test_pydantic_itself_hides_what_was_given() -> None:
    with pytest.raises(ValidationError) as raised:
        Orders(limit=SECRET)  # type: ignore[arg-type]
    assert SECRET not in str(raised.value)


# ---- run config ------------------------------------------------------------------------------------------------------


def test_run_config_becomes_plain_data_with_references() -> None:
    config = Orders(limit=EnvVar.int("LIMIT"), since=date(2026, 1, 1), inner=Inner(name=EnvVar("NAME")))
    assert RunConfig(ops={"orders": config}).to_config_dict() == {
        "ops": {
            "orders": {
                "config": {
                    "limit": {"env": "LIMIT"},
                    "since": "2026-01-01",
                    "layer": "raw",
                    "labels": {},
                    "inner": {"name": {"env": "NAME"}, "token": ""},
                    "names": [],
                }
            }
        }
    }


def test_plain_data_stays_as_it_is() -> None:
    data = {"ops": {"orders": {"config": {"limit": 5}}}}
    assert run_config_data(data) == data
    assert run_config_data(RunConfig(**data)) == data
    assert run_config_data(None) == {}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"op": {}}, "op: run config has no such section. Did you mean 'ops'"),
        ({"ops": 5}, "ops: a mapping of names is needed"),
        ({"ops": {"orders": 5}}, "ops.orders: int is no config"),
        ({"ops": {"orders": {"limit": 5}}}, "ops.orders.limit: write .* below"),
        ({"loggers": {"console": {}}}, "loggers: nothing here can be configured"),
        (5, "RunConfig or a mapping, not int"),
    ],
)
def test_run_config_of_another_shape_is_refused(config: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        run_config_data(config)


def test_a_secret_of_pydantic_is_no_run_config() -> None:
    class Keyed(Config):
        key: SecretStr

    with pytest.raises(InvalidConfigError, match="Give an EnvVar instead"):
        RunConfig(ops={"orders": Keyed(key=SecretStr(SECRET))}).to_config_dict()


# ---- parameters ------------------------------------------------------------------------------------------------------


def test_config_is_a_parameter_and_no_upstream_asset() -> None:
    @asset
    def orders(config: Orders) -> int:
        return config.limit

    assert (orders.signature.config_type, orders.deps) == (Orders, ())
    assert orders(config=Orders(limit=3)) == orders(Orders(limit=4)) - 1 == 3


def test_a_class_of_the_enclosing_function_is_found_by_its_text() -> None:
    class Local(Config):
        n: int = 1

    @asset
    def orders(context, config: Local) -> int:
        return config.n

    assert orders.signature.config_type is Local
    assert orders(build_asset_context(op_config={"n": 2})) == 2


def test_config_under_another_name_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"'settings' is annotated with a Config class\. Rename it"):

        @asset
        def orders(settings: Orders) -> None: ...


def test_config_whose_class_is_not_there_at_run_time_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="'Nowhere' of its parameter 'config' cannot be evaluated"):

        @asset_check(asset="orders")
        def sized(config: Nowhere) -> bool:  # type: ignore[name-defined]  # noqa: F821
            return True
