"""Servers, which Almanach calls instances."""

from __future__ import annotations

from flask import Response

from caso.api import bodies, dates, servers
from caso.api.answers import empty
from caso.api.desk import Desk
from caso.api.rows import SERVER
from caso.api.servers import NewServer
from caso.api.v1 import asked
from caso.api.v1.listing import listing


def show(desk: Desk, project_id: str) -> Response:
    return listing(desk, project_id, SERVER)


def create(desk: Desk, project_id: str) -> Response:
    body = asked.body()
    uuid, created, flavor, os_type, distro, version, name = bodies.fields(
        body, "id", "created_at", "flavor", "os_type", "os_distro", "os_version", "name"
    )
    when = dates.of_body(created)
    known = desk.find(bodies.identity(uuid), SERVER)
    new = NewServer(
        uuid=uuid,
        project_id=bodies.identity(project_id),
        created=when,
        name=bodies.text(name),
        flavor=desk.flavor(bodies.identity(flavor), known[0].entity if known else None),
        image_meta=servers.image_meta_of(distro, version, os_type),
    )
    pen = desk.pen()
    place = known[0].place if known else desk.place_for_new()
    desk.store.lives.write(place, SERVER, uuid, lambda server: servers.create(desk, server, new, pen))
    return empty(201)


def delete(desk: Desk, instance_id: str) -> Response:
    date = bodies.field(asked.body(), "date")
    pen = desk.pen()
    desk.change(SERVER, instance_id, lambda server: servers.delete(desk, server, instance_id, date, pen))
    return empty(202)


def resize(desk: Desk, instance_id: str) -> Response:
    date, name = bodies.fields(asked.body(), "date", "flavor")
    at, name, known = dates.of_body(date), bodies.identity(name), desk.find(instance_id, SERVER)
    flavor = desk.flavor(name, known[0].entity if known else None)
    pen = desk.pen()
    desk.change(SERVER, instance_id, lambda server: servers.resize(desk, server, instance_id, at, flavor, pen))
    return empty(200)


def rebuild(desk: Desk, instance_id: str) -> Response:
    distro, version, os_type, date = bodies.fields(asked.body(), "distro", "version", "os_type", "rebuild_date")
    at, image_meta, pen = dates.of_body(date), servers.image_meta_of(distro, version, os_type), desk.pen()
    desk.change(SERVER, instance_id, lambda server: servers.rebuild(desk, server, instance_id, at, image_meta, pen))
    return empty(200)
