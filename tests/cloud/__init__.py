"""A real OpenStack on loopback, seeded with a known truth.

Keystone, Nova, Cinder, Glance and Neutron from released packages, as WSGI applications with SQLite
behind them; a proxy in front which counts requests and makes faults happen.
"""

from tests.cloud.cloud import Cloud
from tests.cloud.credentials import Credentials
from tests.cloud.faults import Call, Calls, Fault
from tests.cloud.seed.plan import T1, T2, Seed
from tests.cloud.seed.truth import Truth

__all__ = ["T1", "T2", "Call", "Calls", "Cloud", "Credentials", "Fault", "Seed", "Truth"]
