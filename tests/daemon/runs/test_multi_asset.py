"""Runs of several assets that one function makes: what it may give back, what is written, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from headwater import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    AssetOut,
    AssetSpec,
    Config,
    ExecutionError,
    Instance,
    InvalidSubsetError,
    MaterializeResult,
    Output,
    asset,
    asset_check,
    materialize,
    multi_asset,
    success_hook,
)
from headwater.storage import events as e
from headwater.storage.events import AssetMaterialized, StepFailed, StepSkipped, StepStarted, StepSucceeded, Target

from .conftest import Bench


def outs(*names: str, **more: AssetOut) -> dict[str, AssetOut]:
    return {**{name: AssetOut() for name in names}, **more}


def made(result: Any) -> list[str]:
    return [str(one.asset_key) for one in result.get_asset_materialization_events()]


def skipped(result: Any) -> list[tuple[str, str]]:
    return [(event.step_key, event.reason) for event in result.get_step_skipped_events()]


def error_of(*assets: Any) -> str:
    with pytest.raises(ExecutionError) as caught:
        materialize(assets)
    return str(caught.value)


@asset
def raw() -> int:
    return 3


# ---- what it may give back -------------------------------------------------------------------------------------------


def _returned(raw):
    return raw, raw + 1


def _outputs(raw):
    return Output(raw), Output(raw + 1, metadata={"rows": 1})


def _named(raw):
    return Output(raw + 1, "b"), Output(raw, "a")


def _yielded(raw):
    yield Output(raw + 1, output_name="b")
    yield Output(raw, output_name="a")


def _results(raw):
    yield MaterializeResult(asset_key=["x", "b"], value=raw + 1)
    yield MaterializeResult(asset_key="a", value=raw)


async def _awaited(raw):
    return raw, raw + 1


async def _streamed(raw):
    yield Output(raw, output_name="a")
    yield Output(raw + 1, output_name="b")


@pytest.mark.parametrize("fn", [_returned, _outputs, _named, _yielded, _results, _awaited, _streamed])
def test_values_reach_what_reads_them_whatever_the_form(fn: Any) -> None:
    both = multi_asset(name="both", outs=outs("a", b=AssetOut(key_prefix="x")))(fn)

    @asset(ins={"b": AssetIn(key_prefix="x")})
    def total(a, b):
        return a + b

    result = materialize([raw, both, total])
    assert result.asset_value("total") == 7
    assert sorted(made(result)) == ["a", "raw", "total", "x/b"]
    assert (result.output_for_node("both", "a"), result.output_for_node("both", "b")) == (3, 4)
    assert result.is_node_success("both")
    [started] = [event for event in result.all_events if isinstance(event, StepStarted) and event.step_key == "both"]
    assert {target.asset_key for target in started.targets} == {"a", "x/b"}


def test_specs_are_made_when_the_function_ends_whether_or_not_it_spoke_of_them() -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q", deps=["p"])])
    def pq():
        yield MaterializeResult(asset_key="q", metadata={"rows": 2}, data_version="v1", tags={"kind": "new"})

    result = materialize([pq])
    [q, p] = result.get_asset_materialization_events()
    assert (str(q.asset_key), q.data_version, dict(q.tags), q.metadata["rows"].value) == ("q", "v1", {"kind": "new"}, 2)
    assert (str(p.asset_key), dict(p.metadata)) == ("p", {})


@pytest.mark.parametrize("returned", [None, MaterializeResult(asset_key="p"), [MaterializeResult(asset_key="q")]])
def test_specs_may_be_returned(returned: Any) -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q")])
    def pq():
        return returned

    assert sorted(made(materialize([pq]))) == ["p", "q"]


def test_outs_without_values_are_made_by_a_function_that_says_that_it_returns_none() -> None:
    @multi_asset(outs=outs("a", "b"))
    def both() -> None: ...

    result = materialize([both])
    assert (made(result), result.output_for_node("both", "a")) == (["a", "b"], None)


def test_metadata_goes_to_the_asset_that_it_is_of() -> None:
    @multi_asset(outs=outs("a", "b"))
    def both(context: AssetExecutionContext):
        context.add_output_metadata({"n": 1}, output_name="a")
        context.add_asset_metadata({"n": 2}, asset_key="b")
        return 1, 2

    found = {
        str(one.asset_key): one.metadata["n"].value for one in materialize([both]).get_asset_materialization_events()
    }
    assert found == {"a": 1, "b": 2}


def test_config_resources_and_hooks_are_those_of_the_function() -> None:
    class Sizes(Config):
        size: int

    seen: list[Any] = []

    @success_hook
    def note(context):
        seen.append(context.op_output_values)

    @multi_asset(outs=outs("a", "b"), hooks={note})
    def both(config: Sizes, db):
        return config.size, db

    result = materialize([both], resources={"db": 7}, run_config={"ops": {"both": {"config": {"size": 5}}}})
    assert (result.output_for_node("both", "a"), result.output_for_node("both", "b")) == (5, 7)
    assert seen == [{"a": 5, "b": 7}]


def test_a_code_version_gives_data_versions_that_follow_what_each_reads() -> None:
    made_of = {"p": "1"}

    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q", deps=["p"]), AssetSpec("r")], code_version="c1")
    def three():
        yield MaterializeResult(asset_key="p", data_version=made_of["p"])

    def versions(instance: Instance) -> dict[str, str | None]:
        events = materialize([three], instance=instance).get_asset_materialization_events()
        return {str(one.asset_key): one.data_version for one in events}

    with Instance.ephemeral() as instance:
        first = versions(instance)
        assert versions(instance) == first
        made_of["p"] = "2"
        second = versions(instance)
    assert second["r"] == first["r"]
    assert second["q"] != first["q"]


# ---- what is left out ------------------------------------------------------------------------------------------------


def test_what_is_left_out_skips_what_reads_it_and_the_run_succeeds() -> None:
    @multi_asset(outs=outs("a", b=AssetOut(is_required=False)))
    def both():
        yield Output(1, "a")

    @asset
    def of_a(a): ...

    @asset
    def of_b(b): ...

    @asset(deps=[of_b])
    def below() -> None: ...

    result = materialize([both, of_a, of_b, below])
    assert result.success
    assert made(result) == ["a", "of_a"]
    assert skipped(result) == [("of_b", "not_produced"), ("below", "not_produced")]


def test_a_spec_that_is_skippable_may_be_left_out() -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q", skippable=True)])
    def pq() -> None: ...

    @asset(deps=["q"])
    def after() -> None: ...

    result = materialize([pq, after])
    assert (made(result), skipped(result)) == (["p"], [("after", "not_produced")])


def test_one_asset_alone_may_be_left_out_too() -> None:
    @asset(output_required=False)
    def perhaps() -> Iterator[Output[int]]:
        yield from ()

    @asset
    def after(perhaps): ...

    result = materialize([perhaps, after])
    assert (result.success, made(result), skipped(result)) == (True, [], [("after", "not_produced")])


# ---- some of them ----------------------------------------------------------------------------------------------------


@multi_asset(outs=outs("a", "b", "c"), can_subset=True, internal_asset_deps={"c": {AssetKey("a")}})
def some(context: AssetExecutionContext, raw):
    for name in sorted(context.selected_output_names):
        yield Output(raw, output_name=name)


def test_a_part_is_made_alone_where_the_function_can() -> None:
    result = materialize([raw, some], selection="raw, b")
    assert sorted(made(result)) == ["b", "raw"]


def test_an_argument_of_what_is_not_made_need_not_be_there() -> None:
    @multi_asset(specs=[AssetSpec("p", deps=["raw"]), AssetSpec("q")], can_subset=True)
    def pq(context: AssetExecutionContext, raw):
        yield MaterializeResult(asset_key="q", metadata={"raw": raw})

    [q] = materialize([raw, pq], selection="q").get_asset_materialization_events()
    assert q.metadata["raw"].value is None


def test_a_part_that_does_not_come_alone_is_refused() -> None:
    both = multi_asset(outs=outs("a", "b"))(_returned)
    with pytest.raises(InvalidSubsetError, match="'a' cannot be made without 'b'"):
        materialize([raw, both], selection=["raw", "a"])


def test_the_function_is_called_again_for_what_comes_after_others() -> None:
    calls: list[set[str]] = []

    @multi_asset(specs=[AssetSpec("first"), AssetSpec("last", deps=["middle"])], can_subset=True)
    def ends(context: AssetExecutionContext):
        calls.append({str(key) for key in context.selected_asset_keys})

    @asset(deps=["first"])
    def middle() -> None: ...

    result = materialize([ends, middle])
    assert made(result) == ["first", "middle", "last"]
    assert calls == [{"first"}, {"last"}]
    assert [event.step_key for event in result.get_step_success_events()] == ["ends", "middle", "ends-2"]


# ---- what is refused -------------------------------------------------------------------------------------------------


def _missing():
    yield Output(1, "a")


def _twice():
    yield Output(1, "a")
    yield Output(1, "a")


def _unknown():
    yield Output(1, "aa")


def _no_result():
    yield 1


def _wrong_count():
    return 1, 2, 3


def _plain():
    return 1


def _foreign():
    yield MaterializeResult(asset_key="ghost")


def _whose():
    yield MaterializeResult()


def _nothing():
    return None


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (_missing, "has ended without its output 'b'. Yield Output(value, output_name='b'), or"),
        (_nothing, "has ended without its output 'a'"),
        (_twice, "gave two results for 'a'"),
        (_unknown, "gave an Output named 'aa', which is none of its outputs. Did you mean 'a'"),
        (_no_result, "yielded 1 (int). Yield Output(value, output_name=...) or"),
        (_wrong_count, "which is not one value for each of its 2 outputs ('a', 'b')"),
        (_plain, "returned 1 (int), which is not one value for each of its 2 outputs"),
        (_foreign, "gave a MaterializeResult for 'ghost', which it does not make"),
        (_whose, "gave a MaterializeResult without asset_key"),
    ],
)
def test_what_fits_no_output_fails_the_step_and_says_what_to_do(fn: Any, message: str) -> None:
    error = error_of(multi_asset(name="both", outs=outs("a", "b"))(fn))
    assert message in error
    assert f"test_multi_asset.py:{fn.__code__.co_firstlineno}: multi-asset 'both'" in error


def test_specs_take_no_values() -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q")])
    def pq():
        return 1, 2

    assert "returned (1, 2) (tuple), but it has specs. Store the values in the function" in error_of(pq)


def test_what_was_not_to_be_made_is_refused() -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q")], can_subset=True)
    def pq():
        yield MaterializeResult(asset_key="p")

    with pytest.raises(ExecutionError, match=r"made 'p', which this step was not to make\. Make what is in"):
        materialize([pq], selection="q")


# ---- failing half-way ------------------------------------------------------------------------------------------------


@multi_asset(specs=[AssetSpec("p"), AssetSpec("q", deps=["p"]), AssetSpec("r", deps=["q"]), AssetSpec("s")])
def half() -> Iterator[MaterializeResult[Any]]:
    yield MaterializeResult(asset_key="p")
    raise ValueError("no q today")


def test_what_was_made_before_a_failure_is_made_and_what_was_not_tried_is_told(bench: Bench) -> None:
    @asset(deps=["p"])
    def after_p() -> None: ...

    @asset(deps=["r"])
    def after_r() -> None: ...

    bench.run(half, after_p, after_r)
    assert [event.asset_key for event in bench.of(AssetMaterialized)] == ["p", "after_p"]
    [inside, below] = bench.of(StepSkipped)
    tried = (Target(asset_key="q"), Target(asset_key="s"))
    assert (inside.step_key, inside.targets, set(inside.blocked_by)) == ("half", (Target(asset_key="r"),), set(tried))
    assert (below.step_key, below.reason) == ("after_r", "upstream_failed")
    assert bench.only(StepFailed).step_key == "half"
    assert bench.only(StepFailed).error.message == "no q today"


def test_values_that_were_yielded_before_a_failure_are_stored() -> None:
    @multi_asset(outs=outs("a", "b"))
    def both():
        yield Output(5, "a")
        raise ValueError("no b")

    @asset
    def after(a):
        return a + 1

    with Instance.ephemeral() as instance:
        result = materialize([both, after], instance=instance, raise_on_error=False)
        assert not result.success
        assert (made(result), result.asset_value("after")) == (["a", "after"], 6)


def test_async_results_before_a_failure_count_as_well() -> None:
    @multi_asset(specs=[AssetSpec("p"), AssetSpec("q")])
    async def pq() -> AsyncIterator[MaterializeResult[Any]]:
        yield MaterializeResult(asset_key="p")
        raise ValueError("no q")

    assert made(materialize([pq], raise_on_error=False)) == ["p"]


def test_a_misuse_leaves_what_was_made_before_it() -> None:
    both = multi_asset(name="both", outs=outs("a", "b"))(_missing)
    assert made(materialize([both], raise_on_error=False)) == ["a"]


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_inline_checks_shut_the_gate_of_their_own_asset_only() -> None:
    @multi_asset(
        specs=[AssetSpec("p"), AssetSpec("q")],
        check_specs=[
            AssetCheckSpec("fine", asset="p", blocking=True),
            AssetCheckSpec("fine", asset="q", blocking=True),
        ],
    )
    def pq():
        yield MaterializeResult(asset_key="p", check_results=[AssetCheckResult(passed=True)])
        yield AssetCheckResult(passed=False, asset_key="q", check_name="fine")

    @asset(deps=["p"])
    def after_p() -> None: ...

    @asset(deps=["q"])
    def after_q() -> None: ...

    result = materialize([pq, after_p, after_q], raise_on_error=False)
    assert {str(one.asset_key): one.passed for one in result.get_asset_check_evaluations()} == {"p": True, "q": False}
    assert made(result) == ["p", "q", "after_p"]
    assert skipped(result) == [("after_q", "check_failed")]


def test_no_result_is_wanted_of_the_checks_of_what_is_left_out() -> None:
    @multi_asset(
        specs=[AssetSpec("p"), AssetSpec("q", skippable=True)], check_specs=[AssetCheckSpec("fine", asset="q")]
    )
    def pq() -> None: ...

    result = materialize([pq])
    assert (result.success, result.get_asset_check_evaluations()) == (True, [])


def test_a_check_of_its_own_comes_after_the_step_and_gates_what_is_below() -> None:
    both = multi_asset(name="both", outs=outs("a", "b"))(lambda: (1, 2))

    @asset_check(asset="a", blocking=True)
    def positive(a):
        return a > 1

    @asset
    def after(a): ...

    result = materialize([both, positive, after], raise_on_error=False)
    assert skipped(result) == [("after", "check_failed")]
    assert [type(event) for event in result.events_for_node("both") if isinstance(event, (StepStarted, StepSucceeded))]


# ---- the fold --------------------------------------------------------------------------------------------------------


def test_what_a_failed_step_did_not_try_has_handled_nothing_and_waits(bench: Bench) -> None:
    from headwater.storage.state import State

    bench.run(half)
    state = State.empty(lambda _: b"")
    for stored in bench.log.read(0, 1_000):
        state.apply(stored)
    started = next(s.offset for s in bench.log.read(0, 1_000) if isinstance(s.event, e.StepStarted))
    handled = {key: int(state.asset(key).table.handled[0]) for key in "pqrs"}
    assert handled == {"p": started, "q": started, "r": 0, "s": started}
    assert {key for key in "pqrs" if 0 in state.asset(key).table.failed} == {"q", "s"}
    assert {key for key in "pqrs" if 0 in state.asset(key).table.materialized} == {"p"}
    assert state.asset("r").table.blocked == {0: {("q", None), ("s", None)}}
    assert not state.runs
