"""Steps that run programs: what the program is told, what it reports, and how it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from headwater import (
    AssetCheckSeverity,
    DailyPartitionsDefinition,
    MaterializeResult,
    PipesExecutionError,
    PipesSubprocessClient,
    ResourceParam,
    asset,
    build_asset_context,
    materialize,
    open_pipes_session,
)

Pipes = ResourceParam[PipesSubprocessClient]
ROOT = Path(__file__).parent.parent.parent


def client() -> PipesSubprocessClient:
    return PipesSubprocessClient(env={"PYTHONPATH": str(ROOT)})


def program(text: str) -> list[str]:
    return [sys.executable, "-c", dedent(text)]


def test_what_a_program_reports_is_the_result_of_the_asset(caplog: pytest.LogCaptureFixture) -> None:
    command = program("""
        from headwater.pipes import open_pipes
        with open_pipes() as pipes:
            pipes.log.info("making %s with %s", pipes.asset_key, pipes.get_extra("limit"))
            pipes.report_asset_materialization(
                metadata={"rows": 3, "note": {"raw_value": "# x", "type": "md"}}, data_version="v1"
            )
    """)

    @asset(key_prefix="shop")
    def orders(context: Any, pipes: Pipes) -> MaterializeResult[Any]:
        return pipes.run(command=command, context=context, extras={"limit": 5}).get_materialize_result()

    run = materialize([orders], resources={"pipes": client()})
    (made,) = run.get_asset_materialization_events()
    assert (made.metadata["rows"].value, made.metadata["note"].kind, made.data_version) == (3, "md", "v1")
    assert "making shop/orders with 5" in caplog.messages


def test_a_program_is_told_its_partition_and_may_send_anything() -> None:
    command = program("""
        from headwater.pipes import open_pipes
        with open_pipes() as pipes:
            pipes.report_custom_message([pipes.partition_key, pipes.partition_key_range, pipes.run_id])
    """)

    @asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
    def orders(context: Any, pipes: Pipes) -> Any:
        return pipes.run(command=command, context=context).get_custom_messages()

    run = materialize([orders], partition_key="2024-01-02", resources={"pipes": client()})
    assert run.output_for_node("orders") == (["2024-01-02", ["2024-01-02", "2024-01-02"], run.run_id],)


def test_checks_come_with_the_result_of_their_asset() -> None:
    command = program("""
        from headwater.pipes import open_pipes
        with open_pipes() as pipes:
            pipes.report_asset_check("known", False, severity="WARN", metadata={"bad": 2})
    """)
    result = client().run(command=command, context=build_asset_context(asset_key="orders")).get_materialize_result()
    (check,) = result.check_results
    assert (check.check_name, check.passed, check.severity) == ("known", False, AssetCheckSeverity.WARN)
    assert check.metadata["bad"].value == 2


def test_a_program_that_fails_fails_the_step_with_what_it_raised() -> None:
    command = program("""
        from headwater.pipes import open_pipes
        with open_pipes():
            raise ValueError("no orders today")
    """)
    with pytest.raises(
        PipesExecutionError, match=r"left with status 1\.\n(.|\n)*ValueError: no orders today"
    ) as raised:
        client().run(command=command, context=build_asset_context(asset_key="orders"))
    assert raised.value.exit_code == 1


def test_a_program_that_says_nothing_has_made_its_asset(caplog: pytest.LogCaptureFixture) -> None:
    done = client().run(command=f"{sys.executable} -c pass", context=build_asset_context(asset_key="orders"))
    assert str(done.get_materialize_result().asset_key) == "orders"
    assert "does it call open_pipes()?" in caplog.text


def test_messages_that_are_none_are_told_of_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with open_pipes_session(build_asset_context(asset_key="orders")) as session:
        messages = Path(session.get_bootstrap_env_vars()["HEADWATER_PIPES_MESSAGES"])
        custom = '{"method": "report_custom_message", "params": {"payload": 1}}'
        messages.write_text(f'{{"method": "dance"}}\nnot json\n{custom}\n')
    assert session.get_custom_messages() == (1,)
    assert "a message 'dance', which is not known" in caplog.text
    assert "what is no message" in caplog.text
    assert not messages.exists()


def test_a_program_that_is_started_by_hand_works_and_says_so() -> None:
    command = program("""
        from headwater.pipes import open_pipes
        with open_pipes() as pipes:
            pipes.report_asset_materialization(metadata={"rows": 3})
            print(pipes.extras, pipes.has_step)
    """)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{} False"
    assert "its reports go nowhere" in done.stderr
