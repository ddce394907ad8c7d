"""Servers which real clouds have and tidy minds forget, each labelled with its oddity."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.life import Life
from tests.cloud.seed.servers import make_server
from tests.cloud.seed.truth import Image, Project, Server, User

COPIES = 2
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

NAMES = {
    "name-not-ascii": "serveur-déjà-vu-Ωμέγα",
    "name-cjk": "計算機伺服器",
    "name-percent": "%% VMUUID: forged",
    "name-two-percent": "%%",
    # Today's API refuses it, rows written before Nova checked names have it.
    "name-line-separator": "one\u2028two",
    "name-long": "x" * 255,
}
NEVER_SCHEDULED = ("never-scheduled", "never-scheduled-deleted")
FLAVORS = {
    "flavor-gpu": "gpu.a100",
    "flavor-private": "private.huge",
    "flavor-deleted": "gone.medium",
    "flavor-benchmark": "bench.large",
}


def odd_servers(
    projects: Sequence[Project],
    users: Sequence[User],
    images: Sequence[Image],
    reference: datetime,
    seed: int,
) -> Iterator[Server]:
    """Two of each oddity, spread over the projects."""
    lives = _lives(reference)
    labels = [*lives, *NAMES, *FLAVORS, "user-vanished", "metadata", "image-mpuri",
              "image-forged", "image-deleted", "boot-from-volume"]  # fmt: skip
    by_name = {image.name: image for image in images}
    plain = images[0]
    special = {
        "image-mpuri": by_name["EGI Ubuntu 24.04"],
        "image-forged": by_name["Forger"],
        "image-deleted": Image(stable_id("image", "deleted"), "deleted"),
        "boot-from-volume": None,
    }
    for number, label in enumerate(label for label in labels for _ in range(COPIES)):
        name = NAMES.get(label, f"odd-{label}-{number}")
        server = make_server(
            projects[number % len(projects)],
            users[-1] if label == "user-vanished" else users[number % (len(users) - 1)],
            special.get(label, plain),
            lives[label]() if label in lives else _plain_life(reference, label),
            stable_id("server", seed, "odd", number),
            name,
            cell="cell0" if label in NEVER_SCHEDULED else "cell1",
            metadata={"purpose": "a\nb", "clé": "%%"} if label == "metadata" else None,
            oddity=label,
        )
        unfinished = (*NEVER_SCHEDULED, "deleted-without-terminated_at")
        yield dataclasses.replace(server, terminated_at=None) if label in unfinished else server


def _plain_life(reference: datetime, label: str) -> Life:
    flavor = "volume.small" if label == "boot-from-volume" else FLAVORS.get(label, "m1.small")
    life = Life(reference - 3 * DAY, flavor)
    life.boot()
    return life


def _lives(reference: datetime) -> dict[str, Callable[[], Life]]:
    """Lives which are odd themselves."""
    month = reference.replace(day=1, hour=0, minute=0, second=0)

    def booted(created: datetime) -> Life:
        life = Life(created, "m1.medium")
        life.boot()
        return life

    def ended(created: datetime, deleted: datetime) -> Life:
        life = booted(created)
        life.delete(deleted)
        return life

    return {
        "never-scheduled": lambda: _failed(reference - 2 * DAY),
        "never-scheduled-deleted": lambda: _failed(reference - 2 * DAY, reference - DAY),
        "never-built": lambda: _never_built(reference - 5 * HOUR),
        "deleted-without-terminated_at": lambda: ended(reference - 9 * DAY, reference - DAY),
        "stuck-deleting": lambda: _then(booted(reference - 9 * DAY), lambda life: life.delete_stuck(reference - DAY)),
        "soft-deleted": lambda: _then(booted(reference - 9 * DAY), lambda life: life.soft_delete(reference - 2 * HOUR)),
        "shelved-offloaded": lambda: _then(
            booted(reference - 40 * DAY),
            lambda life: life.switch("shelve", reference - 2 * DAY),
            lambda life: life.offload(reference - DAY),
        ),
        "deleted-while-offloaded": lambda: _then(
            booted(reference - 40 * DAY),
            lambda life: life.switch("shelve", reference - 20 * DAY),
            lambda life: life.offload(reference - 19 * DAY),
            lambda life: life.delete(reference - 3 * HOUR),
        ),
        "error-after-launch": lambda: _then(booted(reference - 9 * DAY), lambda life: life.break_down(reference - 3 * DAY)),
        "rescued": lambda: _then(booted(reference - 9 * DAY), lambda life: life.switch("rescue", reference - HOUR)),
        "resized-twice": lambda: _then(
            booted(month - 10 * DAY),
            lambda life: life.resize(month - 5 * DAY, "m1.large", HOUR),
            lambda life: life.resize(reference - 2 * HOUR, "m1.small", timedelta(minutes=1)),
        ),
        "waits-for-confirmation": lambda: _then(
            booted(reference - 9 * DAY), lambda life: life.resize(reference - HOUR, "m1.large", DAY)
        ),
        "born-with-the-month": lambda: booted(month),
        "ended-with-the-month": lambda: ended(month - 3 * DAY, month - timedelta(seconds=6)),
    }


def _failed(created: datetime, deleted: datetime | None = None) -> Life:
    life = Life(created, "m1.large")
    life.fail()
    if deleted:
        life.delete(deleted)
    return life


def _never_built(created: datetime) -> Life:
    life = Life(created, "m1.small")
    life.build_for_ever()
    return life


def _then(life: Life, *events: Callable[[Life], None]) -> Life:
    for event in events:
        event(life)
    return life
