"""One attempt at an op: gather what it takes, call its function, store what it gives, and say so in events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...definitions.env import redacted_data
from ...definitions.metadata import metadata_to_json
from ...definitions.ops.context import OpExecutionContext
from ...definitions.ops.flat import OpNode
from ...definitions.ops.invocation import check_input
from ...definitions.signature import CONFIG_NAME
from ...storage.errors import ConflictError
from ...storage.events import Event, OpOutputProduced, StepFailed, StepSucceeded
from .failures import check_storable, error_info
from .logged import logged_event
from .op_config import op_config, unwired
from .op_outputs import Given, outputs_of
from .op_values import OpValues, Place
from .outputs import finished
from .step_end import StepEnd
from .toolbox import StepConfig, Toolbox


@dataclass(frozen=True, slots=True)
class Value:
    """A value that is there already: an input of the whole graph."""

    value: Any


class OpAttempt:
    """One try at a step of ops. The clock starts when this is made."""

    def __init__(
        self,
        toolbox: Toolbox,
        values: OpValues,
        node: OpNode,
        step_key: str,
        *,
        path: tuple[str, ...],
        mapping_key: str | None,
        sources: Mapping[str, Any],
        partition_keys: tuple[str, ...] | None,
        run_config: Callable[[], Mapping[str, Any]],
        retry_number: int,
    ) -> None:
        self._run_config = run_config
        self._toolbox, self._values, self._node, self._step_key = toolbox, values, node, step_key
        self._path, self._mapping_key, self._sources = path, mapping_key, sources
        self._partition_keys, self._retry_number = partition_keys, retry_number
        self._context: OpExecutionContext | None = None
        self._noted: list[Any] = []
        """What the function has yielded that is said of assets."""
        self._began = time.perf_counter()
        self._code_started_at: datetime | None = None

    def run(self) -> StepEnd:
        """Do it. Raises nothing but KeyboardInterrupt, and ConflictError where the run was taken away."""
        try:
            return self._run()
        except (KeyboardInterrupt, ConflictError):
            raise
        except BaseException as error:  # the border to user code: SystemExit ends the step, not the run
            failed = StepFailed(
                run_id=self._toolbox.run_id,
                step_key=self._step_key,
                error=error_info(error),
                took_s=self._took_s(),
                code_started_at=self._code_started_at,
            )
            return StepEnd(events=[*self._said(), failed], error=error)

    def _run(self) -> StepEnd:
        toolbox, op = self._toolbox, self._node.op
        run_config = self._run_config()
        config = op_config(run_config, self._node, self._path)
        resources = toolbox.resources_for(op.resource_names, op)
        arguments = {**unwired(run_config, self._node, self._path, self._sources), **self._load()}
        for name, value in arguments.items():
            check_input(op, name, value)
        arguments |= {name: resources[name] for name in op.resource_args}
        if op.signature.takes_config:
            arguments[CONFIG_NAME] = config.argument
        context = self._context = self._new_context(config)
        if op.signature.context_arg is not None:
            arguments[op.signature.context_arg] = context
        self._code_started_at = datetime.now(UTC)
        given = outputs_of(op, finished(op.fn(**arguments), self._noted.append))
        events = [*self._said(), *(self._stored(one, context) for one in given)]
        events.append(
            StepSucceeded(
                run_id=toolbox.run_id,
                step_key=self._step_key,
                took_s=self._took_s(),
                code_started_at=self._code_started_at,
            )
        )
        return _end(self._node, given, events, context)

    def _load(self) -> dict[str, Any]:
        """The values of the wired inputs; those that are only waited for have none."""
        wired = {name: source for name, source in self._sources.items() if not self._node.op.ins[name].is_nothing}
        return {name: self._value(name, source) for name, source in wired.items()}

    def _value(self, name: str, source: Any) -> Any:
        if isinstance(source, Value):
            return source.value
        if isinstance(source, list):
            return [self._value(name, one) for one in source]
        return None if source.holds_nothing else self._values.load(source, name=name, reader=self._node.op)

    def _stored(self, given: Given, context: OpExecutionContext) -> Event:
        place = Place(self._node.op, self._step_key, given.output, given.mapping_key)
        added = {} if place.holds_nothing else self._values.store(place, given.value)
        metadata = {**added, **context.metadata_of(given.output, given.mapping_key), **given.metadata}
        event = OpOutputProduced(
            run_id=self._toolbox.run_id,
            step_key=self._step_key,
            output_name=given.output,
            mapping_key=given.mapping_key,
            metadata=redacted_data(metadata_to_json(metadata)),
        )
        if metadata:
            check_storable(event, str(self._node.op))
        return event

    def _said(self) -> list[Event]:
        """What the op said of assets, by its context or by yielding it: written however the step ends."""
        logged = [*(self._context.logged_events if self._context else ()), *self._noted]
        self._noted = []
        return [logged_event(self._toolbox, self._step_key, said, teller=self._node.op) for said in logged]

    def _new_context(self, config: StepConfig) -> OpExecutionContext:
        toolbox = self._toolbox
        return OpExecutionContext(
            op_name=self._path[-1],
            step_key=self._step_key,
            job_name=toolbox.job_name,
            run_id=toolbox.run_id,
            partition_keys=self._partition_keys,
            partitions_def=toolbox.partitions_def,
            mapping_key=self._mapping_key,
            retry_number=self._retry_number,
            resources=toolbox.resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
            run_config=toolbox.run_config,
            op_config=config.data,
            instance=toolbox.open_instance,
        )

    def _took_s(self) -> float:
        return round(time.perf_counter() - self._began, 6)


def _end(node: OpNode, given: list[Given], events: list[Event], context: OpExecutionContext) -> StepEnd:
    end = StepEnd(events=events)
    produced: dict[str, tuple[str, ...] | None] = {
        name: () for name, out in node.op.outs.items() if out.is_dynamic
    }  # a dynamic output of no values was given as well
    for one in given:
        if one.mapping_key is None:
            end.outputs[one.output], produced[one.output] = one.value, None
            end.metadata[one.output] = {**context.metadata_of(one.output), **one.metadata}
        else:
            end.outputs.setdefault(one.output, {})[one.mapping_key] = one.value
            produced[one.output] = (*(produced[one.output] or ()), one.mapping_key)
    end.produced = produced
    return end
