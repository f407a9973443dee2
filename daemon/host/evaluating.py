"""The process of one evaluation: forked from the warm host, or a fresh interpreter where forking is unsafe.

It has a session of its own, so that it is killed with all that it has started; what the function prints goes to
`HOME/sensors/NAME.log`, `HOME/schedules/NAME.log` or `HOME/conditions/CLASS-NODE.log`. Results go through a pipe, one
line of JSON each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ...definitions.definitions import Definitions
from ...definitions.loading import load_definitions
from ...storage.instance import Instance
from .asking import log_name
from .evaluate import evaluate
from .orders import Order, Result
from .worker import MACHINERY_FAILED, leave, leave_the_host


def run_forked(
    definitions: Definitions, home: Path, order: bytes, *, results_fd: int, inherited_fds: Sequence[int]
) -> NoReturn:
    """Evaluate `order` in this process, just forked, and end it. `inherited_fds` are the host's own, to be closed."""
    status = MACHINERY_FAILED
    try:
        leave_the_host(inherited_fds)
        _work(definitions, home, Order.from_bytes(order), results_fd)
        status = 0
    finally:
        leave(status)


def _work(definitions: Definitions, home: Path, order: Order, results_fd: int) -> None:
    name = log_name(definitions, order.name) if order.kind == "condition" else order.name
    _redirect_output(home / f"{order.kind}s", name)
    opened: list[Instance] = []

    def open_instance() -> Instance:
        if not opened:
            opened.append(Instance.local(home))
        return opened[0]

    def tell(result: Result) -> None:
        line = json.dumps(result).encode() + b"\n"
        while line:
            line = line[os.write(results_fd, line) :]

    evaluate(definitions, order, open_instance=open_instance, tell=tell)


def _redirect_output(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """An evaluation in a fresh interpreter: imports the definitions first. The order comes through a descriptor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--order-fd", type=int, required=True)
    parser.add_argument("--results-fd", type=int, required=True)
    parser.add_argument("-f", dest="file", type=Path)
    parser.add_argument("-m", dest="module")
    given = parser.parse_args(arguments)
    status = MACHINERY_FAILED
    try:
        os.set_inheritable(given.results_fd, False)
        with os.fdopen(given.order_fd, "rb") as file:
            order = Order.from_bytes(file.read())
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        _work(load_definitions(given.file, given.module), given.home, order, given.results_fd)
        status = 0
    finally:
        leave(status)


if __name__ == "__main__":
    main()
