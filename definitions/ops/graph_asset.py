"""Assets made by several ops: the graph runs inside the asset's step, and what it gives is the asset's value.

Each op has its own start and end in the log, and its own retries; between them values stay in memory. The asset is made
when the last of them is through.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..assets_definition import AssetsDefinition
from ..collecting import report
from ..dependencies import AssetIn
from ..errors import InvalidDefinitionError
from ..hooks import HookDefinition, checked_hooks
from ..keys import AssetKey, CoercibleToAssetKey
from ..labels import key_from_user
from ..source import SourceLine
from ..spec import AssetSpec
from ..unsupported import refuse
from .composition import Handle
from .graph import GraphDefinition
from .op import OpDefinition

if TYPE_CHECKING:
    from ..backfill_policy import BackfillPolicy
    from ..conditions.base import AutomationCondition
    from ..partitions.base import PartitionsDefinition


def graph_asset(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    config: Any = None,
    key_prefix: str | Sequence[str] | None = None,
    group_name: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    automation_condition: AutomationCondition | None = None,
    backfill_policy: BackfillPolicy | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Any = None,
    code_version: str | None = None,
    key: CoercibleToAssetKey | None = None,
) -> Any:
    """Make an asset of a function that calls ops, as `@graph` does; its parameters are upstream assets.

    >>> @graph_asset
    ... def revenue(orders):
    ...     return total(cleaned(orders))

    What the last op gives is the asset's value, and the metadata of its output that of the materialization. The config
    of an op stands below the asset: `{"ops": {"revenue": {"ops": {"total": {"config": {...}}}}}}`.
    """

    def decorate(body: Callable[..., Any]) -> AssetsDefinition:
        source = SourceLine.of(body)
        graph = GraphDefinition(body, name=None if name is None else name.replace("-", "_").replace(".", "_"))
        own = key_from_user(
            key or name or getattr(body, "__name__", "asset"), role="the name of an asset", source=source
        )
        own_key = own if key is not None or key_prefix is None else own.with_prefix(key_prefix)
        refuse(
            f"asset {str(own_key)!r}",
            source=source,
            config_schema=config,
            resource_defs=resource_defs,
            check_specs=check_specs,
        )
        spec = AssetSpec(
            own_key,
            description=description or inspect.getdoc(body),
            metadata=metadata,
            group_name=group_name,
            code_version=code_version,
            automation_condition=automation_condition,
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=partitions_def,
            source=source,
        )
        return of_graph(graph, body, spec, ins=ins, hooks=hooks, backfill_policy=backfill_policy)

    return decorate if compose_fn is None else decorate(compose_fn)


def of_graph(
    graph: GraphDefinition,
    body: Callable[..., Any],
    spec: AssetSpec,
    *,
    ins: Mapping[str, AssetIn] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
) -> AssetsDefinition:
    """The asset that `graph` makes: its one output is the asset's value."""
    if len(graph.outs) != 1:
        report(
            InvalidDefinitionError(
                f"{spec.source}: asset {str(spec.key)!r} is made by a graph with {len(graph.outs)} outputs. Return the "
                "output of one op."
            )
        )
    made = AssetsDefinition(body, spec, ins=ins, backfill_policy=backfill_policy)
    made.hooks = checked_hooks(hooks, owner=str(made), source=spec.source)
    made.graph = graph
    return made


def from_graph(
    graph: GraphDefinition,
    *,
    keys_by_input_name: Mapping[str, AssetKey] | None = None,
    keys_by_output_name: Mapping[str, AssetKey] | None = None,
    key_prefix: str | Sequence[str] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    **described: Any,
) -> AssetsDefinition:
    """As `AssetsDefinition.from_graph`."""
    output = next(iter(graph.outs), None)
    own = (keys_by_output_name or {}).get(output or "") or AssetKey([graph.name])
    spec = AssetSpec(
        own if key_prefix is None else own.with_prefix(key_prefix),
        description=described.pop("description", None) or graph.description,
        source=graph.source,
        **described,
    )
    body = _forwarding(graph.fn, list(graph.ins))
    ins = {name: AssetIn(key=key) for name, key in (keys_by_input_name or {}).items()}
    return of_graph(graph, body, spec, ins=ins, backfill_policy=backfill_policy)


def from_op(op: OpDefinition, **described: Any) -> AssetsDefinition:
    """As `AssetsDefinition.from_op`."""

    def wire(**inputs: Handle) -> Any:
        return op(**inputs)

    made = _named(wire, op.fn, [name for name, one in op.ins.items() if not one.is_nothing])
    return from_graph(GraphDefinition(made, name=op.name, description=op.description), **described)


def _forwarding(body: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    def call(**inputs: Any) -> Any:
        return body(**inputs)

    return _named(call, body, names)


def _named(function: Callable[..., Any], origin: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """`function` with the name and the place of `origin`, and parameters of these names."""
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    function.__name__ = getattr(origin, "__name__", "graph")
    function.__doc__ = origin.__doc__
    function.__module__ = getattr(origin, "__module__", __name__)
    function.__wrapped__ = origin  # type: ignore[attr-defined]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function
