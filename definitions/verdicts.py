"""The verdict of one evaluation: whatever form the user's function answered in, brought into one.

None                            nothing to do
RunRequest, or several          runs (a list, a tuple, or what a generator yields)
SkipReason                      nothing to do, and why
SensorResult                    all of it (sensors)
a mapping                       the run config of one run (schedules)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidInvocationError
from .requests import RunRequest, SensorResult, SkipReason

EMPTY = "the function returned nothing"


@dataclass(slots=True)
class Verdict:
    """What an evaluation came to. `cursor` of None leaves the cursor as it was."""

    run_requests: list[RunRequest] = field(default_factory=list)
    skip_message: str | None = None
    cursor: str | None = None
    dynamic_partitions_requests: list[Any] = field(default_factory=list)
    asset_events: list[Any] = field(default_factory=list)


def verdict_of(returned: Any, owner: str, *, takes_result: bool) -> Verdict:
    """The verdict that `returned` means; `owner` names the schedule or sensor, `takes_result` is for sensors.

    Raises:
        InvalidInvocationError: it is something else, or holds both runs and a reason to skip.
    """
    verdict = Verdict()
    results = 0
    skips: list[SkipReason] = []
    for item in _items(returned, owner, is_schedule=not takes_result):
        if isinstance(item, RunRequest):
            verdict.run_requests.append(item)
        elif isinstance(item, SkipReason):
            skips.append(item)
        elif isinstance(item, SensorResult) and takes_result:
            results += 1
            verdict.run_requests += item.run_requests
            verdict.cursor = item.cursor
            verdict.dynamic_partitions_requests += item.dynamic_partitions_requests
            verdict.asset_events += item.asset_events
            skips += [item.skip_reason] if item.skip_reason else []
        else:
            raise InvalidInvocationError(_advice(owner, item, takes_result))
    if results > 1:
        raise InvalidInvocationError(f"{owner} gave {results} SensorResults: put everything into one.")
    if skips and verdict.run_requests:
        raise InvalidInvocationError(f"{owner} gave both a SkipReason and a RunRequest: give one or the other.")
    if skips:
        verdict.skip_message = skips[-1].skip_message or ""
    elif not (verdict.run_requests or results):
        verdict.skip_message = EMPTY
    return verdict


def _items(returned: Any, owner: str, *, is_schedule: bool) -> Iterator[Any]:
    if returned is None:
        return
    if is_schedule and isinstance(returned, Mapping):
        yield RunRequest(run_config=returned)
    elif isinstance(returned, (RunRequest, SkipReason, SensorResult)):
        yield returned
    elif isinstance(returned, Iterable) and not isinstance(returned, (str, bytes, Mapping)):
        for item in returned:
            if item is not None:
                yield item
    else:
        raise InvalidInvocationError(_advice(owner, returned, not is_schedule))


def _advice(owner: str, item: Any, takes_result: bool) -> str:
    forms = "RunRequest, SkipReason, SensorResult" if takes_result else "RunRequest, SkipReason, a run config"
    return f"{owner} gave {item!r} ({type(item).__name__}). Return {forms}, a list of these, or nothing."
