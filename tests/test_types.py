"""The public types: pyright's own count, as for an installed package, finds every name of every module typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def test_every_public_name_is_fully_typed() -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pyright", "--verifytypes", "headwater", "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]

    open_names = [
        f"{symbol['name']}: {message['message']}"
        for symbol in report["symbols"]
        if symbol["isExported"] and (symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"])
        for message in symbol["diagnostics"]
        if message["severity"] == "error"
    ]
    assert open_names == []
    assert report["completenessScore"] == 1
