"""A cloud with so and so many living servers, and hours in which a share of them changes."""

import dataclasses
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.cloud import T1, Cloud, Seed
from tests.cloud.rows.nova import add_servers
from tests.cloud.rows.table import Rows, write_difference
from tests.cloud.seed.truth import Action, Server, Step, Truth

PROJECTS = 5
DELETED = 5
"""For each so many living servers there is one that was deleted in the months before."""
BILLED = 0.2
"""Of the servers that change, the share that is resized or suspended, half and half; of the others only updated_at moves."""
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SIZES = ("m1.small", "m1.medium", "m1.large", "bench.large")


@dataclasses.dataclass(frozen=True)
class Changed:
    """What an hour did to a fleet: how many servers were written to, and of these how many are billed otherwise."""

    servers: int
    billed: int


NOTHING = Changed(0, 0)


class Fleet:
    """The cloud stands at its reference time, but for what ``hour`` does to its servers."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.now = cloud.truth.reference
        self._random = random.Random("bench")
        known = {project.id for project in cloud.truth.accounted}
        self.servers = {one.id: until(one, self.now) for one in cloud.truth.servers_at(self.now) if one.project_id in known}

    def hour(self, share: float) -> Changed:
        """An hour passes, and changes ``share`` of the living servers that are accounted for."""
        return self.change(round(share * len(self.servers)))

    def change(self, count: int) -> Changed:
        """An hour passes, and changes so many of them."""
        chosen = self._random.sample(sorted(self.servers), count)
        # Only a server that runs can be resized or suspended by all releases.
        running = [name for name in chosen if self.servers[name].steps[-1].vm_state == "active"]
        billed = running[: round(BILLED * len(chosen))]
        for number, name in enumerate(billed):
            at = self._sometime()
            self.servers[name] = (resized if number % 2 else suspended)(self.servers[name], at)
        for name in set(chosen) - set(billed):
            self.servers[name] = touched(self.servers[name], self._sometime())
        self.now += HOUR
        rows = Rows()
        add_servers(rows, self.cloud.truth, {name: self.servers[name] for name in chosen}, self.now)
        write_difference(self.cloud.workdir / "db", Rows(), rows)
        return Changed(len(chosen), len(billed))

    def _sometime(self) -> datetime:
        """Within the hour, and not so near to its end that the next run has to ask again."""
        return self.now + 10 * MINUTE + self._random.randrange(40 * 60) * SECOND


@contextmanager
def fleet(folder: Path, living: int, limits: Mapping[str, int] | None = None) -> Iterator[Fleet]:
    """A cloud with so many living servers, in five projects alike, and two with a tenth, one of which is not accounted for."""
    each = int(living / (PROJECTS + 0.2))
    with Cloud.start(folder, Seed(PROJECTS, each, each // DELETED, T1, oddities=False), limits=limits) as cloud:
        with cloud.database("cinder") as cinder:
            # cASO stops at the first volume without a name, and would leave out the others.
            cinder.execute("update volumes set display_name = id where coalesce(display_name, '') = ''")
        yield Fleet(cloud)


def until(server: Server, at: datetime) -> Server:
    """The server as if nothing had been done to it after that time."""
    steps = tuple(step for step in server.steps if step.at <= at)
    actions = tuple(action for action in server.actions if action.start <= at)
    return dataclasses.replace(server, steps=steps, actions=actions, deleted_at=None, terminated_at=None)


def touched(server: Server, at: datetime) -> Server:
    return _with(server, dataclasses.replace(server.steps[-1], at=at))


def suspended(server: Server, at: datetime) -> Server:
    step = dataclasses.replace(server.steps[-1], at=at, vm_state="suspended")
    return _with(server, step, Action("suspend", at - 8 * SECOND, at))


def resized(server: Server, at: datetime) -> Server:
    now = server.steps[-1]
    other = SIZES[(SIZES.index(now.flavor) + 1) % len(SIZES)]
    step = dataclasses.replace(now, at=at, flavor=other, launched_at=at - 60 * SECOND)
    resize = Action("resize", at - 100 * SECOND, at - 60 * SECOND)
    return _with(server, step, resize, Action("confirmResize", at - 2 * SECOND, at))


def _with(server: Server, step: Step, *actions: Action) -> Server:
    return dataclasses.replace(server, steps=(*server.steps, step), actions=(*server.actions, *actions))


def projects_of(truth: Truth) -> list[str]:
    return [project.id for project in truth.accounted]
