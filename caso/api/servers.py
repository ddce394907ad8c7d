"""What people write of servers: each function is a server as it was known, and what it is then."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from caso.api import bodies, dates, edits
from caso.api.desk import Desk, Pen
from caso.api.errors import NotFoundError, RefusedError
from caso.api.replay import history
from caso.api.rows import SERVER, Row
from caso.api.validation import Changes
from caso.lifecycle.notes import What
from caso.lifecycle.server import Flavor, Server, ServerState, as_written
from caso.lifecycle.written import Field, Written

RUNNING = "ACTIVE"
"""Nova's word for what a person says exists: Almanach knows no other."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewServer:
    """A server as it is posted."""

    uuid: str
    project_id: str
    created: datetime
    name: str | None
    flavor: Flavor
    image_meta: dict[str, Any]


def create(desk: Desk, known: Server | None, new: NewServer, pen: Pen) -> Server:
    """The server; of one that is known what it says otherwise is written, so that it may be posted twice."""
    image_meta = pen.entry(new.created, Field.IMAGE_META, new.image_meta)
    name = pen.entry(new.created, Field.NAME, new.name)
    if known is None:
        state = ServerState(RUNNING, new.project_id, new.flavor)
        return as_written(new.uuid, state, new.created, pen.now, [name, image_meta], name=new.name)
    if known.project_id != new.project_id:
        raise RefusedError(f"InstanceId: {new.uuid} is known in another project")
    if known.ended is not None:
        return _as_it_ended(known, new.created)
    active = desk.active(SERVER, known)
    if active is not None and active.last_event > new.created:
        return known
    said: list[Written] = []
    if len(desk.rows(SERVER, known)) <= 1 and known.created != new.created:
        said.append(pen.entry(new.created, Field.CREATED, new.created.isoformat()))
    if active is None or active.name != new.name:
        said.append(name)
    if active is None or active.facts["flavor"] != new.flavor.name:
        said.append(pen.entry(new.created, Field.FLAVOR, dataclasses.asdict(new.flavor)))
    if [moment.value for moment in history(known, What.IMAGE_META)][-1:] != [new.image_meta]:
        said.append(image_meta)
    return known.with_written(said)


def _as_it_ended(known: Server, created: datetime) -> Server:
    if known.ended is not None and created > known.ended:
        raise RefusedError(f"InstanceId: {known.uuid} has ended, and no other has its id")
    return known


def delete(desk: Desk, known: Server | None, uuid: str, date: Any, pen: Pen) -> Server:
    row = desk.active(SERVER, known) if known else None
    if known is None or row is None:
        raise NotFoundError(f"InstanceId: {uuid} Not Found")
    return known.with_written([pen.entry(*_end(row, dates.of_body(date)))])


def _end(row: Row, at: datetime) -> tuple[datetime, Field, str]:
    require_order(row.start, at)
    return at, Field.ENDED, at.isoformat()


def require_order(start: datetime, end: datetime | None) -> None:
    if end is not None and end < start:
        raise RefusedError(f"The end {dates.shown(end)} is before the start {dates.shown(start)}")


def resize(desk: Desk, known: Server | None, uuid: str, at: datetime, flavor: Flavor, pen: Pen) -> Server:
    server, rows = _going_on(desk, known, uuid)
    require_lived(server.created, at)
    if row_at(rows, at).facts["flavor"] == flavor.name:
        return server
    return server.with_written([pen.entry(at, Field.FLAVOR, dataclasses.asdict(flavor))])


def require_lived(created: datetime, at: datetime) -> None:
    if at < created:
        raise RefusedError(f"The date {dates.shown(at)} is before the creation at {dates.shown(created)}")


def row_at(rows: list[Row], at: datetime) -> Row:
    """The row of a time; the first of one before all."""
    return next((row for row in reversed(rows) if row.start <= at), rows[0])


def rebuild(desk: Desk, known: Server | None, uuid: str, at: datetime, image_meta: dict[str, Any], pen: Pen) -> Server:
    server, _ = _going_on(desk, known, uuid)
    require_lived(server.created, at)
    before = [moment.value for moment in history(server, What.IMAGE_META) if moment.at <= at]
    if before[-1:] == [image_meta]:
        return server
    return server.with_written([pen.entry(at, Field.IMAGE_META, image_meta)])


def _going_on(desk: Desk, known: Server | None, uuid: str) -> tuple[Server, list[Row]]:
    rows = desk.rows(SERVER, known) if known else []
    if known is None or not any(row.end is None for row in rows):
        raise NotFoundError(f"Entity {uuid} not found")
    return known, rows


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime


def row_to_edit(desk: Desk, known: Server | None, uuid: str, period: Period | None) -> Row:
    """The row that goes on; with a period, the one that began and ended within it."""
    if period is None:
        _, rows = _going_on(desk, known, uuid)
        return next(row for row in rows if row.end is None)
    rows = desk.rows(SERVER, known) if known else []
    closed = [row for row in rows if row.end is not None and row.start >= period.start and row.end <= period.end]
    if len(closed) > 1:
        raise RefusedError("Multiple entities found while updating a closed entity")
    if not closed:
        raise NotFoundError(f"InstanceId: {uuid} Not Found with start")
    return closed[0]


def edit(
    desk: Desk, known: Server | None, uuid: str, period: Period | None, changes: Changes, flavor: Flavor | None, pen: Pen
) -> Server:
    """The server with one row of it edited; ``flavor`` is what it is billed as, where that may be otherwise now."""
    row = row_to_edit(desk, known, uuid, period)
    if known is None:
        raise NotFoundError(f"Entity {uuid} not found")
    new = edits.changed(row, changes)
    require_order(new.start, new.end)
    return known.with_written(edits.entries(known, desk.rows(SERVER, known), row, changes, flavor, pen.id, pen.now))


def image_meta_of(distro: Any, version: Any, os_type: Any) -> dict[str, Any]:
    """What an image says of itself, of what requests tell one by one."""
    return {"distro": bodies.text(distro), "version": bodies.text(version), "os_type": bodies.text(os_type)}
