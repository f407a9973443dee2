"""A range of partitions in one run: by tags in Python, by `--partition-range` on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetExecutionContext,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Instance,
    InvalidInvocationError,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    materialize,
)
from headwater.daemon.runs.partition_range import RANGE_END_TAG, RANGE_START_TAG
from headwater.definitions.errors import UnknownPartition
from support.commands import Commands

DAYS = DailyPartitionsDefinition("2026-03-01", end_date="2026-03-10")
ALL = BackfillPolicy.single_run()


def span(first: str, last: str) -> dict[str, str]:
    return {RANGE_START_TAG: first, RANGE_END_TAG: last}


@asset(partitions_def=DAYS, backfill_policy=ALL)
def visits(context: AssetExecutionContext) -> None:
    context.add_output_metadata({"made": len(context.partition_keys)})


@asset(partitions_def=DAYS, backfill_policy=ALL, deps=[visits])
def report(context: AssetExecutionContext) -> None: ...


@asset(deps=[report])
def total() -> int:
    return 1


def test_all_partitions_of_the_range_are_made_by_one_step_each_beside_what_has_none() -> None:
    with Instance.ephemeral() as instance:
        result = materialize([visits, report, total], instance=instance, tags=span("2026-03-02", "2026-03-04"))
        assert result.success
        assert instance.get_materialized_partitions("visits") == {"2026-03-02", "2026-03-03", "2026-03-04"}
        run = instance.get_run_by_id(result.run_id)
    made = [str(event.asset_key) for event in result.get_asset_materialization_events()]
    assert made == ["visits"] * 3 + ["report"] * 3 + ["total"]
    assert run is not None
    assert run.tags == span("2026-03-02", "2026-03-04")


def test_a_check_looks_at_each_partition_of_the_range() -> None:
    @asset_check(asset=visits)
    def enough(context: Any) -> bool:
        return context.partition_key > "2026-03-02"

    result = materialize([visits, enough], tags=span("2026-03-02", "2026-03-03"))
    assert {one.partition: one.passed for one in result.get_asset_check_evaluations()} == {
        "2026-03-02": False,
        "2026-03-03": True,
    }


def test_a_function_that_makes_one_partition_at_a_time_is_not_given_several() -> None:
    @asset(partitions_def=DAYS)
    def one_by_one(context: AssetExecutionContext) -> None: ...

    with pytest.raises(InvalidInvocationError, match=r"made one partition at a time, and .* are 3\. .*asset backfill"):
        materialize([one_by_one], tags=span("2026-03-02", "2026-03-04"))
    assert materialize([one_by_one], tags=span("2026-03-02", "2026-03-02")).success

    @asset(partitions_def=DAYS, backfill_policy=BackfillPolicy.multi_run(2))
    def two_by_two(context: AssetExecutionContext) -> None: ...

    assert materialize([two_by_two], tags=span("2026-03-02", "2026-03-03")).success
    with pytest.raises(InvalidInvocationError, match="at most 2 partitions"):
        materialize([two_by_two], tags=span("2026-03-02", "2026-03-04"))


def test_a_range_that_means_nothing_is_refused() -> None:
    with pytest.raises(UnknownPartition):
        materialize([visits], tags=span("2026-03-02", "2026-04-01"))
    with pytest.raises(InvalidInvocationError, match="the wrong way round"):
        materialize([visits], tags=span("2026-03-04", "2026-03-02"))
    with pytest.raises(InvalidInvocationError, match="give both"):
        materialize([visits], tags={RANGE_START_TAG: "2026-03-02"})
    with pytest.raises(InvalidInvocationError, match="keep one of them"):
        materialize([visits], partition_key="2026-03-02", tags=span("2026-03-02", "2026-03-03"))
    with pytest.raises(InvalidInvocationError, match="none of the selected assets is partitioned"):
        materialize([total, report], selection="total", tags=span("2026-03-02", "2026-03-03"))

    @asset(partitions_def=StaticPartitionsDefinition(["a"]), backfill_policy=ALL)
    def letters(context: AssetExecutionContext) -> None: ...

    with pytest.raises(UnknownPartition):
        materialize([visits, letters], tags=span("2026-03-02", "2026-03-03"))


FLOW = """
from headwater import BackfillPolicy, StaticPartitionsDefinition, asset

LETTERS = StaticPartitionsDefinition(["a", "b", "c", "d"])

@asset(partitions_def=LETTERS, backfill_policy=BackfillPolicy.single_run())
def letters(context) -> None:
    print(*context.partition_keys)

@asset(partitions_def=LETTERS)
def each(context) -> None: ...
"""


def test_the_command_makes_a_range_in_one_run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    commands = Commands(tmp_path)
    commands.write(FLOW)

    def materialized(select: str, *more: str) -> Any:
        return commands("asset", "materialize", "-f", "flow.py", "--select", select, *more)

    result = materialized("letters", "--partition-range", "b...d")
    assert result.exit_code == 0, result.output
    made = [getattr(event, "partition", None) for event in commands.events("asset_materialized")]
    assert made == ["b", "c", "d"]
    assert len(commands.events("run_requested")) == 1
    for wrong, said in (
        (("letters", "--partition-range", "b-d"), "FIRST...LAST"),
        (("letters", "--partition-range", "b...x"), "no partition 'x'"),
        (("letters", "--partition-range", "a...b", "--partition", "a"), "contradict"),
        (("each", "--partition-range", "a...b"), "one partition at a time"),
    ):
        refused = materialized(*wrong)
        assert refused.exit_code != 0
        assert said in " ".join(refused.output.split())
