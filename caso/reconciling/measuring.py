"""Records with measured CPU time as they would be with what was allotted, which is what Nova counts."""

from __future__ import annotations

import dataclasses

from caso.accounting.measured import cpu_seconds
from caso.accounting.rules import Rules
from caso.accounting.use import term
from caso.lifecycle.measured import CPU
from caso.reconciling.cases import Booked, Known, through
from caso.records import CloudRecord


def as_allotted(booked: Booked, known: Known | None, rules: Rules) -> Booked:
    """What is booked, with the seconds of vCPUs in place of what was measured beside them."""
    if known is None or CPU not in known.metered.totals:
        return booked
    before = booked.before and _as_allotted(booked.before, known, rules)
    return Booked(_as_allotted(booked.record, known, rules), before)


def _as_allotted(record: CloudRecord, known: Known, rules: Rules) -> CloudRecord:
    measured = known.metered.through(CPU, record.month)
    if measured is None:
        return record
    server, end = known.server, through(record)
    lived = [interval for interval in server.intervals() if interval.start < end]
    allotted = round(sum(term(interval, server, end, rules).cpu_seconds for interval in lived))
    # What of the record is otherwise than it should be stays so.
    more = allotted - cpu_seconds(server, lived, end, rules, measured)
    return dataclasses.replace(record, cpu_seconds=max(0, record.cpu_seconds + more))
