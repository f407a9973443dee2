"""`materialize()` of 1,000 trivial assets, in memory and on a persistent log, an asset."""

from __future__ import annotations

from collections.abc import Sequence

from append import bare_seconds, batch_sizes
from harness import Effort, Figure, Target, interleaved, median, ratio_of, scratch_folder, timed

from headwater import asset, materialize
from headwater.definitions.assets_definition import AssetsDefinition
from headwater.storage.instance import Instance

WHERE = {
    "nothing returned": "one commit an asset, which bare sqlite3 needs the time in the limit column for; the rest"
    " is in no single place (events, ids, checksums, binding of arguments).",
    "a value kept": "besides the commit each value is pickled into a file of its own: opening it and renaming it "
    "into place take about as long as the commit.",
}
WHERE_IN_MEMORY = (
    "a quarter to a third is writing three events an asset, a fifth the step, a sixth to a fifth validating the "
    "definitions, a seventh their snapshot; a tenth over all of this is turning asset keys into text."
)


def materializing(effort: Effort) -> list[Figure]:
    count, rounds = effort.of(1_000, 20), effort.of(5, 1)
    silent, valued = silent_assets(count), valued_assets(count)
    return [
        _in_memory("nothing returned", silent, rounds),
        _in_memory("a value kept", valued, rounds),
        _persistent("nothing returned", silent, rounds),
        _persistent("a value kept", valued, rounds),
    ]


def silent_assets(count: int) -> list[AssetsDefinition]:
    def make(number: int) -> AssetsDefinition:
        @asset(name=f"asset_{number}")
        def trivial() -> None: ...

        return trivial

    return [make(number) for number in range(count)]


def valued_assets(count: int) -> list[AssetsDefinition]:
    def make(number: int) -> AssetsDefinition:
        @asset(name=f"asset_{number}")
        def trivial() -> int:
            return number

        return trivial

    return [make(number) for number in range(count)]


def _in_memory(kind: str, assets: Sequence[AssetsDefinition], rounds: int) -> Figure:
    def ours() -> float:
        return timed(lambda: materialize(assets)) * 1000 / len(assets)

    ours()
    name = f"materialize(), in memory, {kind}"
    (times,) = interleaved(rounds, ours)
    return Figure(
        name=name,
        value=round(median(times), 3),
        unit="ms/asset",
        target=Target(0.2),
        elsewhere="10 ms",
        where=WHERE_IN_MEMORY,
    )


def _persistent(kind: str, assets: Sequence[AssetsDefinition], rounds: int) -> Figure:
    name = f"materialize(), persistent log, {kind}"
    with scratch_folder() as folder, Instance.local(folder / "home") as instance:
        sizes: list[list[int]] = [[1]]

        def ours() -> float:
            before = instance.log.head().offset
            took = timed(lambda: materialize(assets, instance=instance))
            sizes.append(batch_sizes(instance.log, after=before))
            return took * 1000 / len(assets)

        def commits_alone() -> float:
            return bare_seconds(folder, sizes[-1]) * 1000 / len(assets)

        ours()
        times, limits = interleaved(rounds, ours, commits_alone)
    return Figure(
        name=name,
        value=round(median(times), 3),
        unit="ms/asset",
        target=Target(0.5),
        limit=round(median(limits), 3),
        limit_is="the same commits on bare sqlite3",
        ratio=round(ratio_of(times, limits), 2),
        elsewhere="33 ms",
        where=WHERE[kind],
        facts={"commits_per_asset": round(len(sizes[-1]) / len(assets), 2)},
    )
