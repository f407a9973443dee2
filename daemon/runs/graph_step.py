"""The ops of assets that a graph makes, run inside the assets' step, each with its own events and retries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.multi_assets import Member
from ...definitions.ops.flat import FlatGraph, Upstream, flatten
from ...definitions.results import UNSET, AssetCheckResult, MaterializeResult, Output
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


@dataclass(frozen=True, slots=True)
class GraphRun:
    """What came of a graph: the results of those of its outputs that were given, and what its ops raised."""

    results: Mapping[str, Output[Any] | MaterializeResult[Any] | AssetCheckResult]
    errors: Sequence[BaseException] = field(default_factory=list)


def run_graph(
    toolbox: Toolbox,
    asset: AssetsDefinition,
    step_key: str,
    arguments: Mapping[str, Any],
    *,
    outputs: Collection[str] | None = None,
    partition_keys: Sequence[str] | None,
    tell: Tell,
    pause: Pause,
) -> GraphRun:
    """Run the ops of `asset` with `arguments`, the values of its inputs; all of them, or what `outputs` need."""
    assert asset.graph is not None
    flat, journal = flatten(asset.graph), StepJournal(toolbox.run_id, tell)
    work = OpWork(
        flat,
        toolbox,
        ValuesInMemory(),
        note=journal.add,
        given=arguments,
        chosen=None if outputs is None else flat.needed_for(outputs),
        partition_keys=None if partition_keys is None else tuple(partition_keys),
        asset_key=None if isinstance(asset, Member) else asset.key,
        prefix=f"{step_key}.",
        path=(asset.op_name,),
    )
    drive(work, journal, pause)
    journal.write()
    names = flat.results if outputs is None else [name for name in flat.results if name in outputs]
    found = {name: _given(work, flat, name) for name in names}
    return GraphRun(
        results={name: value for name, value in found.items() if value is not UNSET}, errors=list(work.errors.values())
    )


def _given(work: OpWork, flat: FlatGraph, output: str) -> Any:
    """What an output of the graph was given: an Output, a result that the op made itself, or UNSET."""
    source = flat.results[output]
    value = work.value_of(source)
    if value is UNSET or isinstance(value, (MaterializeResult, AssetCheckResult)):
        return value
    if not isinstance(source, Upstream):
        return Output(value)
    end = work.ends.get(source.step)
    metadata = end.metadata.get(source.output, {}) if end else {}
    if flat.node(source.step).op.gives_nothing(source.output):
        return MaterializeResult(metadata=metadata)
    return Output(value, metadata=metadata)
