"""Until when each scope is extracted, and what its accounting began with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Update, and_, bindparam, func, insert, select, update

from caso.store.engine import Database
from caso.store.names import Place, Scope
from caso.store.schema import checkpoints, legacy_checkpoints

NAME_LENGTH = 255


class Checkpoint(NamedTuple):
    """``until`` is how far the scope is extracted.

    ``since`` is where its accounting began, None for the beginning of time; ``opening`` the cut at
    which servers that lived then are owed a closing record of the month before, if that is so.
    ``retired`` is when the project was found to be no longer ours. ``service`` is the name of the service that the
    records of the scope carry, ``kinds`` are the kinds of objects that its extractor observes. ``project_name`` is the
    project's as last told, ``succeeded`` when a run last saw all of its window. ``listed`` is when a run last
    listed all that there was, with what its extractor noted of that in ``listed_note``; ``vouched`` is until when what is
    known and lives was last known to be there by other means.
    """

    scope: Scope
    since: datetime | None
    opening: datetime | None
    until: datetime
    vo: str | None
    retired: datetime | None
    service: str | None = None
    kinds: frozenset[str] = frozenset()
    project_name: str | None = None
    succeeded: datetime | None = None
    listed: datetime | None = None
    listed_note: str | None = None
    vouched: datetime | None = None


class Checkpoints:
    """The checkpoints of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: Scope) -> Checkpoint | None:
        row = self._connection.execute(select(checkpoints).where(_is(scope))).one_or_none()
        return None if row is None else _checkpoint(row)

    def siblings(self, scope: Scope) -> list[Checkpoint]:
        """Those of every extractor of this project in this place."""
        mine = and_(*(checkpoints.c[field] == value for field, value in scope._asdict().items() if field != "extractor"))
        return [_checkpoint(row) for row in self._connection.execute(select(checkpoints).where(mine))]

    def of_project(self, cloud: str, project_id: str) -> list[Checkpoint]:
        """Those of every region and extractor of this project."""
        mine = and_(checkpoints.c.cloud == cloud, checkpoints.c.project_id == project_id)
        return [_checkpoint(row) for row in self._connection.execute(select(checkpoints).where(mine))]

    def all(self) -> list[Checkpoint]:
        """Every checkpoint, retired ones too, by scope."""
        return [_checkpoint(row) for row in self._connection.execute(select(checkpoints).order_by(*checkpoints.primary_key))]

    def legacy(self, project_id: str, project_name: str | None) -> datetime | None:
        """Until when cASO extracted the project; the later one where it has a file by id and one by name."""
        names = [project_id] if project_name is None else [project_id, project_name]
        found: datetime | None = self._connection.scalar(
            select(func.max(legacy_checkpoints.c.until)).where(legacy_checkpoints.c.project.in_(names))
        )
        return found

    def advance(
        self,
        scope: Scope,
        until: datetime,
        *,
        since: datetime | None = None,
        opening: datetime | None = None,
        vo: str | None = None,
        service: str | None = None,
        kinds: frozenset[str] = frozenset(),
    ) -> None:
        """Move a checkpoint on, or make it; a retired one comes back. ValueError where it would move back.

        ``since`` and ``opening`` are facts of the beginning: they are taken when the checkpoint is made,
        and then kept. ``vo`` and ``service`` are kept where None is given; ``kinds`` are added to.
        """
        held = self.get(scope)
        if held is None:
            row = {**scope._asdict(), "since": since, "opening": opening, "until": until, "vo": vo, "service": service}
            self._connection.execute(insert(checkpoints).values({**row, "kinds": " ".join(sorted(kinds))}))
            return
        if until < held.until:
            raise ValueError(f"{scope}: the checkpoint is at {held.until:%FT%TZ} and cannot go back to {until:%FT%TZ}")
        self._connection.execute(
            _update(scope).values(
                until=until,
                vo=vo or held.vo,
                service=service or held.service,
                kinds=" ".join(sorted(held.kinds | kinds)),
                retired=None,
            )
        )

    def note_names(self, names: Mapping[Scope, str]) -> None:
        """Keep the names of projects, which only the cloud knows; a scope that has no checkpoint is passed over."""
        held = {one.scope: one.project_name for one in self.all()}
        new = {scope: name[:NAME_LENGTH] for scope, name in names.items() if scope in held}
        self._set("project_name", {scope: name for scope, name in new.items() if held[scope] != name})

    def note_success(self, scopes: Iterable[Scope], at: datetime) -> None:
        """A run saw all of the windows of these scopes."""
        self._set("succeeded", dict.fromkeys(scopes, at))

    def _set(self, column: str, values: Mapping[Scope, Any]) -> None:
        """One statement for all: there may be thousands of scopes."""
        mine = and_(*(checkpoints.c[field] == bindparam(f"of_{field}") for field in Scope._fields))
        rows = [
            {f"of_{field}": part for field, part in scope._asdict().items()} | {"value": value} for scope, value in values.items()
        ]
        if rows:
            self._connection.execute(update(checkpoints).where(mine).values({column: bindparam("value")}), rows)

    def note_listing(self, scope: Scope, at: datetime, note: str) -> None:
        """All that there was of the scope was listed by a run that began to ask at ``at``."""
        self._connection.execute(_update(scope).values(listed=at, listed_note=note))

    def vouched(self, place: Place, extractor: str) -> dict[str, datetime]:
        """By project, until when what an extractor knows there was last vouched for."""
        mine = and_(
            checkpoints.c.cloud == place.cloud, checkpoints.c.region == place.region, checkpoints.c.extractor == extractor
        )
        rows = self._connection.execute(select(checkpoints.c.project_id, checkpoints.c.vouched).where(mine))
        return {row.project_id: row.vouched for row in rows if row.vouched}

    def forget_listing(self, scope: Scope) -> None:
        """What is known of the scope is not to be built on: the next run that asks is to list everything."""
        self._connection.execute(_update(scope).values(listed=None, listed_note=None))

    def note_vouched(self, scope: Scope, at: datetime) -> None:
        """What is known of the scope and lives was there at ``at``."""
        self._connection.execute(_update(scope).values(vouched=at))

    def retire(self, scope: Scope, at: datetime) -> None:
        """Should it come back, it may have changed in every way meanwhile."""
        self._connection.execute(_update(scope).values(retired=at))
        self.forget_listing(scope)


class CheckpointReader:
    """Checkpoints as they are, outside of any transaction of the caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, scope: Scope) -> Checkpoint | None:
        with self._database.read() as connection:
            return Checkpoints(connection).get(scope)

    def all(self) -> list[Checkpoint]:
        with self._database.read() as connection:
            return Checkpoints(connection).all()

    def legacy(self, project_id: str, project_name: str | None) -> datetime | None:
        with self._database.read() as connection:
            return Checkpoints(connection).legacy(project_id, project_name)


def _is(scope: Scope) -> Any:
    return and_(*(checkpoints.c[field] == value for field, value in scope._asdict().items()))


def _update(scope: Scope) -> Update:
    return update(checkpoints).where(_is(scope))


def _checkpoint(row: Row[Any]) -> Checkpoint:
    scope = Scope(row.cloud, row.region, row.project_id, row.extractor)
    kinds = frozenset(row.kinds.split())
    return Checkpoint(
        *(scope, row.since, row.opening, row.until, row.vo, row.retired, row.service, kinds),
        project_name=row.project_name,
        succeeded=row.succeeded,
        listed=row.listed,
        listed_note=row.listed_note,
        vouched=row.vouched,
    )
