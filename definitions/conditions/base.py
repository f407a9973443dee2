"""Automation conditions: when an asset is to be made, said as a tree of operands and operators.

A condition is pure data; it never looks at the log or at a clock. What its nodes mean for a given State is the
evaluator's. Trees are immutable values: every method gives a new one. `node_id` names a node by what it says and not by
where it stands or what it is called, so that the memory of an unchanged part survives when the rest is edited.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..errors import InvalidDefinitionError
from .offered import Offered

if TYPE_CHECKING:
    from ..automation_context import AutomationContext, AutomationResult
    from ..selection import CoercibleToAssetSelection
    from .first import FirstEvaluation, OnFirst

JsonData = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AutomationCondition(Offered):
    """A node of a condition. Build one with the static methods (of `Offered`), and combine them with `&`, `|` and `~`.

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
