"""Real Gnocchi and real Prometheus for tests, filled with a known truth.

    with servers("postgresql").database() as url, Gnocchi.start(folder, url) as gnocchi:
        ceilometer.prepare(gnocchi)                      # resource types and archive policies
        ceilometer.publish(gnocchi, seed.small_cloud())  # resources with their history, and measures, as Ceilometer does
        gnocchi.url                                      # user admin, no password; through a proxy
        with gnocchi.calls() as calls: ...
        gnocchi.faults.add(Fault(path="/aggregates", times=1, status=503))

    with Prometheus.start(folder, power.history(power.powered_servers())) as prometheus:
        prometheus.url

The truth: ``truth`` and ``seed`` say what servers had and used and when Ceilometer asked them, ``power`` what they
drew. The fixtures ``gnocchi`` and ``prometheus`` run once for all tests, with ``metered`` and ``powered`` in them.
"""

from tests.meters.gnocchi import Gnocchi
from tests.meters.power import PoweredServer
from tests.meters.prometheus import Prometheus
from tests.meters.truth import Metered, MeteredServer, MeteredVolume

__all__ = ["Gnocchi", "Metered", "MeteredServer", "MeteredVolume", "PoweredServer", "Prometheus"]
