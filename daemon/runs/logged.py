"""What a function says of assets beside its own outcome, as events of the run: `context.log_event`, or yielded."""

from __future__ import annotations

from ...definitions.asset_events import AssetEvent
from ...definitions.env import redacted_data
from ...storage.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved
from ...storage.reports import event_of
from .failures import check_storable
from .toolbox import Toolbox


def logged_event(
    toolbox: Toolbox, step_key: str, said: AssetEvent, *, teller: object = None
) -> AssetMaterialized | AssetObserved | AssetCheckEvaluated:
    """The event of the log for what was said in a step, by `teller` where it is not the step's own function.

    Raises:
        ExecutionError: it cannot be stored as JSON.
    """
    event = event_of(said)
    ours: dict[str, object] = {
        "run_id": toolbox.run_id,
        "description": redacted_data(event.description),
        "metadata": redacted_data(event.metadata),
    }
    if isinstance(event, AssetMaterialized):
        ours |= {"origin": "step", "step_key": step_key}
    made = event.model_copy(update=ours)
    what = "what was logged" if teller is None else f"what {teller} said"
    check_storable(made, f"{what} of asset {event.asset_key!r}")
    return made
