"""What the signature of a user's function says: its context, its parameters, and whether it returns a value to store.

Annotations are read without importing what they name: an annotation that cannot be evaluated at decoration (a name
under TYPE_CHECKING, a forward reference) is judged by its text, so that it never breaks a load.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin

T = TypeVar("T")

RESOURCE = "headwater.resource"  # the mark that ResourceParam leaves on a type
ResourceParam = Annotated[T, RESOURCE]
"""Annotates a parameter that takes a resource of the same name: `def orders(db: ResourceParam[Connection])`."""

CONTEXT_NAMES = frozenset({"context", "_context", "context_"})
CONTEXT_TYPES = ("AssetExecutionContext", "AssetCheckExecutionContext", "OpExecutionContext")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter other than the context: the name of a resource or of an upstream asset."""

    name: str
    is_resource: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as headwater calls it: everything by keyword."""

    context_arg: str | None
    parameters: tuple[Parameter, ...]
    takes_any_keyword: bool
    positional_only: tuple[str, ...]
    returns_nothing: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Signature:
        signature = inspect.signature(function)
        context_arg: str | None = None
        parameters: list[Parameter] = []
        takes_any_keyword = False
        positional_only: list[str] = []
        for parameter in signature.parameters.values():
            annotation = _evaluated(parameter.annotation, function)
            if parameter.kind is parameter.VAR_KEYWORD:
                takes_any_keyword = True
            elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
                positional_only.append(parameter.name)
            elif context_arg is None and (parameter.name in CONTEXT_NAMES or _is_context(annotation)):
                context_arg = parameter.name
            else:
                has_default = parameter.default is not parameter.empty
                parameters.append(Parameter(parameter.name, _is_resource(annotation), has_default))
        returns = _evaluated(signature.return_annotation, function)
        return cls(context_arg, tuple(parameters), takes_any_keyword, tuple(positional_only), _is_nothing(returns))


def _evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(inspect.unwrap(function), "__globals__", {}))
    except Exception:  # user code: a name that exists for type checkers only, or not yet
        return annotation


def _is_resource(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return "ResourceParam[" in annotation
    return get_origin(annotation) is Annotated and RESOURCE in get_args(annotation)[1:]


def _is_context(annotation: Any) -> bool:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] in CONTEXT_TYPES


def _is_nothing(annotation: Any) -> bool:
    """True for `-> None` and `-> MaterializeResult`: nothing is stored unless the result carries a value itself."""
    if annotation is None or annotation is type(None):
        return True
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] in ("None", "MaterializeResult")
