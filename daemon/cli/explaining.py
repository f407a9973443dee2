"""`asset explain`, in words: the tree with what is true, what is in the way, and the chain back to the root cause."""

from __future__ import annotations

from datetime import datetime

import typer

from ..evaluation.explain import ExplainedNode, Explanation
from ..evaluation.missed_periods import MissedPeriod
from .output import shortened, shown_part, shown_time

WITH_ARGUMENTS = (
    "cron_tick_passed",
    "in_latest_time_window",
    "executed_with_tags",
    "any_new_update_has_run_tags",
    "all_new_updates_have_run_tags",
)
"""Operands of which the name alone does not say what they ask."""


def print_explanation(explanation: Explanation) -> None:
    what = shown_part(explanation.asset_key, explanation.partition)
    if explanation.tree is None and explanation.made_with:
        makers = ", ".join(explanation.made_with)
        typer.echo(f"{what} has no automation condition of its own: it is made whenever {makers} is asked for.")
    elif explanation.tree is None:
        typer.echo(f"{what} has no automation condition: it is made by hand, by schedules and by sensors only.")
    else:
        wanted = explanation.would_be_requested
        if wanted and explanation.partition is None and explanation.tree.partitions:
            what += f" [{shortened(explanation.tree.partitions)}]"
        verdict = "would be asked for" if wanted else "is not asked for"
        typer.echo(f"{what} {verdict} (through offset {explanation.through}, {shown_time(explanation.at)}).")
        _print_node(explanation.tree, explanation.asset_key, 0)
    for title, lines in (
        ("In the way:", [_blocker(explanation, n) for n in range(len(explanation.blockers))]),
        ("Held back:", [f"{wait.kind}: {wait.needed}{_until(wait.until)}" for wait in explanation.waits]),
        ("Last asked for:", _chain(explanation)),
        ("Missed:", [_missed(period) for period in explanation.missed]),
    ):
        if lines:
            typer.echo(f"\n{title}")
            for line in lines:
                typer.echo(f"  {line}")


def _print_node(node: ExplainedNode, owner: str, depth: int) -> None:
    sign = "true " if node.is_true else "false"
    where = "" if node.asset_key == owner else f" at {node.asset_key}"
    keys = f" [{shortened(node.partitions)}]" if node.partitions else ""
    at_offset = f" at offset {node.changed_offset}" if node.changed_offset else ""
    since = f"  ({node.changed_by}{at_offset}, {shown_time(node.changed_at)})" if node.changed_by else ""
    says = f": {node.description}" if node.name in WITH_ARGUMENTS else ""
    typer.echo(f"{sign} {'  ' * depth}{node.name}{where}{says}{keys}{since}")
    for child in node.children:
        _print_node(child, owner, depth + 1)


def _blocker(explanation: Explanation, number: int) -> str:
    blocker = explanation.blockers[number]
    state = "is true" if blocker.is_true else "is false"
    one_of = "  (this or another will do)" if blocker.alternatives else ""
    keys = f" [{shortened(blocker.partitions)}]" if blocker.partitions else ""
    return f"{blocker.operand} at {blocker.asset_key}{keys} {state}: {blocker.needed}{one_of}"


def _missed(period: MissedPeriod) -> str:
    if period.lacking:
        why = f"{', '.join(period.lacking)} {'was' if len(period.lacking) == 1 else 'were'} not updated in it"
    else:
        why = "nothing was asked for in it: no daemon ran, or something else was in the way"
    what = f"{period.schedule!r} ({period.timezone})"
    return f"{what} from {shown_time(period.begins)} to {shown_time(period.ends)}: {why}"


def _until(until: datetime | None) -> str:
    return f" (until {shown_time(until)})" if until else ""


def _chain(explanation: Explanation) -> list[str]:
    lines = []
    for link in explanation.last_request:
        at = f"  (offset {link.offset}, {shown_time(link.at)})" if link.offset else ""
        run = f", run {link.run_id}" if link.run_id else ""
        arrow = "<- " if lines else ""
        lines.append(f"{arrow}{shown_part(link.asset_key, link.partition)}: {link.because}{run}{at}")
    return lines
