"""Asking a condition that a user wrote in Python: one call of `evaluate` for each asset, its answer told as plain data.

Run by the child that the host forks, or in the process of a test. Whatever one call raises, the next asset is asked all
the same: an asset is not to wait because another one's data is odd.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ...definitions.automation_context import AutomationContext, asked
from ...definitions.conditions import AutomationCondition
from ...definitions.definitions import Definitions
from ...definitions.keys import AssetCheckKey, AssetKey
from .orders import ENOUGH_S, Order, Question, Result
from .raised import told

if TYPE_CHECKING:
    from datetime import datetime

    from ...storage.instance import Instance


def answer(
    definitions: Definitions,
    order: Order,
    *,
    open_instance: Callable[[], Instance],
    tell: Callable[[Result], None],
) -> None:
    """Ask every question of the order, and tell each answer as soon as it is there."""
    started = time.monotonic()
    condition = definitions.python_conditions[order.name]
    for question in order.questions:
        begun = time.monotonic()
        try:
            said = {**ask(condition, definitions, question, at=order.at, instance=open_instance), "error": None}
        except BaseException as error:  # the border to the user's code, which may also call sys.exit()
            said = {"error": told(error)}
        tell({**said, "took_s": time.monotonic() - begun})
        if time.monotonic() - started > ENOUGH_S:
            return


def log_name(definitions: Definitions, node: str) -> str:
    """How the file is called that has what a condition prints."""
    return f"{type(definitions.python_conditions[node]).__name__}-{node}"


def ask(
    condition: AutomationCondition,
    definitions: Definitions,
    question: Question,
    *,
    at: datetime,
    instance: Callable[[], Instance],
) -> Result:
    """One answer: `true` lists partition keys (None: the whole asset), or is "all" where all that exist are meant."""
    asset_key = AssetKey.from_user_string(question.asset_key)
    check = None if question.check_name is None else AssetCheckKey(asset_key, question.check_name)
    partitions = definitions.get(asset_key).partitions_def

    def candidates() -> Iterable[str | None]:
        if partitions is None:
            return [None]
        store = instance() if partitions.dynamic_names else None
        return partitions.get_partition_keys(current_time=at, dynamic_partitions_store=store)

    context = AutomationContext(
        key=check or asset_key,
        partitions_def=partitions,
        candidates=candidates,
        evaluation_time=at,
        previous_evaluation_time=question.previous_at,
        cursor=question.cursor,
        instance=instance,
    )
    result = asked(condition, context)
    true = result.true_subset
    if not true.is_empty and true.size == context.candidate_subset.size:
        return {"true": "all", "cursor": result.cursor}
    keys = sorted(true.expensively_compute_partition_keys()) if true.is_partitioned else [None] * true.size
    return {"true": keys, "cursor": result.cursor}
