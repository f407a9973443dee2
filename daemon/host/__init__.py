"""User code outside the daemon: a warm code host, the workers forked from it, and hot reload.

    daemon (anyio)                          code host (one thread)               worker (one a run)
    reload.HostSupervisor                   process.main
      └ client.CodeHost ── protocol.py ───── process.HostLoop
                                               └ fork.Workers ──── fork() ────── worker.run_forked ── the log

Each module is imported by its own name: the host must not load what only the daemon needs (watchfiles, the client),
since a fork costs what the host's heap costs.
"""
