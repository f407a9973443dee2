"""What `headwater replay` prints for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import typer

from ...storage.as_of import AsOf, AssetAsOf
from ...storage.between import Between
from ..replay.comparison import Comparison, Request
from ..replay.differences import Difference, LeafTold, Verification
from .output import print_table, shortened, shown_part, shown_ranges, shown_span, shown_time


def print_as_of(then: AsOf) -> None:
    typer.echo(f"After event {then.offset:,}, at {shown_time(then.at)}")
    typer.echo()
    columns = ["asset", "made", "missing", "failed", "in progress", "last materialised", "freshness", "checks"]
    rows = [_asset_cells(asset) for asset in then.assets.values()]
    print_table(columns, rows, right=["made", "missing", "failed", "in progress"])
    if then.runs:
        typer.echo()
        cells = [
            [run.run_id, "running" if run.started else "queued", run.origin, shown_time(run.requested_at),
             shortened(run.assets), shortened(run.under_way)]
            for run in then.runs
        ]  # fmt: skip
        print_table(["run", "status", "origin", "requested", "assets", "under way"], cells)
    if then.backfills:
        typer.echo()
        print_table(
            ["backfill", "title", "assets"],
            [[one.backfill_id, one.title, shortened(one.assets)] for one in then.backfills],
        )


def _asset_cells(asset: AssetAsOf) -> list[str]:
    words = [
        f"{name} {count} {word}" if asset.partitioned else f"{name} {word}"
        for name, check in asset.checks.items()
        for count, word in ((check.failed, "failed"), (check.warned, "warned"), (check.passed, "passed"))
        if count
    ]
    return [
        asset.key,
        str(asset.materialized) if asset.total is None else f"{asset.materialized}/{asset.total}",
        str(asset.missing or ""),
        str(asset.failed or ""),
        str(asset.in_progress or ""),
        shown_time(asset.last_materialized) or "never",
        asset.freshness or "",
        shortened(words),
    ]


def print_between(between: Between) -> None:
    first, last = between.offset_first, between.offset_last
    typer.echo(
        f"From event {first:,} ({shown_time(between.at_first)}) to event {last:,} ({shown_time(between.at_last)})"
    )
    if between.definitions is not None:
        changed = between.definitions
        typer.echo(f"\nDefinitions {changed.before[:12] or '(none)'} -> {changed.after[:12]}")
        for word in ("added", "removed", "changed"):
            if keys := getattr(changed, word):
                typer.echo(f"  {word}: {shortened(keys, limit=10)}")
    if between.assets:
        typer.echo()
        rows = [[one.key, _parts(one.materialized), _parts(one.failed)] for one in between.assets.values()]
        print_table(["asset", "made", "failed"], rows)
    if between.checks:
        typer.echo()
        rows = [
            [shown_part(one.asset_key, one.partition), one.name, one.before or "-", one.after or "-"]
            for one in between.checks
        ]
        print_table(["asset", "check", "before", "after"], rows)
    if between.freshness:
        typer.echo()
        rows = [[one.asset_key, one.before or "-", one.after or "-"] for one in between.freshness]
        print_table(["asset", "freshness before", "after"], rows)
    if between.runs:
        typer.echo()
        rows = [
            [run.run_id, shortened(run.assets), shown_time(run.requested_at), shown_time(run.started_at),
             shown_time(run.ended_at), run.outcome or ""]
            for run in between.runs.values()
        ]  # fmt: skip
        print_table(["run", "assets", "requested", "started", "ended", "outcome"], rows)
    if not (between.definitions or between.assets or between.checks or between.freshness or between.runs):
        typer.echo("Nothing changed.")


def _parts(counts: Mapping[str | None, int]) -> str:
    named = [f"{key} x{count}" if count > 1 else f"{key}" for key, count in counts.items() if key is not None]
    whole = [f"{count} time{'s' if count > 1 else ''}" for key, count in counts.items() if key is None]
    return shortened([*whole, *named])


def print_verification(result: Verification) -> None:
    for difference in result.differences:
        _print_difference(difference)
    seen = f"{result.decisions:,} decisions in {result.ticks:,} ticks ({result.silent:,} silent ones between them)"
    if result.agrees:
        typer.echo(f"All {seen} are what the recorded definitions say.")
    else:
        count = len(result.differences)
        typer.echo(f"{count:,} difference{'s' if count > 1 else ''} in {seen}.")


def _print_difference(difference: Difference) -> None:
    part = difference.part
    when = f"through event {difference.through}, at {shown_time(difference.at)}"
    tick = f"a silent tick before event {difference.tick}" if difference.was_silent else f"event {difference.tick}"
    typer.echo(f"{part.asset_key or 'definitions'}: {part.what} differs in {tick} (decided {when})")
    typer.echo(f"  recorded:   {_data(part.recorded)}")
    typer.echo(f"  recomputed: {_data(part.recomputed)}")
    if difference.condition:
        typer.echo(f"  condition:  {difference.condition}")
    for leaf in difference.leaves:
        mark = "  " if leaf.recorded == leaf.recomputed else "! "
        typer.echo(f"    {mark}{leaf.path}: recorded {_truth(leaf.recorded)}, recomputed {_truth(leaf.recomputed)}")
    typer.echo()


def _truth(told: LeafTold | None) -> str:
    if told is None:
        return "false"
    position, where = told
    because = "" if position is None else f" because of {position:.1f}".removesuffix(".0")
    return "true" + ("" if where is None else f" for {shown_ranges('', where)}") + because


def _data(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)


RUNS_SHOWN = 20


def print_comparison(result: Comparison) -> None:
    typer.echo(f"From {shown_time(result.since)} to {shown_time(result.until)}, runs asked for by automation")
    typer.echo()
    rows = [
        [one.key, str(one.recorded), str(one.supposed), f"{one.supposed - one.recorded:+}".replace("+0", "")]
        for one in result.assets
    ]
    rows.append(["all runs", str(len(result.recorded)), str(len(result.supposed)), ""])
    rows.append(["time of their steps", shown_span(result.recorded_s), shown_span(result.supposed_s), ""])
    print_table(["", "recorded", "with these definitions", "more"], rows, right=["recorded", "with these definitions"])
    _print_runs("Would not have been asked for", result.not_requested)
    _print_runs("Would have been asked for besides", result.newly_requested)
    if result.unmeasured:
        typer.echo(f"\nOf these steps the log knows no duration, they count as 0 s: {shortened(result.unmeasured)}")


def _print_runs(title: str, runs: Sequence[Request]) -> None:
    if not runs:
        return
    typer.echo(f"\n{title}: {len(runs):,} run{'s' if len(runs) > 1 else ''}")
    for run in runs[:RUNS_SHOWN]:
        made = shortened([shown_ranges(target.asset_key, target.partitions) for target in run.targets])
        typer.echo(f"  {shown_time(run.at)}  {made or shortened(run.checks)}  {shown_span(run.took_s)}".rstrip())
    if len(runs) > RUNS_SHOWN:
        typer.echo(f"  ... and {len(runs) - RUNS_SHOWN:,} more (all with --json)")
