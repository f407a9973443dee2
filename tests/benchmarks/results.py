"""`RESULTS.md`: the figures of one run, as a table, with the machine that they were taken on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness import Figure

HEAD = """# What was measured

Made by `make bench`; do not edit by hand. The limit is what this machine does at best for the same promise, measured in
between. Appends, materialize(), the burst and --version are medians of rounds, and so are their ratios; a reaction is
the percentile of all runs of one session beside the same percentile of its floor; the idle daemon is one look of 20 s,
and the tick over everything of 10,000 assets one tick. The last column is what the field needs for the same, measured
once on another day. Where a target is missed, the stages of a reaction are from this run; the other reasons are from
profiles made when the benchmark was written.
"""


def markdown(machine: Mapping[str, Any], date: str, figures: Iterable[Figure]) -> str:
    figures = list(figures)
    return "\n".join([HEAD, *_machine(machine, date), "", *_table(figures), *_details(figures), *_missed(figures), ""])


def _machine(machine: Mapping[str, Any], date: str) -> list[str]:
    return [
        f"- {date}; {machine['cpu']}, {machine['cores']} cores; {machine['system']}; Python {machine['python']}",
        f"- writing and flushing 4 KB takes {machine['fsync_4k_ms']} ms; load before the run {machine['load_before']}",
    ]


def _table(figures: list[Figure]) -> list[str]:
    lines = ["| what | figure | limit | ratio | target | reached | elsewhere |", "|---|---|---|---|---|---|---|"]
    for one in figures:
        cells = [
            one.name,
            f"{number(one.value)} {one.unit}",
            "" if one.limit is None else number(one.limit),
            "" if one.ratio is None else f"{one.ratio:g}",
            _targets(one),
            {True: "yes", False: "**no**", None: ""}[one.reached],
            one.elsewhere,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _targets(figure: Figure) -> str:
    parts = [str(figure.target)] if figure.target else []
    parts += [f"ratio {figure.ratio_target}"] if figure.ratio_target else []
    return ", ".join(parts)


def _details(figures: list[Figure]) -> list[str]:
    by_limit: dict[str, list[str]] = {}
    for one in figures:
        if one.limit_is:
            by_limit.setdefault(one.limit_is, []).append(one.name)
    lines = ["", "## The limits", ""] if by_limit else []
    lines += [f"- {limit}: for {'; '.join(names)}" for limit, names in by_limit.items()]
    facts = [one for one in figures if one.facts]
    lines += ["", "## Beside the figures", ""] if facts else []
    lines += [f"- {one.name}: {_spoken(one.facts)}" for one in facts]
    return lines


def _missed(figures: list[Figure]) -> list[str]:
    missed = [one for one in figures if one.reached is False]
    if not missed:
        return []
    lines = ["", "## Where a target is missed, and where the time goes", ""]
    return lines + [f"- {one.name}: {one.where or 'not profiled yet.'}" for one in missed]


def _spoken(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {f'({_spoken(value)})' if isinstance(value, dict) else value}"
        for name, value in facts.items()
    )


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:g}"
