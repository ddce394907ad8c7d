"""The test cloud as Ceilometer meters it, and Gnocchi in its catalog."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.cloud import Cloud, Credentials
from tests.cloud.client import Client
from tests.cloud.cloud import INTERFACES
from tests.cloud.configs import REGION
from tests.cloud.rows.keystone import user_id
from tests.cloud.rows.table import Rows
from tests.cloud.seed.catalog import stable_hex
from tests.cloud.seed.truth import Server, Truth
from tests.meters.gnocchi import Gnocchi, Keystone
from tests.meters.power import PoweredServer, powered
from tests.meters.seed import POLL_SECONDS, polled
from tests.meters.truth import NANOSECONDS, Counter, Interface, Metered, MeteredServer

RUNNING = {"active", "rescued", "resized", "paused"}
"""In these states a hypervisor has something to tell of a server."""
Stretch = list[datetime]


def metered_cloud(truth: Truth, begin: datetime, until: datetime, every: int = POLL_SECONDS) -> Metered:
    """The servers of a test cloud that were ever launched, read from ``begin`` to ``until`` while they ran.

    What they used is made up. They use nothing before the first poll of a stretch in which they run and after the last.
    """
    made = (_metered(server, truth, begin, until, every) for server in truth.servers if _appears(server, until))
    return Metered(begin, until, truth.projects, tuple(made))


def powered_cloud(truth: Truth, begin: datetime, until: datetime, every: tuple[int, int] = (60, 60)) -> list[PoweredServer]:
    """The same servers, and what they drew from ``begin`` to ``until`` whatever their state."""
    drawing = []
    for server in truth.servers:
        appears, ended = _appears(server, until), _ended(server, until)
        if appears and (ended or until) > begin:
            stretch = {"created": max(appears, begin), "deleted": ended, "until": until}
            drawing.append(powered(server.id, server.project_id, number=server.id, every=every, **stretch))
    return drawing


def keystone_of(cloud: Cloud) -> Keystone:
    """What a Gnocchi asks; what is published in it is so by a user of the project ``service``, as Ceilometer is one."""
    # A member of the project of who published something sees it all.
    project_id = stable_hex("project", "service")
    session = Client(Credentials(cloud.direct_auth_url, "nova"), project_id).session
    return Keystone(cloud.direct_auth_url.removesuffix("/v3"), str(session.get_token()), user_id("nova"), project_id)


@contextlib.contextmanager
def in_catalog(cloud: Cloud, gnocchi: Gnocchi) -> Iterator[None]:
    """Within the block the cloud's catalog has Gnocchi in it."""
    rows = Rows()
    service = stable_hex("service", "gnocchi")
    extra = json.dumps({"name": "gnocchi"})
    rows.add("keystone", "service", id=service, type="metric", enabled=True, extra=extra)
    for interface in INTERFACES:
        rows.add(
            "keystone",
            "endpoint",
            id=stable_hex("endpoint", "gnocchi", interface),
            interface=interface,
            service_id=service,
            url=gnocchi.url,
            extra="{}",
            enabled=True,
            region_id=REGION,
        )
    with cloud.keystone_has(rows):
        yield


def _appears(server: Server, until: datetime) -> datetime | None:
    """When Nova tells that it was launched, if it does before ``until``."""
    return next((step.at for step in server.steps if step.launched_at and step.at < until), None)


def _ended(server: Server, until: datetime) -> datetime | None:
    ended = server.terminated_at or server.deleted_at
    return ended if ended and server.deleted_at and ended < until else None


def _metered(server: Server, truth: Truth, begin: datetime, until: datetime, every: int) -> MeteredServer:
    rng = random.Random(server.id)
    appears, ended = _appears(server, until), _ended(server, until)
    assert appears
    stretches = [polls for polls in _stretches(server, begin, ended or until, every) if polls]
    steps = [step for step in server.steps if step.at < (ended or until)]
    changed = [(step.at, step.flavor) for before, step in itertools.pairwise(steps) if step.flavor != before.flavor]
    cpu, received, sent = (_counter(rng, server, stretches, most) for most in (NANOSECONDS, 2_000_000, 500_000))
    name = f"tap{server.id[:11]}"
    interface = Interface(f"instance-{int(server.id[:8], 16):08x}-{server.id}-{name}", name, server.created, received, sent)
    return MeteredServer(
        id=server.id,
        name=server.name,
        project_id=server.project_id,
        user_id=server.user_id,
        host=f"compute-{rng.randrange(4)}.example.org",
        image_id=server.image_id,
        created=server.created,
        appears=min(appears + timedelta(seconds=rng.randrange(1, 5)), ended or until),
        ended=ended,
        flavors=tuple((at, truth.flavor(flavor)) for at, flavor in ((server.created, steps[0].flavor), *changed)),
        cpu=cpu,
        interfaces=(interface,),
        polls=tuple(at for polls in stretches for at in polls),
    )


def _stretches(server: Server, begin: datetime, end: datetime, every: int) -> Iterator[Stretch]:
    """The polls of each stretch of time in which it runs."""
    polls = polled(server.id, begin, end, every)
    ends = [step.at for step in server.steps[1:]] + [end]
    pieces = [(step.at, until, step.vm_state in RUNNING) for step, until in zip(server.steps, ends, strict=True)]
    for runs, group in itertools.groupby(pieces, key=lambda piece: piece[2]):
        stretch = list(group)
        if runs:
            yield [at for at in polls if stretch[0][0] <= at < min(stretch[-1][1], end)]


def _counter(rng: random.Random, server: Server, stretches: list[Stretch], most: int) -> Counter:
    """It begins at 0 where the server runs again."""
    rates = [(server.created, 0)]
    for polls in stretches:
        rates += [(polls[0], rng.randrange(most // 50, most)), (polls[-1], 0)]
    return Counter(tuple(rates), tuple(polls[0] - timedelta(seconds=1) for polls in stretches[1:]))
