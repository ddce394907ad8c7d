"""Drains the ledger to each messenger; the only catcher of delivery errors."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from caso.differences import What, differences
from caso.errors import CasoError, DeliveryError, LockedError, RejectedError, after_name
from caso.messengers.base import Messenger
from caso.store import Deliveries, Held, Lease, Store, Subscription, Tally, Waiting

LOG = logging.getLogger(__name__)

AHEAD = 4
"""Batches that are found with one look at all that is due, which sorts it; what they hold is read batch by batch."""


@dataclasses.dataclass(frozen=True)
class Outlet:
    """A messenger as configured: the kinds it takes (None: all), and whether, when new, it is due what is held."""

    name: str
    messenger: Messenger
    kinds: frozenset[str] | None = None
    replay: bool = True


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What became of one messenger's records in one run; ``error`` is why some stayed due, or None."""

    name: str
    sent: int
    refused: int
    tally: Tally
    error: CasoError | None = None

    @property
    def clean(self) -> bool:
        return self.error is None and not self.refused


@dataclasses.dataclass(frozen=True)
class Preview:
    """How many records of one kind, project and VO differ from what a messenger accepted last, and how."""

    messenger: str
    project_id: str
    vo: str
    kind: str
    counts: Mapping[What, int]

    @property
    def records(self) -> int:
        return sum(self.counts.values())


def preview(store: Store, outlets: Sequence[Outlet]) -> list[Preview]:
    """What :func:`deliver` would change for each messenger, counted; nothing is written."""
    groups: dict[tuple[str, str, str, str], Counter[What]] = {}
    for outlet in outlets:
        for one in differences(store, outlet.name):
            group = (outlet.name, one.project_id, one.vo, one.compared.line.kind)
            groups.setdefault(group, Counter())[one.what] += 1
    place = {outlet.name: number for number, outlet in enumerate(outlets)}
    return [Preview(*group, groups[group]) for group in sorted(groups, key=lambda group: (place[group[0]], *group))]


def deliver(
    store: Store, outlets: Sequence[Outlet], clock: Callable[[], datetime], told: Callable[[int], None] = lambda count: None
) -> list[Delivery]:
    """Send each messenger what it has not accepted yet, oldest first; one that fails holds back only itself.

    They have to be subscribed (:func:`subscribe`). A messenger whose lock another run holds is left to that run.
    ``told`` is called with the size of each batch accepted.
    """
    return [_deliver_to(outlet, store, clock, told) for outlet in outlets]


def subscribe(store: Store, outlets: Sequence[Outlet], at: datetime, *, whole: bool = True) -> None:
    """Note which messengers there are: before a run makes records, so that one without replay is due what it makes.

    Not ``whole``: there are others, which this run is not about.
    """
    store.ledger.configure({outlet.name: Subscription(outlet.kinds, outlet.replay) for outlet in outlets}, at, whole=whole)


def _deliver_to(outlet: Outlet, store: Store, clock: Callable[[], datetime], told: Callable[[int], None]) -> Delivery:
    done = Progress()
    error: CasoError | None = None
    try:
        with store.locks.acquire([f"messenger {outlet.name}"], clock()) as lease:
            _drain(outlet, store.ledger, lease, clock, done, told)
            store.ledger.note_success(outlet.name, clock())
    except LockedError as exc:
        error = exc
    except DeliveryError as exc:
        why = after_name(outlet.name, exc)
        LOG.error("messenger %s: %s. What it has not accepted stays due for the next run.", outlet.name, why)
        error = exc
    return Delivery(outlet.name, done.sent, done.refused, store.ledger.counts(outlet.name), error)


@dataclasses.dataclass
class Progress:
    """How far one drain has come."""

    sent: int = 0
    refused: int = 0


def _drain(
    outlet: Outlet,
    ledger: Deliveries,
    lease: Lease,
    clock: Callable[[], datetime],
    done: Progress,
    told: Callable[[int], None],
) -> None:
    size = outlet.messenger.batch_size
    while waiting := ledger.waiting(outlet.name, AHEAD * size):
        for first in range(0, len(waiting), size):
            whole = _hand_over(outlet, ledger, waiting[first : first + size], clock, done, told)
            lease.renew(clock())
            if not whole:
                # What was not sent, or is due anew, is older than what comes next.
                break


def _hand_over(
    outlet: Outlet,
    ledger: Deliveries,
    waiting: Sequence[Waiting],
    clock: Callable[[], datetime],
    done: Progress,
    told: Callable[[int], None],
) -> bool:
    """Whether all of these were sent and accepted. Those that are refused are set aside, and the others are still due then."""
    batch = ledger.offer(waiting)
    refused = _send(outlet, batch) if batch else []
    if refused:
        for held, reason in refused:
            LOG.error("messenger %s refuses %s: %s; it is set aside", outlet.name, held.key, reason)
        ledger.set_aside(outlet.name, refused, clock())
        done.refused += len(refused)
    else:
        ledger.accept(outlet.name, batch, clock())
        done.sent += len(batch)
        told(len(batch))
    return not refused and len(batch) == len(waiting)


def _send(outlet: Outlet, batch: Sequence[Held]) -> list[tuple[Held, str]]:
    """Nothing when the recipient holds the batch, else what it refuses, and why."""
    try:
        outlet.messenger.send([held.record for held in batch])
    except RejectedError as exc:
        refused = [(held, exc.reasons[held.key]) for held in batch if held.key in exc.reasons]
        if not refused:
            raise DeliveryError(f"it refuses records that it was not sent: {exc}") from exc
        return refused
    except DeliveryError:
        raise
    except (Exception, SystemExit) as exc:
        raise DeliveryError(f"{type(exc).__name__} in the plug-in: {exc}; tell its author") from exc
    return []
