"""The flat form of a graph: its ops alone, whatever graphs they stand in, each with where its inputs come from.

A step's key is the path of names that leads to the op, joined by dots. What is mapped over a dynamic output stands here
once, as the template of its steps (`over` says over which output); how many there are is known when that was produced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ..errors import InvalidDefinitionError
from ..hooks import HookDefinition
from ..retries import RetryPolicy
from .composition import FanIn, GraphInput, Wire
from .config_mapping import ConfigMapping
from .graph import GraphDefinition
from .op import OpDefinition

PRIORITY_TAG = "headwater/priority"
"""The tag of an op that says which of several ready steps goes first: the one with the larger number."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """An output of another op. `collected`: all values of a dynamic one, or of what was mapped over one, as a list."""

    step: str
    output: str
    collected: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """An input of the whole graph, which whoever runs it has a value for."""

    name: str


@dataclass(frozen=True, slots=True)
class Several:
    """Several sources as one list."""

    sources: tuple[Upstream | Given, ...]


Source = Upstream | Given | Several


@dataclass(frozen=True, slots=True)
class OpNode:
    """One op in its place. An input that is missing in `inputs` takes its default, or its value in the run config."""

    step_key: str
    op: OpDefinition
    inputs: Mapping[str, Source]
    hooks: frozenset[HookDefinition]
    retry_policy: RetryPolicy | None
    tags: Mapping[str, str]
    over: tuple[str, str] | None = None
    """The step and the dynamic output for each of whose values it runs."""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.step_key.split("."))

    @property
    def priority(self) -> int:
        try:
            return int(self.tags.get(PRIORITY_TAG, 0))
        except ValueError:
            return 0

    def upstream(self) -> Iterator[Upstream]:
        for source in self.inputs.values():
            for one in source.sources if isinstance(source, Several) else (source,):
                if isinstance(one, Upstream):
                    yield one


@dataclass(frozen=True, slots=True)
class FlatGraph:
    """The ops of a graph, each after those that it takes from, and where the graph's own outputs come from."""

    nodes: tuple[OpNode, ...]
    results: Mapping[str, Upstream | Given]
    mappings: tuple[tuple[tuple[str, ...], ConfigMapping], ...] = ()
    """The config mappings of the graphs in it, each with the path of its graph, an outer one before those inside."""

    def node(self, step_key: str) -> OpNode:
        return next(node for node in self.nodes if node.step_key == step_key)

    def needed_for(self, outputs: Collection[str]) -> frozenset[str]:
        """The steps of the ops that these outputs of the graph come from, directly or not."""
        by_key = {node.step_key: node for node in self.nodes}
        left = [source.step for name in outputs if isinstance(source := self.results.get(name), Upstream)]
        needed: set[str] = set()
        while left:
            key = left.pop()
            if key not in needed:
                needed.add(key)
                left += [source.step for source in by_key[key].upstream()]
        return frozenset(needed)


def flatten(graph: GraphDefinition) -> FlatGraph:
    """The flat form.

    Raises:
        InvalidDefinitionError: a step depends on two dynamic outputs, or is dynamic and mapped over another.
    """
    found: dict[str, OpNode] = {}
    given: dict[str, Source | None] = {name: Given(name) for name in graph.ins}
    results = _flatten(graph, (), given, graph.hooks, graph.retry_policy, found)
    outer = {name: source for name, source in results.items() if isinstance(source, (Upstream, Given))}
    return FlatGraph(tuple(found.values()), outer, tuple(_mappings(graph, ())))


def _mappings(graph: GraphDefinition, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ConfigMapping]]:
    if graph.config_mapping is not None:
        yield path, graph.config_mapping
    for name, placed in graph.placed.items():
        if isinstance(placed.node, GraphDefinition):
            yield from _mappings(placed.node, (*path, name))


def _flatten(
    graph: GraphDefinition,
    path: tuple[str, ...],
    given: Mapping[str, Source | None],
    hooks: frozenset[HookDefinition],
    retry_policy: RetryPolicy | None,
    found: dict[str, OpNode],
) -> dict[str, Source]:
    """Add the ops of `graph` to `found`; returns the sources of its outputs."""
    outputs: dict[tuple[str, str], Source] = {}
    for name, placed in graph.placed.items():  # the body called what is upstream first: it needed its handles
        node = placed.node
        inputs: dict[str, Source | None] = {one: _source(wire, outputs, given) for one, wire in placed.inputs.items()}
        own_hooks, policy = hooks | node.hooks, node.retry_policy or retry_policy
        if isinstance(node, GraphDefinition):
            inner = _flatten(node, (*path, name), {**dict.fromkeys(node.ins), **inputs}, own_hooks, policy, found)
            outputs |= {(name, output): source for output, source in inner.items()}
        else:
            assert isinstance(node, OpDefinition)
            made = OpNode(
                step_key=".".join((*path, name)),
                op=node,
                inputs={one: source for one, source in inputs.items() if source is not None},
                hooks=own_hooks,
                retry_policy=policy,
                tags=node.tags,
            )
            over = _over(made, found)
            found[made.step_key] = made if over is None else replace(made, over=over)
            outputs |= {(name, output): Upstream(made.step_key, output) for output in node.outs}
    return {name: source for name, wire in graph.results.items() if (source := _source(wire, outputs, given))}


def _source(wire: Wire, outputs: Mapping[tuple[str, str], Source], given: Mapping[str, Source | None]) -> Source | None:
    """What a wire leads to; None for an input of a nested graph that nothing is wired to."""
    if isinstance(wire, GraphInput):
        return given[wire.name]
    if isinstance(wire, FanIn):
        parts = [_source(one, outputs, given) for one in wire.sources]
        flat = [one for part in parts if part for one in (part.sources if isinstance(part, Several) else (part,))]
        return Several(tuple(flat))
    source = outputs[wire.node, wire.output]
    if wire.collected and isinstance(source, Upstream):
        return Upstream(source.step, source.output, collected=True)
    return source


def _over(node: OpNode, found: Mapping[str, OpNode]) -> tuple[str, str] | None:
    """The dynamic output that the node is mapped over."""
    over: tuple[str, str] | None = None
    for source in node.upstream():
        if source.collected:
            continue
        above = found[source.step]
        dynamic = (source.step, source.output) if above.op.outs[source.output].is_dynamic else above.over
        if dynamic is not None and over not in (None, dynamic):
            raise _error(node, f"depends on two dynamic outputs, of {over and over[0]!r} and {dynamic[0]!r}")
        over = dynamic or over
    if over is not None and any(out.is_dynamic for out in node.op.outs.values()):
        raise _error(node, f"has a dynamic output and is mapped over that of {over[0]!r}")
    return over


def _error(node: OpNode, what: str) -> InvalidDefinitionError:
    return InvalidDefinitionError(f"{node.op.source}: the step {node.step_key!r} {what}. Collect one of them first.")
