"""caso-collect on a real RabbitMQ: messages become lives, each once, whatever kills it."""

import json
import random
import signal
import time
from datetime import UTC, datetime

import pytest

from caso.extractors.notifications import NotificationsExtractor, Queues
from caso.lifecycle.timeline import Source
from caso.store import Place
from tests.broker.fixtures import VirtualHost
from tests.functional.collecting import QUEUE, Site
from tests.notifying import STANDARD, histories, hours, server_event, type_event, volume_event

PLACE = Place("", "RegionOne")
pytestmark = pytest.mark.debian("rabbitmq-server")


@pytest.fixture
def site(tmp_path, broker: VirtualHost) -> Site:
    return Site(tmp_path / "site", broker.url)


def wait_until(condition, seconds: float = 60) -> None:
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over, "it did not come to that"
        time.sleep(0.05)


def test_messages_become_lives_and_the_queue_is_empty(site, broker):
    broker.publish(QUEUE, [server_event("create.end", "s", hours(0)), server_event("delete.end", "s", hours(5), ended=hours(5))])
    broker.publish(QUEUE, [type_event("create", STANDARD, "fast")], exchange="openstack")
    broker.publish(QUEUE, [volume_event("create.end", "v", hours(0)), volume_event("resize.end", "v", hours(2), size=30)])

    done = site.run()

    assert (done.returncode, broker.count(QUEUE)) == (0, 0), done.stderr
    with site.store() as store:
        (server,) = store.lives.by_id("s")
        (volume,) = store.lives.by_id("v")
    assert [(i.start, i.end, i.source) for i in server.entity.intervals()] == [(hours(0), hours(5), Source.NOTIFICATION)]
    assert [(i.start, i.value.size_gib, i.value.type) for i in volume.entity.intervals()] == [
        (hours(0), 10, "fast"),
        (hours(2), 30, "fast"),
    ]


def test_a_volume_whose_type_nobody_told_waits_until_somebody_does(site, broker):
    broker.publish(QUEUE, [volume_event("create.end", "v", hours(0))])
    assert site.run().returncode == 0
    waiting = json.loads(site.run("--dead", "list", "--json").stdout)

    broker.publish(QUEUE, [type_event("create", STANDARD, "fast")])
    site.run()

    assert [(one["fate"], one["event_type"]) for one in waiting] == [("waiting", "volume.create.end")]
    assert STANDARD in waiting[0]["reason"]
    with site.store() as store:
        (volume,) = store.lives.by_id("v")
    assert volume.entity.intervals()[0].value.type == "fast"
    assert set(site.messages().values()) == {"folded"}


def test_what_is_not_understood_is_kept_with_its_reason_and_holds_up_nothing(site, broker):
    broken = server_event("create.end", "broken", hours(0), vcpus="many")
    broker.publish(QUEUE, [b"no JSON at all", broken, server_event("create.end", "s", hours(0))])

    done = site.run()

    assert (done.returncode, broker.count(QUEUE)) == (1, 0)
    assert "vcpus" in done.stderr
    assert list(site.rows()) == ["s"]
    dead = json.loads(site.run("--dead", "list", "--json").stdout)
    assert {one["id"] for one in dead} > {broken.message_id}
    assert any("no JSON" in one["reason"] for one in dead)
    # How a table folds its columns is a matter of how wide these are.
    assert "dead" in site.run("--dead", "list").stdout


def test_the_dead_are_read_again_or_dropped_as_a_person_says(site, broker):
    broken = server_event("create.end", "broken", hours(0), vcpus="many")
    broker.publish(QUEUE, [b"no JSON at all", broken])
    site.run()

    retried = site.run("--dead", "retry", "--only-message", broken.message_id)
    still = site.run()
    dropped = site.run("--dead", "drop")

    assert (retried.returncode, dropped.returncode) == (0, 0)
    assert still.returncode == 1
    assert "vcpus" in still.stderr
    assert json.loads(site.run("--dead", "list", "--json").stdout) == []
    assert "not waiting or dead" in site.run("--dead", "drop", "--only-message", "nothing").stderr


def test_a_message_that_comes_again_after_it_was_dropped_stays_dropped(site, broker):
    broken = server_event("create.end", "broken", hours(0), vcpus="many")
    broker.publish(QUEUE, [broken])
    site.run()
    site.run("--dead", "drop")

    broker.publish(QUEUE, [broken])
    again = site.run()

    assert json.loads(site.run("--dead", "list", "--json").stdout) == []
    assert again.returncode == 0


def test_without_a_bus_it_says_what_to_set_and_starts_nothing(tmp_path):
    site = Site(tmp_path, "")

    done = site.run()

    assert done.returncode == 2
    assert "[notifications] transport_url is not set" in done.stderr


def test_a_bus_that_is_down_is_an_error_of_one_line_without_the_password(site, broker):
    site.configure("rabbit://caso:a-secret-word@127.0.0.1:1//")

    done = site.run()

    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "a-secret-word" not in done.stderr


def test_following_keeps_each_message_as_it_comes_and_sigterm_leaves_nothing_half_done(site, broker):
    process = site.start("--follow")
    try:
        broker.publish(QUEUE, [server_event("create.end", "one", hours(0))])
        wait_until(lambda: "one" in site.rows())
        broker.publish(QUEUE, [server_event("create.end", f"more-{number}", hours(0)) for number in range(500)])
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 0, site.said()
    assert len(site.rows()) + broker.count(QUEUE) == 501


def test_sigint_ends_it_and_what_was_not_kept_comes_again(site, broker):
    process = site.start("--follow")
    broker.publish(QUEUE, [server_event("create.end", "one", hours(0))])
    wait_until(lambda: "one" in site.rows())

    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    broker.publish(QUEUE, [server_event("create.end", "two", hours(0))])
    site.run()

    assert process.returncode == 1
    assert sorted(site.rows()) == ["one", "two"]


def test_sighup_reads_the_configuration_again_and_a_broken_one_changes_nothing(site, broker):
    process = site.start("--follow")
    try:
        broker.publish(QUEUE, [server_event("create.end", "one", hours(0))])
        wait_until(lambda: "one" in site.rows())
        site.configure(broker.url, queue="other.info")
        process.send_signal(signal.SIGHUP)
        broker.publish("other.info", [server_event("create.end", "two", hours(0))])
        wait_until(lambda: "two" in site.rows())
        site.configure(broker.url, queue="other.info", batch_size="nonsense")
        process.send_signal(signal.SIGHUP)
        broker.publish("other.info", [server_event("create.end", "three", hours(0))])
        wait_until(lambda: "batch_size" in site.said() and "three" in site.rows())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    assert process.returncode == 0, site.said()


def test_following_goes_on_after_the_bus_was_down(site, broker):
    process = site.start("--follow")
    try:
        broker.publish(QUEUE, [server_event("create.end", "one", hours(0))], durable=True)
        wait_until(lambda: "one" in site.rows())
        broker.server.stop()
        broker.server.start()
        broker.publish(QUEUE, [server_event("create.end", "two", hours(0))], durable=True)
        wait_until(lambda: "two" in site.rows())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    assert process.returncode == 0, site.said()


def test_what_was_kept_and_not_acknowledged_comes_again_and_is_kept_once(site, broker):
    messages = histories(20)
    broker.publish(QUEUE, messages)
    extractor = NotificationsExtractor(None, Queues((broker.url,), (QUEUE,), batch=10))
    inbox = extractor.inbox()
    with site.store() as store:
        for number, page in enumerate(extractor.pages(inbox, PLACE.region)):
            store.take(PLACE, page.seen, page.notices, page.volume_types, by="notifications", at=datetime.now(UTC))
            if number == 3:
                # Kept, and here the process dies: nobody acknowledges.
                break
            page.on_commit()
    inbox.close()
    wait_until(lambda: broker.count(QUEUE) == len(messages) - 30)
    kept = site.messages()

    done = site.run()

    assert len(kept) > 30
    assert (done.returncode, broker.count(QUEUE)) == (0, 0), done.stderr
    assert site.messages().keys() == {message.message_id for message in messages}
    undisturbed = Site(site.folder / "undisturbed", broker.url)
    broker.publish(QUEUE, messages)
    undisturbed.run()
    assert site.rows() == undisturbed.rows()


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_while_it_drains_it_loses_nothing_and_keeps_nothing_twice(tmp_path, broker, kills):
    messages = histories(1350)[:10_000]
    assert len(messages) == 10_000
    undisturbed, disturbed = (Site(tmp_path / name, broker.url, batch_size=100) for name in ("undisturbed", "disturbed"))
    broker.publish(QUEUE, messages)
    assert undisturbed.run().returncode == 0
    broker.publish(QUEUE, messages)
    rng, killed = random.Random(7), 0

    while killed < kills:
        enough = broker.count(QUEUE) - rng.randrange(50, 400)
        process = disturbed.start()
        while broker.count(QUEUE) > enough and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        killed += 1
        assert broker.count(QUEUE) > 0, "it was done before it could be killed"
    assert disturbed.run().returncode == 0

    assert broker.count(QUEUE) == 0
    assert disturbed.rows() == undisturbed.rows()
    assert disturbed.messages() == undisturbed.messages()
