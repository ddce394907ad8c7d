"""A real OpenStack in which things happen: Nova and Cinder with their workers, and the notifications that they send.

    with LiveCloud.start(folder, servers("postgresql")) as cloud:
        steps = Driver(cloud).run(random_lives(50, seed=1))      # what was done when, by the driver's own clock
        cloud.broker_url                                         # queues caso.info, caso.error, caso_versioned.info, ...

Nova's hypervisor and Cinder's storage are the packages' own fakes: nothing is computed or stored, but all else is done.
"""

from tests.live.cloud import LiveCloud
from tests.live.driver import Driver
from tests.live.lives import Life, every_kind, random_lives
from tests.live.log import Step, by_id

__all__ = ["Driver", "Life", "LiveCloud", "Step", "by_id", "every_kind", "random_lives"]
