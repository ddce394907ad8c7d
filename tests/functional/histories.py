"""What servers and volumes with a history used in each month, and how exactly caso can know it: from the truth alone.

Accounting's rules: before the first look at a server all is wall time with the flavor it has then; a volume likewise.
After it the truth counts. Between two looks a change is known to the second where something tells when it was, and which;
else use may be booked wrongly by no more than the time between the two looks.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from caso.window import Month
from tests.cloud.seed.truth import Server, Step, Truth, Volume, VolumeStep
from tests.functional.expectation import ASLEEP, STATUSES, month_of

OVERLAP = timedelta(minutes=5)
"""A listing of changes goes back so far before the last run."""
LONG = timedelta(hours=2)
"""Who has not looked for longer asks about every server that changed meanwhile."""


class Piece(NamedTuple):
    """A stretch of a server's life: its flavor, and whether its seconds are wall time."""

    start: datetime
    end: datetime
    flavor: str
    awake: bool

    def seconds_in(self, month: Month) -> float:
        return seconds_in(month, self.start, self.end)


class Gap(NamedTuple):
    """A stretch between two looks of which it is not told what happened when: sleep and waking (``asleep``), or a flavor."""

    start: datetime
    end: datetime
    asleep: bool


@dataclasses.dataclass(frozen=True)
class Use:
    """A month of one server: truth in seconds, and how far from it an accountant may be."""

    wall: float
    cpu: float
    devices: Counter[str]
    slack: float
    cpu_slack: float


def seconds_in(month: Month, start: datetime, end: datetime) -> float:
    return max(0.0, (min(end, month.end) - max(start, month.start)).total_seconds())


def looks(server: Server, polls: Sequence[datetime]) -> list[datetime]:
    """The polls that see the server: among the living ones, or among those changed since the poll before."""
    found = []
    for before, poll in pairwise([month_of(polls[0]), *polls]):
        step = server.state(poll)
        if step and (server.exists(poll) or step.at >= before - OVERLAP):
            found.append(poll)
    return found


def pieces(server: Server, seen: Sequence[datetime], until: datetime) -> Iterator[Piece]:
    """The life of a server as the rules have it, to its end or ``until``."""
    first = _step(server, seen[0])
    end = min(until, server.deleted_at) if server.deleted_at else until
    yield Piece(server.created, min(seen[0], end), first.flavor, awake=True)
    edges = sorted({seen[0], *(step.at for step in server.steps if step.at > seen[0]), end})
    for start, stop in pairwise(edge for edge in edges if edge <= end):
        step = _step(server, start)
        yield Piece(start, stop, step.flavor, not _asleep(step))


def gaps(server: Server, seen: Sequence[datetime]) -> Iterator[Gap]:
    """The stretches in which something billed changed, and nothing tells what was when; from the row's last change on it does."""
    for before, after in pairwise(seen):
        changed = list(_billed_changes(server, before, after))
        flavors = sum(one.flavor != other.flavor for one, other in changed)
        asked = _is_surely_asked_about(server, before, after)
        asleep = any(_asleep(one) != _asleep(other) for one, other in changed)
        asleep = asleep and not (asked and all(_has_an_action(server, step) for _, step in changed))
        asleep = asleep or _is_shelved_unseen(server, before, after)
        if asleep or flavors > 1 or (flavors and not asked):
            yield Gap(before, min(_step(server, after).at, server.deleted_at or after), asleep)


def is_asked_about(server: Server, before: datetime, after: datetime) -> bool:
    """Whether the second of two looks may be reason to ask for the server's actions."""
    old, new = _step(server, before), _step(server, after)
    if new.at <= old.at:
        return False
    return old.flavor != new.flavor or _class_of(old) != _class_of(new) or after - before > LONG


def _is_surely_asked_about(server: Server, before: datetime, after: datetime) -> bool:
    """The same; but that a server is deleted is no reason: what it was switched to shortly before may not be known."""
    old, new = _step(server, before), _step(server, after)
    if old.flavor != new.flavor or after - before > LONG:
        return True
    return new.vm_state != "deleted" and _class_of(old) != _class_of(new)


def _has_an_action(server: Server, step: Step) -> bool:
    return any(action.finish == step.at and not action.failed for action in server.actions)


def _is_shelved_unseen(server: Server, before: datetime, after: datetime) -> bool:
    """Whether it was shelved between two looks, and neither the second nor an action says whether it was offloaded as well."""
    done = [
        one for one in server.actions if one.finish and before < one.finish <= after and not one.failed and one.name != "lock"
    ]
    shown = _step(server, after).vm_state in ("shelved", "shelved_offloaded")
    following = [*(action.name for action in done[1:]), "shelveOffload" if shown else "nothing"]
    return any(one.name == "shelve" and then != "shelveOffload" for one, then in zip(done, following, strict=False))


def _billed_changes(server: Server, before: datetime, after: datetime) -> Iterator[tuple[Step, Step]]:
    for one, other in pairwise(server.steps):
        billed = one.flavor != other.flavor or _asleep(one) != _asleep(other)
        if billed and before < other.at <= after and other.vm_state != "deleted":
            yield one, other


def _asleep(step: Step) -> bool:
    return step.vm_state in ASLEEP


def _class_of(step: Step) -> str:
    """What has a status of its own, or costs what a running server costs."""
    return step.vm_state if step.vm_state in {*STATUSES, "deleted"} - {"error"} else "on"


def _step(server: Server, at: datetime) -> Step:
    step = server.state(at)
    if step is None:
        raise ValueError(f"{server.id} is not there yet at {at}")
    return step


def server_use(truth: Truth, server: Server, polls: Sequence[datetime], month: Month) -> Use | None:
    """What the server used in a month; None where it is in no poll's sight, or no poll saw it launched."""
    seen = looks(server, polls)
    if not any(_step(server, look).launched_at for look in seen):
        return None
    lived = list(pieces(server, seen, polls[-1]))
    wall, cpu, devices = 0.0, 0.0, Counter[str]()
    for piece in lived:
        flavor, seconds = truth.flavor(piece.flavor), piece.seconds_in(month) * piece.awake
        wall += seconds
        cpu += seconds * flavor.vcpus
        if "Accelerator:Model" in flavor.extra_specs and piece.seconds_in(month):
            devices[f"{flavor.extra_specs['Accelerator:Vendor']} {flavor.extra_specs['Accelerator:Model']}"] += round(seconds)
    doubtful = [(seconds_in(month, gap.start, gap.end), gap) for gap in gaps(server, seen)]
    most = max(truth.flavor(step.flavor).vcpus for step in server.steps)
    slack, cpu_slack = sum(s for s, gap in doubtful if gap.asleep), sum(s for s, _ in doubtful) * most
    return Use(wall, cpu, devices, slack, cpu_slack)


VolumeKey = tuple[str, str]
"""Project and type."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """A month of one volume: byte-seconds by project and type, and how far from these an accountant may be."""

    byte_seconds: Counter[VolumeKey]
    slack: float


def volume_use(volume: Volume, polls: Sequence[datetime], month: Month) -> Storage:
    """What the volume held in a month; a month's very last second is nobody's, as records of storage are dated."""
    seen = [poll for poll in polls if volume.exists(poll)]
    used = Counter[VolumeKey]()
    if not seen:
        return Storage(used, 0)
    end = min(polls[-1], volume.deleted_at or polls[-1])
    edges = sorted({volume.created, seen[0], *(step.at for step in volume.steps if step.at > seen[0]), end})
    for start, stop in pairwise(edge for edge in edges if edge <= end):
        state = volume.state(max(start, seen[0]))
        used[state.project_id, state.type] += _byte_seconds(state, start, stop, month)
    biggest = max([volume.size_gib, *(step.size_gib for step in volume.steps)]) * 2**30
    return Storage(+used, biggest * sum(seconds_in(month, *gap) for gap in _volume_gaps(volume, seen, polls)))


def _byte_seconds(state: VolumeStep, start: datetime, stop: datetime, month: Month) -> int:
    seconds = (min(stop, month.last_second) - max(start, month.start)).total_seconds()
    return max(0, int(seconds)) * state.size_gib * 2**30


def _volume_gaps(volume: Volume, seen: Sequence[datetime], polls: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Where more changed than the row's one time can tell, and between the last look and the poll that missed the volume."""
    for before, after in pairwise(seen):
        states = [volume.state(before), *(step for step in volume.steps if before < step.at <= after)]
        changed = [new for old, new in pairwise(states) if _billed(old) != _billed(new)]
        if changed and changed != states[-1:]:
            yield before, states[-1].at
    if volume.deleted_at and volume.deleted_at <= polls[-1]:
        yield seen[-1], volume.deleted_at


def _billed(state: VolumeStep) -> tuple[int, str, str]:
    return state.size_gib, state.type, state.project_id


def storage_received(rows: Iterable[dict[str, object]]) -> dict[tuple[str, Month], Counter[VolumeKey]]:
    """Of the rows that the recipient holds: byte-seconds by volume and month, and by project and type."""
    used: dict[tuple[str, Month], Counter[VolumeKey]] = defaultdict(Counter)
    for row in rows:
        volume_id, month, _ = str(row["RecordId"]).split("/")
        start, end, size = row["StartTime"], row["EndTime"], row["ResourceCapacityUsed"]
        assert isinstance(start, datetime)
        assert isinstance(end, datetime)
        assert isinstance(size, int)
        year, number = map(int, month.split("-"))
        used[volume_id, Month(year, number)][str(row["LocalGroup"]), str(row["StorageClass"])] += size * int(
            (end - start).total_seconds()
        )
    return {key: +counts for key, counts in used.items()}
