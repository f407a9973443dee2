"""Running the hooks of a step that has ended. Whatever they raise is an event, and changes nothing of the run."""

from __future__ import annotations

from collections.abc import Iterable

from ...definitions.errors import ExecutionError
from ...definitions.hooks import HookContext, HookDefinition
from ...storage.events import Event, HookCompleted, HookErrored
from .failures import error_info


def run_hooks(hooks: Iterable[HookDefinition], context: HookContext) -> list[Event]:
    """Call each hook with `context`; returns what came of them."""
    events: list[Event] = []
    for hook in hooks:
        told = {"run_id": context.run_id, "step_key": context.step_key, "hook": hook.name}
        try:
            missing = [name for name in hook.required_resource_keys if name not in context.resources]
            if missing:
                raise ExecutionError(f"{hook} needs the resource {missing[0]!r}, which is not defined.")
            hook.fn(context)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the border to user code
            events.append(HookErrored(**told, error=error_info(error)))
        else:
            events.append(HookCompleted(**told))
    return events
