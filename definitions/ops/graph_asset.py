"""Assets made by several ops: the graph runs inside the asset's step, and what it gives is the asset's value.

Each op has its own start and end in the log, and its own retries; between them values stay in memory. The asset is made
when the last of them is through.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..assets_definition import AssetsDefinition
from ..checks import checked_specs
from ..collecting import report
from ..dependencies import AssetIn
from ..errors import InvalidDefinitionError
from ..hooks import HookDefinition, checked_hooks
from ..keys import AssetKey, CoercibleToAssetKey
from ..labels import key_from_user
from ..source import SourceLine
from ..spec import AssetSpec
from .composition import Handle
from .graph import GraphDefinition
from .op import OpDefinition
from .ports import RESULT, GraphOut

if TYPE_CHECKING:
    from ..backfill_policy import BackfillPolicy
    from ..check_specs import AssetCheckSpec
    from ..conditions.base import AutomationCondition
    from ..partitions.base import PartitionsDefinition
    from ..partitions.mappings import PartitionMapping


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
    check_specs: Sequence[AssetCheckSpec] | None = None,
    code_version: str | None = None,
    key: CoercibleToAssetKey | None = None,
) -> Any:
    """Make an asset of a function that calls ops, as `@graph` does; its parameters are upstream assets.

    >>> @graph_asset
    ... def revenue(orders):
    ...     return total(cleaned(orders))

    What the last op gives is the asset's value, and the metadata of its output that of the materialization. The config
    of an op stands below the asset: `{"ops": {"revenue": {"ops": {"total": {"config": {...}}}}}}`; `config` is as that
    of `@graph`.

    With `check_specs` it returns a dict: `result` is the value, and under the name of each check stands the output of
    an op that gives its AssetCheckResult.
    """

    def decorate(body: Callable[..., Any]) -> AssetsDefinition:
        source = SourceLine.of(body)
        own = key_from_user(
            key or name or getattr(body, "__name__", "asset"), role="the name of an asset", source=source
        )
        own_key = own if key is not None or key_prefix is None else own.with_prefix(key_prefix)
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
        checks = checked_specs(check_specs or (), owner=str(spec.key), source=source)
        graph = GraphDefinition(
            body,
            name=None if name is None else as_graph_name(name),
            out={RESULT: GraphOut(), **{one.name: GraphOut() for one in checks}} if checks else None,
            config=config,
        )
        return of_graph(
            graph,
            body,
            spec,
            ins=ins,
            hooks=hooks,
            backfill_policy=backfill_policy,
            check_specs=checks,
            resource_defs=resource_defs,
        )

    return decorate if compose_fn is None else decorate(compose_fn)


def of_graph(
    graph: GraphDefinition,
    body: Callable[..., Any],
    spec: AssetSpec,
    *,
    ins: Mapping[str, AssetIn] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    check_specs: Iterable[AssetCheckSpec] = (),
    resource_defs: Mapping[str, Any] | None = None,
) -> AssetsDefinition:
    """The asset that `graph` makes: its one output that is of none of the checks is the asset's value."""
    of_checks = check_outputs(check_specs)
    if len([name for name in graph.outs if name not in of_checks]) != 1:
        report(
            InvalidDefinitionError(
                f"{spec.source}: asset {str(spec.key)!r} is made by a graph with {len(graph.outs)} outputs. Return the "
                "output of one op."
            )
        )
    made = AssetsDefinition(
        body, spec, ins=ins, backfill_policy=backfill_policy, check_specs=check_specs, resource_defs=resource_defs
    )
    made.hooks = checked_hooks(hooks, owner=str(made), source=spec.source)
    made.graph = graph
    return made


def check_outputs(specs: Iterable[AssetCheckSpec]) -> dict[str, AssetCheckSpec]:
    """The checks by the outputs of a graph that may give their results: the check's name, or with its asset's before
    it."""
    listed = list(specs)
    return {**{spec.get_python_identifier(): spec for spec in listed}, **{spec.name: spec for spec in listed}}


def as_graph_name(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


OF_OUTPUTS = {
    "metadata_by_output_name": "metadata",
    "tags_by_output_name": "tags",
    "descriptions_by_output_name": "description",
    "owners_by_output_name": "owners",
    "kinds_by_output_name": "kinds",
    "group_names_by_output_name": "group_name",
    "code_versions_by_output_name": "code_version",
    "freshness_policies_by_output_name": "freshness_policy",
    "automation_conditions_by_output_name": "automation_condition",
}
"""What is said of each output by its name, and what it is called where there is only one asset."""


def assets_from_graph(graph: GraphDefinition, **described: Any) -> AssetsDefinition:
    """As `AssetsDefinition.from_graph`."""
    by_output = {own: described.pop(name) or {} for name, own in OF_OUTPUTS.items() if name in described}
    of_checks = check_outputs(described.get("check_specs") or ())
    outputs = [name for name in graph.outs if name not in of_checks]
    if len(outputs) != 1 or described.get("can_subset"):
        from .graph_multi_asset import from_graph_of_several

        return from_graph_of_several(graph, by_output=by_output, **described)
    own = {what: given[outputs[0]] for what, given in by_output.items() if outputs[0] in given}
    return from_graph(graph, output=outputs[0], **own, **described)


def from_graph(
    graph: GraphDefinition,
    *,
    output: str,
    keys_by_input_name: Mapping[str, AssetKey] | None = None,
    keys_by_output_name: Mapping[str, AssetKey] | None = None,
    key_prefix: str | Sequence[str] | None = None,
    partition_mappings: Mapping[str, PartitionMapping] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    can_subset: bool = False,
    **described: Any,
) -> AssetsDefinition:
    """The asset that the one `output` of a graph is."""
    own = (keys_by_output_name or {}).get(output) or AssetKey([graph.name])
    spec = AssetSpec(
        own if key_prefix is None else own.with_prefix(key_prefix),
        description=described.pop("description", None) or graph.description,
        source=graph.source,
        **described,
    )
    body = forwarding(graph.fn, list(graph.ins))
    keys, mappings = keys_by_input_name or {}, partition_mappings or {}
    ins = {
        name: AssetIn(key=keys.get(name), partition_mapping=mappings.get(name))
        for name in graph.ins
        if name in keys or name in mappings
    }
    return of_graph(
        graph,
        body,
        spec,
        ins=ins,
        hooks=hooks,
        backfill_policy=backfill_policy,
        check_specs=check_specs or (),
        resource_defs=resource_defs,
    )


def from_op(op: OpDefinition, **described: Any) -> AssetsDefinition:
    """As `AssetsDefinition.from_op`."""

    def wire(**inputs: Handle) -> Any:
        return op(**inputs)

    outs = {name: GraphOut() for name in op.outs} if len(op.outs) > 1 else None
    made = _named(wire, op.fn, [name for name, one in op.ins.items() if not one.is_nothing])
    return assets_from_graph(GraphDefinition(made, name=op.name, description=op.description, out=outs), **described)


def forwarding(body: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """A function of parameters of these names that goes by the name and the place of `body`."""

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
