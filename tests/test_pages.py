"""The pages in deploy/docs: the Python of each runs from top to bottom in a folder of its own; README.md links them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "deploy" / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def program(page: Path) -> str:
    """The blocks of a page, each on the lines where it stands, so that an error names the line of the page."""
    text = page.read_text()
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for place, line in enumerate(block.group(1).splitlines()):
            lines[first + place] = line
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    file = tmp_path / f"{page.stem.replace('-', '_')}.py"
    file.write_text(program(page))
    done = subprocess.run([sys.executable, file.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_readme_links_a_page(page: Path) -> None:
    assert f"(deploy/docs/{page.name})" in (ROOT / "README.md").read_text()
