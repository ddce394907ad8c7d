"""A small metered cloud in which everything happens once that makes measured use hard; and a fleet, for its size."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from tests.cloud.seed.catalog import make_flavors, make_images, make_projects, make_users, stable_id
from tests.cloud.seed.truth import Flavor
from tests.meters.truth import NANOSECONDS, Counter, Interface, Metered, MeteredServer, MeteredVolume

BEGIN = datetime(2026, 9, 28, tzinfo=UTC)
MONTH = datetime(2026, 10, 1, tzinfo=UTC)
"""Where the accounted month begins."""
UNTIL = datetime(2026, 10, 4, tzinfo=UTC)
POLL_SECONDS = 300
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

PROJECTS = make_projects(2)[:2]
USERS = make_users()
IMAGE = make_images()[0].id
FLAVORS: dict[str, Flavor] = {flavor.name: flavor for flavor in make_flavors()}
SMALL, MEDIUM = FLAVORS["m1.small"], FLAVORS["m1.medium"]
OLD = BEGIN - 40 * DAY
"""From here on the server ``kept`` is polled, longer than Gnocchi keeps measures."""


def small_cloud() -> Metered:
    """Servers, named for what is special about each, and volumes, of two projects."""
    return Metered(BEGIN, UNTIL, PROJECTS, tuple(_servers()), tuple(_volumes()))


def fleet(servers: int, *, polls: int = 3, until: datetime = UNTIL, projects: int = 2) -> Metered:
    """Many servers, each read a few times before ``until``, each with one interface; every tenth has ended."""
    begin = until - polls * POLL_SECONDS * timedelta(seconds=1)
    owners = make_projects(projects)[:projects]
    made = (
        metered_server(f"fleet-{n}", owners[n % projects].id, begin, ends=until if n % 10 == 0 else None, last=until)
        for n in range(servers)
    )
    return Metered(begin, until, owners, tuple(made))


def polled(name: str, start: datetime, end: datetime, every: int = POLL_SECONDS) -> list[datetime]:
    """When an agent polls a server: each so many seconds, each server at a time of its own."""
    first = start + timedelta(seconds=random.Random(name).randrange(20, every))
    return [first + n * timedelta(seconds=every) for n in range(max(0, -(-(end - first) // timedelta(seconds=every))))]


def _servers() -> Iterator[MeteredServer]:
    one, other = PROJECTS[0].id, PROJECTS[1].id
    yield metered_server("steady", one, datetime(2026, 9, 14, 7, 30, tzinfo=UTC))
    yield metered_server("resized", one, MONTH - 9 * HOUR, flavors=(SMALL, MEDIUM, SMALL))
    yield metered_server("rebooted", one, MONTH - 5 * DAY, resets=(100, 600, 640))
    yield metered_server("unheard", one, MONTH - 30 * HOUR, gap=(MONTH + 20 * HOUR, MONTH + 27 * HOUR))
    yield metered_server("ended-before", other, BEGIN + HOUR, ends=MONTH - 20 * HOUR)
    yield metered_server("deleted", other, MONTH + 6 * HOUR, ends=MONTH + 42 * HOUR + 30 * MINUTE)
    yield metered_server("two-interfaces", other, MONTH + 2 * HOUR, interfaces=2)
    yield metered_server("no-interface", other, MONTH + 3 * HOUR, interfaces=0)
    yield metered_server("zoë’s größe 名前", one, MONTH + 11 * HOUR)
    yield metered_server("jittery", one, MONTH - HOUR, jitter=True)
    yield metered_server("undated", other, MONTH + 5 * HOUR, dated=False)
    yield metered_server("unmeasured", other, MONTH + 7 * HOUR, last=MONTH + 7 * HOUR)
    yield metered_server("short", other, MONTH + 8 * HOUR, ends=MONTH + 8 * HOUR + 2 * MINUTE, last=MONTH + 8 * HOUR)
    yield metered_server("kept", one, OLD, every=3600, begin=OLD)


def metered_server(
    name: str,
    project_id: str,
    created: datetime,
    *,
    ends: datetime | None = None,
    flavors: tuple[Flavor, ...] = (MEDIUM,),
    resets: tuple[int, ...] = (),
    gap: tuple[datetime, datetime] | None = None,
    interfaces: int = 1,
    jitter: bool = False,
    dated: bool = True,
    every: int = POLL_SECONDS,
    begin: datetime = BEGIN,
    last: datetime = UNTIL,
) -> MeteredServer:
    """``resets`` are numbers of polls; flavors change, and the pace of counters does, at polls that are spread over its life."""
    rng = random.Random(name)
    start = max(created, begin)
    polls = polled(name, start, min(ends or last, last), every)
    if gap:
        polls = [at for at in polls if not gap[0] <= at < gap[1]]
    if jitter:
        polls = sorted({at + timedelta(seconds=rng.randrange(-120, 120)) for at in polls[1:]})
    fell = tuple(polls[number] for number in resets)
    changes = [polls[len(polls) * n // len(flavors)] for n in range(1, len(flavors))]
    number = stable_id("metered", name)
    return MeteredServer(
        id=number,
        name=name,
        project_id=project_id,
        user_id=USERS[0].id,
        host=f"compute-{rng.randrange(4)}.example.org",
        image_id=IMAGE,
        created=created,
        # An event of Nova's tells of it within a minute; one that is older than the metering appears with its first poll.
        appears=created + timedelta(seconds=rng.randrange(15, 60)) if created >= begin else polls[0],
        ended=ends,
        flavors=tuple(zip((created, *changes), flavors, strict=True)),
        cpu=_counter(rng, created, polls, NANOSECONDS * SMALL.vcpus, fell),
        interfaces=tuple(_interface(rng, number, n, created, polls, fell) for n in range(interfaces)),
        polls=tuple(polls),
        dated=dated,
        server_group="group-1" if name == "steady" else None,
    )


def _interface(
    rng: random.Random, server_id: str, number: int, created: datetime, polls: list[datetime], resets: tuple[datetime, ...]
) -> Interface:
    """The first is there from the beginning, each further one some polls later."""
    since = polls[min(len(polls) // 3, len(polls) - 1)] if number and polls else created
    name = f"tap{rng.randrange(16**8):08x}-{number:02x}"
    counters = [_counter(rng, since, [at for at in polls if at > since], most, resets) for most in (2_000_000, 500_000)]
    return Interface(f"instance-{rng.randrange(16**8):08x}-{server_id}-{name}", name, since, *counters)


def _counter(rng: random.Random, start: datetime, polls: list[datetime], most: int, resets: tuple[datetime, ...]) -> Counter:
    """Its pace is another one about each six hours of polls."""
    times = [start, *polls[1::72]]
    return Counter(tuple((at, rng.randrange(most // 50, most)) for at in times), resets)


def _volumes() -> Iterator[MeteredVolume]:
    one, other = PROJECTS[0].id, PROJECTS[1].id
    noon = MONTH + 12 * HOUR
    yield _volume("data", BEGIN - 30 * DAY, None, [(BEGIN - 30 * DAY, 100, one)])
    yield _volume("extended", MONTH - DAY, None, [(MONTH - DAY, 10, one), (noon, 25, one)])
    yield _volume("handed-on", MONTH - DAY, None, [(MONTH - DAY, 40, one), (noon, 40, other)])
    yield _volume("gone", MONTH + HOUR, noon, [(MONTH + HOUR, 7, other)])
    yield _volume(None, MONTH + 2 * HOUR, None, [(MONTH + 2 * HOUR, 1, other)])


def _volume(
    name: str | None, created: datetime, deleted: datetime | None, steps: Iterable[tuple[datetime, int, str]]
) -> MeteredVolume:
    polls = polled(f"volume {name}", max(created, BEGIN), deleted or UNTIL, every=3600)
    number = stable_id("metered", "volume", name)
    return MeteredVolume(number, name, "__DEFAULT__", USERS[1].id, created, deleted, tuple(steps), tuple(polls))
