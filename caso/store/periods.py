"""What is asked for a page of all that was a project's and lived in a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, not_, or_, select, true, tuple_, union_all

from caso.store.engine import CHUNK
from caso.store.schema import entities, former_owners
from caso.store.spans import lived_between, period

_KEY = ("cloud", "region", "kind", "id")
COLUMNS = [entities.c[name] for name in (*_KEY, "created", "known_at", "body")]
_ORDER = [entities.c.created, entities.c.id]


class Mark(NamedTuple):
    """Where a page ended: the next begins after it."""

    created: datetime
    id: str


@lru_cache(32)
def page(kinds: Sequence[str], *, beyond: bool, including: bool) -> Select[Any]:
    """What is asked for a page: the first of each kind and class, each by the index and in its order, merged.

    Asked for all classes at once, databases read what lived in the period for each page anew, to sort it. Kept, since
    SQLAlchemy takes longer to put this together than a database to answer.
    """
    further = _beyond(including=including) if beyond else true()
    classes = [and_(lived, further) for lived in lived_between()]
    mine = entities.c.project_id == bindparam("project_id")
    own = [and_(mine, entities.c.kind == kind, one) for kind in kinds for one in classes]
    # Apart, since a database that may use the index for one of the two would use it for neither.
    ids = select(*(former_owners.c[name] for name in _KEY)).where(former_owners.c.project_id == bindparam("project_id"))
    given = tuple_(*(entities.c[name] for name in _KEY)).in_(ids)
    other = and_(given, not_(mine), entities.c.kind.in_(kinds), or_(*classes))
    parts = (select(*COLUMNS).where(which).order_by(*_ORDER).limit(CHUNK) for which in (*own, other))
    both = union_all(*(part.subquery().select() for part in parts)).subquery()
    return select(both).order_by(both.c.created, both.c.id).limit(CHUNK)


def _beyond(*, including: bool) -> ColumnElement[bool]:
    created: BindParameter[datetime] = bindparam("mark_created")
    uuid: BindParameter[str] = bindparam("mark_id")
    further = entities.c.id >= uuid if including else entities.c.id > uuid
    return or_(entities.c.created > created, and_(entities.c.created == created, further))


def values(project_id: str, start: datetime, end: datetime, mark: Mark | None) -> dict[str, Any]:
    """The values of :func:`page`."""
    mine = {"project_id": project_id}
    if mark is None:
        return mine | period(start, end)
    return mine | {"mark_created": mark.created, "mark_id": mark.id} | period(start, end, mark.created)
