"""Whether Prometheus is there, and knows the power of servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from caso.errors import SourceError
from caso.extractors.power import PowerMeter
from caso.findings import Finding, error, of_error, ok
from caso.sources.prometheus import Metering
from caso.window import Window

LATELY = timedelta(minutes=15)


def examine(server: Metering, meter: PowerMeter, now: datetime) -> Iterator[Finding]:
    """One question: for any server's samples of the last minutes, of which one series is read."""
    query = meter.matching(".+")
    try:
        samples = server.samples(query, Window(now - LATELY, now), step_seconds=meter.evaluated_every)
        first = next(samples, None)
    except SourceError as exc:
        yield of_error(exc, "no energy records are made", "see whether Prometheus runs")
        return
    if first is None:
        yield error(
            f"Prometheus has no sample of {query} in the last {LATELY.seconds // 60} minutes",
            "no energy records are made",
            "correct prometheus_metric_name, labels and vm_uuid_label_name, or query, or see whether the exporters run",
        )
    elif meter.label not in first.labels:
        yield error(
            f"Prometheus has {query}, and no label {meter.label} in it: there are {', '.join(sorted(first.labels))}",
            "no server is known by it, and no energy records are made",
            "let vm_uuid_label_name name the one with the UUID of the server",
        )
    else:
        yield ok(f"Prometheus has samples of {query}")
