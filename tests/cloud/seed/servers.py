"""Ordinary servers of one project: lives of months, days and minutes, and one busy hour."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.life import Life
from tests.cloud.seed.truth import Image, Project, Server, User

SIZES = ("m1.small", "m1.medium", "m1.large", "bench.large")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTLED = 10 * MINUTE  # nothing that begins before the reference time is unfinished then


def ordinary_servers(
    project: Project,
    users: Sequence[User],
    images: Sequence[Image],
    *,
    live: int,
    deleted: int,
    reference: datetime,
    seed: int,
) -> list[Server]:
    """``live`` servers which exist at the reference time, ``deleted`` which do not any more.

    A few percent of the live ones change in the hour after it, and new ones appear.
    """
    rng = random.Random(f"{seed} {project.name}")
    lives = [_still_living(rng, reference) for _ in range(live)]
    newborn = _busy_hour(rng, lives, reference)
    lives += [_ended(rng, reference) for _ in range(deleted)]
    return [
        make_server(
            project,
            rng.choice(users),
            rng.choice(images),
            life,
            stable_id("server", seed, project.name, number),
            f"{project.name}-vm{number:05d}",
            cell=rng.choice(("cell1", "cell2")),
        )
        for number, life in enumerate(lives + newborn)
    ]


def make_server(
    project: Project,
    user: User,
    image: Image | None,
    life: Life,
    server_id: str,
    name: str,
    *,
    cell: str,
    metadata: dict[str, str] | None = None,
    oddity: str | None = None,
) -> Server:
    """A server which lives that life; its addresses come later."""
    end = life.now.at if life.now.vm_state == "deleted" else None
    return Server(
        id=server_id,
        name=name,
        project_id=project.id,
        user_id=user.id,
        image_id=image.id if image else None,
        created=life.created,
        steps=tuple(life.steps),
        actions=tuple(life.actions),
        cell=cell,
        terminated_at=end,
        deleted_at=end,
        metadata=metadata or {},
        oddity=oddity,
    )


def between(rng: random.Random, start: datetime, end: datetime) -> datetime:
    """A whole second of that stretch, ``end`` excluded."""
    return start + timedelta(seconds=rng.randrange(max(1, int((end - start).total_seconds()))))


def _month_start(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0)


def _still_living(rng: random.Random, reference: datetime) -> Life:
    """Created months, days or minutes ago, and one of five has done something since."""
    month = min(_month_start(reference), reference - 2 * DAY)
    stretches = (
        (reference - 300 * DAY, month),
        (month, reference - DAY),
        (reference - DAY, reference - SETTLED),
    )
    life = Life(between(rng, *rng.choices(stretches, (35, 40, 25))[0]), rng.choice(SIZES))
    life.boot()
    if rng.random() < 0.2 and reference - life.created > 3 * HOUR:
        _past(rng, life, reference - HOUR)
    return life


def _past(rng: random.Random, life: Life, until: datetime) -> None:
    """One thing, or two that belong together, at random times before ``until``."""
    first, second = sorted(between(rng, life.created + 5 * MINUTE, until - 5 * MINUTE) for _ in range(2))
    second += 2 * MINUTE
    match rng.randrange(8):
        case 0:
            life.switch("stop", first)
        case 1:
            life.switch("stop", first)
            life.switch("start", second)
        case 2 | 3:
            life.resize(first, _other_size(rng, life), second - first)
        case 4:
            life.switch("suspend", first)
        case 5:
            life.switch("pause", first)
            life.switch("unpause", second)
        case 6:
            life.switch("shelve", first)
            life.offload(second)
        case 7:
            life.switch("shelve", first)
            life.offload(first + MINUTE)
            life.unshelve(second)


def _other_size(rng: random.Random, life: Life) -> str:
    return rng.choice([name for name in SIZES if name != life.now.flavor])


def _ended(rng: random.Random, reference: datetime) -> Life:
    """Deleted in this month, in the one before, or earlier; after minutes to months of life."""
    month = min(_month_start(reference), reference - DAY)
    before = _month_start(month - DAY)
    stretches = (
        (month, reference - SETTLED),
        (before, month),
        (reference - 200 * DAY, before),
    )
    end = between(rng, *rng.choices(stretches, (40, 40, 20))[0])
    length = 5 * MINUTE + timedelta(minutes=int(rng.lognormvariate(7, 2.2)))
    life = Life(end - min(length, 250 * DAY), rng.choice(SIZES))
    life.boot()
    if rng.random() < 0.1 and length > 3 * HOUR:
        _past(rng, life, end - 10 * MINUTE)
    life.delete(end)
    return life


def _busy_hour(rng: random.Random, lives: list[Life], reference: datetime) -> list[Life]:
    """Change some of the living in the hour after the reference time; the newborn are returned."""
    active = [life for life in lives if life.now.vm_state == "active"]
    stopped = [life for life in lives if life.now.vm_state == "stopped"]
    rng.shuffle(active)

    def when() -> datetime:
        return between(rng, reference + MINUTE, reference + 50 * MINUTE)

    def some(share: float) -> int:
        return max(1, round(share * len(lives)))

    events: tuple[tuple[float, Callable[[Life], None]], ...] = (
        (0.03, lambda life: life.delete(when())),
        (0.01, lambda life: life.resize(when(), _other_size(rng, life), 5 * MINUTE)),
        (0.01, lambda life: life.switch("stop", when())),
        (0.01, lambda life: life.switch("suspend", when())),
        (0.01, lambda life: life.switch("pause", when())),
        (0.01, lambda life: life.switch("shelve", when())),
        (0.005, lambda life: life.switch("reboot", when())),
        (0.005, lambda life: life.break_down(when())),
    )
    for share, happen in events:
        chosen, active = active[: some(share)], active[some(share) :]
        for life in chosen:
            happen(life)
    for life in stopped[: some(0.01)]:
        life.switch("start", when())
    newborn = [Life(when(), rng.choice(SIZES)) for _ in range(some(0.03) + some(0.01))]
    for number, life in enumerate(newborn):
        life.boot()
        if number < some(0.01):
            life.delete(life.created + 4 * MINUTE)  # seen by nobody who looks once an hour
    return newborn
