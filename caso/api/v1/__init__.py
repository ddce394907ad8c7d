"""Almanach's API, version 1: every route."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import NamedTuple

from flask import Blueprint, Response

from caso.api import guard
from caso.api.desk import Desk
from caso.api.v1 import entities, info, instances, volume_types, volumes

Handler = Callable[..., Response]


class Route(NamedTuple):
    method: str
    path: str
    handler: Handler


ROUTES = (
    Route("GET", "/info", info.show),
    Route("POST", "/project/<project_id>/instance", instances.create),
    Route("DELETE", "/instance/<instance_id>", instances.delete),
    Route("PUT", "/instance/<instance_id>/resize", instances.resize),
    Route("PUT", "/instance/<instance_id>/rebuild", instances.rebuild),
    Route("GET", "/project/<project_id>/instances", instances.show),
    Route("POST", "/project/<project_id>/volume", volumes.create),
    Route("DELETE", "/volume/<volume_id>", volumes.delete),
    Route("PUT", "/volume/<volume_id>/resize", volumes.resize),
    Route("PUT", "/volume/<volume_id>/attach", volumes.attach),
    Route("PUT", "/volume/<volume_id>/detach", volumes.attach),
    Route("GET", "/project/<project_id>/volumes", volumes.show),
    Route("GET", "/project/<project_id>/entities", entities.show),
    Route("PUT", "/entity/instance/<instance_id>", entities.update),
    Route("GET", "/entity/<entity_id>", entities.get),
    Route("GET", "/volume_types", volume_types.show),
    Route("GET", "/volume_type/<type_id>", volume_types.get),
    Route("POST", "/volume_type", volume_types.create),
    Route("DELETE", "/volume_type/<type_id>", volume_types.delete),
)

OPEN = frozenset({info.show})
"""Handlers that anybody may use, without a token."""


def blueprint(name: str, desk: Desk) -> Blueprint:
    """All routes, under a name of its own for each place that they are mounted at."""
    made = Blueprint(name, __name__)
    for number, route in enumerate(ROUTES):
        view: Handler = update_wrapper(partial(route.handler, desk), route.handler)
        setattr(view, guard.OPEN, route.handler in OPEN)
        made.add_url_rule(route.path, f"{route.handler.__name__}-{number}", view, methods=[route.method])
    return made
