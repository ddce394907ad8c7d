"""A message bus as its administrators set it up: what caso-doctor says of it, and what rights caso takes there."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from caso.doctor import recipients
from caso.extractors.notifications import NotificationsExtractor, Queues
from caso.findings import Finding, Level
from tests.broker.fixtures import VirtualHost
from tests.functional.collecting import QUEUE, Site
from tests.notifying import hours, server_event

pytestmark = pytest.mark.debian("rabbitmq-server")

QUEUES = ("caso.info", "caso.error", "caso_versioned.info", "caso_versioned.error")
PASSWORD = "another:s3cret"


def examined(*urls: str) -> list[Finding]:
    return list(recipients.examine_source("notifications", NotificationsExtractor(None, Queues(urls, QUEUES))))


@pytest.fixture
def reader(broker: VirtualHost) -> Iterator[str]:
    """The URL of a user who may read caso's queues and nothing else, as the documentation has it."""
    vhost = broker.url.rpartition("/")[2]
    broker.server.tell(
        f'rabbit_auth_backend_internal:add_user(<<"reader">>, <<"{PASSWORD}">>, <<"test">>)',
        f'rabbit_auth_backend_internal:set_permissions(<<"reader">>, <<"{vhost}">>, <<"^$">>, <<"^$">>, '
        '<<"^caso(_versioned)?[.](info|error)$">>, <<"test">>)',
    )
    yield f"amqp://reader:{quote(PASSWORD, safe='')}@127.0.0.1:{broker.server.port}/{vhost}"
    broker.server.tell('rabbit_auth_backend_internal:delete_user(<<"reader">>, <<"test">>)')


def test_the_doctor_says_how_many_messages_wait_and_takes_none(broker: VirtualHost):
    broker.publish(QUEUE, [server_event("create.end", "s", hours(0)), server_event("exists", "s", hours(1))])

    (finding,) = examined(broker.url)

    assert (finding.level, "2 messages wait in caso.info" in finding.what) == (Level.OK, True)
    assert broker.count(QUEUE) == 2


def test_the_doctor_says_where_nobody_notifies_yet(broker: VirtualHost):
    (finding,) = examined(broker.url)

    assert finding.level is Level.NOTE
    assert "topics in nova.conf" in finding.do


def test_a_broker_that_is_down_is_a_finding_of_its_own_beside_one_that_is_well(broker: VirtualHost):
    broker.publish(QUEUE, [server_event("create.end", "s", hours(0))])

    down, well = examined("rabbit://caso:a-secret-word@127.0.0.1:1//", broker.url)

    assert (down.level, well.level) == (Level.ERROR, Level.OK)
    assert down.do == "check that the broker runs and can be reached from here"
    assert "127.0.0.1:1" in down.what
    assert "a-secret-word" not in str(down)


@pytest.mark.parametrize(
    ("url", "do"), [("rabbit://caso:wrong@127.0.0.1:{port}//", "user, password"), ("no url", "write it like")]
)
def test_a_login_that_is_refused_and_a_url_that_is_none_are_findings(broker: VirtualHost, url: str, do: str):
    (finding,) = examined(url.format(port=broker.server.port))

    assert (finding.level, do in finding.do) == (Level.ERROR, True)


def test_rights_to_read_its_queues_are_all_that_it_takes(broker: VirtualHost, reader: str, tmp_path):
    site = Site(tmp_path, reader)
    broker.publish(QUEUE, [server_event("create.end", "s", hours(0))])

    (finding,) = examined(reader)
    done = site.run()

    assert finding.level is Level.OK
    assert (done.returncode, list(site.rows()), broker.count(QUEUE)) == (0, ["s"], 0), done.stderr


def test_a_user_without_rights_on_the_queue_is_told_so(broker: VirtualHost, reader: str, tmp_path):
    site = Site(tmp_path, reader, queue="other.info")
    broker.publish("other.info", [server_event("create.end", "s", hours(0))])

    done = site.run()

    assert (done.returncode, broker.count("other.info")) == (1, 1)
    assert "may read the queues" in done.stderr
    assert "s3cret" not in done.stderr
