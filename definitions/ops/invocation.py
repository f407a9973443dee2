"""An op called as a function, as in a test: its arguments, its config and resources, and what it gives.

A plain value comes back as it is, a generator as a generator, so that a test reads what was yielded. Types are held
against annotations in both directions, as in a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from ..annotations import fits, named, shown
from ..config_schema import fit_schema
from ..errors import InvalidInvocationError, TypeCheckDidNotPass
from ..results import Output
from ..run_config import fit_config
from ..signature import CONFIG_NAME
from .context import OpExecutionContext
from .op import OpDefinition
from .ports import RESULT, DynamicOutput


def invoke(op: OpDefinition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the function of `op` outside of any run.

    Raises:
        InvalidInvocationError: the context or an argument is missing.
        TypeCheckDidNotPass: a value is not of the type that the op declares.
    """
    arguments = _bound(op, args, dict(kwargs))
    for name in op.ins:
        if name in arguments:
            check_input(op, name, arguments[name])
    result = op.fn(**arguments)
    if inspect.isgenerator(result):
        return _checked(op, result)
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        return result
    if len(op.outs) == 1 and not isinstance(result, (Output, DynamicOutput)):
        check_output(op, next(iter(op.outs)), result)
    return result


def _bound(op: OpDefinition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, with what the context has for those that were not passed."""
    signature, context_arg = op.signature, op.signature.context_arg
    context = kwargs.get(context_arg) if context_arg else None
    if context is None and args and isinstance(args[0], OpExecutionContext):
        context = args[0]
        if context_arg is None:
            args = args[1:]  # for its resources and config only
    if context_arg and not isinstance(context, OpExecutionContext):
        raise InvalidInvocationError(f"{op} takes a context: call it as {op.name}(build_op_context(), ...).")
    waits = [name for name, one in op.ins.items() if one.is_nothing]
    kwargs = {name: value for name, value in kwargs.items() if name not in waits}
    try:
        arguments = dict(inspect.signature(op.fn).bind_partial(*args, **kwargs).arguments)
    except TypeError as error:
        raise InvalidInvocationError(f"{op}: {error}.") from None
    if context is not None:
        if op.config_schema is not None:
            context.op_config = fit_schema(
                op.config_schema, context.op_config, ("ops", op.name, "config"), owner=str(op)
            )
        if signature.takes_config and CONFIG_NAME not in arguments:
            arguments[CONFIG_NAME] = fit_config(signature.config_type, context.op_config, op.name, str(op))
        for name in op.resource_args:
            if name not in arguments and name in context.resources:
                arguments[name] = context.resources[name]
        for name in op.required_resource_keys:
            if name not in context.resources:
                raise InvalidInvocationError(
                    f"{op} needs the resource {name!r}: call it with build_op_context(resources={{{name!r}: ...}})."
                )
    try:
        inspect.signature(op.fn).bind(**arguments)
    except TypeError as error:
        raise InvalidInvocationError(f"{op}: {error}. Pass its inputs and its config yourself.") from None
    return arguments


def _checked(op: OpDefinition, yielded: Iterator[Any]) -> Iterator[Any]:
    for item in yielded:
        if isinstance(item, (Output, DynamicOutput)) and item.output_name in op.outs:
            check_output(op, item.output_name, item.value)
        yield item


def check_input(op: OpDefinition, name: str, value: Any) -> None:
    """Hold the value of an input against its type; raises TypeCheckDidNotPass."""
    _check(op, f"input {name!r}", op.type_of_input(name), value)


def check_output(op: OpDefinition, name: str, value: Any) -> None:
    """Hold the value of an output against its type; raises TypeCheckDidNotPass."""
    if not op.outs[name].is_nothing:
        what = "result" if name == RESULT else f"output {name!r}"
        _check(op, what, op.type_of_output(name), value)


def _check(op: OpDefinition, what: str, expected: Any, value: Any) -> None:
    if not fits(value, expected):
        raise TypeCheckDidNotPass(
            f"{op.source}: the {what} of {op} is to be {named(expected)}, but it is {shown(value)}. "
            "Correct the annotation or the value."
        )
