"""A run's metrics, in the text format of Prometheus: what the run did, and what the store remembers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from caso import __version__
from caso.printing import printable
from caso.report import ERROR_CLASSES, Report
from caso.standings import Standings
from caso.store import Checkpoint

SCOPE = ("cloud", "region", "project_id", "project", "extractor")
OUTCOMES = ("new", "changed", "retracted")
"""What makes a record one that is sent."""


class Metric(NamedTuple):
    """``name`` without its prefix ``caso_``; ``labels`` besides ``cloud_service``, which all have."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("info", "Always 1; its label says which caso it is.", ("version",)),
    Metric("run_end_timestamp_seconds", "When the last run ended."),
    Metric("run_duration_seconds", "How long the last run took."),
    Metric("run_exit_status", "0: all was done; 1: something is left, and the next run tries it; 2: nothing was started."),
    Metric("run_scopes", "Scopes of the last run: done, failed, or locked by another run.", ("outcome",)),
    Metric("run_errors", "What went wrong in the last run, by class; the next run tries it again.", ("error",)),
    Metric("run_records", "Records that the last run put into the ledger: new, changed, or retracted.", ("kind", "outcome")),
    Metric("run_vanished_objects", "Objects that were missing from a complete listing in the last run, and ended.", ("kind",)),
    Metric("run_mended_objects", "Objects that a listing of all showed in the last run to be remembered wrong.", ("extractor",)),
    Metric("run_held_up_values", "Cumulative values that would have fallen in the last run; the larger ones were sent."),
    Metric("run_projects_without_vo", "Projects that the last run left undone for want of a VO."),
    Metric("run_projects_missing", "Projects that were named to the last run and are not there."),
    Metric("run_api_requests", "Requests of the last run.", ("api",)),
    Metric("run_api_failed_requests", "Requests of the last run without an answer, or with one of 400 and above.", ("api",)),
    Metric("run_api_request_seconds", "Time that the requests of the last run took, added up.", ("api",)),
    Metric("run_sent_records", "Records that the messenger accepted in the last run.", ("messenger",)),
    Metric("run_refused_records", "Records that the messenger refused in the last run.", ("messenger",)),
    Metric("deleted_kept_seconds", "How long the service that is asked tells of what was deleted.", ("extractor",)),
    Metric("scope_until_timestamp_seconds", "Until when the scope is extracted: time() minus this is its lag.", SCOPE),
    Metric("scope_success_timestamp_seconds", "When a run last saw all that it asked of the scope.", SCOPE),
    Metric("quarantined_objects", "Objects that cannot be read, and are tried again.", ("cloud", "region", "kind")),
    Metric("messages_left", "Messages of the queue that were taken and are not understood: waiting, or dead.", ("fate",)),
    Metric("messenger_since_timestamp_seconds", "When the messenger was new.", ("messenger",)),
    Metric("messenger_success_timestamp_seconds", "When the messenger last had all that it could be sent.", ("messenger",)),
    Metric(
        "messenger_records", "Newest records by what became of them: accepted, due, set_aside.", ("messenger", "kind", "state")
    ),
    Metric("messenger_oldest_due_timestamp_seconds", "Of what is due, the earliest time a record is about.", ("messenger",)),
)
"""All are gauges: a file tells of one run."""

Sample = tuple[str, tuple[str, ...], float]
"""The name of a metric, the values of its labels, and its value."""


def text_of(report: Report, held: Standings, service: str) -> bytes:
    """The whole file; ``service`` is the name of the cloud's service, which tells the files of several clouds apart."""
    # Only who wants metrics needs the library.
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges = {one.name: Gauge(f"caso_{one.name}", one.help, ("cloud_service", *one.labels), registry=registry) for one in METRICS}
    for name, labels, value in (*_of_run(report), *_of_traffic(report), *_of_scopes(held), *_of_messengers(held, report)):
        gauges[name].labels(*map(printable, (service, *labels))).set(value)
    return generate_latest(registry)


def _of_run(report: Report) -> Iterator[Sample]:
    yield "info", (__version__,), 1
    if report.ended:
        yield "run_end_timestamp_seconds", (), report.ended.timestamp()
    yield "run_duration_seconds", (), report.seconds
    yield "run_exit_status", (), report.exit_status
    for outcome, count in report.outcomes.items():
        yield "run_scopes", (outcome,), count
    errors, counts = report.errors, report.changes.by_kind
    for error in ERROR_CLASSES:
        yield "run_errors", (error,), errors[error]
    for kind in sorted({kind for kind, _ in counts}):
        for outcome in OUTCOMES:
            yield "run_records", (kind, outcome), counts[kind, outcome]
    for kind, count in sorted(report.vanished.items()):
        yield "run_vanished_objects", (kind,), count
    for extractor in sorted({scope.scope.extractor for scope in report.scopes}):
        yield "run_mended_objects", (extractor,), report.mended[extractor]
    yield "run_held_up_values", (), report.held_up
    yield "run_projects_without_vo", (), len(report.unmapped)
    yield "run_projects_missing", (), len(report.missing)


def _of_traffic(report: Report) -> Iterator[Sample]:
    for api, calls in report.calls.items():
        yield "run_api_requests", (api,), calls.requests
        yield "run_api_failed_requests", (api,), calls.failed
        yield "run_api_request_seconds", (api,), calls.seconds
    for extractor, kept in sorted(report.kept.items()):
        yield "deleted_kept_seconds", (extractor,), kept.total_seconds()


def _of_scopes(held: Standings) -> Iterator[Sample]:
    for mark in held.checkpoints:
        yield "scope_until_timestamp_seconds", _labels(mark), mark.until.timestamp()
        yield from _at("scope_success_timestamp_seconds", _labels(mark), [mark.succeeded])
    for (place, kind), count in held.quarantined.items():
        yield "quarantined_objects", (place.cloud, place.region, kind), count
    for fate, count in held.messages.items():
        yield "messages_left", (fate,), count


def _labels(mark: Checkpoint) -> tuple[str, ...]:
    scope = mark.scope
    return (scope.cloud, scope.region, scope.project_id, mark.project_name or scope.project_id, scope.extractor)


def _of_messengers(held: Standings, report: Report) -> Iterator[Sample]:
    for delivery in report.deliveries:
        yield "run_sent_records", (delivery.name,), delivery.sent
        yield "run_refused_records", (delivery.name,), delivery.refused
    for name, known in held.messengers.items():
        yield "messenger_since_timestamp_seconds", (name,), known.since.timestamp()
        yield from _at("messenger_success_timestamp_seconds", (name,), [known.succeeded])
        mine = [total for total in held.totals if total.messenger == name and total.readable]
        for total in mine:
            for state, count in (("accepted", total.accepted), ("due", total.due), ("set_aside", total.set_aside)):
                yield "messenger_records", (name, total.kind, state), count
        yield from _at("messenger_oldest_due_timestamp_seconds", (name,), [total.oldest_due for total in mine])


def _at(name: str, labels: tuple[str, ...], times: Iterable[datetime | None]) -> Iterator[Sample]:
    """The earliest of the times, if there is any."""
    if known := [at for at in times if at]:
        yield name, labels, min(known).timestamp()
