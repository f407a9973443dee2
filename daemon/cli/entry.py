"""The entry point of `headwater`: answers `--version` before anything heavy is imported, and hands the rest on.

Reading the command line with typer costs 0.15 s before a command has begun; asking for the version is not worth that.
"""

from __future__ import annotations

import sys

from ..._version import __version__  # pyright: ignore[reportMissingImports] - it is beside the links


def main() -> None:
    """Run the command that `sys.argv` names, and end the process with its exit code (`app.py`)."""
    if sys.argv[1:] == ["--version"]:
        print(f"headwater {__version__}")
        return
    try:
        from .app import app

        app(prog_name="headwater")
    except KeyboardInterrupt:  # while the imports were under way
        sys.exit(130)


if __name__ == "__main__":
    main()
