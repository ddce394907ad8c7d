"""A real OpenStack on loopback, seeded with a known truth.

Keystone, Nova, Cinder, Glance and Neutron from released packages, as WSGI applications with SQLite
behind them; a proxy in front which counts requests and makes faults happen.

    with Cloud.start(folder, Seed(projects=2, live=50, deleted=50)) as cloud:
        cloud.reader.auth(system=True)      # arguments of keystoneauth's v3.Password
        cloud.truth.servers_at(cloud.now)   # what a perfect observer knows
        cloud.advance(T2)                   # an hour passes; also backwards, months if need be
        cloud.archive(T1)                   # Nova forgets what was deleted before
        cloud.faults.add(Fault("nova", path="/servers/detail", times=1, status=503))
        with cloud.calls() as calls: ...
        cloud.restart("nova", max_limit=50)
        cloud.lose_cell("cell2")
        cloud.reset()

``Seed.of_histories(500, months=3)`` is another kind of cloud: servers and volumes to which much was done in
the months before the reference time, with the instance actions that tell of it.

How it is made: ``seed`` plans the truth from a few numbers; ``rows`` turns the truth at one moment
into rows of the databases, a pure function; ``advance`` writes the rows which differ. So a state is
the same however it was reached. The virtual environment and the empty databases are cached under
``$CASO_TEST_CACHE`` (default ``~/.cache/caso-tests``).
"""

from tests.cloud.cloud import Cloud
from tests.cloud.credentials import Credentials
from tests.cloud.faults import Call, Calls, Fault
from tests.cloud.seed.plan import T1, T2, Seed
from tests.cloud.seed.truth import Truth

__all__ = ["T1", "T2", "Call", "Calls", "Cloud", "Credentials", "Fault", "Seed", "Truth"]
