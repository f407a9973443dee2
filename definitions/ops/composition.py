"""Composition: the body of a graph is run once, at its decoration, and only says what is wired to what.

Inside it ops and graphs, called, give *handles* of their outputs in the place of values:

    Handle            a value that will be there: pass it on
    DynamicHandle     any number of values: `.map(fn)` wires `fn` for each of them, `.collect()` gathers them in a list

A constant cannot be passed: whatever a body computes by itself would be frozen at import, so it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import InvalidDefinitionError
from ..source import SourceLine
from .node import Node
from .ports import RESULT


@dataclass(frozen=True, slots=True)
class Ref:
    """An output of a node of the same graph; `collected` where it is a list of all values of a dynamic one."""

    node: str
    output: str
    collected: bool = False


@dataclass(frozen=True, slots=True)
class GraphInput:
    """An input of the graph itself."""

    name: str


@dataclass(frozen=True, slots=True)
class FanIn:
    """Several sources as one list."""

    sources: tuple[Ref | GraphInput, ...]


Wire = Ref | GraphInput | FanIn


@dataclass(frozen=True, slots=True)
class Handle:
    """What will be one value."""

    wire: Ref | GraphInput


class DynamicHandle:
    """What will be any number of values, by key. Neither it nor a list of it can be passed on as it is."""

    def __init__(self, wire: Ref) -> None:
        self.wire = wire

    def map(self, fn: Callable[..., Any]) -> Any:
        """Wire what `fn` does for each of the values; its results are dynamic as well."""
        made = fn(Handle(self.wire))
        if isinstance(made, tuple):
            return tuple(map(_dynamic, made))
        return _dynamic(made)

    def collect(self) -> Handle:
        """All values as one list, in the order in which they were yielded; empty where there are none."""
        return Handle(Ref(self.wire.node, self.wire.output, collected=True))


def _dynamic(made: Any) -> Any:
    if isinstance(made, Handle) and isinstance(made.wire, Ref):
        return DynamicHandle(made.wire)
    if made is None or isinstance(made, DynamicHandle):
        return made
    raise InvalidDefinitionError(
        f"{_where()}: the function given to map returned {made!r}. It wires ops: return what they give, or nothing."
    )


@dataclass(slots=True)
class Placed:
    """A node in its place in a graph."""

    node: Node
    inputs: dict[str, Wire]


@dataclass(slots=True)
class Composition:
    """The graph that is being composed."""

    owner: str
    source: SourceLine
    placed: dict[str, Placed] = field(default_factory=dict)

    def place(self, node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Wire a node; returns the handles of its outputs."""
        name = self._name_for(node)
        inputs: dict[str, Wire] = {}
        if len(args) > len(node.ins):
            raise self._error(f"{node} was called with {len(args)} arguments, but it has {len(node.ins)} inputs")
        for input_name, value in [*zip(node.ins, args, strict=False), *kwargs.items()]:
            if input_name not in node.ins:
                known = ", ".join(node.ins) or "none"
                raise self._error(f"{node} has no input {input_name!r}. Its inputs: {known}")
            if input_name in inputs:
                raise self._error(f"{node} was given its input {input_name!r} twice")
            inputs[input_name] = self._wire(node, input_name, value)
        self.placed[name] = Placed(node, inputs)
        return self._handles(node, name)

    def _name_for(self, node: Node) -> str:
        name = node.node_name
        if name not in self.placed:
            return name
        if node.explicit_name is not None:
            raise self._error(f"two nodes are called {name!r}. Give one of them another alias")
        count = 2
        while f"{name}_{count}" in self.placed:
            count += 1
        return f"{name}_{count}"

    def _wire(self, node: Node, input_name: str, value: Any) -> Wire:
        if isinstance(value, Handle):
            return value.wire
        if isinstance(value, (list, tuple)) and value and all(isinstance(one, Handle) for one in value):
            return FanIn(tuple(one.wire for one in value))
        if isinstance(value, DynamicHandle) or (
            isinstance(value, (list, tuple)) and any(isinstance(one, DynamicHandle) for one in value)
        ):
            raise self._error(
                f"the input {input_name!r} of {node} was given a dynamic output. Use .map(...) to run {node.name!r} "
                "for each of its values, or .collect() to hand them over as a list"
            )
        if isinstance(value, (list, tuple)) and any(isinstance(one, Handle) for one in value):
            raise self._error(f"the list for the input {input_name!r} of {node} mixes outputs of ops with constants")
        if isinstance(value, Node):
            raise self._error(f"the input {input_name!r} of {node} was given {value} itself. Call it: {value.name}()")
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            raise self._error(f"the input {input_name!r} of {node} was given several outputs at once. Pass one of them")
        raise self._error(
            f"the input {input_name!r} of {node} was given the constant {value!r}. The body of a graph only wires: "
            f"leave the input out and set it in the run config, or give it a default in {node.name!r}"
        )

    def _handles(self, node: Node, name: str) -> Any:
        handles = [
            DynamicHandle(Ref(name, output)) if out.is_dynamic else Handle(Ref(name, output))
            for output, out in node.outs.items()
        ]
        if not handles:
            return None
        if len(handles) == 1:
            return handles[0]
        return outputs_tuple(node.name, tuple(node.outs))(*handles)

    def _error(self, what: str) -> InvalidDefinitionError:
        return InvalidDefinitionError(f"{_where()}: in {self.owner}: {what}.")


def outputs_tuple(name: str, outputs: tuple[str, ...]) -> Any:
    """The type of several outputs at once, with a field for each."""
    return NamedTuple(f"{name}_outputs", [(output, Any) for output in outputs])  # type: ignore[misc]


_composing: list[Composition] = []


def composing() -> Composition | None:
    """The graph whose body is being run, if any."""
    return _composing[-1] if _composing else None


@contextmanager
def compose(owner: str, source: SourceLine) -> Iterator[Composition]:
    _composing.append(Composition(owner, source))
    try:
        yield _composing[-1]
    finally:
        _composing.pop()


def outputs_of(returned: Any, declared: Mapping[str, Any] | None, *, owner: str, source: SourceLine) -> dict[str, Any]:
    """The outputs of a graph by name: the handles that its body returned.

    Raises:
        InvalidDefinitionError: it returned something else, or not what was declared.
    """
    names = None if declared is None else list(declared)
    if returned is None:
        found: dict[str, Any] = {}
    elif isinstance(returned, (Handle, DynamicHandle)):
        found = {(names or [RESULT])[0]: returned}
    elif isinstance(returned, Mapping):
        found = dict(returned)
    elif isinstance(returned, tuple) and hasattr(returned, "_fields"):
        found = dict(zip(names or getattr(returned, "_fields", ()), returned, strict=False))
    elif isinstance(returned, tuple) and names is not None and len(names) == len(returned):
        found = dict(zip(names, returned, strict=True))
    else:
        raise InvalidDefinitionError(
            f"{source}: {owner} returned {returned!r}. Its body only wires: return the output of an op, a dict of "
            "outputs by name, or nothing."
        )
    for name, handle in found.items():
        if not isinstance(handle, (Handle, DynamicHandle)):
            raise InvalidDefinitionError(f"{source}: the output {name!r} of {owner} is {handle!r}, no output of an op.")
    if names is not None and set(names) != set(found):
        raise InvalidDefinitionError(
            f"{source}: {owner} declares the outputs {', '.join(names)}, but returned {', '.join(found) or 'none'}."
        )
    return found


def _where() -> SourceLine:
    """The user's line that is being run: the nearest above that is not of this package."""
    import sys

    package = __name__.rpartition(".")[0].rpartition(".")[0]
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(package):
        frame = frame.f_back
    return SourceLine(frame.f_code.co_filename, frame.f_lineno)
