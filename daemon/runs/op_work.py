"""The steps of a graph of ops: which one is next, what a dynamic output makes of those behind it, which are skipped.

A node that is mapped over a dynamic output becomes steps when that output is known, one for each key (`w[a]`, `w[b]`);
so do, with them, the nodes behind it. Each step waits for all the steps that it takes something from, and then

    one of these failed, or was blocked itself     it is blocked: skipped because of a failure upstream
    a value that it needs was not given            it is skipped as well: an output that was not required was left out.
                                                   In a list what is missing is left out, unless all of it is missing
    else                                           it is run
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...definitions.hooks import HookContext, HookDefinition
from ...definitions.keys import AssetKey
from ...definitions.ops.flat import FlatGraph, Given, OpNode, Several, Source, Upstream
from ...definitions.results import UNSET
from ...definitions.retries import RetryPolicy
from ...storage.events import Event, StepSkipped, StepStarted
from .driving import Tell, wanted_hooks
from .hooks import run_hooks
from .op_attempt import OpAttempt, Value
from .op_config import mapped_config, wired_inputs
from .op_values import OpValues, Place
from .step_end import Produced, StepEnd
from .toolbox import Toolbox


@dataclass(slots=True)
class OpStep:
    """A step: a node of the graph, and the key of the value that it is for."""

    work: OpWork
    node: OpNode
    key: str
    """Its key inside the graph."""
    mapping_key: str | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def step_key(self) -> str:
        return f"{self.work.prefix}{self.key}"

    @property
    def retry_policy(self) -> RetryPolicy | None:
        return self.node.retry_policy

    @property
    def hooks(self) -> frozenset[HookDefinition]:
        return self.node.hooks

    def started(self, attempt: int) -> StepStarted:
        return StepStarted(run_id=self.work.toolbox.run_id, step_key=self.step_key, attempt=attempt)

    def attempt(self, attempt: int, tell: Tell) -> StepEnd:
        return OpAttempt(
            self.work.toolbox,
            self.work.values,
            self.node,
            self.step_key,
            path=(*self.work.path, *self.node.path),
            mapping_key=self.mapping_key,
            sources=self.work.sources_of(self),
            partition_keys=self.work.partition_keys,
            run_config=self.work.run_config,
            retry_number=attempt - 1,
        ).run()

    def run_hooks(self, end: StepEnd) -> list[Event]:
        toolbox = self.work.toolbox
        context = HookContext(
            step_key=self.step_key,
            run_id=toolbox.run_id,
            job_name=toolbox.job_name,
            op_name=self.node.path[-1],
            asset_key=self.work.asset_key,
            op_exception=end.error,
            op_output_values=end.outputs,
            resources=toolbox.resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
        )
        return run_hooks(wanted_hooks(self, end), context)


class OpWork:
    """The ops of `flat` as work to be driven.

    `given` are the values of the graph's own inputs; `chosen` the nodes to run where these are not all. The steps of a
    graph inside an asset have a `prefix` before their keys, and their config stands below `path`.
    """

    def __init__(
        self,
        flat: FlatGraph,
        toolbox: Toolbox,
        values: OpValues,
        *,
        note: Callable[[Event], None],
        given: Mapping[str, Any] | None = None,
        chosen: frozenset[str] | None = None,
        partition_keys: tuple[str, ...] | None = None,
        asset_key: AssetKey | None = None,
        prefix: str = "",
        path: tuple[str, ...] = (),
    ) -> None:
        self.toolbox: Toolbox = toolbox
        self.values: OpValues = values
        self.partition_keys: tuple[str, ...] | None = partition_keys
        self.asset_key: AssetKey | None = asset_key
        self.prefix: str = prefix
        self.path: tuple[str, ...] = path
        self._note, self._given, self._flat = note, dict(given or {}), flat
        self._nodes = {node.step_key: node for node in flat.nodes if chosen is None or node.step_key in chosen}
        self._unresolved: OrderedDict[str, OpNode] = OrderedDict(self._nodes)
        self._steps: dict[str, list[OpStep]] = {}
        """The steps that each node has become."""
        self._pending: OrderedDict[str, OpStep] = OrderedDict()
        self._produced: dict[str, Produced] = {}
        """What each step that succeeded gave."""
        self._blocked: set[str] = set()
        """The steps that failed, and those that were skipped because of it."""
        self._skipped: set[str] = set()
        self.errors: dict[str, BaseException] = {}
        self.ends: dict[str, StepEnd] = {}
        """The ends of the steps that succeeded."""
        self.count: int = 0
        self._resolve()

    # ---- as `driving.py` asks ----------------------------------------------------------------------------------------

    def take(self) -> OpStep | None:
        """The step to run next, of those that can start the one of the highest priority; others are skipped."""
        while (step := self._ready()) is not None:
            del self._pending[step.key]
            self.count += 1
            if not self._blocked.isdisjoint(step.waits_for):
                self._blocked.add(step.key)
                self._skip(step, "upstream_failed")
            elif self._lacks_input(step):
                self._skipped.add(step.key)
                self._skip(step, "not_produced")
            else:
                return step
        return None

    def ended(self, task: OpStep, end: StepEnd) -> None:
        if end.error is not None:
            self.errors[task.step_key] = end.error
            self._blocked.add(task.key)
        else:
            self._produced[task.key] = end.produced
            self.ends[task.key] = end
        self._resolve()

    def _ready(self) -> OpStep | None:
        best: OpStep | None = None
        for step in self._pending.values():
            if all(map(self._is_over, step.waits_for)) and (best is None or step.node.priority > best.node.priority):
                best = step
        return best

    def _is_over(self, key: str) -> bool:
        return key in self._produced or key in self._blocked or key in self._skipped

    def _skip(self, step: OpStep, reason: Literal["upstream_failed", "not_produced"]) -> None:
        self._note(StepSkipped(run_id=self.toolbox.run_id, step_key=step.step_key, reason=reason))
        self._resolve()

    def run_config(self) -> Mapping[str, Any]:
        """The run config as the ops read it: what graphs with a config mapping are told is what their ops are told."""
        if not self._flat.mappings:
            return self.toolbox.run_config
        return mapped_config(self.toolbox.run_config, self._flat, self.path)

    # ---- from nodes to steps -----------------------------------------------------------------------------------------

    def _resolve(self) -> None:
        """Make the steps of all nodes of which it is known now how many they are."""
        for key, node in list(self._unresolved.items()):
            above = [one.step for one in node.upstream() if one.step in self._nodes]
            if any(one in self._unresolved for one in above):
                continue
            if node.over is not None and node.over[0] in self._nodes and not self._is_over(node.over[0]):
                continue
            del self._unresolved[key]
            self._steps[key] = [self._step(node, mapping_key) for mapping_key in self._mapping_keys(node)]
            self._pending.update((step.key, step) for step in self._steps[key])

    def _mapping_keys(self, node: OpNode) -> Sequence[str | None]:
        """What the node is run for: None once where it is not mapped, or where there is nothing to map it over."""
        if node.over is None or node.over[0] not in self._produced:
            return [None]
        return self._produced[node.over[0]].get(node.over[1]) or ()

    def _step(self, node: OpNode, mapping_key: str | None) -> OpStep:
        waits = dict.fromkeys(
            step.key
            for source in node.upstream()
            if source.step in self._nodes
            for step in self._steps_of(source, mapping_key)
        )
        key = node.step_key if mapping_key is None else f"{node.step_key}[{mapping_key}]"
        return OpStep(self, node, key, mapping_key, tuple(waits))

    def _steps_of(self, source: Upstream, mapping_key: str | None) -> list[OpStep]:
        steps = self._steps[source.step]
        if source.collected or mapping_key is None or self._nodes[source.step].over is None:
            return steps
        return [step for step in steps if step.mapping_key == mapping_key]

    # ---- where the inputs of a step are ------------------------------------------------------------------------------

    def sources_of(self, step: OpStep) -> dict[str, Any]:
        """For each input a `Value`, a `Place`, or a list of these. One whose source is not run is left out."""
        found: dict[str, Any] = {}
        wired = wired_inputs(step.node, self._given, self._nodes)
        for name, source in step.node.inputs.items():
            if name not in wired:
                continue
            places = self._places(source, step.mapping_key)
            if isinstance(source, Several) or (isinstance(source, Upstream) and source.collected):
                found[name] = [one for one in places if one is not None]
            else:
                found[name] = places[0]
        return found

    def _lacks_input(self, step: OpStep) -> bool:
        """Whether nothing came for one of its inputs."""
        for source in step.node.inputs.values():
            places = self._places(source, step.mapping_key)
            if places and all(place is None for place in places):
                return True
        return False

    def _places(self, source: Source, mapping_key: str | None) -> list[Any]:
        """The values of a source, each where it is kept; None for one that was not given."""
        if isinstance(source, Given):
            return [Value(self._given[source.name])] if source.name in self._given else []
        if isinstance(source, Several):
            return [place for one in source.sources for place in self._places(one, mapping_key)]
        if source.step not in self._nodes:
            return []
        places: list[Any] = []
        for step in self._steps_of(source, mapping_key):
            produced = self._produced.get(step.key, {})
            is_dynamic = step.node.op.outs[source.output].is_dynamic
            if source.output not in produced:
                places.append(None)
            elif is_dynamic:
                keys = produced[source.output] or ()
                wanted = keys if source.collected else [key for key in keys if key == mapping_key]
                places += [Place(step.node.op, step.step_key, source.output, key) for key in wanted]
            else:
                places.append(Place(step.node.op, step.step_key, source.output))
        return places

    # ---- what came of it ---------------------------------------------------------------------------------------------

    def value_of(self, source: Upstream | Given) -> Any:
        """The value of an output of the whole graph; of one that is dynamic, or mapped, a mapping by key. UNSET where
        it was not given."""
        if isinstance(source, Given):
            return self._given.get(source.name, UNSET)
        steps = self._steps.get(source.step, [])
        values = {
            step.mapping_key: self.ends[step.key].outputs[source.output]
            for step in steps
            if step.key in self.ends and source.output in self.ends[step.key].outputs
        }
        if source.step in self._nodes and self._nodes[source.step].over is not None:
            return list(values.values()) if source.collected else values
        value = values.get(None, UNSET)
        return list(value.values()) if source.collected and isinstance(value, dict) else value
