"""What the function of an op gave back, as its outputs: plain values, tuples of them, `Output` or `DynamicOutput`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...definitions.annotations import shown
from ...definitions.errors import ExecutionError
from ...definitions.metadata import MetadataValue
from ...definitions.ops.invocation import check_output
from ...definitions.ops.op import OpDefinition
from ...definitions.ops.ports import DynamicOutput
from ...definitions.results import Output
from .outputs import Yielded


@dataclass(frozen=True, slots=True)
class Given:
    """One value of an output."""

    output: str
    value: Any
    mapping_key: str | None = None
    metadata: dict[str, MetadataValue] = field(default_factory=dict)


def outputs_of(op: OpDefinition, returned: Any) -> list[Given]:
    """The outputs that `returned`, a finished return value of the op's function, stands for.

    Raises:
        ExecutionError: an output is missing, unknown or given twice, or is dynamic and has no key.
        TypeCheckDidNotPass: a value is not what its output declares.
    """
    found = [_given(op, item) for item in _items(op, returned)]
    seen: set[tuple[str, str | None]] = set()
    for one in found:
        if (one.output, one.mapping_key) in seen:
            key = f" for the mapping_key {one.mapping_key!r}" if one.mapping_key is not None else ""
            raise _error(op, f"gave its output {one.output!r} twice{key}")
        seen.add((one.output, one.mapping_key))
        check_output(op, one.output, one.value)
    for name, out in op.outs.items():
        if out.is_required and not out.is_dynamic and not out.is_nothing and (name, None) not in seen:
            raise _error(
                op,
                f"did not give its output {name!r}. Yield Output(value, {name!r}), or declare Out(is_required=False)",
            )
    given = {one.output for one in found}
    nothing = [Given(name, None) for name, out in op.outs.items() if out.is_nothing and out.is_required]
    return [*found, *(one for one in nothing if one.output not in given)]


def _items(op: OpDefinition, returned: Any) -> Iterable[Any]:
    """The results in `returned`, each of which says which output it is."""
    if isinstance(returned, Yielded):
        return returned
    names = list(op.outs)
    if not names:
        if returned is not None:
            raise _error(op, f"has no outputs, but returned {shown(returned)}")
        return ()
    if len(names) > 1:
        if returned is None and all(not out.is_required or out.is_nothing for out in op.outs.values()):
            return ()
        if not isinstance(returned, (tuple, list)) or len(returned) != len(names):
            raise _error(
                op, f"has the outputs {', '.join(names)}: return a tuple of {len(names)}, not {shown(returned)}"
            )
        return [
            one if isinstance(one, (Output, DynamicOutput)) else Output(one, name)
            for name, one in zip(names, returned, strict=True)
        ]
    out = op.outs[names[0]]
    if out.is_dynamic:
        if not isinstance(returned, (list, tuple)):
            raise _error(
                op, f"has a dynamic output, but returned {shown(returned)}. Yield a DynamicOutput for each value"
            )
        return returned
    if isinstance(returned, (Output, DynamicOutput)):
        return [returned]
    return [Output(returned, names[0])]


def _given(op: OpDefinition, item: Any) -> Given:
    if not isinstance(item, (Output, DynamicOutput)):
        raise _error(op, f"yielded {shown(item)}. Yield Output(value), or return the value")
    name, only = item.output_name, next(iter(op.outs), None)
    if name not in op.outs and name == "result" and len(op.outs) == 1 and only is not None:
        name = only
    if name not in op.outs:
        raise _error(op, f"gave the output {name!r}, but has: {', '.join(op.outs) or 'none'}")
    if op.outs[name].is_dynamic != isinstance(item, DynamicOutput):
        instead = "DynamicOutput(value, mapping_key=...)" if op.outs[name].is_dynamic else "Output(value)"
        raise _error(op, f"gave {item!r} for its output {name!r}. Yield {instead}")
    return Given(name, item.value, getattr(item, "mapping_key", None), dict(item.metadata))


def _error(op: OpDefinition, what: str) -> ExecutionError:
    return ExecutionError(f"{op.source}: {op} {what}.")
