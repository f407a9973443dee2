"""Backfill policies: what they say, what is refused, and that they reach the snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.definitions.asset import asset
from headwater.definitions.assets_definition import AssetsDefinition
from headwater.definitions.backfill_policy import BackfillPolicy
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import DefinitionError, InvalidDefinitionError
from headwater.definitions.ops.graph_asset import graph_asset
from headwater.definitions.ops.op import op
from headwater.definitions.snapshot import DefinitionsSnapshot


def test_a_single_run_takes_all_partitions_and_several_runs_take_so_many_each() -> None:
    assert BackfillPolicy.single_run().max_partitions_per_run is None
    assert BackfillPolicy.single_run().is_single_run
    assert BackfillPolicy.multi_run().max_partitions_per_run == 1
    assert BackfillPolicy.multi_run(max_partitions_per_run=7) == BackfillPolicy.multi_run(7)


@pytest.mark.parametrize("most", [0, -1, True, None, 2.5])
def test_a_number_that_is_none_is_refused_with_what_to_write(most: Any) -> None:
    with pytest.raises(InvalidDefinitionError, match=r"write BackfillPolicy\.single_run\(\)"):
        BackfillPolicy.multi_run(most)


def test_something_else_than_a_policy_is_reported_with_asset_and_line() -> None:
    with pytest.raises(DefinitionError, match=r"test_backfill_policy\.py:\d+: asset 'orders' .*single_run\(\)"):

        @asset(backfill_policy="single")  # type: ignore[arg-type]
        def orders(): ...


@pytest.mark.parametrize("policy", [None, BackfillPolicy.single_run(), BackfillPolicy.multi_run(5)])
def test_the_snapshot_keeps_the_policy(policy: BackfillPolicy | None) -> None:
    @asset(backfill_policy=policy)
    def orders(): ...

    snapshot = DefinitionsSnapshot.of(Definitions(assets=[orders]))
    assert DefinitionsSnapshot.from_bytes(snapshot.to_bytes()).assets["orders"].backfill_policy == policy
    assert (b'"backfill_policy"' in snapshot.to_bytes()) == (policy is not None)


def test_an_asset_that_is_made_by_ops_has_a_policy_too() -> None:
    @op
    def one() -> int:
        return 1

    @graph_asset(backfill_policy=BackfillPolicy.multi_run(4))
    def composed():
        return one()

    of_op = AssetsDefinition.from_op(one, backfill_policy=BackfillPolicy.single_run())
    assets = Definitions([composed, of_op]).snapshot().assets
    assert assets["composed"].backfill_policy == BackfillPolicy.multi_run(4)
    assert assets["one"].backfill_policy == BackfillPolicy.single_run()
