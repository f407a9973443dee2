"""Graphs: ops wired to each other, to be run as a job, as an asset, or as a node of another graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from ..errors import InvalidDefinitionError, InvalidInvocationError
from ..in_process import runner
from ..signature import CONTEXT_NAMES
from ..source import SourceLine
from .composition import DynamicHandle, GraphInput, Handle, Placed, Ref, compose, composing, outputs_of
from .config_mapping import ConfigMapping, checked_mapping
from .node import Node
from .ports import DynamicOut, In, Out

if TYPE_CHECKING:
    from .job import OpJobDefinition


class GraphDefinition(Node):
    """A graph: its nodes, its inputs, and which outputs of its nodes are its own.

    `results` maps the names of its outputs to what they are: an output of a node, or an input handed through.
    """

    kind = "graph"

    def __init__(
        self,
        body: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        ins: Mapping[str, Any] | None = None,
        out: Any = None,
        tags: Mapping[str, Any] | None = None,
        config: Any = None,
    ) -> None:
        source = SourceLine.of(body)
        super().__init__(
            name or getattr(body, "__name__", "graph"),
            description=description or inspect.getdoc(body),
            tags=tags,
            source=source,
        )
        self.fn = body
        self.config_mapping: ConfigMapping | None = checked_mapping(config, owner=str(self), source=source)
        """What turns the config of the graph into that of its ops."""
        parameters = _parameters(body, str(self), source)
        for one in ins or ():
            if one not in parameters:
                raise InvalidDefinitionError(f"{source}: {self} has no parameter for its input {one!r}.")
        self.ins: Mapping[str, In] = {parameter: In() for parameter in parameters}
        with compose(str(self), source) as composition:
            returned = body(**{parameter: Handle(GraphInput(parameter)) for parameter in parameters})
        declared = out if isinstance(out, Mapping) else None
        found = outputs_of(returned, declared, owner=str(self), source=source)
        self.placed: dict[str, Placed] = composition.placed
        self.outs: Mapping[str, Out] = {
            one: DynamicOut() if isinstance(handle, DynamicHandle) else Out() for one, handle in found.items()
        }
        self.results: dict[str, Ref | GraphInput] = {one: handle.wire for one, handle in found.items()}
        self.__name__: str = self.name
        self.__doc__ = body.__doc__
        self.__module__ = getattr(body, "__module__", __name__)
        self.__wrapped__ = body

    @property
    def nodes(self) -> Sequence[Node]:
        """The ops and graphs in it, in the order in which the body called them."""
        return [placed.node for placed in self.placed.values()]

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools of all ops in it, each once."""
        found: dict[str, None] = {}
        for node in self.nodes:
            own = node.pools if isinstance(node, GraphDefinition) else (getattr(node, "pool", None),)
            found.update((pool, None) for pool in own if pool is not None)
        return tuple(sorted(found))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Only in the body of another graph: to wire it there."""
        composition = composing()
        if composition is None:
            raise InvalidInvocationError(
                f"{self} was called outside of a graph. Run it with {self.name}.execute_in_process(), or make a job of "
                f"it with {self.name}.to_job()."
            )
        return composition.place(self, args, kwargs)

    def with_config_mapping(self, mapping: ConfigMapping) -> GraphDefinition:
        """A copy whose ops are told what `mapping` makes of its config."""
        return self._with(config_mapping=mapping)

    def to_job(
        self,
        name: str | None = None,
        description: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        config: Any = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hooks: Iterable[Any] | None = None,
        op_retry_policy: Any = None,
        partitions_def: Any = None,
        executor_def: Any = None,
        input_values: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, str] | None = None,
        owners: Sequence[str] | None = None,
    ) -> OpJobDefinition:
        """A job that runs this graph, under the graph's name if there is no other."""
        from .job import OpJobDefinition

        return OpJobDefinition(
            self,
            name=name,
            description=description,
            resource_defs=resource_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            executor_def=executor_def,
            input_values=input_values,
            owners=owners,
        )

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        resources: Mapping[str, Any] | None = None,
        raise_on_error: bool = True,
        input_values: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Any:
        """Run it here and now; as `OpJobDefinition.execute_in_process`."""
        job = self.to_job(resource_defs=resources, input_values=input_values)
        return runner().execute_op_job(
            job, run_config=run_config, instance=instance, raise_on_error=raise_on_error, tags=tags
        )


def _parameters(body: Callable[..., Any], owner: str, source: SourceLine) -> list[str]:
    parameters = inspect.signature(body).parameters
    for parameter in parameters.values():
        if parameter.name in CONTEXT_NAMES:
            raise InvalidDefinitionError(
                f"{source}: {owner} takes a context, but its body runs once, when it is defined. Take the context in "
                "the ops that it wires."
            )
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidDefinitionError(
                f"{source}: {owner}: its parameter {parameter.name!r} cannot be passed by name."
            )
    return list(parameters)


@overload
def graph(compose_fn: Callable[..., Any]) -> GraphDefinition: ...
@overload
def graph(
    *,
    name: str | None = ...,
    description: str | None = ...,
    ins: Mapping[str, Any] | None = ...,
    out: Any = ...,
    tags: Mapping[str, Any] | None = ...,
    config: Any = ...,
) -> Callable[[Callable[..., Any]], GraphDefinition]: ...


def graph(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, Any] | None = None,
    out: Any = None,
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
) -> Any:
    """Make a graph of a function that calls ops: it runs once, now, and only says what is wired to what.

    >>> @graph
    ... def sales():
    ...     return total(load())
    >>> sales.execute_in_process().output_value()
    7

    Its parameters are inputs of the graph, what it returns its outputs: the output of an op, a dict of them by name
    (declared with `out={"a": GraphOut(), ...}`), or nothing. `config` is a ConfigMapping, which makes the config of the
    ops out of that of the graph, or a dict that tells them always the same.

    Raises:
        InvalidDefinitionError: the body passes a constant, or returns something else than outputs.
    """

    def decorate(body: Callable[..., Any]) -> GraphDefinition:
        return GraphDefinition(body, name=name, description=description, ins=ins, out=out, tags=tags, config=config)

    return decorate if compose_fn is None else decorate(compose_fn)
