"""What Prometheus is asked, and what its samples make of a server's days; against a Prometheus without a network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caso.errors import SourceError
from caso.extractors.base import Ask, Listing, Page
from caso.extractors.power import UNITS, PowerMeter
from caso.extractors.prometheus import PrometheusExtractor
from caso.findings import Level
from caso.lifecycle.measured import Measured
from caso.lifecycle.server import Server, observe
from caso.sources.prometheus_failure import TooMuchError
from caso.testing.entities import seen_server
from caso.testing.memory import Remembered
from caso.testing.prometheus import FakePrometheus, a_series
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION, fake_sources
from caso.window import Window

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2024, 3, 10, tzinfo=UTC)
NOW = MIDNIGHT + 12 * HOUR
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
WATTS = PowerMeter('power{uuid=~"{uuids}"}', "uuid", UNITS["watts"], 30)


def even(uuid: str, start: datetime, end: datetime, watts: float = 100.0, every: int = 60, **labels: str) -> Any:
    """A series of an even power."""
    count = round((end - start).total_seconds()) // every + 1
    return a_series(uuid, [(start.timestamp() + number * every, watts) for number in range(count)], **labels)


def a_known(uuid: str = "a", project_id: str = "p1", *, first_seen: datetime = FEBRUARY, **facts: Any) -> Server:
    seen = seen_server(**({"at": first_seen, "uuid": uuid, "project_id": project_id, "created": FEBRUARY} | facts))
    return dataclasses.replace(observe(None, seen), first_seen=first_seen)


class Case:
    """An extractor beside one that tells of servers, and what it is told to remember."""

    def __init__(self, *series: Any, meter: PowerMeter = WATTS, now: datetime = NOW, **prometheus: Any) -> None:
        self.prometheus = FakePrometheus(series, **prometheus)
        self.sources = fake_sources(clock=lambda: now, prometheus=self.prometheus)
        self.extractor = PrometheusExtractor(self.sources, self.prometheus, meter)  # type: ignore[arg-type]
        self.extractor.beside(frozenset({"server"}))

    def pages(self, *servers: Server, window: Window, listed: bool = True, projects: Sequence[str] = ("p1",)) -> list[Page]:
        listings = dict.fromkeys(projects, Listing(window.start, "")) if listed else {}
        memory = Remembered(listings=listings, server=servers)
        return list(self.extractor.extract(Ask(REGION, dict.fromkeys(projects, window), {}, memory)))

    def measured(self, *servers: Server, window: Window, **how: Any) -> list[Measured]:
        return [one for page in self.pages(*servers, window=window, **how) for one in page.measured]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The days of the queries, and their servers."""
        return [(f"{window.start:%m-%d}", selector.split('"')[1]) for selector, window in self.prometheus.queries]


def told(measured: Sequence[Measured]) -> Mapping[tuple[str, str], tuple[float, float]]:
    return {(one.uuid, f"{one.day:%m-%d}"): (pytest.approx(one.amount), pytest.approx(one.covered_seconds)) for one in measured}


def test_a_run_tells_todays_slot_whole_of_all_servers_of_a_project_by_one_query():
    case = Case(even("a", MIDNIGHT - DAY, NOW), even("b", MIDNIGHT - DAY, NOW, watts=50), even("c", MIDNIGHT - DAY, NOW))

    found = case.measured(a_known("a"), a_known("b"), a_known("c", "p2"), window=Window(NOW - HOUR, NOW))

    assert told(found) == {("a", "03-10"): (12 * 360_000, 43200), ("b", "03-10"): (12 * 180_000, 43200)}
    assert {(one.start, one.end, one.seen_at) for one in found} == {(MIDNIGHT, NOW, NOW)}
    assert case.asked == [("03-10", "a|b")]


def test_after_midnight_the_day_that_is_over_is_told_up_to_midnight():
    case = Case(even("a", MIDNIGHT - 2 * DAY, MIDNIGHT + HOUR))

    found = case.measured(a_known(), window=Window(MIDNIGHT - HOUR, MIDNIGHT + HOUR))

    assert told(found) == {("a", "03-09"): (8_640_000, 86400), ("a", "03-10"): (360_000, 3600)}
    assert [(one.start, one.end) for one in found] == [(MIDNIGHT - DAY, MIDNIGHT), (MIDNIGHT, MIDNIGHT + HOUR)]


def test_a_day_that_was_just_over_when_it_was_last_asked_for_is_asked_for_once_more():
    case, later = Case(), Case()

    case.pages(a_known(), window=Window(MIDNIGHT + timedelta(minutes=5), MIDNIGHT + HOUR))
    later.pages(a_known(), window=Window(MIDNIGHT + timedelta(minutes=10), MIDNIGHT + HOUR))

    assert case.asked == [("03-09", "a"), ("03-10", "a")]
    assert later.asked == [("03-10", "a")]


def test_a_slot_begins_and_ends_with_its_server():
    born, ended = MIDNIGHT + 2 * HOUR, MIDNIGHT + 5 * HOUR
    case = Case(even("a", MIDNIGHT, NOW))

    (found,) = case.measured(a_known(created=born, first_seen=born, ended=ended), window=Window(NOW - HOUR, NOW))

    assert (found.start, found.end) == (born, ended)
    assert (found.amount, found.covered_seconds) == (pytest.approx(3 * 360_000), 3 * 3600)


def test_a_server_that_ended_before_the_day_is_not_asked_about():
    case = Case()

    case.pages(a_known("gone", ended=MIDNIGHT - HOUR), a_known("there"), window=Window(NOW - HOUR, NOW))

    assert case.asked == [("03-10", "there")]


def test_a_server_that_was_not_known_yet_is_asked_about_since_its_creation():
    late = a_known("late", created=NOW - 3 * DAY, first_seen=NOW - HOUR)
    gone = a_known("gone", created=NOW - 2 * DAY, ended=NOW - DAY, first_seen=NOW - HOUR)
    case = Case()

    case.pages(late, gone, a_known("known"), window=Window(NOW - HOUR, NOW))

    assert case.asked == [("03-07", "late"), ("03-08", "gone|late"), ("03-09", "gone|late"), ("03-10", "known|late")]


def test_a_server_that_was_not_known_for_long_is_asked_about_for_31_days_back():
    case = Case()

    case.pages(a_known(first_seen=NOW - HOUR), window=Window(NOW - HOUR, NOW))

    assert (case.asked[0], len(case.asked)) == (("02-08", "a"), 32)


@pytest.mark.parametrize("window", [Window(MIDNIGHT, NOW), Window(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY)])
def test_a_first_run_and_a_stretch_of_the_past_ask_for_nothing_else(window):
    case = Case()

    case.pages(a_known(first_seen=NOW), window=window, listed=False)

    assert case.asked == [(f"{window.start:%m-%d}", "a")]


def test_of_the_beginning_of_time_only_days_are_asked_for_on_which_a_server_lived():
    case = Case()
    lives = a_known("a", created=MIDNIGHT - 5 * DAY, ended=MIDNIGHT - 4 * DAY + HOUR), a_known("b", created=MIDNIGHT)

    case.pages(*lives, window=Window.parse("1970-01-01", f"{NOW:%FT%T}"), listed=False)

    assert case.asked == [("03-05", "a"), ("03-06", "a"), ("03-10", "b")]


def test_days_that_prometheus_keeps_no_more_are_not_asked_for_and_that_is_said(caplog):
    case = Case(kept=timedelta(days=15))

    case.pages(a_known(), window=Window(FEBRUARY, NOW), listed=False)

    assert case.asked[0] == ("02-24", "a")
    assert len(case.asked) == 16
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        "prometheus: it keeps samples for 15 days: project p1 is not asked for before 2024-02-24, and has no energy records of "
        "the days from 2024-02-01 until then"
    )


def test_where_nobody_knows_how_long_samples_are_kept_all_days_are_asked_for(caplog):
    case = Case(kept=None)

    case.pages(a_known(), window=Window(FEBRUARY, NOW), listed=False)

    assert case.asked[0] == ("02-01", "a")
    assert caplog.records == []


def test_series_of_one_server_add_up_and_cover_what_any_of_them_does():
    processes = [
        even("a", MIDNIGHT, MIDNIGHT + 2 * HOUR, pid="1"),
        even("a", MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR, pid="2"),
        even("a", MIDNIGHT + 5 * HOUR, MIDNIGHT + 6 * HOUR, pid="3"),
    ]
    case = Case(*processes)

    (found,) = case.measured(a_known(), window=Window(NOW - HOUR, NOW))

    assert (found.amount, found.covered_seconds) == (pytest.approx(5 * 360_000), pytest.approx(4 * 3600))


def test_a_server_of_which_nothing_was_measured_has_no_slot():
    case = Case(a_series("a", [(NOW.timestamp() - 60, 5.0)]), even("b", NOW - HOUR, NOW))

    found = case.measured(a_known("a"), a_known("b"), a_known("c"), window=Window(NOW - HOUR, NOW))

    assert [one.uuid for one in found] == ["b"]


def test_counters_count_on_over_gaps_and_across_midnight():
    joules = PowerMeter('power{uuid=~"{uuids}"}', "uuid", UNITS["kilojoules"], 30)
    before, after = MIDNIGHT.timestamp() - 1000, MIDNIGHT.timestamp() + 1000
    case = Case(a_series("a", [(before, 10.0), (after, 30.0), (after + 4000, 5.0)]), meter=joules)

    found = case.measured(a_known(), window=Window(MIDNIGHT - HOUR, NOW))

    assert told(found) == {("a", "03-09"): (10_000, 1000), ("a", "03-10"): (15_000, 5000)}


def test_a_selector_has_samples_of_its_own_and_another_expression_is_evaluated():
    selector = 'm{a="{x}",uuid=~"{uuids}"}'

    assert dataclasses.replace(WATTS, query=selector).evaluated_every is None
    assert dataclasses.replace(WATTS, query='sum by (uuid) (m{uuid=~"{uuids}"})').evaluated_every == 30
    assert dataclasses.replace(WATTS, query='m{uuid=~"{uuids}"} * 2').evaluated_every == 30


def test_the_longest_gap_follows_the_step():
    assert [dataclasses.replace(WATTS, step_seconds=step).longest_gap_seconds for step in (15, 30, 60, 300)] == [
        300,
        300,
        600,
        3000,
    ]


def test_a_project_that_cannot_be_told_of_stays_and_the_others_are_told():
    class Failing(FakePrometheus):
        def samples(self, selector: str, *args: Any, **kwargs: Any) -> Any:
            if "bad" in selector:
                raise SourceError("prometheus: it is down")
            return super().samples(selector, *args, **kwargs)

    case = Case()
    case.prometheus = Failing([even("good", MIDNIGHT, NOW)])
    case.extractor = PrometheusExtractor(case.sources, case.prometheus, WATTS)  # type: ignore[arg-type]
    case.extractor.beside(frozenset({"server"}))

    pages = case.pages(a_known("bad", "p1"), a_known("good", "p2"), window=Window(NOW - HOUR, NOW), projects=("p1", "p2"))

    assert [one.uuid for page in pages for one in page.measured] == ["good"]
    assert [page.unfinished for page in pages if page.unfinished] == [{"p1": "prometheus: it is down"}]


def test_an_answer_of_which_a_part_is_missing_is_kept_and_its_project_stays():
    case = Case(even("a", MIDNIGHT, NOW), warnings=["a store is gone"])

    pages = case.pages(a_known(), window=Window(NOW - HOUR, NOW))

    assert [one.uuid for page in pages for one in page.measured] == ["a"]
    assert "a store is gone" in pages[0].unfinished["p1"]


def test_what_is_too_much_for_one_query_is_asked_for_in_halves():
    class Small(FakePrometheus):
        def samples(self, selector: str, *args: Any, **kwargs: Any) -> Any:
            if selector.count("|") > 1:
                raise TooMuchError("prometheus: too many samples")
            return super().samples(selector, *args, **kwargs)

    case = Case()
    case.prometheus = Small([even(name, MIDNIGHT, NOW) for name in "abcde"])
    case.extractor = PrometheusExtractor(case.sources, case.prometheus, WATTS)  # type: ignore[arg-type]
    case.extractor.beside(frozenset({"server"}))

    found = case.measured(*(a_known(name) for name in "abcde"), window=Window(NOW - HOUR, NOW))

    assert {one.uuid: one.amount for one in found} == dict.fromkeys("abcde", pytest.approx(12 * 360_000))
    assert [names for _, names in case.asked] == ["a|b", "c", "d|e"]


def alone(*rows: Mapping[str, Any], series: Sequence[Any] = (), **prometheus: Any) -> tuple[PrometheusExtractor, FakePrometheus]:
    fake = FakePrometheus(series, **prometheus)
    sources = fake_sources(compute=FakeCompute(rows), clock=lambda: NOW, prometheus=fake)
    extractor = PrometheusExtractor(sources, fake, WATTS)  # type: ignore[arg-type]
    extractor.beside(frozenset({"volume"}))
    return extractor, fake


def test_where_nobody_else_tells_of_servers_nova_is_listed_first():
    rows = a_server("a", "p1", created="2024-03-08T00:00:00Z", updated="2024-03-08T00:00:00Z"), a_server("b", "p2")
    extractor, fake = alone(*rows, series=[even("a", MIDNIGHT, NOW)])
    window = Window(NOW - HOUR, NOW)

    pages = list(extractor.extract(Ask(REGION, {"p1": window}, {}, Remembered(listings={"p1": Listing(window.start, "")}))))

    assert [seen.uuid for page in pages for seen in page.seen] == ["a"]
    assert [(one.uuid, one.amount) for page in pages for one in page.measured] == [("a", pytest.approx(12 * 360_000))]
    # It was not known before: so it is asked for since its creation.
    assert [f"{window.start:%m-%d}" for _, window in fake.queries] == ["03-08", "03-09", "03-10"]


def test_where_another_extractor_tells_of_servers_nova_is_not_asked():
    case = Case()

    assert not any(page.seen for page in case.pages(a_known(), window=Window(NOW - HOUR, NOW)))
    assert case.extractor.mentions == frozenset()


def test_the_doctor_is_told_whether_the_metric_and_its_label_are_there():
    lately = even("a", NOW - HOUR, NOW)
    by_another_name = Case(lately, meter=dataclasses.replace(WATTS, label="vm_id")).extractor.examine()

    assert [one.level for one in Case(lately).extractor.examine()] == [Level.OK]
    assert ["has no sample of power" in one.what for one in Case(even("a", NOW - DAY, NOW - HOUR)).extractor.examine()] == [True]
    down = Case(error=SourceError("prometheus: it is down; start it")).extractor.examine()
    assert [(one.level, one.do) for one in down] == [(Level.ERROR, "start it")]
    assert ["no label vm_id in it: there are __name__, uuid" in one.what for one in by_another_name] == [True]
