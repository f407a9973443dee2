"""What a function that makes several assets says of them, result by result as it comes.

Whatever a generator yields is taken, and its value stored, before the generator goes on: if it raises later, what was
made until then is made. What a function returns is taken when it has ended: one result, a tuple of results, or a tuple
with the value of each output in the order of the outs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...definitions.annotations import shown
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.errors import ExecutionError, did_you_mean
from ...definitions.keys import AssetKey
from ...definitions.results import AssetCheckResult, MaterializeResult, Output
from .outputs import RESULT_TYPES, Made


class Outcomes:
    """The outcomes of a step that makes several assets: `wanted`, of all `members` that the function can make.

    `take` is told of each asset that was made, with what was said of it.
    """

    def __init__(
        self,
        members: Sequence[AssetsDefinition],
        wanted: Sequence[AssetsDefinition],
        take: Callable[[AssetsDefinition, Made], None],
    ) -> None:
        self._members, self._wanted, self._take = members, wanted, take
        self._by_key = {member.key: member for member in members}
        self._by_name = {member.output_name: member for member in members}
        self._made: set[AssetKey] = set()
        self.check_results: list[AssetCheckResult] = []

    def one(self, result: Any) -> None:
        """Take one result.

        Raises:
            ExecutionError: it is none, it is of no asset of this step, or of one that has one already.
        """
        if isinstance(result, AssetCheckResult):
            self.check_results.append(result)
        elif isinstance(result, MaterializeResult):
            member = self._of_key(result.asset_key)
            self.check_results += (of_asset(one, member.key) for one in result.check_results)
            self._took(member, Made(result.value, result.metadata, result.data_version, result.tags))
        elif isinstance(result, Output):
            member = self._of_name(result.output_name)
            self._took(member, Made(result.value, dict(result.metadata), result.data_version, dict(result.tags)))
        else:
            raise self._error(
                f"yielded {shown(result)}. Yield Output(value, output_name=...) or MaterializeResult(asset_key=...)"
            )

    def returned(self, value: Any) -> None:
        """Take what the function returned."""
        if value is None and len(self._members) > 1:
            return
        if isinstance(value, RESULT_TYPES):
            self.one(value)
        elif isinstance(value, (tuple, list)) and value and all(isinstance(part, RESULT_TYPES) for part in value):
            self._results(value)
        elif self._members[0].implicit:
            if value is not None:
                raise self._error(
                    f"returned {shown(value)}, but it has specs. Store the values in the function and return or yield "
                    "MaterializeResult(asset_key=...), or give it outs"
                )
        else:
            self._values(value)

    def end(self, *, returned_nothing: bool) -> list[AssetsDefinition]:
        """The assets that were left out, once the function has ended; those that count as made are taken.

        Raises:
            ExecutionError: one of them is required.
        """
        left = [asset for asset in self._wanted if asset.key not in self._made]
        for asset in left:
            if not asset.is_required:
                continue
            if not (asset.implicit or (returned_nothing and asset.returns_nothing)):
                raise self._error(
                    f"has ended without its output {asset.output_name!r}. Yield "
                    f"Output(value, output_name={asset.output_name!r}), or say that it may be left out: "
                    "AssetOut(is_required=False)"
                )
            self._took(asset, Made())
        return [asset for asset in left if asset.key not in self._made]

    def _results(self, results: Sequence[Any]) -> None:
        """Results in a tuple; an Output without a name is that of its place."""
        for place, result in enumerate(results):
            if isinstance(result, Output) and result.output_name == "result" and len(results) == len(self._members):
                self._took(
                    self._members[place],
                    Made(result.value, dict(result.metadata), result.data_version, dict(result.tags)),
                )
            else:
                self.one(result)

    def _values(self, value: Any) -> None:
        values = value if isinstance(value, tuple) and len(self._members) > 1 else (value,)
        outputs = self._members if len(values) == len(self._members) else self._wanted
        if len(values) != len(outputs):
            names = ", ".join(repr(member.output_name) for member in self._members)
            raise self._error(
                f"returned {shown(value)}, which is not one value for each of its {len(self._members)} outputs "
                f"({names}). Return them as a tuple in this order, or yield Output(value, output_name=...)"
            )
        wanted = {asset.key for asset in self._wanted}
        for member, one in zip(outputs, values, strict=True):
            if isinstance(one, RESULT_TYPES):
                self._results([one])
            elif member.key in wanted:
                self._took(member, Made() if member.returns_nothing else Made(one))

    def _of_key(self, key: AssetKey | None) -> AssetsDefinition:
        if key is None:
            if len(self._wanted) == 1:
                return self._wanted[0]
            raise self._error("gave a MaterializeResult without asset_key. Say which of its assets it is of")
        if key not in self._by_key:
            known = [str(one) for one in self._by_key]
            hint = did_you_mean(str(key), known, f"Its assets: {', '.join(known)}.").rstrip(".")
            raise self._error(f"gave a MaterializeResult for {str(key)!r}, which it does not make. {hint}")
        return self._by_key[key]

    def _of_name(self, name: str) -> AssetsDefinition:
        if name == "result" and name not in self._by_name and len(self._wanted) == 1:
            return self._wanted[0]
        if name not in self._by_name:
            hint = did_you_mean(name, self._by_name, f"Its outputs: {', '.join(self._by_name)}.").rstrip(".")
            raise self._error(f"gave an Output named {name!r}, which is none of its outputs. {hint}")
        return self._by_name[name]

    def _took(self, asset: AssetsDefinition, made: Made) -> None:
        if asset.key in self._made:
            raise self._error(f"gave two results for {str(asset.key)!r}. Give one")
        if all(asset.key != one.key for one in self._wanted):
            raise self._error(
                f"made {str(asset.key)!r}, which this step was not to make. Make what is in "
                "context.selected_asset_keys only"
            )
        self._made.add(asset.key)
        self._take(asset, made)

    def _error(self, what: str) -> ExecutionError:
        whole = getattr(self._members[0], "whole", self._members[0])
        return ExecutionError(f"{whole.source}: {whole} {what}.")


def of_asset(result: AssetCheckResult, key: AssetKey) -> AssetCheckResult:
    """A result that came with an asset, and is of it unless it says otherwise."""
    if result.asset_key is not None:
        return result
    return AssetCheckResult(
        passed=result.passed,
        asset_key=key,
        check_name=result.check_name,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )
