"""Runs that take messages from a real queue, beside polls or alone."""

import dataclasses
from datetime import timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Extractor
from caso.extractors.notifications import NotificationsExtractor, Queues
from caso.planning import Period
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import fake_sources
from tests.broker.fixtures import VirtualHost
from tests.notifying import server_event
from tests.unit.cloudlet import T1, T2, Cloudlet, ticking

pytestmark = pytest.mark.debian("rabbitmq-server")
QUEUE = "caso.info"
MINUTE = timedelta(minutes=1)


@dataclasses.dataclass
class Notified(Cloudlet):
    """A cloudlet whose runs also take messages; ``polls`` False: only these."""

    url: str = ""
    polls: bool = True
    seconds: float = 60

    def _extractors(self, at, compute) -> dict[str, Extractor]:
        polls = super()._extractors(at, compute) if self.polls else {}
        sources = fake_sources(clock=ticking(at + timedelta(milliseconds=1)))
        taking = NotificationsExtractor(sources, Queues((self.url,), (QUEUE,), seconds=self.seconds))
        taking.beside(frozenset().union(*(one.observes for one in polls.values())))
        return polls | {"notifications": taking}

    def cloud(self, uuid: str) -> dict:
        self.received()
        return {
            key: row for key, row in sorted(self.recipient.rows["cloud"].items(), key=repr) if row["VMUUID"] == uuid
        }.popitem()[1]


@pytest.fixture
def site(tmp_path, broker: VirtualHost) -> Notified:
    return Notified(tmp_path, url=broker.url)


def told(uuid: str, at, event: str, **changes):
    """Of a server of the cloudlet, which was made when caso.testing.a_server is."""
    created = {"created_at": a_server(uuid, "p1")["created"]}
    return server_event(event, uuid, at, **created | changes)


def test_what_happened_between_two_polls_counts_to_the_second(site, broker):
    broker.publish(QUEUE, [told("runs", T1 + 10 * MINUTE, "suspend.end", state="suspended")])
    broker.publish(QUEUE, [told("runs", T1 + 40 * MINUTE, "resume.end")])
    site.run(T1)

    report = site.run(T2)

    assert report.exit_status == 0
    assert site.cloud("runs")["SuspendDuration"] == 30 * 60
    assert broker.count(QUEUE) == 0


def test_a_site_that_has_only_messages_is_accounted_for_from_them(site, broker):
    site.polls = False
    broker.publish(QUEUE, [told("only", T1 - 20 * MINUTE, "create.end", created_at=(T1 - 20 * MINUTE).isoformat(" "))])
    broker.publish(
        QUEUE, [told("only", T1 - 5 * MINUTE, "delete.end", created_at=(T1 - 20 * MINUTE).isoformat(" "), ended=T1 - 5 * MINUTE)]
    )

    report = site.run(T1)

    assert report.exit_status == 0
    row = site.cloud("only")
    assert (row["Status"], row["WallDuration"], row["CpuCount"]) == ("completed", 15 * 60, 2)


def test_a_message_that_comes_late_mends_what_was_sent(site, broker):
    site.run(T1)
    site.run(T2)
    before = site.cloud("runs")["SuspendDuration"]
    broker.publish(QUEUE, [told("runs", T1 + 10 * MINUTE, "suspend.end", state="suspended")])
    broker.publish(QUEUE, [told("runs", T1 + 40 * MINUTE, "resume.end")])

    site.run(T2 + timedelta(hours=1))

    assert before == 0
    assert site.cloud("runs")["SuspendDuration"] == 30 * 60


def test_a_listing_ends_what_a_lost_message_left_alive_and_counts_it(site, broker, caplog):
    site.admin, site.page_size = True, 100
    broker.publish(QUEUE, [told("lost", T1 - 30 * MINUTE, "create.end")])

    report = site.run(T1)
    with site.store() as store:
        (held,) = store.lives.by_id("lost")

    assert report.vanished["server"] == 1
    assert "1 servers vanished" in caplog.text
    assert held.entity.ended == T1 - 30 * MINUTE


def test_a_dry_run_takes_nothing_from_the_queue(site, broker):
    broker.publish(QUEUE, [told("new", T1 - 30 * MINUTE, "create.end")])

    report = site.run(T1, dry_run=True)

    assert broker.count(QUEUE) == 1
    assert report.exit_status == 0


def test_a_bus_that_is_down_costs_the_polls_nothing_and_is_tried_once(site):
    site.url = "rabbit://caso:secret@127.0.0.1:1//"

    report = site.run(T1)

    by_name = {}
    for scope in report.scopes:
        by_name.setdefault(scope.scope.extractor, []).append(scope)
    assert all(scope.whole for scope in by_name["nova"])
    assert all(isinstance(scope.error, SourceError) for scope in by_name["notifications"])
    assert report.exit_status == 1
    assert site.cloud("runs")["WallDuration"] > 0


def test_what_a_time_limit_leaves_in_the_queue_is_for_the_next_run(site, broker):
    site.seconds = -1
    broker.publish(QUEUE, [told(f"new-{number}", T1 - 30 * MINUTE, "create.end") for number in range(3)])

    first = site.run(T1)
    site.seconds = 60
    second = site.run(T2)

    assert (first.exit_status, second.exit_status) == (1, 0)
    assert "still in the queue" in str(next(s.error for s in first.scopes if s.scope.extractor == "notifications"))
    assert broker.count(QUEUE) == 0


def test_history_is_told_again_while_messages_wait(site, broker):
    site.run(T1)
    broker.publish(QUEUE, [told("runs", T1 + 10 * MINUTE, "suspend.end", state="suspended")])
    period = Period(now=T2, until=T2, since=T1 - timedelta(days=5))

    report = site.run(T2, period=period, compute=FakeCompute([a_server("runs", "p1")], page_size=2))

    assert report.exit_status == 0
    assert broker.count(QUEUE) == 0
