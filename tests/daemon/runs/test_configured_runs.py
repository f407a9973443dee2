"""Runs with config and with resources that have a life of their own: what steps get, and what the log says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetExecutionContext,
    Config,
    ConfigurableIOManager,
    ConfigurableResource,
    Definitions,
    EnvVar,
    InitResourceContext,
    InputContext,
    Instance,
    InvalidConfigError,
    MaterializeResult,
    OutputContext,
    RunConfig,
    asset,
    asset_check,
    materialize,
)
from headwater.daemon.runs.execute import RunOutcome
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.runs.planning import build_plan
from headwater.daemon.runs.queue import QueuedRun
from headwater.storage.events import RunRequested, RunSucceeded, StepFailed, Target, decode, encode
from headwater.storage.log import EventLog
from headwater.storage.state import State

from .conftest import Bench

SECRET = "s3cr3t-hunter2"
happened: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    happened.clear()
    monkeypatch.setenv("DB_PASSWORD", SECRET)


class OrdersConfig(Config):
    limit: int
    token: str = ""


class Database(ConfigurableResource):
    password: str = "none"

    def setup_for_execution(self, context: InitResourceContext) -> None:
        happened.append("open")

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        happened.append("close")


@asset(key=["sales", "orders"])
def orders(context: AssetExecutionContext, config: OrdersConfig) -> Any:
    return config.limit, context.op_config, context.run_config


@asset_check(asset=orders)
def enough(context: AssetCheckExecutionContext, config: OrdersConfig) -> bool:
    return context.op_config["limit"] == config.limit == 5


CONFIG = RunConfig(
    ops={
        "sales__orders": OrdersConfig(limit=5, token=EnvVar("DB_PASSWORD")),
        "sales__orders_enough": {"config": {"limit": 5}},
    }
)


# ---- config ----------------------------------------------------------------------------------------------------------


def test_assets_and_checks_get_their_config_and_the_log_keeps_references(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        result = materialize([orders, enough], run_config=CONFIG, instance=instance)
        limit, op_config, run_config = result.output_for_node("sales__orders")
        assert (limit, op_config) == (5, {"limit": 5, "token": SECRET})
        assert run_config == CONFIG.to_config_dict()
        assert result.get_asset_check_evaluations()[0].passed
        [request] = [event for event in result.all_events if isinstance(event, RunRequested)]
        assert request.run_config["ops"]["sales__orders"]["config"]["token"] == {"env": "DB_PASSWORD"}  # type: ignore[index, call-overload]
        assert all(SECRET not in encode(stored.event) for stored in instance.log.read(0))


def test_config_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    with Instance.ephemeral() as instance:
        with pytest.raises(InvalidConfigError, match=r"ops\.sales__orders\.config\.limit: .*'many'") as raised:
            materialize(
                [orders, enough],
                run_config={"ops": {"sales__orders": {"config": {"limit": "many"}}}},
                instance=instance,
            )
        assert "ops.sales__orders_enough.config.limit: this field of OrdersConfig is required" in str(raised.value)
        with pytest.raises(InvalidConfigError, match=r"resources\.db: there is no resource of this name"):
            materialize([orders], run_config={**CONFIG.to_config_dict(), "resources": {"db": {}}}, instance=instance)
        assert instance.log.head().offset == 0


def test_a_worker_that_was_told_nothing_fails_the_step_that_needs_config(bench: Bench) -> None:
    assert bench.run(orders) is RunOutcome.FAILED
    error = bench.only(StepFailed).error
    assert error.cls.endswith("InvalidConfigError")
    assert "ops.sales__orders.config.limit" in error.message


def test_run_config_travels_from_the_request_to_the_plan() -> None:
    config = CONFIG.to_config_dict()
    request = RunRequested(run_id="r", targets=(Target(asset_key="sales/orders"),), run_config=config)
    assert decode("run_requested", 1, encode(request)) == request
    assert decode("run_requested", 1, '{"run_id": "r"}').run_config == {}  # type: ignore[attr-defined]
    log = EventLog.memory()
    log.append([request])
    state = State.empty(log.definitions_bytes)
    for stored in log.read(0):
        state.apply(stored)
    queued = QueuedRun.of_state(state.runs["r"])
    assert queued == QueuedRun.of_event(request, 1)
    plan = build_plan(Definitions([orders]).snapshot(), "r", 1, request.targets, run_config=queued.run_config)
    assert RunPlan.from_bytes(plan.to_bytes()).run_config == config


# ---- resources -------------------------------------------------------------------------------------------------------


def test_a_resource_lives_for_one_run_and_is_closed_before_the_run_ends(bench: Bench) -> None:
    @asset
    def first(database: Database) -> None:
        happened.append("first")

    @asset(deps=[first])
    def second(context: AssetExecutionContext) -> None:
        happened.append(context.resources.database.password)

    def when_written(events: Any) -> None:
        if any(isinstance(event, RunSucceeded) for event in events):
            happened.append("written")

    bench.before_append = when_written
    bench.run(first, second, resources={"database": Database(password="x")})
    assert happened == ["open", "first", "x", "close", "written"]


def test_a_resource_is_closed_though_a_step_failed(bench: Bench) -> None:
    @asset
    def failing(database: Database) -> None:
        raise ValueError("no")

    assert bench.run(failing, resources={"database": Database()}) is RunOutcome.FAILED
    assert happened == ["open", "close"]


def test_a_resource_is_closed_when_the_run_is_interrupted(bench: Bench) -> None:
    @asset
    def interrupted(database: Database) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(interrupted, resources={"database": Database()})
    assert happened == ["open", "close"]


def test_a_resource_that_cannot_be_opened_fails_the_step_that_needs_it(bench: Bench) -> None:
    @asset
    def needs(database: Database) -> None: ...

    @asset
    def other() -> None: ...

    bench.run(needs, other, resources={"database": Database(password=EnvVar("NOT_THERE"))})
    failed = bench.only(StepFailed)
    assert failed.asset_key == "needs"
    for named in ("'NOT_THERE'", "'database'", "'password'"):
        assert named in failed.error.message


def test_an_io_manager_with_fields_stores_and_loads(tmp_path: Path) -> None:
    class Notes(ConfigurableIOManager):
        folder: str

        def handle_output(self, context: OutputContext, obj: Any) -> None:
            (Path(self.folder) / context.asset_key.to_user_string()).write_text(str(obj))

        def load_input(self, context: InputContext) -> Any:
            return (Path(self.folder) / context.asset_key.to_user_string()).read_text()

    @asset(io_manager_key="notes")
    def note() -> str:
        return "hello"

    @asset
    def reader(note: str) -> str:
        return note

    result = materialize(
        [note, reader],
        resources={"notes": Notes.configure_at_launch()},
        run_config={"resources": {"notes": {"config": {"folder": str(tmp_path)}}}},
    )
    assert result.output_for_node("reader") == "hello"


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_a_value_of_the_environment_reaches_neither_the_log_nor_the_output(
    bench: Bench, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    @asset
    def careless(context: AssetExecutionContext, database: Database) -> MaterializeResult:
        context.log.warning("connecting with %s", database.password)
        try:
            raise ConnectionError(database.password)
        except ConnectionError:
            context.log.exception("failed")
        return MaterializeResult(
            metadata={"url": f"db://{database.password}@x", "all": {"password": database.password}}
        )

    @asset
    def failing(database: Database) -> None:
        raise ConnectionError(f"cannot connect as {database.password!r} with {database}")

    @asset_check(asset=careless)
    def telling(database: Database) -> AssetCheckResult:
        return AssetCheckResult(passed=True, description=database.password, metadata={"p": database.password})

    with caplog.at_level(logging.INFO):
        bench.run(careless, failing, checks=[telling], resources={"database": Database(password=EnvVar("DB_PASSWORD"))})
    written = [encode(event) for event in bench.events]
    assert "cannot connect as '***' with password=EnvVar('DB_PASSWORD')" in bench.only(StepFailed).error.message
    assert [text for text in written if SECRET in text] == []
    output = capsys.readouterr()
    assert SECRET not in caplog.text + output.out + output.err
    assert "connecting with ***" in caplog.text
