"""What the signature of a user's function says: its context, its parameters, and whether it returns a value to store.

Annotations are read without importing what they name: an annotation that cannot be evaluated at decoration (a name
under TYPE_CHECKING, a forward reference) is judged by its text, so that it never breaks a load.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin

from .kinds import is_config_class, is_resource_class

T = TypeVar("T")

RESOURCE = "headwater.resource"  # the mark that ResourceParam leaves on a type
ResourceParam = Annotated[T, RESOURCE]
"""Annotates a parameter that takes a resource of the same name: `def orders(db: ResourceParam[Connection])`."""

CONTEXT_NAMES = frozenset({"context", "_context", "context_"})
CONFIG_NAME = "config"  # the parameter that takes the run's config
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
    takes_config: bool
    config_type: Any
    """What the parameter `config` is annotated with; None where it is not, its text where it cannot be evaluated."""
    misnamed_config: str | None
    """A parameter that is annotated with a Config class and has another name."""
    parameters: tuple[Parameter, ...]
    takes_any_keyword: bool
    positional_only: tuple[str, ...]
    returns_nothing: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Signature:
        signature = inspect.signature(function)
        context_arg: str | None = None
        takes_config, config_type, misnamed_config = False, None, None
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
            elif parameter.name == CONFIG_NAME:
                takes_config = True
                config_type = None if annotation is parameter.empty else annotation
            else:
                if is_config_class(annotation):
                    misnamed_config = misnamed_config or parameter.name
                has_default = parameter.default is not parameter.empty
                parameters.append(Parameter(parameter.name, _is_resource(annotation), has_default))
        returns = _evaluated(signature.return_annotation, function)
        return cls(
            context_arg=context_arg,
            takes_config=takes_config,
            config_type=config_type,
            misnamed_config=misnamed_config,
            parameters=tuple(parameters),
            takes_any_keyword=takes_any_keyword,
            positional_only=tuple(positional_only),
            returns_nothing=_is_nothing(returns),
        )

    def problems(self) -> Iterator[str]:
        """What is wrong with it, each with the remedy."""
        if self.positional_only:
            yield (
                f"its parameter {self.positional_only[0]!r} cannot be passed by name. "
                "Arguments are passed by name: remove the '/' or the '*' from the function's parameters."
            )
        if self.misnamed_config is not None:
            yield (
                f"its parameter {self.misnamed_config!r} is annotated with a Config class. "
                f"Rename it to {CONFIG_NAME!r}, which is how config is taken."
            )
        if isinstance(self.config_type, str):
            yield (
                f"the annotation {self.config_type!r} of its parameter {CONFIG_NAME!r} cannot be evaluated. "
                "Import or define that class at the top of the module, and not under TYPE_CHECKING."
            )


def _evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    if annotation == "None":
        return None
    names = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return eval(annotation, names)
    except NameError:  # a name of the function in which it is defined, or one that is not there at all
        try:
            return eval(annotation, names, _locals_of_definer())
        except Exception:
            return annotation
    except Exception:  # user code: a name that exists for type checkers only, or not yet
        return annotation


def _locals_of_definer() -> dict[str, Any]:
    """The local names where the definition is being made: the nearest frame above that is not of this package."""
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__package__")).startswith(__package__ or ""):
        frame = frame.f_back
    return dict(frame.f_locals)


def _is_resource(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return "ResourceParam[" in annotation
    if is_resource_class(annotation):
        return True
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
