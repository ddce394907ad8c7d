"""Queues of notifications, as publishers declare them and consumers find them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kombu import Connection, Exchange, Queue

from tests.broker.envelope import Notification, envelope

EXCHANGE = "nova"


Body = Notification | Mapping[str, Any] | bytes
"""What is sent in an envelope; bytes are sent as they are."""


def publish(url: str, queue: str, bodies: Iterable[Body], *, exchange: str = EXCHANGE, durable: bool = False) -> None:
    """Return when RabbitMQ has all of them, in this order.

    As the services do: the publisher declares the queue, ``TOPIC.PRIORITY``, and binds it to its topic exchange.
    """
    with Connection(url, transport_options={"confirm_publish": True}) as connection, connection.channel() as channel:
        bound = _queue(queue, exchange, durable=durable)(channel)
        bound.declare()
        producer = connection.Producer(channel)
        for body in bodies:
            producer.publish(
                body if isinstance(body, bytes) else json.dumps(envelope(body)),
                exchange=bound.exchange,
                routing_key=queue,
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
            )


def count(url: str, queue: str) -> int:
    """How many messages wait there, those not counted which a consumer holds; 0 where there is no such queue."""
    with Connection(url) as connection, connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0


def consumers(url: str, queue: str) -> int:
    """How many listen there."""
    with Connection(url) as connection, connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).consumer_count)
        except connection.channel_errors:
            return 0


def drain(url: str, queue: str) -> list[bytes]:
    """All bodies that wait there, acknowledged; none where there is no such queue."""
    bodies: list[bytes] = []
    with Connection(url) as connection, connection.channel() as channel:
        try:
            while message := channel.basic_get(queue, no_ack=True):
                bodies.append(bytes(message.body) if not isinstance(message.body, str) else message.body.encode())
        except connection.channel_errors:
            return []
    return bodies


def _queue(name: str, exchange: str, *, durable: bool) -> Queue:
    topic = Exchange(exchange, type="topic", durable=durable)
    return Queue(name, topic, routing_key=name, durable=durable)
