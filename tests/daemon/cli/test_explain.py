"""`headwater asset explain`, without a daemon."""

from __future__ import annotations

from support.commands import Commands


def test_it_says_what_is_in_the_way_in_words(commands: Commands) -> None:
    result = commands("asset", "explain", "orders", "-f", "flow.py", "--partition", "2024-01-02")
    assert result.exit_code == 0, result.output
    assert "orders[2024-01-02] is not asked for" in result.stdout
    assert "any_deps_missing: missing at inbox [2024-01-02] is true: it has to be made or reported" in result.stdout


def test_it_says_which_event_made_a_node_true(commands: Commands) -> None:
    commands("asset", "report", "inbox", "-f", "flow.py", "--partition", "2024-01-02")
    result = commands("asset", "explain", "orders", "-f", "flow.py", "--partition", "2024-01-02")
    assert "orders[2024-01-02] would be asked for" in result.stdout
    whole = commands("asset", "explain", "orders", "-f", "flow.py")
    assert "orders [2024-01-02] would be asked for" in whole.stdout
    assert "newly_updated at inbox [2024-01-02]  (asset_materialized at offset 1" in result.stdout


def test_for_programs_the_whole_explanation_is_json(commands: Commands) -> None:
    told = commands.json("asset", "explain", "orders", "-f", "flow.py")
    assert told["would_be_requested"] is False
    assert told["tree"]["name"] == "eager"
    assert {blocker["operand"] for blocker in told["blockers"]} >= {"any_deps_missing: missing"}


def test_an_asset_without_a_condition_says_so(commands: Commands) -> None:
    assert "has no automation condition" in commands("asset", "explain", "total", "-f", "flow.py").stdout


def test_a_time_that_cannot_be_read_is_a_wrong_command_line(commands: Commands) -> None:
    result = commands("asset", "explain", "orders", "-f", "flow.py", "--at", "yesterday")
    assert result.exit_code == 2
    assert "'yesterday' is no moment. Write an offset" in result.output


def test_a_schedule_is_told_with_the_name_of_its_operand(commands: Commands) -> None:
    commands.write(
        """
from headwater import AutomationCondition, Definitions, asset

@asset(automation_condition=AutomationCondition.on_cron("0 6 * * *", "Europe/Berlin"))
def daily(): ...

defs = Definitions(assets=[daily])
"""
    )
    told = commands("asset", "explain", "daily", "-f", "flow.py").stdout
    assert "false     cron_tick_passed: the schedule '0 6 * * *' (Europe/Berlin) has just ticked" in told


def test_a_moment_is_told_as_everywhere_else(commands: Commands) -> None:
    """As an offset, in the time zone of the machine, in which all times are shown, or how long ago."""
    for moment, through in (("2 days ago", 0), ("2026-03-01", 0), ("1", 1)):
        commands("asset", "report", "inbox", "-f", "flow.py", "--partition", "2024-01-02")
        told = commands("asset", "explain", "orders", "-f", "flow.py", "--at", moment)
        assert f"(through offset {through}, " in told.stdout, told.output


def test_before_anything_was_defined_it_says_so(commands: Commands) -> None:
    commands("asset", "report", "inbox", "-f", "flow.py", "--partition", "2024-01-02")
    result = commands("asset", "explain", "orders", "--at", "2024-01-01")
    assert result.exit_code == 1
    assert "nothing was defined yet" in result.output


def test_a_check_without_a_condition_is_told_from_one_that_is_not_there(commands: Commands) -> None:
    result = commands("asset", "explain", "total:total_is_small", "-f", "flow.py")
    assert result.exit_code == 1
    assert "check 'total_is_small' of 'total' has no automation condition: it runs with its asset" in result.output
    assert "there is no asset 'total:nope'" in commands("asset", "explain", "total:nope", "-f", "flow.py").output
