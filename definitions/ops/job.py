"""Jobs of ops: a graph under a name, with the resources, config, hooks and retries that its runs have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

from ..errors import InvalidDefinitionError
from ..hooks import HookDefinition, checked_hooks
from ..in_process import runner
from ..jobs import JobDefinition
from ..retries import checked_policy
from ..source import SourceLine
from .config_mapping import ConfigMapping
from .flat import FlatGraph, flatten
from .graph import GraphDefinition


class OpJobDefinition(JobDefinition):
    """A job that runs a graph of ops."""

    kind = "op"

    def __init__(
        self,
        graph: GraphDefinition,
        *,
        name: str | None = None,
        description: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        config: Any = None,
        tags: Mapping[str, str] | None = None,
        run_tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hooks: Iterable[Any] | None = None,
        op_retry_policy: Any = None,
        partitions_def: Any = None,
        executor_def: Any = None,
        input_values: Mapping[str, Any] | None = None,
        owners: Sequence[str] | None = None,
    ) -> None:
        own = name or graph.name
        if isinstance(config, ConfigMapping):
            graph, config = graph.with_config_mapping(config), None
        super().__init__(
            own,
            description=description or graph.description,
            config=config,
            tags={**graph.tags, **(tags or {})},
            run_tags=run_tags,
            metadata=metadata,
            partitions_def=partitions_def,
            executor_def=executor_def,
            hooks=checked_hooks(hooks, owner=f"job {own!r}", source=graph.source),
            op_retry_policy=checked_policy(op_retry_policy, owner=f"job {own!r}", source=graph.source),
            owners=owners,
            source=graph.source,
        )
        self.graph = graph
        self.resource_defs: dict[str, Any] = dict(resource_defs or {})
        self.input_values: dict[str, Any] = dict(input_values or {})
        if unknown := [one for one in self.input_values if one not in graph.ins]:
            raise InvalidDefinitionError(
                f"{graph.source}: {self} has input_values for {unknown[0]!r}, which is no input of {graph}."
            )
        self.__name__ = own
        self.__doc__ = graph.__doc__
        self.__module__ = graph.__module__
        flatten(graph)  # what is wrong with it is said where it is defined

    @cached_property
    def flat(self) -> FlatGraph:
        """The ops that it runs, with the hooks and the retry policy of the job."""
        return flatten(self._whole)

    @property
    def maps_config(self) -> bool:
        """Whether a mapping makes the config of its ops out of what its runs are told."""
        return self.graph.config_mapping is not None

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools in each of which a run of it takes a place: those of its ops."""
        return self.graph.pools

    @property
    def _whole(self) -> GraphDefinition:
        whole = self.graph.with_hooks(self.hooks) if self.hooks else self.graph
        if self.op_retry_policy is None or whole.retry_policy is not None:
            return whole
        return whole.with_retry_policy(self.op_retry_policy)

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> OpJobDefinition:
        """A copy with more hooks."""
        import copy

        made = copy.copy(self)
        made.hooks = (*self.hooks, *checked_hooks(hook_defs, owner=str(self), source=SourceLine.here(1)))
        made.__dict__.pop("flat", None)
        return made

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        op_selection: Sequence[str] | None = None,
        input_values: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        resources: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run it here and now, its steps one after the other; values live in memory unless an `instance` is given.

        `op_selection` names the ops to run, with "+" for what is upstream ("+total") or downstream ("total+"); what
        they take from others has to have a default or a value in the run config.

        Raises:
            InvalidConfigError: the run config does not fit, or an input has no value.
            Exception: what the first step that failed raised, unless `raise_on_error` is false.
        """
        return runner().execute_op_job(
            self,
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            input_values=input_values,
            tags=tags,
            resources=resources,
        )


@overload
def job(compose_fn: Callable[..., Any]) -> OpJobDefinition: ...
@overload
def job(
    *,
    name: str | None = ...,
    description: str | None = ...,
    resource_defs: Mapping[str, Any] | None = ...,
    config: Any = ...,
    tags: Mapping[str, str] | None = ...,
    run_tags: Mapping[str, str] | None = ...,
    metadata: Mapping[str, Any] | None = ...,
    logger_defs: Mapping[str, Any] | None = ...,
    executor_def: Any = ...,
    hooks: Iterable[Any] | None = ...,
    op_retry_policy: Any = ...,
    partitions_def: Any = ...,
    input_values: Mapping[str, Any] | None = ...,
    owners: Sequence[str] | None = ...,
) -> Callable[[Callable[..., Any]], OpJobDefinition]: ...


def job(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, str] | None = None,
    run_tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    logger_defs: Mapping[str, Any] | None = None,
    executor_def: Any = None,
    hooks: Iterable[Any] | None = None,
    op_retry_policy: Any = None,
    partitions_def: Any = None,
    input_values: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
) -> Any:
    """Make a job of a function that calls ops, as `@graph` does for a graph.

    >>> @job
    ... def nightly():
    ...     store(transform(load()))
    >>> nightly.execute_in_process().success
    True

    `config` is the run config of its runs where a request gives none, `op_retry_policy` holds for ops without their
    own, `hooks` run after each of its steps.
    """
    from ..unsupported import refuse

    def decorate(body: Callable[..., Any]) -> OpJobDefinition:
        graph = GraphDefinition(body, name=name, description=description)
        refuse(f"job {graph.name!r}", source=graph.source, loggers=logger_defs)
        return graph.to_job(
            resource_defs=resource_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            executor_def=executor_def,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            input_values=input_values,
            owners=owners,
        )

    return decorate if compose_fn is None else decorate(compose_fn)
