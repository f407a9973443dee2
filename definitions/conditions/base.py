"""Automation conditions: when an asset is to be made, said as a tree of operands and operators.

A condition is pure data; it never looks at the log or at a clock. What its nodes mean for a given State is the
evaluator's. Trees are immutable values: every method gives a new one. `node_id` names a node by what it says and not by
where it stands or what it is called, so that the memory of an unchanged part survives when the rest is edited.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..errors import InvalidDefinitionError, NotYetSupported

if TYPE_CHECKING:
    from datetime import timedelta

    from ..automation_context import AutomationContext, AutomationResult
    from ..keys import CoercibleToAssetKey
    from ..selection import CoercibleToAssetSelection
    from .first import FirstEvaluation, OnFirst

JsonData = dict[str, Any]

INSTEAD_OF_JOBS = "give the condition to the assets of the job, or launch the job from a sensor or a schedule"


@dataclass(frozen=True, kw_only=True)
class AutomationCondition:
    """A node of a condition. Build one with the static methods below, and combine them with `&`, `|` and `~`.

    >>> condition = AutomationCondition.eager().without("in_latest_time_window")
    >>> condition.label
    'eager'
    """

    label: str | None = None
    first: FirstEvaluation | None = None
    """What is said of first evaluations; None: nothing. See `on_first`."""

    name: ClassVar[str] = "python"
    """The kind of the node, as it stands in JSON and as `replace` and `without` take it."""
    kinds: ClassVar[dict[str, type[AutomationCondition]]] = {}
    is_python: ClassVar[bool] = False
    """Whether a user wrote it, as a subclass with `evaluate`."""

    minimum_interval_seconds: ClassVar[float] = 30.0
    """Of a subclass with `evaluate`: it is evaluated when something has happened to the asset or what that reads, and
    after this time at the latest."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.evaluate is not AutomationCondition.evaluate:
            cls.is_python = True
        elif "name" in cls.__dict__:
            AutomationCondition.kinds[cls.name] = cls

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        """For a condition of your own: override it in a subclass.

            class IsHoliday(AutomationCondition):
                minimum_interval_seconds = 600

                def evaluate(self, context):
                    is_holiday = context.evaluation_time.date() in HOLIDAYS
                    true = context.candidate_subset if is_holiday else context.get_empty_subset()
                    return AutomationResult(context, true)

        The daemon has it evaluated in a process of its own, under a time limit, and goes by the last answer meanwhile.
        An object is known by its class and its attributes, which have to be data; a frozen dataclass is a good way.
        """
        raise NotImplementedError(f"{type(self).__name__} is not evaluated in Python")

    # ---- the tree ------------------------------------------------------------------------------------------------

    @property
    def children(self) -> tuple[AutomationCondition, ...]:
        return ()

    @property
    def description(self) -> str:
        """When the node holds, in words."""
        return self._data().description

    @cached_property
    def node_id(self) -> str:
        """What the node says, as 12 hex digits: equal for equal trees, whatever their labels."""
        from hashlib import sha256  # here, since it costs 10 ms to import

        meaning = self._data()._meaning() if self.is_python else self._meaning()
        return sha256(canonical(meaning).encode()).hexdigest()[:12]

    def _data(self) -> AutomationCondition:
        from .python_condition import as_data

        return as_data(self)

    def with_(self, **changes: Any) -> Self:
        """The same condition but for its label or what is said of first evaluations; also where a user's class has an
        `__init__` of its own."""
        changed = copy(self)
        changed.__dict__.update(changes)
        return changed

    def walk(self) -> Iterator[AutomationCondition]:
        """The node and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()

    def with_children(self, children: Sequence[AutomationCondition]) -> Self:
        """The same node over other children; only for nodes that have some."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.label or self.description

    # ---- operators -----------------------------------------------------------------------------------------------

    def __and__(self, other: object) -> AutomationCondition:
        from .operators import And

        return And.of(self, other) if isinstance(other, AutomationCondition) else NotImplemented

    def __or__(self, other: object) -> AutomationCondition:
        from .operators import Or

        return Or.of(self, other) if isinstance(other, AutomationCondition) else NotImplemented

    def __invert__(self) -> AutomationCondition:
        from .first import as_first_of
        from .operators import Not

        return as_first_of(Not((self,)), self)

    def since(self, reset: AutomationCondition) -> AutomationCondition:
        """True from when this was true until `reset` is."""
        from .first import as_first_of
        from .operators import Since

        return as_first_of(Since((self, reset)), self)

    def since_last_handled(self) -> AutomationCondition:
        """True from when this was true until an attempt of the asset reads what made it true."""
        from .operands import Handled

        return self.since(Handled())

    def newly_true(self) -> AutomationCondition:
        """True at the moment at which this turns true."""
        from .first import as_first_of
        from .operators import NewlyTrue

        return as_first_of(NewlyTrue((self,)), self)

    def with_label(self, label: str | None) -> Self:
        """The same condition under a name, which shows and which `replace` and `without` find.

        Raises:
            InvalidDefinitionError: the name is no string.
        """
        if not isinstance(label, str | None):
            raise InvalidDefinitionError(f"the label of a condition is a string, not {label!r}")
        return self.with_(label=label)

    def on_first(self, how: OnFirst, *, limit: int | None = 1_000) -> Self:
        """The same condition with a word on its first evaluation, the one in which nobody has looked at the asset yet.

        Under "request" what is missing then is asked for, as far as the condition does that at all: an unpartitioned
        asset, the latest time window, and of partitions without an order in time `limit` at most (None: all). The rest
        is left to a backfill. Under "baseline" everything is taken as it is: an update that has landed is no news and
        what is missing stays so, until something happens. Without a word it is "request" with this limit, or what the
        Definitions say.

        >>> AutomationCondition.eager().on_first("baseline").first.how
        'baseline'

        The word counts for the whole condition of the asset: of `a & b` that of `a`, or else that of `b`. It is no part
        of what the condition says: to change it is no change of the condition.

        Raises:
            InvalidDefinitionError: `how` or `limit` is something else.
        """
        from .first import FirstEvaluation

        return self.with_(first=FirstEvaluation.of(how, limit))

    # ---- edits ---------------------------------------------------------------------------------------------------

    def replace(self, old: AutomationCondition | str, new: AutomationCondition) -> AutomationCondition:
        """The tree with `new` in every place of `old`: a condition (its label does not matter), or a name or label.

        A tree without `old` comes back as it is.
        """
        from .edits import replaced

        return replaced(self, old, new)

    def without(self, condition: AutomationCondition | str) -> AutomationCondition:
        """The tree with `condition` taken out of every AND, together with a `~` before it.

        `condition` is given itself or by its name or label. An AND left with one operand becomes that operand.

        Raises:
            InvalidInvocationError: no AND of the tree has it as an operand, or one has no other operand.
        """
        from .edits import removed

        return removed(self, condition)

    def allow(self, selection: CoercibleToAssetSelection) -> AutomationCondition:
        """The tree whose `any_deps_match` and `all_deps_match` look at the selected upstream assets only, and whose
        `any_checks_match` and `all_checks_match` look at the selected checks only. Repeated calls add up.

        `selection` is an AssetSelection or its string, as in "group:sales", an asset, its key, or several of these. A
        selected asset takes its checks along. A selection of checks alone, as `AssetSelection.checks(...)`, leaves
        what looks at upstream assets as it is, and reaches the checks that are looked at there.

        Raises:
            InvalidAssetSelection: the selection cannot be read.
            InvalidInvocationError: nothing in the tree looks at upstream assets or at checks.
        """
        from .edits import restricted

        return restricted(self, allow=selection)

    def ignore(self, selection: CoercibleToAssetSelection) -> AutomationCondition:
        """The tree whose `any_deps_match` and `all_deps_match` leave the selected upstream assets out, and whose
        `any_checks_match` and `all_checks_match` the selected checks.

        `selection` is what `allow` takes.

        >>> from headwater import AssetCheckKey, AssetSelection
        >>> passed = AutomationCondition.all_checks_match(AutomationCondition.check_passed())
        >>> str(passed.ignore(AssetSelection.checks(AssetCheckKey("orders", "is_recent"))))
        'for each check except orders:is_recent: the check has passed on the newest data'

        Raises:
            InvalidAssetSelection: the selection cannot be read.
            InvalidInvocationError: nothing in the tree looks at upstream assets or at checks.
        """
        from .edits import restricted

        return restricted(self, ignore=selection)

    # ---- JSON ----------------------------------------------------------------------------------------------------

    def fields(self) -> JsonData:
        """What the node says beside its kind, label and children, as JSON."""
        return {}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        """The unlabelled node of these `fields()`, over `children`."""
        return cls()

    def to_json(self) -> JsonData:
        """`{"op": name, ...}` with its own fields; the rest only where there is some."""
        if self.is_python:
            return self._data().to_json()
        data: JsonData = {"op": self.name, **self.fields()}
        if self.label is not None:
            data["label"] = self.label
        if self.first is not None:
            data["on_first"] = self.first.to_json()
        if self.children:
            data["children"] = [child.to_json() for child in self.children]
        return data

    def _meaning(self) -> JsonData:
        return {"op": self.name, **self.fields(), "children": [child.node_id for child in self.children]}

    # ---- operands ------------------------------------------------------------------------------------------------

    @staticmethod
    def missing() -> AutomationCondition:
        """Never made yet."""
        return operand("missing")

    @staticmethod
    def in_progress() -> AutomationCondition:
        """Planned in a run or a backfill that has neither made it nor ended."""
        return operand("in_progress")

    @staticmethod
    def run_in_progress() -> AutomationCondition:
        """Planned in a run that has neither made it nor ended."""
        return operand("run_in_progress")

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """Asked for by a backfill that has neither made it nor given it up."""
        return operand("backfill_in_progress")

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """Its last attempt failed, and nothing has made it since."""
        return operand("execution_failed")

    @staticmethod
    def freshness_passed() -> AutomationCondition:
        """The asset keeps its freshness policy. Without one, this and the next two are false."""
        return operand("freshness_passed")

    @staticmethod
    def freshness_warned() -> AutomationCondition:
        """The asset's freshness policy warns."""
        return operand("freshness_warned")

    @staticmethod
    def freshness_failed() -> AutomationCondition:
        """The asset fails its freshness policy."""
        return operand("freshness_failed")

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """At the moment at which it was made, reported, or observed with other data."""
        return operand("newly_updated")

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """At the moment at which definitions are loaded that declare another code version than the ones before.

        A code version where there was none before is no change; one that is taken away is.
        """
        return operand("code_version_changed")

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """At the moment at which it was updated to other data: to data of another version, or of none."""
        return operand("data_version_changed")

    @staticmethod
    def check_passed() -> AutomationCondition:
        """The check has passed on the newest data of its asset. Use it in `any_checks_match` or `all_checks_match`."""
        return operand("check_passed")

    @staticmethod
    def check_failed() -> AutomationCondition:
        """The check has failed, of whatever severity, on the newest data of its asset."""
        return operand("check_failed")

    @staticmethod
    def executed_with_root_target() -> AutomationCondition:
        """The run that made it last was to make the asset of this condition too, be it in vain."""
        return operand("executed_with_root_target")

    @staticmethod
    def executed_with_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """The run that made it last has all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import ExecutedWithTags

        return ExecutedWithTags.of(tag_keys, tag_values)

    @staticmethod
    def any_new_update_has_run_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """At the moment at which it was updated, by one run at least that has all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import AnyNewUpdateHasRunTags

        return AnyNewUpdateHasRunTags.of(tag_keys, tag_values)

    @staticmethod
    def all_new_updates_have_run_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """At the moment at which it was updated, by runs only that have all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import AllNewUpdatesHaveRunTags

        return AllNewUpdatesHaveRunTags.of(tag_keys, tag_values)

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """At the moment at which automation asked for it."""
        return operand("newly_requested")

    @staticmethod
    def newly_missing() -> AutomationCondition:
        """At the moment at which it turned out to be missing."""
        return AutomationCondition.missing().newly_true().with_label("newly_missing")

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """Asked for in this very tick."""
        return operand("will_be_requested")

    @staticmethod
    def handled() -> AutomationCondition:
        """An attempt of the asset has read what is looked at, or its own materialisation was reported."""
        return operand("handled")

    @staticmethod
    def gated() -> AutomationCondition:
        """The last result of one of its blocking checks is a failure."""
        return operand("gated")

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """At the moment at which the asset is evaluated for the first time."""
        return operand("initial_evaluation")

    @staticmethod
    def in_latest_time_window(lookback_delta: timedelta | None = None) -> AutomationCondition:
        """In the newest time window, or in one that starts at most `lookback_delta` before its end.

        Always true where partitions have no order in time.
        """
        from .operands import InLatestTimeWindow

        return InLatestTimeWindow(lookback_delta)

    @staticmethod
    def cron_tick_passed(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """At the moments of a cron schedule.

        Raises:
            InvalidDefinitionError: the schedule or the time zone cannot be read.
        """
        from .operands import CronTickPassed

        return CronTickPassed(cron_schedule, cron_timezone)

    # ---- over upstream assets ------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for a mapped partition of one upstream asset at least."""
        from .restricting import AnyDepsMatch

        return AnyDepsMatch((condition,))

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for one mapped partition at least of each upstream asset; true where there is none."""
        from .restricting import AllDepsMatch

        return AllDepsMatch((condition,))

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """Something upstream was updated, or is being requested in the same tick."""
        from .presets import any_deps_updated

        return any_deps_updated()

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """Something upstream has never been made, and is not being requested either."""
        from .presets import any_deps_missing

        return any_deps_missing()

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """Something upstream is being made."""
        from .presets import any_deps_in_progress

        return any_deps_in_progress()

    @staticmethod
    def any_deps_gated() -> AutomationCondition:
        """A blocking check of something upstream failed."""
        from .presets import any_deps_gated

        return any_deps_gated()

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Everything upstream was updated since the last tick of the schedule, or is being requested."""
        from .presets import all_deps_updated_since_cron

        return all_deps_updated_since_cron(cron_schedule, cron_timezone)

    @staticmethod
    def all_deps_blocking_checks_passed() -> AutomationCondition:
        """Every blocking check of everything upstream has passed on the newest data, or is being requested."""
        from .presets import all_deps_blocking_checks_passed

        return all_deps_blocking_checks_passed()

    # ---- over checks, other assets, and downstream -----------------------------------------------------------------

    @staticmethod
    def any_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` holds for one check of the asset at least."""
        from .restricting import AnyChecksMatch

        return AnyChecksMatch((condition,), blocking_only=blocking_only)

    @staticmethod
    def all_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` holds for each check of the asset; true where there is none."""
        from .restricting import AllChecksMatch

        return AllChecksMatch((condition,), blocking_only=blocking_only)

    @staticmethod
    def asset_matches(key: CoercibleToAssetKey, condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for the asset of this key, wherever that stands in the graph.

        Its partitions are mapped as those of a dependency are, or, where it is downstream, the other way.
        """
        from ..keys import AssetKey
        from .looking import AssetMatches

        return AssetMatches((condition,), key=AssetKey.of(key).to_user_string())

    @staticmethod
    def any_downstream_conditions() -> AutomationCondition:
        """The condition of one of the nearest assets downstream that have one holds, evaluated for this asset."""
        return operand("any_downstream_conditions")

    @staticmethod
    def any_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """A word about conditions on jobs, which do not exist here.

        Raises:
            NotYetSupported: always, with what to do instead.
        """
        raise NotYetSupported("AutomationCondition.any_job_root_assets_match", instead=INSTEAD_OF_JOBS)

    @staticmethod
    def all_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """A word about conditions on jobs, which do not exist here.

        Raises:
            NotYetSupported: always, with what to do instead.
        """
        raise NotYetSupported("AutomationCondition.all_job_root_assets_match", instead=INSTEAD_OF_JOBS)

    # ---- presets -------------------------------------------------------------------------------------------------

    @staticmethod
    def eager() -> AutomationCondition:
        """Make it whenever something upstream was updated, and at once where it is missing."""
        from .presets import eager

        return eager()

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Make it once, as soon as all that it is made from is there."""
        from .presets import on_missing

        return on_missing()

    @staticmethod
    def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Make it once in each period of the schedule, when all that is upstream was updated in that period."""
        from .presets import on_cron

        return on_cron(cron_schedule, cron_timezone)


def condition_from_json(data: JsonData) -> AutomationCondition:
    """The condition that `to_json()` was called on."""
    kind = AutomationCondition.kinds.get(data["op"])
    if kind is None:
        raise InvalidDefinitionError(f"a condition {data['op']!r} is not known to this version of headwater")
    condition = kind.from_fields(data, tuple(map(condition_from_json, data.get("children", ()))))
    if (label := data.get("label")) is not None:
        condition = condition.with_label(label)
    if (first := data.get("on_first")) is not None:
        from .first import FirstEvaluation

        condition = condition.with_(first=FirstEvaluation.from_json(first))
    return condition


def operand(name: str) -> AutomationCondition:
    """The operand without arguments that is called `name`."""
    from . import looking, operands, python_condition, restricting, run_operands  # noqa: F401 - they fill the table of kinds

    return AutomationCondition.kinds[name]()


def canonical(data: JsonData) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
