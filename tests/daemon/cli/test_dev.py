"""`headwater dev` as a process: it waits for mended files, reacts to other commands, and stops cleanly."""

from __future__ import annotations

import json
import signal

from support.commands import Commands


def test_a_broken_file_is_reported_and_loaded_once_it_is_mended(commands: Commands) -> None:
    mended = (commands.folder / "flow.py").read_text()
    commands.write("def orders(:\n")
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_failed")
        assert daemon.process.poll() is None
        commands.write(mended)
        daemon.wait_for("definitions_loaded")
        assert daemon.stop(signal.SIGINT) == 0
    assert "flow.py:1" in daemon.output
    assert "Traceback" not in daemon.output


def test_beside_a_daemon(commands: Commands) -> None:
    """One daemon for several behaviours, since its start is what takes time."""
    with commands.daemon("-f", "flow.py", "--log-format", "json", "--no-reload") as daemon:
        daemon.wait_for("definitions_loaded")

        second = commands("dev", "-f", "flow.py")
        assert second.exit_code == 1
        assert f"pid {daemon.process.pid}" in second.stderr

        assert commands("asset", "report", "inbox", "--partition", "2024-01-02").exit_code == 0
        daemon.wait_for("asset_materialized", asset_key="orders", partition="2024-01-02")
        daemon.wait_for("run_succeeded")

        by_hand = commands.json("asset", "materialize", "--select", "orders", "--partition", "2024-01-01")
        assert by_hand["status"] == "succeeded"

        rows = {row["key"]: row for row in commands.json("asset", "list")}
        assert rows["orders"]["partitions"]["done"] == 2
        runs = commands.json("run", "list")
        assert [(run["origin"], run["status"]) for run in runs] == [
            ("manual", "succeeded"),
            ("automation", "succeeded"),
        ]
        printed = commands("run", "logs", runs[1]["run_id"], "--stdout").stdout
        assert printed == "making 2024-01-02\n"

        assert daemon.stop(signal.SIGTERM) == 0
    said = [json.loads(line)["event"] for line in daemon.output.splitlines()]
    assert said[0] == "daemon_started"
    assert said[-1] == "daemon_stopped"
