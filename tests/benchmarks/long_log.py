"""Logs as a busy project writes them: 1,000 assets, half of them by the day, made in runs of one to three.

A run is a Tick with its reasons, its request, its start, a start, a materialization with metadata and an end for each
step, a check on every second asset, and its end. In between sources are observed and outside systems report.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from pydantic import JsonValue

from headwater import AssetKey, AssetSpec, DailyPartitionsDefinition, Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.log import EventLog
from headwater.storage.snapshots import EVERY, dump, save
from headwater.storage.state import State

ASSETS = 1_000
AT_ONCE = 5_000  # events appended in one piece
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 365
RUN_S = 20  # from one run to the next


def definitions_of(assets: int) -> DefinitionsSnapshot:
    daily = DailyPartitionsDefinition(FIRST_DAY)
    specs = [
        AssetSpec(
            AssetKey.from_user_string(_key(number)),
            deps=[AssetKey.from_user_string(_key(other)) for other in range(max(0, number - 30), number, 10)],
            partitions_def=daily if number % 2 else None,
            group_name=f"group_{number % 20}",
            description="What it is, and where it comes from.",
        )
        for number in range(assets)
    ]
    return DefinitionsSnapshot.of(Definitions(assets=specs))


def write(log: EventLog, size: int, *, snapshots: bool = False, assets: int = ASSETS) -> None:
    """About `size` events; with the snapshots that a daemon would have taken, the last of them before the end."""
    definitions = definitions_of(assets)
    loaded = e.DefinitionsLoaded(hash=definitions.hash, asset_count=assets)
    log.append([loaded], blobs={definitions.hash: definitions.to_bytes()})
    state, saved = State.empty(log.definitions_bytes), 0
    events = history(definitions.hash, size, assets)
    while batch := list(islice(events, AT_ONCE)):
        log.append(batch)
        if snapshots:
            for stored in log.read(state.through, 2 * AT_ONCE):
                state.apply(stored)
            if state.through - saved >= EVERY and state.through + EVERY // 2 < size:
                state.take_changes()
                save(log, dump(state))
                saved = state.through


def history(definitions: str, size: int, assets: int = ASSETS) -> Iterator[e.Event]:
    chance, at, count, number = random.Random(1), FIRST_DAY + timedelta(days=DAYS), 0, 0
    while count < size:
        at += timedelta(seconds=RUN_S)
        of_run = list(_run(number, count + 1, at, definitions, chance, assets))
        yield from of_run
        count, number = count + len(of_run), number + 1


def _key(number: int) -> str:
    return f"layer_{number % 10}/asset_{number}"


def _run(number: int, head: int, at: datetime, hash: str, chance: random.Random, assets: int) -> Iterator[e.Event]:
    run_id = f"019b0000-0000-7000-8000-{number:012x}"
    first = chance.randrange(assets)
    made = [(first + 10 * step) % assets for step in range(chance.randint(1, 3))]
    day = f"{FIRST_DAY + timedelta(days=chance.randrange(DAYS)):%Y-%m-%d}"
    ranges = ((day, day),)
    parts = {key: (day, ranges) if key % 2 else (None, None) for key in made}
    targets = tuple(e.Target(asset_key=_key(key), partitions=parts[key][1]) for key in made)
    if number % 3 == 0:
        yield e.AssetObserved(asset_key="outside/source", data_version=f"version-{number}")
    if number % 5 == 0:
        other = chance.randrange(0, assets, 2)
        metadata: dict[str, JsonValue] = {"rows": {"type": "int", "value": number}}
        yield e.AssetMaterialized(asset_key=_key(other), origin="report", metadata=metadata)
        head += 1
    decision = e.Decision(
        asset_key=_key(first),
        condition="eager",
        partitions=parts[first][1],
        causes=(e.Cause(position=head, partitions=parts[first][1]),),
        leaves=(("any_deps_updated/newly_updated", float(head), parts[first][1]),),
    )
    together = [
        e.Decision(asset_key=t.asset_key, condition="eager", partitions=t.partitions, along_with=_key(first))
        for t in targets[1:]
    ]
    yield e.Tick(through=head, at=at, definitions=hash, decisions=(decision, *together))
    checks = tuple(
        e.PlannedCheck(asset_key=_key(key), name="not_empty", blocking=key % 4 == 0) for key in made if key % 2 == 0
    )
    yield e.RunRequested(
        run_id=run_id, targets=targets, checks=checks, origin="automation", definitions=hash, tags={"team": "data"}
    )
    yield e.RunStarted(run_id=run_id, worker=f"worker-{number % 8}")
    for key, target in zip(made, targets, strict=True):
        asset_key, partition = _key(key), parts[key][0]
        step = {"run_id": run_id, "step_key": asset_key, "asset_key": asset_key, "partition": partition}
        yield e.StepStarted(**step, targets=(target,))
        yield e.AssetMaterialized(
            **step,
            code_version="3",
            data_version=f"{chance.getrandbits(64):016x}",
            metadata={
                "rows": {"type": "int", "value": chance.randrange(10**6)},
                "path": {"type": "path", "value": f"/data/{asset_key}/{day}.parquet"},
            },
        )
        if key % 2 == 0:
            yield e.AssetCheckEvaluated(
                asset_key=asset_key,
                check_name="not_empty",
                partition=partition,
                run_id=run_id,
                passed=True,
                blocking=key % 4 == 0,
            )
        yield e.StepSucceeded(run_id=run_id, step_key=asset_key, took_s=1.25, code_started_at=at)
    yield e.RunSucceeded(run_id=run_id)
