"""What messages cost: ``caso-collect``, a process of its own, drains a real RabbitMQ into a store.

Each message tells something of a server or a volume; they come in no order, so that nearly each of a batch is of another one.
"""

import json
import random
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from kombu import Connection, Exchange, Queue
from sqlalchemy import func, select

from caso.lifecycle.notice import Fate
from caso.store import open_store
from caso.store.schema import entities
from tests.bench.measuring import timed
from tests.broker import Broker, Notification, count, envelope
from tests.databases import SERVERS, Server
from tests.notifying import CREATED, STANDARD, histories, type_event, volume_event

VOLUMES = 0.1
"""The share of messages that are Cinder's."""
SERVER_MESSAGES, VOLUME_MESSAGES = 8, 5
"""At least so many, on the average, tell of one server or volume."""
QUEUE = "caso.info"
PATIENCE_MILLISECONDS = 300_000
COLLECT = (sys.executable, "-c", "import sys; from caso.cli.collect import main; sys.exit(main())")
"""That of this folder, wherever caso is installed from."""

CONF = """\
[DEFAULT]
site_name = BENCH-SITE
spooldir = {folder}
mapping_file =

[store]
connection = {connection}

[notifications]
transport_url = {url}
region_name = RegionOne
"""


def measure_notifications(sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A line for each drain, as it is done."""
    server = SERVERS["postgresql"]()
    try:
        for size in sizes:
            yield from _drains(size, server)
    finally:
        server.stop()


def messages(size: int, seed: int = 1) -> list[Notification]:
    """So many messages of servers and volumes in no order, some of them twice; before them what the volumes' type is called."""
    rng = random.Random(seed)
    of_volumes = int(size * VOLUMES)
    of_servers = size - of_volumes - 1
    told = histories(of_servers // SERVER_MESSAGES + 1, seed)[:of_servers]
    volumes = range(of_volumes // VOLUME_MESSAGES + 1)
    told += [message for number in volumes for message in _of_volume(f"volume-{number:05}", rng)][:of_volumes]
    rng.shuffle(told)
    return [type_event("create", STANDARD, "fast"), *told]


def _of_volume(uuid: str, rng: random.Random) -> Iterator[Notification]:
    at, size, server = CREATED, 10, [{"instance_uuid": "server-00001"}]
    yield volume_event("create.end", uuid, at, size=size)
    for deed in ("attach.end", "resize.end", "detach.end", "delete.end"):
        at += timedelta(seconds=rng.randrange(1, 90_000))
        size += 10 if deed == "resize.end" else 0
        attached = server if deed in {"attach.end", "resize.end"} else []
        yield volume_event(deed, uuid, at, size=size, volume_attachment=attached)


def _drains(size: int, server: Server) -> Iterator[dict[str, Any]]:
    told = messages(size)
    bodies = [json.dumps(envelope(message)).encode() for message in told]
    different = len({message.message_id for message in told})
    del told
    for database in ("sqlite", "postgresql"):
        with _folder() as folder, _bus() as url, _connection(database, folder, server) as connection:
            _publish(url, bodies)
            cost = _drain(folder, url, connection)
            left, kept = count(url, QUEUE), _kept(connection)
            if left or kept != different:
                raise RuntimeError(f"{different} messages; {left} are left, {kept} are kept: this measures something else")
            yield {
                "messages": size,
                "database": database,
                "entities": _entities(connection),
                "seconds": round(cost["seconds"], 1),
                "cpu_seconds": round(cost["cpu_seconds"], 1),
                "per_second": round(size / cost["seconds"]),
                "per_cpu_second": round(size / cost["cpu_seconds"]),
                "peak_mib": round(cost["peak_mib"], 1),
            }


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="caso-bench-") as name:
        yield Path(name)


@contextmanager
def _bus() -> Iterator[str]:
    """A broker of its own for each: one that was just emptied of so many messages holds their memory for a while."""
    broker = Broker()
    try:
        with broker.vhost() as url:
            yield url
    finally:
        broker.close()


@contextmanager
def _connection(database: str, folder: Path, server: Server) -> Iterator[str]:
    """The URL of a store that is not made yet."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/caso.sqlite"
        return
    with server.database() as url:
        yield url


def _publish(url: str, bodies: Sequence[bytes]) -> None:
    """Return when RabbitMQ has them in the queue; without waiting for each."""
    # RabbitMQ lets a publisher wait while it writes messages to its disk; py-amqp gives up after a second.
    patient = {"socket_settings": {socket.TCP_USER_TIMEOUT: PATIENCE_MILLISECONDS}}
    with Connection(url, transport_options=patient) as connection, connection.channel() as channel:
        exchange = Exchange("nova", type="topic", durable=False)
        Queue(QUEUE, exchange, routing_key=QUEUE, durable=False)(channel).declare()
        producer = connection.Producer(channel)
        for body in bodies:
            producer.publish(body, exchange="nova", routing_key=QUEUE, content_type="application/json", content_encoding="utf-8")
    while count(url, QUEUE) < len(bodies):
        time.sleep(0.2)


def _drain(folder: Path, url: str, connection: str) -> dict[str, Any]:
    conf = folder / "caso.conf"
    conf.write_text(CONF.format(folder=folder, connection=connection.replace("$", "$$"), url=url.replace("$", "$$")))
    cost, said = timed([*COLLECT, "--config-file", conf])
    if cost["status"]:
        raise RuntimeError(f"caso-collect: exit status {cost['status']}\n{said[-3000:]}")
    return cost


def _kept(connection: str) -> int:
    """How many messages were folded."""
    with open_store(connection) as store:
        return store.events.counts()[Fate.FOLDED]


def _entities(connection: str) -> int:
    with open_store(connection) as store, store.database.read() as reading:
        return int(reading.scalar(select(func.count()).select_from(entities)) or 0)
