"""A trial of automation without a daemon: the real evaluator over the events of a log, one evaluation after another.

Nothing is written. What a daemon would have written (a Tick, the runs that it asks for) is folded as if it stood in the
log where the evaluation was made: the trial's own history is the log's events with these in between. A request counts
as an attempt that started at the end of its evaluation and came to nothing: it has handled what had landed, and stands
in the way of nothing.

So a trial is a fold over the log and over its past evaluations, which its cursor carries: `Trial.resumed` makes it anew
from both. Only what has landed since is folded where the trial itself is still at hand.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from ...definitions.conditions import OnFirst
from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage import events as e
from ...storage.clock import to_microseconds
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State
from ..freshness import FreshnessWatch
from .moment import Moment
from .plain import Evaluation, evaluate
from .ticker import Ticker
from .visit import NO_INTERVAL

PAGE = 5_000

Ask = Callable[[State, datetime], Iterable[e.ConditionEvaluated]]

_AUTOMATION = (e.Tick, e.DefinitionsLoaded, e.DefinitionsFailed, e.AutomationSwitched)
"""What a daemon may have written to the log too; a trial has its own, and is about conditions, paused or not."""


@dataclass(frozen=True, slots=True)
class PastEvaluation:
    """One evaluation: what of the log it had seen, when, under which definitions, and the Tick that it made."""

    through: int
    at: datetime
    definitions: str
    tick: e.Tick
    answers: tuple[e.ConditionEvaluated, ...] = ()
    """What conditions of users' own said anew."""


class Trial:
    """`past` and `definitions` (their bytes by hash) are what was evaluated so far. The log is handed in for each
    evaluation, so that a trial which is kept does not keep a log."""

    def __init__(self) -> None:
        self.past: list[PastEvaluation] = []
        self.definitions: dict[str, bytes] = {}
        self.state: State = State.empty(lambda digest: self.definitions[digest])
        self.results: dict[str, Evaluation] = {}
        self._through = 0  # of the log
        self._evaluated: set[str] = set()
        self._on_first: OnFirst | None = None
        self._ids = (f"trial-{number}" for number in count(1))
        self._ticker = Ticker(
            self.state,
            run_id=lambda: next(self._ids),
            evaluator=lambda _: self._evaluate,
            min_request_interval=NO_INTERVAL,
        )

    # ---- evaluating --------------------------------------------------------------------------------------------------

    def evaluate(
        self,
        log: EventLog,
        definitions: DefinitionsSnapshot,
        at: datetime,
        *,
        on_first: OnFirst | None,
        ask: Ask | None = None,
    ) -> e.Tick:
        """Evaluate all conditions of `definitions` on what has landed by now, at the instant `at`. `ask` asks those
        that users wrote themselves."""
        self._on_first, self.results = on_first, {}
        self.definitions[definitions.hash] = definitions.to_bytes()
        self._define(definitions.hash)
        before = self.state.last_tick.at
        at = at if before is None else max(at, before)
        self._fold_log(log, log.head().offset, at)
        answers = tuple(ask(self.state, at)) if ask is not None else ()
        for answer in answers:
            self._suppose(answer, to_microseconds(at))
        outcome = self._ticker.tick(at, visit_all=True)
        tick = next((event for event in outcome.events if isinstance(event, e.Tick)), None)
        if tick is None:  # it found nothing; its boundary counts all the same
            tick = e.Tick(through=self.state.through, at=at, definitions=definitions.hash)
        self._conclude(PastEvaluation(self._through, at, definitions.hash, tick, answers))
        return tick

    def _evaluate(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        is_first = asset.key not in self._evaluated
        if is_first and self._on_first == "baseline":
            moment.baseline.add(asset.key)
        elif self._on_first == "request":
            moment.baseline.discard(asset.key)
        result = self.results[asset.key] = evaluate(moment, asset)
        return result

    # ---- the trial's own history -------------------------------------------------------------------------------------

    def _define(self, digest: str) -> None:
        if self.state.definitions_hash != digest:
            self._suppose(e.DefinitionsLoaded(hash=digest), self.state.timestamp)

    def _fold_log(self, log: EventLog, through: int, at: datetime) -> None:
        """Fold the events of the log up to `through`, and what became of freshness by then.

        An event whose time is not between the evaluation before and this one (a test evaluates at any time it likes)
        counts as landed at the time of this evaluation.
        """
        now = to_microseconds(at)
        before = to_microseconds(self.state.last_tick.at) if self.state.last_tick.at else 0
        while self._through < through:
            page = log.read(self._through, min(PAGE, through - self._through))
            shift = self.state.through - self._through
            for stored in page:
                timestamp = stored.timestamp if before < stored.timestamp <= now else now
                self._suppose(_moved(stored.event, shift), timestamp)
            self._through = page[-1].offset
        watch = FreshnessWatch(self.state)
        watch.observe(())
        for change in watch.changed(at):
            self._suppose(change, now)

    def _conclude(self, evaluation: PastEvaluation) -> None:
        """The Tick, and for each request the attempt that it counts as."""
        tick, now = evaluation.tick, to_microseconds(evaluation.at)
        self._suppose(tick, now)
        for decision in tick.decisions:
            run_id = f"attempt-{self.state.through}"
            targets = (e.Target(asset_key=decision.asset_key, partitions=decision.partitions),)
            for event in (
                e.RunRequested(run_id=run_id, targets=targets, origin="automation"),
                e.StepStarted(run_id=run_id, step_key=decision.asset_key, targets=targets),
                e.StepSucceeded(run_id=run_id, step_key=decision.asset_key),
                e.RunSucceeded(run_id=run_id),
            ):
                self._suppose(event, now)
        assert self.state.definitions is not None
        conditions = {key for key, asset in self.state.definitions.assets.items() if asset.condition is not None}
        self._evaluated |= conditions
        self.past.append(evaluation)

    def _suppose(self, event: e.Event, timestamp: int) -> None:
        self._ticker.absorb([StoredEvent(self.state.through + 1, "", timestamp, event)])

    # ---- cursors -----------------------------------------------------------------------------------------------------

    def cursor(self) -> str:
        """All that makes this trial anew, over the same log."""
        data = {
            "definitions": {digest: content.decode() for digest, content in self.definitions.items()},
            "past": [
                [
                    one.through,
                    one.at.isoformat(),
                    one.definitions,
                    one.tick.model_dump_json(exclude_defaults=True),
                    [answer.model_dump_json(exclude_defaults=True) for answer in one.answers],
                ]
                for one in self.past
            ],
        }
        return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()

    @classmethod
    def resumed(cls, log: EventLog, cursor: str) -> Trial:
        """The trial that gave `cursor`.

        Raises:
            InvalidInvocationError: `cursor` is not the cursor of an evaluation, or was made over another log.
        """
        try:
            data = json.loads(zlib.decompress(base64.b64decode(cursor)))
            definitions = {digest: content.encode() for digest, content in data["definitions"].items()}
            past = [_past(*one) for one in data["past"]]
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise InvalidInvocationError(
                f"this is no cursor of an evaluation: {str(cursor)[:40]!r}. Pass result.cursor of an evaluation before."
            ) from error
        if past and past[-1].through > log.head().offset:
            raise InvalidInvocationError("this cursor is of an evaluation over another instance: its log is shorter.")
        trial = cls()
        trial.definitions = definitions
        for evaluation in past:
            trial._define(evaluation.definitions)
            trial._fold_log(log, evaluation.through, evaluation.at)
            for answer in evaluation.answers:
                trial._suppose(answer, to_microseconds(evaluation.at))
            trial.state.take_changes()
            trial._conclude(evaluation)
        return trial


def _moved(event: e.Event, shift: int) -> e.Event:
    """An event of the log in its place in the trial's history, which is `shift` events longer by then."""
    if isinstance(event, _AUTOMATION):
        return e.UnknownEvent(original_type=event.type)
    if isinstance(event, e.StepStarted) and event.read_through is not None:
        return event.model_copy(update={"read_through": event.read_through + shift})
    return event


def _past(through: int, at: str, definitions: str, tick: str, answers: Sequence[str] = ()) -> PastEvaluation:
    said = tuple(map(e.ConditionEvaluated.model_validate_json, answers))
    return PastEvaluation(through, datetime.fromisoformat(at), definitions, e.Tick.model_validate_json(tick), said)
