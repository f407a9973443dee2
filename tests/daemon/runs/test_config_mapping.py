"""Config mappings: a graph or a job is told one thing, and its ops are told what the mapping makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    Config,
    ConfigMapping,
    Definitions,
    EnvVar,
    Instance,
    InvalidConfigError,
    InvalidDefinitionError,
    OpExecutionContext,
    RunConfig,
    config_mapping,
    graph,
    graph_asset,
    job,
    materialize,
    op,
)
from headwater.definitions.snapshot import DefinitionsSnapshot


class Scale(Config):
    by: int = 1


@op
def number(config: Scale) -> int:
    return 10 * config.by


@op
def plus(context: OpExecutionContext, value: int) -> int:
    return value + context.op_config.get("more", 0)


class Simple(Config):
    size: int


@config_mapping
def simple(config: Simple) -> RunConfig:
    return RunConfig(ops={"number": Scale(by=config.size), "plus": {"config": {"more": config.size}}})


@job(config=simple)
def mapped() -> None:
    plus(number())


def test_a_job_is_told_what_its_mapping_takes() -> None:
    result = mapped.execute_in_process(run_config={"size": 3})
    assert result.output_for_node("plus") == 33
    assert mapped.execute_in_process(run_config={"config": {"size": 2}}).output_for_node("plus") == 22


def test_what_does_not_fit_the_mapping_is_refused_with_its_path() -> None:
    with pytest.raises(InvalidConfigError, match=r"config\.size"):
        mapped.execute_in_process(run_config={"size": "many"})
    with pytest.raises(InvalidConfigError, match="size"):
        mapped.execute_in_process()
    with pytest.raises(InvalidConfigError, match="tells the ops of this graph everything"):
        mapped.execute_in_process(run_config={"ops": {"number": {"config": {"by": 1}}}, "config": {"size": 1}})


def test_the_log_has_what_was_given() -> None:
    with Instance.ephemeral() as instance:
        run_id = mapped.execute_in_process(run_config={"size": 3}, instance=instance).run_id
        run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.run_config == {"config": {"size": 3}}


def test_a_graph_in_a_job_is_told_by_its_mapping_and_one_inside_it_by_its_own() -> None:
    @graph(config=ConfigMapping(lambda told: {"number": {"config": {"by": told["n"]}}}, config_schema={"n": int}))
    def inner() -> Any:
        return number()

    @graph(config=ConfigMapping(lambda told: {"inner": {"config": {"n": told["m"] + 1}}}, config_schema={"m": int}))
    def outer() -> Any:
        return plus(inner())

    @job
    def runs() -> None:
        outer()

    result = runs.execute_in_process(run_config={"ops": {"outer": {"config": {"m": 4}}}})
    assert result.output_for_node("outer.plus") == 50


def test_a_dict_tells_the_ops_of_a_graph_always_the_same() -> None:
    @graph(config={"number": {"config": {"by": 7}}})
    def seventy() -> Any:
        return number()

    assert seventy.execute_in_process().output_value() == 70


def test_an_asset_made_by_a_graph_is_told_below_its_name() -> None:
    @graph_asset(config=ConfigMapping(lambda told: {"number": {"config": {"by": told["n"]}}}, config_schema={"n": int}))
    def amounts() -> Any:
        return number()

    run_config = {"ops": {"amounts": {"config": {"n": 5}}}}
    assert materialize([amounts], run_config=run_config).output_for_node("amounts") == 50
    with pytest.raises(InvalidConfigError, match=r"ops\.amounts\.config\.n"):
        materialize([amounts], run_config={"ops": {"amounts": {"config": {"n": "x"}}}})


def test_what_comes_from_the_environment_is_known_when_the_step_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE", "4")
    with Instance.ephemeral() as instance:
        result = mapped.execute_in_process(run_config={"size": {"env": "SIZE"}}, instance=instance)
        run = instance.get_run_by_id(result.run_id)
    assert result.output_for_node("plus") == 44
    assert run is not None
    assert run.run_config == {"config": {"size": {"env": "SIZE"}}}
    assert mapped.execute_in_process(run_config={"size": EnvVar.int("SIZE")}).output_for_node("plus") == 44


def test_a_mapping_that_gives_anything_but_config_of_ops_is_an_error() -> None:
    @job(config=ConfigMapping(lambda told: {"nmber": {"config": {}}}))
    def misspelled() -> None:
        number()

    with pytest.raises(InvalidConfigError, match=r"no op of this name\. Did you mean 'number'"):
        misspelled.execute_in_process()

    @job(config=ConfigMapping(lambda told: RunConfig(resources={"db": {"config": {}}})))
    def resources() -> None:
        number()

    with pytest.raises(InvalidConfigError, match="leave the rest out"):
        resources.execute_in_process()


def test_config_that_is_no_mapping_is_refused_where_it_is_defined() -> None:
    with pytest.raises(InvalidDefinitionError, match="Give what @config_mapping made"):

        @graph(config=3)
        def wrong() -> Any:
            return number()


def test_the_snapshot_says_which_jobs_are_told_by_a_mapping() -> None:
    snapshot = DefinitionsSnapshot.from_bytes(DefinitionsSnapshot.of(Definitions(jobs=[mapped])).to_bytes())
    assert snapshot.jobs["mapped"].maps_config


def test_only_a_job_with_a_mapping_takes_its_section() -> None:
    @job
    def plain() -> None:
        number()

    with pytest.raises(InvalidConfigError, match="only a job with a config mapping"):
        plain.execute_in_process(run_config={"config": {"size": 3}})


# ---- config_schema of ops --------------------------------------------------------------------------------------------


def test_an_op_has_the_config_that_its_schema_says() -> None:
    @op(config_schema={"limit": int})
    def limited(context: OpExecutionContext) -> int:
        return context.op_config["limit"]

    @job
    def limits() -> None:
        limited()

    result = limits.execute_in_process(run_config={"ops": {"limited": {"config": {"limit": 3}}}})
    assert result.output_for_node("limited") == 3
    with pytest.raises(InvalidConfigError, match=r"ops\.limited\.config\.limit"):
        limits.execute_in_process(run_config={"ops": {"limited": {"config": {"limit": "x"}}}})
