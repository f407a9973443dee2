"""Resources with typed fields: what stands in the definitions, and the copy that a run opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import PrivateAttr, ValidationError, field_validator

from headwater import (
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    ConfigurableResource,
    ConfigurableResourceFactory,
    Definitions,
    EnvVar,
    ExecutionError,
    InitResourceContext,
    InMemoryIOManager,
    InvalidConfigError,
    InvalidDefinitionError,
    InvalidInvocationError,
    ResourceDefinition,
    ResourceDependency,
    ResourceParam,
    asset,
    build_asset_context,
    build_init_resource_context,
    build_resources,
    io_manager,
    resource,
)

SECRET = "s3cr3t-hunter2"
happened: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_happened() -> None:
    happened.clear()


class Database(ConfigurableResource):
    host: str = "here"
    port: int = 1
    password: str = ""
    _connection: str = PrivateAttr(default="")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        happened.append(f"open {self.host}")
        self._connection = f"{self.host}:{self.port}"

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        happened.append(f"close {self.host}")

    @field_validator("host")
    @classmethod
    def _is_lower(cls, host: str) -> str:
        if host != host.lower():
            raise ValueError(f"{host} is not in lower case")
        return host


class Store(ConfigurableResource):
    database: Database
    name: str = "store"


class Plain:
    pass


class Client(ConfigurableResource):
    plain: ResourceDependency[Plain]


# ---- fields ----------------------------------------------------------------------------------------------------------


def test_a_field_of_the_wrong_type_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValidationError):
        Database(port="many")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="lower case"):
        Database(host="HERE", password=EnvVar("DB_PASSWORD"))


def test_what_the_environment_holds_is_known_only_to_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(host=EnvVar("DB_HOST"), port=EnvVar.int("DB_PORT"), password=EnvVar("DB_PASSWORD"))
    assert repr(database) == (
        "Database(host=EnvVar('DB_HOST'), port=EnvVar.int('DB_PORT'), password=EnvVar('DB_PASSWORD'))"
    )
    monkeypatch.setenv("DB_HOST", "there")
    monkeypatch.setenv("DB_PORT", "5432")
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    with build_resources({"db": database}) as resources:
        assert (resources.db.host, resources.db.port, resources.db.password) == ("there", 5432, SECRET)
        assert resources.db._connection == "there:5432"
        assert repr(resources.db) == repr(database)
        assert SECRET not in str(resources.db)
    assert happened == ["open there", "close there"]


def test_a_variable_that_is_not_set_is_named_with_resource_and_field() -> None:
    message = (
        r"resources\.db\.config\.password: the environment variable 'NOT_THERE' is not set; resource 'db' takes its"
    )
    with (
        build_resources({"db": Database(password=EnvVar("NOT_THERE"))}) as resources,
        pytest.raises(InvalidConfigError, match=message),
    ):
        _ = resources.db


@pytest.mark.parametrize(("field", "variable"), [("port", EnvVar.int("BAD")), ("host", EnvVar("BAD"))])
def test_a_value_of_the_environment_that_does_not_fit_is_not_shown(
    field: str, variable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD", SECRET.upper())
    database = Database(**{field: variable})
    with build_resources({"db": database}) as resources, pytest.raises(InvalidConfigError) as raised:
        _ = resources.db
    assert f"resources.db.config.{field}: " in str(raised.value)
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET.upper() not in str(error) + repr(error)
        error = error.__cause__ or error.__context__


# ---- life ------------------------------------------------------------------------------------------------------------


def test_what_two_resources_share_is_opened_once_and_closed_last() -> None:
    database = Database()
    with build_resources({"store": Store(database=database), "db": database}) as resources:
        assert resources.store.database is resources.db
        assert resources.db is not database
    assert happened == ["open here", "close here"]


def test_a_nested_resource_of_its_own_is_opened_with_its_holder() -> None:
    with build_resources({"store": Store(database=Database(host="inner"))}) as resources:
        assert resources.store.database._connection == "inner:1"
    assert happened == ["open inner", "close inner"]


def test_a_dependency_takes_plain_objects_and_what_a_factory_makes() -> None:
    class Factory(ConfigurableResourceFactory[Plain]):
        def create_resource(self, context: InitResourceContext) -> Plain:
            return Plain()

    plain = Plain()
    made: Any = Factory()
    with build_resources({"one": Client(plain=plain), "two": Client(plain=made)}) as resources:
        assert resources.one.plain is plain
        assert isinstance(resources.two.plain, Plain)


def test_a_resource_can_be_one_context_manager() -> None:
    class Managed(ConfigurableResource):
        @contextmanager
        def yield_for_execution(self, context: InitResourceContext) -> Iterator[Managed]:
            happened.append(f"enter {context.resource_name}")
            try:
                yield self
            finally:
                happened.append("leave")

    with build_resources({"managed": Managed()}) as resources:
        assert resources.managed.get_resource_context().resource_name == "managed"
    assert happened == ["enter managed", "leave"]


def test_nothing_is_opened_that_nobody_asks_for() -> None:
    with build_resources({"db": Database()}) as resources:
        assert "db" in resources
        assert list(resources) == ["db"]
    assert happened == []


def test_a_resource_that_cannot_be_opened_is_not_tried_again() -> None:
    class Broken(ConfigurableResource):
        def setup_for_execution(self, context: InitResourceContext) -> None:
            happened.append("try")
            raise ConnectionError("nobody there")

    with build_resources({"broken": Broken()}) as resources:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                _ = resources.broken
    assert happened == ["try"]


def test_every_resource_is_closed_even_where_another_cannot_be(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(ConfigurableResource):
        def teardown_after_execution(self, context: InitResourceContext) -> None:
            raise OSError("stuck")

    with build_resources({"db": Database(), "stuck": Stuck()}) as resources:
        _ = resources.db, resources.stuck
    assert happened == ["open here", "close here"]
    assert "the resource 'stuck' could not be closed" in caplog.text


# ---- at launch -------------------------------------------------------------------------------------------------------


def test_fields_can_be_left_to_the_config_of_the_run() -> None:
    partial = Database.configure_at_launch(port=7)
    config = {"resources": {"db": {"config": {"host": "there"}}}}
    with build_resources({"db": partial, "store": Store(database=partial)}, run_config=config) as resources:
        assert resources.store.database._connection == "there:7"
    with pytest.raises(InvalidInvocationError, match="no field 'prt'"):
        Database.configure_at_launch(prt=7)


def test_the_config_of_the_run_goes_over_what_is_declared() -> None:
    config = {"resources": {"db": {"config": {"port": 9}}}}
    with build_resources({"db": Database(host="there")}, run_config=config) as resources:
        assert resources.db._connection == "there:9"
    wrong = {"resources": {"db": {"config": {"prt": 9}}}}
    with (
        build_resources({"db": Database()}, run_config=wrong) as resources,
        pytest.raises(InvalidConfigError, match=r"resources\.db\.config\.prt: Database has no such field.*'port'"),
    ):
        _ = resources.db


# ---- functions -------------------------------------------------------------------------------------------------------


def test_a_function_makes_a_resource_and_cleans_up_after_it() -> None:
    @resource(config_schema={"path": str}, required_resource_keys={"base"})
    def files(context: InitResourceContext) -> Iterator[str]:
        yield f"{context.resources.base}/{context.resource_config['path']}"
        happened.append("closed")

    with build_resources({"base": "/data", "files": files.configured({"path": "x"})}) as resources:
        assert resources.files == "/data/x"
        assert happened == []
    assert happened == ["closed"]
    with (
        build_resources({"base": "", "files": files}) as resources,
        pytest.raises(InvalidConfigError, match=r"resources\.files\.config\.path: .*required"),
    ):
        _ = resources.files


def test_a_bare_function_a_value_and_a_direct_call() -> None:
    @resource
    def answer() -> int:
        return 42

    @resource
    def shown(context: InitResourceContext) -> Any:
        return context.resource_config

    with build_resources({"answer": answer, "fixed": ResourceDefinition.hardcoded_resource(7)}) as resources:
        assert (resources.answer, resources.fixed) == (42, 7)
    assert shown(build_init_resource_context(config={"a": 1})) == {"a": 1}


def test_functions_that_need_each_other_are_refused() -> None:
    @resource(required_resource_keys={"b"})
    def a(context: InitResourceContext) -> Any:
        return context.resources.b

    @resource(required_resource_keys={"a"})
    def b(context: InitResourceContext) -> Any:
        return context.resources.a

    with build_resources({"a": a, "b": b}) as resources, pytest.raises(ExecutionError, match="'a' -> 'b' -> 'a'"):
        _ = resources.a


# ---- among definitions -----------------------------------------------------------------------------------------------


def test_a_parameter_annotated_with_a_resource_is_one() -> None:
    @asset
    def orders(database: Database, plain: ResourceParam[Plain]) -> None: ...

    defs = Definitions([orders], resources={"database": Database(), "plain": Plain()})
    defs.validate()
    assert defs.get("orders").resource_args == ("database", "plain")  # type: ignore[union-attr]
    [error] = Definitions([orders], resources={"databse": Database(), "plain": Plain()}).errors()
    assert (
        "takes the resource 'database', which is not defined. Did you mean 'databse'? Resources: databse, plain"
        in str(error)
    )


def test_a_class_in_the_place_of_an_instance_is_refused() -> None:
    [error] = Definitions(resources={"db": Database}).errors()
    assert "the resource 'db' is the class Database itself. Give an instance" in str(error)


def test_a_resource_that_needs_one_that_is_not_there_is_refused() -> None:
    @resource(required_resource_keys={"base"})
    def files(context: InitResourceContext) -> None: ...

    [error] = Definitions(resources={"files": files}).errors()
    assert "resource 'files' takes the resource 'base', which is not defined" in str(error)


def test_a_schema_that_is_no_schema_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="config_schema of 'files' is 5"):

        @resource(config_schema=5)  # type: ignore[call-overload]
        def files() -> None: ...


def test_io_managers_may_have_fields_or_be_made() -> None:
    class Own(ConfigurableIOManager):
        folder: str = "x"

        def handle_output(self, context: Any, obj: Any) -> None: ...

        def load_input(self, context: Any) -> Any: ...

    class Making(ConfigurableIOManagerFactory[InMemoryIOManager]):
        def create_io_manager(self, context: InitResourceContext) -> InMemoryIOManager:
            return InMemoryIOManager()

    @io_manager
    def made() -> InMemoryIOManager:
        return InMemoryIOManager()

    def keyed(name: str) -> Any:
        return asset(name=f"asset_{name}", io_manager_key=name)(lambda: 1)

    managers = {"own": Own(), "making": Making(), "made": made}
    Definitions(map(keyed, managers), resources=managers).validate()


def test_a_built_context_opens_what_a_direct_call_needs() -> None:
    @asset
    def orders(context: Any, database: Database) -> str:
        return database._connection

    with build_asset_context(resources={"database": Database()}) as context:
        assert orders(context) == "here:1"
    assert happened == ["open here", "close here"]
