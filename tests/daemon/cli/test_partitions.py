"""`headwater partition ...`: the keys of dynamic partitions."""

from __future__ import annotations

import pytest

from support.commands import Commands

FLOW = """
from headwater import DynamicPartitionsDefinition, asset

@asset(partitions_def=DynamicPartitionsDefinition(name="customers"))
def profile(context):
    return context.partition_key
"""


@pytest.fixture(autouse=True)
def flow(commands: Commands) -> None:
    commands.write(FLOW)


def test_keys_are_added_listed_and_deleted(commands: Commands) -> None:
    added = commands("partition", "add", "customers", "ann", "bob", "-f", "flow.py")
    assert (added.exit_code, added.stdout) == (0, "Added 2 of 2 keys to 'customers'.\n")
    assert "Added 1 of 2" in commands("partition", "add", "customers", "bob", "cleo", "-f", "flow.py").stdout
    assert commands("partition", "list", "customers").stdout.split() == ["ann", "bob", "cleo"]
    assert commands("partition", "list").stdout.split()[-2:] == ["customers", "3"]
    assert "Deleted 1 of 2" in commands("partition", "delete", "customers", "bob", "eve").stdout
    assert commands.json("partition", "list") == {"customers": ["ann", "cleo"]}


def test_a_name_that_no_asset_has_is_refused(commands: Commands) -> None:
    refused = commands("partition", "add", "custmers", "ann", "-f", "flow.py")
    assert refused.exit_code == 1
    assert "Did you mean 'customers'?" in refused.stderr
    assert not commands.home.exists()
    assert commands("partition", "add", "custmers", "ann", "--force").exit_code == 0


def test_an_added_key_is_made_and_counted_and_another_is_refused(commands: Commands) -> None:
    commands("partition", "add", "customers", "ann", "bob", "-f", "flow.py")
    made = commands("asset", "materialize", "-f", "flow.py", "--select", "profile", "--partition", "ann")
    assert made.exit_code == 0
    assert commands.json("asset", "list", "-f", "flow.py")[0]["partitions"]["total"] == 2
    refused = commands("asset", "materialize", "-f", "flow.py", "--select", "profile", "--partition", "eve")
    assert refused.exit_code == 1
    assert "headwater partition add customers KEY" in refused.stderr
    assert commands("asset", "report", "profile", "--partition", "eve", "-f", "flow.py").exit_code == 1
