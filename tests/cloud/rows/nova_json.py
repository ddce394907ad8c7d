"""What Nova keeps as JSON within a row: a server's flavor and its network."""

import json
from collections.abc import Sequence

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.truth import Address, Flavor


def flavor_json(flavor: Flavor) -> dict[str, object]:
    """A Flavor object as Nova serialises it into ``instance_extra.flavor``."""
    return {
        "nova_object.name": "Flavor",
        "nova_object.namespace": "nova",
        "nova_object.version": "1.2",
        "nova_object.data": {
            "id": flavor.number,
            "name": flavor.name,
            "flavorid": flavor.id,
            "vcpus": flavor.vcpus,
            "memory_mb": flavor.memory_mib,
            "root_gb": flavor.root_gib,
            "ephemeral_gb": flavor.ephemeral_gib,
            "swap": 0,
            "rxtx_factor": 1.0,
            "vcpu_weight": 0,
            "disabled": False,
            "is_public": flavor.public,
            "extra_specs": flavor.extra_specs,
            "description": None,
        },
    }


def network_json(project_id: str, addresses: Sequence[Address], floating: Sequence[str]) -> str:
    """``instance_info_caches.network_info``; floating IPs are at the first address."""
    if not addresses:
        return "[]"
    first = addresses[0]
    interface = {
        "id": first.port_id,
        "address": first.mac,
        "network": {
            "id": stable_id("network", first.network),
            "bridge": "br-int",
            "label": first.network,
            "subnets": [_subnet(address, floating if address is first else ()) for address in addresses],
            "meta": {"injected": False, "tenant_id": project_id, "mtu": 1500},
        },
        "type": "ovs",
        "details": {},
        "ovs_interfaceid": first.port_id,
        "qbh_params": None,
        "qbg_params": None,
        "devname": f"tap{first.port_id[:11]}",
        "active": True,
        "vnic_type": "normal",
        "profile": {},
        "preserve_on_delete": False,
        "meta": {},
    }
    return json.dumps([interface])


def _subnet(address: Address, floating: Sequence[str]) -> dict[str, object]:
    outside = [{"address": ip, "type": "floating", "version": 4, "meta": {}} for ip in floating]
    fixed = {"address": address.ip, "type": "fixed", "version": address.version, "meta": {},
             "floating_ips": outside}  # fmt: skip
    return {
        "cidr": "10.0.0.0/8" if address.version == 4 else "2001:db8::/32",
        "dns": [],
        "gateway": {"address": None, "type": "gateway", "version": address.version, "meta": {}},
        "ips": [fixed],
        "routes": [],
        "version": address.version,
        "meta": {},
    }
