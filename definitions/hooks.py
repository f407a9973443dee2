"""Hooks: what a project does after each step, such as telling somebody that it failed.

>>> @failure_hook
... def tell(context: HookContext):
...     context.resources.chat.post(f"{context.step_key} failed: {context.op_exception}")

A hook runs once the end of its step is in the log, in the process of the step. What it raises is recorded and changes
nothing of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, overload

from .errors import InvalidDefinitionError
from .keys import AssetKey
from .source import SourceLine

On = Literal["success", "failure"]


class HookContext:
    """What a hook is told of the step that has just ended."""

    def __init__(
        self,
        *,
        step_key: str,
        run_id: str = "",
        job_name: str | None = None,
        op_name: str = "",
        asset_key: AssetKey | None = None,
        partition_key: str | None = None,
        op_exception: BaseException | None = None,
        op_output_values: Mapping[str, Any] | None = None,
        op_config: Any = None,
        resources: Any = None,
        log: logging.Logger | None = None,
        run_tags: Mapping[str, str] | None = None,
    ) -> None:
        self.step_key = step_key
        self.run_id = run_id
        self.job_name = job_name
        self.op_name = op_name
        self.asset_key = asset_key
        self.partition_key = partition_key
        self.op_exception = op_exception
        """What the step raised; None after a success."""
        self.op_output_values: dict[str, Any] = dict(op_output_values or {})
        """The values of the step by the names of its outputs; dynamic ones as mappings by their key."""
        self.op_config = op_config
        self.resources = resources
        self.log: logging.Logger = log or logging.getLogger("headwater.hook")
        self.run_tags: dict[str, str] = dict(run_tags or {})


class HookDefinition:
    """A function to run after the steps that succeed, or after those that fail."""

    def __init__(self, fn: Callable[..., Any], *, on: On, name: str | None, resources: Iterable[str] = ()) -> None:
        self.fn: Callable[..., Any] = fn
        self.on: On = on
        self.name: str | Any = name or getattr(fn, "__name__", "hook")
        self.required_resource_keys: frozenset[str] = frozenset(resources)
        self.source: SourceLine = SourceLine.of(fn)
        self.__name__: str | Any = self.name
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as a test would with a HookContext; on a graph or a job: a copy with the hook."""
        if len(args) == 1 and not kwargs and hasattr(args[0], "with_hooks"):
            return args[0].with_hooks({self})
        return self.fn(*args, **kwargs)

    def __str__(self) -> str:
        return f"hook {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"


_Decorator = Callable[[Callable[..., Any]], HookDefinition]


@overload
def success_hook(fn: Callable[..., Any]) -> HookDefinition: ...
@overload
def success_hook(*, name: str | None = ..., required_resource_keys: Iterable[str] | None = ...) -> _Decorator: ...


def success_hook(
    fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
) -> Any:
    """Make a hook of a function with the one parameter `context`: it runs after each step that succeeds."""
    return _hook(fn, "success", name, required_resource_keys)


@overload
def failure_hook(fn: Callable[..., Any]) -> HookDefinition: ...
@overload
def failure_hook(*, name: str | None = ..., required_resource_keys: Iterable[str] | None = ...) -> _Decorator: ...


def failure_hook(
    fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
) -> Any:
    """Make a hook of a function with the one parameter `context`: it runs after each step that fails for good."""
    return _hook(fn, "failure", name, required_resource_keys)


def _hook(fn: Callable[..., Any] | None, on: On, name: str | None, resources: Iterable[str] | None) -> Any:
    def decorate(function: Callable[..., Any]) -> HookDefinition:
        _check_takes_context(function, on)
        return HookDefinition(function, on=on, name=name, resources=resources or ())

    return decorate if fn is None else decorate(fn)


def _check_takes_context(function: Callable[..., Any], on: On) -> None:
    import inspect

    required = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    if required not in (["context"], ["_context"], ["_"]):
        raise InvalidDefinitionError(
            f"{SourceLine.of(function)}: a function with @{on}_hook has the one parameter 'context', "
            f"but it has: {', '.join(required) or 'none'}."
        )


NO_HOOKS: frozenset[HookDefinition] = frozenset()  # each empty set by itself would be a fifth of a kilobyte


def checked_hooks(hooks: Any, *, owner: str, source: SourceLine) -> frozenset[HookDefinition]:
    """The hooks that a user gave, reported where they are none."""
    if not hooks:
        return NO_HOOKS
    from .collecting import report

    kept: set[HookDefinition] = set()
    for hook in [hooks] if isinstance(hooks, HookDefinition) else hooks or ():
        if isinstance(hook, HookDefinition):
            kept.add(hook)
        else:
            advice = "Decorate it with @success_hook or @failure_hook."
            report(InvalidDefinitionError(f"{source}: {owner} has the hook {hook!r}, which is none. {advice}"))
    return frozenset(kept)
