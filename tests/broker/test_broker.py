"""RabbitMQ for tests: as a site's, but quickly made and surely gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from amqp.exceptions import NotAllowed
from kombu import Connection
from kombu.exceptions import OperationalError

from tests.broker import Broker, Notification, consumers, count, drain, publish
from tests.broker.fixtures import VirtualHost

pytestmark = pytest.mark.debian("rabbitmq-server")

STARTING = """\
import time
from tests.broker import Broker
broker = Broker()
print(broker.port, *(process.pid for process in broker._processes), broker.folder, flush=True)
time.sleep(600)
"""


def test_notifications_wait_in_the_queue_as_the_services_write_them(broker: VirtualHost):
    told = Notification("compute.instance.delete.end", {"instance_id": "server-1"}, message_id="message-1")

    broker.publish("caso.info", [told, b"no JSON at all"])

    assert broker.count("caso.info") == 2
    first, second = drain(broker.url, "caso.info")
    outer = json.loads(first)
    assert outer["oslo.version"] == "2.0"
    inner = json.loads(outer["oslo.message"])
    assert (inner["message_id"], inner["event_type"]) == ("message-1", "compute.instance.delete.end")
    assert (inner["timestamp"], inner["payload"]) == ("2026-11-21 07:51:57.843994", {"instance_id": "server-1"})
    assert second == b"no JSON at all"
    assert broker.count("caso.info") == 0


def test_a_queue_that_nobody_declared_is_empty(broker: VirtualHost):
    assert broker.count("caso.info") == 0
    assert drain(broker.url, "caso.info") == []


def test_who_listens_is_counted(broker: VirtualHost):
    broker.publish("caso.info", [])
    assert consumers(broker.url, "caso.info") == 0

    with Connection(broker.url) as connection, connection.channel() as channel:
        channel.basic_consume("caso.info", callback=print)

        assert consumers(broker.url, "caso.info") == 1
    assert consumers(broker.url, "nobody.info") == 0


def test_virtual_hosts_do_not_see_each_other(running_broker: Broker):
    with running_broker.vhost() as one, running_broker.vhost() as other:
        publish(one, "caso.info", [Notification("a", {})])

        assert (count(one, "caso.info"), count(other, "caso.info")) == (1, 0)

    with pytest.raises(NotAllowed), Connection(one) as connection:
        connection.ensure_connection(max_retries=1)


def test_what_is_durable_outlives_an_outage_and_the_rest_does_not(broker: VirtualHost):
    broker.publish("lasting.info", [Notification("a", {})], durable=True, exchange="lasting")
    broker.publish("fleeting.info", [Notification("a", {})])

    broker.server.stop()
    with pytest.raises(OperationalError), Connection(broker.url) as connection:
        connection.ensure_connection(max_retries=1)
    broker.server.start()

    assert broker.count("lasting.info") == 1
    assert broker.count("fleeting.info") == 0


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", STARTING], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        _, *pids, folder = starter.stdout.readline().split()
        assert all(_runs(int(pid)) for pid in pids)

        starter.kill()

    until = time.monotonic() + 10
    while any(_runs(int(pid)) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if _runs(int(pid))]
    # What a killed process leaves lying about is a folder.
    subprocess.run(["rm", "-rf", folder], check=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
