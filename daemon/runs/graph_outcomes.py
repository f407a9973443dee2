"""What a graph gave, as results of the assets that it makes: its outputs are their values, or results of checks."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...definitions.annotations import shown
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.errors import ExecutionError
from ...definitions.ops.graph_asset import check_outputs
from ...definitions.results import AssetCheckResult, MaterializeResult, Output
from .graph_step import GraphRun
from .outputs import Made, outcome_of


def graph_outcome(asset: AssetsDefinition, run: GraphRun) -> Made:
    """What the graph of one asset gave: its value, and the results of the checks that are outputs beside it.

    Raises:
        Exception: what the first of its ops that failed raised.
    """
    for error in run.errors:
        raise error
    of_checks = check_outputs(asset.check_specs)
    value = next((result for name, result in run.results.items() if name not in of_checks), None)
    if value is None:
        raise ExecutionError(f"{asset.source}: {asset} was given no value: the op that it comes from left it out.")
    made = outcome_of(asset, value)
    assert made is not None
    return replace(made, check_results=(*made.check_results, *_checked(asset, run)))


def graph_results(members: Sequence[AssetsDefinition], run: GraphRun) -> Iterable[Any]:
    """What the graph of several assets gave, each with the name of the asset's output.

    Raises:
        Exception: what the first of its ops that failed raised, after all that was given nevertheless.
    """
    by_name = {member.output_name: member for member in members}
    for name, result in run.results.items():
        if name not in by_name:
            continue
        if isinstance(result, MaterializeResult):
            result = copy.copy(result)
            result.asset_key = result.asset_key or by_name[name].key
            yield result
        elif isinstance(result, Output):
            yield Output(result.value, name, metadata=result.metadata)
        else:
            yield result
    for member in members:
        yield from _checked(member, run)
    for error in run.errors:
        raise error


def _checked(asset: AssetsDefinition, run: GraphRun) -> Iterable[AssetCheckResult]:
    """The results of its checks, each as the output of this name said it."""
    for name, spec in check_outputs(asset.check_specs).items():
        if name not in run.results:
            continue
        result = run.results[name]
        if not isinstance(result, AssetCheckResult):
            value = result.value if isinstance(result, Output) else result
            raise ExecutionError(
                f"{asset.source}: {asset}: its graph gave {shown(value)} for {spec}. The op must return an "
                "AssetCheckResult."
            )
        result = copy.copy(result)
        result.asset_key, result.check_name = result.asset_key or spec.asset_key, result.check_name or spec.name
        yield result
