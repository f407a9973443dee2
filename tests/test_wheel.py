"""The distributions: what is built from the links in headwater/ holds the whole rooms and works once installed.

Nothing here needs the network: the build uses the setuptools of this environment, and the new environment borrows the
dependencies of this one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from headwater._version import __version__

ROOT = Path(__file__).parent.parent
ROOMS = ("definitions", "storage", "daemon")

IMPORT_ALL = """
import importlib, pkgutil, sys
import headwater
failed = []
found = pkgutil.walk_packages(headwater.__path__, "headwater.", onerror=lambda name: failed.append(name))
names = ["headwater", *(module.name for module in found if not module.name.endswith(".__main__"))]
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
print(*(f"{name} {sys.modules[name].__file__}" for name in names if name in sys.modules), sep="\\n")
sys.exit("\\n".join(failed) or None)
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{Path(command[0]).name} failed:\n{done.stderr or done.stdout}", pytrace=False)
    return done.stdout


def files_of_the_rooms() -> set[str]:
    return {
        (Path("headwater") / file.relative_to(ROOT)).as_posix()
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
    } | {file.relative_to(ROOT).as_posix() for file in (ROOT / "headwater").glob("*.py")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from it.

    Built from a copy: setuptools leaves a build/ folder behind, and takes files from it next time that are long gone.
    """
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("headwater", *ROOMS):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--no-isolation", cwd=tree)
    return tree / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.mark.parametrize("room", ROOMS)
def test_the_front_door_links_to_each_room(room: str) -> None:
    link = ROOT / "headwater" / room
    assert link.is_symlink(), f"headwater/{room} must be a link: ln -s ../{room} headwater/{room}"
    assert str(link.readlink()) == f"../{room}"
    assert (link / "__init__.py").is_file()


def test_every_folder_of_the_rooms_with_code_is_a_package() -> None:
    """A folder without `__init__.py` would import here and be missing from the wheel."""
    folders = {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py")}
    missing = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()]
    assert missing == [], "add an __init__.py with a docstring"


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    info = f"headwater-{__version__}.dist-info/"
    assert {name for name in held if name.endswith(".py")} == files_of_the_rooms()
    assert {name for name in held if not name.endswith(".py")} >= {"headwater/py.typed", f"{info}licenses/LICENSE"}
    assert {name for name in held if not name.startswith(("headwater/", info))} == set()


def test_the_sdist_holds_files_where_the_tree_has_links(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        assert files_of_the_rooms() <= names
        assert [member.name for member in archive if member.issym() and member.isdir()] == []


def test_the_wheel_installs_into_a_fresh_environment_and_every_module_imports(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    python = home / "bin" / "python"
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", "--offline", "--python", sys.executable, home, cwd=tmp_path)
    run(*uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel, cwd=tmp_path)

    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    new, ours = (Path(run(interpreter, "-c", where, cwd=tmp_path).strip()) for interpreter in (python, sys.executable))
    (new / "dependencies.pth").write_text(f"{ours}\n")  # after its own packages, and without the .pth files in there

    imported = dict(line.split(" ", 1) for line in run(python, "-c", IMPORT_ALL, cwd=tmp_path).splitlines())
    assert {Path(file).resolve().relative_to(new.resolve()).as_posix() for file in imported.values()} >= {
        file for file in files_of_the_rooms() if not file.endswith("__main__.py")
    }
    assert __version__ in run(home / "bin" / "headwater", "--version", cwd=tmp_path)
