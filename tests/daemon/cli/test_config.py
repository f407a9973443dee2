"""`asset materialize --config` and `--config-json`."""

from __future__ import annotations

import json

import pytest

from headwater.storage.events import RunRequested
from support.commands import Commands

CONFIGURED = """
from headwater import Config, asset

class OrdersConfig(Config):
    limit: int

@asset
def orders(config: OrdersConfig) -> None:
    print("limit", config.limit)
"""

CONFIG = {"ops": {"orders": {"config": {"limit": 5}}}}
MATERIALIZE = ("asset", "materialize", "-f", "flow.py", "--select", "orders")


@pytest.mark.parametrize(
    ("name", "text"),
    [("run.json", json.dumps(CONFIG)), ("run.toml", "[ops.orders.config]\nlimit = 5\n")],
)
def test_a_file_configures_the_run_and_the_log_keeps_it(commands: Commands, name: str, text: str) -> None:
    commands.write(CONFIGURED)
    commands.write(text, name=name)
    result = commands(*MATERIALIZE, "--config", name)
    assert result.exit_code == 0, result.output
    [request] = commands.events("run_requested")
    assert isinstance(request, RunRequested)
    assert request.run_config == CONFIG


def test_config_can_stand_in_the_command(commands: Commands) -> None:
    commands.write(CONFIGURED)
    assert commands(*MATERIALIZE, "--config-json", json.dumps(CONFIG)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config-json", '{"ops": {"orders": {"config": {"limit": "x"}}}}'], "ops.orders.config.limit"),
        (["--config-json", "{"], "is no JSON"),
        (["--config-json", "5"], "a mapping is needed"),
        (["--config", "nowhere.json"], "cannot be read"),
        (["--config", "flow.py"], "Rename it"),
        ([], "ops.orders.config.limit"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_recorded(commands: Commands, arguments: list[str], message: str) -> None:
    commands.write(CONFIGURED)
    result = commands.process(*MATERIALIZE, *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert commands.events("run_requested") == []


def test_a_run_of_checks_alone_takes_their_config(commands: Commands) -> None:
    commands.write(
        "from headwater import AssetSpec, Config, Definitions, asset_check\n"
        "class Limit(Config):\n"
        "    most: int\n"
        "orders = AssetSpec('orders')\n"
        "@asset_check(asset=orders)\n"
        "def few(config: Limit):\n"
        "    return config.most < 3\n"
        "defs = Definitions(assets=[orders], asset_checks=[few])\n",
        name="alone.py",
    )
    config = '{"ops": {"orders_few": {"config": {"most": 2}}}}'
    arguments = ("asset", "materialize", "-f", "alone.py", "--select", "checks(orders)", "--config-json", config)
    result = commands(*arguments)
    assert result.exit_code == 0, result.output
