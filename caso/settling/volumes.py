"""Volumes: storage records, under the sequence numbers that they were published with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caso.accounting.volumes import storage_records
from caso.records import Record, StorageRecord
from caso.settling.context import Context
from caso.settling.lives import Lives, Owed
from caso.window import Month


def _account(context: Context, owed: Sequence[Owed]) -> Mapping[str, Sequence[Record]]:
    subjects = {VOLUMES.subject(one.uuid): one for one in owed}
    held = context.step.ledger.held_many(subjects, StorageRecord.kind, Month.of(min(one.since for one in owed)))
    return {
        one.uuid: storage_records(
            one.item.entity,
            one.since,
            one.until,
            context.accounts.vo_of,
            context.rules,
            [record for record in held.get(subject, ()) if isinstance(record, StorageRecord)],
        )
        for subject, one in subjects.items()
    }


VOLUMES = Lives("volume", frozenset({StorageRecord.kind}), _account)
