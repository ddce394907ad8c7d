"""A real RabbitMQ for tests, from Debian's package: on loopback, in a temporary folder, gone with the tests.

broker = Broker()
with broker.vhost() as url:                       # empty, this test's own
    publish(url, "caso.info", [message])          # a Notification, or a message as a mapping, or raw bytes
    count(url, "caso.info")
    broker.stop(), broker.start()                 # an outage, orderly; kill() is a crash
broker.close()
"""

from tests.broker.envelope import Notification, envelope
from tests.broker.queues import consumers, count, drain, publish
from tests.broker.rabbitmq import Broker, rabbit_url

__all__ = ["Broker", "Notification", "consumers", "count", "drain", "envelope", "publish", "rabbit_url"]
