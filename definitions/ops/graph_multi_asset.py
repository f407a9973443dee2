"""Several assets made by one graph of ops: each output of the graph is the value of one of them.

They share a step, as those of a `@multi_asset` do, and inside it each op has its own events and retries. Where a run
makes some of them, only the ops that these come from are run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..asset_out import AssetOut
from ..checks import checked_specs
from ..dependencies import AssetIn
from ..errors import InvalidDefinitionError
from ..hooks import HookDefinition, checked_hooks
from ..keys import AssetKey
from ..labels import checked_name
from ..multi_asset import check_members, one_policy, outs_produced
from ..multi_assets import MultiAssetsDefinition
from ..source import SourceLine
from .graph import GraphDefinition
from .graph_asset import as_graph_name, check_outputs, forwarding
from .ports import GraphOut

if TYPE_CHECKING:
    from ..backfill_policy import BackfillPolicy
    from ..check_specs import AssetCheckSpec
    from ..partitions.base import PartitionsDefinition


def graph_multi_asset(
    *,
    outs: Mapping[str, AssetOut],
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    group_name: str | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    config: Any = None,
) -> Callable[[Callable[..., Any]], MultiAssetsDefinition]:
    """Make several assets of a function that calls ops, as `@graph` does; its parameters are upstream assets.

    >>> @graph_multi_asset(outs={"clean": AssetOut(), "revenue": AssetOut()})
    ... def books(orders):
    ...     kept = cleaned(orders)
    ...     return {"clean": kept, "revenue": total(kept)}
    >>> materialize([orders, books]).output_for_node("books", "revenue")
    7

    The function returns the outputs of ops by the names of the outs, or as a tuple in their order. An output that its
    op leaves out is not made, which needs `AssetOut(is_required=False)`. If an op fails, what others gave is made. With
    `can_subset` a run may make some of the assets, and runs only the ops that these come from.

    Raises:
        InvalidDefinitionError: the body does not give what `outs` declares.
    """

    def decorate(body: Callable[..., Any]) -> MultiAssetsDefinition:
        source = SourceLine.of(body)
        own = checked_name(name or getattr(body, "__name__", "assets"), role="the name of a multi-asset", source=source)
        checks = checked_specs(check_specs or (), owner=f"multi-asset {own!r}", source=source)
        declared = {**{one: GraphOut() for one in outs}, **{spec.name: GraphOut() for spec in checks}}
        return of_graph_outs(
            GraphDefinition(body, name=as_graph_name(own), out=declared, config=config),
            body,
            outs,
            name=own,
            ins=ins,
            partitions_def=partitions_def,
            hooks=hooks,
            backfill_policy=backfill_policy,
            group_name=group_name,
            can_subset=can_subset,
            check_specs=checks,
            resource_defs=resource_defs,
        )

    return decorate


def of_graph_outs(
    graph: GraphDefinition,
    body: Callable[..., Any],
    outs: Mapping[str, AssetOut],
    *,
    name: str,
    ins: Mapping[str, AssetIn] | None = None,
    internal_asset_deps: Mapping[str, Iterable[Any]] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    group_name: str | None = None,
    can_subset: bool = False,
    check_specs: Iterable[AssetCheckSpec] = (),
    resource_defs: Mapping[str, Any] | None = None,
) -> MultiAssetsDefinition:
    """The assets that `graph` makes, one of each of `outs`, which are outputs of it."""
    source = graph.source
    owner = f"multi-asset {name!r}"
    if not outs:
        raise InvalidDefinitionError(f"{source}: {owner} makes no asset. List in outs what it makes.")
    if stray := sorted(set(graph.outs) - set(outs) - set(check_outputs(check_specs))):
        raise InvalidDefinitionError(
            f"{source}: {owner} has no out for the output {stray[0]!r} of its graph. Add it to outs, or do not return "
            "it."
        )
    defaults: dict[str, Any] = {"group_name": group_name, "code_version": None, "partitions_def": partitions_def}
    made = MultiAssetsDefinition(
        body,
        outs_produced(outs, [], internal_asset_deps or {}, owner, source, defaults),
        name=name,
        source=source,
        can_subset=can_subset,
        description=graph.description or inspect.getdoc(body),
        ins=ins,
        check_specs=check_specs,
        resource_defs=resource_defs,
        backfill_policy=one_policy(owner, source, [backfill_policy, *(one.backfill_policy for one in outs.values())]),
    )
    made.hooks = checked_hooks(hooks, owner=str(made), source=source)
    made.graph = graph
    check_members(made, ())
    return made


def from_graph_of_several(
    graph: GraphDefinition,
    *,
    keys_by_input_name: Mapping[str, AssetKey] | None = None,
    keys_by_output_name: Mapping[str, AssetKey] | None = None,
    key_prefix: str | Sequence[str] | None = None,
    partition_mappings: Mapping[str, Any] | None = None,
    by_output: Mapping[str, Mapping[str, Any]],
    **others: Any,
) -> MultiAssetsDefinition:
    """As `AssetsDefinition.from_graph`, of a graph with several outputs. `by_output` is what is said of each of them,
    by the name that AssetOut has for it; `others` are as in `graph_multi_asset`."""
    of_checks = check_outputs(others.get("check_specs") or ())
    outs: dict[str, AssetOut] = {}
    for output in graph.outs:
        if output in of_checks:
            continue
        own = AssetKey.of((keys_by_output_name or {}).get(output) or output)
        said = {what: given[output] for what, given in by_output.items() if given and output in given}
        outs[output] = AssetOut(key=own if key_prefix is None else own.with_prefix(key_prefix), **said)
    mappings = partition_mappings or {}
    keys = {name: (keys_by_input_name or {}).get(name) for name in graph.ins}
    ins = {
        name: AssetIn(key=key, partition_mapping=mappings.get(name))
        for name, key in keys.items()
        if key is not None or name in mappings
    }
    return of_graph_outs(graph, forwarding(graph.fn, list(graph.ins)), outs, name=graph.name, ins=ins, **others)
