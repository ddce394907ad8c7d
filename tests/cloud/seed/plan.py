"""From a Seed, a few numbers, to the whole Truth; the same Seed gives the same Truth."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Self

from tests.cloud.seed.catalog import make_flavors, make_images, make_more_flavors, make_projects, make_users
from tests.cloud.seed.histories import servers_with_histories, volumes_with_histories
from tests.cloud.seed.network import make_floating_ips, make_routers, with_addresses
from tests.cloud.seed.oddities import odd_servers
from tests.cloud.seed.servers import ordinary_servers
from tests.cloud.seed.storage import make_volumes
from tests.cloud.seed.truth import Truth

T1 = datetime(2026, 10, 12, 11, tzinfo=UTC)
T2 = T1 + timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Seed:
    """How much there is.

    ``live`` and ``deleted`` servers in each of ``projects`` at the time ``reference``; the odd
    ones come on top. Two more projects, one without the tag, one without a VO, have a tenth.
    ``histories`` servers in all, and half as many volumes, have lives full of events that reach over the ``months`` (of 30 days)
    before the reference time: the cloud may be advanced to any time of these, and of two months before.
    """

    projects: int = 5
    live: int = 200
    deleted: int = 200
    reference: datetime = T1
    random: int = 1
    oddities: bool = True
    histories: int = 0
    months: int = 5

    @classmethod
    def of_histories(cls, histories: int, months: int = 5, *, projects: int = 3, random: int = 1) -> Self:
        """Nothing but histories."""
        return cls(projects, 0, 0, random=random, oddities=False, histories=histories, months=months)


def plan(seed: Seed) -> Truth:
    """All that happens in the cloud, until one hour after the reference time."""
    if seed.reference.tzinfo is None or seed.reference.microsecond:
        raise ValueError("a Seed's reference is an aware time in whole seconds")
    reference = seed.reference.astimezone(UTC)
    projects, users, images = make_projects(seed.projects), make_users(), make_images()
    known = [user for user in users if user.exists]
    servers = []
    for number, project in enumerate(projects if seed.live or seed.deleted else ()):
        share = 1 if number < seed.projects else 10
        servers += ordinary_servers(
            project,
            known,
            images[:2],
            live=max(1, seed.live // share),
            deleted=seed.deleted // share,
            reference=reference,
            seed=seed.random,
        )
    if seed.oddities:
        accounted = [project for project in projects if project.tagged]
        servers += odd_servers(accounted, users, images, reference, seed.random)
    stretch = {"months": seed.months, "reference": reference, "seed": seed.random}
    homes = projects[: seed.projects]
    servers += servers_with_histories(homes, known, images[:2], count=seed.histories, **stretch)
    servers.sort(key=lambda server: (server.created, server.id))
    servers = list(with_addresses(servers, projects))
    volumes = list(make_volumes(servers, projects, known, reference, seed.random)) if seed.live or seed.deleted else []
    volumes += volumes_with_histories(homes, known, count=seed.histories // 2, **stretch)
    return Truth(
        reference=reference,
        projects=projects,
        users=users,
        flavors=make_flavors() + (make_more_flavors() if seed.histories else ()),
        images=images,
        servers=tuple(servers),
        volumes=tuple(volumes),
        floating_ips=tuple(make_floating_ips(servers, projects, reference)),
        routers=tuple(make_routers(projects)),
    )
