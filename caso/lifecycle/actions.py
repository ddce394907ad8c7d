"""What a server's instance actions tell of the time between two looks: pure.

A row of Nova tells when it last changed, not what changed then. Its instance actions tell what was done to
the server and when, so that of every change between two looks the time is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from caso.lifecycle.server import Server, ServerSeen, ServerState, same_size
from caso.lifecycle.timeline import Evidence, Source

LONG = timedelta(hours=2)
"""A row that changed while nobody looked for so long may have changed there and back: a server suspended and resumed."""
SLACK = timedelta(minutes=1)
"""Nova ends an action a little after it wrote the row; one that ends much later had not come to anything yet."""
SKEW = timedelta(minutes=5)
"""Nova's clock and ours differ by less."""

ON, OFF = "ACTIVE", "SHUTOFF"
IDLE = frozenset({OFF, "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED"})
"""In every other state a server runs, or is on its way to: it costs what a running one costs."""

# Nova's compute/instance_actions.py has the names of all actions; those that are not here change nothing that counts.
_LEADS_TO: Mapping[str, str] = {
    "start": ON,
    "stop": OFF,
    "reboot": ON,
    "pause": "PAUSED",
    "unpause": ON,
    "suspend": "SUSPENDED",
    "resume": ON,
    "unshelve": ON,
    "rescue": "RESCUE",
    "unrescue": ON,
    "restore": ON,
    "resize": "VERIFY_RESIZE",
    "migrate": "VERIFY_RESIZE",
    "shelveOffload": "SHELVED_OFFLOADED",
    # Where deleting is reclaimable; where it is not, the end of the server says it all.
    "delete": "SOFT_DELETED",
}
_TURNS = frozenset({"start", "stop", "reboot", "restore", "resume", "unpause", "unshelve", "unrescue"})
"""What leaves a server switched on, or off; the others come back to what it was."""
_BACK_TO_WHAT_IT_WAS = frozenset({"confirmResize", "revertResize", "rebuild", "evacuate"})
_SIZES = frozenset({"resize", "revertResize"})
_NAMES = _LEADS_TO.keys() | _BACK_TO_WHAT_IT_WAS | {"shelve"}


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """Something that was done to a server, by the name that Nova has for it; ``at`` is when it ended, or last went on."""

    name: str
    at: datetime
    failed: bool = False


def worth_asking(known: Server | None, seen: ServerSeen, looked_at: datetime | None = None) -> bool:
    """Whether actions could tell more of the time since the server was last seen than its row does.

    They could where its flavor or class of state is another one, or its row changed while
    nobody looked for long. Of the time before the first look nothing is asked: it counts as the first look shows it.
    ``looked_at`` is when it was known to be unchanged though it was not seen, if it was.
    """
    if known is None or (known.ended is not None and known.end_reason is None):
        return False
    newest = known.newest_claim
    changed_last = seen.ended or seen.unchanged_since
    if changed_last <= newest.since:
        return False
    looked_at = max(newest.until, looked_at or newest.until)
    if not same_size(newest.value.flavor, seen.state.flavor) or seen.seen_at - looked_at > LONG:
        return True
    return seen.ended is None and _class_of(newest.value.status) != _class_of(seen.state.status)


def asked_since(known: Server) -> datetime:
    """From when on its actions are of use: what was done before it was last seen, that look has shown, clocks apart."""
    newest = known.newest_claim
    return max(newest.since, newest.until - SKEW)


def told_by(known: Server, actions: Iterable[Action], seen: ServerSeen) -> tuple[Evidence[ServerState], ...]:
    """What the actions say the server was, from its last look ``known`` on to what ``seen`` shows, oldest first.

    Nova does not tell to which flavor a resize went: of several the last one leads to the
    flavor that is seen, and until then it counts as it was known, which is assumed.
    """
    newest = known.newest_claim
    end = seen.ended or seen.unchanged_since
    since = asked_since(known)
    done = sorted(
        (action for action in actions if not action.failed and action.name in _NAMES and since <= action.at <= end + SLACK),
        key=lambda action: action.at,
    )
    if seen.ended is not None:
        # Deleting it for good, which its end tells; before that it may have been deleted so that it could be restored.
        done = [action for action in done if action.at < (end - SLACK if action.name == "delete" else end)]
    changes = _without_what_is_yet_to_come(list(_changes(newest.value, done, seen)), newest.value, seen)
    starts = [min(change.at, end) for change in changes]
    return tuple(
        Evidence(change.state, start, until, seen.seen_at, change.source)
        for change, (start, until) in zip(changes, pairwise([*starts, end]), strict=True)
    )


class _Change(NamedTuple):
    """What the server became, and when; ``source`` is ACTION unless only some of that is told: not its size, or not its state."""

    at: datetime
    state: ServerState
    source: Source


def _changes(before: ServerState, done: Sequence[Action], seen: ServerSeen) -> Iterator[_Change]:
    """Each state that the actions led to; nothing where one led to what was."""
    changed = not same_size(before.flavor, seen.state.flavor)
    resizes = [action.at for action in done if action.name in _SIZES]
    resized = max(resizes, default=None) if changed else None
    state, rest = before, OFF if before.status == OFF else ON
    for place, action in enumerate(done):
        following = done[place + 1].name if place + 1 < len(done) else None
        if action.name == "shelve":
            status, source = _shelved(action, following, seen)
        else:
            status, source = rest if action.name in _BACK_TO_WHAT_IT_WAS else _LEADS_TO[action.name], Source.ACTION
        rest = status if action.name in _TURNS else rest
        flavor = seen.state.flavor if resized is not None and action.at >= resized else before.flavor
        # Nobody tells its size from the first of several resizes to the last, nor where none led to the one that is seen.
        if (changed and not resizes) or (resizes and resizes[0] <= action.at < resizes[-1]):
            source = Source.ASSUMPTION
        after = ServerState(status, before.project_id, flavor)
        if after != state:
            yield _Change(action.at, after, source)
        state = after


def _shelved(action: Action, following: str | None, seen: ServerSeen) -> tuple[str, Source]:
    """Nova offloads at once unless its operator has it wait, which the action does not tell: then it is assumed."""
    if following == "shelveOffload" or (following is None and seen.state.status == "SHELVED"):
        return "SHELVED", Source.ACTION
    at_once = following is None and seen.state.status == "SHELVED_OFFLOADED" and seen.unchanged_since <= action.at + SLACK
    return "SHELVED_OFFLOADED", Source.ACTION if at_once else Source.ASSUMPTION


def _without_what_is_yet_to_come(told: Sequence[_Change], before: ServerState, seen: ServerSeen) -> Sequence[_Change]:
    """The changes but for a last one that the row does not show, as it is only being made."""
    if not told or seen.ended is not None or seen.state.status == "ERROR":
        return told
    previous = told[-2].state if len(told) > 1 else before
    shown = _class_of(seen.state.status)
    return told[:-1] if _class_of(told[-1].state.status) != shown == _class_of(previous.status) else told


def _class_of(status: str) -> str:
    return status if status in IDLE else ON
