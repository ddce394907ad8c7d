"""What is done to a server or a volume from its creation on: chosen at random, or one of everything."""

from __future__ import annotations

import dataclasses
import random

FLAVORS = ("live.small", "live.medium", "live.large")
TOO_BIG = "live.too-big"
IMAGES = ("debian", "alma")
TYPES = ("standard", "fast")

SERVER_MOVES: dict[str, dict[str, str]] = {
    "ACTIVE": {
        "stop": "SHUTOFF",
        "suspend": "SUSPENDED",
        "pause": "PAUSED",
        "shelve": "SHELVED_OFFLOADED",
        "rebuild": "ACTIVE",
        "resize": "VERIFY_RESIZE",
        "rename": "ACTIVE",
        "reboot": "ACTIVE",
    },
    "SHUTOFF": {"start": "ACTIVE", "rename": "SHUTOFF"},
    "SUSPENDED": {"resume": "ACTIVE"},
    "PAUSED": {"unpause": "ACTIVE"},
    "SHELVED_OFFLOADED": {"unshelve": "ACTIVE", "rename": "SHELVED_OFFLOADED"},
    "VERIFY_RESIZE": {"confirm": "ACTIVE", "revert": "ACTIVE"},
}
"""By status, what may be done to a server, and its status afterwards."""
RESTS = ("ACTIVE", "SHUTOFF", "SHELVED_OFFLOADED")
"""In these a server may be when nothing more is done to it."""
VOLUME_MOVES = ("extend", "retype", "rename", "attach", "transfer")


@dataclasses.dataclass(frozen=True)
class Life:
    """Operations in order, the first of them ``create``; without a ``delete`` at the end the thing stays.

    ``choices`` says which project, flavor, image or type it begins with: an index, taken modulo how many there are.
    """

    number: int
    kind: str
    operations: tuple[str, ...]
    choices: int = 0


def random_lives(count: int = 50, seed: int = 1) -> list[Life]:
    """Servers, volumes and volume types; the same for the same seed."""
    rng = random.Random(seed)
    makers = {"server": _server, "unplaced": _unplaced, "volume": _volume, "volume_type": _volume_type}
    kinds = rng.choices(list(makers), weights=(28, 3, 16, 3), k=count)
    return [_numbered(number, rng, kind, makers[kind](rng)) for number, kind in enumerate(kinds)]


def every_kind() -> list[Life]:
    """Each operation at least once, in few lives."""
    servers = [
        ("create", "resize", "confirm", "rename", "rebuild", "stop", "start", "delete"),
        ("create", "resize", "revert", "suspend", "resume", "pause", "unpause", "reboot"),
        ("create", "shelve", "unshelve", "delete"),
        ("create", "shelve", "delete"),
        ("create", "resize", "delete"),
    ]
    volumes = [
        ("create", "extend", "retype", "rename", "delete"),
        ("create", "attach", "detach", "transfer", "delete"),
        ("create", "attach", "delete_server"),
    ]
    whole = [("server", operations) for operations in servers]
    whole += [("unplaced", ("create", "delete")), ("unplaced", ("create",))]
    whole += [("volume", operations) for operations in volumes]
    whole += [("volume_type", ("create", "rename", "delete"))]
    return [Life(number, kind, operations, choices=number) for number, (kind, operations) in enumerate(whole)]


def _numbered(number: int, rng: random.Random, kind: str, operations: tuple[str, ...]) -> Life:
    return Life(number, kind, operations, rng.randrange(1000))


def _server(rng: random.Random) -> tuple[str, ...]:
    done, status, left = ["create"], "ACTIVE", rng.randint(1, 5)
    while left > 0 or status not in RESTS:
        operation = rng.choice(list(SERVER_MOVES[status]))
        status = SERVER_MOVES[status][operation]
        done.append(operation)
        left -= 1
    return (*done, *_end(rng))


def _unplaced(rng: random.Random) -> tuple[str, ...]:
    return ("create", *_end(rng))


def _volume(rng: random.Random) -> tuple[str, ...]:
    done = ["create"]
    for operation in rng.sample(VOLUME_MOVES, k=rng.randint(1, 3)):
        done.append(operation)
        if operation == "attach":
            done.append(rng.choice(("detach", "detach", "delete_server")))
    return (*done, *_end(rng))


def _volume_type(rng: random.Random) -> tuple[str, ...]:
    return ("create", *(["rename"] if rng.random() < 0.7 else []), *_end(rng))


def _end(rng: random.Random) -> tuple[str, ...]:
    return ("delete",) if rng.random() < 0.7 else ()
