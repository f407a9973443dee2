"""Paths of files that lie beside the code that reads them."""

from __future__ import annotations

import os


def file_relative_path(dunderfile: str, relative_path: str) -> str:
    """The path of a file, said from the folder of the calling one: `file_relative_path(__file__, "../x.csv")`."""
    return os.path.join(os.path.dirname(dunderfile), relative_path)
