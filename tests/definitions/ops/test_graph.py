"""Graphs: what may stand in the body of one, and the flat form that runs are made of."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    DynamicOut,
    DynamicOutput,
    GraphOut,
    HookContext,
    In,
    InvalidDefinitionError,
    InvalidInvocationError,
    Nothing,
    Out,
    RetryPolicy,
    failure_hook,
    graph,
    job,
    op,
    success_hook,
)
from headwater.definitions.ops.flat import Given, Several, Upstream, flatten


@op
def one() -> int:
    return 1


@op
def double(n: int) -> int:
    return n * 2


@op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@op(out=DynamicOut())
def several() -> Any:
    yield DynamicOutput(1, "a")


@op(ins={"start": In(Nothing)})
def later() -> None: ...


@success_hook
def cheer(context: HookContext) -> None: ...


@failure_hook
def tell(context: HookContext) -> None: ...


def test_a_graph_knows_its_ops_and_where_they_take_from() -> None:
    @graph
    def work() -> Any:
        return total([double(one()), one()])

    flat = flatten(work)
    assert [node.step_key for node in flat.nodes] == ["one", "double", "one_2", "total"]
    assert flat.node("total").inputs["numbers"] == Several((Upstream("double", "result"), Upstream("one_2", "result")))
    assert flat.results == {"result": Upstream("total", "result")}


def test_graphs_stand_in_graphs_and_hand_their_inputs_down() -> None:
    @graph
    def quadruple(n: int) -> Any:
        return double(double.alias("again")(n))

    @graph
    def outer(start: int) -> Any:
        return quadruple(quadruple.alias("first")(start))

    flat = flatten(outer)
    assert [node.step_key for node in flat.nodes] == [
        "first.again",
        "first.double",
        "quadruple.again",
        "quadruple.double",
    ]
    assert flat.node("first.again").inputs["n"] == Given("start")
    assert flat.node("quadruple.again").inputs["n"] == Upstream("first.double", "result")


def test_aliases_tags_hooks_and_retries_belong_to_the_place_and_not_to_the_op() -> None:
    policy = RetryPolicy(max_retries=3)

    @job(hooks={tell}, op_retry_policy=RetryPolicy(max_retries=1))
    def nightly() -> None:
        double.alias("twice").tag({"headwater/priority": 5}).with_hooks({cheer}).with_retry_policy(policy)(one())

    node = nightly.flat.node("twice")
    assert (node.priority, node.retry_policy, node.hooks) == (5, policy, frozenset({cheer, tell}))
    assert nightly.flat.node("one").retry_policy == RetryPolicy(max_retries=1)
    assert (double.tags, double.hooks, double.retry_policy) == ({}, frozenset(), None)


def test_a_hook_can_be_put_on_a_job_by_calling_it() -> None:
    @cheer
    @job
    def nightly() -> None:
        one()

    assert nightly.flat.node("one").hooks == frozenset({cheer})


def test_what_is_mapped_stands_once_and_what_is_collected_waits_for_all() -> None:
    @graph
    def work() -> Any:
        return total(several().map(lambda n: double(double.alias("again")(n))).collect())

    flat = flatten(work)
    assert flat.node("again").over == flat.node("double").over == ("several", "result")
    assert flat.node("total").over is None
    assert flat.node("total").inputs["numbers"] == Upstream("double", "result", collected=True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda: double(3), "was given the constant 3. The body of a graph only wires"),
        (lambda: double(one), "was given op 'one' itself. Call it: one()"),
        (lambda: double(several()), r"was given a dynamic output. Use .map\(...\)"),
        (lambda: total([one(), 3]), "mixes outputs of ops with constants"),
        (lambda: double(one(), one()), "was called with 2 arguments, but it has 1 inputs"),
        (lambda: double(m=one()), "has no input 'm'. Its inputs: n"),
        (lambda: double(one(), n=one()), "was given its input 'n' twice"),
        (lambda: [one.alias("x")(), one.alias("x")()], "two nodes are called 'x'"),
        (lambda: 5, "returned 5. Its body only wires"),
        (lambda: several().map(lambda n: 3), "the function given to map returned 3"),
        (lambda: one.alias("a b")(), "cannot be the name of"),
    ],
)
def test_a_body_that_does_more_than_wiring_is_refused_where_it_does(body: Any, message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message) as raised:
        graph(name="work")(body)
    assert "test_graph.py:" in str(raised.value)


def test_a_step_cannot_depend_on_two_dynamic_outputs() -> None:
    @op
    def pair(a: int, b: int) -> None: ...

    with pytest.raises(InvalidDefinitionError, match="depends on two dynamic outputs"):

        @job
        def wrong() -> None:
            other = several.alias("other")()
            several().map(lambda a: other.map(lambda b: pair(a, b)))


def test_what_is_mapped_cannot_be_dynamic_itself() -> None:
    @op(out=DynamicOut())
    def split(n: int) -> Any:
        yield DynamicOutput(n, "x")

    with pytest.raises(InvalidDefinitionError, match="has a dynamic output and is mapped over that of 'several'"):

        @job
        def wrong() -> None:
            several().map(split)


def test_several_outputs_have_names() -> None:
    @op(out={"low": Out(int), "high": Out(int)})
    def bounds() -> tuple[int, int]:
        return 1, 2

    @graph(out={"low": GraphOut(), "twice": GraphOut()})
    def work() -> Any:
        low, high = bounds()
        return {"low": low, "twice": double(high)}

    assert dict(flatten(work).results) == {"low": Upstream("bounds", "low"), "twice": Upstream("double", "result")}
    with pytest.raises(InvalidDefinitionError, match="declares the outputs low, high, but returned low"):
        graph(name="work", out={"low": GraphOut(), "high": GraphOut()})(lambda: {"low": one()})


def test_a_graph_is_not_called_outside_of_another() -> None:
    @graph
    def work() -> None:
        one()

    with pytest.raises(InvalidInvocationError, match=r"work.execute_in_process\(\)"):
        work()


def test_the_body_of_a_graph_has_no_context() -> None:
    with pytest.raises(InvalidDefinitionError, match="Take the context in the ops"):

        @graph
        def work(context: Any) -> None: ...


def test_a_hook_takes_the_context_and_nothing_else() -> None:
    with pytest.raises(InvalidDefinitionError, match="has the one parameter 'context', but it has: step"):

        @success_hook
        def wrong(step: Any) -> None: ...


def test_nothing_only_orders() -> None:
    @graph
    def work() -> None:
        later(start=[one(), double(one())])

    assert [one.step for one in flatten(work).node("later").upstream()] == ["one", "double"]
