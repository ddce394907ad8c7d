"""Addresses of servers, floating IPs and routers."""

import dataclasses
import ipaddress
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.truth import Address, FloatingIP, Project, Router, Server

PUBLIC_NETWORK, PROVIDER_NETWORK = "public", "provider"
# No ranges for documentation: code under test may ask whether an address is a public one.
PUBLIC_CIDR = "150.0.0.0/15"
PROVIDER_CIDRS = ("150.2.0.0/16", "2a0f:150:6::/64")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def private_network(project: Project) -> str:
    """Name of a project's own network."""
    return f"private-{project.name}"


def private_cidr(number: int) -> str:
    """Subnet of the own network of the project with that number."""
    return f"10.{number % 256}.0.0/16"  # another network may have the same


def with_addresses(servers: Sequence[Server], projects: Sequence[Project]) -> Iterator[Server]:
    """Servers with addresses: private IPv4, but every tenth public IPv4 and IPv6 of the provider.

    A server which no host took has none.
    """
    hosts = {project.id: ipaddress.ip_network(private_cidr(number)).hosts() for number, project in enumerate(projects)}
    provider = [ipaddress.ip_network(cidr).hosts() for cidr in PROVIDER_CIDRS]
    names = {project.id: private_network(project) for project in projects}
    for pool in (*hosts.values(), *provider):
        next(pool)  # the gateway
    for number, server in enumerate(servers):
        if server.launched_at is None:
            yield server
            continue
        outside = number % 10 == 9
        pools = provider if outside else [hosts[server.project_id]]
        network = PROVIDER_NETWORK if outside else names[server.project_id]
        port_id = stable_id("port", server.id)
        mac = "fa:16:3e:{:02x}:{:02x}:{:02x}".format(*number.to_bytes(3, "big"))
        addresses = tuple(Address(str(ip), ip.version, network, port_id, mac) for ip in map(next, pools))
        yield dataclasses.replace(server, addresses=addresses)


def make_floating_ips(servers: Sequence[Server], projects: Sequence[Project], reference: datetime) -> Iterator[FloatingIP]:
    """At every third living server of a private network; four without one in each project.

    Of those four, one is taken and one is released in the hour after the reference time.
    """
    pool = _public_hosts()
    for number, server in enumerate(servers):
        at_home = server.addresses and server.addresses[0].network != PROVIDER_NETWORK
        if number % 3 == 0 and at_home and server.exists(reference):
            launched = server.launched_at or server.created
            yield _floating_ip(next(pool), server.project_id, launched, server_id=server.id)
    for project in projects:
        long_ago, soon = reference - 30 * DAY, reference + 20 * MINUTE
        for created, deleted, oddity in (
            (long_ago, None, "without-port"),
            (long_ago, None, "without-port"),
            (long_ago, soon, "released"),
            (soon, None, "taken"),
        ):
            yield _floating_ip(next(pool), project.id, created, deleted, oddity=oddity)


def make_routers(projects: Sequence[Project]) -> Iterator[Router]:
    """One for each project, with a gateway in the public network."""
    for project, ip in zip(projects, _public_hosts(skip=60000), strict=False):
        router_id = stable_id("router", project.id)
        port_id = stable_id("gateway", project.id)
        yield Router(router_id, f"router-{project.name}", project.id, port_id, ip)


def _public_hosts(skip: int = 1) -> Iterator[str]:
    hosts = ipaddress.ip_network(PUBLIC_CIDR).hosts()
    return map(str, itertools.islice(hosts, skip, None))


def _floating_ip(
    ip: str,
    project_id: str,
    created: datetime,
    deleted_at: datetime | None = None,
    server_id: str | None = None,
    oddity: str | None = None,
) -> FloatingIP:
    return FloatingIP(stable_id("floatingip", ip), ip, project_id, created, deleted_at, server_id, oddity)
