"""The front door: every name that it offers is there, comes from one place, and costs only what it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import headwater
from headwater import _absent, _lazy

HEAVY = {"anyio", "cronsim", "pydantic", "pyroaring", "rich", "sqlalchemy", "structlog", "typer", "watchfiles"}
ORIGINS = _lazy._origins(headwater.__dict__)
PUBLIC = sorted(set(ORIGINS) - {"__version__"})


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has imported after `statement`, without those of its own start."""
    script = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(headwater, name) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_comes_from_the_module_that_defines_it(name: str) -> None:
    module, attribute = ORIGINS[name]
    origin = import_module(module, "headwater")
    home = getattr(getattr(origin, attribute), "__module__", origin.__name__)
    if home in ("typing", "logging"):  # an alias says where its class stands, not where it does
        home = origin.__name__
    assert home == origin.__name__, f"offer {name} from {home}, where it is defined, and not through {origin.__name__}"


def test_no_thing_is_offered_under_two_names() -> None:
    targets = [(module, attribute) for module, attribute in ORIGINS.values()]
    assert len(targets) == len(set(targets))
    names_of: dict[int, list[str]] = {}
    for name in PUBLIC:
        names_of.setdefault(id(getattr(headwater, name)), []).append(name)
    assert [names for names in names_of.values() if len(names) > 1] == []


def test_all_holds_the_public_names() -> None:
    assert headwater.__dict__["__all__"] == PUBLIC


def test_dir_shows_the_public_names_and_no_machinery() -> None:
    shown = [name for name in dir(headwater) if not name.startswith("__")]
    assert shown == PUBLIC
    assert "asset" in shown
    assert not {"TYPE_CHECKING", "offer", "annotations"} & set(shown)


def test_a_star_import_brings_exactly_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from headwater import *", names)
    assert set(names) - {"__builtins__"} == set(PUBLIC)


@pytest.mark.parametrize(
    "names",
    [
        "asset",
        "asset, Definitions, AutomationCondition, DailyPartitionsDefinition, FileArrival",
        "EnvVar, InitResourceContext, RunConfig, build_resources, io_manager, resource, ResourceParam",
    ],
)
def test_importing_the_decorators_imports_neither_heavy_libraries_nor_the_other_rooms(names: str) -> None:
    imported = modules_after(f"from headwater import {names}")
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()
    assert {name for name in imported if name.startswith(("headwater.storage", "headwater.daemon"))} == set()


def test_importing_the_package_alone_imports_no_room() -> None:
    imported = {
        name for name in modules_after("import headwater; headwater.__version__") if name.startswith("headwater.")
    }
    assert imported == {"headwater._lazy", "headwater._version"}


def test_a_name_that_is_not_there_yet_is_refused_with_what_to_use_instead() -> None:
    with pytest.raises(ImportError, match=r"does not have 'AutoMaterializeRule' yet\. Today: the daemon evaluates"):
        exec("from headwater import AutoMaterializeRule")
    with pytest.raises(AttributeError, match=r"does not have 'AutoMaterializePolicy' yet\. Today: "):
        _ = headwater.AutoMaterializePolicy  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(headwater, "AutoMaterializePolicy")
    assert getattr(headwater, "AutoMaterializePolicy", None) is None


def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ImportError, match="Did you mean 'MaterializeResult'"):
        exec("from headwater import MaterialiseResult")
    with pytest.raises(ImportError, match="Did you mean 'Instance'"):
        exec("from headwater import FieldInstance")


def test_the_rooms_can_still_be_imported_by_name() -> None:
    names: dict[str, object] = {}
    exec("from headwater import definitions, storage, daemon", names)
    assert names["storage"] is import_module("headwater.storage")


def test_no_name_is_both_offered_and_said_to_be_absent() -> None:
    both = set(_absent.INSTEAD) & set(PUBLIC)
    assert not both, f"take {sorted(both)} out of headwater/_absent.py: headwater has them now"


def test_without_its_source_the_package_says_so_and_imports_its_names_at_once() -> None:
    assert _lazy.offer({"__file__": "headwater/__init__.pyc", "__name__": "headwater"}) is False
