"""Operands about the runs that made an update: what else such a run made, and which tags it has.

An update that was reported, or that nobody knows the run of any more, was made by no run: it has no tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from ..errors import InvalidDefinitionError
from .base import AutomationCondition, JsonData
from .operands import Operand


class ExecutedWithRootTarget(Operand):
    name = "executed_with_root_target"
    says = "the run that made it last was to make the asset of this condition too"


@dataclass(frozen=True)
class RunTagsOperand(Operand):
    """Asks for tags of a run: all of `tag_keys`, and all of `tag_values` with their values."""

    subject: ClassVar[str]
    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, tag_keys: Iterable[str] | None, tag_values: Mapping[str, str] | None) -> Self:
        """The operand for what a user gives.

        Raises:
            InvalidDefinitionError: no tag is asked for, or the keys are one string.
        """
        if isinstance(tag_keys, str):
            raise InvalidDefinitionError(f"{cls.name}: tag_keys is a set of keys: write {{{tag_keys!r}}}.")
        if not tag_keys and not tag_values:
            raise InvalidDefinitionError(f"{cls.name} asks for no tag: give tag_keys or tag_values.")
        return cls(tuple(sorted(set(tag_keys or ()))), tuple(sorted((tag_values or {}).items())))

    def is_met_by(self, tags: Mapping[str, str]) -> bool:
        """Whether a run with these tags is meant."""
        return all(key in tags for key in self.tag_keys) and all(tags.get(k) == v for k, v in self.tag_values)

    @property
    def description(self) -> str:
        wanted = ", ".join([*self.tag_keys, *(f"{key}={value}" for key, value in self.tag_values)])
        return f"{self.subject} has the tags {wanted}"

    def fields(self) -> JsonData:
        data: JsonData = {"tag_keys": list(self.tag_keys)} if self.tag_keys else {}
        return {**data, "tag_values": dict(self.tag_values)} if self.tag_values else data

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(tuple(data.get("tag_keys", ())), tuple(sorted(data.get("tag_values", {}).items())))


class ExecutedWithTags(RunTagsOperand):
    name = "executed_with_tags"
    subject = "the run that made it last"


class AnyNewUpdateHasRunTags(RunTagsOperand):
    name = "any_new_update_has_run_tags"
    pulse = True
    subject = "a run that has just updated it"


class AllNewUpdatesHaveRunTags(RunTagsOperand):
    name = "all_new_updates_have_run_tags"
    pulse = True
    subject = "each run that has just updated it"
