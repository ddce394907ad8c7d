"""What an administrator decides about deliveries: that records are sent again, or never mind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select

from caso.store import courses, subscriptions
from caso.store.engine import chunks
from caso.store.schema import deliveries
from caso.store.standing import Selection, State, standings


class _Found(NamedTuple):
    key: str
    kind: str
    revision: int


def make_due(connection: Connection, messenger: str, states: Collection[State], chosen: Selection, at: datetime) -> Counter[str]:
    """Make the records chosen that are in one of ``states`` due to the messenger, and no others; how many of each kind."""
    found = _alone(connection, messenger, states, chosen)
    for kind, rows in _by_kind(found).items():
        lowest = min(row.revision for row in rows)
        subscriptions.lower_floor(connection, messenger, kind, lowest - 1, {row.key for row in rows}, at)
    for chunk in chunks(row.key for row in found):
        connection.execute(delete(deliveries).where(and_(deliveries.c.messenger == messenger, deliveries.c.key.in_(chunk))))
    return Counter(row.kind for row in found)


def skip(connection: Connection, messenger: str, chosen: Selection, at: datetime) -> Counter[str]:
    """Send none of the records chosen that are due or set aside to the messenger, until they change; how many of each kind."""
    found = _alone(connection, messenger, (State.DUE, State.SET_ASIDE), chosen)
    subscriptions.pass_over(connection, messenger, [(row.key, row.revision) for row in found], subscriptions.FORGOTTEN, at)
    subscriptions.raise_floors(connection, messenger, {row.kind for row in found})
    return Counter(row.kind for row in found)


def _alone(connection: Connection, messenger: str, states: Collection[State], chosen: Selection) -> list[_Found]:
    """What is found, each of which stands for itself from now on: what is decided of it is not decided of a whole course."""
    courses.put_to_rest(connection, [row.key for row in _find(connection, messenger, states, chosen)])
    return _find(connection, messenger, states, chosen)


def _find(connection: Connection, messenger: str, states: Collection[State], chosen: Selection) -> list[_Found]:
    rows = standings(connection, messenger, chosen)
    wanted = rows.c.state.in_([state.value for state in states])
    return [_Found(*row) for row in connection.execute(select(rows.c.key, rows.c.kind, rows.c.revision).where(wanted))]


def _by_kind(rows: Sequence[_Found]) -> dict[str, list[_Found]]:
    found: dict[str, list[_Found]] = {}
    for row in rows:
        found.setdefault(row.kind, []).append(row)
    return found
