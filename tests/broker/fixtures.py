"""pytest fixtures of the message bus; a conftest imports them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import pytest

from tests.broker.queues import EXCHANGE, Body, count, publish
from tests.broker.rabbitmq import Broker


@pytest.fixture(scope="session")
def running_broker() -> Iterator[Broker]:
    """One RabbitMQ for all tests; a test that asks for it is marked ``debian("rabbitmq-server")``."""
    broker = Broker()
    yield broker
    broker.close()


@dataclasses.dataclass(frozen=True)
class VirtualHost:
    """What a test has of the broker: ``server`` may be stopped and started, which all of its virtual hosts notice."""

    server: Broker
    url: str

    def publish(self, queue: str, bodies: Iterable[Body], *, exchange: str = EXCHANGE, durable: bool = False) -> None:
        publish(self.url, queue, bodies, exchange=exchange, durable=durable)

    def count(self, queue: str) -> int:
        return count(self.url, queue)


@pytest.fixture
def broker(running_broker: Broker) -> Iterator[VirtualHost]:
    """An empty virtual host of RabbitMQ, this test's own; RabbitMQ runs again afterwards, whatever the test did to it."""
    with running_broker.vhost() as url:
        yield VirtualHost(running_broker, url)
        if not running_broker.is_running:
            running_broker.start()
