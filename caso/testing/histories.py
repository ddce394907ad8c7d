"""Lives of servers, and of each the rows and instance actions that Nova would show at any time.

For tests of what caso makes of a past that it saw only now and then: the truth is known, and what a poll sees of
it is made from it.

>>> from datetime import UTC
>>> born = datetime(2024, 1, 10, tzinfo=UTC)
>>> life = ServerHistory("a", "p1", born, SMALL).then("resize", born + timedelta(hours=2), size=BIG)
>>> [(row["status"], row["flavor"]["vcpus"]) for row in life.rows(born + timedelta(hours=1), born + timedelta(hours=3))]
[('ACTIVE', 2), ('VERIFY_RESIZE', 16)]
>>> life.possible
('confirmResize', 'revertResize', 'delete', 'softDelete', 'touch')
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from caso.testing.servers import a_server, an_action
from caso.testing.verbs import LAUNCHES, VERBS

TOOK = timedelta(seconds=5)
"""How long what is done to a server takes, unless a test says otherwise."""


@dataclasses.dataclass(frozen=True)
class Size:
    """A flavor; ``accelerators`` is how many of ``model`` it brings."""

    name: str
    vcpus: int
    accelerators: int = 0
    model: str = "A100"

    @property
    def specs(self) -> Mapping[str, str]:
        """Its extra specs, under the names that caso reads unless told otherwise."""
        if not self.accelerators:
            return {}
        return {"Accelerator:Type": "GPU", "Accelerator:Model": self.model, "Accelerator:Number": str(self.accelerators)}


SMALL = Size("small", 2)
BIG = Size("big", 16)
ONE_GPU = Size("one-gpu", 8, accelerators=1)
TWO_GPUS = Size("two-gpus", 8, accelerators=2)
FPGA = Size("fpga", 4, accelerators=1, model="U280")


class Step(NamedTuple):
    """One thing done to a server, from ``begun`` to ``done``, when its state changed; ``size`` and ``status`` from then on."""

    verb: str
    begun: datetime
    done: datetime
    status: str
    size: Size


class Stretch(NamedTuple):
    """A part of a life with one state and size; ``end`` is None where it goes on."""

    start: datetime
    end: datetime | None
    status: str
    size: Size


@dataclasses.dataclass(frozen=True)
class ServerHistory:
    """The true life of a server that was asked for at ``created``, and ran ``built`` later; ``built`` None: it never did."""

    server_id: str
    project_id: str
    created: datetime
    size: Size
    built: timedelta | None = timedelta(minutes=1)
    steps: tuple[Step, ...] = ()

    @property
    def launched(self) -> datetime | None:
        """When it first ran."""
        return None if self.built is None else self.created + self.built

    @property
    def status(self) -> str:
        """Its state once all has been done."""
        return self.steps[-1].status if self.steps else "ERROR" if self.built is None else "ACTIVE"

    @property
    def ended(self) -> datetime | None:
        return self.steps[-1].done if self.status == "DELETED" else None

    @property
    def newest_size(self) -> Size:
        """Its size once all has been done."""
        return self.steps[-1].size if self.steps else self.size

    @property
    def quiet_from(self) -> datetime:
        """From when on the next thing may begin."""
        return self.steps[-1].done if self.steps else self.launched or self.created

    @property
    def possible(self) -> tuple[str, ...]:
        """The verbs that Nova allows next; what never ran can only be deleted."""
        allowed = [name for name, verb in VERBS.items() if self.status in verb.states]
        return tuple(name for name in allowed if self.launched or name in ("delete", "touch"))

    def then(self, verb: str, at: datetime, *, size: Size | None = None, took: timedelta = TOOK) -> ServerHistory:
        """The same life with one thing more done to it, which begins ``at``; ``size`` is what a resize leads to.

        ValueError where Nova would refuse it, or something else is being done.
        """
        if verb not in self.possible or at < self.quiet_from:
            raise ValueError(f"{self.server_id} is {self.status}, and nothing begins before {self.quiet_from}: no {verb} at {at}")
        now = self.newest_size
        if verb == "resize" and size in (None, now):
            raise ValueError(f"{self.server_id} has the size {now.name}: Nova resizes to another one only")
        after = (size or now) if verb == "resize" else self._before_resize()[1] if verb == "revertResize" else now
        step = Step(verb, at, at + took, self._status_after(verb), after)
        return dataclasses.replace(self, steps=(*self.steps, step))

    def stretches(self) -> tuple[Stretch, ...]:
        """What it truly was, from its creation on to its end, or on and on."""
        changes = [(self.created, "BUILD" if self.launched else "ERROR", self.size)]
        changes += [(self.launched, "ACTIVE", self.size)] if self.launched else []
        changes += [(step.done, step.status, step.size) for step in self.steps]
        ends = [*(start for start, _, _ in changes[1:]), None]
        told = [Stretch(start, end, status, size) for (start, status, size), end in zip(changes, ends, strict=True)]
        return tuple(stretch for stretch in told if stretch.status != "DELETED" and stretch.start != stretch.end)

    def row(self, at: datetime) -> dict[str, Any] | None:
        """What Nova shows of it at a time; None before it was asked for."""
        if at < self.created:
            return None
        done = [step for step in self.steps if step.done <= at]
        size = done[-1].size if done else self.size
        launches = [self.launched, *(step.done for step in done if step.verb in LAUNCHES)]
        launched = max((time for time in launches if time and time <= at), default=None)
        ended = self.ended if self.ended and self.ended <= at else None
        return a_server(
            self.server_id,
            self.project_id,
            status=self._status_at(at),
            created=f"{self.created:%Y-%m-%dT%H:%M:%SZ}",
            updated=f"{self.changed(at):%Y-%m-%dT%H:%M:%SZ}",
            flavor=a_server()["flavor"] | {"original_name": size.name, "vcpus": size.vcpus, "extra_specs": dict(size.specs)},
            **{"OS-SRV-USG:launched_at": _plain(launched), "OS-SRV-USG:terminated_at": _plain(ended)},
        )

    def rows(self, *times: datetime) -> list[dict[str, Any]]:
        """The rows at several times at which it is there."""
        return [row for row in map(self.row, times) if row]

    def changed(self, at: datetime) -> datetime:
        """When its row last changed before ``at``."""
        times = [self.created, *([self.launched] if self.launched else [])]
        times += [time for step in self.steps for time in (step.begun, step.done)]
        return max(time for time in times if time <= at)

    def actions(self, at: datetime) -> list[dict[str, Any]]:
        """What Nova tells at a time of what was done to it; what is being done has not come to an end, nor to an error yet."""
        first = Step("create", self.created, self.launched or self.created, "ACTIVE", self.size)
        return [self._action(step, at) for step in (first, *self.steps) if step.begun <= at and _name(step)]

    def _action(self, step: Step, at: datetime) -> dict[str, Any]:
        # Nova writes updated_at when a part of the action begins, and when it ends.
        finished = step.done if step.done <= at else step.begun
        failed = self.built is None if step.verb == "create" else VERBS[step.verb].failed
        return an_action(
            _name(step) or "",
            f"{finished:%Y-%m-%dT%H:%M:%S}",
            self.server_id,
            project_id=self.project_id,
            start_time=_plain(step.begun),
            message="Error" if failed and step.done <= at else None,
        )

    def _status_at(self, at: datetime) -> str:
        doing = next((step for step in self.steps if step.begun <= at < step.done), None)
        during = VERBS[doing.verb].during if doing else None
        done = [step.status for step in self.steps if step.done <= at]
        if during or done:
            return during or done[-1]
        if self.launched is None:
            return "ERROR"
        return "ACTIVE" if self.launched <= at else "BUILD"

    def _status_after(self, verb: str) -> str:
        status = VERBS[verb].status
        if status is None and self.status == "VERIFY_RESIZE" and verb != "touch":
            return self._before_resize()[0]
        return status or self.status

    def _before_resize(self) -> tuple[str, Size]:
        place = max(n for n, step in enumerate(self.steps) if step.verb in ("resize", "migrate"))
        before = self.steps[:place]
        return (before[-1].status, before[-1].size) if before else ("ACTIVE", self.size)


def rows_at(histories: Sequence[ServerHistory], at: datetime) -> list[dict[str, Any]]:
    """What Nova has of all of them at a time, the newest first, as it lists them."""
    rows = [history.row(at) for history in histories]
    return sorted((row for row in rows if row), key=lambda row: str(row["created"]), reverse=True)


def actions_at(histories: Sequence[ServerHistory], at: datetime) -> dict[str, list[dict[str, Any]]]:
    """What Nova tells at a time of what was done to each of them, for ``FakeCompute(actions=...)``."""
    return {history.server_id: history.actions(at) for history in histories}


def _name(step: Step) -> str | None:
    return "create" if step.verb == "create" else VERBS[step.verb].action


def _plain(instant: datetime | None) -> str | None:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}" if instant else None
