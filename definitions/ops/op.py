"""The `@op` decorator: a step of work out of a function.

What a function takes and gives is read from its signature: each parameter is an input, except `context`, `config` and
resources; its return annotation is the type of the one output `result`. `ins` and `out` say what a signature cannot.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, get_args, get_origin, get_type_hints, overload

from ..config_schema import checked_schema
from ..errors import DefinitionError, InvalidDefinitionError, did_you_mean
from ..results import UNSET, Output
from ..retries import RetryPolicy, checked_policy
from ..signature import CONFIG_NAME, Signature
from ..source import SourceLine
from .composition import composing
from .node import Node
from .ports import RESULT, DynamicOutput, In, Out, check_name


class OpDefinition(Node):
    """An op: its function, its inputs and outputs by name, and how it is run."""

    kind = "op"

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        ins: Mapping[str, In] | None = None,
        out: Out | Mapping[str, Out] | None = None,
        config_schema: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        retry_policy: RetryPolicy | None = None,
        code_version: str | None = None,
        pool: str | None = None,
    ) -> None:
        source = SourceLine.of(fn)
        super().__init__(
            name or getattr(fn, "__name__", "op"),
            description=description or inspect.getdoc(fn),
            tags=tags,
            source=source,
        )
        self.fn = fn
        self.retry_policy: RetryPolicy | None = checked_policy(retry_policy, owner=str(self), source=source)
        self.code_version = code_version
        self.pool = pool
        """The pool in which a run that has it takes a place."""
        self.config_schema: Any = checked_schema(config_schema, owner=str(self), source=source)
        self.required_resource_keys: frozenset[str] = frozenset(required_resource_keys or ())
        self.signature: Signature = Signature.of(fn)
        for problem in self.signature.problems():
            raise DefinitionError(f"{source}: {self}: {problem}")
        if self.config_schema is not None and self.signature.takes_config:
            raise DefinitionError(
                f"{source}: {self} has both config_schema and a parameter {CONFIG_NAME!r}. Keep one of them."
            )
        self.resource_args: tuple[str, ...] = tuple(p.name for p in self.signature.parameters if p.is_resource)
        self.ins: Mapping[str, In] = self._inputs(dict(ins or {}))
        self.outs: Mapping[str, Out] = self._outputs(out)
        self.__name__: str = self.name
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    @property
    def takes_context(self) -> bool:
        return self.signature.context_arg is not None

    @property
    def resource_names(self) -> frozenset[str]:
        return self.required_resource_keys | set(self.resource_args)

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        try:
            return get_type_hints(self.fn)
        except Exception:  # an annotation that exists for type checkers only
            return {}

    def type_of_input(self, name: str) -> Any:
        """What a value of this input has to be; Any where nothing says so."""
        given = self.ins[name].type_hint
        return self._hints.get(name, Any) if given is None else given

    def type_of_output(self, name: str) -> Any:
        """What a value of this output has to be; Any where nothing says so."""
        given = self.outs[name].type_hint
        if given is not None or len(self.outs) != 1 or inspect.isgeneratorfunction(self.fn):
            return Any if given is None else given
        hint = self._hints.get("return", Any)
        origin = get_origin(hint) or hint
        if origin is Output or origin is DynamicOutput:
            return next(iter(get_args(hint)), Any)
        return Any if self.outs[name].is_dynamic else hint

    def gives_nothing(self, name: str) -> bool:
        """Whether the output only says when: it is declared as Nothing, or the function is annotated with None."""
        only = len(self.outs) == 1 and self.outs[name].type_hint is None
        return self.outs[name].is_nothing or (only and self.signature.returns_nothing)

    def default_of(self, name: str) -> Any:
        """The value of an input that nothing is wired to; UNSET where it has none."""
        if self.ins[name].default_value is not UNSET:
            return self.ins[name].default_value
        parameter = inspect.signature(self.fn).parameters.get(name)
        return UNSET if parameter is None or parameter.default is parameter.empty else parameter.default

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """In the body of a graph: wire it. Anywhere else: run its function, as in a test."""
        composition = composing()
        if composition is not None:
            return composition.place(self, args, kwargs)
        from .invocation import invoke

        return invoke(self, args, kwargs)

    def _inputs(self, given: dict[str, In]) -> dict[str, In]:
        found: dict[str, In] = {}
        for parameter in self.signature.parameters:
            if not parameter.is_resource:
                found[parameter.name] = given.pop(parameter.name, None) or In()
                if found[parameter.name].is_nothing:
                    raise InvalidDefinitionError(
                        f"{self.source}: {self} takes the parameter {parameter.name!r}, which is of type Nothing and "
                        "has no value. Remove the parameter from the function."
                    )
        for name, one in given.items():
            if not one.is_nothing and not self.signature.takes_any_keyword:
                hint = did_you_mean(name, found, "Add the parameter, or write In(Nothing) to wait for something only.")
                raise InvalidDefinitionError(f"{self.source}: {self} has no parameter for its input {name!r}. {hint}")
            check_name(name, what=f"an input of {self}", source=self.source)
            found[name] = one
        return found

    def _outputs(self, out: Out | Mapping[str, Out] | None) -> dict[str, Out]:
        if out is None:
            return {RESULT: Out()}
        if isinstance(out, Out):
            return {RESULT: out}
        for name, one in out.items():
            check_name(name, what=f"an output of {self}", source=self.source)
            if not isinstance(one, Out):
                raise InvalidDefinitionError(f"{self.source}: the output {name!r} of {self} is {one!r}. Give an Out().")
        return dict(out)


@overload
def op(compute_fn: Callable[..., Any]) -> OpDefinition: ...
@overload
def op(
    *,
    name: str | None = ...,
    description: str | None = ...,
    ins: Mapping[str, In] | None = ...,
    out: Out | Mapping[str, Out] | None = ...,
    config_schema: Any = ...,
    required_resource_keys: Iterable[str] | None = ...,
    tags: Mapping[str, Any] | None = ...,
    retry_policy: RetryPolicy | None = ...,
    code_version: str | None = ...,
    pool: str | None = ...,
) -> Callable[[Callable[..., Any]], OpDefinition]: ...


def op(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
) -> Any:
    """Make an op of a function.

    >>> @op
    ... def add(a: int, b: int) -> int:
    ...     return a + b
    >>> add(1, 2)
    3

    A first parameter `context` takes the OpExecutionContext, `config` the config of the run. With several outputs
    (`out={"a": Out(), "b": Out()}`) the function returns a tuple, or yields `Output(value, "a")` and so on.
    `config_schema` is the older way to say what config it takes: that is `context.op_config` then. A run that has the
    op takes a place in its `pool`.

    Raises:
        InvalidDefinitionError: names, inputs and outputs do not fit the function.
    """

    def decorate(fn: Callable[..., Any]) -> OpDefinition:
        return OpDefinition(
            fn,
            name=name,
            description=description,
            ins=ins,
            out=out,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=tags,
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
        )

    return decorate if compute_fn is None else decorate(compute_fn)
