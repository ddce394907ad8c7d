"""What commands that tests start are surrounded by."""

from __future__ import annotations

import os

TERMINAL = ("COLUMNS", "LINES")


def environ() -> dict[str, str]:
    """This process' environment, without credentials."""
    return {key: value for key, value in os.environ.items() if not key.startswith("OS_")}


def leave_terminal() -> None:
    """Forget how large a terminal is, as cron has none: readline says so in each process that loads it."""
    for name in TERMINAL:
        os.environ.pop(name, None)
