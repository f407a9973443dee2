"""Schedules and sensors in the daemon: what is due, having it evaluated, and what comes of it.

    due (time, or an event) ─> order ─> code host: the user's function in a process of its own ─> results
        ─> one transaction: SensorEvaluated or ScheduleEvaluated + RunRequested

Nothing of the user's runs in the daemon, and nothing is decided that is not in the log: a daemon that dies between an
evaluation and its commit has it evaluated again, and nothing was doubled.
"""
