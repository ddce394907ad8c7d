"""The truth about a test cloud: who and what is in it, and when each thing was in which state.

Times are aware UTC, whole seconds. Everything a Truth says reaches from before the reference time
to the end of the seeded hour after it (histories end with the reference time); ``state``/``exists`` narrow it to one moment.
"""

import dataclasses
import json
from datetime import datetime


@dataclasses.dataclass(frozen=True)
class Project:
    """A project; ``vo_property`` is the name of the attribute which carries its VO."""

    id: str
    name: str
    tagged: bool
    vo_property: str | None
    vo: str | None


@dataclasses.dataclass(frozen=True)
class User:
    """``exists`` is False for one whom servers name and Keystone has no more."""

    id: str
    name: str
    domain_id: str
    exists: bool = True


@dataclasses.dataclass(frozen=True)
class Flavor:
    """Memory in MiB, disks in GiB; ``exists`` is False when it was deleted after servers booted."""

    number: int
    id: str
    name: str
    vcpus: int
    memory_mib: int
    root_gib: int
    ephemeral_gib: int = 0
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)
    public: bool = True
    exists: bool = True


@dataclasses.dataclass(frozen=True)
class Image:
    """An image; those of Glance's own fields which accounting needs."""

    id: str
    name: str
    properties: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Step:
    """From ``at`` on the server is so; ``launched_at`` is what Nova shows, it moves on resize."""

    at: datetime
    vm_state: str
    task_state: str | None
    flavor: str
    launched_at: datetime | None = None


@dataclasses.dataclass(frozen=True)
class Action:
    """An entry of os-instance-actions; ``finish`` is None while it runs for ever."""

    name: str
    start: datetime
    finish: datetime | None
    failed: bool = False


@dataclasses.dataclass(frozen=True)
class Address:
    """A fixed address of a server, with the port and network it belongs to."""

    ip: str
    version: int
    network: str
    port_id: str
    mac: str


@dataclasses.dataclass(frozen=True)
class Server:
    """A server's whole life.

    ``deleted_at`` is when it left the list (None: it stays); ``terminated_at`` what Nova wrote,
    which an oddity may lack. ``cell`` is cell0, cell1 or cell2.
    """

    id: str
    name: str
    project_id: str
    user_id: str
    image_id: str | None
    created: datetime
    steps: tuple[Step, ...]
    actions: tuple[Action, ...]
    cell: str
    terminated_at: datetime | None = None
    deleted_at: datetime | None = None
    addresses: tuple[Address, ...] = ()
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    oddity: str | None = None

    @property
    def launched_at(self) -> datetime | None:
        """The last one Nova will have shown."""
        return self.steps[-1].launched_at

    def state(self, at: datetime) -> Step | None:
        """The step it was in, which is ``deleted`` after its end; None before it was created."""
        return next((step for step in reversed(self.steps) if step.at <= at), None)

    def exists(self, at: datetime) -> bool:
        """Whether a plain list shows it (soft-deleted ones are not shown either)."""
        step = self.state(at)
        return step is not None and step.vm_state not in ("deleted", "soft-delete")


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A volume at a server, from ``start`` until ``end`` (None: for ever)."""

    id: str
    server_id: str
    start: datetime
    end: datetime | None = None

    def exists(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclasses.dataclass(frozen=True)
class VolumeStep:
    """From ``at`` on the volume is so."""

    at: datetime
    size_gib: int
    type: str
    project_id: str
    status: str = "available"


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume; ``status`` is the one it has while nothing is attached to it.

    It stays what it is made as, but for one with ``steps``: these are what it becomes, oldest first.
    """

    id: str
    name: str | None
    project_id: str
    user_id: str
    size_gib: int
    type: str
    created: datetime
    deleted_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    status: str = "available"
    oddity: str | None = None
    steps: tuple[VolumeStep, ...] = ()

    def exists(self, at: datetime) -> bool:
        return self.created <= at and (self.deleted_at is None or at < self.deleted_at)

    def state(self, at: datetime) -> VolumeStep:
        """The last step before it was deleted, and of any time before it was made, the first."""
        made = VolumeStep(self.created, self.size_gib, self.type, self.project_id, self.status)
        return next((step for step in reversed(self.steps) if step.at <= at), made)

    def status_at(self, at: datetime) -> str:
        """What Cinder lists: ``in-use`` while attached."""
        return "in-use" if any(item.exists(at) for item in self.attachments) else self.state(at).status


@dataclasses.dataclass(frozen=True)
class FloatingIP:
    """A floating IPv4 address; Neutron forgets it when it is released (``deleted_at``).

    It is at ``server_id``'s first fixed address as long as that server exists.
    """

    id: str
    ip: str
    project_id: str
    created: datetime
    deleted_at: datetime | None = None
    server_id: str | None = None
    oddity: str | None = None

    def exists(self, at: datetime) -> bool:
        return self.created <= at and (self.deleted_at is None or at < self.deleted_at)


@dataclasses.dataclass(frozen=True)
class Router:
    """A project's router and the public address of its gateway port."""

    id: str
    name: str
    project_id: str
    port_id: str
    ip: str


@dataclasses.dataclass(frozen=True)
class Truth:
    """All there is; see the classes of its parts."""

    reference: datetime
    projects: tuple[Project, ...]
    users: tuple[User, ...]
    flavors: tuple[Flavor, ...]
    images: tuple[Image, ...]
    servers: tuple[Server, ...]
    volumes: tuple[Volume, ...]
    floating_ips: tuple[FloatingIP, ...]
    routers: tuple[Router, ...]

    @property
    def accounted(self) -> list[Project]:
        """The projects with the tag; the reader has its role on these."""
        return [project for project in self.projects if project.tagged]

    def project(self, name: str) -> Project:
        return next(project for project in self.projects if project.name == name)

    def flavor(self, name: str) -> Flavor:
        return next(flavor for flavor in self.flavors if flavor.name == name)

    def servers_at(self, at: datetime, project_id: str | None = None) -> list[Server]:
        """Those which Nova lists then, of one project or of all."""
        return [server for server in self.servers if project_id in (None, server.project_id) and server.exists(at)]

    def changed_since(self, since: datetime, at: datetime, project_id: str | None = None) -> list[Server]:
        """Those which ``changes-since`` lists at a time, with the deleted ones."""
        return [
            server
            for server in self.servers
            if project_id in (None, server.project_id) and (step := server.state(at)) is not None and step.at >= since
        ]

    def volumes_of(self, server_id: str, at: datetime) -> list[Volume]:
        """Those attached to a server."""
        return [
            volume
            for volume in self.volumes
            if any(item.server_id == server_id and item.exists(at) for item in volume.attachments)
        ]

    def odd(self, oddity: str) -> list[Server | Volume | FloatingIP]:
        """All things with that label."""
        things: tuple[Server | Volume | FloatingIP, ...] = (
            *self.servers,
            *self.volumes,
            *self.floating_ips,
        )
        return [thing for thing in things if thing.oddity == oddity]

    def to_json(self) -> str:
        """As JSON; times in ISO format."""
        return json.dumps(dataclasses.asdict(self), default=datetime.isoformat, indent=1)
