from __future__ import annotations

import functools
from pathlib import Path

from headwater.definitions.source import SourceLine


def plain() -> None: ...


@functools.wraps(plain)
def wrapper() -> None: ...


def test_a_function_stands_where_it_is_written() -> None:
    line = SourceLine.of(plain)
    assert Path(line.file) == Path(__file__)
    assert "def plain" in Path(__file__).read_text().splitlines()[line.line - 1]


def test_a_wrapper_and_a_partial_stand_where_the_function_does() -> None:
    assert SourceLine.of(wrapper) == SourceLine.of(functools.partial(plain)) == SourceLine.of(plain)


def test_a_callable_without_python_code_stands_at_its_module() -> None:
    assert str(SourceLine.of(len)) == "<builtins>"


def test_here_is_the_line_of_the_call_and_depth_goes_up() -> None:
    def inner() -> tuple[SourceLine, SourceLine]:
        return SourceLine.here(), SourceLine.here(1)

    at, caller = inner()
    lines = Path(__file__).read_text().splitlines()
    assert "SourceLine.here()" in lines[at.line - 1]
    assert "inner()" in lines[caller.line - 1]


def test_it_shows_a_file_below_the_working_directory_as_relative(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(SourceLine(str(tmp_path / "a" / "b.py"), 3)) == str(Path("a/b.py")) + ":3"
    assert str(SourceLine("/elsewhere/b.py", 3)) == "/elsewhere/b.py:3"
