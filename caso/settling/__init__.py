"""From entities to the ledger: the one accounting pass after extraction, one function per kind of entity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from caso.planning import Plan
from caso.records import Record
from caso.settling.context import Accounts, Context, Settled
from caso.settling.energy import settle_energy
from caso.settling.levels import settle_addresses
from caso.settling.lives import settle_lives
from caso.settling.servers import SERVERS
from caso.settling.volumes import VOLUMES
from caso.store import Changes, Place, Statement, Step, Store
from caso.window import BEGINNING, RESOLUTION, Month, Window

__all__ = ["Accounts", "Settled", "put_own", "settle"]

PASSES: Mapping[str, Callable[[Context], None]] = {
    # Addresses first: the records of servers say how many lead to each.
    "address": settle_addresses,
    "volume": partial(settle_lives, VOLUMES),
    "server": partial(settle_lives, SERVERS),
    "energy": settle_energy,
}


def settle(store: Store, accounts: Accounts, plan: Plan, whole: bool, *, moves: bool = True, last: bool = False) -> Settled:
    """Commit together: the records of what a scope's extractor observes, and its checkpoint where the window was ``whole``.

    Of a window that could not be finished, what was seen of it is accounted for; the checkpoint stays. It stays as well
    where it is not to move (``moves``): all that can be accounted for is, and the window may yet be told.
    A stretch of the past moves no checkpoint; how far it has come is noted with its records. ``last``: the scope's last window.
    """
    settled = Settled()
    kinds = accounts.observes[plan.scope.extractor]
    with store.transaction() as step:
        began = _with_its_beginning(step, plan, kinds)
        context = Context(step, began, accounts, whole, settled, last)
        for kind in (kind for kind in PASSES if kind in kinds):
            PASSES[kind](context)
        if plan.live:
            step.checkpoints.advance(
                plan.scope,
                # Where a first window could not be finished, it is from now on known where it began.
                plan.window.end if whole and moves else plan.window.start,
                since=plan.since,
                opening=plan.opening,
                vo=accounts.vo_of[plan.scope.project_id],
                service=context.rules.service_name,
                kinds=kinds,
            )
            if whole and moves:
                step.histories.covered(plan.scope, plan.window.start)
        elif whole:
            step.histories.advance(plan.scope, plan.window.end)
    return settled


def _with_its_beginning(step: Step, plan: Plan, kinds: Collection[str]) -> Plan:
    """The plan with the beginning of accounting of its project, whichever extractor of the same kinds that was."""
    if not plan.live:
        return _up_to_its_checkpoint(step, plan)
    siblings = [sibling for sibling in step.checkpoints.siblings(plan.scope) if sibling.kinds & set(kinds)]
    begun = [(checkpoint.since or BEGINNING, checkpoint.opening) for checkpoint in siblings]
    since, opening = min([(plan.since, plan.opening), *begun], key=lambda beginning: beginning[0])
    return dataclasses.replace(plan, since=since, opening=opening)


def _up_to_its_checkpoint(step: Step, plan: Plan) -> Plan:
    """The plan with the end of what was extracted, where a run went on meanwhile in its last month."""
    checkpoint = step.checkpoints.get(plan.scope)
    start, end = plan.window
    reached = end if checkpoint is None else min(checkpoint.until, Month.of(end - RESOLUTION).end)
    return dataclasses.replace(plan, window=Window(start, max(end, reached)))


def put_own(store: Store, place: Place, records: Sequence[Record]) -> Changes:
    """Keep records that an extractor made itself: kinds that no accounting function makes."""
    if not records:
        return Changes()
    with store.transaction() as step:
        return step.ledger.put_many(
            Statement(
                subject=f"record/{record.key}",
                kinds=frozenset({record.kind}),
                since=record.month,
                until=record.month,
                known_at=record.known_at,
                records=[record],
                place=place,
                project_id="",
            )
            for record in records
        )
