"""Files of exported events: where an export goes, and where an import comes from."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from ...storage.errors import ImportRefused


@contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """A file to write to, standard output where there is no path; compressed where the name ends in .gz.

    The file has its name only when it is complete.
    """
    if path is None:
        yield sys.stdout
        return
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with _opened(unfinished, "w", compressed=path.suffix == ".gz") as file:
            yield file
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def read(path: Path) -> Iterator[TextIO]:
    """A file to read from, standard input where the path is `-`."""
    if str(path) == "-":
        yield sys.stdin
        return
    try:
        with _opened(path, "r", compressed=path.suffix == ".gz") as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise ImportRefused(f"{path} is damaged, or no such file: {error}") from error


def _opened(path: Path, mode: str, *, compressed: bool) -> TextIO:
    if compressed:
        return cast(TextIO, gzip.open(path, f"{mode}t", encoding="utf-8", newline="\n"))
    return cast(TextIO, open(path, mode, encoding="utf-8", newline="\n"))
