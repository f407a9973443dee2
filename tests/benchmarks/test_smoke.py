"""The benchmarks work, and say what they found in a form that programs can read. No time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")


def test_a_quick_run_prints_figures_with_their_limits() -> None:
    command = [sys.executable, str(RUN), "--quick", "--only", "append", "--only", "materialize"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"cpu", "cores", "python", "fsync_4k_ms"} <= found["machine"].keys()
    assert found["quick"] is True
    assert found["figures"].keys() == {"append", "materialize"}
    for figure in found["figures"]["append"]:
        assert figure["value"] > 0
        assert figure["limit"] > 0
        assert figure["unit"] == "events/s"
        assert figure["ratio_target"] == "≥ 0.7"
        assert isinstance(figure["reached"], bool)


def test_an_unknown_benchmark_is_refused_by_name() -> None:
    done = subprocess.run([sys.executable, str(RUN), "--only", "speed"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'speed'" in done.stderr
