"""Volumes: storage records, under the sequence numbers that they were published with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caso.accounting.paces import Told, volume_paces
from caso.accounting.volumes import storage_records
from caso.records import Record, StorageRecord
from caso.settling.context import Context
from caso.settling.lives import Lives, Owed
from caso.settling.terms import terms_of
from caso.window import Month


def _account(context: Context, owed: Sequence[Owed]) -> Mapping[str, Told]:
    subjects = {VOLUMES.subject(one.uuid): one for one in owed}
    held = context.step.ledger.held_many(subjects, StorageRecord.kind, Month.of(min(one.since for one in owed)))
    return {one.uuid: _told(context, one, held.get(subject, ())) for subject, one in subjects.items()}


def _told(context: Context, owed: Owed, held: Sequence[Record]) -> Told:
    published = [record for record in held if isinstance(record, StorageRecord)]
    volume, vo_of = owed.item.entity, context.accounts.vo_of
    records = storage_records(volume, owed.since, owed.until, vo_of, context.rules, published)
    return Told(records, volume_paces(volume, records, owed.until))


VOLUMES = Lives("volume", frozenset({StorageRecord.kind}), _account, terms_of)
