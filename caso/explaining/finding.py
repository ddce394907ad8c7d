"""From an id, or the beginning of one, to what the store holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caso.accounting.rules import Rules
from caso.errors import ConfigError
from caso.explaining.explanation import Explanation, explain
from caso.explaining.held import Background
from caso.lifecycle.measured import NOTHING
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.store import Known, Place, Quarantined, Selection, Store
from caso.window import BEGINNING, SECOND, Month

KINDS = frozenset({ServerSeen.kind, VolumeSeen.kind})
SHORTEST = 8
"""Characters of an id that may stand for it, as long as no other begins so."""


class Answer(NamedTuple):
    """What there is under one id: an explanation for each region that it is known in, and where it could not be read."""

    thing_id: str
    explanations: Sequence[Explanation]
    quarantined: Sequence[tuple[Place, Quarantined]]


def find(store: Store, text: str, rules: Rules) -> Answer:
    """What ``text`` means: an id, or its beginning. ConfigError where it means nothing, or several things."""
    thing_id = _id_of(store, text)
    found = store.lookup.entities(thing_id, KINDS)
    return Answer(
        thing_id, [explain(known, _background(store, known, rules)) for known in found], store.lookup.quarantined(thing_id, KINDS)
    )


def _id_of(store: Store, text: str) -> str:
    wanted = text.strip()
    if store.lookup.entities(wanted, KINDS) or store.lookup.quarantined(wanted, KINDS):
        return wanted
    beginning = store.lookup.ids_from(wanted, KINDS) if len(wanted) >= SHORTEST else []
    if len(beginning) == 1:
        return beginning[0]
    if beginning:
        raise ConfigError(
            f"several servers and volumes begin with {wanted}; write more of the one that you mean{_list(beginning)}"
        )
    near = store.lookup.ids_like(wanted, KINDS)
    if len(wanted) < SHORTEST and not near:
        raise ConfigError(f"{wanted!r} is too short for an id; write the first {SHORTEST} characters of it, or more")
    meant = f"did you mean{_list(near)}" if near else "a run of caso-extract has to see it first"
    raise ConfigError(f"the store knows no server and no volume {wanted}; {meant}")


def _list(ids: Sequence[str]) -> str:
    return "".join(f"\n  {one}" for one in ids)


def _background(store: Store, known: Known, rules: Rules) -> Background:
    marks = [mark for mark in store.checkpoints.all() if mark.scope.cloud == known.place.cloud]
    mine = [mark for mark in marks if mark.scope.place == known.place and mark.scope.project_id == known.entity.project_id]
    first = min((mark for mark in mine if known.kind in mark.kinds), key=lambda mark: mark.since or BEGINNING, default=None)
    began = None if first is None else first.since or BEGINNING
    # Only values that are cumulative over months need a record to start from.
    opening = first.opening if first and known.kind == ServerSeen.kind else None
    ledger = store.ledger.inspection
    keys = store.lookup.keys_of(f"{known.kind}/{known.entity.uuid}")
    return Background(
        rules=rules,
        began=began,
        first_month=Month.of(Month.of(opening).start - SECOND) if opening else None if began is None else Month.of(began),
        vo_of={mark.scope.project_id: mark.vo for mark in marks if mark.vo},
        entries=list(ledger.entries(Selection(keys=keys), ledger.messengers())),
        metered=store.metered(known.place, [known.entity.uuid]).get(known.entity.uuid, NOTHING),
    )
