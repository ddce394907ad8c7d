"""Servers: cloud and accelerator records, from all that is known of each and of the addresses that lead to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain

from caso.accounting.paces import NO_PACES, Told, server_paces
from caso.accounting.servers import KINDS, accelerator_records, cloud_record, never_shrinking, readings
from caso.lifecycle.address import Address
from caso.lifecycle.measured import NOTHING, Metered
from caso.planning import Plan
from caso.records import CloudRecord, Record
from caso.settling.context import Context
from caso.settling.lives import Lives, Owed
from caso.settling.terms import terms_of
from caso.store import Checkpoint
from caso.window import BEGINNING, Month

LOG = logging.getLogger(__name__)


def _account(context: Context, owed: Sequence[Owed]) -> Mapping[str, Told]:
    earlier = _earlier(context, owed)
    addresses = _Addresses(context, owed)
    metered = context.step.measures.metered(context.place, [one.uuid for one in owed])
    return {one.uuid: _records(context, one, earlier.get(one.uuid), addresses, metered.get(one.uuid, NOTHING)) for one in owed}


def _terms(context: Context) -> str:
    return terms_of(context, _tell_of_addresses(context))


SERVERS = Lives("server", frozenset(KINDS), _account, _terms)


def _earlier(context: Context, owed: Sequence[Owed]) -> dict[str, Record]:
    """For each server that has one, the newest cloud record of a month before the one that it is accounted for from."""
    found: dict[str, Record] = {}
    # What was made in the month has no month before.
    since = {one.uuid: Month.of(one.since) for one in owed if one.item.entity.created < Month.of(one.since).start}
    for month in set(since.values()):
        uuids = {SERVERS.subject(uuid): uuid for uuid, its in since.items() if its == month}
        records = context.step.ledger.before_many(uuids, CloudRecord.kind, month)
        found |= {uuids[subject]: record for subject, record in records.items()}
    return found


def _records(context: Context, owed: Owed, before: Record | None, addresses: _Addresses, metered: Metered) -> Told:
    server = owed.item.entity
    opening = _opening(owed.since, before, context.plan)
    newest = before if isinstance(before, CloudRecord) else None
    records: list[Record] = []
    paces = NO_PACES
    for reading in readings(server, owed.since, owed.until, context.accounts.vo_of, opening):
        leading = addresses.of(server.uuid)
        measured = cloud_record(reading, context.rules, leading, metered)
        record = never_shrinking(measured, newest)
        held_up = record is not measured and record != measured
        if held_up:
            context.settled.shrunk += 1
            LOG.warning("server %s: cumulative use would fall in %s; the larger value is sent", server.uuid, record.month)
        accelerators = list(accelerator_records(reading, context.rules))
        records += [record, *accelerators]
        paces = NO_PACES if held_up else server_paces(reading, context.rules, record, accelerators, leading, metered)
        newest = record
    return Told(records, paces)


def _opening(since: datetime, before: Record | None, plan: Plan) -> datetime | None:
    """The opening of the plan, where the month before has no record yet that differences could start from."""
    if plan.opening is None or Month.of(since) != Month.of(plan.opening):
        return None
    return plan.opening if before is None or before.month.next() < Month.of(plan.opening) else None


class _Addresses:
    """The public addresses that ever led to a server, as Neutron tells; None where it was not asked."""

    def __init__(self, context: Context, owed: Sequence[Owed]) -> None:
        self._asked = _tell_of_addresses(context)
        self._of: dict[str, list[Address]] = {}
        if not self._asked:
            return
        # An address that was last seen before the end of its server may have been the server's until then.
        all_leading = context.leading(Month.of(min(one.since for one in owed)))
        leading = {one.uuid: all_leading[one.uuid] for one in owed if one.uuid in all_leading}
        known = context.step.entities.known(context.place, "address", sorted(set(chain.from_iterable(leading.values()))))
        self._of = {uuid: [known[key] for key in those] for uuid, those in leading.items()}

    def of(self, uuid: str) -> Sequence[Address] | None:
        return self._of.get(uuid, ()) if self._asked else None


def _tell_of_addresses(context: Context) -> bool:
    """Whether Neutron, and not Nova's row, says how many addresses lead to a server."""
    return any(_tells_of_addresses(one, context) for one in context.step.checkpoints.siblings(context.plan.scope))


def _tells_of_addresses(checkpoint: Checkpoint, context: Context) -> bool:
    if "address" not in checkpoint.kinds or checkpoint.until == (checkpoint.since or BEGINNING):
        # A first window that could not be finished tells of some addresses, or of none.
        return False
    # One that cannot be asked just now counts as it told last; who is not asked any more knows nothing of today.
    return checkpoint.scope.extractor in context.accounts.observes or checkpoint.until >= context.plan.window.start
