"""Jobs over assets: what they select, what is refused, and what the daemon reads of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater import HookContext, Instance, success_hook
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.asset_jobs import AssetJobDefinition, define_asset_job
from headwater.definitions.checks import asset_check
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import DefinitionErrors, InvalidDefinitionError, InvalidInvocationError
from headwater.definitions.executors import in_process_executor, multiprocess_executor
from headwater.definitions.loading import load_definitions
from headwater.definitions.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.definitions.run_config import RunConfig
from headwater.definitions.selection import AssetSelection
from headwater.definitions.snapshot import DefinitionsSnapshot

DAILY = DailyPartitionsDefinition("2026-01-01")

inbox = AssetSpec("inbox")


@asset(deps=[inbox], group_name="sales")
def orders() -> int:
    return 1


@asset(group_name="sales")
def revenue(orders: int) -> int:
    return orders


@asset(partitions_def=DAILY)
def visits() -> None: ...


@asset_check(asset=orders, blocking=True)
def not_empty() -> bool:
    return True


def defs(*jobs: Any, **more: Any) -> Definitions:
    return Definitions([inbox, orders, revenue, visits], [not_empty], jobs=jobs, **more)


def errors_of(definitions: Definitions) -> list[str]:
    with pytest.raises(DefinitionErrors) as raised:
        definitions.validate()
    return [str(error) for error in raised.value.errors]


@pytest.mark.parametrize(
    "selection",
    ["group:sales", AssetSelection.groups("sales"), [orders, revenue], ["revenue", "orders"], "orders+"],
)
def test_a_job_makes_what_its_selection_names_upstream_first_with_the_checks(selection: Any) -> None:
    definitions = defs(define_asset_job("nightly", selection=selection))
    contents = definitions.contents_of("nightly")
    assert [str(key) for key in contents.assets] == ["orders", "revenue"]
    assert [str(check) for check in contents.checks] == ["orders:not_empty"]
    assert contents.partitions is None


def test_without_a_selection_it_makes_all_that_is_made_here() -> None:
    contents = defs(define_asset_job("everything")).contents_of("everything")
    assert {str(key) for key in contents.assets} == {"orders", "revenue", "visits"}
    assert contents.partitions == DAILY


def test_a_job_is_found_by_its_name() -> None:
    nightly = define_asset_job("nightly")
    definitions = defs(nightly)
    found = [definitions.job("nightly"), definitions.get_job_def("nightly"), definitions.resolve_job_def("nightly")]
    assert [(job.name, job.source) for job in found] == [("nightly", nightly.source)] * 3
    assert isinstance(nightly, AssetJobDefinition)
    with pytest.raises(InvalidInvocationError, match="Did you mean 'nightly'"):
        definitions.job("nightl")


def test_two_jobs_of_one_name_are_reported_with_both_places() -> None:
    message, *others = errors_of(defs(define_asset_job("nightly"), define_asset_job("nightly", "orders")))
    assert not others
    assert message.startswith("tests/definitions/test_asset_jobs.py:")
    assert message.count("test_asset_jobs.py:") == 2
    assert "job 'nightly' is defined a second time" in message


def test_merging_keeps_jobs_and_the_same_job_may_come_twice() -> None:
    nightly, other = define_asset_job("nightly"), define_asset_job("other", "orders")
    merged = Definitions.merge(
        defs(nightly, executor=multiprocess_executor, loggers={"a": "l"}), Definitions(jobs=[nightly, other])
    )
    merged.validate()
    assert list(merged.jobs) == ["nightly", "other"]
    assert (merged.executor, merged.loggers) == (multiprocess_executor, {"a": "l"})


def test_two_executors_cannot_be_merged() -> None:
    with pytest.raises(InvalidDefinitionError, match="executor"):
        Definitions.merge(Definitions(executor=in_process_executor), Definitions(executor=multiprocess_executor))


def test_what_a_selection_names_and_nobody_defines_is_reported_at_load() -> None:
    (message,) = errors_of(defs(define_asset_job("nightly", selection="order")))
    assert "job 'nightly'" in message
    assert "Did you mean 'orders'" in message


def test_a_selection_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"test_asset_jobs.py:\d+: job 'nightly'.*column"):
        define_asset_job("nightly", selection="group:sales and")


@pytest.mark.parametrize("name", ["night ly", "", "a-b", 3])
def test_a_name_has_letters_digits_and_underscores(name: Any) -> None:
    with pytest.raises(InvalidDefinitionError, match="cannot be the name of a job"):
        define_asset_job(name)


def test_partitions_that_differ_within_a_job_are_reported() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def letters() -> None: ...

    mixed = Definitions([visits, letters], jobs=[define_asset_job("mixed")])
    (message,) = errors_of(mixed)
    assert "job 'mixed': its assets are partitioned differently" in message
    other = Definitions([visits], jobs=[define_asset_job("own", partitions_def=letters.partitions_def)])
    assert "partitions_def is" in errors_of(other)[0]


def test_something_else_among_the_jobs_is_reported() -> None:
    with pytest.raises(InvalidDefinitionError, match="'nightly' among the jobs"):
        Definitions(jobs=["nightly"])


def test_the_snapshot_holds_jobs_as_data_and_leaves_them_out_where_there_are_none() -> None:
    config = RunConfig(ops={"orders": {"config": {"limit": 3}}})
    nightly = define_asset_job("nightly", "group:sales", config, "Every night.", tags={"team": "sales"})
    plain = define_asset_job("a_plain", "visits", run_tags={"k": "v"})
    snapshot = defs(nightly, plain).snapshot()
    assert list(snapshot.jobs) == ["a_plain", "nightly"]
    job = snapshot.jobs["nightly"]
    assert (job.kind, job.assets, job.checks) == ("asset", ("orders", "revenue"), (("orders", "not_empty"),))
    assert (job.tags, job.run_tags, job.description) == ({"team": "sales"}, {"team": "sales"}, "Every night.")
    assert job.config == {"ops": {"orders": {"config": {"limit": 3}}}}
    assert snapshot.jobs["a_plain"].partitions == DAILY
    again = DefinitionsSnapshot.from_bytes(snapshot.to_bytes())
    assert again == snapshot
    assert b'"jobs"' not in defs().snapshot().to_bytes()
    assert defs(plain, nightly).snapshot().hash == snapshot.hash


def test_a_module_without_definitions_offers_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "flow_with_jobs.py"
    file.write_text(
        "from headwater import asset, define_asset_job\n"
        "@asset\ndef one(): return 1\n"
        "jobs = [define_asset_job('first', 'one'), define_asset_job('second', 'one')]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(load_definitions(file).jobs) == ["first", "second"]


def test_a_job_of_definitions_runs_here_with_its_config_tags_and_hooks(tmp_path: Path) -> None:
    told: list[str] = []

    @success_hook
    def tell(context: HookContext) -> None:
        told.append(f"{context.job_name}: {context.step_key}")

    every = define_asset_job("every", "orders+", hooks={tell}, run_tags={"team": "sales"})
    definitions = Definitions([inbox, orders, revenue, visits], jobs=[every, define_asset_job("daily", "visits")])
    with Instance.local(tmp_path) as instance:
        result = definitions.resolve_job_def("every").execute_in_process(instance=instance)
        run = instance.get_run_by_id(result.run_id)
    assert result.output_for_node("revenue") == 1
    assert told == ["every: orders", "every: revenue"]
    assert run is not None
    assert (run.job_name, run.tags) == ("every", {"team": "sales"})
    assert definitions.get_job_def("daily").execute_in_process(partition_key="2026-01-01").success
    with pytest.raises(InvalidInvocationError, match="say which partition"):
        definitions.job("daily").execute_in_process()


def test_a_job_runs_those_of_its_assets_that_are_named() -> None:
    definitions = Definitions([inbox, orders, revenue], jobs=[define_asset_job("every", "orders+")])
    job = definitions.job("every")
    assert isinstance(job, AssetJobDefinition)
    made = job.execute_in_process(asset_selection=["orders"]).get_asset_materialization_events()
    assert [str(event.asset_key) for event in made] == ["orders"]


def test_a_job_that_comes_from_no_definitions_says_where_to_take_it_from() -> None:
    with pytest.raises(InvalidInvocationError, match=r"defs\.job\('every'\)\.execute_in_process"):
        define_asset_job("every").execute_in_process()
