"""`get_logger`: lines of user code reach the log of its step, without what came from the environment."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import EnvVar, LogManager, asset, get_logger, materialize

log = get_logger()
named = get_logger("orders")


def test_lines_of_all_reach_the_log_of_the_step(caplog: pytest.LogCaptureFixture) -> None:
    @asset
    def orders(context: Any) -> None:
        assert isinstance(context.log, LogManager)
        context.log.info("from the context")
        log.info("from anywhere")
        named.warning("from %s", "a module")

    assert materialize([orders]).success
    assert caplog.messages == ["from the context", "from anywhere", "from a module"]


def test_secrets_are_taken_out_of_every_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGGED_SECRET", "hunter2hunter2")
    secret = EnvVar("LOGGED_SECRET").get_value()

    @asset
    def orders() -> None:
        named.info("it is %s", secret)

    materialize([orders])
    assert caplog.messages == ["it is ***"]
