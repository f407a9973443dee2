"""The pytest plugin, as it works in a user's own tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

PLUGIN = "headwater.pytest_plugin"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose tests have the plugin, whether or not its entry point is installed."""
    pytester.makeconftest(f"pytest_plugins = [{PLUGIN!r}]")
    return pytester


def test_each_test_has_an_instance_of_its_own(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from headwater import asset, materialize

        @asset
        def orders():
            return 3

        def test_one(instance):
            assert materialize([orders], instance=instance).success
            assert instance.get_latest_materialization_event("orders") is not None

        def test_two(instance):
            assert instance.is_ephemeral
            assert instance.get_latest_materialization_event("orders") is None
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_the_instance_is_closed_after_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from headwater.storage.errors import LogClosed

        kept = []

        def test_one(instance):
            kept.append(instance)

        def test_two():
            with pytest.raises(LogClosed):
                kept[0].log.head()
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_a_projects_own_fixture_of_the_name_goes_first(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def instance():
            return "mine"

        def test_one(instance):
            assert instance == "mine"
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_the_plugin_alone_imports_nothing_of_the_rooms(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_one():
            assert not {"sqlalchemy", "pydantic", "headwater.storage.instance"} & set(sys.modules)
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_an_installation_registers_the_plugin_under_its_own_name() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {PLUGIN: PLUGIN}
