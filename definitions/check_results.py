"""Which check a result is of: the words that a function left out are found among the specs that it evaluates.

A result may name its asset, its check, both or neither, as long as only one check can be meant. Each check that a step
has to evaluate must get exactly one result; a check that says nothing would be a gate that nobody guards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from .check_specs import AssetCheckSpec
from .errors import ExecutionError, InvalidInvocationError
from .keys import AssetCheckKey
from .results import AssetCheckResult
from .source import SourceLine


def results_by_check(
    results: Iterable[AssetCheckResult],
    specs: Sequence[AssetCheckSpec],
    *,
    required: Collection[AssetCheckKey],
    owner: object,
    source: SourceLine,
) -> dict[AssetCheckKey, AssetCheckResult]:
    """The result of each check, with all of its names filled in, in the order of `results`.

    Raises:
        ExecutionError: a result fits no spec or several, a check has two results, or one of `required` has none.
    """
    found: dict[AssetCheckKey, AssetCheckResult] = {}
    for result in results:
        spec = _spec_of(result, specs, owner, source)
        if spec.key in found:
            raise ExecutionError(f"{source}: {owner} gave two results for the {spec}. Give one.")
        found[spec.key] = named(result, spec)
    missing = sorted(key for key in required if key not in found)
    if missing:
        words = ", ".join(f"{key.name!r} of asset {str(key.asset_key)!r}" for key in missing)
        raise ExecutionError(
            f"{source}: {owner} gave no result for the check {words}. Give an AssetCheckResult for each of its specs, "
            "or take the spec out."
        )
    return found


def lone_result(returned: object, spec: AssetCheckSpec, source: SourceLine) -> AssetCheckResult:
    """The result that the return value of a lone check's function stands for, with the names of the check.

    Raises:
        ExecutionError: it is neither an AssetCheckResult nor a bool, or the result of another check.
    """
    if not isinstance(returned, AssetCheckResult):
        try:
            returned = AssetCheckResult(passed=returned, severity=spec.severity)  # type: ignore[arg-type]
        except InvalidInvocationError:
            raise ExecutionError(
                f"{source}: {spec} returned {returned!r}. Return AssetCheckResult(passed=...), True or False."
            ) from None
    for what, own, theirs in (
        ("check", spec.name, returned.check_name),
        ("asset", spec.asset_key, returned.asset_key),
    ):
        if theirs is not None and theirs != own:
            raise ExecutionError(
                f"{source}: {spec} returned a result for the {what} {str(theirs)!r}. "
                f"Leave {'check_name' if what == 'check' else 'asset_key'} out: it is {str(own)!r} by itself."
            )
    return named(returned, spec)


def named(result: AssetCheckResult, spec: AssetCheckSpec) -> AssetCheckResult:
    """`result` with the names of its check."""
    return AssetCheckResult(
        passed=result.passed,
        asset_key=spec.asset_key,
        check_name=spec.name,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )


def _spec_of(
    result: AssetCheckResult, specs: Sequence[AssetCheckSpec], owner: object, source: SourceLine
) -> AssetCheckSpec:
    fitting = [
        spec for spec in specs if result.check_name in (None, spec.name) and result.asset_key in (None, spec.asset_key)
    ]
    if len(fitting) == 1:
        return fitting[0]
    said = [f"check_name={result.check_name!r}"] if result.check_name is not None else []
    said += [f"asset_key={str(result.asset_key)!r}"] if result.asset_key is not None else []
    what = f"AssetCheckResult({', '.join(said)})"
    known = ", ".join(f"{spec.name!r} of {str(spec.asset_key)!r}" for spec in specs) or "none"
    if not fitting:
        raise ExecutionError(
            f"{source}: {owner} gave {what}, for which it has no spec. Its checks: {known}. "
            "Add an AssetCheckSpec, or correct the names."
        )
    raise ExecutionError(
        f"{source}: {owner} gave {what}, which could be any of several checks: {known}. "
        "Say which with asset_key and check_name."
    )
