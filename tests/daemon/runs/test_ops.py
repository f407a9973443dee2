"""Running graphs of ops in this process: values, dynamic steps, what is skipped, config, types and selections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetMaterialization,
    AssetObservation,
    Config,
    DynamicOut,
    DynamicOutput,
    ExecutionError,
    In,
    Instance,
    InvalidConfigError,
    InvalidInvocationError,
    MetadataValue,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    ResourceParam,
    StaticPartitionsDefinition,
    TypeCheckDidNotPass,
    build_op_context,
    execute_job,
    graph,
    job,
    op,
)
from headwater.definitions.errors import UnknownPartition
from headwater.storage import events as e


class Count(Config):
    count: int = 2


@op(out=DynamicOut())
def numbers(config: Count) -> Any:
    for n in range(config.count):
        yield DynamicOutput(n, mapping_key=f"n{n}")


@op
def double(n: int) -> int:
    return n * 2


@op
def total(ns: list[int]) -> int:
    return sum(ns)


@op
def one() -> int:
    return 1


@op
def fail(n: int) -> int:
    raise ValueError("no")


@job
def doubled() -> None:
    total(numbers().map(lambda n: double(double.alias("again")(n))).collect())


def steps(events: list[e.Event], kind: str) -> list[str]:
    return [event.step_key for event in events if event.type == kind]  # type: ignore[attr-defined]


def test_each_value_of_a_dynamic_output_has_steps_of_its_own() -> None:
    result = doubled.execute_in_process({"ops": {"numbers": {"config": {"count": 3}}}})
    assert result.success
    assert result.output_for_node("total") == 12
    assert result.output_for_node("double") == {"n0": 0, "n1": 4, "n2": 8}
    assert sorted(steps(result.all_events, "step_succeeded")) == [
        "again[n0]", "again[n1]", "again[n2]", "double[n0]", "double[n1]", "double[n2]", "numbers", "total",
    ]  # fmt: skip


def test_mapping_over_nothing_collects_an_empty_list() -> None:
    result = doubled.execute_in_process({"ops": {"numbers": {"config": {"count": 0}}}})
    assert result.output_for_node("total") == 0
    assert steps(result.all_events, "step_started") == ["numbers", "total"]


def test_a_dynamic_output_can_be_collected_without_mapping() -> None:
    @job
    def work() -> None:
        total(numbers().collect())

    assert work.execute_in_process().output_for_node("total") == 1


def test_a_key_that_is_yielded_twice_fails_the_step() -> None:
    @op(out=DynamicOut())
    def twice() -> Any:
        yield DynamicOutput(1, "a")
        yield DynamicOutput(2, "a")

    @job
    def work() -> None:
        twice().map(double)

    with pytest.raises(ExecutionError, match="gave its output 'result' twice for the mapping_key 'a'"):
        work.execute_in_process()


def test_a_failed_step_skips_what_is_behind_it_and_nothing_else() -> None:
    @job
    def work() -> None:
        double(fail(one()))
        double.alias("other")(one())

    result = work.execute_in_process(raise_on_error=False)
    assert not result.success
    assert steps(result.all_events, "step_failed") == ["fail"]
    assert steps(result.all_events, "step_skipped") == ["double"]
    assert result.output_for_node("other") == 2
    assert result.is_node_skipped("double")
    assert result.is_node_failed("fail")
    assert result.is_node_success("other")
    assert isinstance(result.all_events[-1], e.RunFailed)
    assert result.all_events[-1].message == "1 of 5 steps failed: fail"
    with pytest.raises(InvalidInvocationError, match="op 'double' gave no output"):
        result.output_for_node("double")
    with pytest.raises(ValueError, match="no"):
        work.execute_in_process()


def test_a_failed_mapped_step_stops_the_collection_and_not_its_neighbours() -> None:
    @op
    def odd(n: int) -> int:
        if n == 0:
            raise ValueError("zero")
        return n

    @job
    def work() -> None:
        total(numbers().map(lambda n: double(odd(n))).collect())

    result = work.execute_in_process(raise_on_error=False)
    assert steps(result.all_events, "step_skipped") == ["double[n0]", "total"]
    assert "double[n1]" in steps(result.all_events, "step_succeeded")


def test_what_is_mapped_over_a_step_that_failed_is_skipped_once() -> None:
    @op(out=DynamicOut())
    def broken() -> Any:
        yield DynamicOutput(1, "a")
        raise ValueError("no")

    @job
    def work() -> None:
        total(broken().map(double).collect())

    result = work.execute_in_process(raise_on_error=False)
    assert steps(result.all_events, "step_skipped") == ["double", "total"]


@op(out={"left": Out(is_required=False), "right": Out(is_required=False)})
def branch(n: int) -> Any:
    yield Output(n, "right")


def test_what_is_behind_an_output_that_was_left_out_is_skipped_and_a_list_goes_without_it() -> None:
    @job
    def work() -> None:
        left, right = branch(one())
        total([double.alias("on_left")(left), double.alias("on_right")(right)])
        total.alias("nothing_came")([double.alias("also_left")(left)])

    result = work.execute_in_process()
    assert result.success
    assert result.output_for_node("total") == 2
    assert steps(result.all_events, "step_skipped") == ["on_left", "also_left", "nothing_came"]
    skipped = [event for event in result.all_events if isinstance(event, e.StepSkipped)]
    assert {event.reason for event in skipped} == {"not_produced"}


def test_an_output_that_is_required_must_be_given() -> None:
    @op(out={"a": Out(), "b": Out()})
    def half() -> Any:
        yield Output(1, "a")

    @job
    def work() -> None:
        half()

    with pytest.raises(ExecutionError, match="did not give its output 'b'"):
        work.execute_in_process()


def test_several_outputs_are_returned_as_a_tuple() -> None:
    @op(out={"low": Out(int), "high": Out(int)})
    def bounds() -> tuple[int, int]:
        return 1, 5

    @graph
    def work() -> Any:
        low, high = bounds()
        return {"low": low, "high": double(high)}

    result = work.execute_in_process()
    assert (result.output_value("low"), result.output_value("high")) == (1, 10)


def test_a_value_of_the_wrong_type_fails_the_step_that_takes_it() -> None:
    @op
    def text() -> Any:
        return "x"

    @job
    def work() -> None:
        double(text())

    result = work.execute_in_process(raise_on_error=False)
    assert steps(result.all_events, "step_failed") == ["double"]
    assert isinstance(result.errors["double"], TypeCheckDidNotPass)


def test_nothing_is_waited_for_and_not_passed() -> None:
    done: list[str] = []

    @op(out=Out(Nothing))
    def first() -> None:
        done.append("first")

    @op(ins={"start": In(Nothing)})
    def second() -> None:
        done.append("second")

    @job
    def work() -> None:
        second(start=[first(), first()])

    assert work.execute_in_process().success
    assert done == ["first", "first", "second"]


def test_an_input_that_nothing_is_wired_to_comes_from_the_run_config() -> None:
    @graph
    def inner() -> Any:
        return double()

    @job
    def work() -> None:
        inner()

    with pytest.raises(InvalidConfigError, match=r"ops\.inner\.ops\.double\.inputs\.n: nothing is wired"):
        work.execute_in_process()
    for given in (4, {"value": 4}):
        config = {"ops": {"inner": {"ops": {"double": {"inputs": {"n": given}}}}}}
        assert work.execute_in_process(config).output_for_node("inner.double") == 8
    with pytest.raises(InvalidConfigError, match="the input 'n' of op 'double' is to be int"):
        work.execute_in_process({"ops": {"inner": {"ops": {"double": {"inputs": {"n": "x"}}}}}})


def test_the_inputs_of_a_graph_are_given_by_value() -> None:
    @graph
    def work(n: int) -> Any:
        return double(n)

    assert work.execute_in_process(input_values={"n": 4}).output_value() == 8
    assert work.to_job(input_values={"n": 5}).execute_in_process().output_for_node("double") == 10
    with pytest.raises(InvalidInvocationError, match=r"has no input 'm'. Its inputs: n"):
        work.to_job().execute_in_process(input_values={"m": 4})


def test_only_the_selected_ops_run() -> None:
    @job
    def work() -> None:
        double.alias("last")(double(one()))

    result = work.execute_in_process(op_selection=["+double"])
    assert steps(result.all_events, "step_started") == ["one", "double"]
    config = {"ops": {"last": {"inputs": {"n": 7}}}}
    assert work.execute_in_process(config, op_selection=["last"]).output_for_node("last") == 14
    with pytest.raises(InvalidInvocationError, match=r"there is no op 'lst'. Did you mean 'last'"):
        work.execute_in_process(op_selection=["lst"])


def test_ops_take_resources_and_see_the_partition_and_the_tags_of_the_run() -> None:
    seen: list[Any] = []

    @op
    def look(context: OpExecutionContext, db: ResourceParam[str]) -> None:
        seen.append((db, context.partition_key, context.run_tags["team"], context.job_name, context.step_key))

    @job(resource_defs={"db": "duck"}, partitions_def=StaticPartitionsDefinition(["a", "b"]), tags={"team": "sales"})
    def work() -> None:
        look()

    work.execute_in_process(partition_key="b")
    assert seen == [("duck", "b", "sales", "work", "look")]
    with pytest.raises(InvalidInvocationError, match="say which with partition_key"):
        work.execute_in_process()
    with pytest.raises(UnknownPartition):
        work.execute_in_process(partition_key="c")
    with pytest.raises(InvalidInvocationError, match="has no partitions"):
        doubled.execute_in_process(partition_key="c")


def test_metadata_of_an_output_is_in_its_event() -> None:
    @op
    def load(context: OpExecutionContext) -> Output[int]:
        context.add_output_metadata({"rows": 3})
        return Output(3, metadata={"note": "all"})

    @job
    def work() -> None:
        load()

    (event,) = [one for one in work.execute_in_process().all_events if isinstance(one, e.OpOutputProduced)]
    assert set(event.metadata) == {"rows", "note"}
    assert MetadataValue.int(3).value == event.metadata["rows"]["value"]  # type: ignore[index,call-overload]


def test_the_step_with_the_highest_priority_goes_first() -> None:
    @job
    def work() -> None:
        one.alias("low").tag({"headwater/priority": -1})()
        one.alias("middle")()
        one.alias("high").tag({"headwater/priority": 3})()

    assert steps(work.execute_in_process().all_events, "step_started") == ["high", "middle", "low"]


def test_on_an_instance_with_a_home_values_go_into_files_of_the_run(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        result = execute_job(doubled, instance)
        assert result.success
        kept = tmp_path / "storage" / result.run_id
        assert (kept / "double[n1]" / "result").is_file()
        assert (kept / "numbers" / "result" / "n0").is_file()
        stored = [one.event.type for one in instance.log.query(run_id=result.run_id)]
        assert stored == [event.type for event in result.all_events]


def test_what_an_op_says_of_assets_is_in_the_log_however_it_ends() -> None:
    @op
    def report(context: OpExecutionContext) -> Any:
        context.log_event(AssetMaterialization("orders", metadata={"rows": 3}))
        yield AssetObservation("inbox")
        yield Output(1)

    @op
    def fails(context: OpExecutionContext) -> None:
        context.log_event(AssetMaterialization("half"))
        raise ValueError("no")

    @job
    def work() -> None:
        report()
        fails()

    result = work.execute_in_process(raise_on_error=False)
    made = [event for event in result.all_events if isinstance(event, e.AssetMaterialized)]
    assert [(event.asset_key, event.step_key, event.run_id) for event in made] == [
        ("orders", "report", result.run_id),
        ("half", "fails", result.run_id),
    ]
    assert [event.asset_key for event in result.all_events if isinstance(event, e.AssetObserved)] == ["inbox"]
    assert [str(one.asset_key) for one in result.get_asset_materialization_events()] == ["orders", "half"]
    with pytest.raises(InvalidInvocationError, match="is no event of an asset"):
        build_op_context().log_event("orders")


def test_async_ops_are_awaited() -> None:
    @op
    async def later() -> int:
        return 4

    @job
    def work() -> None:
        double(later())

    assert work.execute_in_process().output_for_node("double") == 8
