"""Conditions that users wrote in Python, asked in the process of the user's own test."""

from __future__ import annotations

from datetime import datetime

from ...definitions.definitions import Definitions
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.instance import Instance
from ...storage.state import State
from ..host.asking import ask
from .answers import fact_of, is_news, question_of
from .asked_places import places_of


def asked_in_process(
    definitions: Definitions, snapshot: DefinitionsSnapshot, state: State, instance: Instance, *, at: datetime
) -> list[e.ConditionEvaluated]:
    """The answers of all of them that are news to `state`. What one raises is raised."""
    facts = []
    for place, asked in {place: one for asks in places_of(snapshot).values() for place, one in asks.items()}.items():
        question = question_of(state, asked)
        condition = definitions.python_conditions[asked.node.node_id]
        said = ask(condition, definitions, question, at=at, instance=lambda: instance)
        result = {**said, "error": None, "took_s": 0.0}
        fact = fact_of(state, asked.node.node_id, question, result, at=at, cause=None)
        if is_news(state, fact, place):
            facts.append(fact)
    return facts
