"""What meters told, in records that add up over a life: never before the first measure, and from then on always."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from caso.accounting.rules import Rules
from caso.accounting.use import term
from caso.lifecycle.measured import Total
from caso.lifecycle.server import Server, ServerState
from caso.lifecycle.timeline import Interval

GIB = 2**30


def cpu_seconds(server: Server, lived: Sequence[Interval[ServerState]], through: datetime, rules: Rules, measured: Total) -> int:
    """CPU time as allotted until it was first measured, and as measured from then on.

    Where measures are missing, nothing was counted: the value stays as it was.
    """
    switch = min(measured.since, through)
    allotted = sum(term(interval, server, switch, rules).cpu_seconds for interval in lived)
    return round(allotted + measured.amount)


def gib(measured: Total | None) -> int | None:
    """Whole GiB of bytes; None where they were never measured.

    >>> from caso.window import BEGINNING, Month
    >>> gib(Total(Month(2024, 2), BEGINNING, 3.5 * 2**30)), gib(None)
    (3, None)
    """
    return None if measured is None else math.floor(measured.amount / GIB)
