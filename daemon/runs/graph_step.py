"""The ops of an asset that a graph makes, run inside the asset's step, each with its own events and retries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.errors import ExecutionError
from ...definitions.ops.flat import Upstream, flatten
from ...definitions.results import UNSET, MaterializeResult, Output
from ...storage.events import Event
from .driving import Tell, drive
from .op_values import ValuesInMemory
from .op_work import OpWork
from .pause import Pause
from .toolbox import Toolbox


class StepJournal:
    """Events from inside a step that is under way, for `tell` to write."""

    def __init__(self, run_id: str, tell: Tell) -> None:
        self.run_id: str = run_id
        self._tell = tell
        self._unwritten: list[Event] = []

    def add(self, *events: Event) -> None:
        self._unwritten += events

    def write(self) -> None:
        told, self._unwritten = self._unwritten, []
        if told:
            self._tell(told)

    def tell(self, events: Sequence[Event]) -> None:
        self.add(*events)
        self.write()

    def check(self) -> None:
        """Whether the run is still ours shows when the next events are written."""


def run_graph(
    toolbox: Toolbox,
    asset: AssetsDefinition,
    step_key: str,
    arguments: Mapping[str, Any],
    *,
    partition_keys: Sequence[str] | None,
    tell: Tell,
    pause: Pause,
) -> Output[Any] | MaterializeResult[Any]:
    """What the graph of `asset` gives for `arguments`, the values of its inputs.

    Raises:
        Exception: what the first of its ops that failed raised.
    """
    assert asset.graph is not None
    flat, journal = flatten(asset.graph), StepJournal(toolbox.run_id, tell)
    work = OpWork(
        flat,
        toolbox,
        ValuesInMemory(),
        note=journal.add,
        given=arguments,
        partition_keys=None if partition_keys is None else tuple(partition_keys),
        asset_key=asset.key,
        prefix=f"{step_key}.",
        path=(asset.op_name,),
    )
    drive(work, journal, pause)
    journal.write()
    for error in work.errors.values():
        raise error
    source = next(iter(flat.results.values()))
    value = work.value_of(source)
    if value is UNSET:
        raise ExecutionError(f"{asset.source}: {asset} was given no value: the op that it comes from left it out.")
    if not isinstance(source, Upstream):
        return Output(value)
    end = work.ends.get(source.step)
    metadata = end.metadata.get(source.output, {}) if end else {}
    if isinstance(value, MaterializeResult):
        return value
    node = flat.node(source.step)
    if node.op.gives_nothing(source.output):
        return MaterializeResult(metadata=metadata)
    return Output(value, metadata=metadata)
