"""Notifications from a real RabbitMQ: nothing is lost, and nothing is asked of the broker that could harm its publishers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from kombu import Connection, Exchange, Queue

from caso.errors import SourceError
from caso.sources.notifications import Batch, Inbox, Message, Unreadable
from tests.broker import Broker, Notification, envelope, rabbit_url
from tests.broker.fixtures import VirtualHost
from tests.unit.messengers.receivers import Authority

pytestmark = pytest.mark.debian("rabbitmq-server")

INFO, ERROR = "caso.info", "caso.error"


def some(count: int, prefix: str = "message") -> list[Notification]:
    return [Notification("compute.instance.update", {}, message_id=f"{prefix}-{number}") for number in range(count)]


def ids(batches: Sequence[Batch]) -> list[str]:
    return [message.id for batch in batches for message in batch.messages]


def drained(inbox: Inbox, size: int = 500) -> list[Batch]:
    """All batches of a drain, each acknowledged."""
    batches = []
    for batch in inbox.batches(size):
        batch.acknowledge()
        batches.append(batch)
    return batches


@contextlib.contextmanager
def followed(inbox: Inbox, size: int = 500) -> Iterator[Callable[[int], list[str]]]:
    """Someone who follows, as a service does; what is given waits for so many messages to be acknowledged, and has their ids."""
    done, seen, changed = threading.Event(), [], threading.Condition()

    def follow() -> None:
        for batch in inbox.batches(size, wait=0.05, until_empty=False, stop=done.is_set):
            with contextlib.suppress(SourceError):
                batch.acknowledge()
                with changed:
                    seen.extend(message.id for message in batch.messages)
                    changed.notify_all()

    def wait_for(count: int) -> list[str]:
        with changed:
            assert changed.wait_for(lambda: len(seen) >= count, timeout=60), seen
            return list(seen)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield wait_for
    finally:
        done.set()
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"rabbit://caso:hidden-word@127.0.0.1:{free.getsockname()[1]}/"


@contextlib.contextmanager
def behind_tls(context: ssl.SSLContext, port: int) -> Iterator[int]:
    """The port of someone who speaks TLS, and passes on what is said to ``port``."""

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(("127.0.0.1", port)) as broker,
            ):
                back = threading.Thread(target=pass_on, args=(broker, client), daemon=True)
                back.start()
                pass_on(client, broker)
                back.join(10)

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while some := source.recv(65536):
                target.sendall(some)
            target.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_drain_yields_everything_in_batches_and_ends(broker: VirtualHost):
    broker.publish(INFO, some(25))

    with Inbox([rabbit_url(broker.url)], [INFO, ERROR]) as inbox:
        assert inbox.backlog() == 25
        batches = drained(inbox, size=10)

        assert [len(batch.messages) for batch in batches] == [10, 10, 5]
        assert ids(batches) == [f"message-{number}" for number in range(25)]
        assert inbox.backlog() == 0


def test_a_message_is_out_of_its_envelope_with_the_time_that_it_names(broker: VirtualHost):
    told = Notification("volume.create.end", {"volume_id": "a", "metadata": {"my_password": "b"}}, message_id="message-1")
    broker.publish(INFO, [told])

    with Inbox([broker.url], [INFO]) as inbox:
        [batch] = drained(inbox)

    [message] = batch.messages
    assert message == Message(
        "message-1",
        "volume.create.end",
        told.timestamp,
        "INFO",
        "compute.host-1",
        {"volume_id": "a", "metadata": {"my_password": "***"}},
    )


def test_only_what_is_acknowledged_is_forgotten(broker: VirtualHost):
    broker.publish(INFO, some(6))

    with Inbox([broker.url], [INFO]) as inbox:
        batches = inbox.batches(2)
        next(batches).acknowledge()
        next(batches)
        next(batches).acknowledge()

    with Inbox([broker.url], [INFO]) as inbox:
        assert ids(drained(inbox)) == ["message-2", "message-3"]


def test_a_batch_is_acknowledged_at_its_broker_when_acknowledge_returns(broker: VirtualHost):
    broker.publish(INFO, some(3))
    inbox = Inbox([broker.url], [INFO])
    next(inbox.batches()).acknowledge()

    broker.server.drop_connections()

    with Inbox([broker.url], [INFO]) as another:
        assert drained(another) == []
    inbox.close()


KILLED = """\
import sys, time
from caso.sources.notifications import Inbox
batches = Inbox([sys.argv[1]], [sys.argv[2]], prefetch=7).batches(5)
next(batches).acknowledge()
next(batches)
print("taken", flush=True)
time.sleep(600)
"""


def test_what_a_killed_consumer_did_not_acknowledge_comes_again(broker: VirtualHost):
    broker.publish(INFO, some(20))
    with subprocess.Popen([sys.executable, "-c", KILLED, broker.url, INFO], stdout=subprocess.PIPE, text=True) as consumer:
        assert consumer.stdout is not None
        assert consumer.stdout.readline() == "taken\n"
        os.kill(consumer.pid, signal.SIGKILL)

    with Inbox([broker.url], [INFO]) as inbox:
        batches = drained(inbox)

    assert sorted(ids(batches)) == sorted(f"message-{number}" for number in range(5, 20))


def test_an_acknowledgement_over_a_lost_connection_is_an_error_and_the_messages_come_again(broker: VirtualHost):
    broker.publish(INFO, some(3))

    with Inbox([broker.url], [INFO]) as inbox:
        batch = next(inbox.batches())
        broker.server.drop_connections()

        with pytest.raises(SourceError, match="cannot acknowledge messages"):
            batch.acknowledge()

        assert ids(drained(inbox)) == ["message-0", "message-1", "message-2"]


def test_a_broker_that_is_down_is_told_of_after_the_others_are_drained(broker: VirtualHost, unused_url: str):
    broker.publish(INFO, some(3))

    with Inbox([unused_url, broker.url], [INFO]) as inbox:
        batches = inbox.batches(2)
        first, second = next(batches), next(batches)
        first.acknowledge()
        second.acknowledge()
        with pytest.raises(SourceError, match=r"cannot connect to 127.0.0.1:.*refused.*check that the broker runs") as told:
            next(batches)

    assert len(first.messages) + len(second.messages) == 3
    assert "hidden-word" not in str(told.value)
    assert broker.count(INFO) == 0


def test_a_host_that_swallows_packets_holds_up_nobody(broker: VirtualHost):
    broker.publish(INFO, some(3))
    # Accepted by the kernel, and never answered.
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Inbox([f"amqp://127.0.0.1:{silent.getsockname()[1]}", broker.url], [INFO], timeout=8) as inbox,
    ):
        started = time.monotonic()
        batches = inbox.batches()
        next(batches).acknowledge()

        assert time.monotonic() - started < 6
        with pytest.raises(SourceError, match="timed out"):
            next(batches)


def test_two_brokers_are_read_in_turn_and_acknowledged_each(running_broker: Broker, broker: VirtualHost):
    broker.publish(INFO, some(4, "one"))
    with running_broker.vhost() as other_url:
        other = VirtualHost(running_broker, other_url)
        other.publish(INFO, some(4, "other"))

        with Inbox([broker.url, other_url], [INFO]) as inbox:
            assert inbox.backlog() == 8
            batches = drained(inbox, size=3)

        assert sorted(ids(batches)) == sorted([f"one-{n}" for n in range(4)] + [f"other-{n}" for n in range(4)])
        assert broker.count(INFO) == other.count(INFO) == 0


def test_a_long_queue_does_not_keep_a_short_one_waiting(broker: VirtualHost):
    broker.publish(INFO, some(400, "info"))
    broker.publish(ERROR, some(3, "error"))

    with Inbox([broker.url], [INFO, ERROR]) as inbox:
        first = next(inbox.batches(50))

        assert {f"error-{number}" for number in range(3)} <= set(ids([first]))


def test_no_more_than_prefetch_is_on_its_way(broker: VirtualHost):
    broker.publish(INFO, some(30))

    with Inbox([broker.url], [INFO], prefetch=10) as inbox:
        batches = inbox.batches(5)
        batch = next(batches)

        assert broker.count(INFO) == 20
        batch.acknowledge()
        rest = [batch, *drained(inbox)]

    assert len(ids(rest)) == 30


def test_a_drain_whose_batches_nobody_acknowledges_ends_with_words(broker: VirtualHost):
    broker.publish(INFO, some(30))

    with (
        Inbox([broker.url], [INFO], prefetch=10, timeout=1) as inbox,
        pytest.raises(SourceError, match="20 messages are ready, and none has come for 1 s"),
    ):
        list(inbox.batches(5))


def test_what_cannot_be_read_is_kept_with_its_reason_and_the_rest_goes_on(broker: VirtualHost):
    broker.publish(INFO, [b"\xff\xfe", b"{", b"[1, 2]", {"message_id": "m", "event_type": "a", "timestamp": "never"}, *some(1)])

    with Inbox([broker.url], [INFO]) as inbox:
        [batch] = drained(inbox)

    *odd, message = batch.messages
    assert all(isinstance(one, Unreadable) for one in odd)
    assert [one.reason.partition(" (")[0] for one in odd if isinstance(one, Unreadable)] == [
        "it is no text in UTF-8",
        "it is no JSON",
        "it is no message: not an object",
        "timestamp: 'never' is no time",
    ]
    assert [one.id[:7] for one in odd] == ["sha256:", "sha256:", "sha256:", "m"]
    assert message.id == "message-0"
    assert broker.count(INFO) == 0


def test_a_compressed_message_is_unpacked_and_one_that_only_says_so_is_kept(broker: VirtualHost):
    text = json.dumps(envelope(some(1)[0])).encode()
    queue = Queue(INFO, Exchange("nova", type="topic", durable=False), routing_key=INFO, durable=False)
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection, connection.channel() as channel:
        queue(channel).declare()
        for body in (zlib.compress(text), text):
            message = channel.prepare_message(body, content_encoding="utf-8", headers={"compression": "application/x-gzip"})
            channel.basic_publish(message, exchange="nova", routing_key=INFO)

    with Inbox([broker.url], [INFO]) as inbox:
        [batch] = drained(inbox)

    unpacked, damaged = batch.messages
    assert unpacked.id == "message-0"
    assert isinstance(damaged, Unreadable)
    assert damaged.reason.startswith("it cannot be unpacked: ")
    assert "compute.instance.update" in damaged.body


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}], ids=["classic", "quorum"])
def test_a_queue_is_read_as_its_publishers_made_it(broker: VirtualHost, arguments: dict[str, str]):
    topic = Exchange("nova", type="topic", durable=True)
    queue = Queue(INFO, topic, routing_key=INFO, durable=True, queue_arguments=arguments)
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish("no message", exchange=topic, routing_key=INFO, declare=[queue])

    with Inbox([broker.url], [INFO, ERROR]) as inbox:
        [batch] = drained(inbox)

        assert len(batch.messages) == 1
    # Publishers that connect now declare their queues again, which would fail if caso had made another kind of queue.
    with Connection(broker.url) as connection, connection.channel() as channel:
        queue(channel).declare()
        Queue(ERROR, topic, routing_key=ERROR, durable=True, queue_arguments=arguments)(channel).declare()


def test_nothing_is_declared_where_nobody_published_yet(broker: VirtualHost):
    with Inbox([broker.url], [INFO]) as inbox:
        assert drained(inbox) == []
        assert inbox.backlog() == 0

    broker.publish(INFO, some(1), durable=True)
    with Inbox([broker.url], [INFO]) as inbox:
        assert len(drained(inbox)) == 1


def test_a_queue_that_was_deleted_under_its_publishers_is_there_again(broker: VirtualHost):
    with Connection(broker.url) as connection, connection.channel() as channel:
        topic = Exchange("openstack", type="topic", durable=False)(channel)
        topic.declare()

        with Inbox([broker.url], [INFO]) as inbox:
            assert drained(inbox) == []
            # As a publisher that declared its queue when it connected, and does not do so again.
            connection.Producer(channel).publish("no message", exchange=topic, routing_key=INFO)
            [batch] = drained(inbox)

    assert len(batch.messages) == 1


def test_a_follower_gets_what_comes_and_leaves_with_nothing_half_done(broker: VirtualHost):
    broker.publish(INFO, some(3))

    with Inbox([broker.url], [INFO]) as inbox, followed(inbox) as wait_for:
        wait_for(3)
        broker.publish(INFO, some(2, "later"))
        seen = wait_for(5)

    assert seen == ["message-0", "message-1", "message-2", "later-0", "later-1"]
    assert broker.count(INFO) == 0


def test_a_full_batch_comes_at_once_and_a_part_of_one_after_its_wait(broker: VirtualHost):
    broker.publish(INFO, some(5))

    with Inbox([broker.url], [INFO]) as inbox:
        batches = inbox.batches(3, wait=1.0, until_empty=False)
        next(batches).acknowledge()
        since = time.monotonic()
        second = next(batches)
        waited = time.monotonic() - since

    assert len(second.messages) == 2
    assert 0.5 < waited < 10


def test_who_is_told_to_stop_yields_what_is_already_here(broker: VirtualHost):
    broker.publish(INFO, some(5))
    stopped = False

    with Inbox([broker.url], [INFO]) as inbox:
        batches = inbox.batches(2, until_empty=False, stop=lambda: stopped)
        seen = [next(batches)]
        stopped = True
        seen += batches

    assert len(ids(seen)) == 5


def test_a_follower_outlives_a_restart_of_the_broker(
    broker: VirtualHost, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("caso.sources.notifications_broker.LONGEST_PAUSE", 2.0)
    caplog.set_level(logging.INFO, logger="caso")
    broker.publish(INFO, some(2), durable=True)

    with Inbox([broker.url], [INFO]) as inbox, followed(inbox) as wait_for:
        wait_for(2)
        broker.server.stop()
        time.sleep(1)
        broker.server.start()
        broker.publish(INFO, some(2, "later"), durable=True)
        seen = wait_for(4)

    assert seen == ["message-0", "message-1", "later-0", "later-1"]
    told = [record.getMessage() for record in caplog.records if "trying until" in record.message or "is back" in record.message]
    assert len(told) == 2
    assert told[0].startswith("notifications: cannot read messages of 127.0.0.1")
    assert told[1].endswith("is back")


def test_a_follower_finds_a_queue_that_comes_later_and_one_that_comes_again(broker: VirtualHost, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("caso.sources.notifications_link.LOOK_AGAIN_SECONDS", 0.1)

    with Inbox([broker.url], [INFO]) as inbox, followed(inbox) as wait_for:
        time.sleep(0.3)
        broker.publish(INFO, some(1, "first"), durable=True)
        wait_for(1)
        with Connection(broker.url) as connection, connection.channel() as channel:
            channel.queue_delete(INFO)
        time.sleep(0.3)
        broker.publish(INFO, some(1, "second"), durable=True)
        seen = wait_for(2)

    assert seen == ["first-0", "second-0"]


def test_a_broker_that_is_down_holds_up_no_follower(broker: VirtualHost, unused_url: str, caplog: pytest.LogCaptureFixture):
    with Inbox([unused_url, broker.url], [INFO]) as inbox, followed(inbox) as wait_for:
        time.sleep(2.5)
        broker.publish(INFO, some(1))
        wait_for(1)

    assert [record.levelname for record in caplog.records if "cannot connect" in record.message] == ["WARNING"]
    assert "hidden-word" not in caplog.text


def test_a_slow_commit_does_not_lose_the_connection(broker: VirtualHost):
    broker.publish(INFO, some(4))

    with Inbox([broker.url], [INFO], heartbeat=2) as inbox:
        batches = inbox.batches(2)
        first = next(batches)
        time.sleep(8)
        first.acknowledge()
        next(batches).acknowledge()

    assert broker.count(INFO) == 0


def test_a_wrong_password_is_told_without_it(broker: VirtualHost):
    url = f"rabbit://caso:wrong-word@127.0.0.1:{broker.server.port}/"

    with Inbox([url], [INFO]) as inbox, pytest.raises(SourceError, match=r"ACCESS_REFUSED.*check user, password") as told:
        list(inbox.batches())

    assert "wrong-word" not in str(told.value)


@contextlib.contextmanager
def allowed(broker: VirtualHost, *, read: str) -> Iterator[str]:
    """The URL for a user who may read these queues, and nothing else."""
    vhost, none = broker.url.rpartition("/")[2], '<<"^$">>'
    broker.server.tell(
        'rabbit_auth_backend_internal:add_user(<<"reader">>, <<"word">>, <<"test">>)',
        f'rabbit_auth_backend_internal:set_permissions(<<"reader">>, <<"{vhost}">>, {none}, {none}, <<"{read}">>, <<"test">>)',
    )
    try:
        yield f"rabbit://reader:word@127.0.0.1:{broker.server.port}/{vhost}"
    finally:
        broker.server.tell('rabbit_auth_backend_internal:delete_user(<<"reader">>, <<"test">>)')


def test_who_may_read_the_queues_and_nothing_else_reads_them(broker: VirtualHost):
    broker.publish(INFO, some(1))

    with allowed(broker, read="^caso[.].*$") as url, Inbox([url], [INFO, ERROR]) as inbox:
        assert inbox.backlog() == 1
        assert ids(drained(inbox)) == ["message-0"]


def test_who_may_not_read_the_queue_is_told_and_does_not_fill_the_log(broker: VirtualHost, caplog: pytest.LogCaptureFixture):
    broker.publish(INFO, some(1))

    with allowed(broker, read="^$") as url:
        with Inbox([url], [INFO]) as inbox, pytest.raises(SourceError, match=r"ACCESS_REFUSED.*may read the queues"):
            list(inbox.batches())
        with Inbox([url], [INFO]) as inbox, followed(inbox):
            time.sleep(2.5)

    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_the_next_node_is_tried_where_the_first_is_down(broker: VirtualHost, unused_url: str):
    broker.publish(INFO, some(1))
    dead = unused_url.removeprefix("rabbit://").rstrip("/")
    url = broker.url.replace("amqp://", f"rabbit://{dead},")

    with Inbox([url], [INFO]) as inbox:
        assert ids(drained(inbox)) == ["message-0"]


def test_messages_come_over_tls_from_who_has_a_certificate_and_to_who_has_one(broker: VirtualHost, tmp_path: Path):
    authority = Authority(tmp_path / "ours")
    certfile, keyfile = authority.sign("collector")
    broker.publish(INFO, [Notification("a.b", {"text": "x" * 20_000}, message_id=f"message-{number}") for number in range(50)])

    with behind_tls(authority.serving("127.0.0.1", clients=True), broker.server.port) as port:
        plain = rabbit_url(broker.url).replace(f":{broker.server.port}/", f":{port}/")
        files = f"ssl_ca_file={authority.cafile}&ssl_cert_file={certfile}&ssl_key_file={keyfile}"
        with Inbox([f"{plain}?ssl=1&{files}"], [INFO], prefetch=20) as inbox:
            batches = drained(inbox, size=7)

    assert ids(batches) == [f"message-{number}" for number in range(50)]
    assert broker.count(INFO) == 0


@pytest.mark.parametrize("name", ["127.0.0.1", "another.example"])
def test_a_broker_whose_certificate_proves_nothing_is_refused(broker: VirtualHost, tmp_path: Path, name: str):
    ours, another = Authority(tmp_path / "ours"), Authority(tmp_path / "another")
    context = (another if name == "127.0.0.1" else ours).serving(name)

    with (
        behind_tls(context, broker.server.port) as port,
        Inbox([f"rabbit+ssl://caso:word@127.0.0.1:{port}/?ssl_ca_file={ours.cafile}"], [INFO]) as inbox,
        pytest.raises(SourceError, match=r"CERTIFICATE_VERIFY_FAILED.*ssl_ca_file"),
    ):
        list(inbox.batches())


def test_a_broker_that_does_not_speak_tls_is_told(broker: VirtualHost):
    with (
        Inbox([f"amqps://caso:word@127.0.0.1:{broker.server.port}/"], [INFO]) as inbox,
        pytest.raises(SourceError, match=r"cannot connect to 127\.0\.0\.1.*check that the broker speaks TLS there"),
    ):
        list(inbox.batches())
