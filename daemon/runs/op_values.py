"""The values that ops hand to each other: through IO managers, or in memory where all happens inside one step.

The value of an output is known by the step that gave it, the name of the output and, of a dynamic one, its key. An IO
manager sees these as a key of several parts, so that the default one keeps it in `storage/<run>/<step>/<output>`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ...definitions.io import InputContext, OutputContext
from ...definitions.keys import AssetKey
from ...definitions.metadata import MetadataValue
from ...definitions.ops.op import OpDefinition
from ...definitions.spec import DEFAULT_IO_MANAGER
from .toolbox import Toolbox


class Place(NamedTuple):
    """Where a value came from: the op, the step that it was, its output, and the key of a dynamic one."""

    op: OpDefinition
    step_key: str
    output: str
    mapping_key: str | None = None

    @property
    def holds_nothing(self) -> bool:
        return self.op.gives_nothing(self.output)


class OpValues(Protocol):
    """Keeps the outputs of ops for the ops that take them."""

    def store(self, place: Place, value: Any) -> dict[str, MetadataValue]:
        """Keep a value; returns the metadata that storing added."""
        ...

    def load(self, place: Place, *, name: str, reader: OpDefinition) -> Any:
        """The value that was kept; `name` is the input of `reader` that takes it."""
        ...


class ManagedValues:
    """Values in IO managers: each output's own, or that of the input, else the default one."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def store(self, place: Place, value: Any) -> dict[str, MetadataValue]:
        toolbox, out = self._toolbox, place.op.outs[place.output]
        context = OutputContext(
            asset_key=_key(toolbox.run_id, place),
            metadata=out.metadata,
            resources=toolbox.resources,
            log=toolbox.log,
            run_id=toolbox.run_id,
            step_key=place.step_key,
        )
        context.name, context.has_asset_key = place.output, False
        toolbox.io_manager(out.io_manager_key or DEFAULT_IO_MANAGER).handle_output(context, value)
        return dict(context.added_metadata)

    def load(self, place: Place, *, name: str, reader: OpDefinition) -> Any:
        toolbox, out = self._toolbox, place.op.outs[place.output]
        context = InputContext(
            asset_key=_key(toolbox.run_id, place),
            name=name,
            metadata=reader.ins[name].metadata,
            upstream_metadata=out.metadata,
            resources=toolbox.resources,
            log=toolbox.log,
            run_id=toolbox.run_id,
        )
        context.has_asset_key = False
        manager = reader.ins[name].input_manager_key or out.io_manager_key or DEFAULT_IO_MANAGER
        return toolbox.io_manager(manager).load_input(context)


class ValuesInMemory:
    """Values as they are, for the ops of one step."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str | None], Any] = {}

    def store(self, place: Place, value: Any) -> dict[str, MetadataValue]:
        self._values[place[1:]] = value
        return {}

    def load(self, place: Place, *, name: str, reader: OpDefinition) -> Any:
        return self._values[place[1:]]


def _key(run_id: str, place: Place) -> AssetKey:
    own = [] if place.mapping_key is None else [place.mapping_key]
    return AssetKey([run_id, place.step_key, place.output, *own])
