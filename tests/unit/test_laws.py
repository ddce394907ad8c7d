"""The laws of the numbers, from polls to what the recipient makes of them, whatever the polls and their order."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from caso.accounting.rules import Rules, cut
from caso.accounting.servers import KINDS, accelerator_records, cloud_record, never_shrinking, readings
from caso.lifecycle.server import ServerSeen, first_difference, observe
from caso.records import BUILT_IN, CloudRecord
from caso.store import Place, Statement
from caso.store.book import Book, record_of
from caso.testing.entities import BIG, SMALL, seen_server
from caso.testing.recipient import Recipient
from caso.window import RESOLUTION, Month
from caso.wire.apel import cloud_message

BORN = datetime(2024, 1, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAST = 24 * 50
RULES = Rules("SITE", "SERVICE", "OpenStack")
VOS = {"project-1": "vo.example"}


def at(hour: float) -> datetime:
    return BORN + hour * HOUR


class Site:
    """caso without a network and a database: polls in, messages to the recipient out, everything accepted at once."""

    def __init__(self) -> None:
        self.server = None
        self.accounted = None
        self.book = Book([], 0, {cls.kind: cls for cls in BUILT_IN}, lambda subject, kind, month: None)
        self.recipient = Recipient()

    def poll(self, seen: ServerSeen, until: datetime) -> None:
        before, self.server = self.server, observe(self.server, seen)
        changed = first_difference(before, self.server) if before else None
        self._account(cut(BORN, self.accounted, changed, self.server.ended), until)
        self.accounted = until

    def again(self) -> None:
        """All months once more, from what is known."""
        self._account(BORN, self.accounted)

    def _account(self, since: datetime, until: datetime) -> None:
        found = readings(self.server, since, until, VOS)
        records = [record for reading in found for record in accelerator_records(reading, RULES)]
        clouds: list[CloudRecord] = []
        for reading in found:
            clouds.append(never_shrinking(cloud_record(reading, RULES), clouds[-1] if clouds else None))
        revision = self.book.revision
        self.book.state(
            Statement(
                subject="server/1",
                kinds=frozenset(KINDS),
                since=Month.of(since),
                until=Month.of(until - RESOLUTION),
                known_at=self.server.known_at,
                records=[*clouds, *records],
                place=Place("", "RegionOne"),
                project_id="project-1",
            )
        )
        self._deliver(revision)

    def _deliver(self, revision: int) -> None:
        new = sorted((line for line in self.book.lines.values() if line.revision > revision), key=lambda line: line.measured_at)
        for line in new:
            self.book.lines[line.key] = line._replace(offered=True)
            record = record_of({cls.kind: cls for cls in BUILT_IN}, line.kind, line.content, line.known_at)
            self.recipient.receive(cloud_message([record]))

    def usage(self, counter: str) -> dict[str, int]:
        months = {Month(year, month) for _, month, year in self.recipient.rows["cloud"]}
        usage = {str(month): self.recipient.cloud_usage(month) for month in months}
        return {month: sum(row[counter] for row in rows.values()) for month, rows in usage.items()}


def true_seconds(end: datetime) -> dict[str, int]:
    """The seconds of each month of a life from BORN to ``end``."""
    seconds, month = {}, Month.of(BORN)
    while month.start < end:
        seconds[str(month)] = int((min(month.end, end) - max(month.start, BORN)).total_seconds())
        month = month.next()
    return seconds


def sighting(hour: int, end: int | None) -> ServerSeen:
    if end is None or hour < end:
        return seen_server(at=at(hour), created=BORN)
    return seen_server(at=at(hour), created=BORN, status="DELETED", ended=at(end), unchanged_since=at(end))


hours = st.integers(1, LAST)


@given(st.sets(hours, min_size=1, max_size=6), st.none() | hours)
def test_the_recipients_months_are_the_life_whenever_it_is_polled(polls, end):
    site = Site()
    for hour in sorted(polls):
        site.poll(sighting(hour, end), at(hour))

    known_end = at(end) if end is not None and end <= max(polls) else None
    # An end exactly at the end of the window is the next window's to tell.
    lived_until = min(known_end or at(max(polls)), at(max(polls)))
    wanted = true_seconds(lived_until)
    assert {month: used for month, used in site.usage("WallDuration").items() if used} == wanted


@given(st.sets(hours, min_size=1, max_size=6), st.none() | hours)
def test_extracting_again_gives_the_same_keys_and_rows(polls, end):
    site = Site()
    for hour in sorted(polls):
        site.poll(sighting(hour, end), at(hour))
    before = dict(site.recipient.rows["cloud"])

    site.again()

    assert site.recipient.rows["cloud"] == before


@given(st.sets(hours, min_size=2, max_size=6), st.data())
def test_an_end_that_is_found_out_late_leaves_the_recipients_sums_right(polls, data):
    """Polls see it running; then it turns out that it had ended before them: what was sent too much is taken back."""
    ordered = sorted(polls)
    end = data.draw(st.integers(1, ordered[-1] - 1), label="end")
    site = Site()
    for hour in ordered[:-1]:
        site.poll(sighting(hour, None), at(hour))

    site.poll(sighting(ordered[-1], end), at(ordered[-1]))

    wanted = true_seconds(at(end))
    assert {month: used for month, used in site.usage("WallDuration").items() if used} == wanted
    assert all(used >= 0 for used in site.usage("CpuDuration").values())


@settings(max_examples=50)
@given(st.lists(st.tuples(hours, st.sampled_from([SMALL, BIG])), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_core_seconds_of_all_months_add_up_to_those_of_the_intervals(changes):
    site = Site()
    polls = sorted(changes, key=lambda pair: pair[0])
    for hour, flavor in polls:
        site.poll(seen_server(at=at(hour), created=BORN, unchanged_since=at(hour), flavor=flavor), at(hour))

    starts = [0, *(hour for hour, _ in polls)]
    flavors = [polls[0][1], *(flavor for _, flavor in polls)]
    spans = zip(flavors, starts, [*starts[1:], polls[-1][0]], strict=True)
    wanted = reduce(lambda total, span: total + span[0].vcpus * (span[2] - span[1]) * 3600, spans, 0)
    assert sum(site.usage("CpuDuration").values()) == wanted
