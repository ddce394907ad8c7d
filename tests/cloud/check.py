"""What was seeded against what the APIs list."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from tests.cloud.client import Client
from tests.cloud.cloud import Cloud
from tests.cloud.seed.catalog import DEFAULT_DOMAIN, TAG
from tests.cloud.seed.truth import Project, Server, Truth

Json = dict[str, Any]
VERSIONS = ("2.1", "2.47", "latest")


class Line(NamedTuple):
    """One comparison of two sets."""

    what: str
    seeded: set[Any]
    listed: set[Any]

    def __str__(self) -> str:
        verdict = "ok" if self.seeded == self.listed else "DIFFERS"
        return f"{self.what:58} {len(self.seeded):7} {len(self.listed):7}  {verdict}"


def compare(cloud: Cloud) -> Iterator[Line]:
    """All comparisons at the cloud's present time."""
    truth, now = cloud.truth, cloud.now
    month = now.replace(day=1, hour=0, minute=0, second=0)
    yield from _identity(cloud)
    yield from _whole_cloud(cloud, month)
    for project in truth.accounted:
        client = Client(cloud.reader, project.id)
        yield Line(
            f"{project.name}: servers",
            {server_facts(server, truth, now) for server in truth.servers_at(now, project.id)},
            {listed_facts(row) for row in client.servers()},
        )
        yield Line(
            f"{project.name}: changes-since {month:%F}",
            {server_facts(s, truth, now) for s in truth.changed_since(month, now, project.id)},
            {listed_facts(row) for row in client.servers(changes_since=month.isoformat())},
        )
        yield Line(
            f"{project.name}: usage since {month:%F}",
            {server.id for server in _used(truth, project.id, month, now)},
            {row["instance_id"] for row in client.usages(_plain(month), _plain(now))},
        )
        yield _volumes(cloud, client, project)
        yield _floating_ips(cloud, client, project)


def server_facts(server: Server, truth: Truth, at: datetime) -> tuple[Any, ...]:
    """What the truth says of a server, as far as a list of Nova shows it."""
    step = server.state(at)
    assert step is not None
    flavor = truth.flavor(step.flavor)
    deleted = step.vm_state == "deleted"
    floating = [ip.ip for ip in truth.floating_ips if ip.server_id == server.id and ip.exists(at)]
    addresses = [address.ip for address in server.addresses]
    return (
        server.id,
        server.name,
        server.user_id,
        server.image_id,
        _plain(server.created) + "Z",
        _plain(step.at) + "Z",
        step.vm_state,
        step.task_state,
        step.launched_at and _plain(step.launched_at) + ".000000",
        _plain(server.terminated_at) + ".000000" if server.terminated_at and deleted else None,
        (flavor.name, flavor.vcpus, flavor.memory_mib, flavor.root_gib, flavor.ephemeral_gib),
        tuple(sorted(flavor.extra_specs.items())),
        frozenset([] if deleted else addresses + floating),
    )


def listed_facts(row: Json) -> tuple[Any, ...]:
    """The same of a row listed with microversion 2.47 or later."""
    flavor = row["flavor"]
    return (
        row["id"],
        row["name"],
        row["user_id"],
        row["image"]["id"] if row["image"] else None,
        row["created"],
        row["updated"],
        row["OS-EXT-STS:vm_state"],
        row["OS-EXT-STS:task_state"],
        row["OS-SRV-USG:launched_at"],
        row["OS-SRV-USG:terminated_at"],
        (flavor["original_name"], *(flavor[key] for key in ("vcpus", "ram", "disk", "ephemeral"))),
        tuple(sorted(flavor["extra_specs"].items())),
        frozenset(item["addr"] for items in row["addresses"].values() for item in items),
    )


def _identity(cloud: Cloud) -> Iterator[Line]:
    truth = cloud.truth
    for credentials in (cloud.reader, cloud.admin):
        client = Client(credentials)
        tagged = client.get("identity", "/projects", tags=TAG)["projects"]
        yield Line(
            f"{credentials.username}: projects with the tag",
            {(project.id, project.name, project.vo) for project in truth.accounted},
            {(row["id"], row["name"], next((row[k] for k in row if k.endswith("VO")), None)) for row in tagged},
        )
        for domain in sorted({user.domain_id for user in truth.users}):
            users = client.get("identity", "/users", domain_id=domain)["users"]
            known = {u.id for u in truth.users if u.exists}
            extra = 6 if domain == DEFAULT_DOMAIN else 0  # services, reader, admin
            yield Line(
                f"{credentials.username}: users of domain {domain[:8]} ({extra} others left out)",
                {u.name for u in truth.users if u.exists and u.domain_id == domain},
                {row["name"] for row in users if row["id"] in known},
            )


def _whole_cloud(cloud: Cloud, month: datetime) -> Iterator[Line]:
    truth, now = cloud.truth, cloud.now
    admin = Client(cloud.admin, truth.projects[0].id)
    for version in VERSIONS:
        yield Line(
            f"admin: all servers, microversion {version}",
            {server.id for server in truth.servers_at(now)},
            {row["id"] for row in admin.servers(version, all_tenants=1, deleted=False)},
        )
    rows = admin.servers("latest", all_tenants=1, changes_since=month.isoformat())
    yield Line(
        f"admin: all servers changed since {month:%F}",
        {server_facts(server, truth, now) for server in truth.changed_since(month, now)},
        {listed_facts(row) for row in rows},
    )
    yield Line(
        "admin: all volumes",
        {volume.id for volume in truth.volumes if volume.exists(now)},
        {row["id"] for row in admin.volumes(all_tenants=1)},
    )
    yield Line(
        "admin: all floating IPs",
        {ip.ip for ip in truth.floating_ips if ip.exists(now)},
        {row["floating_ip_address"] for row in admin.floating_ips()},
    )


def _volumes(cloud: Cloud, client: Client, project: Project) -> Line:
    now = cloud.now
    return Line(
        f"{project.name}: volumes",
        {
            (
                volume.id,
                volume.name,
                volume.state(now).size_gib,
                volume.state(now).type,
                volume.status_at(now),
                _plain(volume.created) + ".000000",
                frozenset(a.server_id for a in volume.attachments if a.exists(now)),
            )
            for volume in cloud.truth.volumes
            if volume.state(now).project_id == project.id and volume.exists(now)
        },
        {
            (
                row["id"],
                row["name"],
                row["size"],
                row["volume_type"],
                row["status"],
                row["created_at"],
                frozenset(item["server_id"] for item in row["attachments"]),
            )
            for row in client.volumes()
        },
    )


def _floating_ips(cloud: Cloud, client: Client, project: Project) -> Line:
    alive = {server.id: server for server in cloud.truth.servers_at(cloud.now)}
    return Line(
        f"{project.name}: floating IPs",
        {
            (ip.id, ip.ip, alive[ip.server_id].addresses[0].ip if ip.server_id in alive else None)
            for ip in cloud.truth.floating_ips
            if ip.project_id == project.id and ip.exists(cloud.now)
        },
        {(row["id"], row["floating_ip_address"], row["fixed_ip_address"]) for row in client.floating_ips(project_id=project.id)},
    )


def _used(truth: Truth, project_id: str, start: datetime, end: datetime) -> Iterator[Server]:
    """Those Nova counts: launched by the end and, as far as it knows, not ended by the start."""
    for server in truth.servers:
        step = server.state(end)
        if step is None or server.project_id != project_id or step.launched_at is None:
            continue
        terminated = server.terminated_at if step.vm_state == "deleted" else None
        if terminated is None or terminated > start:
            yield server


def _plain(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
