"""What the function of an asset gave back, as one value to store and what is to be said of it.

A function may return a plain value, an `Output` or a `MaterializeResult`, be async, or yield one of the last two. All
of it is first brought to the end and then looked at: what comes after a `yield` belongs to the step, and if it raises
nothing has been stored. What fits nothing, or not its annotation, is an error that says what to write instead.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, get_origin, get_type_hints

from ...definitions.annotations import fits, named, shown
from ...definitions.asset_events import ASSET_EVENTS, AssetEvent
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.errors import ExecutionError
from ...definitions.metadata import MetadataValue
from ...definitions.results import UNSET, AssetCheckResult, MaterializeResult, Output

RESULT_TYPES = (Output, MaterializeResult, AssetCheckResult)


@dataclass(frozen=True, slots=True)
class Made:
    """An asset's outcome. `value` is UNSET where the code has stored it itself."""

    value: Any = UNSET
    metadata: dict[str, MetadataValue] = field(default_factory=dict)
    data_version: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    check_results: tuple[AssetCheckResult, ...] = ()


def finished(returned: Any, note: Callable[[AssetEvent], None]) -> Any:
    """`returned`, or what a coroutine comes to, or the list of what a generator yields (as `Yielded`).

    Events of other assets are no part of that list: `note` is told of them as they come.
    """
    if inspect.isgenerator(returned):
        return Yielded(item for item in returned if not _noted(item, note))
    if inspect.isasyncgen(returned):
        return run_async(_collected(returned, note))
    if inspect.isawaitable(returned):
        return run_async(_awaited(returned))
    return returned


def streamed(returned: Any, take: Callable[[Any], None], note: Callable[[AssetEvent], None]) -> Any:
    """As `finished`, but `take` is told of each thing that a generator yields as it comes; then UNSET is returned."""
    if inspect.isgenerator(returned):
        try:
            for item in returned:
                if not _noted(item, note):
                    take(item)
        finally:
            returned.close()
        return UNSET
    if inspect.isasyncgen(returned):
        run_async(_handed_on(returned, take, note))
        return UNSET
    return finished(returned, note)


class Yielded(list[Any]):
    """What a generator yielded: never to be mistaken for a list that a function returned."""


def outcome_of(asset: AssetsDefinition, result: Any) -> Made | None:
    """What `result`, a finished return value of the asset's function, means; None: the asset was left out.

    Raises:
        ExecutionError: it means nothing.
    """
    if isinstance(result, Yielded):
        if not result and not asset.is_required:
            return None
        checked = tuple(item for item in result if isinstance(item, AssetCheckResult))
        made = _outcome(asset, _only(asset, [item for item in result if not isinstance(item, AssetCheckResult)]))
        return replace(made, check_results=(*made.check_results, *checked))
    _check_annotation(asset, result)
    return _outcome(asset, result)


def _outcome(asset: AssetsDefinition, result: Any) -> Made:
    if isinstance(result, MaterializeResult):
        return _of_materialize_result(asset, result)
    if isinstance(result, Output):
        _check_output_name(asset, result)
        tags = dict(result.tags)
        return Made(result.value, dict(result.metadata), result.data_version, tags)  # type: ignore[arg-type]
    if isinstance(result, AssetCheckResult):
        advice = "Return MaterializeResult(check_results=[...]), or yield it beside an Output"
        raise _error(asset, f"returned an AssetCheckResult. {advice}")
    if isinstance(result, ASSET_EVENTS):
        raise _error(asset, f"returned an {type(result).__name__}. Yield it, or give it to context.log_event")
    if isinstance(result, tuple) and any(isinstance(part, RESULT_TYPES) for part in result):
        raise _error(asset, "returned several results, but it is one asset. Return one MaterializeResult or Output")
    return Made() if asset.returns_nothing else Made(result)


def _of_materialize_result(asset: AssetsDefinition, result: MaterializeResult[Any]) -> Made:
    if result.asset_key is not None and result.asset_key != asset.key:
        raise _error(asset, f"gave a MaterializeResult for {str(result.asset_key)!r}. Leave asset_key out")
    return Made(result.value, result.metadata, result.data_version, result.tags, result.check_results)


def _check_output_name(asset: AssetsDefinition, output: Output[Any]) -> None:
    if output.output_name not in ("result", asset.key.path[-1], asset.__name__):
        raise _error(asset, f"gave an Output named {output.output_name!r}. Leave output_name out: it has one output")


def _noted(item: object, note: Callable[[AssetEvent], None]) -> bool:
    if not isinstance(item, ASSET_EVENTS):
        return False
    note(item)
    return True


def _only(asset: AssetsDefinition, yielded: Sequence[Any]) -> Any:
    if not yielded and asset.returns_nothing and asset.check_specs:
        return None  # it stores its data itself, and yields what it found about them
    for item in yielded:
        if not isinstance(item, (Output, MaterializeResult)):
            raise _error(asset, f"yielded {shown(item)}. Yield Output(value), or return the value")
    if len(yielded) == 1:
        return yielded[0]
    how_many = "nothing" if not yielded else f"{len(yielded)} results"
    raise _error(asset, f"yielded {how_many}. Yield exactly one Output(value) or MaterializeResult()")


# ---- annotations -----------------------------------------------------------------------------------------------------


def _check_annotation(asset: AssetsDefinition, result: Any) -> None:
    """Hold a returned value against the function's return annotation, as far as `isinstance` can tell."""
    if "return" not in getattr(asset.fn, "__annotations__", ()):
        return
    try:
        expected = get_type_hints(asset.fn)["return"]
    except Exception:  # an annotation that exists for type checkers only
        return
    wraps = _outer(expected)
    if isinstance(result, RESULT_TYPES):
        if wraps in RESULT_TYPES or not isinstance(result, Output):
            return
        result = result.value
    elif asset.returns_nothing and result is None:
        return
    if not fits(result, expected):
        what = f"is annotated to return {named(expected)}, but returned {shown(result)}"
        raise _error(asset, f"{what}. Correct the annotation or the value")


def _outer(expected: Any) -> Any:
    return get_origin(expected) or expected


def _error(asset: AssetsDefinition, what: str) -> ExecutionError:
    return ExecutionError(f"{asset.source}: {asset} {what}.")


# ---- async -----------------------------------------------------------------------------------------------------------


def run_async(coroutine: Any) -> Any:
    """The result of a coroutine, run in an event loop of its own; in a thread of its own where one is running here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    run: Callable[[Any], Any] = asyncio.run
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(run, coroutine).result()


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _collected(generator: Any, note: Callable[[AssetEvent], None]) -> Yielded:
    return Yielded([item async for item in generator if not _noted(item, note)])


async def _handed_on(generator: Any, take: Callable[[Any], None], note: Callable[[AssetEvent], None]) -> None:
    try:
        async for item in generator:
            if not _noted(item, note):
                take(item)
    finally:
        await generator.aclose()
