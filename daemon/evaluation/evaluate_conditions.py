"""`evaluate_automation_conditions`: what the daemon would ask for, in a test and without a daemon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.conditions import OnFirst
from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidInvocationError
from ...definitions.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from ...definitions.selection import AssetSelection, CoercibleToAssetSelection
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...definitions.spec import AssetSpec
from ...storage import events as e
from ...storage.clock import SystemClock
from ...storage.events import KeyRanges, Tick
from ...storage.instance import Instance
from ...storage.log import EventLog
from ...storage.state import State
from .asked_in_process import asked_in_process
from .plain import Evaluation
from .trial import Trial

KEPT = 16  # trials of one log that are kept to go on from, newest first; an older one is made anew from its cursor

PartitionKeys = frozenset[str | None]
"""Partition keys; {None} is the whole of an asset that is not partitioned."""


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One asset or check: where its condition was true, and what of that was requested."""

    key: AssetKey | AssetCheckKey
    true_partitions: PartitionKeys
    requested_partitions: PartitionKeys
    evaluation: Evaluation = field(repr=False)
    """The leaves of the condition with where each of them was true."""


@dataclass(frozen=True, slots=True)
class EvaluateAutomationConditionsResult:
    """What an evaluation asks for. `cursor` is for the next one, which sees what has changed since this."""

    cursor: str
    results: list[ConditionResult]
    """Of every asset and check with a condition that was evaluated, upstream first."""

    @property
    def total_requested(self) -> int:
        """How many partitions of assets and checks were requested; what is not partitioned counts as one."""
        return sum(len(result.requested_partitions) for result in self.results)

    def get_requested_partitions(self, key: CoercibleToAssetKey | AssetCheckKey) -> PartitionKeys:
        """The partition keys that were requested of an asset or a check; {None} for one that is not partitioned."""
        wanted = key if isinstance(key, AssetCheckKey) else AssetKey.of(key)
        return next((result.requested_partitions for result in self.results if result.key == wanted), frozenset())

    def get_num_requested(self, key: CoercibleToAssetKey | AssetCheckKey) -> int:
        return len(self.get_requested_partitions(key))


def evaluate_automation_conditions(
    defs: Definitions | Iterable[AssetsDefinition | AssetSpec],
    instance: Instance,
    asset_selection: CoercibleToAssetSelection | None = None,
    evaluation_time: datetime | None = None,
    cursor: str | None = None,
    *,
    on_first: OnFirst | None = None,
) -> EvaluateAutomationConditionsResult:
    """Evaluate the automation conditions of `defs` on what the log of `instance` tells, as the daemon does.

    >>> result = evaluate_automation_conditions([orders, revenue], instance)
    >>> result.total_requested
    1
    >>> offset = instance.report_runless_asset_event(AssetMaterialization("orders"))
    >>> result = evaluate_automation_conditions([orders, revenue], instance, cursor=result.cursor)
    >>> result.get_requested_partitions("revenue")
    frozenset({None})

    One call is one tick. Nothing is written and nothing is run: a request counts as an attempt that started when the
    evaluation ended. `asset_selection` says whose conditions are evaluated (all), `evaluation_time` when it is (now;
    a naive one is in UTC). It never goes back behind the evaluation that gave `cursor`.

    On the first evaluation of an asset, `on_first="request"` asks for it if it is missing (in its latest time window)
    as soon as its dependencies are there; `on_first="baseline"` takes everything as it is. None is what each condition
    says with `AutomationCondition.on_first`, or the Definitions do: "request" where neither does.

    Conditions of your own (subclasses with `evaluate`) are called right here, so that what they raise is raised.

    Raises:
        DefinitionErrors: the definitions do not fit together.
        InvalidAssetSelection: the selection cannot be read, or names an asset that is not there.
        InvalidInvocationError: `cursor` was not given by an evaluation over this instance.
    """
    if on_first not in (None, "request", "baseline"):
        raise InvalidInvocationError(f"on_first is 'request' or 'baseline', not {on_first!r}.")
    definitions = defs if isinstance(defs, Definitions) else Definitions(assets=defs)
    definitions.validate()
    snapshot = _selected(definitions, asset_selection)
    trial = _trial(instance.log, cursor)
    at = evaluation_time or SystemClock().now()
    at = at if at.tzinfo else at.replace(tzinfo=UTC)

    def ask(state: State, at: datetime) -> list[e.ConditionEvaluated]:
        return asked_in_process(definitions, snapshot, state, instance, at=at)

    tick = trial.evaluate(instance.log, snapshot, at, on_first=on_first, ask=ask if snapshot.python_nodes else None)
    result = EvaluateAutomationConditionsResult(trial.cursor(), _results(trial, snapshot, tick))
    _keep(instance.log, result.cursor, trial)
    return result


def _selected(definitions: Definitions, selection: CoercibleToAssetSelection | None) -> DefinitionsSnapshot:
    """The definitions as data, without the conditions of what is not selected; whether automation is switched on is
    no question here."""
    snapshot = definitions.snapshot()
    if selection is None:
        return replace(snapshot, sensors={}) if snapshot.automation_sensors else snapshot
    keys = {str(key) for key in AssetSelection.from_coercible(selection).resolve(definitions)}
    return DefinitionsSnapshot(
        {key: asset if key in keys else _without_conditions(asset) for key, asset in snapshot.assets.items()}
    )


def _without_conditions(asset: AssetSnapshot) -> AssetSnapshot:
    checks = tuple(replace(check, condition=None) if check.condition else check for check in asset.checks)
    return replace(asset, condition=None, checks=checks)


def _results(trial: Trial, snapshot: DefinitionsSnapshot, tick: Tick) -> list[ConditionResult]:
    requested: dict[str, list[KeyRanges | None]] = {}
    for decision in tick.decisions:
        requested.setdefault(decision.asset_key, []).append(decision.partitions)
    results = []
    for key, node in snapshot.evaluated.assets.items():
        evaluation = trial.results.get(key)
        if evaluation is not None:
            space = trial.state.space(key)
            results.append(
                ConditionResult(
                    key=(AssetKey if node.checked is None else AssetCheckKey).from_user_string(key),
                    true_partitions=frozenset(space.key(ordinal) for ordinal in evaluation.truth.bits),
                    requested_partitions=frozenset(
                        space.key(ordinal) for ranges in requested.get(key, ()) for ordinal in space.bits(ranges)
                    ),
                    evaluation=evaluation,
                )
            )
    return results


# ---- trials that are at hand -----------------------------------------------------------------------------------------

_trials: WeakKeyDictionary[EventLog, dict[str, Trial]] = WeakKeyDictionary()


def _trial(log: EventLog, cursor: str | None) -> Trial:
    """The trial that gave `cursor`. It goes on from there, so that the same cursor once more makes it anew."""
    if cursor is None:
        return Trial()
    return _trials.get(log, {}).pop(cursor, None) or Trial.resumed(log, cursor)


def _keep(log: EventLog, cursor: str, trial: Trial) -> None:
    kept = _trials.setdefault(log, {})
    kept[cursor] = trial
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
