"""Neutron: networks, routers, ports of servers, floating IPs; what is released has no row."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.cloud.rows.table import Rows
from tests.cloud.seed.catalog import stable_hex, stable_id
from tests.cloud.seed.network import (
    PROVIDER_CIDRS,
    PROVIDER_NETWORK,
    PUBLIC_CIDR,
    PUBLIC_NETWORK,
    private_cidr,
    private_network,
)
from tests.cloud.seed.truth import FloatingIP, Router, Server, Truth

OWNER = stable_hex("project", "service")  # of the public and the provider network


def add_neutron(rows: Rows, truth: Truth, at: datetime) -> None:
    """What Neutron has at a time."""
    writer = _Writer(rows, truth)
    writer.networks()
    for router in truth.routers:
        writer.router(router)
    servers = {server.id: server for server in truth.servers}
    attached = {server.id: server for server in truth.servers if _has_ports(server, at)}
    for server in attached.values():
        writer.ports(server)
    for floating_ip in truth.floating_ips:
        if floating_ip.exists(at):
            writer.floating_ip(floating_ip, attached.get(floating_ip.server_id or ""), _freed(servers, floating_ip, at))


def _has_ports(server: Server, at: datetime) -> bool:
    step = server.state(at)
    return bool(server.addresses) and step is not None and step.vm_state != "deleted"


def _freed(servers: Mapping[str, Server], floating_ip: FloatingIP, at: datetime) -> datetime | None:
    """When it was taken from its server, which was deleted; None while it is there, or was at none."""
    server = servers.get(floating_ip.server_id or "")
    step = server.state(at) if server else None
    return step.at if step and step.vm_state == "deleted" else None


def network_id(name: str) -> str:
    return stable_id("network", name)


def subnet_id(name: str, version: int) -> str:
    return stable_id("subnet", name, version)


class _Writer:
    """Adds rows; keeps the numbers of ``standardattributes``, which follow from the ids."""

    def __init__(self, rows: Rows, truth: Truth) -> None:
        self.rows = rows
        self.truth = truth
        self.long_ago = truth.reference - timedelta(days=700)

    def add(self, table: str, /, key: str = "id", **values: object) -> None:
        self.rows.add("neutron", table, key=key, **values)

    def attributes(self, kind: str, id_: str, created: datetime, updated: datetime | None = None) -> int:
        """Number of a new row which has the times of a thing."""
        number = int(id_.replace("-", "")[:13], 16)
        self.add(
            "standardattributes",
            id=number,
            resource_type=kind,
            description="",
            revision_number=1,
            created_at=created,
            updated_at=updated or created,
        )
        return number

    def networks(self) -> None:
        """One which gives floating IPs, one of the provider with IPv6, one for each project."""
        self._network(PUBLIC_NETWORK, OWNER, [PUBLIC_CIDR])
        self._shared(PUBLIC_NETWORK, "access_as_external")
        self.add("externalnetworks", key="network_id", network_id=network_id(PUBLIC_NETWORK),
                 is_default=True)  # fmt: skip
        self._network(PROVIDER_NETWORK, OWNER, PROVIDER_CIDRS)
        self._shared(PROVIDER_NETWORK, "access_as_shared")
        for number, project in enumerate(self.truth.projects):
            self._network(private_network(project), project.id, [private_cidr(number)])

    def _network(self, name: str, owner: str, cidrs: list[str] | tuple[str, ...]) -> None:
        id_ = network_id(name)
        self.add(
            "networks",
            id=id_,
            name=name,
            project_id=owner,
            status="ACTIVE",
            admin_state_up=True,
            mtu=1500,
            availability_zone_hints="[]",
            standard_attr_id=self.attributes("networks", id_, self.long_ago),
        )
        segment = stable_id("segment", name)
        self.add(
            "networksegments",
            id=segment,
            network_id=id_,
            network_type="local",
            is_dynamic=False,
            segment_index=0,
            standard_attr_id=self.attributes("networksegments", segment, self.long_ago),
        )
        for cidr in cidrs:
            self._subnet(name, owner, cidr)

    def _subnet(self, name: str, owner: str, cidr: str) -> None:
        version = 6 if ":" in cidr else 4
        id_ = subnet_id(name, version)
        self.add(
            "subnets",
            id=id_,
            name=f"{name}-v{version}",
            network_id=network_id(name),
            project_id=owner,
            ip_version=version,
            cidr=cidr,
            gateway_ip=None,
            enable_dhcp=False,
            standard_attr_id=self.attributes("subnets", id_, self.long_ago),
        )

    def _shared(self, name: str, action: str) -> None:
        self.add("networkrbacs", id=stable_id("rbac", name), object_id=network_id(name),
                 target_project="*", action=action, project_id=OWNER)  # fmt: skip

    def router(self, router: Router) -> None:
        """A router with its gateway port; that port has no project, as Neutron makes it."""
        self._port(router.port_id, "", "network:router_gateway", router.id, PUBLIC_NETWORK,
                   "fa:16:3f:" + ":".join(router.port_id[i : i + 2] for i in (0, 2, 4)),
                   [router.ip], self.long_ago)  # fmt: skip
        self.add(
            "routers",
            id=router.id,
            name=router.name,
            project_id=router.project_id,
            status="ACTIVE",
            admin_state_up=True,
            gw_port_id=router.port_id,
            enable_snat=True,
            standard_attr_id=self.attributes("routers", router.id, self.long_ago),
        )
        self.add("routerports", key="router_id,port_id", router_id=router.id,
                 port_id=router.port_id, port_type="network:router_gateway")  # fmt: skip

    def ports(self, server: Server) -> None:
        """The one port of a server."""
        first = server.addresses[0]
        self._port(first.port_id, server.project_id, "compute:nova", server.id, first.network,
                   first.mac, [address.ip for address in server.addresses],
                   server.created)  # fmt: skip

    def _port(
        self,
        id_: str,
        project_id: str,
        owner: str,
        device: str,
        network: str,
        mac: str,
        ips: list[str],
        created: datetime,
    ) -> None:
        self.add(
            "ports",
            id=id_,
            name="",
            network_id=network_id(network),
            mac_address=mac,
            admin_state_up=True,
            status="ACTIVE",
            device_id=device,
            device_owner=owner,
            project_id=project_id,
            standard_attr_id=self.attributes("ports", id_, created),
        )
        self.add("ml2_port_bindings", key="port_id,host", port_id=id_, host="compute",
                 vnic_type="normal", profile="", vif_type="ovs", vif_details="",
                 status="ACTIVE")  # fmt: skip
        for ip in ips:
            self.add("ipallocations", key="ip_address,subnet_id,network_id", port_id=id_,
                     ip_address=ip, subnet_id=subnet_id(network, 6 if ":" in ip else 4),
                     network_id=network_id(network))  # fmt: skip

    def floating_ip(self, floating_ip: FloatingIP, server: Server | None, freed: datetime | None) -> None:
        """A floating IP and the port which holds its address, at that server, or at none since it was ``freed``."""
        id_, created = floating_ip.id, floating_ip.created
        port_id = stable_id("floating-port", id_)
        mac = "fa:16:40:" + ":".join(port_id[i : i + 2] for i in (0, 2, 4))
        self._port(port_id, "", "network:floatingip", id_, PUBLIC_NETWORK, mac,
                   [floating_ip.ip], created)  # fmt: skip
        router = next(r for r in self.truth.routers if r.project_id == floating_ip.project_id)
        self.add(
            "floatingips",
            id=id_,
            floating_ip_address=floating_ip.ip,
            floating_network_id=network_id(PUBLIC_NETWORK),
            floating_port_id=port_id,
            project_id=floating_ip.project_id,
            status="ACTIVE" if server else "DOWN",
            fixed_port_id=server and server.addresses[0].port_id,
            fixed_ip_address=server and server.addresses[0].ip,
            router_id=router.id if server else None,
            standard_attr_id=self.attributes("floatingips", id_, created, freed),
        )
