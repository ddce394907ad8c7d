"""Histories: servers and volumes whose lives reach over months, drawn at random with everything that was done to them."""

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.life import Life
from tests.cloud.seed.servers import between, make_server
from tests.cloud.seed.storage import VOLUME_TYPES
from tests.cloud.seed.truth import Image, Project, Server, User, Volume, VolumeStep

FLAVORS = ("m1.small", "m1.medium", "m1.large", "bench.large", "private.huge", "gpu.a100", "gpu.l40s")
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOST_STEPS = 300
GROWTH_GIB = (1, 10, 90)

Event = Callable[[Life, datetime, random.Random], None]


def _resize(life: Life, at: datetime, rng: random.Random) -> None:
    life.migrate(at, rng.choice([name for name in FLAVORS if name != life.now.flavor]))


def _switch(action: str) -> Event:
    return lambda life, at, _: life.switch(action, at)


def _in_vain(action: str) -> Event:
    return lambda life, at, _: life.switch_in_vain(action, at)


NOISE: tuple[tuple[int, Event], ...] = ((2, lambda life, at, _: life.touch(at)), (1, lambda life, at, _: life.lock(at)))
END: tuple[tuple[int, Event], ...] = (
    (1, lambda life, at, _: life.delete(at)),
    (1, lambda life, at, _: life.soft_delete(at)),
)
SHELVE_AWAY: Event = lambda life, at, _: life.shelve_away(at)  # noqa: E731  # as all the others in these tables

# What may be done to a server, by its vm_state, and how often. A site offloads what is shelved at once (``True``), or later.
EVENTS: dict[str, tuple[tuple[int, Event], ...]] = {
    "active": (
        (3, _switch("stop")),
        (4, _switch("suspend")),
        (1, _switch("pause")),
        (1, _switch("rescue")),
        (1, _switch("reboot")),
        (1, _switch("rebuild")),
        (5, _resize),
        (1, _in_vain("suspend")),
        (1, lambda life, at, rng: life.migrate_in_vain(at, breaks=rng.random() < 0.5)),
        (1, lambda life, at, _: life.break_down(at)),
        *NOISE,
    ),
    "stopped": ((5, _switch("start")), (2, _resize), (1, _in_vain("start")), *NOISE),
    "suspended": ((6, _switch("resume")), (1, _in_vain("resume")), *NOISE),
    "paused": ((3, _switch("unpause")), *NOISE),
    "rescued": ((3, _switch("unrescue")), *NOISE),
    "resized": ((5, lambda life, at, _: life.confirm(at)), (3, lambda life, at, _: life.revert(at)), *NOISE),
    "shelved": ((3, lambda life, at, _: life.offload(at)), (2, lambda life, at, _: life.unshelve(at)), *NOISE),
    "shelved_offloaded": ((6, lambda life, at, _: life.unshelve(at)), *NOISE),
    "error": ((2, _switch("rebuild")), *NOISE),
    "soft-delete": ((1, _switch("restore")), (2, lambda life, at, _: life.delete(at))),
}
SHELVABLE = ("active", "stopped", "paused", "suspended")


def servers_with_histories(
    projects: Sequence[Project],
    users: Sequence[User],
    images: Sequence[Image],
    *,
    count: int,
    months: int,
    reference: datetime,
    seed: int,
) -> Iterator[Server]:
    """``count`` in all, spread over ``projects``, alive at some time of the ``months`` before the reference time."""
    rng = random.Random(f"{seed} histories")
    at_once = rng.random() < 0.5
    start = reference - months * 30 * DAY
    for number in range(count):
        project = projects[number % len(projects)]
        yield make_server(
            project,
            rng.choice(users),
            rng.choice(images),
            _life(rng, start, reference, at_once),
            stable_id("history", seed, number),
            f"{project.name}-history{number:05d}",
            cell=rng.choice(("cell1", "cell2")),
        )


def _life(rng: random.Random, start: datetime, end: datetime, at_once: bool) -> Life:
    earlier = rng.random() < 0.4
    created = between(rng, start - 60 * DAY, start) if earlier else between(rng, start, end - HOUR)
    life = Life(created, rng.choice(FLAVORS))
    if rng.random() < 0.04:
        life.fail()
    else:
        life.boot()
    pace = rng.choice((HOUR, DAY, 8 * DAY, 20 * DAY))
    while life.now.vm_state != "deleted" and len(life.steps) < MOST_STEPS:
        at = _next(rng, life.now.at, pace)
        if at > end - 2 * MINUTE:
            break
        _pick(rng, life, at_once)(life, at, rng)
    return life


def _next(rng: random.Random, after: datetime, pace: timedelta) -> datetime:
    """Soon, or at the server's own pace, and now and then with the very start of a month."""
    if rng.random() < 0.3:
        return after + 2 * MINUTE + rng.randrange(7200) * SECOND
    at = after + 2 * MINUTE + round(rng.expovariate(1 / (pace / SECOND))) * SECOND
    month = datetime(at.year, at.month, 1, tzinfo=UTC)
    return month if rng.random() < 0.1 and month > after + 2 * MINUTE else at


def _pick(rng: random.Random, life: Life, at_once: bool) -> Event:
    state = life.now.vm_state
    if life.now.launched_at is None or (state != "soft-delete" and rng.random() < 0.05):
        return _one_of(rng, END)
    events = EVENTS[state]
    if state in SHELVABLE:
        events = (*events, (2, SHELVE_AWAY if at_once else _switch("shelve")))
    return _one_of(rng, events)


def _one_of(rng: random.Random, events: Sequence[tuple[int, Event]]) -> Event:
    return rng.choices([event for _, event in events], [weight for weight, _ in events])[0]


def volumes_with_histories(
    projects: Sequence[Project], users: Sequence[User], *, count: int, months: int, reference: datetime, seed: int
) -> Iterator[Volume]:
    """``count`` in all: they grow, change their type, are handed from project to project, and are deleted."""
    rng = random.Random(f"{seed} volume histories")
    start = reference - months * 30 * DAY
    for number in range(count):
        project = rng.choice(projects)
        created = between(rng, start - 60 * DAY, start) if rng.random() < 0.4 else between(rng, start, reference - HOUR)
        plain = Volume(
            id=stable_id("volume-history", seed, number),
            name=f"history{number:05d}",
            project_id=project.id,
            user_id=rng.choice(users).id,
            size_gib=rng.choice((1, 10, 100)),
            type=rng.choice(VOLUME_TYPES),
            created=created,
        )
        yield _with_history(rng, plain, [one.id for one in projects], reference)


def _with_history(rng: random.Random, plain: Volume, projects: Sequence[str], end: datetime) -> Volume:
    steps = [plain.state(plain.created)]
    pace = rng.choice((DAY, 8 * DAY, 20 * DAY))
    while len(steps) < MOST_STEPS:
        at = _next(rng, steps[-1].at, pace)
        if at > end - 2 * MINUTE:
            break
        event = rng.choices(("extend", "retype", "transfer", "touch", "delete"), (4, 2, 2, 3, 1))[0]
        if event == "delete":
            return dataclasses.replace(plain, steps=tuple(steps[1:]), deleted_at=at)
        steps += _volume_steps(rng, steps[-1], event, at, projects)
    return dataclasses.replace(plain, steps=tuple(steps[1:]))


def _volume_steps(rng: random.Random, now: VolumeStep, event: str, at: datetime, projects: Sequence[str]) -> Iterator[VolumeStep]:
    """Cinder is busy for five seconds, or waits half a minute for the other project to take the volume."""
    match event:
        case "extend":
            yield dataclasses.replace(now, at=at, status="extending")
            yield dataclasses.replace(now, at=at + 5 * SECOND, size_gib=now.size_gib + rng.choice(GROWTH_GIB))
        case "retype":
            other = next(name for name in VOLUME_TYPES if name != now.type)
            yield dataclasses.replace(now, at=at, status="retyping")
            yield dataclasses.replace(now, at=at + 5 * SECOND, type=other)
        case "transfer":
            yield dataclasses.replace(now, at=at, status="awaiting-transfer")
            yield dataclasses.replace(now, at=at + 30 * SECOND, project_id=rng.choice(projects))
        case _:
            yield dataclasses.replace(now, at=at)
